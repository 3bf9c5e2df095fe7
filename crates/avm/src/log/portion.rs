//! How much of what a peer lacks goes into one message: journals up to signed heads, closed together
//! with what the peer has, so that each message can be taken before the next.

use rustc_hash::FxHashMap;
use weir_identity::PeerId;

use super::journal::{Held, Link};
use super::outgoing::BLOB_REPEATED_MAX;
use super::{AuthorIdx, Body, Entry, INITIATOR, Log};

/// Counted for *start* besides the script, in bytes.
const START_BYTES: usize = 512;

/// Counted for an entry besides what can make it large, in bytes.
const ENTRY_BYTES: usize = 320;

/// Counted for a `learnt` item, in bytes.
const LEARNT_BYTES: usize = 72;

/// Counted for a step, in bytes.
const STEP_BYTES: usize = 33;

/// A journal, or one of its branches.
type Line = (AuthorIdx, Option<u32>);

/// What goes into a message.
#[derive(Default)]
pub(super) struct Portion {
    /// The length to which each line is told; a line that is not here is not told.
    lengths: FxHashMap<Line, u32>,
    /// There is more than that.
    pub(super) partial: bool,
}

impl Portion {
    /// The length to which a line is told, 0 if it is not.
    pub(super) fn length(&self, author: AuthorIdx, branch: Option<u32>) -> u32 {
        self.lengths.get(&(author, branch)).copied().unwrap_or(0)
    }
}

impl Log {
    /// What of the entries from `first` on, in order of arrival, and of the branches goes into one
    /// message for a peer.
    pub(super) fn portion_for(&self, peer: &PeerId, first: usize, with_start: bool) -> Portion {
        let start = with_start.then(|| START_BYTES + self.script.len());
        let mut room = Room {
            log: self,
            peer,
            told: Portion::default(),
            bytes: start.unwrap_or(0),
            tried: Vec::new(),
            work: Vec::new(),
        };
        for &(author, index) in &self.order[first..] {
            let live = index < self.journals[author.0 as usize].live_len();
            if live && !room.add((author, None), index + 1) {
                return room.told;
            }
        }
        for author in &self.forked {
            let branches = &self.journals[author.0 as usize].branches;
            for (number, branch) in (0..).zip(branches) {
                if !room.add((*author, Some(number)), branch.head.head.length) {
                    return room.told;
                }
            }
        }
        room.told
    }

    /// The longest signed length of a journal of which what follows `from` fits; with `some`, at
    /// least one head further. Takes what it needs out of `room`.
    pub(super) fn end_within(
        &self,
        author: AuthorIdx,
        from: u32,
        room: &mut usize,
        some: bool,
    ) -> u32 {
        let journal = &self.journals[author.0 as usize];
        let mut end = from;
        while let Some(next) = journal.head_over(end.saturating_add(1)) {
            let added = &journal.entries[end as usize..next as usize];
            let bytes: usize = added.iter().map(|held| self.weight(held)).sum();
            if bytes > *room && !(some && end == from) {
                break;
            }
            *room = room.saturating_sub(bytes);
            end = next;
        }
        end
    }

    /// About how many bytes an entry takes in a message, with the value that it is the first to
    /// name.
    pub(super) fn weight(&self, held: &Held) -> usize {
        let stored = held.entry.blob().and_then(|cid| self.blobs.get(cid));
        let blob = stored.map_or(0, |stored| {
            let size = stored.blob.bytes().len();
            if stored.carrier == held.at {
                size
            } else {
                size.min(BLOB_REPEATED_MAX)
            }
        });
        entry_bytes(&held.entry) + blob
    }
}

fn entry_bytes(entry: &Entry) -> usize {
    let body = match &entry.body {
        Body::Call(call) => {
            let receipt = call.receipt.as_deref().map_or(0, <[u8]>::len);
            call.service.len() + call.function.len() + receipt
        }
        Body::Canon(canon) => canon.keys.len() * STEP_BYTES,
        Body::Hops(steps) => steps.len() * STEP_BYTES,
        Body::Other { bytes, .. } => bytes.len(),
        Body::Start(_) | Body::Seen => 0,
    };
    ENTRY_BYTES + entry.learnt.len() * LEARNT_BYTES + body
}

/// A portion while it is chosen.
struct Room<'a> {
    log: &'a Log,
    peer: &'a PeerId,
    told: Portion,
    bytes: usize,
    /// What the lengths were before the addition that is being tried.
    tried: Vec<(Line, Option<u32>)>,
    work: Vec<(Line, u32)>,
}

impl Room<'_> {
    /// Adds a line up to a head over this length, and whatever that needs. False, and nothing is
    /// added, if it does not fit; what does not fit into an empty message is sent anyway.
    fn add(&mut self, line: Line, length: u32) -> bool {
        let mut bytes = 0;
        let empty = self.told.lengths.is_empty();
        self.tried.clear();
        self.work.clear();
        self.work.push((line, length));
        let mut signed = true;
        while let Some((line, length)) = self.work.pop() {
            if length <= self.has(line) {
                continue;
            }
            match self.extend(line, length) {
                Some(added) => bytes += added,
                None => signed = false,
            }
        }
        let fits = self.bytes + bytes <= self.log.limits.message_bytes;
        if signed && (fits || empty) {
            self.bytes += bytes;
            return true;
        }
        for (line, before) in self.tried.drain(..).rev() {
            match before {
                Some(length) => self.told.lengths.insert(line, length),
                None => self.told.lengths.remove(&line),
            };
        }
        // What nobody has signed yet is not sent at all.
        self.told.partial |= signed;
        !signed
    }

    /// How much of a line the peer has once it has got the message.
    fn has(&self, line: Line) -> u32 {
        if let Some(told) = self.told.lengths.get(&line) {
            return *told;
        }
        let (author, branch) = line;
        match branch {
            None => {
                let start = u32::from(author == INITIATOR);
                self.log.length_seen_by(self.peer, author).max(start)
            }
            Some(branch) => {
                let known = self.log.knowledge.peers.get(self.peer);
                let length = known.and_then(|known| known.branches.get(&(author, branch)));
                length.copied().unwrap_or(0)
            }
        }
    }

    /// Tells a line up to the head over this length. Returns the bytes it takes; none if no head
    /// is over it.
    fn extend(&mut self, line: Line, length: u32) -> Option<usize> {
        let (author, branch) = line;
        let journal = &self.log.journals[author.0 as usize];
        let (end, entries) = match branch {
            None => {
                let end = journal.head_over(length)?;
                (end, &journal.entries[self.has(line) as usize..end as usize])
            }
            Some(branch) => {
                let branch = &journal.branches[branch as usize];
                self.work.push(((author, None), branch.fork));
                (branch.head.head.length, branch.entries.as_slice())
            }
        };
        self.tried.push((line, self.told.lengths.insert(line, end)));
        for held in entries {
            for link in &held.links {
                let Link {
                    author,
                    branch,
                    length,
                } = *link;
                self.work.push(((author, branch), length));
            }
        }
        Some(entries.iter().map(|held| self.log.weight(held)).sum())
    }
}
