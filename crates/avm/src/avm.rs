//! One particle as one peer knows and executes it.
//!
//! [`Avm`] joins the two halves of this crate: the log, which holds signed
//! facts, and the machine, which evaluates them. It adds what neither knows
//! alone: which entries this peer makes, and whom it owes a message.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use weir_identity::value::DEPTH_MAX;
use weir_identity::{Cid, Hash, Keypair, PeerId, Value};

use crate::effects::{CallOutcome, CompleteError, Effects, Merged, Report, Send, Waiting};
use crate::eval::{Answer, Fact, Machine, Particle, Program};
use crate::log::{
    AuthorIdx, Blobs, Body, CallEntry, Entry, Extent, INTERRUPTED, Log, LogIndex, MergeError,
    Message, MessageOptions, Outcome, Outgoing, Received, Record, RestoreError, Start, StartError,
    StepId,
};
use crate::round::{Origin, Round};

/// How an [`Avm`] works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds the values that come in once for all particles that use this table.
    pub values: Option<Arc<Blobs>>,
    /// Evaluation stops after so many tasks (an instruction takes about two) and
    /// goes on with [`Avm::resume`]. Zero counts as one. By default there is no
    /// end to a turn.
    pub tasks_per_turn: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            values: None,
            tasks_per_turn: u64::MAX,
        }
    }
}

/// One particle on one peer. No I/O, clock, randomness or threads.
#[derive(Debug)]
pub struct Avm {
    pub(crate) machine: Machine,
    pub(crate) log: Log,
    pub(crate) key: Arc<Keypair>,
    /// Taken hops that are not in an entry yet.
    pub(crate) hops: Vec<StepId>,
    pub(crate) started: bool,
    pub(crate) effects: Effects,
    /// What is being evaluated, while that takes more than one turn.
    pub(crate) round: Option<Round>,
    pub(crate) tasks_per_turn: u64,
    /// Whom a message is owed, in the order in which it came to be.
    pub(crate) targets: Vec<PeerId>,
    pub(crate) owed: FxHashSet<PeerId>,
    /// Who is asked for news even if there is nothing to tell.
    asked: FxHashSet<PeerId>,
    /// The message that each peer has not acknowledged yet: what comes to be
    /// owed meanwhile goes into the next one, so that results which trickle in
    /// do not each pay for a signature and a head.
    in_flight: FxHashMap<PeerId, u64>,
    /// What each sending told its receiver.
    sent: FxHashMap<u64, (PeerId, Extent)>,
    tokens: u64,
    peers: FxHashMap<Arc<str>, Option<PeerId>>,
    /// Peer ids of authors as text.
    texts: Vec<Arc<str>>,
    reported: FxHashSet<Arc<str>>,
}

impl Avm {
    /// The particle that `start` describes. If `key` is the initiator's, it
    /// begins here; otherwise it waits for the first message.
    pub fn new(
        start: Arc<Start>,
        program: Arc<Program>,
        key: Arc<Keypair>,
    ) -> Result<Avm, StartError> {
        Avm::new_with(start, program, key, Options::default())
    }

    /// Like [`Avm::new`], with options.
    pub fn new_with(
        start: Arc<Start>,
        program: Arc<Program>,
        key: Arc<Keypair>,
        options: Options,
    ) -> Result<Avm, StartError> {
        let script = program.script().text().clone();
        let mut log = Log::new(start, script, key.peer_id())?;
        if let Some(values) = options.values {
            log.share_values(values);
        }
        let mut avm = Avm::around(log, program, key, options.tasks_per_turn);
        avm.advance(LogIndex(0), Origin::Here);
        Ok(avm)
    }

    /// The particle as it was, from what [`Avm::drain`] gave as records. Calls
    /// that are still open are requested again: a host that may have made them
    /// before completes them as [`CallOutcome::Interrupted`]. Whom this peer
    /// has sent what is forgotten: [`Avm::nudge`] sends again. Errors were
    /// reported when they happened.
    pub fn restore(
        start: Arc<Start>,
        program: Arc<Program>,
        key: Arc<Keypair>,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Avm, RestoreError> {
        Avm::restore_with(start, program, key, records, Options::default())
    }

    /// Like [`Avm::restore`], with options.
    pub fn restore_with(
        start: Arc<Start>,
        program: Arc<Program>,
        key: Arc<Keypair>,
        records: impl IntoIterator<Item = Record>,
        options: Options,
    ) -> Result<Avm, RestoreError> {
        let script = program.script().text().clone();
        let log = Log::restore_sharing(start, script, key.peer_id(), records, options.values)?;
        let mut avm = Avm::around(log, program, key, options.tasks_per_turn);
        avm.advance(LogIndex(0), Origin::Store);
        Ok(avm)
    }

    /// Merges and forwards, but makes no entry and signs no head: for a peer
    /// whose store is younger than the particle.
    pub fn mute(&mut self) {
        // Hops that are taken already belong into an entry.
        self.flush_hops();
        self.log.mute();
    }

    fn around(log: Log, program: Arc<Program>, key: Arc<Keypair>, tasks_per_turn: u64) -> Avm {
        let particle = particle_of(&log);
        let me: Arc<str> = key.peer_id().to_string().into();
        Avm {
            machine: Machine::new(program, &particle, Some(me)),
            log,
            key,
            hops: Vec::new(),
            started: false,
            effects: Effects::default(),
            round: None,
            tasks_per_turn,
            targets: Vec::new(),
            owed: FxHashSet::default(),
            asked: FxHashSet::default(),
            in_flight: FxHashMap::default(),
            sent: FxHashMap::default(),
            tokens: 0,
            peers: FxHashMap::default(),
            texts: Vec::new(),
            reported: FxHashSet::default(),
        }
    }

    /// Takes in what `from` sent. Facts that are already here change nothing.
    pub fn merge(&mut self, message: Message, from: PeerId) -> Result<Merged, MergeError> {
        self.finish();
        let received = self.log.merge(message, from)?;
        Ok(self.take_in(received, from))
    }

    /// Like [`Avm::merge`], of a message that somebody else passed on: that it
    /// is from `from` is not proven.
    pub fn merge_relayed(&mut self, message: Message, from: PeerId) -> Result<Merged, MergeError> {
        self.finish();
        let received = self.log.merge_relayed(message, from)?;
        Ok(self.take_in(received, from))
    }

    fn take_in(&mut self, received: Received, from: PeerId) -> Merged {
        if received.is_nothing() {
            // Who repeats what is known here waits for something that was said
            // already, to others: it is told what it lacks.
            self.owe(from);
        }
        let sender = self.log.author_idx(&from);
        for author in received.proven {
            let liar = self.text(author);
            self.effects.offences.push(Report {
                code: crate::EQUIVOCATION,
                message: format!(
                    "{liar} signed two different entries for one place of its journal"
                ),
            });
        }
        self.advance(received.first, sender.map_or(Origin::Here, Origin::Peer));
        if !received.wants.is_empty() {
            let ask = Message::asking(self.log.particle(), received.wants.clone());
            self.send(from, ask, None);
        }
        if !received.asked.is_empty() {
            let answer = self.log.answer(&received.asked);
            self.send(from, answer.message, Some(answer.extent));
        }
        Merged {
            new_entries: received.count,
            wants: received.wants,
            incomplete: received.incomplete,
            refused: received.refused,
        }
    }

    fn send(&mut self, to: PeerId, message: Message, extent: Option<Extent>) {
        self.tokens += 1;
        if let Some(extent) = extent {
            self.sent.insert(self.tokens, (to, extent));
        }
        self.effects.sends.push(Send {
            to,
            message,
            token: self.tokens,
        });
    }

    /// Takes in how a call ended.
    pub fn complete(
        &mut self,
        step: StepId,
        args: Cid,
        outcome: CallOutcome,
        receipt: Option<Bytes>,
    ) -> Result<(), CompleteError> {
        self.finish();
        let open = self
            .machine
            .open_call(&Hash::from(step.0))
            .ok_or(CompleteError::NotOpen { step })?;
        if open.args != args {
            return Err(CompleteError::OtherArguments {
                given: args,
                open: open.args,
            });
        }
        if let Some(silent) = self.log.silent() {
            return Err(silent.into());
        }
        let outcome = match outcome {
            CallOutcome::Value(value) => self.store(value, open.unused),
            CallOutcome::Failed { code, message } => self.store_failure(code, message),
            CallOutcome::Interrupted => {
                self.store_failure(INTERRUPTED, Value::from("interrupted, outcome unknown"))
            }
        };
        let at = self.log.append(Body::Call(CallEntry {
            step,
            args,
            tetraplets: open.tetraplets,
            service: open.service,
            function: open.function,
            outcome,
            receipt,
        }))?;
        self.advance(at, Origin::Here);
        Ok(())
    }

    fn store(&mut self, value: Value, unused: bool) -> Outcome {
        let bytes = match self.bytes_of(&value, "result") {
            Ok(bytes) => bytes,
            Err(text) => {
                dismantle(value);
                return Outcome::Failed {
                    code: crate::RESULT_TOO_LARGE,
                    message: self.log.store(Value::from(text)),
                };
            }
        };
        if unused {
            Outcome::Unused(Cid::of_dag_cbor(&bytes))
        } else {
            Outcome::Value(self.log.store(value))
        }
    }

    /// A failure stays one, whatever the service said of it.
    fn store_failure(&mut self, code: i32, message: Value) -> Outcome {
        let message = match self.bytes_of(&message, "failure message") {
            Ok(_) => message,
            Err(text) => {
                dismantle(message);
                Value::from(text)
            }
        };
        Outcome::Failed {
            code,
            message: self.log.store(message),
        }
    }

    /// The bytes of what a service said, if others can read it and the particle
    /// allows it.
    fn bytes_of(&self, value: &Value, what: &str) -> Result<Vec<u8>, String> {
        if !value.fits_depth() {
            return Err(format!(
                "the {what} is nested deeper than {DEPTH_MAX} arrays and objects"
            ));
        }
        let limit = self.log.start().limits.value_bytes as usize;
        let bytes = value.to_dag_cbor();
        if bytes.len() > limit {
            return Err(format!(
                "the {what} has {} bytes, the particle's limit is {limit}",
                bytes.len()
            ));
        }
        Ok(bytes)
    }

    /// What the work so far asks of the host. Stable: the same log gives the
    /// same effects in the same order. While [`Avm::has_more`], these are records
    /// alone: a head says that its author has evaluated its past.
    pub fn drain(&mut self) -> Effects {
        if self.has_more() {
            return Effects {
                records: self.log.take_records(),
                ..Effects::default()
            };
        }
        let (later, now): (Vec<_>, Vec<_>) = std::mem::take(&mut self.targets)
            .into_iter()
            .partition(|to| self.in_flight.contains_key(to));
        if !now.is_empty() && self.log.silent().is_none() {
            self.log.sign(&self.key).expect("the log is not silent");
        }
        for to in now {
            self.owed.remove(&to);
            let mut parcel = self.log.message_for(&to, MessageOptions::default());
            if self.asked.remove(&to) && parcel.message.is_empty() {
                parcel.message = self.log.greeting();
            }
            if !parcel.message.is_empty() {
                self.send(to, parcel.message, Some(parcel.extent));
                self.in_flight.insert(to, self.tokens);
            }
        }
        self.targets = later;
        let mut effects = std::mem::take(&mut self.effects);
        effects.records = self.log.take_records();
        effects.done = self.machine.is_done();
        effects
    }

    /// Sends again to every peer that has a step to answer, whoever owes it.
    /// One that has acknowledged everything is asked for news: what it added
    /// since need not have been owed to this peer. False if nobody is waited
    /// for.
    pub fn nudge(&mut self) -> bool {
        self.finish();
        let peers: BTreeSet<_> = self.machine.unanswered().collect();
        for peer in &peers {
            let text = self.machine.peer_text(*peer).clone();
            if let Some(id) = self.resolve(&text) {
                self.asked.insert(id);
                self.owe(id);
            }
        }
        let initiator = self.log.start().initiator;
        let to_tell = self.machine.has_failed() && initiator != self.key.peer_id();
        if to_tell {
            self.owe(initiator);
        }
        to_tell || !peers.is_empty()
    }

    /// A sending arrived: its receiver acknowledged it. What came to be owed to
    /// that receiver meanwhile is sent by the next [`Avm::drain`].
    pub fn delivered(&mut self, token: u64) {
        if let Some((to, extent)) = self.landed(token) {
            self.log.acknowledged(&to, &extent);
            if extent.is_partial() {
                self.owe(to);
            }
        }
    }

    /// A sending did not arrive, and will not be tried again by the host.
    pub fn undeliverable(&mut self, token: u64) {
        self.landed(token);
    }

    fn landed(&mut self, token: u64) -> Option<(PeerId, Extent)> {
        let (to, extent) = self.sent.remove(&token)?;
        if self.in_flight.get(&to) == Some(&token) {
            self.in_flight.remove(&to);
        }
        Some((to, extent))
    }

    /// Which step waits for whom.
    pub fn waiting(&self) -> Vec<Waiting> {
        let steps = self.machine.waiting().into_iter();
        steps
            .map(|(peer, what, step)| Waiting {
                step: StepId(*step.as_bytes()),
                peer,
                what,
            })
            .collect()
    }

    /// The journals, heads and values.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// All that is here under signatures, as a message for `peer`, whatever it
    /// has already been told.
    pub fn everything_for(&mut self, peer: &PeerId) -> Outgoing {
        self.finish();
        self.log.message_for(
            peer,
            MessageOptions {
                with_start_and_script: true,
            },
        )
    }

    /// The journals with the own one signed as it stands, to be exported.
    pub fn signed_log(&mut self) -> &Log {
        self.finish();
        if self.log.silent().is_none() {
            self.log.seal(&self.key).expect("the log is not silent");
        }
        &self.log
    }

    pub(crate) fn owe(&mut self, peer: PeerId) {
        if self.owed.insert(peer) {
            self.targets.push(peer);
        }
    }

    /// The peer id of an author as text.
    pub(crate) fn text(&mut self, author: AuthorIdx) -> Arc<str> {
        let index = author.0 as usize;
        while self.texts.len() <= index {
            let author = self.log.author(AuthorIdx(self.texts.len() as u32));
            self.texts.push(author.to_string().into());
        }
        self.texts[index].clone()
    }

    pub(crate) fn resolve(&mut self, text: &Arc<str>) -> Option<PeerId> {
        let id = *self
            .peers
            .entry(text.clone())
            .or_insert_with(|| text.parse().ok());
        if id.is_none() && self.reported.insert(text.clone()) {
            let message = format!(
                "a step is addressed to {text:?}, which is no peer id, so nobody can answer it"
            );
            self.effects.stuck.push(Report { code: 0, message });
        }
        id
    }
}

/// Drops a value of any depth without using the stack for it.
fn dismantle(value: Value) {
    let mut pending = vec![value];
    while let Some(mut value) = pending.pop() {
        match &mut value {
            Value::Array(items) => {
                if let Some(items) = Arc::get_mut(items) {
                    pending.extend(items.iter_mut().map(std::mem::take));
                }
            }
            Value::Object(fields) => {
                if let Some(fields) = Arc::get_mut(fields) {
                    pending.extend(std::mem::take(fields).into_values());
                }
            }
            _ => {}
        }
    }
}

/// What an entry means to evaluation.
pub(crate) enum Facts {
    Steps(Vec<(Hash, Fact)>),
    /// The author was here.
    Presence,
    None,
}

/// The facts that an entry states, with their values; or what it lacks.
pub(crate) fn facts_of(
    log: &Log,
    entry: &Entry,
    at: u32,
    peer: &Arc<str>,
) -> Result<Facts, String> {
    let hash = |step: &StepId| Hash::from(step.0);
    let blob = |cid: &Cid| {
        log.blob(cid)
            .cloned()
            .ok_or_else(|| format!("its value {cid} is missing"))
    };
    Ok(match &entry.body {
        Body::Start(_) => Facts::None,
        Body::Seen | Body::Other { .. } => Facts::Presence,
        Body::Hops(steps) => Facts::Steps(
            steps
                .iter()
                .map(|step| {
                    (
                        hash(step),
                        Fact::Hop {
                            author: peer.clone(),
                        },
                    )
                })
                .collect(),
        ),
        Body::Canon(canon) => Facts::Steps(vec![(
            hash(&canon.step),
            Fact::Canon {
                author: peer.clone(),
                index: at,
                base: canon.base,
                kept: canon.kept,
                keys: canon.keys.iter().map(hash).collect(),
            },
        )]),
        Body::Call(call) => {
            let result = match &call.outcome {
                Outcome::Value(cid) => Answer::Value(blob(cid)?),
                Outcome::Unused(_) => Answer::Unused,
                Outcome::Failed { code, message } => Answer::Failed {
                    code: *code,
                    message: blob(message)?,
                },
            };
            Facts::Steps(vec![(
                hash(&call.step),
                Fact::Call {
                    author: peer.clone(),
                    service: call.service.clone(),
                    function: call.function.clone(),
                    args: call.args,
                    tetraplets: call.tetraplets,
                    result,
                },
            )])
        }
    })
}

/// What evaluation must know of a particle.
pub(crate) fn particle_of(log: &Log) -> Particle {
    let start = log.start();
    Particle {
        id: start.id().0,
        initiator: start.initiator.to_string().into(),
        timestamp_ms: start.timestamp_ms,
        ttl_ms: start.ttl_ms,
        limits: start.limits,
    }
}
