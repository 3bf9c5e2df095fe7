//! Connections: dialling, greeting, losing.

use std::sync::Arc;

use weir_identity::PeerId;

use super::neighbour::{Link, Neighbour};
use super::{Effect, Frame, Hello, Network, Upcall, VERSION, Wake};
use crate::reach::Contact;
use crate::time::Timestamp;

impl Network {
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
            let expires = now.plus(self.limits.reach_ms);
            self.note(contact, Some(expires));
        }
        if addresses.is_empty() || !self.dial(peer, addresses, now) {
            self.upcalls.push_back(Upcall::Unreachable(peer));
        }
    }

    pub(super) fn is_up(&self, peer: &PeerId) -> bool {
        self.neighbours.get(peer).is_some_and(Neighbour::is_up)
    }

    pub(crate) fn on_connected(&mut self, peer: PeerId, now: Timestamp) {
        if peer == self.me || !self.make_room(peer, now) {
            let reason = format!(
                "the limit neighbours = {} is reached",
                self.limits.neighbours
            );
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
        self.timers
            .set(now.plus(self.limits.resend_ms), Wake::Hello(peer));
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
        if self
            .neighbours
            .get(&peer)
            .is_some_and(|n| n.link == Link::Dialling)
        {
            self.lose(peer, now);
            self.upcalls.push_back(Upcall::Unreachable(peer));
        }
    }

    /// The connection or the dial ended: pause, and look for other ways.
    pub(super) fn lose(&mut self, peer: PeerId, now: Timestamp) {
        let limits = self.limits.clone();
        let Some(neighbour) = self.neighbours.get_mut(&peer) else {
            return;
        };
        let open = neighbour.hang_up();
        neighbour.pause_ms = neighbour
            .pause_ms
            .saturating_mul(2)
            .clamp(limits.redial_ms, limits.redial_max_ms);
        neighbour.redial_at = now.plus(neighbour.pause_ms);
        let redial_at = neighbour.redial_at;
        for id in open {
            if let Some(parcel) = self.parcels.get_mut(&id)
                && parcel.via == Some(peer)
            {
                parcel.via = None;
                parcel.sent = false;
                self.dispatch(id, now);
            }
        }
        if !self.waiting.is_empty() || self.relays.iter().any(|relay| relay.peer == peer) {
            self.timers.set(redial_at, Wake::Redial(peer));
        }
    }

    /// Makes sure that there is a record for `peer`, or says that there is no
    /// room for one.
    pub(super) fn make_room(&mut self, peer: PeerId, now: Timestamp) -> bool {
        if self.neighbours.contains_key(&peer) {
            return true;
        }
        if self.neighbours.len() >= self.limits.neighbours {
            self.neighbours
                .retain(|_, neighbour| !neighbour.is_idle(now));
        }
        if self.neighbours.len() >= self.limits.neighbours {
            return false;
        }
        self.neighbours.insert(peer, Neighbour::new());
        true
    }

    /// Dials unless a connection or a dial is there already. False if the
    /// peer may not be dialled now.
    pub(super) fn dial(&mut self, peer: PeerId, addresses: Vec<Arc<str>>, now: Timestamp) -> bool {
        if peer == self.me || !self.make_room(peer, now) {
            return false;
        }
        let until = now.plus(self.limits.dial_ms);
        let Some(neighbour) = self.neighbours.get_mut(&peer) else {
            return false;
        };
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

    pub(super) fn send_hello(&mut self, to: PeerId, reply: bool, now: Timestamp) {
        let reach = self.own_reach(now);
        let relay_offered = self.clients.contains(&to);
        let Some(neighbour) = self.neighbours.get_mut(&to) else {
            return;
        };
        neighbour.relay_told = relay_offered;
        let offered = neighbour
            .hello
            .as_ref()
            .is_some_and(|hello| hello.relay_offered);
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

    pub(super) fn on_hello(&mut self, from: PeerId, hello: Hello, now: Timestamp) {
        let fault = if hello.version != VERSION {
            Some(format!(
                "envelope version {} is not spoken here, {VERSION} is",
                hello.version
            ))
        } else if hello.peer != from {
            Some(format!(
                "the hello names {}, the connection is with {from}",
                hello.peer
            ))
        } else {
            None
        };
        if let Some(reason) = fault {
            self.effects.push(Effect::Disconnect { peer: from, reason });
            return;
        }
        if let Some(record) = &hello.reach
            && let Err(error) = self.learn_of(from, record, now)
        {
            tracing::debug!(peer = %from, %error, "reach record in hello not taken");
        }
        if hello.relay_wanted {
            self.admit_client(from);
        }
        let serves = self.clients.contains(&from);
        let reply = hello.reply;
        let Some(neighbour) = self.neighbours.get_mut(&from) else {
            return;
        };
        neighbour.pause_ms = 0;
        neighbour.hello = Some(hello);
        if reply || (serves && !neighbour.relay_told) {
            self.send_hello(from, false, now);
        }
        self.pump(from, now);
    }

    /// Repeats the hello as long as something in the answer is missing.
    pub(super) fn repeat_hello(&mut self, peer: PeerId, now: Timestamp) {
        let wanted = self.relays.iter().any(|relay| relay.peer == peer);
        let max = self.limits.resend_max_ms;
        let Some(neighbour) = self.neighbours.get_mut(&peer) else {
            return;
        };
        let missing = match &neighbour.hello {
            None => true,
            Some(hello) => wanted && !hello.relay_offered,
        };
        if !neighbour.is_up() || !missing {
            return;
        }
        neighbour.hello_ms = neighbour.hello_ms.saturating_mul(2).min(max);
        self.timers
            .set(now.plus(neighbour.hello_ms), Wake::Hello(peer));
        self.send_hello(peer, true, now);
    }
}
