//! What becomes of a key: what journals hold and layers remember.

use bytes::Bytes;
use redb::TableDefinition;
use weir_marine::states::StateWrite;

/// The tables of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// What the peer writes.
    Records,
    /// The states of services.
    States,
    /// What is kept of calls, by request.
    Evidence,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Records, Self::States, Self::Evidence];

    pub(super) fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Records => "records",
            Self::States => "states",
            Self::Evidence => "evidence",
        })
    }
}

/// A change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(Bytes),
    Delete,
    /// Deletes what a commit before this number wrote ([`StateWrite::is_older`]).
    DeleteOlder(u64),
}

impl Change {
    /// What remains of two changes of a key.
    pub(super) fn after(self, before: Self) -> Self {
        match (self, before) {
            (Self::DeleteOlder(than), Self::Put(value)) if StateWrite::is_older(&value, than) => {
                Self::Delete
            }
            (Self::DeleteOlder(than), Self::DeleteOlder(before)) => {
                Self::DeleteOlder(than.max(before))
            }
            (Self::DeleteOlder(_), before) => before,
            (change, _) => change,
        }
    }

    /// What a key holds that held `before`.
    pub(super) fn of<'a>(&'a self, before: Option<&'a [u8]>) -> Option<&'a [u8]> {
        match self {
            Self::Put(value) => Some(value),
            Self::Delete => None,
            Self::DeleteOlder(than) => before.filter(|value| !StateWrite::is_older(value, *than)),
        }
    }
}
