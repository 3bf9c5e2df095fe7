use std::path::PathBuf;

use thiserror::Error;
use weir_chain::{ChainError, JournalError};
use weir_node::{RecordsFailure, Stopped};
use weir_package::StoreError;
use weir_peer::RestoreError;

/// Why an agent did not start.
#[derive(Debug, Error)]
pub enum AgentError {
    /// Its folder cannot be made.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The journal of its transactions cannot be used.
    #[error("the journal of transactions: {0}")]
    Journal(#[from] JournalError),
    /// Its blocks of packages cannot be used.
    #[error(transparent)]
    Packages(#[from] StoreError),
    /// The store of the node cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsFailure),
    /// The records in it are no records of deals, or those of another peer.
    #[error("the records of deals cannot be restored: {0}")]
    Restore(#[from] RestoreError),
    /// A key cannot send transactions.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
