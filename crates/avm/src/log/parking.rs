//! Suffixes that came before what they name. They wait here, bounded per sender and in total; the
//! oldest has to leave first.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use weir_identity::{Cid, Hash, PeerId};

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
    /// Where each suffix waits, by its head and its first index.
    places: BTreeMap<Place, u64>,
    next_ticket: u64,
}

/// Author, first index, length and root: no two suffixes that differ in nothing else wait.
type Place = (PeerId, u32, u32, Hash);

fn place(pending: &Pending) -> Place {
    let head = &pending.suffix.head.head;
    (head.author, pending.suffix.from(), head.length, head.root)
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
        if let Some(ticket) = self.places.get(&place(&pending)) {
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
        self.places.insert(place(&pending), ticket);
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
        self.places.remove(&place(&parked.pending));
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

    /// Each entry that is named and each that is brought is looked at once, because both are many
    /// and by strangers.
    fn releasable(
        &self,
        parking: &Parking,
        arrived: &[Pending],
        has_blob: &dyn Fn(&Cid) -> bool,
    ) -> BTreeSet<u64> {
        let arrivals: BTreeSet<PeerId> = arrived.iter().map(Pending::author).collect();
        let mut named = Named::default();
        let mut dead = Vec::new();
        for (ticket, parked) in &parking.waiting {
            for missing in &parked.missing {
                if self.holds(missing) {
                    continue;
                }
                let may_be_met = match missing {
                    Missing::Entries {
                        author,
                        length,
                        leaf: Some(leaf),
                    } => {
                        named.add(author, *length, *leaf, *ticket);
                        true
                    }
                    // What comes before a suffix has to be taken first, and then it is held.
                    Missing::Entries { leaf: None, .. } => false,
                    Missing::Branch { author, .. } => arrivals.contains(author),
                    Missing::Blob(cid) => has_blob(cid),
                };
                if !may_be_met {
                    dead.push(*ticket);
                    break;
                }
            }
        }
        let waiting = parking.waiting.values().map(|parked| &parked.pending);
        for pending in arrived.iter().chain(waiting) {
            named.brought_by(pending, |entry| entry.bringers += 1);
        }
        dead.extend(named.nowhere());
        let mut alive: BTreeSet<u64> = parking.waiting.keys().copied().collect();
        while let Some(ticket) = dead.pop() {
            if !alive.remove(&ticket) {
                continue;
            }
            named.brought_by(&parking.waiting[&ticket].pending, |entry| {
                entry.bringers -= 1;
                if entry.bringers == 0 {
                    dead.append(&mut entry.named_by);
                }
            });
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
    fn blob(&self) -> Option<&Cid> {
        match self {
            Missing::Blob(cid) => Some(cid),
            Missing::Entries { .. } | Missing::Branch { .. } => None,
        }
    }
}

/// Entries that waiting suffixes name and that are not held: author → length and leaf.
#[derive(Default)]
struct Named(BTreeMap<PeerId, BTreeMap<(u32, Hash), NamedEntry>>);

#[derive(Default)]
struct NamedEntry {
    /// The places in the queue of those that name it.
    named_by: Vec<u64>,
    /// How many suffixes bring it, of those that arrived and those that can still be released.
    bringers: usize,
}

impl Named {
    fn add(&mut self, author: &PeerId, length: u32, leaf: Hash, ticket: u64) {
        let entries = self.0.entry(*author).or_default();
        let entry = entries.entry((length, leaf)).or_default();
        entry.named_by.push(ticket);
    }

    /// Visits what a suffix brings of this.
    fn brought_by(&mut self, pending: &Pending, mut visit: impl FnMut(&mut NamedEntry)) {
        let Some(entries) = self.0.get_mut(&pending.author()) else {
            return;
        };
        for brought in pending.brought() {
            if let Some(entry) = entries.get_mut(&brought) {
                visit(entry);
            }
        }
    }

    /// Takes out the places in the queue of those that name what nothing brings.
    fn nowhere(&mut self) -> Vec<u64> {
        let entries = self.0.values_mut().flat_map(BTreeMap::values_mut);
        let nowhere = entries.filter(|entry| entry.bringers == 0);
        nowhere
            .flat_map(|entry| std::mem::take(&mut entry.named_by))
            .collect()
    }
}
