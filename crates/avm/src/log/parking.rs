//! Suffixes that came before what they name. They wait here, bounded per sender and in total; the
//! oldest has to leave first.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use weir_identity::{Cid, PeerId};

use super::intake::{Missing, Pending};
use super::{Blob, Log, LogLimits};

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
        let blobs = pending.blobs.values().map(|blob| blob.bytes().len());
        let blobs: usize = blobs.sum();
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

    /// Keeps values with the suffixes that wait for them. Returns the places of those in the queue.
    pub(super) fn keep(&mut self, blobs: &FxHashMap<Cid, Blob>) -> Vec<u64> {
        let mut tickets = Vec::new();
        if blobs.is_empty() {
            return tickets;
        }
        for (ticket, parked) in &mut self.waiting {
            let before = parked.missing.len();
            let mut bytes = 0;
            parked.missing.retain(|missing| {
                let Some(blob) = missing.blob().and_then(|cid| blobs.get(cid)) else {
                    return true;
                };
                if parked
                    .pending
                    .blobs
                    .insert(*blob.cid(), blob.clone())
                    .is_none()
                {
                    bytes += blob.bytes().len();
                }
                false
            });
            if parked.missing.len() < before {
                parked.bytes += bytes;
                self.bytes += bytes;
                *self.bytes_of.entry(parked.pending.sender).or_default() += bytes;
                tickets.push(*ticket);
            }
        }
        tickets
    }

    /// What a waiting suffix lacks.
    pub(super) fn missing(&self, ticket: u64) -> &[Missing] {
        self.waiting
            .get(&ticket)
            .map_or(&[], |parked| &parked.missing)
    }

    /// Whether a suffix still waits.
    pub(super) fn holds(&self, ticket: u64) -> bool {
        self.waiting.contains_key(&ticket)
    }

    /// Which parts of journals wait.
    pub(super) fn spans(&self) -> Spans {
        let mut spans: BTreeMap<PeerId, Vec<(u32, u32)>> = BTreeMap::new();
        for Parked { pending, .. } in self.waiting.values() {
            let span = (pending.suffix.from(), pending.length());
            spans.entry(pending.author()).or_default().push(span);
        }
        Spans(spans)
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

    /// Removes the oldest suffixes until the limits hold; with each comes the limit that it was
    /// over.
    pub(super) fn shrink(&mut self, limits: &LogLimits) -> Vec<(Pending, &'static str, usize)> {
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
                let (limit, value) = ("parked_bytes_per_sender", limits.parked_bytes_per_sender);
                removed.extend(self.remove(*ticket).map(|p| (p.pending, limit, value)));
            }
        }
        while self.bytes > limits.parked_bytes || self.waiting.len() > limits.parked_suffixes {
            let Some((ticket, _)) = self.waiting.first_key_value() else {
                break;
            };
            let (limit, value) = if self.bytes > limits.parked_bytes {
                ("parked_bytes", limits.parked_bytes)
            } else {
                ("parked_suffixes", limits.parked_suffixes)
            };
            removed.extend(self.remove(*ticket).map(|p| (p.pending, limit, value)));
        }
        removed
    }
}

/// Author → first index and length of what waits of its journal.
pub(super) struct Spans(BTreeMap<PeerId, Vec<(u32, u32)>>);

impl Spans {
    /// Whether what is missing waits itself, so that it need not be asked for.
    pub(super) fn cover(&self, missing: &Missing) -> bool {
        let Missing::Entries { author, length, .. } = missing else {
            return false;
        };
        let spans = self.0.get(author).map_or(&[][..], Vec::as_slice);
        spans
            .iter()
            .any(|(from, end)| from < length && length <= end)
    }
}

impl Log {
    /// Takes out of the parking what lacks nothing, given the log, what arrived, and what else is
    /// taken out: the largest such set, because suffixes can name each other.
    pub(super) fn unpark(
        &mut self,
        arrived: &mut [Pending],
        has_blob: &dyn Fn(&Cid) -> bool,
    ) -> Vec<Pending> {
        if self.parking.waiting.is_empty() {
            return Vec::new();
        }
        for pending in arrived.iter_mut() {
            self.hash_entries(pending);
        }
        let mut parking = std::mem::take(&mut self.parking);
        for parked in parking.waiting.values_mut() {
            while parked
                .missing
                .last()
                .is_some_and(|missing| self.holds(missing))
            {
                parked.missing.pop();
            }
        }
        let tickets = self.releasable(&parking, arrived, has_blob);
        let released = tickets
            .into_iter()
            .filter_map(|ticket| parking.remove(ticket));
        let released = released.map(|parked| parked.pending).collect();
        self.parking = parking;
        released
    }

    fn releasable(
        &self,
        parking: &Parking,
        arrived: &[Pending],
        has_blob: &dyn Fn(&Cid) -> bool,
    ) -> BTreeSet<u64> {
        let mut arrivals: BTreeMap<PeerId, Vec<&Pending>> = BTreeMap::new();
        for pending in arrived {
            arrivals.entry(pending.author()).or_default().push(pending);
        }
        let mut waiting: BTreeMap<PeerId, Vec<u64>> = BTreeMap::new();
        let mut dependents: BTreeMap<PeerId, Vec<u64>> = BTreeMap::new();
        for (ticket, parked) in &parking.waiting {
            waiting
                .entry(parked.pending.author())
                .or_default()
                .push(*ticket);
            let authors: BTreeSet<PeerId> =
                parked.missing.iter().filter_map(Missing::author).collect();
            for author in authors {
                dependents.entry(author).or_default().push(*ticket);
            }
        }
        let mut alive: BTreeSet<u64> = parking.waiting.keys().copied().collect();
        let mut work: Vec<u64> = alive.iter().copied().collect();
        while let Some(ticket) = work.pop() {
            let Some(parked) = parking
                .waiting
                .get(&ticket)
                .filter(|_| alive.contains(&ticket))
            else {
                continue;
            };
            let met = |missing: &Missing| {
                let arrived = missing.author().and_then(|author| arrivals.get(&author));
                let parked = missing.author().and_then(|author| waiting.get(&author));
                self.holds(missing)
                    || missing.blob().is_some_and(has_blob)
                    || arrived
                        .into_iter()
                        .flatten()
                        .any(|pending| missing.met_by(pending, true))
                    || parked.into_iter().flatten().any(|ticket| {
                        alive.contains(ticket)
                            && missing.met_by(&parking.waiting[ticket].pending, false)
                    })
            };
            if !parked.missing.iter().all(met) {
                alive.remove(&ticket);
                work.extend(
                    dependents
                        .get(&parked.pending.author())
                        .into_iter()
                        .flatten(),
                );
            }
        }
        alive
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

impl Missing {
    fn author(&self) -> Option<PeerId> {
        match self {
            Missing::Entries { author, .. } | Missing::Branch { author, .. } => Some(*author),
            Missing::Blob(_) => None,
        }
    }

    fn blob(&self) -> Option<&Cid> {
        match self {
            Missing::Blob(cid) => Some(cid),
            Missing::Entries { .. } | Missing::Branch { .. } => None,
        }
    }

    /// Whether a suffix brings it, as far as can be said before the suffix is looked at.
    fn met_by(&self, pending: &Pending, just_arrived: bool) -> bool {
        match self {
            Missing::Entries {
                author,
                length,
                leaf,
            } => {
                pending.author() == *author
                    && pending.length() >= *length
                    && leaf.is_none_or(|leaf| {
                        let last = length.checked_sub(1);
                        last.and_then(|last| pending.leaf(last)) == Some(leaf)
                    })
            }
            Missing::Branch { author, .. } => just_arrived && pending.author() == *author,
            Missing::Blob(_) => false,
        }
    }
}
