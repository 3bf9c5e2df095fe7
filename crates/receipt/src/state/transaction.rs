use std::collections::{BTreeMap, btree_map};

use bytes::Bytes;

use super::commit::{Commit, Work};
use super::error::StateError;
use super::key::{KEY_BYTES_MAX, KeyRange};
use super::merged::Merged;
use super::nodes::Nodes;
use super::scan::{Entries, Keys, Order};
use super::tree::Tree;

/// Longest value, in bytes. What is larger is cut by whoever uses the state.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// What a state and a transaction may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the state. Only a growth beyond it is refused: a smaller limit than what is there lets keys be
    /// deleted and values be replaced by shorter ones.
    pub entries: u64,
    /// Bytes of all keys and values of the state, likewise.
    pub bytes: u64,
    /// Keys that one transaction may change.
    pub changed_keys: u64,
    /// Bytes of keys and values that one transaction may hold.
    pub changed_bytes: u64,
}

impl Default for Limits {
    /// 10,000,000 entries and 1 GiB; 100,000 keys and 64 MiB for one transaction.
    fn default() -> Self {
        Self {
            entries: 10_000_000,
            bytes: 1 << 30,
            changed_keys: 100_000,
            changed_bytes: 64 << 20,
        }
    }
}

/// A tree with changes that nobody else sees yet. Dropping it forgets them.
#[derive(Clone, Debug)]
pub struct Transaction<N> {
    tree: Tree<N>,
    limits: Limits,
    changes: BTreeMap<Vec<u8>, Change>,
    changed_bytes: u64,
    entries: u64,
    bytes: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Length of what the key holds in the tree.
    before: Option<u32>,
    /// What it holds now.
    pub(crate) now: Option<Bytes>,
}

impl<N: Nodes> Transaction<N> {
    /// A transaction on the state that `tree` shows.
    pub const fn new(tree: Tree<N>, limits: Limits) -> Self {
        Self {
            entries: tree.root().entries,
            bytes: tree.root().bytes,
            tree,
            limits,
            changes: BTreeMap::new(),
            changed_bytes: 0,
        }
    }

    /// The state as it was.
    pub const fn tree(&self) -> &Tree<N> {
        &self.tree
    }

    /// How many keys there are with the changes.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes of all keys and values with the changes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What `key` holds.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.now.clone()),
            None => self.tree.get(key),
        }
    }

    /// The length in bytes of what `key` holds. Does not fetch the value.
    pub fn value_len(&self, key: &[u8]) -> Result<Option<u32>, StateError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.now.as_ref().map(|value| value.len() as u32)),
            None => self.tree.value_len(key),
        }
    }

    /// Sets `key` to `value`. Says whether it held something before.
    pub fn set(&mut self, key: &[u8], value: impl Into<Bytes>) -> Result<bool, StateError> {
        let value = value.into();
        if key.len() > KEY_BYTES_MAX {
            return Err(StateError::KeyTooLong(key.len()));
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(StateError::ValueTooLong(value.len()));
        }
        self.change(key, Some(value))
    }

    /// Removes `key`. Says whether it held something.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, StateError> {
        self.change(key, None)
    }

    fn change(&mut self, key: &[u8], now: Option<Bytes>) -> Result<bool, StateError> {
        let changed = self.changes.get(key);
        let before = match changed {
            Some(change) => change.before,
            None => self.tree.value_len(key)?,
        };
        let held = match changed {
            Some(change) => change.now.as_ref().map(|value| value.len() as u32),
            None => before,
        };
        if now.is_none() && held.is_none() {
            return Ok(false);
        }
        let key_len = key.len() as u64;
        let size = |value: Option<u64>| value.map_or(0, |len| key_len + len);
        let (old_len, new_len) = (
            held.map(u64::from),
            now.as_ref().map(|value| value.len() as u64),
        );
        // A root that somebody else signed may count wrongly: then its successor does as well.
        let next = |total: u64, old: u64, new: u64| total.saturating_sub(old).saturating_add(new);
        let entries = next(self.entries, held.is_some().into(), now.is_some().into());
        let bytes = next(self.bytes, size(old_len), size(new_len));
        let (keys, kept) = match changed {
            Some(_) => (0, key_len + old_len.unwrap_or(0)),
            None => (1, 0),
        };
        let changed_keys = self.changes.len() as u64 + keys;
        let changed_bytes = self.changed_bytes - kept + key_len + new_len.unwrap_or(0);
        for (unit, now, needed, max) in [
            ("entries", self.entries, entries, self.limits.entries),
            ("bytes", self.bytes, bytes, self.limits.bytes),
        ] {
            if needed > max && needed > now {
                return Err(StateError::Quota { unit, needed, max });
            }
        }
        for (unit, needed, max) in [
            ("changed keys", changed_keys, self.limits.changed_keys),
            ("changed bytes", changed_bytes, self.limits.changed_bytes),
        ] {
            if needed > max {
                return Err(StateError::Transaction { unit, needed, max });
            }
        }
        self.entries = entries;
        self.bytes = bytes;
        self.changed_bytes = changed_bytes;
        self.changes.insert(key.to_vec(), Change { before, now });
        Ok(held.is_some())
    }

    /// Entries of a range, lazily, in either order, with the changes.
    pub fn range(&self, range: &KeyRange, order: Order) -> Merged<'_, Entries<'_, N>> {
        self.merged(self.tree.range(range, order), range, order)
    }

    /// Keys of a range, lazily, in either order, with the changes. Fetches no values.
    pub fn keys(&self, range: &KeyRange, order: Order) -> Merged<'_, Keys<'_, N>> {
        self.merged(self.tree.keys(range, order), range, order)
    }

    fn merged<I: Iterator>(&self, tree: I, range: &KeyRange, order: Order) -> Merged<'_, I> {
        let changes = if range.is_empty() {
            btree_map::Range::default()
        } else {
            match &range.end {
                None => self.changes.range(range.start.clone()..),
                Some(end) => self.changes.range(range.start.clone()..end.clone()),
            }
        };
        Merged::new(tree, changes, order)
    }

    /// Whether anything was set or deleted.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Makes the new root. Fails only if nodes cannot be fetched.
    pub fn commit(self) -> Result<Commit, StateError> {
        let mut changes = self
            .changes
            .iter()
            .filter(|(_, change)| change.now.is_some() || change.before.is_some())
            .peekable();
        // Without changes nothing is read, so that a witness of nothing is enough.
        if changes.peek().is_none() {
            let versions = self.tree.nodes().versions();
            return Ok(Commit::unchanged(*self.tree.root(), versions));
        }
        let mut work = Work::new(self.tree.root(), self.tree.nodes())?;
        for (key, change) in changes {
            match &change.now {
                Some(value) => work.set(key, value)?,
                None => work.delete(key)?,
            }
        }
        Ok(work.finish(self.entries, self.bytes))
    }
}
