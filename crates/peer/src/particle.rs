//! One particle under one identity.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use weir_avm::log::Head;
use weir_identity::{Cid, PeerId};

use crate::calls::Held;
use crate::effect::{CallId, Waiting};
use crate::engine::{Avm, Start};
use crate::event::ClientFunctions;
use crate::store::ParticleKey;
use crate::time::Timestamp;
use crate::wire::{Packet, PacketId};

/// How many answered packets of a particle are remembered.
const RECENT: usize = 32;

/// Steps that an evicted particle remembers to wait for.
const WAITING: usize = 64;

/// Open questions of a particle to one peer.
const QUESTIONS: usize = 4;

/// Where the state of the particle engine is.
#[derive(Debug)]
pub(crate) enum Residence {
    /// In memory.
    Here(Box<Avm>),
    /// In the store only.
    Away,
    /// On its way from the store.
    Loading,
    /// In the store, but it cannot be read.
    Broken(String),
}

/// A packet that waits for a script or for records.
#[derive(Debug)]
pub(crate) struct Parked {
    pub packet: Packet,
    pub back: PeerId,
    /// The script that is missing, if it is not the start or records.
    pub lacks: Option<Cid>,
}

/// A packet that was merged in part. The engine has the rest; the answer comes
/// when that is in the log as well.
#[derive(Debug)]
pub(crate) struct Incomplete {
    pub id: PacketId,
    pub back: PeerId,
    /// What it brings and the log does not hold yet.
    pub heads: Vec<Head>,
    /// What is missing, for the refusal.
    pub what: String,
}

/// One particle under one identity, until its records go.
#[derive(Debug)]
pub(crate) struct Particle {
    pub start: Arc<Start>,
    pub script: Cid,
    pub own: bool,
    pub keep: bool,
    pub client: Option<Arc<ClientFunctions>>,
    pub residence: Residence,
    pub over: bool,
    pub done: bool,
    /// Unanswered deliveries were repeated since the last activity.
    pub nudged: bool,
    /// What, for the owner, while the state is away.
    pub waiting: Vec<Waiting>,
    /// Unanswered deliveries are to be repeated once the state is in memory and evaluated.
    pub nudge_when_ready: bool,
    /// It waits for its next turn of evaluation.
    pub lined_up: bool,
    /// Calls and results that wait until it is evaluated.
    pub held: VecDeque<Held>,
    pub nudge_ms: u64,
    pub idle_set: bool,
    pub nudge_set: bool,
    pub touched: Timestamp,
    pub records: u64,
    /// Of its script and its records.
    pub bytes: u64,
    /// Calls that were requested and not completed.
    pub open_calls: usize,
    /// Calls that the driver executes.
    pub running: BTreeSet<CallId>,
    /// Own packets without an answer.
    pub in_flight: usize,
    pub parked: VecDeque<Parked>,
    /// Packets that wait for what they build on.
    pub incomplete: Vec<Incomplete>,
    /// Own packets that only ask: of whom and what.
    pub questions: BTreeMap<u64, (PeerId, Bytes)>,
    /// Peers for which there was something and to whom there was no way.
    pub unreached: BTreeSet<PeerId>,
    recent: VecDeque<PacketId>,
}

impl Particle {
    pub(crate) fn new(
        start: Arc<Start>,
        residence: Residence,
        nudge_ms: u64,
        now: Timestamp,
    ) -> Self {
        Particle {
            script: start.script,
            start,
            own: false,
            keep: false,
            client: None,
            residence,
            over: false,
            done: false,
            nudged: false,
            waiting: Vec::new(),
            nudge_when_ready: false,
            lined_up: false,
            held: VecDeque::new(),
            nudge_ms,
            idle_set: false,
            nudge_set: false,
            touched: now,
            records: 0,
            bytes: 0,
            open_calls: 0,
            running: BTreeSet::new(),
            in_flight: 0,
            parked: VecDeque::new(),
            incomplete: Vec::new(),
            questions: BTreeMap::new(),
            unreached: BTreeSet::new(),
            recent: VecDeque::new(),
        }
    }

    /// The last moment at which it lives.
    pub(crate) fn deadline(&self) -> Timestamp {
        Timestamp(self.start.timestamp_ms).plus(self.start.ttl_ms)
    }

    pub(crate) fn avm(&mut self) -> Option<&mut Avm> {
        match &mut self.residence {
            Residence::Here(avm) => Some(avm),
            _ => None,
        }
    }

    pub(crate) fn has_answered(&self, packet: &PacketId) -> bool {
        self.recent.contains(packet)
    }

    pub(crate) fn remember_answered(&mut self, packet: PacketId) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(packet);
    }

    /// Nothing refers to the state in memory.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.has_more()
            && self.open_calls == 0
            && self.in_flight == 0
            && self.parked.is_empty()
            && self.incomplete.is_empty()
    }

    /// Its evaluation takes several turns and is not at its end.
    pub(crate) fn has_more(&self) -> bool {
        matches!(&self.residence, Residence::Here(avm) if avm.has_more())
    }

    /// Takes note of a question, unless it is open already or too many are.
    /// Whoever made it necessary repeats its packet, and so the question.
    pub(crate) fn ask(&mut self, of: PeerId, token: u64, message: &Bytes) -> bool {
        let open = self.questions.values().filter(|(peer, _)| *peer == of);
        if open.clone().count() >= QUESTIONS || open.clone().any(|(_, asked)| asked == message) {
            return false;
        }
        self.questions.insert(token, (of, message.clone()));
        true
    }

    /// What it waits for, from the state if that is in memory.
    pub(crate) fn waits(&self) -> Vec<Waiting> {
        match &self.residence {
            Residence::Here(avm) => avm.waiting().into_iter().map(Waiting::from).collect(),
            _ => self.waiting.clone(),
        }
    }

    /// Something happened in it.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.touched = now;
        self.nudged = false;
    }

    /// Repeats unanswered deliveries and asks for news, if another peer is
    /// waited for. False if nobody is.
    pub(crate) fn nudge(&mut self) -> bool {
        let Residence::Here(avm) = &mut self.residence else {
            return false;
        };
        if avm.has_more() {
            // For whom it waits is known later.
            self.nudge_when_ready = true;
            return false;
        }
        let waits = avm.nudge();
        self.nudged |= waits;
        waits
    }

    /// Drops the state from memory. Its records must be written.
    pub(crate) fn evict(&mut self) {
        if let Residence::Here(avm) = &self.residence {
            if self.own {
                let mut waiting = avm.waiting();
                let more = waiting.len().saturating_sub(WAITING);
                waiting.truncate(WAITING);
                self.waiting = waiting.into_iter().map(Waiting::from).collect();
                if more > 0 {
                    self.waiting.push(Waiting {
                        peer: Arc::from(""),
                        what: format!("and {more} more"),
                    });
                }
            }
            self.residence = Residence::Away;
            self.recent = VecDeque::new();
        }
    }
}

/// All particles, with what is needed to bound them.
#[derive(Debug, Default)]
pub(crate) struct Particles {
    by_key: BTreeMap<ParticleKey, Particle>,
    /// Unexpired particles by initiator.
    initiators: BTreeMap<PeerId, usize>,
    pub active: usize,
    /// Bytes of scripts and records of unexpired particles.
    pub bytes: u64,
    /// Particles that use a script text in the store.
    scripts: BTreeMap<Cid, (Arc<str>, usize)>,
}

impl Particles {
    pub(crate) fn get(&self, key: &ParticleKey) -> Option<&Particle> {
        self.by_key.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &ParticleKey) -> Option<&mut Particle> {
        self.by_key.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ParticleKey, &Particle)> {
        self.by_key.iter()
    }

    pub(crate) fn of_initiator(&self, initiator: &PeerId) -> usize {
        self.initiators.get(initiator).copied().unwrap_or(0)
    }

    /// Adds a particle; true if its script is new to the store.
    pub(crate) fn insert(
        &mut self,
        key: ParticleKey,
        particle: Particle,
        script: &Arc<str>,
    ) -> bool {
        *self.initiators.entry(particle.start.initiator).or_default() += 1;
        self.active += 1;
        self.bytes += particle.bytes;
        let used = self
            .scripts
            .entry(particle.script)
            .or_insert_with(|| (script.clone(), 0));
        used.1 += 1;
        let new = used.1 == 1;
        self.by_key.insert(key, particle);
        new
    }

    pub(crate) fn script_text(&self, cid: &Cid) -> Option<&Arc<str>> {
        self.scripts.get(cid).map(|(text, _)| text)
    }

    pub(crate) fn recorded(&mut self, key: &ParticleKey, records: u64, bytes: u64) {
        if let Some(particle) = self.by_key.get_mut(key) {
            particle.records += records;
            particle.bytes += bytes;
            if !particle.over {
                self.bytes += bytes;
            }
        }
    }

    /// Its time is over: it no longer counts.
    pub(crate) fn end(&mut self, key: &ParticleKey) {
        let Some(particle) = self.by_key.get_mut(key) else {
            return;
        };
        if std::mem::replace(&mut particle.over, true) {
            return;
        }
        self.active -= 1;
        self.bytes = self.bytes.saturating_sub(particle.bytes);
        let initiator = particle.start.initiator;
        if let Some(count) = self.initiators.get_mut(&initiator) {
            *count -= 1;
            if *count == 0 {
                self.initiators.remove(&initiator);
            }
        }
    }

    /// Forgets a particle; the second is true if nothing uses its script now.
    pub(crate) fn remove(&mut self, key: &ParticleKey) -> Option<(Particle, bool)> {
        self.end(key);
        let particle = self.by_key.remove(key)?;
        let mut unused = false;
        if let Some((_, count)) = self.scripts.get_mut(&particle.script) {
            *count -= 1;
            unused = *count == 0;
        }
        if unused {
            self.scripts.remove(&particle.script);
        }
        Some((particle, unused))
    }
}
