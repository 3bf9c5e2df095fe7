//! The table of the states of services.
//!
//! Reads share one read transaction, which ends with the next commit: to begin one costs several times what it takes
//! to find a node.

use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase, TableDefinition, WriteTransaction};
use weir_marine::states::{Backing, BackingError, Record, StateWrite};

use super::{Store, after, bound};

const STATES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("states");

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The table as the last commit left it, if somebody has read it since.
#[derive(Default)]
pub(super) struct Reading(RwLock<Option<Arc<Table>>>);

impl Reading {
    fn table(&self, database: &Database) -> Result<Arc<Table>, redb::Error> {
        let open = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = &*open {
            return Ok(table.clone());
        }
        drop(open);
        // Who holds this while the table is opened cannot miss that it is out of date.
        let mut open = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = &*open {
            return Ok(table.clone());
        }
        let table = Arc::new(database.begin_read()?.open_table(STATES)?);
        *open = Some(table.clone());
        Ok(table)
    }

    /// A commit has changed the table.
    pub(super) fn end(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}

/// Makes the table, or writes to it.
pub(super) fn write<'a>(
    transaction: &WriteTransaction,
    writes: impl IntoIterator<Item = &'a StateWrite>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(STATES)?;
    for write in writes {
        match write {
            StateWrite::Put { key, value } => {
                table.insert(&key[..], &value[..])?;
            }
            StateWrite::Delete { key } => {
                table.remove(&key[..])?;
            }
            StateWrite::DeleteOlder { key, than } => {
                // Almost always it is older, and to look first would be to find it twice.
                let found = table.remove(&key[..])?;
                let younger = found
                    .filter(|value| !StateWrite::is_older(value.value(), *than))
                    .map(|value| value.value().to_vec());
                if let Some(value) = younger {
                    table.insert(&key[..], &value[..])?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the states in a store, until its owner closes it.
#[derive(Debug)]
pub struct StateTable(Weak<Store>);

impl StateTable {
    /// Does not keep the store open.
    pub fn of(store: &Arc<Store>) -> Arc<Self> {
        Arc::new(Self(Arc::downgrade(store)))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Table) -> Result<T, redb::StorageError>,
    ) -> Result<T, BackingError> {
        let store = self.0.upgrade();
        let store = store.ok_or_else(|| BackingError::new("the store is closed"))?;
        let failed = |error: redb::Error| BackingError::new(store.failed(error));
        let table = store.reading.table(&store.database).map_err(failed)?;
        read(&table).map_err(|error| failed(error.into()))
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
        self.read(|table| {
            let found = table.range::<&[u8]>(range)?.take(limit);
            found
                .map(|record| record.map(|(key, value)| take(key.value(), value.value())))
                .collect()
        })
    }
}

impl Backing for StateTable {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        self.read(|table| {
            let found = table.get(key)?;
            Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
        })
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
