//! Packets of others: a relay passes them on without looking inside, and holds
//! them for its clients.

use weir_identity::PeerId;

use super::{Network, Refusal, Wake};
use crate::network::parcel::Parcel;
use crate::time::Timestamp;
use crate::wire::{Frame, Packet, PacketId};

impl Network {
    /// Takes on a peer that asks for it, if there is room.
    pub(super) fn admit_client(&mut self, peer: PeerId) {
        if !self.serves || self.clients.contains(&peer) {
            return;
        }
        if self.clients.len() >= self.limits.relay_clients {
            let gone = self
                .clients
                .iter()
                .find(|client| !self.is_up(client) && self.parcels.held_for(client) == 0);
            let Some(gone) = gone.copied() else { return };
            self.clients.remove(&gone);
        }
        self.clients.insert(peer);
    }

    /// Takes a packet that is for somebody else.
    pub(super) fn relay(&mut self, from: PeerId, mut packet: Packet, now: Timestamp) {
        let id = packet.id;
        if let Some(held) = self.parcels.get_mut(&id) {
            if held.back.is_some() {
                self.write(from, &Frame::Held(id));
            }
            return;
        }
        if let Some(refusal) = self.relay_refusal(from, &packet, now) {
            self.counted.relay_refused += 1;
            self.answer(id, from, Err(refusal));
            return;
        }
        packet.hops += 1;
        let longest = self.limits.ttl_ms.saturating_add(self.limits.clock_skew_ms);
        packet.expires = packet.expires.min(now.plus(longest));
        let resend_ms = self.limits.resend_ms;
        self.counted.packets_relayed += 1;
        self.parcels.insert(Parcel {
            packet,
            back: Some(from),
            via: None,
            closed: Vec::new(),
            sent: false,
            resend_ms,
        });
        self.timers.set(now.plus(resend_ms), Wake::Parcel(id));
        self.write(from, &Frame::Held(id));
        self.dispatch(id, now);
    }

    fn relay_refusal(&self, from: PeerId, packet: &Packet, now: Timestamp) -> Option<Refusal> {
        let limits = &self.limits;
        if !self.clients.contains(&packet.target) && !self.clients.contains(&from) {
            return Some(Refusal::NoRelay);
        }
        if packet.hops >= limits.hops || packet.id.origin == self.me {
            return Some(Refusal::TooManyHops {
                limit: limits.hops.into(),
            });
        }
        if packet.expires < now {
            return Some(Refusal::Expired {
                late_ms: now.since(packet.expires),
            });
        }
        if packet.message.len() > limits.message_bytes {
            let bytes = packet.message.len();
            return Some(Refusal::too_large("message", bytes, limits.message_bytes));
        }
        if self.parcels.held >= limits.relay_held {
            return Some(Refusal::overloaded("relay_held", limits.relay_held));
        }
        if self.parcels.held_for(&packet.target) >= limits.relay_held_per_client {
            let value = limits.relay_held_per_client;
            return Some(Refusal::overloaded("relay_held_per_client", value));
        }
        if self.parcels.held_bytes + packet.message.len() > limits.relay_held_bytes {
            return Some(Refusal::overloaded(
                "relay_held_bytes",
                limits.relay_held_bytes,
            ));
        }
        None
    }

    /// There is no way to the target of a relayed packet.
    pub(super) fn give_up_relaying(&mut self, id: PacketId) {
        if let Some(back) = self.take(&id).and_then(|parcel| parcel.back) {
            self.counted.relay_refused += 1;
            self.answer(id, back, Err(Refusal::NoRelay));
        }
    }
}
