//! Merging a message: set union, as far as the union is closed and everything in it is signed.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, PeerId};

use super::closure::Candidate;
use super::intake::{Fit, Missing, Pending};
use super::record::Record;
use super::{
    AuthorIdx, Blob, Equivocation, Extent, Head, INITIATOR, Log, LogIndex, Message, ParticleId,
    Silent, Want,
};

/// How many things are asked for at once.
const WANTS_MAX: usize = 1_024;

/// How many rounds in a row may take nothing. Only suffixes of one author that contradict each other
/// have to wait for a next round.
const IDLE_ROUNDS_MAX: u32 = 16;

/// A message that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It is about another particle.
    #[error("the message is about particle {}, not {}", .found.0, .expected.0)]
    Particle {
        /// The particle of the message.
        found: ParticleId,
        /// The particle of the log.
        expected: ParticleId,
    },
    /// Its script is not the one that *start* names.
    #[error("the script is not the one of the particle")]
    Script,
    /// Neither the log nor the message has anything signed by the initiator.
    #[error("the initiator has not signed the particle")]
    StartUnsigned,
}

/// Why a suffix or a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The author did not sign this head.
    #[error("the head is not signed by its author")]
    Signature,
    /// The entries do not have the root that is signed.
    #[error("the entries do not have the signed root")]
    Root,
    /// It replaces entry 0 of the initiator.
    #[error("it replaces start")]
    Start,
    /// A receipt is not that of the entry that holds it.
    #[error("a receipt is not that of its entry")]
    Receipt,
    /// An entry names its own author as learnt.
    #[error("an entry names its own author as learnt")]
    LearntFromItself,
    /// The author contradicted itself more often than is kept.
    #[error("too many branches of one journal")]
    Branches,
    /// The author's journal is cut at an offence, and nobody has named what follows.
    #[error("the journal is cut at an offence")]
    Cut,
    /// Too much waits already for what it names; it was the oldest.
    #[error("too much waits for entries that are not here: {limit} = {value} is reached")]
    ParkingFull {
        /// Name of the limit, as in [`LogLimits`](super::LogLimits).
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// A proof of equivocation that proves nothing.
    #[error("the proof of equivocation does not hold")]
    Proof,
}

/// Something that was refused, while the rest of the message was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it.
    pub sender: PeerId,
    /// Whose journal it is about.
    pub author: PeerId,
    /// Why.
    pub why: Refusal,
}

/// What became of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The entries from this number on are new.
    pub first: LogIndex,
    /// How many entries are new.
    pub count: u32,
    /// What the sender should be asked for.
    pub wants: Vec<Want>,
    /// What the sender asks for; [`Log::answer`] makes the answer.
    pub asked: Vec<Want>,
    /// What was refused, also of what had been parked before.
    pub refused: Vec<Refused>,
    /// Something in the message waits for what is not here. What waits is not durable, so the
    /// message must not be acknowledged.
    pub incomplete: bool,
    /// Suffixes that wait here, in all.
    pub parked: usize,
    /// Authors who are now proven to have contradicted themselves.
    pub proven: Vec<AuthorIdx>,
    /// Entries of this peer arrived that it did not make; it is silent from now on.
    pub key_used_twice: bool,
}

impl Received {
    /// True if the log is as it was and nothing is left to do.
    pub fn is_nothing(&self) -> bool {
        self.count == 0
            && self.wants.is_empty()
            && self.asked.is_empty()
            && self.refused.is_empty()
            && self.proven.is_empty()
            && !self.key_used_twice
    }
}

impl Log {
    /// Takes what a message brings. A suffix is taken if it ends at a head signed by its author,
    /// continues or repeats what is here, and names nothing that is neither here nor taken with
    /// it; the values of its entries must be here or in the message. What lacks only something
    /// else is parked, and the result says what to ask for. A wrong suffix does not spoil others.
    ///
    /// Cost: linear in the message, but for one signature check per suffix that brings something
    /// new.
    pub fn merge(&mut self, message: Message, from: PeerId) -> Result<Received, MergeError> {
        self.merge_from(message, from, true)
    }

    /// Like [`Log::merge`], of a message that somebody else passed on: that it is from `from` is
    /// not proven, so what it holds says nothing of what that peer has, but for what it signed.
    pub fn merge_relayed(
        &mut self,
        message: Message,
        from: PeerId,
    ) -> Result<Received, MergeError> {
        self.merge_from(message, from, false)
    }

    fn merge_from(
        &mut self,
        message: Message,
        from: PeerId,
        proven: bool,
    ) -> Result<Received, MergeError> {
        if message.particle != self.particle {
            return Err(MergeError::Particle {
                found: message.particle,
                expected: self.particle,
            });
        }
        if message.script.is_some_and(|text| text != self.script) {
            return Err(MergeError::Script);
        }
        let told: Vec<(Head, u32)> = message
            .suffixes
            .iter()
            .map(|suffix| (suffix.head.head, suffix.from()))
            .collect();
        let mut pendings: Vec<Pending> = message
            .suffixes
            .into_iter()
            .map(|s| Pending::new(from, s, false))
            .collect();
        self.check_start(&mut pendings)?;
        let first = LogIndex(self.len());
        let was_silent = self.silent;
        let mut received = Received {
            first,
            ..Received::default()
        };
        let blobs = message
            .blobs
            .into_iter()
            .map(|blob| (*blob.cid(), self.shared(blob)))
            .collect();
        self.settle(pendings, &blobs, &mut received);
        for proof in message.equivocations {
            self.take_proof(proof, from, &mut received);
        }
        if proven {
            self.note_sender(from, &told);
        }
        self.note_wants(from, &message.wants);
        self.ask_once(from, &told, &mut received);
        received.asked = message.wants;
        for (pending, limit, value) in self.parking.shrink(&self.limits) {
            received.refused.push(Refused {
                sender: pending.sender,
                author: pending.author(),
                why: Refusal::ParkingFull { limit, value },
            });
        }
        received.count = self.len() - first.0;
        received.parked = self.parking.len();
        received.key_used_twice =
            was_silent != self.silent && self.silent == Some(Silent::KeyUsedTwice);
        Ok(received)
    }

    /// Without a signature of the initiator nothing says that it made the particle.
    fn check_start(&mut self, pendings: &mut [Pending]) -> Result<(), MergeError> {
        let initiator = &self.journals[INITIATOR.0 as usize];
        if self.start_signed || initiator.head.is_some() || self.me == Some(INITIATOR) {
            return Ok(());
        }
        let initiator = initiator.author;
        self.start_signed = pendings
            .iter_mut()
            .filter(|pending| pending.author() == initiator)
            .any(|pending| pending.check_signature().is_ok());
        if self.start_signed {
            Ok(())
        } else {
            Err(MergeError::StartUnsigned)
        }
    }

    /// Takes all that can be taken of `pendings` and of what is parked, and parks the rest.
    ///
    /// Ends, because each round that takes nothing leaves fewer suffixes to the next, and what was
    /// parked is looked at again only when something was taken since, and one time more.
    pub(super) fn settle(
        &mut self,
        mut pendings: Vec<Pending>,
        blobs: &FxHashMap<Cid, Blob>,
        received: &mut Received,
    ) {
        let mut parked = Tickets::default();
        parked.all.extend(self.parking.keep(blobs));
        let (mut release, mut last_look, mut idle) = (true, false, 0);
        loop {
            if release {
                let released = self.unpark(&mut pendings, &|cid| blobs.contains_key(cid));
                pendings.extend(released);
            }
            if pendings.is_empty() {
                break;
            }
            if idle == IDLE_ROUNDS_MAX {
                self.park_all(pendings, blobs, &mut parked);
                break;
            }
            let (taken, deferred) = self.settle_round(pendings, blobs, received, &mut parked);
            pendings = deferred;
            if taken {
                (release, last_look, idle) = (true, false, 0);
                continue;
            }
            idle += 1;
            release = pendings.is_empty() && idle > 1 && !last_look;
            last_look |= release;
        }
        let waiting = self.parking.spans();
        let wants: BTreeSet<Want> = parked
            .all
            .iter()
            .flat_map(|ticket| self.parking.missing(*ticket))
            .filter(|missing| !waiting.cover(missing))
            .map(|missing| self.want_of(missing))
            .collect();
        received.wants.extend(wants.into_iter().take(WANTS_MAX));
        received.incomplete = parked
            .arrived
            .iter()
            .any(|ticket| self.parking.holds(*ticket));
    }

    /// One round: what fits is taken as far as it is closed. Returns whether something was taken,
    /// and what has to wait for the next round.
    fn settle_round(
        &mut self,
        pendings: Vec<Pending>,
        blobs: &FxHashMap<Cid, Blob>,
        received: &mut Received,
        parked: &mut Tickets,
    ) -> (bool, Vec<Pending>) {
        let (mut candidates, mut deferred) = (Vec::new(), Vec::new());
        for mut pending in pendings {
            let fit = self.inspect(&mut pending);
            let author = pending.author();
            let new_from = match &fit {
                Fit::Known => continue,
                Fit::Refused(why) => {
                    received.refused.push(Refused {
                        sender: pending.sender,
                        author,
                        why: *why,
                    });
                    continue;
                }
                Fit::Waits(missing) => {
                    self.park(pending, vec![missing.clone()], blobs, parked);
                    continue;
                }
                Fit::Extends(_) => {
                    let held = self
                        .authors
                        .get(&author)
                        .map_or(0, |idx| self.journal_len(*idx));
                    held.max(pending.suffix.from()).min(pending.length())
                }
                Fit::ExtendsBranch { branch, .. } => {
                    let idx = self.authors[&author];
                    self.journals[idx.0 as usize].branches[*branch as usize]
                        .mmr
                        .len()
                }
                Fit::NewBranch { fork, .. } => *fork,
            };
            if let Err(why) = self.check_receipts(&mut pending, new_from, blobs) {
                received.refused.push(Refused {
                    sender: pending.sender,
                    author,
                    why,
                });
                continue;
            }
            candidates.push(Candidate {
                pending,
                fit,
                recorded_from: new_from,
                new_from,
                instead_of: None,
                only_if_named: false,
            });
        }
        let taken = self.take_closed(candidates, &mut deferred, blobs, received, parked);
        (taken, deferred)
    }

    fn take_closed(
        &mut self,
        candidates: Vec<Candidate>,
        deferred: &mut Vec<Pending>,
        blobs: &FxHashMap<Cid, Blob>,
        received: &mut Received,
        parked: &mut Tickets,
    ) -> bool {
        let candidates = self.line_up(candidates, deferred);
        let closure = self.close(&candidates, blobs);
        let main_taken: Vec<bool> = candidates
            .iter()
            .map(|candidate| {
                candidate
                    .instead_of
                    .is_none_or(|main| closure.accepted[main])
            })
            .collect();
        let mut number_of = Vec::with_capacity(candidates.len());
        let (mut taken, mut dependencies) = (Vec::new(), Vec::new());
        let outcome = closure
            .accepted
            .into_iter()
            .zip(closure.dependencies)
            .zip(closure.missing)
            .zip(main_taken);
        for (candidate, (((accepted, needs), missing), main_taken)) in
            candidates.into_iter().zip(outcome)
        {
            number_of.push(taken.len());
            if accepted {
                taken.push(candidate);
                dependencies.push(needs);
            } else if !main_taken {
                deferred.push(candidate.pending);
            } else if !missing.is_empty() {
                self.park(candidate.pending, missing, blobs, parked);
            } else {
                received.refused.extend(needless(&candidate));
            }
        }
        for dependency in dependencies.iter_mut().flatten() {
            dependency.on = number_of[dependency.on];
        }
        if !taken.is_empty() {
            self.take(&mut taken, &dependencies, blobs, &mut received.proven);
        }
        !taken.is_empty()
    }

    /// Parks what contradicts itself in so many ways that looking at it again is not worth it.
    fn park_all(
        &mut self,
        pendings: Vec<Pending>,
        blobs: &FxHashMap<Cid, Blob>,
        parked: &mut Tickets,
    ) {
        for pending in pendings {
            let author = pending.author();
            let journal = self.author_idx(&author);
            let branches = journal.map_or(0, |idx| self.journals[idx.0 as usize].branches.len());
            let missing = Missing::Branch { author, branches };
            self.park(pending, vec![missing], blobs, parked);
        }
    }

    fn park(
        &mut self,
        mut pending: Pending,
        missing: Vec<Missing>,
        blobs: &FxHashMap<Cid, Blob>,
        parked: &mut Tickets,
    ) {
        for cid in pending
            .suffix
            .entries
            .iter()
            .filter_map(|entry| entry.blob())
        {
            if let Some(blob) = blobs.get(cid) {
                pending.blobs.insert(*cid, blob.clone());
            }
        }
        let arrived = pending.ticket.is_none();
        let ticket = self.parking.park(pending, missing);
        parked.all.insert(ticket);
        if arrived {
            parked.arrived.insert(ticket);
        }
    }

    fn want_of(&self, missing: &Missing) -> Want {
        let first = |author: &PeerId| u32::from(*author == self.start.initiator);
        match missing {
            Missing::Blob(cid) => Want::Blob(*cid),
            Missing::Branch { author, .. } => Want::Journal {
                author: *author,
                from: first(author),
            },
            Missing::Entries { author, length, .. } => {
                let held = self
                    .author_idx(author)
                    .map_or(0, |idx| self.journal_len(idx));
                let from = if held < *length { held } else { 0 };
                Want::Journal {
                    author: *author,
                    from: from.max(first(author)),
                }
            }
        }
    }

    /// Keeps a proof against an author that is known here, the first for each.
    pub(super) fn take_proof(
        &mut self,
        proof: Equivocation,
        from: PeerId,
        received: &mut Received,
    ) {
        let author = self.author_idx(&proof.author);
        let Some(author) = author.filter(|author| !self.equivocations.contains_key(author)) else {
            return;
        };
        if proof.particle != self.particle || proof.verify().is_err() {
            let why = Refusal::Proof;
            received.refused.push(Refused {
                sender: from,
                author: proof.author,
                why,
            });
            return;
        }
        self.records.push(Record::proof(&proof));
        self.equivocations.insert(author, proof);
        received.proven.push(author);
    }

    /// What the sender was asked for and has just answered without what was missing is not asked
    /// for again at once: it has no more, and two peers would go on so for ever.
    fn ask_once(&mut self, from: PeerId, told: &[(Head, u32)], received: &mut Received) {
        let asked = self.asked.remove(&from).unwrap_or_default();
        if self.len() == received.first.0 {
            received.wants.retain(|want| match want {
                Want::Journal { author, from } => {
                    let answers =
                        |(head, first): &(Head, u32)| head.author == *author && first <= from;
                    !(asked.contains(want) && told.iter().any(answers))
                }
                Want::Start | Want::Blob(_) => true,
            });
        }
        if !received.wants.is_empty() {
            let asked = received.wants.iter().copied().collect();
            self.asked.insert(from, asked);
        }
    }

    /// The sender has what it sent.
    fn note_sender(&mut self, from: PeerId, told: &[(Head, u32)]) {
        let mut journals = Vec::new();
        let mut branches = Vec::new();
        for (head, _) in told {
            let Some(author) = self.author_idx(&head.author) else {
                continue;
            };
            let journal = &self.journals[author.0 as usize];
            if journal.mmr.root_at(head.length) == Some(head.root) {
                journals.push((author, head.length));
            }
            for (branch, held) in journal.branches.iter().enumerate() {
                if held.mmr.root_at(head.length) == Some(head.root) {
                    branches.push((author, branch as u32, head.length));
                }
            }
        }
        let extent = Extent {
            start: true,
            journals,
            branches,
            ..Extent::default()
        };
        self.acknowledged(&from, &extent);
    }

    /// The sender has not what it asks for.
    fn note_wants(&mut self, from: PeerId, wants: &[Want]) {
        for want in wants {
            match want {
                Want::Start => self.knowledge.forget_start(&from),
                Want::Journal {
                    author,
                    from: length,
                } => {
                    if let Some(author) = self.author_idx(author) {
                        self.knowledge.forget(&from, author, *length);
                    }
                }
                Want::Blob(_) => {}
            }
        }
    }
}

/// Places in the queue of parked suffixes that were given while a message was merged.
#[derive(Default)]
struct Tickets {
    all: BTreeSet<u64>,
    /// Those of suffixes that came with the message.
    arrived: BTreeSet<u64>,
}

/// What is said about a suffix that is complete but not wanted. Who only hands on what follows a cut
/// cannot know that it is cut here.
fn needless(candidate: &Candidate) -> Option<Refused> {
    let (sender, author) = (candidate.pending.sender, candidate.pending.author());
    let why = if candidate.only_if_named {
        Refusal::Branches
    } else {
        Refusal::Cut
    };
    (candidate.only_if_named || sender == author).then_some(Refused {
        sender,
        author,
        why,
    })
}
