//! Neighbours, routes, and packets under way.
//!
//! The network is a state machine inside the peer: it knows frames, not
//! particles. What arrives for this peer, and what became of own packets, it
//! tells by [`Upcall`]s.
//!
//! A packet goes to its target directly if there is a connection, else by
//! dialling an address, else over one of the target's relays, else over one
//! of the own relays. It stays here until it is answered or expired and is
//! sent again whenever its way breaks or no answer comes.

mod book;
mod neighbour;
mod parcel;
mod relay;
mod route;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use weir_avm::log::ParticleId;
use weir_identity::{Keypair, PeerId};

use crate::config::PeerConfig;
use crate::effect::Effect;
use crate::error::Refusal;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::native::NetworkView;
use crate::reach::{Contact, Reach, ReachError};
use crate::time::Timestamp;
use crate::timers::Timers;
use crate::wire::{Answer, Frame, Hello, Packet, PacketId, VERSION};
use book::AddressBook;
use neighbour::{Link, Neighbour};
use parcel::{Parcel, Parcels};

/// What the network tells the peer.
#[derive(Debug)]
pub(crate) enum Upcall {
    /// A packet for this peer came from neighbour `back`; it wants an answer.
    Arrived { packet: Packet, back: PeerId },
    /// An own packet is done with.
    Settled { token: u64, target: PeerId, outcome: Result<(), Undelivered> },
    /// There is a connection with this peer.
    Reached(PeerId),
    /// A dial of this peer failed.
    Unreachable(PeerId),
}

/// Why an own packet did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// Nobody knows how to reach the target.
    NoRoute,
    /// No answer came while the particle lived.
    Expired,
    /// A newer message says the same and more.
    Superseded,
    /// It was not taken.
    Refused { by: PeerId, reason: Refusal },
}

#[derive(Debug)]
enum Wake {
    Resend(PacketId),
    Expire(PacketId),
    DialEnds(PeerId, Timestamp),
    Redial(PeerId),
    Hello(PeerId),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Network {
    me: PeerId,
    keypair: Arc<Keypair>,
    limits: Arc<Limits>,
    serves: bool,
    addresses: Vec<Arc<str>>,
    relays: Vec<Contact>,
    reach: Option<(Bytes, Timestamp)>,
    book: AddressBook,
    neighbours: BTreeMap<PeerId, Neighbour>,
    clients: BTreeSet<PeerId>,
    parcels: Parcels,
    /// Own parcels that have no way at the moment.
    waiting: BTreeSet<PacketId>,
    tokens: u64,
    timers: Timers<Wake>,
    effects: Vec<Effect>,
    upcalls: VecDeque<Upcall>,
    counted: Metrics,
}

impl Network {
    pub(crate) fn new(config: &PeerConfig) -> Self {
        Network {
            me: config.keypair.peer_id(),
            keypair: config.keypair.clone(),
            limits: config.limits.clone(),
            serves: config.relay,
            addresses: config.addresses.clone(),
            relays: config.relays.clone(),
            reach: None,
            book: AddressBook::default(),
            neighbours: BTreeMap::new(),
            clients: BTreeSet::new(),
            parcels: Parcels::default(),
            waiting: BTreeSet::new(),
            tokens: config.token_seed,
            timers: Timers::default(),
            effects: Vec::new(),
            upcalls: VecDeque::new(),
            counted: Metrics::default(),
        }
    }

    /// Dials the own relays.
    pub(crate) fn start(&mut self, now: Timestamp) {
        for relay in self.relays.clone() {
            self.book.tell(relay.clone(), Timestamp::NEVER, self.limits.contacts);
            self.dial(relay.peer, relay.addresses, now);
        }
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn upcall(&mut self) -> Option<Upcall> {
        self.upcalls.pop_front()
    }

    pub(crate) fn earliest(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }

    pub(crate) fn addresses(&self) -> &[Arc<str>] {
        &self.addresses
    }

    pub(crate) fn relays(&self) -> &[Contact] {
        &self.relays
    }

    pub(crate) fn serves(&self) -> bool {
        self.serves
    }

    pub(crate) fn set_addresses(&mut self, addresses: Vec<Arc<str>>, now: Timestamp) {
        if addresses == self.addresses {
            return;
        }
        self.addresses = addresses;
        self.reach = None;
        for peer in self.connected() {
            self.send_hello(peer, false, now);
        }
    }

    /// Peers with a connection.
    pub(crate) fn connected(&self) -> Vec<PeerId> {
        self.neighbours.iter().filter(|(_, n)| n.is_up()).map(|(peer, _)| *peer).collect()
    }

    /// Adds the network's part to `metrics`.
    pub(crate) fn count_into(&self, metrics: &mut Metrics) {
        let counted = &self.counted;
        *metrics = Metrics {
            frames_in: counted.frames_in,
            frames_malformed: counted.frames_malformed,
            frames_out: counted.frames_out,
            packets_made: counted.packets_made,
            packets_delivered: counted.packets_delivered,
            packets_undeliverable: counted.packets_undeliverable,
            packets_resent: counted.packets_resent,
            packets_relayed: counted.packets_relayed,
            relay_refused: counted.relay_refused,
            outgoing: self.parcels.own as u64,
            relay_held: self.parcels.held as u64,
            relay_clients: self.clients.len() as u64,
            connections: self.neighbours.values().filter(|n| n.is_up()).count() as u64,
            contacts: self.book.len() as u64,
            ..*metrics
        };
    }

    /// The own reach record, renewed at half of its life. `None` if there is
    /// nothing to say.
    pub(crate) fn own_reach(&mut self, now: Timestamp) -> Option<Bytes> {
        if self.addresses.is_empty() && self.relays.is_empty() {
            return None;
        }
        if let Some((record, renew)) = &self.reach
            && now < *renew
        {
            return Some(record.clone());
        }
        let limits = &self.limits;
        let mut relays: Vec<Contact> =
            self.relays.iter().take(limits.relays_per_contact).cloned().collect();
        for relay in &mut relays {
            relay.addresses.truncate(limits.addresses_per_contact);
        }
        let addresses = self.addresses.iter().take(limits.addresses_per_contact).cloned().collect();
        let expires = now.plus(limits.reach_ms);
        let reach = Reach { peer: self.me, addresses, relays, issued: now, expires };
        let record = reach.sign(&self.keypair);
        self.reach = Some((record.clone(), now.plus(limits.reach_ms / 2)));
        Some(record)
    }

    /// Takes in a reach record of another peer.
    pub(crate) fn learn(&mut self, record: &[u8], now: Timestamp) -> Result<PeerId, ReachError> {
        let reach = Reach::verify(record, &self.limits)?;
        let peer = reach.peer;
        if peer != self.me {
            self.book.expire(now);
            self.book.learn(reach, now, self.limits.contacts);
        }
        Ok(peer)
    }

    /// Takes in addresses that the operator names.
    pub(crate) fn tell(&mut self, contact: Contact, now: Timestamp) {
        self.book.tell(contact, Timestamp::NEVER, self.limits.contacts);
        self.dispatch_waiting(now);
    }

    /// Connects to a peer on behalf of a script; [`Upcall::Reached`] or
    /// [`Upcall::Unreachable`] follows.
    pub(crate) fn connect(&mut self, contact: Contact, now: Timestamp) {
        let peer = contact.peer;
        if self.is_up(&peer) {
            self.upcalls.push_back(Upcall::Reached(peer));
            return;
        }
        let mut addresses = contact.addresses.clone();
        addresses.extend(self.book.addresses(&peer, now));
        if !contact.addresses.is_empty() {
            self.book.tell(contact, now.plus(self.limits.reach_ms), self.limits.contacts);
        }
        if addresses.is_empty() || !self.dial(peer, addresses, now) {
            self.upcalls.push_back(Upcall::Unreachable(peer));
        }
    }

    fn is_up(&self, peer: &PeerId) -> bool {
        self.neighbours.get(peer).is_some_and(Neighbour::is_up)
    }

    pub(crate) fn on_connected(&mut self, peer: PeerId, now: Timestamp) {
        if peer == self.me || !self.make_room(peer, now) {
            let reason = format!("the limit neighbours = {} is reached", self.limits.neighbours);
            self.effects.push(Effect::Disconnect { peer, reason });
            return;
        }
        if self.is_up(&peer) {
            self.on_disconnected(peer, now);
        }
        let neighbour = self.neighbours.entry(peer).or_insert_with(Neighbour::new);
        neighbour.link = Link::Up;
        neighbour.hello_ms = self.limits.resend_ms;
        self.send_hello(peer, true, now);
        self.timers.set(now.plus(self.limits.resend_ms), Wake::Hello(peer));
        self.upcalls.push_back(Upcall::Reached(peer));
        for id in self.parcels.for_target(&peer) {
            self.waiting.remove(&id);
            self.assign(id, peer);
        }
        self.dispatch_waiting(now);
        self.pump(peer, now);
    }

    pub(crate) fn on_disconnected(&mut self, peer: PeerId, now: Timestamp) {
        self.lose(peer, now);
    }

    pub(crate) fn on_dial_failed(&mut self, peer: PeerId, now: Timestamp) {
        if self.neighbours.get(&peer).is_some_and(|n| n.link == Link::Dialling) {
            self.lose(peer, now);
            self.upcalls.push_back(Upcall::Unreachable(peer));
        }
    }

    /// The connection or the dial ended: pause, and look for other ways.
    fn lose(&mut self, peer: PeerId, now: Timestamp) {
        let limits = self.limits.clone();
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        let open = neighbour.hang_up();
        neighbour.pause_ms =
            neighbour.pause_ms.saturating_mul(2).clamp(limits.redial_ms, limits.redial_max_ms);
        neighbour.redial_at = now.plus(neighbour.pause_ms);
        if self.relays.iter().any(|relay| relay.peer == peer) {
            self.timers.set(neighbour.redial_at, Wake::Redial(peer));
        }
        for id in open {
            if let Some(parcel) = self.parcels.get_mut(&id)
                && parcel.via == Some(peer)
            {
                parcel.via = None;
                parcel.sent = false;
                self.dispatch(id, now);
            }
        }
    }

    /// Makes sure that there is a record for `peer`, or says that there is no
    /// room for one.
    fn make_room(&mut self, peer: PeerId, now: Timestamp) -> bool {
        if self.neighbours.contains_key(&peer) {
            return true;
        }
        if self.neighbours.len() >= self.limits.neighbours {
            self.neighbours.retain(|_, neighbour| !neighbour.is_idle(now));
        }
        if self.neighbours.len() >= self.limits.neighbours {
            return false;
        }
        self.neighbours.insert(peer, Neighbour::new());
        true
    }

    /// Dials unless a connection or a dial is there already. False if the
    /// peer may not be dialled now.
    fn dial(&mut self, peer: PeerId, addresses: Vec<Arc<str>>, now: Timestamp) -> bool {
        if peer == self.me || !self.make_room(peer, now) {
            return false;
        }
        let until = now.plus(self.limits.dial_ms);
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return false };
        if neighbour.link != Link::Down {
            return true;
        }
        if !neighbour.may_dial(now) {
            return false;
        }
        neighbour.link = Link::Dialling;
        neighbour.redial_at = until;
        self.timers.set(until, Wake::DialEnds(peer, until));
        self.effects.push(Effect::Dial { peer, addresses });
        true
    }

    pub(crate) fn on_received(&mut self, from: PeerId, frame: &Bytes, now: Timestamp) {
        if !self.is_up(&from) {
            return;
        }
        self.counted.frames_in += 1;
        match Frame::decode(frame, self.limits.frame_bytes) {
            Ok(Frame::Hello(hello)) => self.on_hello(from, hello, now),
            Ok(Frame::Packet(packet)) => self.on_packet(from, packet, now),
            Ok(Frame::Answer(answer)) => self.on_answer(from, answer, now),
            Ok(Frame::Held(id)) => self.on_held(from, id, now),
            Err(error) => {
                self.counted.frames_malformed += 1;
                self.effects.push(Effect::Disconnect { peer: from, reason: error.to_string() });
            }
        }
    }

    fn write(&mut self, to: PeerId, frame: &Frame) {
        if self.is_up(&to) {
            self.counted.frames_out += 1;
            self.effects.push(Effect::Send { to, frame: frame.encode() });
        }
    }

    fn send_hello(&mut self, to: PeerId, reply: bool, now: Timestamp) {
        let reach = self.own_reach(now);
        let relay_offered = self.clients.contains(&to);
        let Some(neighbour) = self.neighbours.get_mut(&to) else { return };
        neighbour.relay_told = relay_offered;
        let offered = neighbour.hello.as_ref().is_some_and(|hello| hello.relay_offered);
        let hello = Hello {
            version: VERSION,
            peer: self.me,
            reply,
            frame_bytes: self.limits.frame_bytes as u64,
            window: self.limits.window,
            relay_wanted: !offered && self.relays.iter().any(|relay| relay.peer == to),
            relay_offered,
            reach,
        };
        self.write(to, &Frame::Hello(hello));
    }

    fn on_hello(&mut self, from: PeerId, hello: Hello, now: Timestamp) {
        let fault = if hello.version != VERSION {
            Some(format!("envelope version {} is not spoken here, {VERSION} is", hello.version))
        } else if hello.peer != from {
            Some(format!("the hello names {}, the connection is with {from}", hello.peer))
        } else {
            None
        };
        if let Some(reason) = fault {
            self.effects.push(Effect::Disconnect { peer: from, reason });
            return;
        }
        if let Some(record) = &hello.reach
            && let Err(error) = self.learn(record, now)
        {
            tracing::debug!(peer = %from, %error, "reach record in hello not taken");
        }
        if hello.relay_wanted {
            self.admit_client(from);
        }
        let serves = self.clients.contains(&from);
        let reply = hello.reply;
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        neighbour.pause_ms = 0;
        neighbour.hello = Some(hello);
        if reply || (serves && !neighbour.relay_told) {
            self.send_hello(from, false, now);
        }
        self.pump(from, now);
    }

    /// Repeats the hello as long as something in the answer is missing.
    fn repeat_hello(&mut self, peer: PeerId, now: Timestamp) {
        let wanted = self.relays.iter().any(|relay| relay.peer == peer);
        let max = self.limits.resend_max_ms;
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        let missing = match &neighbour.hello {
            None => true,
            Some(hello) => wanted && !hello.relay_offered,
        };
        if !neighbour.is_up() || !missing {
            return;
        }
        neighbour.hello_ms = neighbour.hello_ms.saturating_mul(2).min(max);
        self.timers.set(now.plus(neighbour.hello_ms), Wake::Hello(peer));
        self.send_hello(peer, true, now);
    }

    fn on_packet(&mut self, from: PeerId, packet: Packet, now: Timestamp) {
        let window = self.limits.window as usize;
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        if neighbour.inbound.len() >= window && !neighbour.inbound.contains(&packet.id) {
            let refusal = Refusal::overloaded("window", window);
            self.answer(packet.id, from, Err(refusal));
            return;
        }
        if packet.target != self.me {
            self.relay(from, packet, now);
            return;
        }
        neighbour.inbound.insert(packet.id);
        self.upcalls.push_back(Upcall::Arrived { packet, back: from });
    }

    /// Answers a packet that came from neighbour `back`.
    pub(crate) fn answer(&mut self, id: PacketId, back: PeerId, outcome: Result<(), Refusal>) {
        if let Some(neighbour) = self.neighbours.get_mut(&back) {
            neighbour.inbound.remove(&id);
        }
        let to = if self.is_up(&back) { back } else { id.origin };
        self.write(to, &Frame::Answer(Answer { from: self.me, packet: id, hops: 0, outcome }));
    }

    fn on_answer(&mut self, from: PeerId, answer: Answer, now: Timestamp) {
        self.free_credit(from, &answer.packet, now);
        let Some(parcel) = self.parcels.get(&answer.packet) else {
            return;
        };
        // Others could say anything about packets that did not go to them.
        let on_the_way = parcel.via == Some(from) || parcel.packet.target == from;
        let from_target = answer.from == parcel.packet.target;
        if !on_the_way || (answer.outcome.is_ok() && !from_target) {
            return;
        }
        if let Some(back) = parcel.back {
            self.take(&answer.packet);
            if answer.hops < self.limits.hops {
                let to = if self.is_up(&back) { back } else { answer.packet.origin };
                let hops = answer.hops + 1;
                self.write(to, &Frame::Answer(Answer { hops, ..answer }));
            }
            return;
        }
        match answer.outcome {
            Ok(()) => {
                self.counted.packets_delivered += 1;
                self.settle(&answer.packet, Ok(()));
            }
            Err(reason) if reason.is_temporary() => {
                // Stays here; its resend timer tries again, perhaps elsewhere.
                if let Some(parcel) = self.parcels.get_mut(&answer.packet) {
                    parcel.via = None;
                    parcel.sent = false;
                }
            }
            Err(reason) => {
                self.settle(&answer.packet, Err(Undelivered::Refused { by: answer.from, reason }));
            }
        }
    }

    fn on_held(&mut self, from: PeerId, id: PacketId, now: Timestamp) {
        self.free_credit(from, &id, now);
        let slow = self.limits.resend_max_ms;
        if let (Some(parcel), Some(neighbour)) =
            (self.parcels.get_mut(&id), self.neighbours.get_mut(&from))
            && parcel.via == Some(from)
        {
            parcel.resend_ms = slow;
            neighbour.holding.insert(id);
        }
    }

    fn free_credit(&mut self, from: PeerId, id: &PacketId, now: Timestamp) {
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            neighbour.unanswered.remove(id);
            self.pump(from, now);
        }
    }

    /// Sends an own message; [`Upcall::Settled`] with the token returned here
    /// follows in any case.
    pub(crate) fn send(
        &mut self,
        target: PeerId,
        particle: ParticleId,
        message: Bytes,
        expires: Timestamp,
        now: Timestamp,
    ) -> u64 {
        self.tokens = self.tokens.wrapping_add(1);
        let token = self.tokens;
        self.counted.packets_made += 1;
        if let Some(older) = self.parcels.unsent(particle, target) {
            self.settle(&older, Err(Undelivered::Superseded));
        }
        let limits = &self.limits;
        let full = if self.parcels.own >= limits.outgoing {
            Some(Refusal::overloaded("outgoing", limits.outgoing))
        } else if self.parcels.own_bytes + message.len() > limits.outgoing_bytes {
            Some(Refusal::overloaded("outgoing_bytes", limits.outgoing_bytes))
        } else {
            None
        };
        if let Some(reason) = full {
            let outcome = Err(Undelivered::Refused { by: self.me, reason });
            self.counted.packets_undeliverable += 1;
            self.upcalls.push_back(Upcall::Settled { token, target, outcome });
            return token;
        }
        let id = PacketId { origin: self.me, token };
        let resend_ms = limits.resend_ms;
        let packet = Packet { id, target, hops: 0, expires, particle, message };
        self.parcels.insert(Parcel { packet, back: None, via: None, sent: false, resend_ms });
        self.timers.set(now.plus(resend_ms), Wake::Resend(id));
        self.timers.set(expires.plus(1), Wake::Expire(id));
        self.dispatch(id, now);
        token
    }

    /// Done with an own packet.
    fn settle(&mut self, id: &PacketId, outcome: Result<(), Undelivered>) {
        let Some(parcel) = self.take(id) else { return };
        if outcome.is_err() {
            self.counted.packets_undeliverable += 1;
        }
        let target = parcel.packet.target;
        self.upcalls.push_back(Upcall::Settled { token: id.token, target, outcome });
    }

    pub(crate) fn on_timer(&mut self, now: Timestamp) {
        while let Some(wake) = self.timers.pop(now) {
            match wake {
                Wake::Resend(id) => self.resend(id, now),
                Wake::Expire(id) => self.expire(id),
                Wake::Hello(peer) => self.repeat_hello(peer, now),
                Wake::DialEnds(peer, until) => {
                    if self.neighbours.get(&peer).is_some_and(|n| n.redial_at == until) {
                        self.on_dial_failed(peer, now);
                    }
                }
                Wake::Redial(peer) => {
                    let addresses = self.book.addresses(&peer, now);
                    self.dial(peer, addresses, now);
                }
            }
        }
    }

    fn expire(&mut self, id: PacketId) {
        match self.parcels.get(&id).map(Parcel::is_own) {
            Some(true) => self.settle(&id, Err(Undelivered::Expired)),
            Some(false) => {
                self.take(&id);
            }
            None => {}
        }
    }

    /// Forgets a parcel wherever it stands.
    fn take(&mut self, id: &PacketId) -> Option<Parcel> {
        self.waiting.remove(id);
        let parcel = self.parcels.remove(id)?;
        if let Some(neighbour) = parcel.via.and_then(|via| self.neighbours.get_mut(&via)) {
            neighbour.unanswered.remove(id);
            neighbour.holding.remove(id);
        }
        Some(parcel)
    }
}

/// The network at one moment, for host functions.
pub(crate) struct NetworkNow<'a> {
    pub network: &'a Network,
    pub now: Timestamp,
}

impl NetworkView for NetworkNow<'_> {
    fn is_connected(&self, peer: &PeerId) -> bool {
        self.network.is_up(peer)
    }

    fn contact(&self, peer: &PeerId) -> Option<Contact> {
        let addresses = self.network.book.addresses(peer, self.now);
        let known = !addresses.is_empty() || self.network.is_up(peer);
        known.then_some(Contact { peer: *peer, addresses })
    }
}

#[cfg(test)]
mod tests;
