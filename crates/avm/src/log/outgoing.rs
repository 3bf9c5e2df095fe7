//! What is sent to a peer: what it is not known to have.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use weir_identity::{Cid, PeerId};

use super::journal::Held;
use super::{AuthorIdx, Blob, Extent, INITIATOR, Log, Message, Suffix, Want};

/// Values up to this size travel again rather than being named by their CID.
pub(super) const BLOB_REPEATED_MAX: usize = 32;

/// What to put into a message besides the news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageOptions {
    /// *Start* and script even if the peer is known to have them.
    pub with_start_and_script: bool,
}

/// A message and what it tells, for [`Log::acknowledged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To be sent.
    pub message: Message,
    /// To be handed back when the receiver has acknowledged it.
    pub extent: Extent,
}

impl Log {
    /// What `peer` is not known to have, up to the newest signed head of each journal:
    /// [`sign`](Log::sign) first. Empty if there is nothing. Ends at earlier heads if it would
    /// become too large, see [`Extent::is_partial`]. What was cut off is left out unless something
    /// else names it.
    ///
    /// Cost: linear in the entries since the longest prefix of this log that the peer is known to
    /// have.
    pub fn message_for(&mut self, peer: &PeerId, options: MessageOptions) -> Outgoing {
        let mut parcel = Parcel::new(self);
        let first = self.prefix_held_by(peer);
        let with_start = options.with_start_and_script || !self.start_known_to(peer);
        let portion = self.portion_for(peer, first, with_start);
        if with_start {
            let length = portion.length(INITIATOR, None);
            let known = self.length_seen_by(peer, INITIATOR);
            parcel.add_start(self, length.max(known).max(1));
        }
        let mut seen: FxHashSet<AuthorIdx> = FxHashSet::default();
        for (author, _) in &self.order[first..] {
            if seen.insert(*author) {
                let known = self.length_seen_by(peer, *author);
                parcel.add_journal(self, *author, known, portion.length(*author, None));
            }
        }
        for author in &self.forked {
            for branch in 0..self.journals[author.0 as usize].branches.len() as u32 {
                if portion.length(*author, Some(branch)) > 0 {
                    parcel.add_branch(self, *author, branch);
                }
            }
        }
        parcel.extent.partial = portion.partial;
        let known = self.knowledge.peers.get(peer);
        for (author, proof) in &self.equivocations {
            if known.is_none_or(|known| !known.proofs.contains(author)) {
                parcel.extent.proofs.push(*author);
                parcel.message.equivocations.push(proof.clone());
            }
        }
        let carriers = parcel.repeatable(self);
        let known: FxHashMap<Cid, bool> = carriers
            .into_iter()
            .map(|(cid, at)| (cid, self.is_known_to(peer, at)))
            .collect();
        parcel.fill(self, |cid| known.get(cid).copied().unwrap_or(false));
        parcel.finish()
    }

    /// A message without news: its receiver answers with what this peer lacks. It bears a head,
    /// so that who has lost the particle asks for it.
    pub fn greeting(&self) -> Message {
        let own = self.me.and_then(|me| self.head(me));
        let head = own.or_else(|| self.head(INITIATOR));
        let suffixes = head.into_iter().map(|head| Suffix {
            head: *head,
            entries: Vec::new(),
        });
        Message {
            suffixes: suffixes.collect(),
            ..Message::empty(self.particle)
        }
    }

    /// What another peer asked for, as far as it is here and not too large for one message.
    pub fn answer(&mut self, wants: &[Want]) -> Outgoing {
        let mut parcel = Parcel::new(self);
        let mut asked = Vec::new();
        let mut journals: BTreeMap<AuthorIdx, u32> = BTreeMap::new();
        let mut order = Vec::new();
        for want in wants {
            match want {
                Want::Start => parcel.add_start(self, u32::MAX),
                Want::Journal { author, from } => {
                    if let Some(author) = self.author_idx(author) {
                        let lowest = journals.entry(author).or_insert_with(|| {
                            order.push(author);
                            *from
                        });
                        *lowest = (*lowest).min(*from);
                    }
                }
                Want::Blob(cid) => asked.extend(self.blobs.get(cid).map(|s| s.blob.clone())),
            }
        }
        let mut room = self.limits.message_bytes;
        for author in order {
            let from = journals[&author];
            let first = parcel.message.suffixes.is_empty();
            let end = self.end_within(author, from, &mut room, first);
            parcel.extent.partial |= end < self.journals[author.0 as usize].signed_len();
            parcel.add_journal(self, author, from, end);
            parcel.add_all_branches(self, author, &mut room);
        }
        parcel.fill(self, |_| false);
        let empty = parcel.message.blobs.is_empty();
        for (number, blob) in asked.into_iter().enumerate() {
            let size = blob.bytes().len();
            if size > room && !(empty && number == 0) {
                continue;
            }
            room = room.saturating_sub(size);
            parcel.add_blobs(vec![blob]);
        }
        parcel.finish()
    }
}

/// A message under construction.
struct Parcel {
    message: Message,
    extent: Extent,
    blobs: FxHashSet<Cid>,
}

impl Parcel {
    fn new(log: &Log) -> Parcel {
        Parcel {
            message: Message::empty(log.particle),
            extent: Extent::default(),
            blobs: FxHashSet::default(),
        }
    }

    /// *Start* with the shortest head of the initiator over this many entries.
    fn add_start(&mut self, log: &Log, length: u32) {
        if self.message.start.is_some() {
            return;
        }
        self.message.start = Some(log.start.clone());
        self.message.script = Some(log.script.clone());
        self.extent.start = true;
        // Without a head of the initiator the receiver could not know who made the particle.
        let journal = &log.journals[INITIATOR.0 as usize];
        let end = journal.head_over(length).unwrap_or(journal.signed_len());
        self.add_journal(log, INITIATOR, u32::MAX, end);
    }

    /// The journal of an author from an index on to a head. At least the head, if this is the
    /// initiator's and it is not here yet.
    fn add_journal(&mut self, log: &Log, author: AuthorIdx, from: u32, end: u32) {
        let journal = &log.journals[author.0 as usize];
        let Some(head) = journal.head_at(end) else {
            return;
        };
        let head_only = author == INITIATOR && from == u32::MAX;
        if from >= end && !head_only {
            return;
        }
        let from = if author == INITIATOR {
            from.clamp(1, end)
        } else {
            from
        };
        let entries = entries(&journal.entries[from as usize..end as usize]);
        let suffix = Suffix { head, entries };
        let same = |held: &Suffix| held.head == suffix.head;
        match self
            .message
            .suffixes
            .iter_mut()
            .find(|held| author == INITIATOR && same(held))
        {
            Some(held) if held.entries.len() < suffix.entries.len() => *held = suffix,
            Some(_) => {}
            None => self.message.suffixes.push(suffix),
        }
        self.extent.journals.push((author, end));
    }

    /// The branches of an author, those that do not fit left out.
    fn add_all_branches(&mut self, log: &Log, author: AuthorIdx, room: &mut usize) {
        for (number, branch) in (0..).zip(&log.journals[author.0 as usize].branches) {
            let bytes: usize = branch.entries.iter().map(|held| log.weight(held)).sum();
            if bytes > *room && !self.message.suffixes.is_empty() {
                self.extent.partial = true;
                continue;
            }
            *room = room.saturating_sub(bytes);
            self.add_branch(log, author, number);
        }
    }

    fn add_branch(&mut self, log: &Log, author: AuthorIdx, number: u32) {
        let branch = &log.journals[author.0 as usize].branches[number as usize];
        let head = branch.head;
        self.extent
            .branches
            .push((author, number, head.head.length));
        self.message.suffixes.push(Suffix {
            head,
            entries: entries(&branch.entries),
        });
    }

    /// The values of the entries that are large enough to be left out, each with the first entry
    /// that brought it.
    fn repeatable(&self, log: &Log) -> Vec<(Cid, super::LogIndex)> {
        self.named()
            .filter_map(|cid| {
                let stored = log.blobs.get(cid)?;
                let large = stored.blob.bytes().len() > BLOB_REPEATED_MAX;
                Some((*cid, stored.carrier.filter(|_| large)?))
            })
            .collect()
    }

    /// Adds the values of all entries, but for those that the receiver has.
    fn fill(&mut self, log: &Log, has: impl Fn(&Cid) -> bool) {
        let blobs: Vec<Blob> = self
            .named()
            .filter(|cid| !has(cid))
            .filter_map(|cid| log.blobs.get(cid).map(|stored| stored.blob.clone()))
            .collect();
        self.add_blobs(blobs);
    }

    fn named(&self) -> impl Iterator<Item = &Cid> {
        let entries = self
            .message
            .suffixes
            .iter()
            .flat_map(|suffix| &suffix.entries);
        entries.filter_map(|entry| entry.blob())
    }

    fn add_blobs(&mut self, blobs: Vec<Blob>) {
        for blob in blobs {
            if self.blobs.insert(*blob.cid()) {
                self.message.blobs.push(blob);
            }
        }
    }

    fn finish(self) -> Outgoing {
        Outgoing {
            message: self.message,
            extent: self.extent,
        }
    }
}

fn entries(held: &[Held]) -> Vec<std::sync::Arc<super::Entry>> {
    held.iter().map(|held| held.entry.clone()).collect()
}
