//! Deadlines in order.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// What is due when. Equal moments keep the order in which they were set.
///
/// Nothing is ever cancelled: whoever is woken looks whether there is still
/// something to do.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    due: BTreeMap<(Timestamp, u64), T>,
    count: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers {
            due: BTreeMap::new(),
            count: 0,
        }
    }
}

impl<T> Timers<T> {
    pub(crate) fn set(&mut self, at: Timestamp, what: T) {
        self.count += 1;
        self.due.insert((at, self.count), what);
    }

    /// Takes the first that is due at `now`.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<T> {
        let first = self.due.first_entry()?;
        if first.key().0 <= now {
            Some(first.remove())
        } else {
            None
        }
    }

    pub(crate) fn earliest(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }
}
