//! What is going to happen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bytes::Bytes;
use weir_identity::PeerId;
use weir_peer::{CallId, CallOutcome, Timestamp};

use super::NodeId;

/// Something that is going to happen.
#[derive(Debug)]
pub(super) enum Item {
    /// A frame arrives.
    Frame {
        from: NodeId,
        to: NodeId,
        connection: u64,
        frame: Bytes,
    },
    /// A dial succeeds or fails.
    DialEnds {
        from: NodeId,
        life: u32,
        target: Option<NodeId>,
        peer: PeerId,
    },
    /// One end of a connection learns that it was closed.
    Close {
        node: NodeId,
        other: NodeId,
        connection: u64,
    },
    /// One end of a connection notices that it is broken, if it is.
    Break {
        node: NodeId,
        other: NodeId,
        connection: u64,
    },
    /// A service answers.
    CallEnds {
        node: NodeId,
        life: u32,
        call: CallId,
        outcome: CallOutcome,
    },
    /// Records are read from the disk.
    Load {
        node: NodeId,
        life: u32,
        prefix: Vec<u8>,
    },
    /// A timer fires.
    Timer { node: NodeId, life: u32 },
}

impl Item {
    /// Timers do not count: they are there all the time.
    fn is_under_way(&self) -> bool {
        !matches!(self, Item::Timer { .. })
    }
}

/// Things to come in order of time; at equal times in the order in which they
/// were put here.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: BinaryHeap<Reverse<(Timestamp, u64)>>,
    items: BTreeMap<u64, Item>,
    count: u64,
    under_way: usize,
}

impl Queue {
    pub(super) fn push(&mut self, time: Timestamp, item: Item) {
        self.count += 1;
        self.under_way += usize::from(item.is_under_way());
        self.order.push(Reverse((time, self.count)));
        self.items.insert(self.count, item);
    }

    pub(super) fn pop(&mut self) -> Option<(Timestamp, Item)> {
        let Reverse((time, number)) = self.order.pop()?;
        let item = self.items.remove(&number)?;
        self.under_way -= usize::from(item.is_under_way());
        Some((time, item))
    }

    pub(super) fn next_time(&self) -> Option<Timestamp> {
        self.order.peek().map(|Reverse((time, _))| *time)
    }

    /// Number of things that are not timers.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }
}
