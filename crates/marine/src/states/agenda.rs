//! Which services have something to forget, and when: so that old roots go also if nothing more is committed.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use weir_identity::Hash;

use super::StatesError;
use super::backing::Backing;
use super::layout::{HEADS, name_of_head};

/// Services that are looked at for one portion.
pub(super) const AT_ONCE: usize = 64;

/// Services with old roots. Each is here once, in about 150 bytes, from the commit that replaced a root until nothing
/// is left to forget.
#[derive(Default)]
pub(super) struct Agenda {
    /// When the time of a root of this service is over.
    by_time: BTreeSet<(u64, Hash)>,
    times: HashMap<Hash, u64>,
    /// Where the look at what the store held when it was opened goes on; `None` after its end.
    unseen: Option<Vec<u8>>,
}

impl Agenda {
    /// An agenda that finds out what there is in a store.
    pub(super) fn of_store() -> Self {
        Self {
            unseen: Some(HEADS.to_vec()),
            ..Self::default()
        }
    }

    /// Notes that a service has something to forget at this time, or earlier if that is noted already.
    pub(super) fn add(&mut self, name: Hash, at_ms: u64) {
        if let Some(noted_ms) = self.times.get(&name).copied() {
            if noted_ms <= at_ms {
                return;
            }
            self.by_time.remove(&(noted_ms, name));
        }
        self.times.insert(name, at_ms);
        self.by_time.insert((at_ms, name));
    }

    /// When the next one is due.
    pub(super) fn next_ms(&self) -> Option<u64> {
        if self.unseen.is_some() {
            return Some(0);
        }
        self.by_time.first().map(|(at_ms, _)| *at_ms)
    }

    /// Takes the service that has waited longest, if its time has come.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Hash> {
        let (_, name) = *self.by_time.first().filter(|(at_ms, _)| *at_ms <= now_ms)?;
        self.by_time.pop_first();
        self.times.remove(&name);
        Some(name)
    }

    /// The names of some more services of the store as it was opened.
    pub(super) fn unseen(&mut self, backing: &dyn Backing) -> Result<Vec<Hash>, StatesError> {
        let Some(from) = self.unseen.take() else {
            return Ok(Vec::new());
        };
        let keys: Vec<Bytes> = backing.keys(HEADS, &from, AT_ONCE)?;
        if keys.len() == AT_ONCE {
            self.unseen = keys.last().map(|last| [last, &[0][..]].concat());
        }
        let names = keys.iter().map(|key| {
            name_of_head(key).ok_or(StatesError::Damaged("the key of the root of a service"))
        });
        names.collect()
    }
}
