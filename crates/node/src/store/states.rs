//! The table of the states of services.

use std::ops::Bound;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use weir_marine::states::{Backing, BackingError, Record, StateWrite};

use super::change::{Change, Table};
use super::layer::Layer;
use super::{Store, after, bound};

/// Adds what a commit of a state writes.
pub(super) fn add(changes: &mut Layer, write: &StateWrite) {
    let (key, change) = match write {
        StateWrite::Put { key, value } => (key, Change::Put(value.clone())),
        StateWrite::Delete { key } => (key, Change::Delete),
        StateWrite::DeleteOlder { key, than } => (key, Change::DeleteOlder(*than)),
    };
    changes.add(Table::States, key.clone(), change);
}

/// Reads the states in a store, until its owner closes it.
#[derive(Debug)]
pub struct StateTable(Weak<Store>);

impl StateTable {
    /// Does not keep the store open.
    pub fn of(store: &Arc<Store>) -> Arc<Self> {
        Arc::new(Self(Arc::downgrade(store)))
    }

    fn store(&self) -> Result<Arc<Store>, BackingError> {
        let store = self.0.upgrade();
        store.ok_or_else(|| BackingError::new("the store is closed"))
    }

    fn range<T>(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
        take: impl Fn(&[u8], &[u8]) -> T,
    ) -> Result<Vec<T>, BackingError> {
        let end = after(prefix);
        let range = (Bound::Included(from.max(prefix)), bound(end.as_deref()));
        let store = self.store()?;
        let read = store
            .contents
            .view(None, |view| view.range(Table::States, range, limit, take));
        read.map_err(BackingError::new)
    }
}

impl Backing for StateTable {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        let store = self.store()?;
        let read = store
            .contents
            .view(None, |view| view.get(Table::States, key));
        read.map_err(BackingError::new)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Record>, BackingError> {
        self.range(prefix, from, limit, |key, value| {
            (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))
        })
    }

    fn keys(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Bytes>, BackingError> {
        self.range(prefix, from, limit, |key, _| Bytes::copy_from_slice(key))
    }
}
