//! Iteration over ranges.

use bytes::Bytes;

use super::error::StateError;
use super::key::{KeyRange, bit, first_difference};
use super::node::{Span, Stored};
use super::nodes::Nodes;
use super::tree::{Found, Place, Tree};

/// From which end a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The smallest key first.
    Ascending,
    /// The greatest key first.
    Descending,
}

/// Keys of a range with what they hold. Ends after an error.
pub struct Entries<'a, N>(Scan<'a, N>);

/// Keys of a range. Ends after an error.
pub struct Keys<'a, N>(Scan<'a, N>);

impl<'a, N: Nodes> Entries<'a, N> {
    pub(crate) fn new(tree: &'a Tree<N>, range: &KeyRange, order: Order) -> Self {
        Self(Scan::new(tree, range, order))
    }
}

impl<'a, N: Nodes> Keys<'a, N> {
    pub(crate) fn new(tree: &'a Tree<N>, range: &KeyRange, order: Order) -> Self {
        Self(Scan::new(tree, range, order))
    }
}

impl<N: Nodes> Iterator for Entries<'_, N> {
    type Item = Result<(Vec<u8>, Bytes), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let scan = &mut self.0;
        let entry = scan.next().transpose()?.and_then(|entry| {
            let value = scan.tree.value(&entry.place, entry.value)?;
            Ok((entry.place.node.key(entry.key).to_vec(), value))
        });
        Some(scan.end_after_error(entry))
    }
}

impl<N: Nodes> Iterator for Keys<'_, N> {
    type Item = Result<Vec<u8>, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.0.next().transpose()?;
        let key = entry.map(|entry| entry.place.node.key(entry.key).to_vec());
        Some(self.0.end_after_error(key))
    }
}

struct Entry {
    place: Place,
    key: Span,
    value: Stored,
}

struct Scan<'a, N> {
    tree: &'a Tree<N>,
    order: Order,
    /// Where a range ends in the order of the scan.
    range: KeyRange,
    /// What is still to come, the next last; `None` before the first step.
    pending: Option<Vec<Place>>,
}

impl<'a, N: Nodes> Scan<'a, N> {
    fn new(tree: &'a Tree<N>, range: &KeyRange, order: Order) -> Self {
        let pending = range.is_empty().then(Vec::new);
        Self {
            tree,
            order,
            range: range.clone(),
            pending,
        }
    }

    fn end_after_error<T>(&mut self, step: Result<T, StateError>) -> Result<T, StateError> {
        if step.is_err() {
            self.pending = Some(Vec::new());
        }
        step
    }

    fn next(&mut self) -> Result<Option<Entry>, StateError> {
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => self.seek()?,
        };
        let Some(mut place) = pending.pop() else {
            self.pending = Some(pending);
            return Ok(None);
        };
        loop {
            match self.tree.look(&mut place)? {
                Found::Branch { left, right, .. } => {
                    let (near, far) = match self.order {
                        Order::Ascending => (left, right),
                        Order::Descending => (right, left),
                    };
                    pending.push(far);
                    place = near;
                }
                Found::Entry { key, value } => {
                    self.tree.visit(&place, false);
                    let found = place.node.key(key);
                    if !self.range.contains(found) {
                        pending.clear();
                        self.pending = Some(pending);
                        return Ok(None);
                    }
                    self.pending = Some(pending);
                    return Ok(Some(Entry { place, key, value }));
                }
            }
        }
    }

    /// The subtrees from the beginning of the range on.
    fn seek(&self) -> Result<Vec<Place>, StateError> {
        let Some(mut place) = self.tree.top()? else {
            return Ok(Vec::new());
        };
        let bound = match self.order {
            Order::Ascending => &self.range.start,
            Order::Descending => match &self.range.end {
                None => return Ok(vec![place]),
                Some(end) => end,
            },
        };
        // The walk by the bits of the bound, with what it passes by.
        let mut path = Vec::new();
        let key = loop {
            match self.tree.look(&mut place)? {
                Found::Branch {
                    bit: at,
                    left,
                    right,
                } => {
                    let here = place.clone();
                    let aside;
                    (place, aside) = if bit(bound, at) {
                        (right, left)
                    } else {
                        (left, right)
                    };
                    path.push((at, here, aside));
                }
                Found::Entry { key, .. } => break key,
            }
        };
        self.tree.visit(&place, false);
        let found = place.node.key(key);
        // All keys below the branch where the bound parts from the found key are on the same side of the bound.
        let parting = first_difference(bound, found);
        let mut whole = place.clone();
        let mut from = path.len();
        if let Some(at) = parting {
            from = path.partition_point(|(bit, ..)| *bit < at);
            if let Some((_, here, _)) = path.get(from) {
                whole = here.clone();
            }
        }
        let ascending = self.order == Order::Ascending;
        let included = match parting {
            None => ascending,
            Some(at) => bit(bound, at) != ascending,
        };
        let aside = path.into_iter().take(from);
        let mut pending: Vec<Place> = aside
            .filter(|(at, ..)| bit(bound, *at) != ascending)
            .map(|(_, _, aside)| aside)
            .collect();
        if included {
            pending.push(whole);
        }
        Ok(pending)
    }
}
