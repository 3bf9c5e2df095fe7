//! A few peers in one thread with a clock of their own: `Net::new(3)`, `.run()`.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Hash, Keypair, PeerId, Value};
use weir_peer::{
    Call, CallId, CallOutcome, ClientFunctions, Contact, Effect, Event, Execution, Limits,
    ParticleEvent, ParticleId, Peer, PeerConfig, Service, Submit, Timestamp, Write,
};
use weir_receipt::{Outcome, content_hash};

/// One way over a link, in milliseconds.
pub const LATENCY_MS: u64 = 10;

const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

/// What a service answers; `None`: never.
pub type Behaviour = fn(&Call) -> Option<CallOutcome>;

/// A peer and its surroundings.
pub struct Seat {
    pub id: PeerId,
    pub config: PeerConfig,
    pub peer: Option<Peer>,
    pub store: BTreeMap<Vec<u8>, Vec<u8>>,
    pub reports: Vec<(ParticleId, ParticleEvent)>,
    pub calls: Vec<Call>,
    pub behaviour: Behaviour,
    /// Connection number by neighbour.
    links: BTreeMap<PeerId, u64>,
    timer: Option<Timestamp>,
    lives: u64,
    /// What the next persists do: the driver dies instead of writing.
    pub dies_at_persist: bool,
}

enum Happening {
    Event(usize, u64, Event),
    Frame {
        to: usize,
        from: PeerId,
        link: u64,
        frame: Bytes,
    },
    Dial {
        by: usize,
        peer: PeerId,
        addresses: Vec<Arc<str>>,
    },
    Timer(usize),
}

pub struct Net {
    pub now: Timestamp,
    pub seats: Vec<Seat>,
    happenings: BTreeMap<(Timestamp, u64), Happening>,
    count: u64,
    cut: BTreeSet<(usize, usize)>,
    nonce: u8,
    /// Frames to drop instead of delivering: (from, to).
    pub lossy: Option<fn(usize, usize, u64) -> bool>,
    pub frames: u64,
    /// How long what a peer does at once takes: its timer is this late.
    pub turn_ms: u64,
}

pub fn keypair(index: usize) -> Arc<Keypair> {
    let mut secret = [index as u8 + 1; 32];
    secret[0] = 1;
    Arc::new(Keypair::from_secret(&secret).expect("a small number is a valid key"))
}

pub fn config(index: usize) -> PeerConfig {
    PeerConfig {
        addresses: vec![Arc::from(format!("mem/{index}"))],
        relay: true,
        token_seed: index as u64 * 1_000_000,
        ..PeerConfig::new(keypair(index))
    }
}

impl Net {
    /// `count` peers with addresses that know each other.
    pub fn new(count: usize) -> Self {
        let mut net = Net {
            now: BEGIN,
            seats: Vec::new(),
            happenings: BTreeMap::new(),
            count: 0,
            cut: BTreeSet::new(),
            nonce: 0,
            lossy: None,
            frames: 0,
            turn_ms: 0,
        };
        for index in 0..count {
            net.add(config(index));
        }
        for by in 0..count {
            net.introduce(by);
        }
        net
    }

    /// A peer without address that uses `relay`; returns its number.
    pub fn add_client(&mut self, relay: usize) -> usize {
        let index = self.seats.len();
        let contact = self.contact(relay);
        self.add(PeerConfig {
            addresses: Vec::new(),
            relay: false,
            relays: vec![contact],
            ..config(index)
        });
        index
    }

    pub fn add(&mut self, config: PeerConfig) {
        let peer = Peer::new(config.clone(), self.now).expect("an empty store is not damaged");
        self.seats.push(Seat {
            id: peer.id(),
            config,
            peer: Some(peer),
            store: BTreeMap::new(),
            reports: Vec::new(),
            calls: Vec::new(),
            behaviour: |call| Some(CallOutcome::Value(Value::from(call.args.clone()))),
            links: BTreeMap::new(),
            timer: None,
            lives: 0,
            dies_at_persist: false,
        });
        self.perform(self.seats.len() - 1);
    }

    pub fn contact(&self, index: usize) -> Contact {
        let addresses = self.seats[index].config.addresses.clone();
        Contact {
            peer: self.seats[index].id,
            addresses,
        }
    }

    fn introduce(&mut self, by: usize) {
        for other in 0..self.seats.len() {
            if other != by && !self.seats[other].config.addresses.is_empty() {
                let contact = self.contact(other);
                let now = self.now;
                self.peer(by).add_contact(contact, now);
            }
        }
        self.perform(by);
    }

    pub fn peer(&mut self, index: usize) -> &mut Peer {
        self.seats[index]
            .peer
            .as_mut()
            .expect("the peer is running")
    }

    /// `@n` in a script stands for peer n.
    pub fn script(&self, text: &str) -> Arc<str> {
        let mut script = text.to_owned();
        for (index, seat) in self.seats.iter().enumerate().rev() {
            script = script.replace(&format!("@{index}"), &format!("\"{}\"", seat.id));
        }
        Arc::from(script)
    }

    pub fn submission(&mut self, script: &str) -> Submit {
        self.nonce += 1;
        Submit {
            script: self.script(script),
            nonce: [self.nonce; 16],
            ttl_ms: 60_000,
            timestamp: None,
            client: Some(ClientFunctions::default()),
            keep: false,
        }
    }

    pub fn submit(&mut self, index: usize, script: &str) -> ParticleId {
        let submission = self.submission(script);
        let now = self.now;
        let particle = self
            .peer(index)
            .submit(submission, now)
            .expect("the particle starts");
        self.perform(index);
        particle
    }

    pub fn handle(&mut self, index: usize, event: Event) {
        let now = self.now;
        if let Some(peer) = &mut self.seats[index].peer {
            peer.handle(event, now);
            self.perform(index);
        }
    }

    fn later(&mut self, ms: u64, happening: Happening) {
        self.count += 1;
        self.happenings
            .insert((self.now.plus(ms), self.count), happening);
    }

    /// Does what the peer wants.
    pub fn perform(&mut self, index: usize) {
        let Some(peer) = &mut self.seats[index].peer else {
            return;
        };
        for effect in peer.drain() {
            match effect {
                Effect::Persist(batch) => {
                    if self.seats[index].dies_at_persist {
                        self.crash(index);
                        return;
                    }
                    let store = &mut self.seats[index].store;
                    for write in batch.writes {
                        match write {
                            Write::Put { key, value } => {
                                store.insert(key, value);
                            }
                            Write::Delete { key } => {
                                store.remove(&key);
                            }
                            Write::DeletePrefix { prefix } => {
                                assert!(!prefix.is_empty());
                                store.retain(|key, _| !key.starts_with(&prefix));
                            }
                        }
                    }
                }
                Effect::Load { prefix } => {
                    let store = &self.seats[index].store;
                    let records = store
                        .range(prefix.clone()..)
                        .take_while(|(key, _)| key.starts_with(&prefix))
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    let life = self.seats[index].lives;
                    let event = Event::Loaded {
                        prefix,
                        records: Ok(records),
                    };
                    self.later(1, Happening::Event(index, life, event));
                }
                Effect::Send { to, frame } => self.send(index, to, frame),
                Effect::Dial { peer, addresses } => {
                    self.later(
                        LATENCY_MS,
                        Happening::Dial {
                            by: index,
                            peer,
                            addresses,
                        },
                    );
                }
                Effect::Disconnect { peer, .. } => self.disconnect(index, peer),
                Effect::Call(call) => {
                    let seat = &mut self.seats[index];
                    let outcome = (seat.behaviour)(&call);
                    let life = seat.lives;
                    if let Some(outcome) = outcome {
                        let event = Event::CallFinished {
                            call: call.id,
                            outcome,
                            execution: None,
                        };
                        seat.calls.push(*call);
                        self.later(1, Happening::Event(index, life, event));
                    } else {
                        seat.calls.push(*call);
                    }
                }
                Effect::CancelCall(_) => {}
                Effect::SetTimer { at } => {
                    self.seats[index].timer = Some(at);
                    let ms = at.since(self.now).max(self.turn_ms);
                    self.later(ms, Happening::Timer(index));
                }
                Effect::Report { particle, event } => {
                    self.seats[index].reports.push((particle, event));
                }
            }
        }
    }

    fn index(&self, id: PeerId) -> usize {
        self.seats
            .iter()
            .position(|seat| seat.id == id)
            .expect("a peer of this net")
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&(a.min(b), a.max(b)))
    }

    fn send(&mut self, from: usize, to: PeerId, frame: Bytes) {
        let Some(link) = self.seats[from].links.get(&to).copied() else {
            return;
        };
        self.frames += 1;
        let index = self.index(to);
        if self
            .lossy
            .is_some_and(|lossy| lossy(from, index, self.frames))
        {
            return;
        }
        let from = self.seats[from].id;
        self.later(
            LATENCY_MS,
            Happening::Frame {
                to: index,
                from,
                link,
                frame,
            },
        );
    }

    fn disconnect(&mut self, a: usize, peer: PeerId) {
        let b = self.index(peer);
        let (a_id, b_id) = (self.seats[a].id, peer);
        for (index, other) in [(a, b_id), (b, a_id)] {
            if self.seats[index].links.remove(&other).is_some() {
                let life = self.seats[index].lives;
                self.later(
                    0,
                    Happening::Event(index, life, Event::Disconnected { peer: other }),
                );
            }
        }
    }

    /// No frame passes between the two until [`Net::heal`].
    pub fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
        let peer = self.seats[b].id;
        self.disconnect(a, peer);
    }

    pub fn heal(&mut self, a: usize, b: usize) {
        self.cut.remove(&(a.min(b), a.max(b)));
    }

    /// The process of a peer is gone; its store stays.
    pub fn crash(&mut self, index: usize) {
        let neighbours: Vec<PeerId> = self.seats[index].links.keys().copied().collect();
        let seat = &mut self.seats[index];
        seat.peer = None;
        seat.lives += 1;
        seat.timer = None;
        seat.dies_at_persist = false;
        for peer in neighbours {
            self.disconnect(index, peer);
        }
    }

    pub fn restart(&mut self, index: usize) {
        let records = self.seats[index].store.clone();
        let mut config = self.seats[index].config.clone();
        config.token_seed += 500 * self.seats[index].lives;
        let peer = Peer::restore(config, records, self.now).expect("the store is whole");
        self.seats[index].peer = Some(peer);
        self.perform(index);
        self.introduce(index);
    }

    /// The peer comes back without its store.
    pub fn restart_without_disk(&mut self, index: usize) {
        self.seats[index].store.clear();
        self.seats[index].config.store_born = Some(self.now);
        self.restart(index);
    }

    fn connect(&mut self, by: usize, peer: PeerId, addresses: &[Arc<str>]) {
        let named = |index: usize| addresses.iter().any(|a| **a == *format!("mem/{index}"));
        let found = (0..self.seats.len()).find(|index| named(*index));
        let reached = found.filter(|index| {
            self.seats[*index].id == peer
                && self.seats[*index].peer.is_some()
                && self.seats[by].peer.is_some()
                && !self.is_cut(by, *index)
        });
        match reached {
            Some(to) => {
                if self.seats[by].links.contains_key(&peer) {
                    return;
                }
                self.count += 1;
                let (link, by_id) = (self.count, self.seats[by].id);
                self.seats[by].links.insert(peer, link);
                self.seats[to].links.insert(by_id, link);
                self.handle(to, Event::Connected { peer: by_id });
                self.handle(by, Event::Connected { peer });
            }
            None => self.handle(by, Event::DialFailed { peer }),
        }
    }

    fn step(&mut self) -> bool {
        let Some(((at, _), happening)) = self.happenings.pop_first() else {
            return false;
        };
        self.now = self.now.max(at);
        match happening {
            Happening::Event(index, life, event) => {
                if self.seats[index].lives == life {
                    self.handle(index, event);
                }
            }
            Happening::Frame {
                to,
                from,
                link,
                frame,
            } => {
                if self.seats[to].links.get(&from) == Some(&link) {
                    self.handle(to, Event::Received { from, frame });
                }
            }
            Happening::Dial {
                by,
                peer,
                addresses,
            } => self.connect(by, peer, &addresses),
            Happening::Timer(index) => {
                if self.seats[index]
                    .timer
                    .is_some_and(|timer| timer <= self.now)
                {
                    self.seats[index].timer = None;
                    self.handle(index, Event::Timer);
                }
            }
        }
        true
    }

    /// Until nothing is under way but timers.
    pub fn run(&mut self) {
        let only_timers = |net: &Net| {
            net.happenings
                .values()
                .all(|happening| matches!(happening, Happening::Timer(_)))
        };
        while !only_timers(self) {
            self.step();
        }
    }

    pub fn run_for(&mut self, ms: u64) {
        let end = self.now.plus(ms);
        while self
            .happenings
            .first_key_value()
            .is_some_and(|((at, _), _)| *at <= end)
        {
            self.step();
        }
        self.now = end;
    }

    /// Arguments of the callbacks that a submitter got, as JSON.
    pub fn callbacks(&self, index: usize) -> Vec<String> {
        let args = self.seats[index]
            .reports
            .iter()
            .filter_map(|(_, event)| match event {
                ParticleEvent::Callback { args, .. } => Some(Value::from(args.clone()).to_json()),
                _ => None,
            });
        args.collect()
    }

    pub fn register(&mut self, index: usize, id: &str, idempotent: bool) {
        self.register_with(index, id, |service| service.idempotent = idempotent);
    }

    /// A call that the driver of a peer has got ends with 0.
    pub fn finish(&mut self, index: usize, call: CallId) {
        let finished = Event::CallFinished {
            call,
            outcome: CallOutcome::Value(0.into()),
            execution: None,
        };
        self.handle(index, finished);
    }

    /// Registers a service that is not as others are.
    pub fn register_with(&mut self, index: usize, id: &str, change: impl FnOnce(&mut Service)) {
        let mut service = Service {
            id: Arc::from(id),
            kind: Arc::from("mock"),
            blueprint: Arc::from(""),
            interface: Value::Null,
            owner: self.seats[index].id,
            aliases: BTreeSet::new(),
            idempotent: false,
            exclusive: BTreeSet::new(),
            terms: None,
        };
        change(&mut service);
        let registered = self.peer(index).register_service(service);
        registered.expect("the service is new");
        self.perform(index);
    }
}

/// Default limits with a change.
pub fn limits(change: impl FnOnce(&mut Limits)) -> Arc<Limits> {
    let mut limits = Limits::default();
    change(&mut limits);
    Arc::new(limits)
}

/// What is said of an execution that gave `"done"`.
pub fn execution(fuel: u64) -> Execution {
    Execution {
        module_set: Hash::ZERO,
        args: Hash::ZERO,
        pre_state: Hash::ZERO,
        post_state: Hash::ZERO,
        result: content_hash(&Value::from("done").to_dag_cbor()),
        effects: Hash::ZERO,
        fuel,
        outcome: Outcome::Ok,
    }
}
