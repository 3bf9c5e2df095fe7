//! The things that evaluation keeps: frames, slots, activations, chains,
//! streams and canons. All live in flat vectors and refer to each other by
//! index, so that a particle of a million steps is a handful of allocations.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_air::NodeId;
use weir_identity::{Cid, Hash, Value};

use super::order::Place;
use crate::tetraplet::Tetraplet;

/// Index of a frame.
pub(crate) type FrameId = u32;
/// Index of an activation.
pub(crate) type ActId = u32;
/// Index of a chain.
pub(crate) type ChainId = u32;
/// Index of a stream instance.
pub(crate) type StreamId = u32;
/// Index of an element of any stream.
pub(crate) type ElementId = u32;
/// Index of a frozen list.
pub(crate) type CanonId = u32;
/// Index of a failure; `NO_FAILURE` is the object for "no error".
pub(crate) type FailureId = u32;
/// An interned peer id.
pub(crate) type Peer = u32;

pub(crate) const NONE: u32 = u32::MAX;
pub(crate) const NO_FAILURE: FailureId = NONE;

/// Since when a fact holds: how many entries of the log suffice for it.
///
/// `since` counts over the whole log. `old` counts only entries that were here
/// before the present round of work, and is `u32::MAX` if the fact also needs
/// an entry that the sender of the round cannot know. The sending rule compares
/// it with the part of the log that the sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Support {
    pub since: u32,
    pub old: u32,
}

impl Support {
    /// Both facts together; `base` is the length of the log before the round.
    pub fn and(self, other: Support, base: u32) -> Support {
        Support {
            since: self.since.max(other.since),
            old: self.before(base).max(other.before(base)),
        }
    }

    /// How much of the log before the round the fact needs.
    pub fn before(self, base: u32) -> u32 {
        if self.since <= base {
            self.since
        } else {
            self.old
        }
    }
}

/// What control last waited for: the same on every peer, because it is a
/// function of the path alone. Appends with one cause form one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    Start,
    Step(ActId),
    Chain(ChainId),
}

/// What control carries along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow {
    pub cause: Cause,
    pub support: Support,
    /// The error that `%last_error%` shows.
    pub last: FailureId,
}

/// How an activation ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Complete(Flow),
    Failed(FailureId, Flow),
}

/// One execution of an instruction in a frame.
#[derive(Debug)]
pub(crate) struct Act {
    pub node: NodeId,
    pub frame: FrameId,
    pub parent: ActId,
    pub enter: Place,
    pub exit: Place,
    pub flow: Flow,
    /// By instruction: of a `par` its side table, of a fold its state, of a
    /// call or canon its step.
    pub data: u32,
    pub settled: bool,
}

/// The sides of a `par`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides {
    pub left: Option<Outcome>,
    pub right: Option<Outcome>,
    pub right_flow: Flow,
    /// Both sides have run as far as they go without waiting.
    pub started: bool,
}

/// One activation of a scope: the root, or one element of one fold.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Where names of outer scopes are found.
    pub parent: FrameId,
    pub hash: Hash,
    pub slots: u32,
    pub chain: ChainId,
    pub index: u32,
    /// How many elements were entered one inside the other to get here.
    pub depth: u32,
    /// LAST has been started in this frame.
    pub last_started: bool,
}

/// A place for one definition in one frame.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Empty,
    /// The definition can never be made.
    Excluded(Support),
    Value(Datum, Support),
    Stream(StreamId),
    Error(FailureId),
}

/// A value with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Val {
    pub value: Value,
    pub tetraplet: Arc<Tetraplet>,
}

/// What a variable holds.
#[derive(Debug, Clone)]
pub(crate) enum Datum {
    One(Val),
    Canon(CanonId),
    CanonMap(CanonId),
}

/// What a fold iterates over, one body after the other linked by `next`.
#[derive(Debug)]
pub(crate) struct Chain {
    pub fold: ActId,
    pub list: List,
    /// A batch of a stream: ends pending, not complete.
    pub batch: bool,
    pub support: Support,
}

/// The frozen elements of a chain.
#[derive(Debug)]
pub(crate) enum List {
    Array {
        value: Value,
        tetraplet: Arc<Tetraplet>,
    },
    Canon(CanonId),
    /// Elements of a canon map, keyed by their place in this list.
    Pairs(Box<[ElementId]>),
    /// Elements of a stream or map, keyed by their appends.
    Batch(Box<[ElementId]>),
}

/// One append.
#[derive(Debug)]
pub(crate) struct Element {
    pub step: Hash,
    pub act: ActId,
    pub stream: StreamId,
    pub val: Val,
    /// The key, in a stream map.
    pub key: Option<Value>,
    /// Appends of one cause come together; `None` is a batch of its own.
    pub cause: Option<Cause>,
    pub support: Support,
}

/// One stream instance: a `new` in a frame, or a global name.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// In order of arrival here.
    pub elements: Vec<ElementId>,
    /// The element that stands last in script order.
    pub last: Option<ElementId>,
    /// Of the elements from any place of `elements` on, the one that stands
    /// first in script order: these places, so that each is the first of all
    /// that come after the one before it in this list.
    pub firsts: Vec<u32>,
    pub folds: Vec<ActId>,
    /// Reached canons of other peers that are not taken yet.
    pub waiting: Vec<ActId>,
    pub support: Option<Support>,
    /// The newest own canon: list, length, entry, elements considered.
    pub own: Option<OwnCanon>,
}

/// The newest canon that this peer took of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnCanon {
    pub canon: CanonId,
    pub entry: u32,
    /// The list holds exactly the first elements of the stream.
    pub whole: bool,
}

/// A frozen list: a prefix of a shared append-only list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canon {
    pub act: ActId,
    pub peer: Peer,
    pub list: u32,
    pub length: u32,
}

/// The state of a fold over a stream.
#[derive(Debug, Default)]
pub(crate) struct StreamFold {
    /// Batches that have gathered and wait to be visited.
    pub pending: Vec<Vec<ElementId>>,
    /// Which of them the appends of a cause belong to.
    pub batches: FxHashMap<Cause, usize>,
    pub queued: bool,
    pub complete: bool,
    /// The batch that was there whatever arrived when: what one cause appended
    /// on the way to the fold.
    pub own: Option<ChainId>,
    /// What `%last_error%` is where that batch ended without waiting.
    pub last: Option<FailureId>,
}

/// A call or canon that control has reached and whose peer is known.
#[derive(Debug)]
pub(crate) struct Reached {
    pub act: ActId,
    pub step: Hash,
    pub peer: Peer,
    pub answered: bool,
    pub work: Work,
}

/// What the addressed peer is to do.
#[derive(Debug)]
pub(crate) enum Work {
    Call {
        service: Arc<str>,
        function: Arc<str>,
        args: Option<Box<Args>>,
        requested: bool,
    },
    Canon {
        stream: StreamId,
    },
}

/// The arguments of a call with their origins.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    pub values: Vec<Value>,
    pub tetraplets: Vec<Vec<Arc<Tetraplet>>>,
    pub cid: Cid,
    pub tetraplets_cid: Cid,
}
