//! The journals of one particle: entries, heads, values, and the messages that carry them.
//!
//! A [`Log`] holds what is known here of one particle: for every author an append-only journal of
//! [`Entry`]s under a [`SignedHead`], the values that the entries name, and proofs against authors
//! who contradicted themselves. It is a *causally closed* set: with an entry everything is here
//! that its author had learnt. What arrives too early is parked. The log knows nothing of scripts
//! and evaluates nothing; it has no clock, no randomness and does no I/O.
//!
//! | Room | What is in it |
//! |---|---|
//! | [`start`](Start), [`entry`](Entry) | what is signed, as canonical DAG-CBOR |
//! | [`mmr`], [`head`](SignedHead) | the Merkle mountain range over a journal, and its signed root |
//! | [`message`](Message) | what peers send each other, and its bytes |
//! | outgoing, portion | what goes into a message to a peer, as much as fits |
//! | [`log`](Log) | the set, its order of arrival, what each peer is known to know |
//! | intake, lines, closure, placement, parking | how a message becomes part of the set |
//! | [`equivocation`](Equivocation), [`evidence`](Cut) | what proves that an author lied |
//! | [`record`](Record) | what must be durable, and how a log comes back from it |
//!
//! The exact bytes are specified in `docs/wire.md`.

mod append;
mod blob;
mod cbor;
mod closure;
mod cut;
mod entry;
mod equivocation;
mod evidence;
mod head;
mod intake;
mod journal;
mod key;
mod knowledge;
mod lines;
mod merge;
mod message;
pub mod mmr;
mod outgoing;
mod parking;
mod placement;
mod portion;
mod receipts;
mod record;
mod start;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, Hash, PeerId, Value};

use self::journal::{BranchRef, Held, Journal};
use self::knowledge::Knowledge;
use self::parking::Parking;

pub use append::Silent;
pub use blob::{Blob, Blobs};
pub use entry::{Body, CallEntry, CanonEntry, Entry, INTERRUPTED, Learnt, Outcome};
pub use equivocation::{Equivocation, SignedLeaf};
pub use evidence::{Cut, Offence};
pub use head::{Head, SignedHead};
pub use knowledge::{Extent, Past};
pub use merge::{MergeError, Received, Refusal, Refused};
pub use message::{Message, MessageLimits, Suffix, Want};
pub use outgoing::{MessageOptions, Outgoing};
pub use record::{Record, RestoreError};
pub use start::{RULES, Start, StartLimits};

/// The identity of a particle: `keccak256(start bytes)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticleId(pub Hash);

/// One dynamic occurrence of an instruction, the same on every peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub [u8; 32]);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash::from(self.0).fmt(f)
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepId({self})")
    }
}

/// An author, numbered in the order in which a [`Log`] came to know them: the initiator is 0. Has
/// no meaning outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorIdx(pub u32);

/// An entry, numbered in the order of its arrival in a [`Log`]: *start* is 0. Has no meaning
/// outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u32);

/// Bytes that are not what they should be. Names the first thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub &'static str);

/// Why a log cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The text is not the script that *start* names.
    #[error("the script has the CID {found}, start names {named}")]
    Script {
        /// CID of the text.
        found: Cid,
        /// CID in *start*.
        named: Cid,
    },
    /// This crate evaluates other consensus rules.
    #[error("start asks for version {0} of the rules, known is {RULES}")]
    Rules(u16),
}

/// Bounds on what a log keeps for others, and sends them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Bytes of suffixes from one sender that wait for what they name.
    pub parked_bytes_per_sender: usize,
    /// Bytes of suffixes from all senders that wait for what they name.
    pub parked_bytes: usize,
    /// Suffixes from all senders that wait for what they name.
    pub parked_suffixes: usize,
    /// Branches kept of one author who contradicted itself, whoever names them.
    pub branches_per_author: usize,
    /// Bytes of one message, about: what a message must not exceed in any case is for the transport
    /// to say, and larger. What cannot be parted is sent whole.
    pub message_bytes: usize,
    /// Branches kept beyond those, of one author, because an entry of somebody else names them.
    pub named_branches_per_author: usize,
}

impl LogLimits {
    /// Branches kept of one author in all.
    fn all_branches_per_author(&self) -> usize {
        self.branches_per_author
            .saturating_add(self.named_branches_per_author)
    }
}

impl Default for LogLimits {
    fn default() -> LogLimits {
        LogLimits {
            parked_bytes_per_sender: 4 << 20,
            parked_bytes: 16 << 20,
            parked_suffixes: 1_024,
            message_bytes: 12 << 20,
            branches_per_author: 4,
            named_branches_per_author: 60,
        }
    }
}

/// The index of *start*'s author.
const INITIATOR: AuthorIdx = AuthorIdx(0);

/// All journals of one particle that are known here.
#[derive(Debug)]
pub struct Log {
    start: Arc<Start>,
    particle: ParticleId,
    script: Arc<str>,
    me: Option<AuthorIdx>,
    silent: Option<Silent>,
    /// Something signed by the initiator was seen, even if it is not part of the log yet.
    start_signed: bool,
    limits: LogLimits,
    authors: BTreeMap<PeerId, AuthorIdx>,
    journals: Vec<Journal>,
    order: Vec<(AuthorIdx, u32)>,
    /// How many entries there were after the own last one, or 0.
    recorded: usize,
    blobs: FxHashMap<Cid, StoredBlob>,
    /// Where the values of several logs are shared.
    values: Option<Arc<Blobs>>,
    /// Authors with branches.
    forked: Vec<AuthorIdx>,
    equivocations: BTreeMap<AuthorIdx, Equivocation>,
    knowledge: Knowledge,
    parking: Parking,
    /// What each peer was asked for when it sent something last.
    asked: BTreeMap<PeerId, BTreeSet<Want>>,
    records: Vec<Record>,
}

#[derive(Clone, Debug)]
struct StoredBlob {
    blob: Blob,
    /// The first entry that names it, once there is one in the order.
    carrier: Option<LogIndex>,
}

/// An entry as a [`Log`] holds it.
#[derive(Clone, Copy, Debug)]
pub struct EntryRef<'a> {
    /// Its author.
    pub author: AuthorIdx,
    /// Its index in its author's journal.
    pub index: u32,
    /// The entry.
    pub entry: &'a Arc<Entry>,
}

impl Log {
    /// The log of a new particle, of the peer `me`. It holds *start* as entry 0 of the initiator,
    /// signed only when the initiator signs or its head arrives. Its creation is not a [`Record`]:
    /// the host keeps *start* and script.
    pub fn new(start: Arc<Start>, script: Arc<str>, me: PeerId) -> Result<Log, StartError> {
        let mut log = Log::observer(start, script)?;
        log.me = Some(log.intern(me));
        log.silent = None;
        Ok(log)
    }

    /// A log that belongs to no peer and makes no entries, for instance to audit an export.
    pub fn observer(start: Arc<Start>, script: Arc<str>) -> Result<Log, StartError> {
        let found = Cid::of_raw(script.as_bytes());
        if found != start.script {
            return Err(StartError::Script {
                found,
                named: start.script,
            });
        }
        if start.rules != RULES {
            return Err(StartError::Rules(start.rules));
        }
        let mut log = Log {
            particle: start.id(),
            script,
            me: None,
            silent: Some(Silent::Observer),
            start_signed: false,
            limits: LogLimits::default(),
            authors: BTreeMap::new(),
            journals: Vec::new(),
            order: Vec::new(),
            recorded: 0,
            blobs: FxHashMap::default(),
            values: None,
            forked: Vec::new(),
            equivocations: BTreeMap::new(),
            knowledge: Knowledge::default(),
            parking: Parking::default(),
            asked: BTreeMap::new(),
            records: Vec::new(),
            start,
        };
        let initiator = log.intern(log.start.initiator);
        let entry = Entry::new(Body::Start(log.start.clone()));
        let journal = &mut log.journals[initiator.0 as usize];
        journal.mmr.push(entry.leaf());
        let held = Held {
            entry: Arc::new(entry),
            links: [].into(),
            at: Some(LogIndex(0)),
        };
        journal.entries.push(held);
        log.order.push((initiator, 0));
        Ok(log)
    }

    /// Shares the values that come in from now on with all logs that use the same table.
    pub fn share_values(&mut self, values: Arc<Blobs>) {
        self.values = Some(values);
    }

    fn shared(&self, blob: Blob) -> Blob {
        match &self.values {
            Some(values) => values.share(blob),
            None => blob,
        }
    }

    /// Replaces the default limits.
    #[must_use]
    pub fn with_limits(mut self, limits: LogLimits) -> Log {
        self.limits = limits;
        self
    }

    /// *Start*.
    pub fn start(&self) -> &Arc<Start> {
        &self.start
    }

    /// The identity of the particle.
    pub fn particle(&self) -> ParticleId {
        self.particle
    }

    /// The text of the script.
    pub fn script(&self) -> &Arc<str> {
        &self.script
    }

    /// Whose log this is.
    pub fn me(&self) -> Option<AuthorIdx> {
        self.me
    }

    /// Number of entries, in all journals.
    pub fn len(&self) -> u32 {
        self.order.len() as u32
    }

    /// Never true: *start* is always here.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The entry that arrived as number `at`.
    pub fn entry(&self, at: LogIndex) -> Option<EntryRef<'_>> {
        let &(author, index) = self.order.get(at.0 as usize)?;
        let entry = &self.journals[author.0 as usize].entries[index as usize].entry;
        Some(EntryRef {
            author,
            index,
            entry,
        })
    }

    /// The entries from number `from` on, in order of arrival.
    pub fn entries_from(&self, from: LogIndex) -> impl Iterator<Item = (LogIndex, EntryRef<'_>)> {
        (from.0..self.len())
            .map(LogIndex)
            .filter_map(|at| Some((at, self.entry(at)?)))
    }

    /// Number of authors known here, including those without entries.
    pub fn author_count(&self) -> u32 {
        self.journals.len() as u32
    }

    /// Who an author is.
    pub fn author(&self, author: AuthorIdx) -> PeerId {
        self.journals[author.0 as usize].author
    }

    /// The number of an author, if it is known here.
    pub fn author_idx(&self, peer: &PeerId) -> Option<AuthorIdx> {
        self.authors.get(peer).copied()
    }

    /// Length of an author's journal, entries behind a cut included.
    pub fn journal_len(&self, author: AuthorIdx) -> u32 {
        self.journals[author.0 as usize].len()
    }

    /// Where an entry of a journal stands in the order of arrival.
    pub fn position(&self, author: AuthorIdx, index: u32) -> Option<LogIndex> {
        self.journals[author.0 as usize]
            .entries
            .get(index as usize)?
            .at
    }

    /// The newest signed head of an author's journal.
    pub fn head(&self, author: AuthorIdx) -> Option<&SignedHead> {
        self.journals[author.0 as usize].head.as_ref()
    }

    /// The leaf hash of an entry.
    pub fn leaf(&self, author: AuthorIdx, index: u32) -> Option<Hash> {
        self.journals[author.0 as usize].mmr.leaf(index)
    }

    /// The entry with the proof that its author signed it; none above the signed head.
    pub fn signed_leaf(&self, author: AuthorIdx, index: u32) -> Option<SignedLeaf> {
        self.journals[author.0 as usize].signed_leaf(index)
    }

    /// What an entry names as newly learnt, as far as it lies in journals that are evaluated:
    /// author and length.
    pub fn learnt(&self, at: LogIndex) -> impl Iterator<Item = (AuthorIdx, u32)> {
        let held = self
            .order
            .get(at.0 as usize)
            .map(|(author, index)| &self.journals[author.0 as usize].entries[*index as usize]);
        held.into_iter()
            .flat_map(|held| held.links.iter())
            .filter(|link| link.branch.is_none())
            .map(|link| (link.author, link.length))
    }

    /// A value, if it is here.
    pub fn blob(&self, cid: &Cid) -> Option<&Value> {
        self.blobs.get(cid).map(|stored| stored.blob.value())
    }

    /// What authors signed besides their journals.
    pub(crate) fn branches(
        &self,
    ) -> impl Iterator<Item = BranchRef<'_, impl Iterator<Item = (Hash, &Entry)>>> {
        let branches = self.journals.iter().flat_map(|journal| &journal.branches);
        branches.map(|branch| BranchRef {
            fork: branch.fork,
            head: &branch.head,
            entries: (branch.fork..)
                .zip(&branch.entries)
                .filter_map(|(index, held)| Some((branch.mmr.leaf(index)?, &*held.entry))),
        })
    }

    /// Whether an author's journal or a branch of it has this head.
    pub fn has_head(&self, head: &Head) -> bool {
        let Some(author) = self.author_idx(&head.author) else {
            return false;
        };
        let journal = &self.journals[author.0 as usize];
        let root = Some(head.root);
        (head.length <= journal.signed_len() && journal.mmr.root_at(head.length) == root)
            || journal
                .branches
                .iter()
                .any(|branch| branch.mmr.root_at(head.length) == root)
    }

    /// Proofs against authors who contradicted themselves, at most one for each.
    pub fn equivocations(&self) -> impl Iterator<Item = &Equivocation> {
        self.equivocations.values()
    }

    /// What must be made durable, in this order, before anything else that this log led to leaves
    /// the peer.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// The number of an author, new or known.
    fn intern(&mut self, peer: PeerId) -> AuthorIdx {
        let next = AuthorIdx(self.journals.len() as u32);
        let idx = *self.authors.entry(peer).or_insert(next);
        if idx == next {
            self.journals.push(Journal::new(peer));
        }
        idx
    }
}
