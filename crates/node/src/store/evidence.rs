//! The table of what is kept of calls, by request.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};
use weir_identity::Hash;

use super::{Store, StoreError};
use crate::evidence::{EvidenceWrite, Indexed};

const EVIDENCE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("evidence");

/// Makes the table, or writes to it.
pub(super) fn write(
    transaction: &WriteTransaction,
    writes: &[EvidenceWrite],
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(EVIDENCE)?;
    for write in writes {
        match write {
            EvidenceWrite::Put { request, value } => {
                table.insert(&request.as_bytes()[..], &value[..])?;
            }
            EvidenceWrite::Delete { request } => {
                table.remove(&request.as_bytes()[..])?;
            }
        }
    }
    Ok(())
}

impl Store {
    /// What is kept for a request.
    pub(crate) fn evidence(&self, request: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let transaction = self.database.begin_read().map_err(|e| self.failed(e))?;
        let table = match transaction.open_table(EVIDENCE) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let found = table
            .get(&request.as_bytes()[..])
            .map_err(|e| self.failed(e))?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    /// What is kept, without the evidence itself.
    pub(crate) fn evidence_index(&self) -> Result<Vec<Indexed>, StoreError> {
        let transaction = self.database.begin_read().map_err(|e| self.failed(e))?;
        let table = match transaction.open_table(EVIDENCE) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut index = Vec::new();
        for record in table.iter().map_err(|e| self.failed(e))? {
            let (request, value) = record.map_err(|e| self.failed(e))?;
            let request = <[u8; 32]>::try_from(request.value());
            let indexed = request.map(|request| Indexed::of(Hash::from(request), value.value()));
            index.extend(indexed.ok().flatten());
        }
        Ok(index)
    }
}
