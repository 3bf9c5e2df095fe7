//! What a store says about itself.

use redb::{ReadableTable, TableDefinition};

use super::change::Table;
use super::contents::Contents;
use super::{Birth, StoreError};

/// The table of it.
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// The layout of tables and journals. That of 3 did not tell which functions of a service exclude each other, that of 2
/// had no versions of what is in states either, that of 1 no journals; all are read, and what is written from then on is
/// of this one.
pub(super) const VERSION: u64 = 4;
const WITH_JOURNALS: u64 = 2;

/// The number of the last journal record that the database has.
pub(super) const SETTLED: &str = "settled";

/// See the module.
#[derive(Debug)]
pub(super) struct About {
    pub(super) birth: Birth,
    /// Its number, which its journals have.
    pub(super) store: u64,
    /// The last journal record that the database has.
    pub(super) settled: u64,
}

impl About {
    /// Reads it, or writes it down in a new store; then all tables are there.
    pub(super) fn of(contents: &Contents, birth: Birth) -> Result<Self, StoreError> {
        let failed = |error: redb::Error| contents.failed(error);
        let transaction = contents.begin().map_err(|e| failed(e.into()))?;
        let about = {
            let mut about = transaction
                .open_table(ABOUT)
                .map_err(|e| failed(e.into()))?;
            let found = about.get("version").map_err(|e| failed(e.into()))?;
            let found = found.map(|found| found.value());
            let mut fields = Vec::new();
            match found {
                Some(found) if found > VERSION => {
                    return Err(StoreError::Newer {
                        path: contents.path().to_owned(),
                        found,
                    });
                }
                Some(_) => {}
                None => fields.extend([
                    ("born_ms", birth.at_ms),
                    ("born_with_key", u64::from(birth.with_key)),
                ]),
            }
            if found.is_none_or(|found| found < WITH_JOURNALS) {
                let store = getrandom::u64().map_err(|error| contents.refused(error))?;
                fields.extend([("store", store), (SETTLED, 0)]);
            }
            if found != Some(VERSION) {
                fields.push(("version", VERSION));
            }
            for (name, value) in fields {
                about.insert(name, value).map_err(|e| failed(e.into()))?;
            }
            let field = |name: &str| -> Result<u64, StoreError> {
                let value = about.get(name).map_err(|e| failed(e.into()))?;
                value
                    .map(|value| value.value())
                    .ok_or_else(|| contents.damaged(name))
            };
            Self {
                birth: Birth {
                    at_ms: field("born_ms")?,
                    with_key: field("born_with_key")? == 1,
                },
                store: field("store")?,
                settled: field(SETTLED)?,
            }
        };
        for table in Table::ALL {
            let made = transaction.open_table(table.definition());
            made.map_err(|e| failed(e.into()))?;
        }
        transaction.commit().map_err(|e| failed(e.into()))?;
        Ok(about)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use redb::Database;
    use weir_disk::Durability;
    use weir_peer::{Batch, Write};

    use super::{ABOUT, SETTLED, VERSION};
    use crate::store::{Birth, Store, StoreError};

    const BIRTH: Birth = Birth {
        at_ms: 1_700_000_000_000,
        with_key: true,
    };

    fn open(path: &Path) -> Result<Store, StoreError> {
        Store::open(path, Durability::Process, BIRTH)
    }

    fn commit(store: &Store, key: &[u8]) {
        let writes = vec![Write::Put {
            key: key.to_vec(),
            value: b"value".to_vec(),
        }];
        store.commit(&Batch { writes }).unwrap();
    }

    /// Makes a store say that it has this layout.
    fn dated(path: &Path, layout: u64) {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut about = transaction.open_table(ABOUT).unwrap();
            about.insert("version", layout).unwrap();
            if layout < super::WITH_JOURNALS {
                about.remove("store").unwrap();
                about.remove(SETTLED).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    #[test]
    fn stores_of_earlier_layouts_open_as_they_are() {
        for layout in 1..VERSION {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store");
            let store = open(&path).unwrap();
            commit(&store, b"settled");
            drop(store);
            dated(&path, layout);
            let store = open(&path).unwrap();
            assert_eq!(store.birth(), BIRTH);
            commit(&store, b"later");
            drop(store);
            let found = open(&path).unwrap().scan(b"").unwrap();
            assert_eq!(found.len(), 2, "layout {layout}");
        }
    }

    #[test]
    fn a_journal_of_the_layout_before_is_brought_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("store")).unwrap();
        commit(&store, b"first");
        commit(&store, b"second");
        // As if the process had ended here.
        let killed = tempfile::tempdir().unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap();
        for file in files.map(Result::unwrap) {
            std::fs::copy(file.path(), killed.path().join(file.file_name())).unwrap();
        }
        let path = killed.path().join("store");
        dated(&path, VERSION - 1);
        assert_eq!(open(&path).unwrap().scan(b"").unwrap().len(), 2);
    }

    #[test]
    fn a_store_that_a_newer_weir_wrote_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        drop(open(&path).unwrap());
        dated(&path, VERSION + 1);
        for _ in 0..2 {
            let refused = open(&path).unwrap_err();
            assert!(
                matches!(refused, StoreError::Newer { found, .. } if found == VERSION + 1),
                "{refused}"
            );
        }
    }
}
