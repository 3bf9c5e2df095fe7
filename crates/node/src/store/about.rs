//! What a store says about itself.

use redb::{ReadableTable, TableDefinition};

use super::change::Table;
use super::contents::Contents;
use super::{Birth, StoreError};

/// The table of it.
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// The layout of tables and journals. That of 1 had no journals.
pub(super) const VERSION: u64 = 2;

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
            if found != Some(VERSION) {
                let store = getrandom::u64().map_err(|error| contents.refused(error))?;
                fields.extend([("version", VERSION), ("store", store), (SETTLED, 0)]);
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
