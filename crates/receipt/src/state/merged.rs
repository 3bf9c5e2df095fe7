//! Iteration over a tree and the changes to it.

use std::cmp::Ordering;
use std::collections::btree_map;
use std::iter::Peekable;

use bytes::Bytes;

use super::error::StateError;
use super::nodes::Nodes;
use super::scan::{Entries, Keys, Order};
use super::transaction::Change;

/// A range of a tree with the changes of a transaction: see [`Transaction::range`](super::Transaction::range) and
/// [`Transaction::keys`](super::Transaction::keys). Ends after an error of the tree and the changes that follow.
pub struct Merged<'a, I: Iterator> {
    tree: Peekable<I>,
    changes: Changes<'a>,
    /// The next change, when it is known.
    next: Option<(&'a [u8], Option<&'a Bytes>)>,
    order: Order,
    passed: u64,
}

type Changes<'a> = btree_map::Range<'a, Vec<u8>, Change>;

/// Something that a scan yields: an entry or a key.
trait Yielded: Sized {
    fn key(&self) -> &[u8];
    fn of(key: &[u8], value: &Bytes) -> Self;
}

impl Yielded for (Vec<u8>, Bytes) {
    fn key(&self) -> &[u8] {
        &self.0
    }

    fn of(key: &[u8], value: &Bytes) -> Self {
        (key.to_vec(), value.clone())
    }
}

impl Yielded for Vec<u8> {
    fn key(&self) -> &[u8] {
        self
    }

    fn of(key: &[u8], _: &Bytes) -> Self {
        key.to_vec()
    }
}

impl<'a, I: Iterator> Merged<'a, I> {
    pub(crate) fn new(tree: I, changes: Changes<'a>, order: Order) -> Self {
        Self {
            tree: tree.peekable(),
            changes,
            next: None,
            order,
            passed: 0,
        }
    }

    /// How many deletions of the transaction it has passed. They yield nothing, and take time.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    fn step<T: Yielded>(&mut self) -> Option<I::Item>
    where
        I: Iterator<Item = Result<T, StateError>>,
    {
        loop {
            if self.next.is_none() {
                let change = match self.order {
                    Order::Ascending => self.changes.next(),
                    Order::Descending => self.changes.next_back(),
                };
                self.next = change.map(|(key, change)| (key.as_slice(), change.now.as_ref()));
            }
            let Some((key, now)) = self.next else {
                return self.tree.next();
            };
            // Where the change stands, seen from the entry of the tree.
            let place = match self.tree.peek() {
                None => Ordering::Less,
                Some(Err(_)) => return self.tree.next(),
                Some(Ok(entry)) => match self.order {
                    Order::Ascending => key.cmp(entry.key()),
                    Order::Descending => entry.key().cmp(key),
                },
            };
            if place == Ordering::Greater {
                return self.tree.next();
            }
            if place == Ordering::Equal {
                self.tree.next();
            }
            self.next = None;
            if let Some(value) = now {
                return Some(Ok(T::of(key, value)));
            }
            self.passed += 1;
        }
    }
}

impl<N: Nodes> Iterator for Merged<'_, Entries<'_, N>> {
    type Item = Result<(Vec<u8>, Bytes), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
    }
}

impl<N: Nodes> Iterator for Merged<'_, Keys<'_, N>> {
    type Item = Result<Vec<u8>, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
    }
}
