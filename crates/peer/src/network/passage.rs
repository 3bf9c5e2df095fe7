//! Packets in and out, and what is said about them.

use bytes::Bytes;
use weir_avm::log::ParticleId;
use weir_identity::PeerId;

use super::parcel::Parcel;
use super::{Answer, Frame, Network, Packet, PacketId, Refusal, Undelivered, Upcall, Wake};
use crate::time::Timestamp;

impl Network {
    pub(super) fn on_packet(&mut self, from: PeerId, packet: Packet, now: Timestamp) {
        let window = self.limits.window as usize;
        let Some(neighbour) = self.neighbours.get_mut(&from) else {
            return;
        };
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
        self.upcalls
            .push_back(Upcall::Arrived { packet, back: from });
    }

    /// Answers a packet that came from neighbour `back`.
    pub(crate) fn answer(&mut self, id: PacketId, back: PeerId, outcome: Result<(), Refusal>) {
        if let Err(refusal) = &outcome {
            tracing::debug!(origin = %id.origin, token = id.token, %refusal, "packet refused");
        }
        if let Some(neighbour) = self.neighbours.get_mut(&back) {
            neighbour.inbound.remove(&id);
        }
        let to = if self.is_up(&back) { back } else { id.origin };
        self.write(
            to,
            &Frame::Answer(Answer {
                from: self.me,
                packet: id,
                hops: 0,
                outcome,
            }),
        );
    }

    pub(super) fn on_answer(&mut self, from: PeerId, answer: Answer, now: Timestamp) {
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
                let to = if self.is_up(&back) {
                    back
                } else {
                    answer.packet.origin
                };
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
            Err(reason) if !from_target => {
                tracing::debug!(%from, %reason, "a packet is not passed on");
                if let Some(parcel) = self.parcels.get_mut(&answer.packet) {
                    parcel.closed.push(from);
                    parcel.via = None;
                    parcel.sent = false;
                }
                self.dispatch(answer.packet, now);
            }
            Err(reason) => {
                self.settle(
                    &answer.packet,
                    Err(Undelivered::Refused {
                        by: answer.from,
                        reason,
                    }),
                );
            }
        }
    }

    pub(super) fn on_held(&mut self, from: PeerId, id: PacketId, now: Timestamp) {
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

    pub(super) fn free_credit(&mut self, from: PeerId, id: &PacketId, now: Timestamp) {
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
        let limits = &self.limits;
        let (count, bytes) = self.parcels.own_to(&target);
        let full = if self.parcels.own >= limits.outgoing {
            Some(Refusal::overloaded("outgoing", limits.outgoing))
        } else if self.parcels.own_bytes + message.len() > limits.outgoing_bytes {
            Some(Refusal::overloaded("outgoing_bytes", limits.outgoing_bytes))
        } else if count >= limits.outgoing_per_peer {
            Some(Refusal::overloaded(
                "outgoing_per_peer",
                limits.outgoing_per_peer,
            ))
        } else if bytes + message.len() > limits.outgoing_bytes_per_peer {
            let value = limits.outgoing_bytes_per_peer;
            Some(Refusal::overloaded("outgoing_bytes_per_peer", value))
        } else {
            None
        };
        if let Some(reason) = full {
            let outcome = Err(Undelivered::Refused {
                by: self.me,
                reason,
            });
            self.counted.packets_undeliverable += 1;
            self.upcalls.push_back(Upcall::Settled {
                token,
                target,
                outcome,
            });
            return token;
        }
        let id = PacketId {
            origin: self.me,
            token,
        };
        let resend_ms = limits.resend_ms;
        let packet = Packet {
            id,
            target,
            hops: 0,
            expires,
            particle,
            message,
        };
        self.parcels.insert(Parcel {
            packet,
            back: None,
            via: None,
            closed: Vec::new(),
            sent: false,
            resend_ms,
        });
        let first = now.plus(resend_ms).min(expires.plus(1));
        self.timers.set(first, Wake::Parcel(id));
        self.dispatch(id, now);
        token
    }

    /// Done with an own packet.
    pub(super) fn settle(&mut self, id: &PacketId, outcome: Result<(), Undelivered>) {
        let Some(parcel) = self.take(id) else { return };
        if outcome.is_err() {
            self.counted.packets_undeliverable += 1;
        }
        let target = parcel.packet.target;
        self.upcalls.push_back(Upcall::Settled {
            token: id.token,
            target,
            outcome,
        });
    }

    /// The moment of a parcel has come: it is over, or tried again.
    pub(super) fn look_after(&mut self, id: PacketId, now: Timestamp) {
        let max = self.limits.resend_max_ms;
        let Some(parcel) = self.parcels.get_mut(&id) else {
            return;
        };
        let expires = parcel.packet.expires;
        if now > expires {
            let via = parcel.via;
            if parcel.is_own() {
                self.settle(&id, Err(Undelivered::Expired));
            } else {
                self.take(&id);
            }
            // Its credit is free.
            if let Some(via) = via {
                self.pump(via, now);
            }
            return;
        }
        parcel.resend_ms = parcel.resend_ms.saturating_mul(2).min(max);
        let next = now.plus(parcel.resend_ms).min(expires.plus(1));
        self.timers.set(next, Wake::Parcel(id));
        self.resend(id, now);
    }

    /// Forgets a parcel wherever it stands.
    pub(super) fn take(&mut self, id: &PacketId) -> Option<Parcel> {
        self.waiting.remove(id);
        let parcel = self.parcels.remove(id)?;
        if let Some(neighbour) = parcel.via.and_then(|via| self.neighbours.get_mut(&via)) {
            neighbour.unanswered.remove(id);
            neighbour.holding.remove(id);
        }
        Some(parcel)
    }
}
