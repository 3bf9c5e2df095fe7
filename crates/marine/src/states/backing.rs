//! What a store must be able to do to keep the state of services.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;

/// The ordered map in which the state of all services is kept: read here, written by its owner.
///
/// What was reported as [written](super::States::written) must be found by every later read.
pub trait Backing: Send + Sync {
    /// What `key` holds.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError>;

    /// At most `limit` records whose keys begin with `prefix` and are not less than `from`, in key order.
    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Record>, BackingError>;

    /// The keys of what [`scan`](Backing::scan) would find.
    fn keys(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Bytes>, BackingError>;
}

/// A key and what it holds.
pub type Record = (Bytes, Bytes);

/// The store cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct BackingError(pub Arc<dyn Error + Send + Sync>);

impl BackingError {
    /// Says what the store says.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

/// A change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateWrite {
    /// Sets a key.
    Put {
        /// The key.
        key: Bytes,
        /// What it holds from now on.
        value: Bytes,
    },
    /// Removes a key, if it is there.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// Removes a key if it is there and [`is_older`](StateWrite::is_older) holds of its value at this point of the
    /// batch.
    DeleteOlder {
        /// The key.
        key: Bytes,
        /// The commit before which it must have been written.
        than: u64,
    },
}

impl StateWrite {
    /// Whether a value was written by a commit before number `than`: its first eight bytes are the number, big endian.
    pub fn is_older(value: &[u8], than: u64) -> bool {
        value
            .first_chunk::<8>()
            .is_some_and(|born| u64::from_be_bytes(*born) < than)
    }
}
