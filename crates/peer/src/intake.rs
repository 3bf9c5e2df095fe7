//! Packets for this peer: from the envelope to the particle engine.
//!
//! Checks go from cheap to dear: size, expiry, repetition, limits, form,
//! start (network, times, declared limits), script (CID, syntax), and at last
//! the merge with its signatures. Each refusal is answered with its reason.

mod incomplete;

use std::sync::Arc;

use weir_avm::log::{Head, Message};
use weir_identity::{Cid, PeerId};

use crate::effect::{ParticleEvent, ParticleId};
use crate::engine::{self, Program, Start};
use crate::error::Refusal;
use crate::particle::{Parked, Residence};
use crate::peer::{Peer, Wake};
use crate::store::{Indexed, ParticleKey};
use crate::time::Timestamp;
use crate::wire::{Packet, PacketId};

/// Bytes of a diagnostic text that a refusal carries.
const REASON_BYTES: usize = 512;

/// What intake decides about a packet.
enum Verdict {
    /// Merged and recorded.
    Taken,
    /// Refused.
    Refused(Refusal),
    /// Kept for later; the answer comes then.
    Parked,
}

impl Peer {
    pub(crate) fn on_packet(&mut self, packet: Packet, back: PeerId, now: Timestamp) {
        self.counted.packets_in += 1;
        self.take_packet(packet, back, now);
    }

    fn take_packet(&mut self, packet: Packet, back: PeerId, now: Timestamp) {
        let id = packet.id;
        match self.consider(packet, back, now) {
            Verdict::Taken => self.network.answer(id, back, Ok(())),
            Verdict::Refused(refusal) => self.refuse(id, back, refusal),
            Verdict::Parked => {}
        }
    }

    pub(crate) fn refuse(&mut self, id: PacketId, back: PeerId, refusal: Refusal) {
        self.counted.packets_refused += 1;
        self.network.answer(id, back, Err(refusal));
    }

    fn consider(&mut self, packet: Packet, back: PeerId, now: Timestamp) -> Verdict {
        let limits = self.config.limits.clone();
        let bytes = packet.message.len();
        if bytes > limits.message_bytes {
            let limit = limits.message_bytes;
            return Verdict::Refused(Refusal::too_large("message", bytes, limit));
        }
        if packet.expires < now {
            return Verdict::Refused(Refusal::Expired {
                late_ms: now.since(packet.expires),
            });
        }
        let key = ParticleKey {
            particle: packet.particle,
            identity: packet.target,
        };
        if self.particles.get(&key).is_none() {
            return self.consider_stranger(key, packet, back, now);
        }
        if let Some(refusal) = self.room_for(&key, &packet, now) {
            return Verdict::Refused(refusal);
        }
        let Some(particle) = self.particles.get_mut(&key) else {
            return Verdict::Parked;
        };
        if particle.has_answered(&packet.id) {
            self.counted.packets_repeated += 1;
            return Verdict::Taken;
        }
        match &particle.residence {
            Residence::Broken(what) => {
                let what = shortened(&format!("the particle's records cannot be read: {what}"));
                return Verdict::Refused(Refusal::Internal { what });
            }
            Residence::Here(avm) if !avm.has_more() => {}
            Residence::Here(_) | Residence::Away | Residence::Loading => {
                if particle
                    .parked
                    .iter()
                    .any(|parked| parked.packet.id == packet.id)
                {
                    return Verdict::Parked;
                }
                if particle.parked.len() >= limits.parked_per_particle {
                    let value = limits.parked_per_particle;
                    return Verdict::Refused(Refusal::overloaded("parked_per_particle", value));
                }
                if self.parked >= limits.parked {
                    return Verdict::Refused(Refusal::overloaded("parked", limits.parked));
                }
                self.parked += 1;
                particle.parked.push_back(Parked {
                    packet,
                    back,
                    lacks: None,
                });
                self.request_load(key);
                return Verdict::Parked;
            }
        }
        match engine::decode(&packet.message, &limits) {
            Ok(message) => self.merge(key, message, &packet, back, now),
            Err(what) => Verdict::Refused(Refusal::Malformed {
                what: shortened(&what),
            }),
        }
    }

    /// Why a packet of a known particle cannot be taken now.
    fn room_for(&self, key: &ParticleKey, packet: &Packet, now: Timestamp) -> Option<Refusal> {
        let particle = self.particles.get(key)?;
        let deadline = particle.deadline();
        if particle.over || now > deadline {
            return Some(Refusal::Expired {
                late_ms: now.since(deadline),
            });
        }
        self.no_room(particle.bytes, packet.message.len() as u64)
    }

    /// Why a particle that has `held` bytes cannot have `bytes` more.
    pub(crate) fn no_room(&self, held: u64, bytes: u64) -> Option<Refusal> {
        let limits = &self.config.limits;
        if held + bytes > limits.particle_bytes {
            let (bytes, limit) = (held + bytes, limits.particle_bytes);
            return Some(Refusal::TooLarge {
                what: "particle".to_owned(),
                bytes,
                limit,
            });
        }
        if self.particles.bytes + bytes > limits.particles_bytes {
            return Some(Refusal::overloaded(
                "particles_bytes",
                limits.particles_bytes as usize,
            ));
        }
        None
    }

    fn merge(
        &mut self,
        key: ParticleKey,
        message: Message,
        packet: &Packet,
        back: PeerId,
        now: Timestamp,
    ) -> Verdict {
        let from = packet.id.origin;
        let Some(particle) = self.particles.get_mut(&key) else {
            return Verdict::Parked;
        };
        particle.touched = now;
        let Some(avm) = particle.avm() else {
            return Verdict::Parked;
        };
        let heads: Vec<Head> = message.suffixes.iter().map(|s| s.head.head).collect();
        let merged = if back == from {
            avm.merge(message, from)
        } else {
            avm.merge_relayed(message, from)
        };
        let merged = match merged {
            Ok(merged) => merged,
            Err(error) => {
                return Verdict::Refused(Refusal::Rejected {
                    what: shortened(&error.to_string()),
                });
            }
        };
        let verdict = self.judge(&key, heads, &merged, packet, back);
        self.settle_incomplete(&key, &merged.refused);
        let entries = merged.new_entries as usize;
        if entries > 0 {
            self.report(&key, || ParticleEvent::Learnt { from, entries });
        }
        // Before the answer, so that what was learnt is in the batch.
        self.dirty.remove(&key);
        self.collect(key, now);
        verdict
    }

    /// A packet of a particle that is not known here.
    fn consider_stranger(
        &mut self,
        key: ParticleKey,
        packet: Packet,
        back: PeerId,
        now: Timestamp,
    ) -> Verdict {
        let limits = self.config.limits.clone();
        let message = match engine::decode(&packet.message, &limits) {
            Ok(message) => message,
            Err(what) => {
                return Verdict::Refused(Refusal::Malformed {
                    what: shortened(&what),
                });
            }
        };
        if message.particle != packet.particle {
            let what = "the envelope names another particle than the message".to_owned();
            return Verdict::Refused(Refusal::Malformed { what });
        }
        let Some(start) = message.start.clone() else {
            if message.suffixes.is_empty() {
                let what = "this peer does not know the particle".to_owned();
                return Verdict::Refused(Refusal::Rejected { what });
            }
            return self.park_stranger(packet, back, None, now);
        };
        if start.id() != packet.particle {
            let what = "the start is not that of the particle".to_owned();
            return Verdict::Refused(Refusal::Malformed { what });
        }
        let refusal = self.start_refusal(&start, now);
        if let Some(refusal) = refusal.or_else(|| self.memory_refusal(&start)) {
            return Verdict::Refused(refusal);
        }
        let program = match self.program(&start, message.script.as_ref()) {
            Ok(Some(program)) => program,
            Ok(None) => return self.park_stranger(packet, back, Some(start.script), now),
            Err(refusal) => return Verdict::Refused(refusal),
        };
        let bytes = program.script().text().len() + packet.message.len();
        if let Some(refusal) = self.no_room(0, bytes as u64) {
            return Verdict::Refused(refusal);
        }
        let avm = match self.engine(&start, &program) {
            Ok(avm) => avm,
            Err(error) => {
                let what = shortened(&error.to_string());
                return Verdict::Refused(Refusal::Rejected { what });
            }
        };
        // Only a message that holds makes a particle; nothing is recorded before.
        self.adopt(
            key,
            Indexed::joined(&start),
            Residence::Here(Box::new(avm)),
            &program,
            now,
        );
        let verdict = self.merge(key, message, &packet, back, now);
        if let Verdict::Refused(_) = verdict
            && self
                .particles
                .get(&key)
                .is_some_and(|particle| particle.records == 0)
        {
            self.unadopt(&key);
            return verdict;
        }
        self.counted.particles_joined += 1;
        if let Some(reach) = &start.reach
            && let Err(error) = self.network.learn_of(start.initiator, reach, now)
        {
            tracing::debug!(initiator = %start.initiator, %error, "reach record in start not taken");
        }
        self.welcome(key.particle, now);
        verdict
    }

    /// Keeps a packet until the start and the script of its particle are here.
    fn park_stranger(
        &mut self,
        packet: Packet,
        back: PeerId,
        lacks: Option<Cid>,
        now: Timestamp,
    ) -> Verdict {
        let limits = self.config.limits.clone();
        let (particle, from, expires) = (packet.particle, packet.id.origin, packet.expires);
        let parked = self.strangers.get(&particle).map_or(&[][..], Vec::as_slice);
        let longest = limits.ttl_ms.saturating_add(limits.clock_skew_ms);
        let until = expires.min(now.plus(longest));
        let repeated = parked.iter().any(|parked| parked.packet.id == packet.id);
        if !repeated {
            if parked.len() >= limits.parked_per_particle {
                let value = limits.parked_per_particle;
                return Verdict::Refused(Refusal::overloaded("parked_per_particle", value));
            }
            if self.parked >= limits.parked {
                return Verdict::Refused(Refusal::overloaded("parked", limits.parked));
            }
            if parked.is_empty() {
                self.timers.set(until.plus(1), Wake::Stranger(particle));
            }
            self.parked += 1;
            self.strangers.entry(particle).or_default().push(Parked {
                packet,
                back,
                lacks,
            });
        }
        // A repeated packet asks again only if the question before has an end.
        if self.questioned.insert((particle, from)) {
            let ask = engine::ask_for_start(particle);
            let token = self.network.send(from, particle, ask, until, now);
            self.questions.insert(token, (particle, from));
        }
        Verdict::Parked
    }

    /// Takes in what waited for the particle to be known.
    fn welcome(&mut self, particle: ParticleId, now: Timestamp) {
        for parked in self.strangers.remove(&particle).into_iter().flatten() {
            self.parked -= 1;
            self.take_packet(parked.packet, parked.back, now);
        }
    }

    pub(crate) fn give_up_stranger(&mut self, particle: ParticleId) {
        for parked in self.strangers.remove(&particle).into_iter().flatten() {
            self.parked -= 1;
            let what = match parked.lacks {
                Some(script) => format!("script {script}"),
                None => "the start of the particle".to_owned(),
            };
            self.refuse(parked.packet.id, parked.back, Refusal::Incomplete { what });
        }
    }

    /// Takes in what waited for records to come from the store.
    pub(crate) fn take_parked(&mut self, key: &ParticleKey, now: Timestamp) {
        let Some(particle) = self.particles.get_mut(key) else {
            return;
        };
        for parked in std::mem::take(&mut particle.parked) {
            self.parked -= 1;
            self.take_packet(parked.packet, parked.back, now);
        }
    }

    /// Why a particle that starts so is not taken.
    pub(crate) fn start_refusal(&self, start: &Start, now: Timestamp) -> Option<Refusal> {
        let limits = &self.config.limits;
        if start.network != self.config.network {
            let theirs = shortened(&start.network);
            return Some(Refusal::OtherNetwork {
                theirs,
                ours: self.config.network.to_string(),
            });
        }
        let begun = Timestamp(start.timestamp_ms);
        let ahead_ms = begun.since(now);
        if ahead_ms > limits.clock_skew_ms {
            return Some(Refusal::FromFuture {
                ahead_ms,
                limit_ms: limits.clock_skew_ms,
            });
        }
        if start.ttl_ms > limits.ttl_ms {
            return Some(Refusal::TtlTooLong {
                ttl_ms: start.ttl_ms,
                limit_ms: limits.ttl_ms,
            });
        }
        let deadline = begun.plus(start.ttl_ms);
        if now > deadline {
            return Some(Refusal::Expired {
                late_ms: now.since(deadline),
            });
        }
        let declared = [
            (
                "stream_elements",
                start.limits.elements,
                limits.stream_elements,
            ),
            ("activations", start.limits.activations, limits.activations),
            ("fold_depth", start.limits.depth, limits.fold_depth),
            ("value_bytes", start.limits.value_bytes, limits.value_bytes),
        ];
        for (what, declared, limit) in declared {
            if declared > limit {
                let (what, declared, limit) = (what.to_owned(), declared.into(), limit.into());
                return Some(Refusal::DeclaresTooMuch {
                    what,
                    declared,
                    limit,
                });
            }
        }
        if self.particles.active >= limits.particles {
            return Some(Refusal::overloaded("particles", limits.particles));
        }
        if self.particles.of_initiator(&start.initiator) >= limits.particles_per_initiator {
            let value = limits.particles_per_initiator;
            return Some(Refusal::overloaded("particles_per_initiator", value));
        }
        None
    }

    /// Why this peer may not know any more what it said in a particle that
    /// started so.
    pub(crate) fn memory_refusal(&self, start: &Start) -> Option<Refusal> {
        let born = self.config.store_born?;
        let safe = born.plus(self.config.limits.clock_skew_ms);
        (Timestamp(start.timestamp_ms) <= safe).then_some(Refusal::StoreTooYoung { born })
    }

    /// The program of a particle: cached, or compiled from `text`. `None` if
    /// there is no text.
    pub(crate) fn program(
        &self,
        start: &Start,
        text: Option<&Arc<str>>,
    ) -> Result<Option<Arc<Program>>, Refusal> {
        let limits = &self.config.limits;
        let shared = &self.config.shared;
        if let Some(text) = text
            && engine::script_cid(text) != start.script
        {
            return Err(Refusal::WrongScript);
        }
        if let Some(program) = shared.script(&start.script) {
            return Ok(Some(program));
        }
        let Some(text) = text.or_else(|| self.particles.script_text(&start.script)) else {
            return Ok(None);
        };
        if text.len() > limits.script_bytes {
            return Err(Refusal::too_large(
                "script",
                text.len(),
                limits.script_bytes,
            ));
        }
        let program = engine::compile(text, limits).map_err(|diagnostics| {
            let first = diagnostics.first();
            let what = first.map_or(String::new(), |found| {
                format!("{} {}", found.code, found.message)
            });
            Refusal::BadScript {
                what: shortened(&what),
            }
        })?;
        shared.remember(start.script, &program);
        Ok(Some(program))
    }
}

/// A text that fits into a refusal.
pub(crate) fn shortened(text: &str) -> String {
    let mut end = text.len().min(REASON_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
