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

mod effects;
mod ledger;
mod node;
mod queue;
mod transport;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHasher};
use weir_identity::{Hash, Keypair, PeerId, keccak256};
use weir_peer::wire::Packet;
use weir_peer::{
    Call, CallOutcome, Event, Limits, ParticleEvent, ParticleId, Peer, PeerConfig, Shared, Submit,
    SubmitError, Timestamp,
};

use self::ledger::Ledger;
pub use self::node::Spec;
use self::node::{Node, Occupant};
use self::queue::{Item, Queue};
use crate::disk::Disk;
use crate::rng::Rng;
use crate::weather::Weather;

/// Number of a peer in its world, in the order of [`World::add`].
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
    /// Nodes whose packets wait for an answer, as far as they were looked at.
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

    /// The key of a peer, derived from its name alone.
    pub fn key_of(name: &str) -> Keypair {
        let secret: Hash = keccak256(&[b"weir/sim/peer:", name.as_bytes()]);
        Keypair::from_secret(secret.as_bytes())
            .expect("all but a 2^-127 part of all hashes are secret keys")
    }

    /// Starts a peer.
    pub fn add(&mut self, spec: Spec) -> NodeId {
        let id = self.nodes.len();
        let keypair = Arc::new(World::key_of(&spec.name));
        let mut config = PeerConfig::new(keypair.clone());
        config.network = self.network.clone();
        config.limits = self.limits.clone();
        config.shared = self.shared.clone();
        config.relay = spec.relay;
        config.calls = spec.calls;
        config.reports = spec.reports;
        config.relays = spec
            .relays
            .iter()
            .map(|relay| self.contact(*relay))
            .collect();
        if spec.address {
            let address: Arc<str> = format!("/sim/{}", spec.name).into();
            self.by_address.insert(address.clone(), id);
            config.addresses = vec![address];
        }
        self.by_id.insert(keypair.peer_id(), id);
        self.nodes.push(Node::new(spec.name, config));
        self.boot(id);
        id
    }

    /// Adds an end of the network that no peer lives behind: what is sent to
    /// it can be read, and anything can be sent in its name.
    pub fn add_puppet(&mut self, name: &str) -> NodeId {
        let id = self.add(Spec::new(name));
        self.vacate(id);
        self.nodes[id].occupant = Occupant::Puppet(Vec::new());
        id
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

    /// Works with a peer directly and carries out what it wants afterwards.
    /// `None` if it has crashed.
    pub fn with_peer<T>(
        &mut self,
        node: NodeId,
        work: impl FnOnce(&mut Peer, Timestamp) -> T,
    ) -> Option<T> {
        let now = self.now;
        let result = self.nodes[node].peer_mut().map(|peer| work(peer, now));
        self.settle(node);
        result
    }

    /// Starts a particle at a peer. `None` if the peer has crashed.
    pub fn submit(
        &mut self,
        node: NodeId,
        submit: Submit,
    ) -> Option<Result<ParticleId, SubmitError>> {
        self.with_peer(node, |peer, now| peer.submit(submit, now))
    }

    /// Tells a peer where another one can be dialled.
    pub fn introduce(&mut self, node: NodeId, other: NodeId) {
        let contact = self.contact(other);
        self.with_peer(node, |peer, now| peer.add_contact(contact, now));
    }

    /// Tells every peer where all the others can be dialled.
    pub fn introduce_all(&mut self) {
        for node in 0..self.nodes.len() {
            for other in (0..self.nodes.len()).filter(|other| *other != node) {
                self.introduce(node, other);
            }
        }
    }

    /// Stops a peer at once: what it did not persist is lost.
    pub fn crash(&mut self, node: NodeId) {
        if self.nodes[node].peer().is_none() {
            return;
        }
        self.note(1, node, &[]);
        self.vacate(node);
        self.nodes[node].occupant = Occupant::Nobody;
    }

    /// Lets a peer crash just before its `effects`-th effect from now on; with
    /// 0 before the next one.
    pub fn crash_after(&mut self, node: NodeId, effects: u64) {
        self.nodes[node].crash_in = Some(effects);
    }

    /// Effects that were carried out for a peer so far, in all its lives.
    pub fn effects_performed(&self, node: NodeId) -> u64 {
        self.nodes[node].performed
    }

    /// Whether a peer is alive.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.nodes[node].peer().is_some()
    }

    /// Starts a crashed peer again, from its disk.
    pub fn restart(&mut self, node: NodeId) {
        if matches!(self.nodes[node].occupant, Occupant::Nobody) {
            self.note(2, node, &[]);
            self.boot(node);
        }
    }

    /// Starts a crashed peer again, with an empty disk.
    pub fn restart_without_disk(&mut self, node: NodeId) {
        if matches!(self.nodes[node].occupant, Occupant::Nobody) {
            self.note(3, node, &[]);
            self.nodes[node].disk.wipe();
            self.nodes[node].config.store_born = Some(self.now);
            self.boot(node);
        }
    }

    fn boot(&mut self, node: NodeId) {
        let token_seed = self.rng.bits() >> 1;
        let now = self.now;
        let Node { config, disk, .. } = &mut self.nodes[node];
        config.token_seed = token_seed;
        let records = disk
            .records()
            .map(|(key, value)| (key.clone(), value.clone()));
        let peer = Peer::restore(config.clone(), records, now)
            .unwrap_or_else(|error| panic!("a peer does not understand its own records: {error}"));
        self.nodes[node].occupant = Occupant::Peer(Box::new(peer));
        self.settle(node);
    }

    /// Lets things happen for so many milliseconds.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now.plus(ms));
    }

    /// Lets everything happen that is due by then.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.queue.next_time().is_some_and(|time| time <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Lets things happen until nothing is under way: no frame, no call, no
    /// dial, no packet that waits for an answer. Gives up after so many
    /// milliseconds; true if it came to rest.
    pub fn run_until_quiet_within(&mut self, ms: u64) -> bool {
        let end = self.now.plus(ms);
        loop {
            if self.is_quiet() {
                return true;
            }
            match self.queue.next_time() {
                Some(time) if time <= end => self.step(),
                _ => break,
            }
        }
        self.now = self.now.max(end);
        false
    }

    /// Whether nothing but timers would change anything.
    fn is_quiet(&mut self) -> bool {
        if self.queue.under_way() > 0 {
            return false;
        }
        // Asking a peer costs more than a step, so it waits until the rest is quiet.
        for node in std::mem::take(&mut self.stirred) {
            let waits = self.nodes[node]
                .peer()
                .is_some_and(|peer| peer.metrics().outgoing > 0);
            if waits {
                self.busy.insert(node);
            } else {
                self.busy.remove(&node);
            }
        }
        self.busy.is_empty()
    }

    /// Keeps from now on which packets were acknowledged, for [`World::acknowledged`].
    pub fn keep_acknowledged(&mut self) {
        self.ledger = Some(Ledger::default());
    }

    /// Packets that their targets acknowledged, each with the node that did.
    pub fn acknowledged(&self) -> &[(NodeId, Packet)] {
        self.ledger.as_ref().map_or(&[], Ledger::acknowledged)
    }

    /// The next thing happens.
    fn step(&mut self) {
        let Some((time, item)) = self.queue.pop() else {
            return;
        };
        self.now = self.now.max(time);
        match item {
            Item::Frame {
                from,
                to,
                connection,
                frame,
            } => self.frame_arrives(from, to, connection, frame),
            Item::DialEnds {
                from,
                life,
                target,
                peer,
            } => self.dial_ends(from, life, target, peer),
            Item::Close {
                node,
                other,
                connection,
            } => self.break_now(node, other, connection),
            Item::Break {
                node,
                other,
                connection,
            } => self.notice_break(node, other, connection),
            Item::CallEnds {
                node,
                life,
                call,
                outcome,
            } => {
                if self.nodes[node].life == life {
                    self.note(4, node, &call.0.to_le_bytes());
                    self.tell(
                        node,
                        Event::CallFinished {
                            call,
                            outcome,
                            receipt: None,
                        },
                    );
                }
            }
            Item::Load { node, life, prefix } => {
                if self.nodes[node].life == life {
                    let disk = &self.nodes[node].disk;
                    let records = disk
                        .below(&prefix)
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    self.note(5, node, &prefix);
                    self.tell(
                        node,
                        Event::Loaded {
                            prefix,
                            records: Ok(records),
                        },
                    );
                }
            }
            Item::Timer { node, life } => {
                let record = &mut self.nodes[node];
                if record.life == life && record.timer == time {
                    record.timer = Timestamp::NEVER;
                    self.note(6, node, &[]);
                    self.tell(node, Event::Timer);
                }
            }
        }
    }

    fn tell(&mut self, node: NodeId, event: Event) {
        let now = self.now;
        match &mut self.nodes[node].occupant {
            Occupant::Peer(peer) => {
                peer.handle(event, now);
                self.settle(node);
            }
            Occupant::Puppet(inbox) => {
                if let Event::Received { from, frame } = event {
                    inbox.push((from, frame));
                }
            }
            Occupant::Nobody => {}
        }
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
