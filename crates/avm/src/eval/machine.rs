//! The machine: all activations of one particle as known to one peer.
//!
//! Work is a stack of small tasks, so that the depth of a script, a `next`
//! chain or a recursion never touches the native stack. A task starts an
//! activation, resumes one whose slot was filled, or tells a parent how its
//! child ended. Each activation runs once, and once more for each operand that
//! it had to wait for: total work is linear in the number of activations.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use weir_air::NodeId;
use weir_identity::{Hash, Value, keccak256};

use super::facts::{Fact, Wrong};
use super::failure::{self, Cause as Why, Failure, code};
use super::measure::Measures;
use super::order::{Order, Place};
use super::program::{self, Op, Program};
use super::queue::Queue;
use super::reading::{MapKeys, Stop};
use super::state::{
    Act, ActId, Canon, CanonId, Cause, Chain, ChainId, Datum, Element, ElementId, FailureId, Flow,
    Frame, FrameId, List, NO_FAILURE, NONE, Outcome, Peer, Reached, Sides, Slot, Stream,
    StreamFold, StreamId, Support,
};
use crate::log::StartLimits;
use crate::tetraplet::Tetraplet;

/// What evaluation must know of a particle beside its script.
#[derive(Debug, Clone)]
pub(crate) struct Particle {
    pub id: Hash,
    pub initiator: Arc<str>,
    pub timestamp_ms: u64,
    pub ttl_ms: u64,
    pub limits: StartLimits,
}

/// Something that an activation did wrong or runs into, for the owner to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub code: i64,
    pub message: String,
}

/// A change that the peer of a reached step has to be told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    pub peer: Peer,
    pub support: Support,
}

#[derive(Debug)]
pub(super) enum Task {
    Start {
        node: NodeId,
        frame: FrameId,
        parent: ActId,
        flow: Flow,
    },
    Resume(ActId),
    Settle(ActId, Outcome),
    Right(ActId),
    Decide(ActId),
}

/// The evaluation of one particle by one peer, or by nobody (an audit).
#[derive(Debug)]
pub(crate) struct Machine {
    pub(super) program: Arc<Program>,
    pub(super) literal: Arc<Tetraplet>,
    pub(super) init: Peer,
    pub(super) me: Option<Peer>,
    pub(super) timestamp_ms: u64,
    pub(super) ttl_ms: u64,
    pub(super) limits: StartLimits,

    pub(super) peers: Vec<Arc<str>>,
    pub(super) peer_index: FxHashMap<Arc<str>, Peer>,
    pub(super) order: Order,
    pub(super) acts: Vec<Act>,
    pub(super) frames: Vec<Frame>,
    pub(super) slots: Vec<Slot>,
    waiters: FxHashMap<u32, Vec<ActId>>,
    /// The pairs in `waiters`. A call waits for all its missing arguments at
    /// once and looks at all of them whenever one comes: without this, k
    /// arguments would wake it 2^k times.
    awaited: FxHashSet<(u32, ActId)>,
    pub(super) failures: Vec<Failure>,
    /// Texts of instructions that errors have shown.
    texts: FxHashMap<NodeId, Arc<str>>,
    pub(super) chains: Vec<Chain>,
    pub(super) streams: Vec<Stream>,
    pub(super) elements: Vec<Element>,
    pub(super) lists: Vec<Vec<ElementId>>,
    pub(super) canons: Vec<Canon>,
    /// Canons that were read as a whole.
    pub(super) wholes: FxHashMap<CanonId, Value>,
    pub(super) measures: Measures,
    /// The keys of frozen maps, by list.
    pub(super) map_keys: FxHashMap<u32, MapKeys>,
    pub(super) sides: Vec<Sides>,
    pub(super) folds: Vec<StreamFold>,
    pub(super) reached: Vec<Reached>,
    pub(super) steps: FxHashMap<Hash, u32>,
    pub(super) appends: FxHashMap<Hash, ElementId>,
    /// Entries whose step is not reached yet.
    pub(super) facts: FxHashMap<Hash, (Fact, Support)>,
    pub(super) authored: FxHashMap<(Peer, u32), u32>,

    pub(super) tasks: Vec<Task>,
    /// How many tasks may still be done in this turn.
    left: u64,
    pub(super) ready_folds: Queue,
    pub(super) ready_own: Queue,
    /// Reached steps without an answer, by index into `reached`.
    pub(super) open: FxHashSet<u32>,
    /// Peers that some step is or was addressed to.
    pub(super) addressed: FxHashSet<Peer>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) offences: Vec<(Hash, Wrong)>,
    pub(super) placed: u64,
    /// Length of the log before the present round.
    pub(super) base: u32,
    pub(super) errors: Vec<Notice>,
    pub(super) stuck: Vec<Notice>,
    pub(super) outcome: Option<Outcome>,
    /// The first limit that was reached whose place depends on the order of
    /// arrival: all but that of depth.
    limit: Option<String>,
}

/// How many notices are kept until somebody takes them: a script can have
/// millions of activations that run into the same wall.
const NOTICES_MAX: usize = 256;

impl Machine {
    pub fn new(program: Arc<Program>, particle: &Particle, me: Option<Arc<str>>) -> Self {
        let initiator = particle.initiator.clone();
        let mut machine = Machine {
            literal: Arc::new(Tetraplet::literal(initiator.clone())),
            init: 0,
            me: None,
            timestamp_ms: particle.timestamp_ms,
            ttl_ms: particle.ttl_ms,
            limits: particle.limits,
            peers: Vec::new(),
            peer_index: FxHashMap::default(),
            order: Order::new(),
            acts: Vec::new(),
            frames: Vec::new(),
            slots: vec![Slot::Empty; program.root_slots() as usize],
            waiters: FxHashMap::default(),
            awaited: FxHashSet::default(),
            failures: Vec::new(),
            texts: FxHashMap::default(),
            chains: Vec::new(),
            streams: Vec::new(),
            elements: Vec::new(),
            lists: Vec::new(),
            canons: Vec::new(),
            wholes: FxHashMap::default(),
            measures: Measures::default(),
            map_keys: FxHashMap::default(),
            sides: Vec::new(),
            folds: Vec::new(),
            reached: Vec::new(),
            steps: FxHashMap::default(),
            appends: FxHashMap::default(),
            facts: FxHashMap::default(),
            authored: FxHashMap::default(),
            tasks: Vec::new(),
            left: u64::MAX,
            ready_folds: Queue::default(),
            ready_own: Queue::default(),
            open: FxHashSet::default(),
            addressed: FxHashSet::default(),
            deliveries: Vec::new(),
            offences: Vec::new(),
            placed: 0,
            base: 0,
            errors: Vec::new(),
            stuck: Vec::new(),
            outcome: None,
            limit: None,
            program,
        };
        machine.init = machine.peer(&initiator);
        machine.addressed.insert(machine.init);
        machine.me = me.map(|me| machine.peer(&me));
        machine.frames.push(Frame {
            parent: NONE,
            hash: keccak256(&[b"weir/root", particle.id.as_bytes()]),
            slots: 0,
            chain: NONE,
            index: 0,
            depth: 0,
            last_started: false,
        });
        machine
    }

    /// Starts the script. `support` is that of the *start* entry.
    pub fn begin(&mut self, support: Support) {
        let flow = Flow {
            cause: Cause::Start,
            support,
            last: NO_FAILURE,
        };
        self.tasks.push(Task::Start {
            node: NodeId(0),
            frame: 0,
            parent: NONE,
            flow,
        });
    }

    /// Begins a turn of so many tasks.
    pub fn allow(&mut self, tasks: u64) {
        self.left = tasks;
    }

    /// Takes one task from what is left of this turn; false if nothing is.
    pub fn spend(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    /// Does all work that needs no further entry, own canon or call. False if
    /// the turn ended before: then some is left, and nothing else may be done
    /// here but to go on with it.
    #[must_use]
    pub fn run(&mut self) -> bool {
        loop {
            while !self.tasks.is_empty() {
                if !self.spend() {
                    return false;
                }
                let Some(task) = self.tasks.pop() else { break };
                match task {
                    Task::Start {
                        node,
                        frame,
                        parent,
                        flow,
                    } => self.start(node, frame, parent, flow),
                    Task::Resume(act) => self.execute(act),
                    Task::Settle(act, outcome) => self.settle(act, outcome),
                    Task::Right(act) => self.start_right(act),
                    Task::Decide(act) => self.decide(act),
                }
            }
            let (acts, order) = (&self.acts, &self.order);
            let before =
                |a: u32, b: u32| order.before(acts[a as usize].enter, acts[b as usize].enter);
            let Some(fold) = self.ready_folds.pop(before) else {
                return true;
            };
            self.start_batches(fold);
        }
    }

    pub(super) fn peer(&mut self, text: &Arc<str>) -> Peer {
        if let Some(peer) = self.peer_index.get(text) {
            return *peer;
        }
        let peer = self.peers.len() as Peer;
        self.peers.push(text.clone());
        self.peer_index.insert(text.clone(), peer);
        peer
    }

    /// The peer id as text.
    pub fn peer_text(&self, peer: Peer) -> &Arc<str> {
        &self.peers[peer as usize]
    }

    pub(super) fn frame_above(&self, frame: FrameId, up: u32) -> FrameId {
        (0..up).fold(frame, |frame, _| self.frames[frame as usize].parent)
    }

    pub(super) fn place(&self, frame: FrameId, place: program::Place) -> u32 {
        let frame = self.frame_above(frame, place.up);
        self.frames[frame as usize].slots + place.slot
    }

    fn start(&mut self, node: NodeId, frame: FrameId, parent: ActId, flow: Flow) {
        if self.acts.len() >= self.limits.activations as usize {
            self.report_full("activations");
            return;
        }
        let end = if parent == NONE {
            Order::END
        } else {
            self.acts[parent as usize].exit
        };
        let enter = self.order.insert_before(end);
        let exit = match self.program.node(node).op {
            Op::Null
            | Op::Never
            | Op::Call { .. }
            | Op::Ap { .. }
            | Op::ApMap { .. }
            | Op::Canon { .. }
            | Op::FailLiteral { .. }
            | Op::FailValue(_)
            | Op::FailLastError
            | Op::FailError(_) => enter,
            _ => self.order.insert_before(end),
        };
        let act = self.acts.len() as ActId;
        self.acts.push(Act {
            node,
            frame,
            parent,
            enter,
            exit,
            flow,
            data: NONE,
            settled: false,
        });
        self.execute(act);
    }

    /// The particle stops here, on this peer, for good.
    fn report_full(&mut self, of_what: &str) {
        let limit = self.limits.activations;
        self.reach_limit(format!(
            "the particle's limit of {limit} {of_what} is reached"
        ));
    }

    pub(super) fn reach_limit(&mut self, message: String) {
        if self.limit.is_none() {
            self.limit = Some(message.clone());
            self.report(message);
        }
    }

    /// What limit was reached, if any. From then on this machine need not see
    /// what others see.
    pub fn limit_reached(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    /// Puts the activation to sleep until a slot changes.
    pub(super) fn wait(&mut self, act: ActId, slot: u32) {
        if self.awaited.insert((slot, act)) {
            self.waiters.entry(slot).or_default().push(act);
        }
    }

    pub(super) fn stop(&mut self, act: ActId, stop: Stop) {
        match stop {
            Stop::Wait(slot) => self.wait(act, slot),
            Stop::Never(variable) => {
                let text = self.instruction(act);
                let name = self.program.script().name(variable);
                self.report(format!(
                    "`{text}` waits for {name}, which nothing can fill any more"
                ));
            }
            Stop::Limit(limit) => {
                let text = self.instruction(act);
                self.report(format!("`{text}`: {limit}"));
            }
            Stop::Fail(why) => self.fail(act, &why),
        }
    }

    pub(super) fn report(&mut self, message: String) {
        let notice = Notice { code: 0, message };
        if self.stuck.len() < NOTICES_MAX && self.stuck.last() != Some(&notice) {
            self.stuck.push(notice);
        }
    }

    pub(super) fn fill(&mut self, slot: u32, content: Slot) {
        self.slots[slot as usize] = content;
        self.wake(slot);
    }

    fn wake(&mut self, slot: u32) {
        if let Some(waiters) = self.waiters.remove(&slot) {
            for act in &waiters {
                self.awaited.remove(&(slot, *act));
            }
            self.tasks
                .extend(waiters.into_iter().rev().map(Task::Resume));
        }
    }

    /// Nothing in the subtree of `node` will be started in this frame.
    pub(super) fn exclude(&mut self, node: NodeId, frame: FrameId, support: Support) {
        let base = self.frames[frame as usize].slots;
        let (low, high) = self.program.node(node).slots;
        for slot in base + low..base + high {
            if matches!(self.slots[slot as usize], Slot::Empty) {
                self.fill(slot, Slot::Excluded(support));
            }
        }
    }

    /// The definition of this call, `ap` or canon will not be made.
    pub(super) fn exclude_own(&mut self, act: ActId, support: Support) {
        let record = &self.acts[act as usize];
        let (node, frame) = (record.node, record.frame);
        self.exclude(node, frame, support);
    }

    pub(super) fn complete(&mut self, act: ActId, flow: Flow) {
        self.tasks.push(Task::Settle(act, Outcome::Complete(flow)));
    }

    /// Fails an instruction for a reason that it found itself.
    pub(super) fn fail(&mut self, act: ActId, why: &Why) {
        let text = self.instruction(act);
        let message: Arc<str> = why.message.as_str().into();
        let record = &self.acts[act as usize];
        let target = self.failing_peer(act);
        let peer = self.peer_text(target.unwrap_or(self.init)).clone();
        let shows_peer = matches!(
            self.program.node(record.node).op,
            Op::Call { .. } | Op::Canon { .. }
        );
        let shown = failure::error_object(why.code, &message, &text, shows_peer.then_some(&peer));
        let last = (!matches!(why.code, code::MATCH | code::MISMATCH))
            .then(|| failure::error_object(why.code, &message, &text, Some(&peer)));
        let failure = Failure {
            code: why.code,
            message,
            last,
            shown,
            tetraplet: self.literal.clone(),
            grave: false,
        };
        self.raise(act, failure, None);
    }

    /// The text of an instruction, as errors show it.
    pub(super) fn instruction(&mut self, act: ActId) -> Arc<str> {
        let node = self.acts[act as usize].node;
        let script = self.program.script();
        let text = self.texts.entry(node);
        text.or_insert_with(|| weir_air::instruction_text(script, node).into())
            .clone()
    }

    /// The target of a call whose peer, service and function are known.
    pub(super) fn failing_peer(&self, act: ActId) -> Option<Peer> {
        let record = &self.acts[act as usize];
        match self.program.node(record.node).op {
            Op::Call { .. } if record.data != NONE => Some(self.reached[record.data as usize].peer),
            _ => None,
        }
    }

    /// Ends an activation with a failure, at the given point of control or
    /// where it was started.
    pub(super) fn raise(&mut self, act: ActId, failure: Failure, at: Option<Flow>) {
        let mut flow = at.unwrap_or(self.acts[act as usize].flow);
        let id = self.failures.len() as FailureId;
        if failure.last.is_some() {
            flow.last = id;
        }
        self.failures.push(failure);
        self.exclude_own(act, flow.support);
        self.tasks
            .push(Task::Settle(act, Outcome::Failed(id, flow)));
    }

    pub(super) fn new_stream(&mut self) -> StreamId {
        self.streams.push(Stream::default());
        self.streams.len() as StreamId - 1
    }

    /// The stream instance at a place; global ones come to be at first use.
    pub(super) fn stream_at(&mut self, frame: FrameId, place: program::Place) -> StreamId {
        let slot = self.place(frame, place) as usize;
        if let Slot::Stream(id) = self.slots[slot] {
            return id;
        }
        let id = self.new_stream();
        self.slots[slot] = Slot::Stream(id);
        id
    }

    pub(super) fn new_chain(
        &mut self,
        fold: ActId,
        list: List,
        batch: bool,
        support: Support,
    ) -> ChainId {
        self.chains.push(Chain {
            fold,
            list,
            batch,
            support,
        });
        self.chains.len() as ChainId - 1
    }

    pub(super) fn chain_length(&self, chain: ChainId) -> usize {
        match &self.chains[chain as usize].list {
            List::Array { value, .. } => value.as_array().map_or(0, <[_]>::len),
            List::Canon(canon) => self.canons[*canon as usize].length as usize,
            List::Pairs(items) | List::Batch(items) => items.len(),
        }
    }

    /// The frame of one element, entered from the frame `from`. `caller` is the
    /// frame of a `next` that was called from inside an inner fold. None if
    /// that exceeds a limit, which is reported.
    pub(super) fn new_frame(
        &mut self,
        chain: ChainId,
        index: u32,
        from: FrameId,
        caller: Option<FrameId>,
    ) -> Option<FrameId> {
        let depth = self.frames[from as usize].depth + 1;
        if depth > self.limits.depth {
            self.report(format!(
                "the particle's limit of {} elements entered one inside the other is reached",
                self.limits.depth
            ));
            return None;
        }
        let fold = &self.acts[self.chains[chain as usize].fold as usize];
        let (parent, node) = (fold.frame, fold.node);
        let mut key = [0_u8; 33];
        match &self.chains[chain as usize].list {
            List::Batch(items) => {
                key[0] = 1;
                key[1..].copy_from_slice(
                    self.elements[items[index as usize] as usize]
                        .step
                        .as_bytes(),
                );
            }
            _ => key[1..5].copy_from_slice(&index.to_be_bytes()),
        }
        let above = self.frames[parent as usize].hash;
        let caller = caller.map(|caller| self.frames[caller as usize].hash);
        let hash = keccak256(&[
            b"weir/frame",
            above.as_bytes(),
            &node.0.to_be_bytes(),
            &key,
            caller.as_ref().map_or(&[], |hash| &hash.as_bytes()[..]),
        ]);
        let Op::Fold { slots: count, .. } = self.program.node(node).op else {
            unreachable!("a chain belongs to a fold");
        };
        let slots = self.slots.len();
        // A large body that is hardly entered still has a cell for each of its names.
        let end = slots + count as usize;
        if end > self.limits.activations as usize + self.program.root_slots() as usize {
            self.report_full("cells");
            return None;
        }
        self.slots.resize(end, Slot::Empty);
        self.frames.push(Frame {
            parent,
            hash,
            slots: slots as u32,
            chain,
            index,
            depth,
            last_started: false,
        });
        Some(self.frames.len() as FrameId - 1)
    }

    /// The identity of what an instruction does in a frame, alike on all peers.
    pub(super) fn step_id(&self, act: ActId) -> Hash {
        let record = &self.acts[act as usize];
        let frame = self.frames[record.frame as usize].hash;
        keccak256(&[b"weir/step", frame.as_bytes(), &record.node.0.to_be_bytes()])
    }

    pub(super) fn enter(&self, act: ActId) -> Place {
        self.acts[act as usize].enter
    }

    pub(super) fn set_value(&mut self, act: ActId, slot: u32, datum: Datum, support: Support) {
        let frame = self.acts[act as usize].frame;
        let place = self.frames[frame as usize].slots + slot;
        self.fill(place, Slot::Value(datum, support));
    }
}
