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
mod link;
mod neighbour;
mod parcel;
mod passage;
mod relay;
mod route;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
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
use book::{AddressBook, BookFull};
use neighbour::Neighbour;
use parcel::Parcels;

/// What the network tells the peer.
#[derive(Debug)]
pub(crate) enum Upcall {
    /// A packet for this peer came from neighbour `back`; it wants an answer.
    Arrived { packet: Packet, back: PeerId },
    /// An own packet is done with.
    Settled {
        token: u64,
        target: PeerId,
        outcome: Result<(), Undelivered>,
    },
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
    /// It was not taken.
    Refused { by: PeerId, reason: Refusal },
}

#[derive(Debug)]
enum Wake {
    Parcel(PacketId),
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
            self.note(relay.clone(), None);
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
        self.neighbours
            .iter()
            .filter(|(_, n)| n.is_up())
            .map(|(peer, _)| *peer)
            .collect()
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
            packets_too_large: counted.packets_too_large,
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
        let mut relays: Vec<Contact> = self
            .relays
            .iter()
            .take(limits.relays_per_contact)
            .cloned()
            .collect();
        for relay in &mut relays {
            relay.addresses.truncate(limits.addresses_per_contact);
        }
        let addresses = self
            .addresses
            .iter()
            .take(limits.addresses_per_contact)
            .cloned()
            .collect();
        let expires = now.plus(limits.reach_ms);
        let reach = Reach {
            peer: self.me,
            addresses,
            relays,
            issued: now,
            expires,
        };
        let record = reach.sign(&self.keypair);
        self.reach = Some((record.clone(), now.plus(limits.reach_ms / 2)));
        Some(record)
    }

    /// Takes in a reach record of another peer.
    pub(crate) fn learn(&mut self, record: &[u8], now: Timestamp) -> Result<PeerId, ReachError> {
        let mut reach = Reach::verify(record, &self.limits)?;
        let peer = reach.peer;
        let limits = &self.limits;
        let (ahead_ms, limit_ms) = (reach.issued.since(now), limits.clock_skew_ms);
        if ahead_ms > limit_ms {
            return Err(ReachError::FromFuture { ahead_ms, limit_ms });
        }
        // Whatever it says: a peer renews its record in time, and one that does not may be gone.
        let longest = limits.reach_ms.saturating_add(limits.clock_skew_ms);
        reach.expires = reach.expires.min(now.plus(longest));
        if peer != self.me {
            self.book.expire(now);
            let value = limits.contacts;
            self.book
                .learn(reach, record, now, value)
                .map_err(|BookFull| ReachError::TooMany {
                    limit: "contacts",
                    value,
                })?;
        }
        Ok(peer)
    }

    /// Takes in a record that should be that of `peer`. One that is known
    /// already costs nothing.
    pub(crate) fn learn_of(
        &mut self,
        peer: PeerId,
        record: &[u8],
        now: Timestamp,
    ) -> Result<(), ReachError> {
        if peer != self.me && !self.book.has(&peer, record) && self.learn(record, now)? != peer {
            return Err(ReachError::WrongSignature);
        }
        Ok(())
    }

    /// Takes in addresses that the operator names.
    pub(crate) fn tell(&mut self, contact: Contact, now: Timestamp) {
        self.note(contact, None);
        self.dispatch_waiting(now);
    }

    fn note(&mut self, contact: Contact, expires: Option<Timestamp>) {
        let (peer, contacts) = (contact.peer, self.limits.contacts);
        if self.book.tell(contact, expires, contacts).is_err() {
            tracing::warn!(%peer, "addresses not kept: contacts = {contacts} is reached");
        }
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
                self.effects.push(Effect::Disconnect {
                    peer: from,
                    reason: error.to_string(),
                });
            }
        }
    }

    fn write(&mut self, to: PeerId, frame: &Frame) {
        if self.is_up(&to) {
            self.counted.frames_out += 1;
            self.effects.push(Effect::Send {
                to,
                frame: frame.encode(),
            });
        }
    }

    pub(crate) fn on_timer(&mut self, now: Timestamp) {
        while let Some(wake) = self.timers.pop(now) {
            match wake {
                Wake::Parcel(id) => self.look_after(id, now),
                Wake::Hello(peer) => self.repeat_hello(peer, now),
                Wake::DialEnds(peer, until) => {
                    if self
                        .neighbours
                        .get(&peer)
                        .is_some_and(|n| n.redial_at == until)
                    {
                        self.on_dial_failed(peer, now);
                    }
                }
                Wake::Redial(peer) => {
                    if self.relays.iter().any(|relay| relay.peer == peer) {
                        let addresses = self.book.addresses(&peer, now);
                        self.dial(peer, addresses, now);
                    }
                    self.dispatch_waiting(now);
                }
            }
        }
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
        known.then_some(Contact {
            peer: *peer,
            addresses,
        })
    }
}

#[cfg(test)]
mod tests;
