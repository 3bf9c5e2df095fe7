//! Deletes old roots and removed states, a portion with every commit.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::backing::{Backing, StateWrite};
use super::layout::{GARBAGE, Id, List, ListAt, decode_garbage};
use super::life::{Inner, Life, Oldest};
use super::{Shared, StatesError};

/// Parts of lists that are read at once.
const PARTS: usize = 8;

/// Things that are deleted with a commit, however small it is.
const LEAST: usize = 32;

/// How long it takes until an old root that is held is looked at again, in milliseconds.
const HELD_MS: u64 = 1_000;

/// The list with which forgetting goes on.
fn oldest(backing: &dyn Backing, life: &Life, inner: &mut Inner) -> Result<Oldest, StatesError> {
    if let Some(oldest) = inner.oldest {
        return Ok(oldest);
    }
    let lists = life.id.lists();
    let found = backing.scan(&lists, &lists, 1)?;
    let oldest = match found.first() {
        Some((key, value)) => Oldest {
            at: read_at(key)?,
            replaced_ms: Some(read_list(value)?.replaced_ms),
        },
        None => Oldest {
            at: ListAt { commit: 0, part: 0 },
            replaced_ms: None,
        },
    };
    inner.oldest = Some(oldest);
    Ok(oldest)
}

/// The number of the oldest commit whose root can still be asked for.
pub(super) fn oldest_kept(
    backing: &dyn Backing,
    life: &Life,
    inner: &mut Inner,
) -> Result<u64, StatesError> {
    let at = oldest(backing, life, inner)?.at;
    // A list of which a part is gone is being worked off.
    Ok(at.commit + u64::from(at.part > 0))
}

/// Forgets roots whose time is over, or after which too much was written, oldest first, until about `budget` nodes and
/// values are gone.
pub(super) fn old_roots(
    shared: &Shared,
    life: &Life,
    inner: &mut Inner,
    now_ms: u64,
    budget: usize,
    writes: &mut Vec<StateWrite>,
) -> Result<(), StatesError> {
    let backing = &*shared.backing;
    let config = &shared.config;
    let too_old = inner.written.commit_before(config.keep_roots_bytes);
    let is_over = |at: ListAt, replaced_ms: u64| {
        let time = replaced_ms.saturating_add(config.keep_roots_ms);
        time <= now_ms || too_old.is_some_and(|commit| at.commit <= commit)
    };
    let mut left = budget.max(LEAST);
    let mut next = oldest(backing, life, inner)?;
    let lists = life.id.lists();
    'portion: while left > 0
        && next
            .replaced_ms
            .is_some_and(|replaced_ms| is_over(next.at, replaced_ms))
    {
        let found = backing.scan(&lists, &life.id.list(next.at), PARTS)?;
        if found.is_empty() {
            // The list is not in the store yet.
            break;
        }
        for (key, value) in &found {
            let (at, list) = (read_at(key)?, read_list(value)?);
            next = Oldest {
                at,
                replaced_ms: Some(list.replaced_ms),
            };
            // What this list names is needed by the roots before its commit.
            let held = inner.oldest_held().is_some_and(|held| held < at.commit);
            if held || left == 0 || !is_over(at, list.replaced_ms) {
                break 'portion;
            }
            forget(life, at, &list, writes);
            left = left.saturating_sub(list.dropped.len() + 2);
            // The time of the next one is found out when it is looked at.
            next.at = at.next();
        }
    }
    inner.oldest = Some(next);
    Ok(())
}

/// When to look for more of it; none if all of it is forgotten.
pub(super) fn next_ms(
    shared: &Shared,
    life: &Life,
    inner: &mut Inner,
    now_ms: u64,
) -> Result<Option<u64>, StatesError> {
    let backing = &*shared.backing;
    let at = oldest(backing, life, inner)?.at;
    let found = backing.scan(&life.id.lists(), &life.id.list(at), 1)?;
    let keep_ms = shared.config.keep_roots_ms;
    let Some((key, value)) = found.first() else {
        // What is on its way into the store was replaced now, or not long ago.
        let more = !inner.is_written();
        return Ok(more.then(|| now_ms.saturating_add(keep_ms)));
    };
    let at = read_at(key)?;
    if inner.oldest_held().is_some_and(|held| held < at.commit) {
        return Ok(Some(now_ms.saturating_add(HELD_MS)));
    }
    let replaced_ms = read_list(value)?.replaced_ms;
    Ok(Some(replaced_ms.saturating_add(keep_ms)))
}

fn forget(life: &Life, at: ListAt, list: &List, writes: &mut Vec<StateWrite>) {
    if at.part == 0 {
        // The same root may have been replaced once more.
        writes.push(StateWrite::DeleteOlder {
            key: life.id.root(&list.root),
            than: at.commit + 1,
        });
    }
    for (kind, of) in &list.dropped {
        let key = life.id.key(*kind, of);
        writes.push(match of.version {
            // It may have been made again.
            0 => StateWrite::DeleteOlder {
                key,
                than: at.commit,
            },
            _ => StateWrite::Delete { key },
        });
    }
    writes.push(StateWrite::Delete {
        key: life.id.list(at),
    });
}

fn read_at(key: &[u8]) -> Result<ListAt, StatesError> {
    ListAt::of_key(key).ok_or(StatesError::Damaged("the key of a list of old nodes"))
}

fn read_list(value: &[u8]) -> Result<List, StatesError> {
    List::decode(value).ok_or(StatesError::Damaged("a list of old nodes"))
}

/// States of removed services.
#[derive(Default)]
pub(super) struct Garbage {
    states: VecDeque<Removed>,
    /// Greater than the generation of any state that was removed since the store was opened, whatever its name.
    generation: u64,
    /// A portion is on its way into the store.
    sweeping: bool,
}

struct Removed {
    id: Id,
    name: Hash,
    generation: u64,
    /// Who may still be reading it; none after the store was opened.
    life: Option<Arc<Life>>,
    /// The last key that was deleted: a store may take its time to step over what is gone.
    deleted: Option<Bytes>,
}

impl Removed {
    /// Nobody reads it, and the store knows that it was removed.
    fn is_free(&self) -> bool {
        self.life.as_ref().is_none_or(|life| life.is_idle())
    }
}

impl Garbage {
    /// Finds what was not deleted before the store was closed.
    pub(super) fn load(backing: &dyn Backing) -> Result<Self, StatesError> {
        let mut garbage = Self::default();
        let mut from = GARBAGE.to_vec();
        loop {
            let found = backing.scan(GARBAGE, &from, 1_000)?;
            let Some((last, _)) = found.last() else {
                return Ok(garbage);
            };
            from = [last, &[0][..]].concat();
            for (_, value) in &found {
                let (name, generation) = decode_garbage(value)
                    .ok_or(StatesError::Damaged("the note of a removed state"))?;
                garbage.generation = garbage.generation.max(generation + 1);
                garbage.states.push_back(Removed {
                    id: Id::new(&name, generation),
                    name,
                    generation,
                    life: None,
                    deleted: None,
                });
            }
        }
    }

    pub(super) fn add(&mut self, life: Arc<Life>) {
        self.generation = self.generation.max(life.generation + 1);
        self.states.push_back(Removed {
            id: life.id,
            name: life.name,
            generation: life.generation,
            life: Some(life),
            deleted: None,
        });
    }

    /// The generation of the next new state. No state has an id that another one had, also if nothing is left of that
    /// in the store: something of it may be in memory, or on its way to be deleted.
    pub(super) fn next_generation(&self) -> u64 {
        self.generation
    }

    /// Whether this state was removed, and is not deleted yet.
    pub(super) fn has(&self, name: &Hash, generation: u64) -> bool {
        let mut states = self.states.iter();
        states.any(|removed| removed.name == *name && removed.generation == generation)
    }

    /// How many states wait to be deleted.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether a portion can be deleted now.
    pub(super) fn can_go_on(&self) -> bool {
        !self.sweeping && self.states.iter().any(Removed::is_free)
    }

    pub(super) fn swept(&mut self) {
        self.sweeping = false;
    }

    /// Deletes about `budget` records of one of them. Says whether there was something to do; then nothing more is
    /// done until this is written.
    pub(super) fn portion(
        &mut self,
        shared: &Shared,
        budget: usize,
        writes: &mut Vec<StateWrite>,
    ) -> Result<bool, StatesError> {
        if self.sweeping {
            return Ok(false);
        }
        let Some(index) = self.states.iter().position(Removed::is_free) else {
            return Ok(false);
        };
        let budget = budget.max(LEAST);
        let removed = &mut self.states[index];
        let id = removed.id;
        let from = match &removed.deleted {
            Some(deleted) => [deleted, &[0][..]].concat(),
            None => id.prefix(),
        };
        let keys = shared.backing.keys(&id.prefix(), &from, budget)?;
        let is_last = keys.len() < budget;
        removed.deleted = keys.last().cloned();
        writes.extend(keys.into_iter().map(|key| StateWrite::Delete { key }));
        if is_last {
            writes.push(StateWrite::Delete { key: id.garbage() });
            self.states.remove(index);
        }
        self.sweeping = true;
        Ok(true)
    }
}
