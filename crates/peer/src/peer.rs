//! The peer itself: what comes in, and what goes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use weir_avm::log::Log;
use weir_identity::PeerId;

use crate::calls::{Calls, Intent};
use crate::config::{PeerConfig, Reports};
use crate::deals::DealTable;
use crate::effect::{Batch, Effect, ParticleEvent, ParticleId};
use crate::error::{RestoreError, ServiceError};
use crate::event::{Event, StoredRecord};
use crate::metrics::Metrics;
use crate::network::{Network, Undelivered, Upcall};
use crate::particle::{Parked, Particles, Residence};
use crate::reach::{Contact, ReachError};
use crate::receipts::Chains;
use crate::services::{Service, ServiceChange, ServiceTable};
use crate::store::{self, ParticleKey, Restored};
use crate::time::Timestamp;
use crate::timers::Timers;

/// What a timer of the peer is for.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The time of a particle is over.
    Deadline(ParticleKey),
    /// The records of a particle are not needed any more.
    Forget(ParticleKey),
    /// A particle may leave memory.
    Idle(ParticleKey),
    /// Unanswered deliveries of a particle are repeated.
    Nudge(ParticleKey),
    /// A call has taken too long.
    Call(crate::CallId),
    /// A host function has waited long enough.
    Wait(u64),
    /// Packets wait for a start that does not come.
    Stranger(ParticleId),
    /// There is more work than fits into one turn.
    Continue,
}

/// One participant of the network. See the crate for an example.
#[derive(Debug)]
pub struct Peer {
    pub(crate) config: PeerConfig,
    pub(crate) me: PeerId,
    pub(crate) network: Network,
    pub(crate) particles: Particles,
    /// Packets of particles whose start is not known.
    pub(crate) strangers: BTreeMap<ParticleId, Vec<Parked>>,
    pub(crate) parked: usize,
    /// Own packets that ask for a start, and of whom for which particle: one
    /// at a time.
    pub(crate) questions: BTreeMap<u64, (ParticleId, PeerId)>,
    pub(crate) questioned: BTreeSet<(ParticleId, PeerId)>,
    pub(crate) calls: Calls,
    pub(crate) services: ServiceTable,
    pub(crate) deals: Arc<DealTable>,
    pub(crate) chains: Chains,
    /// The epoch of the next receipt of a worker.
    pub(crate) epoch: u32,
    /// Calls that were begun in an earlier life and have no outcome in a journal.
    pub(crate) intents: BTreeMap<ParticleKey, BTreeMap<[u8; 32], Intent>>,
    /// Own packets: for which particle, under which token of its engine.
    pub(crate) packets: BTreeMap<u64, (ParticleKey, u64)>,
    /// Particles that had something for a peer to whom there was no way.
    pub(crate) unreached: BTreeMap<PeerId, BTreeSet<ParticleKey>>,
    pub(crate) loading: usize,
    pub(crate) load_queue: VecDeque<ParticleKey>,
    /// Particles whose engine has news.
    pub(crate) dirty: BTreeSet<ParticleKey>,
    /// Particles whose evaluation takes more than one turn, in the order of their turns.
    pub(crate) line: VecDeque<ParticleKey>,
    pub(crate) timers: Timers<Wake>,
    pub(crate) batch: Batch,
    pub(crate) effects: Vec<Effect>,
    timer_at: Option<Timestamp>,
    pub(crate) counted: Metrics,
}

impl Peer {
    /// A peer that begins with an empty store.
    ///
    /// # Errors
    /// Never for an empty store; see [`Peer::restore`].
    pub fn new(config: PeerConfig, now: Timestamp) -> Result<Self, RestoreError> {
        Self::restore(config, std::iter::empty(), now)
    }

    /// A peer as its store left it.
    ///
    /// `records` are all keys and values of the store in any order; those
    /// whose first byte is at least [`store::COLD`] may be left out. What was
    /// unfinished goes on: deliveries are repeated, and a call that was given
    /// out and has no outcome becomes *interrupted*.
    pub fn restore(
        config: PeerConfig,
        records: impl IntoIterator<Item = StoredRecord>,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let me = config.keypair.peer_id();
        let mut peer = Peer {
            me,
            network: Network::new(&config),
            particles: Particles::default(),
            strangers: BTreeMap::new(),
            parked: 0,
            questions: BTreeMap::new(),
            questioned: BTreeSet::new(),
            calls: Calls::new(config.token_seed),
            services: ServiceTable::default(),
            deals: Arc::default(),
            chains: Chains::default(),
            epoch: 0,
            intents: BTreeMap::new(),
            packets: BTreeMap::new(),
            unreached: BTreeMap::new(),
            loading: 0,
            load_queue: VecDeque::new(),
            dirty: BTreeSet::new(),
            line: VecDeque::new(),
            timers: Timers::default(),
            batch: Batch::default(),
            effects: Vec::new(),
            timer_at: None,
            counted: Metrics::default(),
            config,
        };
        let mut owner = None;
        let mut indexed = Vec::new();
        let mut scripts = BTreeMap::new();
        for (key, value) in records {
            match store::read(&key, &value)? {
                Restored::Owner(id) => owner = Some(id),
                Restored::Service(service) => {
                    peer.services.apply(ServiceChange::Register(service));
                }
                Restored::Script(cid, text) => {
                    scripts.insert(cid, text);
                }
                Restored::Particle(key, particle) => indexed.push((key, particle)),
                Restored::Intent(key, step, intent) => {
                    peer.intents.entry(key).or_default().insert(step, intent);
                }
                Restored::Chain(key, end) => peer.chains.restore(key, end),
                Restored::Epoch(epoch) => peer.epoch = epoch,
                Restored::Cold => {}
            }
        }
        match owner {
            None => peer.batch.put_owner(me),
            Some(owner) if owner != me => return Err(RestoreError::OtherPeer(owner)),
            Some(_) => {}
        }
        for (key, particle) in indexed {
            peer.readopt(key, *particle, &scripts, now)?;
        }
        peer.network.start(now);
        peer.work(now);
        Ok(peer)
    }

    /// The name of this peer.
    pub fn id(&self) -> PeerId {
        self.me
    }

    /// The peer on whose machine this one lives: itself, unless it is a worker.
    pub(crate) fn host(&self) -> PeerId {
        let employment = self.config.employment.as_ref();
        employment.map_or(self.me, |employment| employment.host)
    }

    /// Takes in an event. What follows from it is given out by
    /// [`Peer::drain`]; several events may be handled before.
    pub fn handle(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Connected { peer } => self.network.on_connected(peer, now),
            Event::Disconnected { peer } => self.network.on_disconnected(peer, now),
            Event::DialFailed { peer } => self.network.on_dial_failed(peer, now),
            Event::Received { from, frame } => self.network.on_received(from, &frame, now),
            Event::CallFinished {
                call,
                outcome,
                execution,
            } => {
                self.on_call_finished(call, outcome, execution);
            }
            Event::Loaded { prefix, records } => self.on_loaded(&prefix, records, now),
            Event::Timer => {
                self.timer_at = None;
                self.network.on_timer(now);
                self.on_timers(now);
                self.take_turn(now);
            }
            Event::Addresses(addresses) => self.network.set_addresses(addresses, now),
            Event::Deals(deals) => self.on_deals(deals),
        }
        self.work(now);
    }

    /// The epoch of a worker's receipts never goes down, also when the chain goes back: what an epoch has is committed
    /// to when the next one has begun.
    fn on_deals(&mut self, deals: Arc<DealTable>) {
        if self.config.employment.is_some() && deals.epoch > self.epoch {
            self.epoch = deals.epoch;
            self.batch.put_epoch(self.epoch);
        }
        self.deals = deals;
    }

    /// What is to be done, in this order. See [`Effect`] for what a driver
    /// must guarantee. A `Persist`, if there is one, comes first, and there is
    /// at most one.
    pub fn drain(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.batch.is_empty() {
            effects.push(Effect::Persist(std::mem::take(&mut self.batch)));
        }
        effects.append(&mut self.network.take_effects());
        effects.append(&mut self.effects);
        let earliest = self
            .timers
            .earliest()
            .into_iter()
            .chain(self.network.earliest())
            .min();
        if let Some(at) = earliest
            && self.timer_at.is_none_or(|set| at < set)
        {
            self.timer_at = Some(at);
            effects.push(Effect::SetTimer { at });
        }
        effects
    }

    /// When this peer wants to be woken, if at all. The same as the last
    /// [`Effect::SetTimer`] said, or later.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.timers
            .earliest()
            .into_iter()
            .chain(self.network.earliest())
            .min()
    }

    /// Work is left that did not fit into one turn. It goes on at the timer,
    /// which is due at once, calls already at the next event; a driver that
    /// wants to know whether this peer is at rest asks here.
    pub fn is_busy(&self) -> bool {
        self.calls.natives_queued() > 0 || !self.line.is_empty()
    }

    /// Adds a service. Calls of its id or of one of its aliases become
    /// [`Effect::Call`].
    pub fn register_service(&mut self, service: Service) -> Result<(), ServiceError> {
        self.change_services(ServiceChange::Register(service))
    }

    /// Gives a service that is there another blueprint. Calls that have begun
    /// end as they are; its aliases and its state stay.
    pub fn replace_service(&mut self, service: Service) -> Result<(), ServiceError> {
        self.change_services(ServiceChange::Replace(service))
    }

    /// Gives a service a further name; a service that had it loses it.
    pub fn add_alias(&mut self, alias: &str, service: &str) -> Result<(), ServiceError> {
        let (alias, service) = (Arc::from(alias), Arc::from(service));
        self.change_services(ServiceChange::AddAlias { alias, service })
    }

    /// Removes a service and its aliases.
    pub fn remove_service(&mut self, service: &str) -> Result<(), ServiceError> {
        self.change_services(ServiceChange::Remove {
            service: Arc::from(service),
        })
    }

    pub(crate) fn change_services(&mut self, change: ServiceChange) -> Result<(), ServiceError> {
        self.services.check(&change, &self.config.limits)?;
        for id in self.services.apply(change) {
            match self.services.get(&id) {
                Some(service) => self.batch.put_service(service),
                None => self.batch.delete_service(&id),
            }
        }
        Ok(())
    }

    /// The services of this peer.
    pub fn services(&self) -> &ServiceTable {
        &self.services
    }

    /// Takes in addresses of another peer that the operator names. They do not
    /// expire. Not stored.
    pub fn add_contact(&mut self, contact: Contact, now: Timestamp) {
        self.network.tell(contact, now);
        self.work(now);
    }

    /// Takes in a reach record of another peer.
    pub fn add_reach(&mut self, record: &[u8], now: Timestamp) -> Result<PeerId, ReachError> {
        let peer = self.network.learn(record, now)?;
        self.work(now);
        Ok(peer)
    }

    /// The signed reach record of this peer, if it has anything to say.
    pub fn reach(&mut self, now: Timestamp) -> Option<bytes::Bytes> {
        self.network.own_reach(now)
    }

    /// Peers with a connection.
    pub fn connected(&self) -> Vec<PeerId> {
        self.network.connected()
    }

    /// The journals and values of a particle, if it is in memory.
    pub fn log(&self, particle: &ParticleId) -> Option<&Log> {
        let key = ParticleKey {
            particle: *particle,
            identity: self.me,
        };
        match &self.particles.get(&key)?.residence {
            Residence::Here(avm) => Some(avm.log()),
            _ => None,
        }
    }

    /// Which step of a particle waits for whom.
    pub fn waiting(&self, particle: &ParticleId) -> Vec<crate::Waiting> {
        let key = ParticleKey {
            particle: *particle,
            identity: self.me,
        };
        self.particles
            .get(&key)
            .map_or_else(Vec::new, crate::particle::Particle::waits)
    }

    /// Particles that this peer takes part in and that have not expired.
    pub fn particles(&self) -> impl Iterator<Item = ParticleId> {
        self.particles
            .iter()
            .filter(|(_, p)| !p.over)
            .map(|(key, _)| key.particle)
    }

    /// Counters and sizes.
    pub fn metrics(&self) -> Metrics {
        let live = |p: &&crate::particle::Particle| matches!(p.residence, Residence::Here(_));
        let mut metrics = Metrics {
            particles: self.particles.active as u64,
            particles_live: self.particles.iter().map(|(_, p)| p).filter(live).count() as u64,
            particle_bytes: self.particles.bytes,
            calls_running: self.calls.running() as u64,
            calls_queued: self.calls.queued() as u64,
            ..self.counted
        };
        self.network.count_into(&mut metrics);
        metrics
    }

    pub(crate) fn report(&mut self, key: &ParticleKey, event: impl FnOnce() -> ParticleEvent) {
        let own = self.particles.get(key).is_some_and(|p| p.own);
        if own || self.config.reports == Reports::All {
            self.effects.push(Effect::Report {
                particle: key.particle,
                event: event(),
            });
        }
    }

    /// Does what can be done now, up to the budget of one turn.
    pub(crate) fn work(&mut self, now: Timestamp) {
        let mut budget = self.config.limits.natives_per_turn;
        loop {
            if let Some(upcall) = self.network.upcall() {
                self.on_upcall(upcall, now);
            } else if let Some(key) = self.dirty.pop_first() {
                self.collect(key, now);
            } else if !self.run_call(&mut budget, now) {
                break;
            }
        }
        if self.is_busy() {
            self.timers.set(now, Wake::Continue);
        }
    }

    fn on_upcall(&mut self, upcall: Upcall, now: Timestamp) {
        match upcall {
            Upcall::Arrived { packet, back } => self.on_packet(packet, back, now),
            Upcall::Settled {
                token,
                target,
                outcome,
            } => self.on_settled(token, target, outcome),
            Upcall::Reached(peer) => {
                self.on_reached(peer, true);
                self.resume_for(peer);
            }
            Upcall::Unreachable(peer) => self.on_reached(peer, false),
        }
    }

    fn on_settled(&mut self, token: u64, target: PeerId, outcome: Result<(), Undelivered>) {
        if let Err(failure) = &outcome {
            tracing::debug!(to = %target, token, ?failure, "packet not delivered");
        }
        if let Some(question) = self.questions.remove(&token) {
            self.questioned.remove(&question);
            return;
        }
        let Some((key, token)) = self.packets.remove(&token) else {
            return;
        };
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.questions.remove(&token);
        particle.in_flight = particle.in_flight.saturating_sub(1);
        if outcome == Err(Undelivered::NoRoute) && !particle.over {
            particle.unreached.insert(target);
            self.unreached.entry(target).or_default().insert(key);
        }
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        if let Some(avm) = particle.avm() {
            match outcome {
                Ok(()) => avm.delivered(token),
                Err(_) => avm.undeliverable(token),
            }
            self.dirty.insert(key);
        }
        match outcome {
            Ok(()) | Err(Undelivered::Expired) => {}
            Err(Undelivered::NoRoute) => {
                self.report(&key, || ParticleEvent::Undeliverable { to: target });
            }
            Err(Undelivered::Refused { by, reason }) => {
                self.report(&key, || ParticleEvent::Refused { by, reason });
            }
        }
    }

    /// A peer is there now for whom there was no way before.
    fn resume_for(&mut self, peer: PeerId) {
        for key in self.unreached.remove(&peer).unwrap_or_default() {
            if let Some(particle) = self.particles.get_mut(&key) {
                particle.unreached.remove(&peer);
                self.nudge_or_load(key);
            }
        }
    }

    pub(crate) fn forget_unreached(&mut self, peer: &PeerId, key: &ParticleKey) {
        if let Some(keys) = self.unreached.get_mut(peer) {
            keys.remove(key);
            if keys.is_empty() {
                self.unreached.remove(peer);
            }
        }
    }

    fn on_timers(&mut self, now: Timestamp) {
        while let Some(wake) = self.timers.pop(now) {
            match wake {
                Wake::Deadline(key) => self.end(key, now),
                Wake::Forget(key) => self.forget_records(&key),
                Wake::Idle(key) => self.on_idle(key, now),
                Wake::Nudge(key) => self.on_nudge(key, now),
                Wake::Call(id) => self.on_call_overdue(id),
                Wake::Wait(id) => self.on_wait_over(id),
                Wake::Stranger(particle) => self.give_up_stranger(particle),
                Wake::Continue => {}
            }
        }
    }
}
