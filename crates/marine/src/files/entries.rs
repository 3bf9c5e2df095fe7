use bytes::Bytes;
use weir_receipt::state::{KeyRange, Nodes, Order, StateError, Transaction};

/// An ordered map with quotas: where a file system keeps what it has.
pub(crate) trait Entries: Send {
    /// What a key holds.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StateError>;

    /// Sets a key.
    fn set(&mut self, key: &[u8], value: Bytes) -> Result<(), StateError>;

    /// Removes a key, if it is there.
    fn delete(&mut self, key: &[u8]) -> Result<(), StateError>;

    /// The first keys of a range, at most that many.
    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, StateError>;

    /// The first entry of a range.
    fn first(&self, range: &KeyRange) -> Result<Option<(Vec<u8>, Bytes)>, StateError>;

    /// How many keys there are.
    fn count(&self) -> u64;
}

impl<N: Nodes + Send> Entries for Transaction<N> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        Self::get(self, key)
    }

    fn set(&mut self, key: &[u8], value: Bytes) -> Result<(), StateError> {
        Self::set(self, key, value).map(|_| ())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StateError> {
        Self::delete(self, key).map(|_| ())
    }

    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, StateError> {
        Self::keys(self, range, Order::Ascending)
            .take(limit)
            .collect()
    }

    fn first(&self, range: &KeyRange) -> Result<Option<(Vec<u8>, Bytes)>, StateError> {
        self.range(range, Order::Ascending).next().transpose()
    }

    fn count(&self) -> u64 {
        Self::entries(self)
    }
}
