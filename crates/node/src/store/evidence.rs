//! The table of what is kept of calls, by request.

use std::ops::Bound;

use bytes::Bytes;
use weir_identity::Hash;

use super::change::{Change, Table};
use super::layer::Layer;
use super::{Store, StoreError};
use crate::evidence::{EvidenceWrite, Indexed};

/// Adds a change of what is kept.
pub(super) fn add(changes: &mut Layer, write: &EvidenceWrite) {
    let (request, change) = match write {
        EvidenceWrite::Put { request, value } => (request, Change::Put(value.clone())),
        EvidenceWrite::Delete { request } => (request, Change::Delete),
    };
    let key = Bytes::copy_from_slice(request.as_bytes());
    changes.add(Table::Evidence, key, change);
}

impl Store {
    /// What is kept for a request.
    pub(crate) fn evidence(&self, request: &Hash) -> Result<Option<Bytes>, StoreError> {
        self.contents
            .view(None, |view| view.get(Table::Evidence, request.as_bytes()))
    }

    /// What is kept, without the evidence itself.
    pub(crate) fn evidence_index(&self) -> Result<Vec<Indexed>, StoreError> {
        let indexed = |request: &[u8], value: &[u8]| {
            let request = <[u8; 32]>::try_from(request).ok()?;
            Indexed::of(Hash::from(request), value)
        };
        let all = (Bound::Unbounded, Bound::Unbounded);
        let found = self.contents.view(None, |view| {
            view.range(Table::Evidence, all, usize::MAX, indexed)
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}
