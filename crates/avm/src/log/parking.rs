//! Suffixes that came before what they name. They wait here, bounded per sender and in total; the
//! oldest has to leave first.

use std::collections::BTreeMap;

use weir_identity::PeerId;

use super::intake::{Missing, Pending};
use super::{Log, LogLimits};

/// Counted for each waiting suffix besides its entries and values, in bytes.
const PARKED_OVERHEAD: usize = 256;

/// The waiting suffixes, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Parking {
    waiting: BTreeMap<u64, Parked>,
    bytes: usize,
    bytes_of: BTreeMap<PeerId, usize>,
    next_ticket: u64,
}

#[derive(Clone, Debug)]
struct Parked {
    pending: Pending,
    missing: Vec<Missing>,
    bytes: usize,
}

impl Parking {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Parks a suffix, unless the same one waits already. Returns its place in the queue.
    pub(super) fn park(&mut self, mut pending: Pending, missing: Vec<Missing>) -> u64 {
        let head = &pending.suffix.head;
        let same = |p: &Parked| {
            p.pending.suffix.head.head == head.head
                && p.pending.suffix.from() == pending.suffix.from()
        };
        if let Some((ticket, _)) = self.waiting.iter().find(|(_, parked)| same(parked)) {
            return *ticket;
        }
        let ticket = *pending.ticket.get_or_insert(self.next_ticket);
        self.next_ticket = self.next_ticket.max(ticket + 1);
        let entries: usize = pending
            .suffix
            .entries
            .iter()
            .map(|e| e.to_bytes().len())
            .sum();
        let blobs: usize = pending.blobs.iter().map(|blob| blob.bytes().len()).sum();
        let bytes = PARKED_OVERHEAD + entries + blobs;
        self.bytes += bytes;
        *self.bytes_of.entry(pending.sender).or_default() += bytes;
        let parked = Parked {
            pending,
            missing,
            bytes,
        };
        self.waiting.insert(ticket, parked);
        ticket
    }

    /// What a waiting suffix lacks.
    pub(super) fn missing(&self, ticket: u64) -> &[Missing] {
        self.waiting
            .get(&ticket)
            .map_or(&[], |parked| &parked.missing)
    }

    fn remove(&mut self, ticket: u64) -> Option<Parked> {
        let parked = self.waiting.remove(&ticket)?;
        self.bytes -= parked.bytes;
        if let Some(bytes) = self.bytes_of.get_mut(&parked.pending.sender) {
            *bytes -= parked.bytes;
            if *bytes == 0 {
                self.bytes_of.remove(&parked.pending.sender);
            }
        }
        Some(parked)
    }

    /// Removes the oldest suffixes until the limits hold.
    pub(super) fn shrink(&mut self, limits: &LogLimits) -> Vec<Pending> {
        let mut removed = Vec::new();
        let over: Vec<PeerId> = self
            .bytes_of
            .iter()
            .filter(|(_, bytes)| **bytes > limits.parked_bytes_per_sender)
            .map(|(sender, _)| *sender)
            .collect();
        for sender in over {
            while self
                .bytes_of
                .get(&sender)
                .is_some_and(|b| *b > limits.parked_bytes_per_sender)
            {
                let oldest = self
                    .waiting
                    .iter()
                    .find(|(_, p)| p.pending.sender == sender);
                let Some((ticket, _)) = oldest else { break };
                removed.extend(self.remove(*ticket).map(|parked| parked.pending));
            }
        }
        while self.bytes > limits.parked_bytes || self.waiting.len() > limits.parked_suffixes {
            let Some((ticket, _)) = self.waiting.first_key_value() else {
                break;
            };
            removed.extend(self.remove(*ticket).map(|parked| parked.pending));
        }
        removed
    }
}

/// What came with a message, as far as it may let parked suffixes go on.
pub(super) struct Arrivals<'a> {
    /// Author → length of its longest suffix.
    pub(super) lengths: BTreeMap<PeerId, u32>,
    pub(super) has_blob: &'a dyn Fn(&weir_identity::Cid) -> bool,
}

impl Log {
    /// Takes out of the parking what seems to lack nothing, given what arrived.
    pub(super) fn unpark(&mut self, arrivals: &mut Arrivals<'_>) -> Vec<Pending> {
        let mut parking = std::mem::take(&mut self.parking);
        let mut released = Vec::new();
        loop {
            let mut ready = Vec::new();
            for (ticket, parked) in &mut parking.waiting {
                while parked
                    .missing
                    .last()
                    .is_some_and(|missing| self.holds(missing))
                {
                    parked.missing.pop();
                }
                if parked
                    .missing
                    .iter()
                    .all(|missing| self.holds(missing) || arrivals.meet(missing))
                {
                    ready.push(*ticket);
                }
            }
            if ready.is_empty() {
                break;
            }
            for parked in ready
                .into_iter()
                .filter_map(|ticket| parking.remove(ticket))
            {
                arrivals.add(&parked.pending);
                released.push(parked.pending);
            }
        }
        self.parking = parking;
        released
    }

    fn holds(&self, missing: &Missing) -> bool {
        let journal = |author| {
            self.author_idx(author)
                .map(|idx| &self.journals[idx.0 as usize])
        };
        match missing {
            Missing::Entries {
                author,
                length,
                leaf,
            } => journal(author).is_some_and(|journal| {
                leaf.map_or_else(
                    || journal.longest() >= *length,
                    |leaf| {
                        journal.has(*length, &leaf) || journal.branch_with(*length, &leaf).is_some()
                    },
                )
            }),
            Missing::Branch { author, branches } => {
                journal(author).is_some_and(|journal| journal.branches.len() > *branches)
            }
            Missing::Blob(cid) => self.blobs.contains_key(cid),
        }
    }
}

impl Arrivals<'_> {
    pub(super) fn add(&mut self, pending: &Pending) {
        let length = self.lengths.entry(pending.author()).or_default();
        *length = pending.length().max(*length);
    }

    fn meet(&self, missing: &Missing) -> bool {
        match missing {
            Missing::Entries { author, length, .. } => {
                self.lengths.get(author).is_some_and(|held| held >= length)
            }
            Missing::Branch { author, .. } => self.lengths.contains_key(author),
            Missing::Blob(cid) => (self.has_blob)(cid),
        }
    }
}
