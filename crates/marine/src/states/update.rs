//! The turn of one writer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedMutexGuard;
use weir_receipt::state::{Commit, NodeKey};

use super::backing::{Record, StateWrite};
use super::forgetting;
use super::layout::{Head, Id, Kind, List, ListAt, VersionedRoot, encode_replaced, head_key};
use super::life::{Life, Oldest, Ticket, Writes};
use super::snapshot::Snapshot;
use super::{Shared, StatesError};

/// The right to change the state of a service: until it is dropped or commits, the next writer waits.
pub struct Update {
    shared: Arc<Shared>,
    life: Arc<Life>,
    snapshot: Snapshot,
    _turn: OwnedMutexGuard<()>,
}

impl Update {
    pub(super) fn new(
        shared: Arc<Shared>,
        life: Arc<Life>,
        snapshot: Snapshot,
        turn: OwnedMutexGuard<()>,
    ) -> Self {
        Self {
            shared,
            life,
            snapshot,
            _turn: turn,
        }
    }

    /// The state that is to be changed.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Makes `commit`, which must have been made from [the snapshot](Update::snapshot), the state of the service.
    ///
    /// `give` gets what is to be written, before anybody can see the new state: so whatever others find out from it
    /// comes to the store after it, if all use one channel. It gets nothing if the commit changes nothing. `now_ms`,
    /// in milliseconds since 1970, is when the old root was replaced.
    ///
    /// `give` runs while the service is locked: it must not wait, and must not use the [`States`](super::States) or a
    /// [`Snapshot`] (not even drop one, nor the ticket), or this never ends. Sending the writes into a channel without
    /// a bound is what it is for.
    ///
    /// If this fails, nothing has changed.
    ///
    /// # Panics
    /// When `commit` was made from another snapshot, of which nothing could be read any more.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "it is used up: no second state can be made of it"
    )]
    pub fn commit<T>(
        self,
        commit: Commit,
        now_ms: u64,
        give: impl FnOnce(Option<Writes>) -> T,
    ) -> Result<T, StatesError> {
        self.life.check()?;
        let before = self.snapshot.root();
        if commit.root == before && commit.nodes.is_empty() && commit.values.is_empty() {
            return Ok(give(None));
        }
        let Self { shared, life, .. } = &self;
        let mut inner = life.lock();
        if inner.removed {
            return Err(StatesError::Removed);
        }
        let number = inner.number + 1;
        assert_eq!(commit.version, number, "it was made from the snapshot");
        let mut items = made(life.id, &commit);
        let replaced = encode_replaced(number, &inner.root);
        items.push((life.id.root(&before.hash()), replaced));
        let lists = List::parts(&commit, now_ms, before.hash());
        let changes = items.len() + commit.dropped_nodes.len() + commit.dropped_values.len();

        let mut writes = Vec::with_capacity(2 * changes + lists.len() + 1);
        for (key, value) in items.iter().cloned() {
            writes.push(StateWrite::Put { key, value });
        }
        for (part, list) in (0..).zip(&lists) {
            let at = ListAt {
                commit: number,
                part,
            };
            writes.push(StateWrite::Put {
                key: life.id.list(at),
                value: list.encode(),
            });
        }
        let root = VersionedRoot {
            root: commit.root,
            top_version: commit.top_version,
        };
        let head = Head {
            generation: life.generation,
            number,
            root,
        };
        writes.push(StateWrite::Put {
            key: head_key(&life.name),
            value: head.encode(),
        });
        let bytes: usize = items
            .iter()
            .map(|(key, value)| key.len() + value.len() + 128)
            .sum();
        let oldest = inner.oldest;
        forgetting::old_roots(shared, life, &mut inner, now_ms, 2 * changes, &mut writes)?;
        let sweeps = match shared.garbage().portion(shared, changes, &mut writes) {
            Ok(sweeps) => sweeps,
            Err(error) => {
                inner.oldest = oldest;
                return Err(error);
            }
        };

        let ticket = shared.tickets.fetch_add(1, Ordering::Relaxed);
        inner.keep(ticket, items);
        let given = give(Some(Writes {
            writes,
            ticket: Ticket::new(shared.clone(), life.clone(), ticket, bytes, sweeps),
        }));
        inner.number = number;
        inner.root = root;
        let bound = shared.config.keep_roots_bytes;
        inner.written.add(number, bytes as u64, bound);
        // The first list of a state without lists is the oldest.
        if let Some(Oldest { replaced_ms, .. }) = &mut inner.oldest {
            replaced_ms.get_or_insert(now_ms);
        }
        let over_ms = now_ms.saturating_add(shared.config.keep_roots_ms);
        shared.agenda().add(life.name, over_ms);
        drop(inner);
        Ok(given)
    }
}

impl std::fmt::Debug for Update {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update")
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}

/// The records of what a commit makes.
fn made(id: Id, commit: &Commit) -> Vec<Record> {
    let nodes = commit.nodes.iter().map(|item| (Kind::Node, item));
    let values = commit.values.iter().map(|item| (Kind::Value, item));
    // And one for the old root.
    let mut items = Vec::with_capacity(commit.nodes.len() + commit.values.len() + 1);
    for (kind, (hash, bytes)) in nodes.chain(values) {
        let made = NodeKey {
            version: commit.version,
            hash: *hash,
        };
        items.push((id.key(kind, &made), bytes.clone()));
    }
    items
}
