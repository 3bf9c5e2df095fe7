use std::error::Error;
use std::sync::Arc;

use weir_identity::Hash;

use super::key::KEY_BYTES_MAX;
use super::nodes::NodeKey;
use super::transaction::VALUE_BYTES_MAX;
use crate::wire::Malformed;

/// Why a node or a value could not be fetched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NodesError {
    /// The store does not have it: the root was forgotten, or the store is damaged.
    #[error("the state has no node or value {} of version {}", .0.hash, .0.version)]
    Missing(NodeKey),
    /// The witness does not reach there. That says nothing against what is to be checked.
    #[error("the witness does not hold {0}")]
    Insufficient(Hash),
    /// What is stored is no node.
    #[error("the stored node {hash} is damaged: {problem}")]
    Damaged {
        /// The node.
        hash: Hash,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// The store failed.
    #[error("the store of the state failed: {0}")]
    Store(#[source] Arc<dyn Error + Send + Sync>),
}

/// Why reading or changing a state failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// A node or value could not be fetched.
    #[error(transparent)]
    Nodes(#[from] NodesError),
    /// The key is longer than [`KEY_BYTES_MAX`].
    #[error("a key of {0} bytes: at most {KEY_BYTES_MAX} are possible")]
    KeyTooLong(usize),
    /// The value is longer than [`VALUE_BYTES_MAX`].
    #[error("a value of {0} bytes: at most {VALUE_BYTES_MAX} are possible")]
    ValueTooLong(usize),
    /// The state would have more entries or bytes than the service may use. Nothing was changed.
    #[error("the state would have {needed} {unit}: at most {max} are allowed")]
    Quota {
        /// `entries` or `bytes`.
        unit: &'static str,
        /// How many there would be.
        needed: u64,
        /// How many may be.
        max: u64,
    },
    /// The transaction would hold more changes than it may. Nothing was changed.
    #[error("the transaction would hold {needed} {unit}: at most {max} are allowed")]
    Transaction {
        /// `changed keys` or `changed bytes`.
        unit: &'static str,
        /// How many there would be.
        needed: u64,
        /// How many may be.
        max: u64,
    },
}

impl StateError {
    /// Whether the reason is that a witness does not hold what was asked.
    pub const fn is_insufficient(&self) -> bool {
        matches!(self, Self::Nodes(NodesError::Insufficient(_)))
    }
}
