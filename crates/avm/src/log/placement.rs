//! Taking a closed set of suffixes: their entries are appended in causal order, otherwise in the
//! order of the suffixes.

use rustc_hash::FxHashMap;
use weir_identity::Cid;

use super::closure::{Candidate, Dependency};
use super::intake::Fit;
use super::journal::{Branch, Held};
use super::message::{Message, Suffix};
use super::mmr::Mmr;
use super::record::Record;
use super::{AuthorIdx, Blob, Equivocation, Log, LogIndex, Silent, StoredBlob};

/// Where the entries of a candidate go.
struct Place {
    author: AuthorIdx,
    branch: Option<u32>,
    /// Index of the next entry to take.
    next: u32,
    end: u32,
    /// The candidate that holds the entries before.
    after: Option<usize>,
    /// How many of the dependencies are met.
    met: usize,
}

impl Log {
    /// Takes candidates that are closed together. They must be sorted so that of one author the
    /// shorter comes first.
    pub(super) fn take(
        &mut self,
        candidates: &mut [Candidate],
        dependencies: &[Vec<Dependency>],
        blobs: &FxHashMap<Cid, Blob>,
        proven: &mut Vec<AuthorIdx>,
    ) {
        let suffixes = candidates.iter().map(trimmed).collect();
        let mut fresh_blobs = Vec::new();
        let mut places = Vec::new();
        let mut newest: FxHashMap<AuthorIdx, usize> = FxHashMap::default();
        for (i, candidate) in candidates.iter_mut().enumerate() {
            self.take_blobs(candidate, blobs, &mut fresh_blobs);
            let mut place = self.prepare(candidate);
            if place.branch.is_none() {
                place.after = newest.insert(place.author, i);
                if let Some(after) = place.after {
                    let before: &Place = &places[after];
                    place.next = place.next.max(before.end).min(place.end);
                }
            }
            places.push(place);
        }
        self.records.push(Record::accepted(&Message {
            suffixes,
            blobs: fresh_blobs,
            ..Message::empty(self.particle)
        }));
        self.place_all(candidates, dependencies, &mut places);
        for place in places {
            self.conclude(&place, proven);
        }
    }

    /// Stores the values that the new entries name.
    fn take_blobs(
        &mut self,
        candidate: &Candidate,
        blobs: &FxHashMap<Cid, Blob>,
        fresh: &mut Vec<Blob>,
    ) {
        let pending = &candidate.pending;
        let skipped = (candidate.new_from - pending.suffix.from()) as usize;
        for cid in pending
            .suffix
            .entries
            .iter()
            .skip(skipped)
            .filter_map(|entry| entry.blob())
        {
            if self.blobs.contains_key(cid) {
                continue;
            }
            let blob = blobs.get(cid).or_else(|| pending.blobs.get(cid));
            let blob = blob.expect("a closed candidate has its values").clone();
            fresh.push(blob.clone());
            self.blobs.insert(
                *cid,
                StoredBlob {
                    blob,
                    carrier: None,
                },
            );
        }
    }

    /// Makes room for a candidate: the nodes of its range and its head.
    fn prepare(&mut self, candidate: &mut Candidate) -> Place {
        let pending = &candidate.pending;
        let author = self.intern(pending.author());
        let head = pending.suffix.head;
        let end = pending.length();
        let journal = &mut self.journals[author.0 as usize];
        let branch = match std::mem::replace(&mut candidate.fit, Fit::Known) {
            Fit::Extends(nodes) => {
                journal.mmr.adopt(nodes);
                if journal.signed_len() < end {
                    journal.set_head(head);
                }
                None
            }
            Fit::ExtendsBranch { branch, nodes } => {
                let held = &mut journal.branches[branch as usize];
                held.mmr.adopt(nodes);
                held.head = head;
                Some(branch)
            }
            Fit::NewBranch { base, fork, nodes } => {
                let mut mmr: Mmr = journal.range(base).clone();
                mmr.truncate(fork);
                mmr.adopt(nodes);
                let (start, entries) = match base {
                    None => (fork, Vec::new()),
                    Some(base) => {
                        let base = &journal.branches[base as usize];
                        (
                            base.fork,
                            base.entries[..(fork - base.fork) as usize].to_vec(),
                        )
                    }
                };
                if journal.branches.is_empty() {
                    self.forked.push(author);
                }
                journal.branches.push(Branch {
                    fork: start,
                    entries,
                    mmr,
                    head,
                });
                Some(journal.branches.len() as u32 - 1)
            }
            Fit::Known | Fit::Waits(_) | Fit::Refused(_) => {
                unreachable!("only what fits becomes a candidate")
            }
        };
        Place {
            author,
            branch,
            next: candidate.new_from,
            end,
            after: None,
            met: 0,
        }
    }

    /// Appends all entries, each after what it names. Depth first with a stack of its own.
    fn place_all(
        &mut self,
        candidates: &[Candidate],
        dependencies: &[Vec<Dependency>],
        places: &mut [Place],
    ) {
        let mut waiting = vec![false; candidates.len()];
        for first in 0..candidates.len() {
            let mut stack = vec![(first, places[first].end)];
            while let Some(&(i, until)) = stack.last() {
                waiting[i] = true;
                if places[i].next >= until {
                    waiting[i] = false;
                    stack.pop();
                    continue;
                }
                // A candidate that waits for itself would be a cycle of hashes, so a collision of
                // keccak; passing over it keeps even that from hanging.
                match places[i].unmet(&dependencies[i]) {
                    Unmet::Before(on) if !waiting[on] => stack.push((on, places[on].end)),
                    Unmet::Named(on, length) if !waiting[on] => stack.push((on, length)),
                    Unmet::Before(_) | Unmet::Named(..) => {}
                    Unmet::Nothing => self.place(&candidates[i], &mut places[i]),
                }
            }
        }
    }

    /// Appends the next entry of a candidate.
    fn place(&mut self, candidate: &Candidate, place: &mut Place) {
        let suffix = &candidate.pending.suffix;
        let entry = suffix.entries[(place.next - suffix.from()) as usize].clone();
        let resolve = |learnt| {
            self.resolve(learnt)
                .expect("what it names was placed before")
        };
        let links = entry.learnt.iter().map(resolve).collect();
        place.next += 1;
        let journal = &mut self.journals[place.author.0 as usize];
        if let Some(branch) = place.branch {
            journal.branches[branch as usize].entries.push(Held {
                entry,
                links,
                at: None,
            });
            return;
        }
        let at = LogIndex(self.order.len() as u32);
        self.order.push((place.author, journal.len()));
        let blob = entry.blob().copied();
        journal.entries.push(Held {
            entry,
            links,
            at: Some(at),
        });
        if let Some(cid) = blob {
            self.carry(cid, at);
        }
    }

    /// Draws the consequences for the author.
    fn conclude(&mut self, place: &Place, proven: &mut Vec<AuthorIdx>) {
        if Some(place.author) == self.me {
            self.silent.get_or_insert(Silent::KeyUsedTwice);
        }
        let Some(branch) = place.branch else { return };
        let journal = &self.journals[place.author.0 as usize];
        let fork = journal.branches[branch as usize].fork;
        if let (Some(ours), Some(theirs)) = (journal.signed_leaf(fork), journal.signed_fork(branch))
            && !self.equivocations.contains_key(&place.author)
        {
            let proof = Equivocation::new(self.particle, journal.author, fork, [ours, theirs]);
            self.equivocations.insert(place.author, proof);
            proven.push(place.author);
        }
    }
}

/// What has to be placed before the next entry of a candidate.
enum Unmet {
    Nothing,
    /// All of another candidate, which holds the entries before.
    Before(usize),
    /// Another candidate up to a length.
    Named(usize, u32),
}

impl Place {
    fn unmet(&mut self, dependencies: &[Dependency]) -> Unmet {
        if let Some(after) = self.after.take() {
            return Unmet::Before(after);
        }
        while let Some(next) = dependencies
            .get(self.met)
            .filter(|next| next.entry <= self.next)
        {
            self.met += 1;
            if next.entry == self.next {
                return Unmet::Named(next.on, next.length);
            }
        }
        Unmet::Nothing
    }
}

/// The suffix without the entries that are held.
fn trimmed(candidate: &Candidate) -> Suffix {
    let suffix = &candidate.pending.suffix;
    let skipped = (candidate.recorded_from - suffix.from()) as usize;
    Suffix {
        head: suffix.head,
        entries: suffix.entries[skipped..].to_vec(),
    }
}
