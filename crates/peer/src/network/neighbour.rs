//! A peer that is connected, being dialled, or waited for.

use std::collections::{BTreeSet, VecDeque};

use crate::time::Timestamp;
use crate::wire::{Hello, PacketId, WINDOW_BEFORE_HELLO};

/// State of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Down,
    Dialling,
    Up,
}

#[derive(Debug)]
pub(super) struct Neighbour {
    pub link: Link,
    pub hello: Option<Hello>,
    /// Pause after the next failed dial.
    pub pause_ms: u64,
    /// Not to be dialled before this moment.
    pub redial_at: Timestamp,
    /// Packets written on this connection that take its credit.
    pub unanswered: BTreeSet<PacketId>,
    /// Packets that it holds for others.
    pub holding: BTreeSet<PacketId>,
    /// Packets from there that it has credit for and has no answer to.
    pub inbound: BTreeSet<PacketId>,
    /// Packets that are to go there, in order.
    pub queue: VecDeque<PacketId>,
    /// Pause before the next hello is sent.
    pub hello_ms: u64,
    /// We told it that we relay for it.
    pub relay_told: bool,
}

impl Neighbour {
    pub(super) fn new() -> Self {
        Neighbour {
            link: Link::Down,
            hello: None,
            pause_ms: 0,
            redial_at: Timestamp::default(),
            unanswered: BTreeSet::new(),
            holding: BTreeSet::new(),
            inbound: BTreeSet::new(),
            queue: VecDeque::new(),
            hello_ms: 0,
            relay_told: false,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.link == Link::Up
    }

    pub(super) fn may_dial(&self, now: Timestamp) -> bool {
        self.link == Link::Dialling || self.redial_at <= now
    }

    /// How many packets may be unanswered there.
    pub(super) fn window(&self) -> usize {
        self.hello
            .as_ref()
            .map_or(WINDOW_BEFORE_HELLO, |hello| hello.window) as usize
    }

    /// Forgets everything that belongs to one connection and returns the
    /// packets whose way is open again.
    pub(super) fn hang_up(&mut self) -> Vec<PacketId> {
        self.link = Link::Down;
        self.hello = None;
        self.relay_told = false;
        self.hello_ms = 0;
        self.inbound.clear();
        let written = std::mem::take(&mut self.unanswered);
        let held = std::mem::take(&mut self.holding);
        let queued = std::mem::take(&mut self.queue);
        written.into_iter().chain(held).chain(queued).collect()
    }

    /// Nothing that would be lost with this record.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.link == Link::Down && self.queue.is_empty() && self.redial_at <= now
    }
}
