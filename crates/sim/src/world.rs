//! Peers in virtual time on a network that a seed decides.
//!
//! [`World`] is the driver of `weir_peer`: it carries out what peers want in
//! the order in which they want it, and tells them what happens. Nothing but
//! the queue of things to come moves its time, so a year of silence costs
//! nothing, and the same seed gives the same run ([`World::trace`]).
//!
//! A crash takes everything that a peer did not persist, and can be put
//! between any two of its effects ([`World::crash_after`]). Connections break
//! when one of their ends crashes or is cut off; the other end notices later.

mod clock;
mod effects;
mod ledger;
mod life;
mod node;
mod queue;
mod transport;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHasher};
use weir_avm::log::Start;
use weir_identity::{Keypair, PeerId};
use weir_peer::wire::Packet;
use weir_peer::{Call, CallOutcome, Limits, ParticleEvent, ParticleId, Peer, Shared, Timestamp};

use self::ledger::Ledger;
pub use self::node::Spec;
use self::node::{Node, Occupant};
use self::queue::Queue;
use crate::disk::Disk;
use crate::rng::Rng;
use crate::weather::Weather;

/// Number of a peer in its world, in the order of [`World::add`]. Methods
/// panic on a number that was not given out.
pub type NodeId = usize;

/// Answers calls that peers give to their driver.
pub type Services = Box<dyn FnMut(NodeId, &Call) -> Reply>;

/// What a mocked service answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How the call ends.
    pub outcome: CallOutcome,
    /// How long it takes, in milliseconds.
    pub after_ms: u64,
}

/// A call that a peer gave to its driver, when it began.
#[derive(Debug, Clone)]
pub struct Execution {
    /// On which peer.
    pub at: NodeId,
    /// When.
    pub when: Timestamp,
    /// What.
    pub call: Call,
}

/// What a peer told its owner.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which peer.
    pub at: NodeId,
    /// When.
    pub when: Timestamp,
    /// About which particle.
    pub particle: ParticleId,
    /// What.
    pub event: ParticleEvent,
}

/// What went over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames that peers sent.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
    /// Frames among them that carry a particle message; repetitions count.
    pub messages: u64,
    /// Bytes of the frames that carry a particle message.
    pub message_bytes: u64,
    /// Frames that arrived.
    pub arrived: u64,
    /// Frames lost to weather, cuts and crashes.
    pub lost: u64,
}

/// Any number of peers in one thread. See the module.
pub struct World {
    now: Timestamp,
    rng: Rng,
    weather: Weather,
    queue: Queue,
    nodes: Vec<Node>,
    by_id: FxHashMap<PeerId, NodeId>,
    by_address: FxHashMap<Arc<str>, NodeId>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    connections: u64,
    /// Nodes that have work left or packets that wait for an answer, as far as they were looked at.
    busy: BTreeSet<NodeId>,
    /// Nodes that have to be looked at.
    stirred: BTreeSet<NodeId>,
    /// Packets under way and acknowledged ones, if they are to be kept.
    ledger: Option<Ledger>,
    trace: FxHasher,
    traffic: Traffic,
    services: Services,
    reports: Vec<Report>,
    executions: Vec<Execution>,
    limits: Arc<Limits>,
    shared: Arc<Shared>,
    network: Arc<str>,
}

impl World {
    /// An empty world in calm weather whose calls all answer `null`.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self::with_limits(seed, now, Limits::default())
    }

    /// An empty world in which every peer has these limits.
    pub fn with_limits(seed: u64, now: Timestamp, limits: Limits) -> Self {
        World {
            now,
            rng: Rng::new(seed),
            weather: Weather::calm(),
            queue: Queue::default(),
            nodes: Vec::new(),
            by_id: FxHashMap::default(),
            by_address: FxHashMap::default(),
            cuts: BTreeSet::new(),
            connections: 0,
            busy: BTreeSet::new(),
            stirred: BTreeSet::new(),
            ledger: None,
            trace: FxHasher::default(),
            traffic: Traffic::default(),
            services: Box::new(|_, _| Reply {
                outcome: CallOutcome::Value(weir_identity::Value::Null),
                after_ms: 0,
            }),
            reports: Vec::new(),
            executions: Vec::new(),
            shared: Arc::new(Shared::new(&limits)),
            limits: Arc::new(limits),
            network: Arc::from("sim"),
        }
    }

    /// Changes the weather, also for connections that exist.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Who answers the calls that peers give to their driver.
    pub fn set_services(&mut self, services: impl FnMut(NodeId, &Call) -> Reply + 'static) {
        self.services = Box::new(services);
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Number of peers, crashed ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no peer.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A number that differs, in all likelihood, if anything went differently:
    /// what happened, to whom, when, with which bytes.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// What went over the network so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The random numbers of this world, for a test that wants to stay under
    /// its seed.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// What peers told their owners so far.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Calls that peers gave to their driver so far.
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// Forgets reports, executions and acknowledgements, for runs that are long.
    pub fn forget_history(&mut self) {
        self.reports = Vec::new();
        self.executions = Vec::new();
        self.ledger = self.ledger.is_some().then(Ledger::default);
    }

    /// Name of a peer.
    pub fn name(&self, node: NodeId) -> &Arc<str> {
        &self.nodes[node].name
    }

    /// Id of a peer.
    pub fn id(&self, node: NodeId) -> PeerId {
        self.nodes[node].config.keypair.peer_id()
    }

    /// Key of a peer.
    pub fn keypair(&self, node: NodeId) -> &Arc<Keypair> {
        &self.nodes[node].config.keypair
    }

    /// The peer with this id.
    pub fn find(&self, id: &PeerId) -> Option<NodeId> {
        self.by_id.get(id).copied()
    }

    /// The state of a peer, unless it has crashed.
    pub fn peer(&self, node: NodeId) -> Option<&Peer> {
        self.nodes[node].peer()
    }

    /// What a peer has on its disk.
    pub fn disk(&self, node: NodeId) -> &Disk {
        &self.nodes[node].disk
    }

    /// Keeps from now on which packets were acknowledged, for [`World::acknowledged`].
    pub fn keep_acknowledged(&mut self) {
        self.ledger = Some(Ledger::default());
    }

    /// When peers delete what they have of a particle that nobody asked them to keep.
    pub fn forgets_at(&self, start: &Start) -> Timestamp {
        Timestamp(start.timestamp_ms)
            .plus(start.ttl_ms)
            .plus(self.limits.clock_skew_ms)
            .plus(self.limits.retention_ms)
    }

    /// Packets that their targets acknowledged, each with the node that did.
    pub fn acknowledged(&self) -> &[(NodeId, Packet)] {
        self.ledger.as_ref().map_or(&[], Ledger::acknowledged)
    }

    /// What a puppet received since it was asked last.
    pub fn take_inbox(&mut self, puppet: NodeId) -> Vec<(PeerId, Bytes)> {
        match &mut self.nodes[puppet].occupant {
            Occupant::Puppet(inbox) => std::mem::take(inbox),
            _ => Vec::new(),
        }
    }

    fn note(&mut self, what: u8, node: NodeId, bytes: &[u8]) {
        self.trace.write_u64(self.now.ms());
        self.trace.write_u8(what);
        self.trace.write_usize(node);
        self.trace.write(bytes);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("nodes", &self.nodes.len())
            .field("under_way", &self.queue.under_way())
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}
