//! Which way a packet goes.

use std::sync::Arc;

use weir_identity::PeerId;

use super::neighbour::Link;
use super::{Effect, Frame, Network, PacketId, Refusal, Undelivered};
use crate::reach::Contact;
use crate::time::Timestamp;

/// The next hop for a packet: the target itself, else one of its relays, else
/// one of the own relays; in each group a connection before a dial.
enum Route {
    /// Over this neighbour, to be dialled at these addresses if need be.
    Over(PeerId, Vec<Arc<str>>),
    /// There are ways, but none is open now.
    Later,
    /// Nothing is known.
    Unknown,
}

impl Network {
    /// Gives a parcel to the neighbour it should go through.
    pub(super) fn dispatch(&mut self, id: PacketId, now: Timestamp) {
        let Some(parcel) = self.parcels.get(&id) else {
            return;
        };
        let own = parcel.is_own();
        match self.route(id, now) {
            Route::Over(peer, addresses) => {
                if self.is_up(&peer) || self.dial(peer, addresses, now) {
                    self.waiting.remove(&id);
                    self.assign(id, peer);
                    self.pump(peer, now);
                } else if own {
                    self.waiting.insert(id);
                }
            }
            Route::Later if own => {
                self.waiting.insert(id);
            }
            Route::Later => {}
            Route::Unknown if own => self.settle(&id, Err(Undelivered::NoRoute)),
            Route::Unknown => self.give_up_relaying(id),
        }
    }

    /// Looks again for a way for every own parcel that has none.
    pub(super) fn dispatch_waiting(&mut self, now: Timestamp) {
        for id in std::mem::take(&mut self.waiting) {
            self.dispatch(id, now);
        }
    }

    fn route(&self, id: PacketId, now: Timestamp) -> Route {
        let Some(parcel) = self.parcels.get(&id) else {
            return Route::Unknown;
        };
        let target = parcel.packet.target;
        let barred = |peer: &PeerId| {
            *peer == self.me
                || parcel.closed.contains(peer)
                || parcel
                    .back
                    .is_some_and(|back| back == *peer || id.origin == *peer)
        };
        let addresses = self.book.addresses(&target, now);
        let direct = vec![Contact {
            peer: target,
            addresses,
        }];
        let theirs = self.book.relays(&target, now);
        let ours = if parcel.is_own() {
            self.relays.as_slice()
        } else {
            &[]
        };
        let mut known = self.clients.contains(&target);
        for mut contacts in [direct, theirs, ours.to_vec()] {
            contacts.retain(|contact| !barred(&contact.peer));
            if let Some(up) = contacts.iter().find(|contact| self.is_up(&contact.peer)) {
                return Route::Over(up.peer, Vec::new());
            }
            for mut contact in contacts {
                let neighbour = self.neighbours.get(&contact.peer);
                let dialling = neighbour.is_some_and(|n| n.link == Link::Dialling);
                if contact.addresses.is_empty() {
                    contact.addresses = self.book.addresses(&contact.peer, now);
                }
                if contact.addresses.is_empty() && !dialling {
                    continue;
                }
                known = true;
                if neighbour.is_none_or(|n| n.may_dial(now)) {
                    return Route::Over(contact.peer, contact.addresses);
                }
            }
        }
        if known { Route::Later } else { Route::Unknown }
    }

    /// Puts a parcel into a neighbour's queue.
    pub(super) fn assign(&mut self, id: PacketId, peer: PeerId) {
        let Some(parcel) = self.parcels.get_mut(&id) else {
            return;
        };
        if parcel.via == Some(peer) {
            return;
        }
        let former = parcel.via.replace(peer);
        parcel.sent = false;
        if let Some(former) = former.and_then(|former| self.neighbours.get_mut(&former)) {
            former.unanswered.remove(&id);
            former.holding.remove(&id);
        }
        if let Some(neighbour) = self.neighbours.get_mut(&peer) {
            neighbour.queue.push_back(id);
        }
    }

    /// Writes as much of a neighbour's queue as it has given credit for.
    pub(super) fn pump(&mut self, peer: PeerId, _: Timestamp) {
        while let Some(neighbour) = self.neighbours.get_mut(&peer) {
            if !neighbour.is_up() || neighbour.unanswered.len() >= neighbour.window() {
                return;
            }
            let Some(id) = neighbour.queue.pop_front() else {
                return;
            };
            let frame_max = neighbour.hello.as_ref().map(|hello| hello.frame_bytes);
            // The parcel may have been answered or given another way meanwhile.
            let Some(parcel) = self.parcels.get_mut(&id) else {
                continue;
            };
            if parcel.via != Some(peer) || parcel.sent {
                continue;
            }
            let frame = Frame::Packet(parcel.packet.clone()).encode();
            if let Some(max) = frame_max
                && frame.len() as u64 > max
            {
                let reason = Refusal::too_large("frame", frame.len(), max as usize);
                self.counted.packets_too_large += 1;
                tracing::warn!(to = %peer, particle = %parcel.packet.particle.0, %reason, "packet not sent");
                self.refuse_parcel(id, peer, reason);
                continue;
            }
            parcel.sent = true;
            neighbour.unanswered.insert(id);
            self.counted.frames_out += 1;
            self.effects.push(Effect::Send { to: peer, frame });
        }
    }

    fn refuse_parcel(&mut self, id: PacketId, by: PeerId, reason: Refusal) {
        let Some(parcel) = self.parcels.get(&id) else {
            return;
        };
        match parcel.back {
            None => self.settle(&id, Err(Undelivered::Refused { by, reason })),
            Some(back) => {
                self.take(&id);
                self.counted.relay_refused += 1;
                self.answer(id, back, Err(reason));
            }
        }
    }

    /// No answer came in time: writes the packet again, or looks for a way.
    pub(super) fn resend(&mut self, id: PacketId, now: Timestamp) {
        let Some(parcel) = self.parcels.get(&id) else {
            return;
        };
        match parcel.via {
            Some(peer) if parcel.sent => {
                let frame = Frame::Packet(parcel.packet.clone());
                self.counted.packets_resent += 1;
                self.write(peer, &frame);
            }
            Some(_) => {}
            None => self.dispatch(id, now),
        }
    }
}
