//! What a store holds: the database, and over it the layers of what it is still to get.

use std::cmp::Ordering;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase, StorageError, WriteTransaction};

use super::about::{ABOUT, SETTLED};
use super::change::{Change, Table};
use super::layer::Layer;
use super::{StoreError, damaged};

type Tables = [ReadOnlyTable<&'static [u8], &'static [u8]>; Table::ALL.len()];

/// See the module.
#[derive(Debug)]
pub(super) struct Contents {
    path: PathBuf,
    layers: RwLock<Layers>,
    /// The tables as the last transaction left them, if somebody has read them since: to begin a read transaction costs
    /// several times what it takes to find a node.
    tables: RwLock<Option<Arc<OpenTables>>>,
    database: Database,
}

struct OpenTables(Tables);

impl std::fmt::Debug for OpenTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenTables").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Layers {
    /// Gets what is committed.
    active: Layer,
    /// On its way into the database.
    settling: Option<Arc<Layer>>,
}

/// Everything at one moment.
pub(super) struct View<'a> {
    /// The latest first.
    layers: Vec<&'a Layer>,
    tables: Arc<OpenTables>,
}

/// A range of keys.
pub(super) type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

impl Contents {
    pub(super) fn new(path: PathBuf, database: Database) -> Self {
        Self {
            path,
            layers: RwLock::default(),
            tables: RwLock::default(),
            database,
        }
    }

    /// Reads what was committed, and before it what `later` changes. Commits wait meanwhile.
    pub(super) fn view<T>(
        &self,
        later: Option<&Layer>,
        read: impl FnOnce(&View<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StoreError> {
        let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
        let tables = self.tables().map_err(|error| self.failed(error))?;
        let active = [later, Some(&layers.active), layers.settling.as_deref()];
        let layers = active.into_iter().flatten();
        let view = View {
            layers: layers.filter(|layer| !layer.is_empty()).collect(),
            tables,
        };
        read(&view).map_err(|error| self.failed(error))
    }

    fn tables(&self) -> Result<Arc<OpenTables>, redb::Error> {
        let open = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = &*open {
            return Ok(tables.clone());
        }
        drop(open);
        // Who holds this while the tables are opened cannot miss that they are out of date.
        let mut open = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = &*open {
            return Ok(tables.clone());
        }
        let transaction = self.database.begin_read()?;
        let [records, states, evidence] =
            Table::ALL.map(|table| transaction.open_table(table.definition()));
        let tables = Arc::new(OpenTables([records?, states?, evidence?]));
        *open = Some(tables.clone());
        Ok(tables)
    }

    /// Takes what was committed. The bytes of all that waits for the database and is not on its way.
    pub(super) fn add(&self, changes: Layer) -> usize {
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        layers.active.add_all(changes);
        layers.active.bytes()
    }

    /// What is to go into the database now, if there is something; until it is [settled](Contents::settle) nothing else
    /// may go there.
    pub(super) fn freeze(&self) -> Option<Arc<Layer>> {
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(layers.settling.is_none(), "one after the other");
        let active = std::mem::take(&mut layers.active);
        let frozen = (!active.is_empty()).then(|| Arc::new(active));
        layers.settling.clone_from(&frozen);
        frozen
    }

    /// Writes a layer to the database, in which everything up to the journal record of this number is then.
    pub(super) fn settle(&self, layer: &Layer, through: u64) -> Result<(), StoreError> {
        let write = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            for table in Table::ALL {
                write_table(&transaction, table, layer)?;
            }
            transaction.open_table(ABOUT)?.insert(SETTLED, through)?;
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| self.failed(error))?;
        // Who reads finds it in the layer or in the database, and may find it in both.
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        layers.settling = None;
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a transaction beside all layers.
    pub(super) fn begin(&self) -> Result<WriteTransaction, redb::TransactionError> {
        self.database.begin_write()
    }

    pub(super) fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        match error.into() {
            redb::Error::Corrupted(what) => self.damaged(&what),
            error => self.refused(error),
        }
    }

    pub(super) fn damaged(&self, what: &str) -> StoreError {
        damaged(&self.path, what)
    }

    /// The error for what the system does not do.
    pub(super) fn refused(&self, what: impl ToString) -> StoreError {
        StoreError::Io {
            path: self.path.clone(),
            what: what.to_string(),
        }
    }
}

fn write_table(
    transaction: &WriteTransaction,
    table: Table,
    layer: &Layer,
) -> Result<(), redb::Error> {
    let changes = layer.table(table);
    if changes.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(table.definition())?;
    for (key, change) in changes {
        match change {
            Change::Put(value) => {
                table.insert(&key[..], &value[..])?;
            }
            Change::Delete => {
                table.remove(&key[..])?;
            }
            Change::DeleteOlder(_) => {
                // Almost always it is older, and to look first would be to find it twice.
                let found = table.remove(&key[..])?;
                let found = found.map(|value| value.value().to_vec());
                if let Some(value) = change.of(found.as_deref()) {
                    table.insert(&key[..], value)?;
                }
            }
        }
    }
    Ok(())
}

impl View<'_> {
    /// What a key holds.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let mut changes = Vec::new();
        for layer in &self.layers {
            match layer.table(table).get(key) {
                Some(Change::Put(value)) if changes.is_empty() => return Ok(Some(value.clone())),
                Some(change @ Change::DeleteOlder(_)) => changes.push(change),
                Some(change) => {
                    return Ok(outcome(&changes, change.of(None)).map(Bytes::copy_from_slice));
                }
                None => {}
            }
        }
        let found = self.tables.0[table as usize].get(key)?;
        let found = found.as_ref().map(redb::AccessGuard::value);
        Ok(outcome(&changes, found).map(Bytes::copy_from_slice))
    }

    /// What `take` makes of the first keys and values of a range, in key order and not more than `most`.
    pub(super) fn range<T>(
        &self,
        table: Table,
        range: Range<'_>,
        most: usize,
        mut take: impl FnMut(&[u8], &[u8]) -> T,
    ) -> Result<Vec<T>, StorageError> {
        let mut taken = Vec::new();
        if is_empty(range) {
            return Ok(taken);
        }
        let layers = self.layers.iter();
        let mut layers: Vec<_> = layers
            .map(|layer| layer.table(table).range::<[u8], _>(range).peekable())
            .collect();
        let mut records = self.tables.0[table as usize].range::<&[u8]>(range)?;
        let mut below = records.next().transpose()?;
        while taken.len() < most {
            let changed = layers.iter_mut().filter_map(|layer| layer.peek());
            let changed = changed.map(|(key, _)| (*key).clone()).min();
            let order = match (&changed, &below) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(changed), Some((key, _))) => changed[..].cmp(key.value()),
            };
            let record = if order == Ordering::Less {
                None
            } else {
                std::mem::replace(&mut below, records.next().transpose()?)
            };
            let Some(key) = changed.filter(|_| order != Ordering::Greater) else {
                taken.extend(record.map(|(key, value)| take(key.value(), value.value())));
                continue;
            };
            let changes: Vec<&Change> = layers
                .iter_mut()
                .filter_map(|layer| layer.next_if(|(next, _)| **next == key))
                .map(|(_, change)| change)
                .collect();
            let record = record.as_ref().map(|(_, value)| value.value());
            taken.extend(outcome(&changes, record).map(|value| take(&key, value)));
        }
        Ok(taken)
    }
}

/// What a key holds after changes, the latest first, that held `below`.
fn outcome<'a>(changes: &[&'a Change], below: Option<&'a [u8]>) -> Option<&'a [u8]> {
    let earliest_first = changes.iter().rev();
    earliest_first.fold(below, |held, change| change.of(held))
}

/// Whether no key can be in a range, in which case its ends may be in any order.
fn is_empty((begin, end): Range<'_>) -> bool {
    match (begin, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(begin), Bound::Included(end)) => begin > end,
        (
            Bound::Included(begin) | Bound::Excluded(begin),
            Bound::Included(end) | Bound::Excluded(end),
        ) => begin >= end,
    }
}
