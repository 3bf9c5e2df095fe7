//! How particles begin, leave memory, come back, and end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Cid;

use crate::effect::{Effect, ParticleEvent, ParticleId, ScriptError};
use crate::engine::{self, Avm, Effects, Program, RULES, Record, Start, StartError, StartLimits};
use crate::error::{Refusal, RestoreError, SubmitError};
use crate::event::{StoredRecord, Submit};
use crate::particle::{Incomplete, Particle, Residence};
use crate::peer::{Peer, Wake};
use crate::store::{self, Indexed, ParticleKey};
use crate::time::Timestamp;

impl Indexed {
    /// A particle that came from others.
    pub(crate) fn joined(start: &Arc<Start>) -> Self {
        Indexed {
            start: start.clone(),
            own: false,
            keep: false,
            client: None,
        }
    }
}

impl Peer {
    /// Starts a particle here and returns its identity. The errors of its
    /// script, its callbacks and its end are reported by
    /// [`Effect::Report`].
    pub fn submit(&mut self, submit: Submit, now: Timestamp) -> Result<ParticleId, SubmitError> {
        let limits = self.config.limits.clone();
        let start = Arc::new(Start {
            network: self.config.network.clone(),
            nonce: submit.nonce,
            script: engine::script_cid(&submit.script),
            timestamp_ms: submit.timestamp.unwrap_or(now).ms(),
            ttl_ms: submit.ttl_ms,
            limits: StartLimits {
                elements: limits.stream_elements,
                activations: limits.activations,
                depth: limits.fold_depth,
                value_bytes: limits.value_bytes,
            },
            rules: RULES,
            initiator: self.me,
            reach: self.network.own_reach(now),
            authorisation: None,
        });
        // With the present time and a fresh nonce it is a particle in which nobody has said anything.
        let refusal = self.start_refusal(&start, now);
        let old = || submit.timestamp.and_then(|_| self.memory_refusal(&start));
        if let Some(refusal) = refusal.or_else(old) {
            return Err(refusal.into());
        }
        let key = ParticleKey {
            particle: start.id(),
            identity: self.me,
        };
        if self.particles.get(&key).is_some() {
            return Ok(key.particle);
        }
        let program = if let Some(program) = self.config.shared.script(&start.script) {
            program
        } else {
            let program = engine::compile(&submit.script, &limits).map_err(SubmitError::Script)?;
            self.config.shared.remember(start.script, &program);
            program
        };
        if let Some(refusal) = self.no_room(0, submit.script.len() as u64) {
            return Err(refusal.into());
        }
        let avm = self
            .engine(&start, &program)
            .map_err(|error| SubmitError::Engine(error.to_string()))?;
        let indexed = Indexed {
            start,
            own: true,
            keep: submit.keep,
            client: submit.client,
        };
        self.adopt(key, indexed, Residence::Here(Box::new(avm)), &program, now);
        self.counted.particles_submitted += 1;
        self.dirty.insert(key);
        self.work(now);
        Ok(key.particle)
    }

    /// Repeats now, and not at its next interval, what others have left
    /// unanswered in a particle, and asks them for news.
    pub fn nudge(&mut self, particle: ParticleId, now: Timestamp) {
        let key = ParticleKey {
            particle,
            identity: self.me,
        };
        self.nudge_or_load(key);
        self.work(now);
    }

    pub(crate) fn nudge_or_load(&mut self, key: ParticleKey) {
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        match particle.residence {
            _ if particle.over => {}
            Residence::Here(_) => {
                if particle.nudge() {
                    self.dirty.insert(key);
                }
            }
            Residence::Away => {
                particle.nudge_when_ready = true;
                self.request_load(key);
            }
            Residence::Loading | Residence::Broken(_) => {}
        }
    }

    /// Deletes the kept log of a particle that has expired. One that has not
    /// is no longer kept.
    pub fn forget(&mut self, particle: ParticleId) {
        let key = ParticleKey {
            particle,
            identity: self.me,
        };
        self.batch.delete_archive(&key);
        match self.particles.get_mut(&key) {
            Some(particle) => particle.keep = false,
            None => self.batch.delete_records(&key),
        }
    }

    /// Makes a particle part of this peer and records it.
    pub(crate) fn adopt(
        &mut self,
        key: ParticleKey,
        indexed: Indexed,
        residence: Residence,
        program: &Arc<Program>,
        now: Timestamp,
    ) {
        let text = program.script().text();
        self.batch.put_particle(&key, &indexed);
        if indexed.keep {
            self.batch.put_archive(&key, &indexed.start, text);
        }
        let cid = indexed.start.script;
        if self.insert(key, indexed, residence, text, now) {
            self.batch.put_script(&cid, text);
        }
    }

    fn insert(
        &mut self,
        key: ParticleKey,
        indexed: Indexed,
        residence: Residence,
        text: &Arc<str>,
        now: Timestamp,
    ) -> bool {
        let limits = self.config.limits.clone();
        let mut particle = Particle::new(indexed.start, residence, limits.nudge_ms, now);
        particle.bytes = text.len() as u64;
        particle.own = indexed.own;
        particle.keep = indexed.keep;
        particle.client = indexed.client.map(Arc::new);
        let deadline = particle.deadline();
        self.timers.set(deadline.plus(1), Wake::Deadline(key));
        let here = matches!(particle.residence, Residence::Here(_));
        let new = self.particles.insert(key, particle, text);
        if here {
            self.watch(key, now);
        }
        new
    }

    /// Takes back a particle whose first message did not hold.
    pub(crate) fn unadopt(&mut self, key: &ParticleKey) {
        self.drop_particle(key, true);
    }

    fn drop_particle(&mut self, key: &ParticleKey, records: bool) {
        let Some((particle, script_unused)) = self.particles.remove(key) else {
            return;
        };
        self.parked -= particle.parked.len() + particle.incomplete.len();
        self.intents.remove(key);
        self.batch.delete_particle(key);
        if records {
            self.batch.delete_records(key);
        }
        if script_unused {
            self.batch.delete_script(&particle.script);
        }
    }

    /// Takes up a particle from the store after a restart.
    pub(crate) fn readopt(
        &mut self,
        key: ParticleKey,
        indexed: Indexed,
        scripts: &BTreeMap<Cid, Arc<str>>,
        now: Timestamp,
    ) -> Result<(), RestoreError> {
        let text = scripts.get(&indexed.start.script).ok_or_else(|| {
            store::damaged(&[store::SCRIPT], "the script of a particle is missing")
        })?;
        // The address book is not stored: who started the particle says in it how to be reached.
        if let Some(reach) = &indexed.start.reach
            && let Err(error) = self.network.learn_of(indexed.start.initiator, reach, now)
        {
            tracing::debug!(initiator = %indexed.start.initiator, %error, "reach record in start not taken");
        }
        self.insert(key, indexed, Residence::Away, text, now);
        if let Some(particle) = self.particles.get_mut(&key)
            && now <= particle.deadline()
        {
            particle.nudge_when_ready = true;
            self.request_load(key);
        }
        Ok(())
    }

    /// Brings a particle back into memory.
    pub(crate) fn request_load(&mut self, key: ParticleKey) {
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        if !matches!(particle.residence, Residence::Away) {
            return;
        }
        particle.residence = Residence::Loading;
        if self.loading < self.config.limits.loads {
            self.load(key);
        } else {
            self.load_queue.push_back(key);
        }
    }

    fn load(&mut self, key: ParticleKey) {
        self.loading += 1;
        let prefix = store::records_prefix(key.particle, key.identity);
        self.effects.push(Effect::Load { prefix });
    }

    pub(crate) fn on_loaded(
        &mut self,
        prefix: &[u8],
        records: Result<Vec<StoredRecord>, String>,
        now: Timestamp,
    ) {
        let Some(key) = store::particle_of_records(prefix) else {
            return;
        };
        let Some(particle) = self.particles.get(&key) else {
            self.load_next();
            return;
        };
        if !matches!(particle.residence, Residence::Loading) {
            return;
        }
        let (start, over) = (particle.start.clone(), particle.over);
        self.load_next();
        if over {
            return;
        }
        let restored = records.and_then(|records| self.replay(&key, &start, records));
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.touched = now;
        match restored {
            Ok(avm) => {
                self.counted.particles_replayed += 1;
                particle.residence = Residence::Here(Box::new(avm));
                if std::mem::take(&mut particle.nudge_when_ready) {
                    particle.nudge();
                }
                self.watch(key, now);
            }
            Err(what) => {
                tracing::error!(particle = %key.particle.0, %what, "records cannot be read");
                particle.residence = Residence::Broken(what);
            }
        }
        self.collect(key, now);
        self.take_parked(&key, now);
    }

    fn load_next(&mut self) {
        self.loading = self.loading.saturating_sub(1);
        if let Some(next) = self.load_queue.pop_front() {
            self.load(next);
        }
    }

    fn replay(
        &mut self,
        key: &ParticleKey,
        start: &Arc<Start>,
        records: Vec<StoredRecord>,
    ) -> Result<Avm, String> {
        let program = self
            .program(start, None)
            .map_err(|refusal| refusal.to_string())?
            .ok_or_else(|| "the script is missing".to_owned())?;
        let next = match records.last() {
            Some((last, _)) => store::record_number(last).ok_or("a record has no number")? + 1,
            None => 0,
        };
        let known = self
            .particles
            .get(key)
            .map_or(0, |particle| particle.records);
        if known == 0 {
            // After a restart this is the first that is known of its records.
            let bytes = records.iter().map(|(_, value)| value.len() as u64).sum();
            self.particles.recorded(key, next, bytes);
        }
        let count = records.len() as u64;
        if (known != 0 && known != next) || count != next {
            return Err(format!(
                "{} records were written, {count} came back",
                known.max(next)
            ));
        }
        let records = records
            .into_iter()
            .map(|(_, value)| Record::from_bytes(Bytes::from(value)));
        let key = self.config.keypair.clone();
        Avm::restore_with(start.clone(), program, key, records, self.options())
            .map_err(|error| error.to_string())
    }

    /// How the engines of this peer work.
    fn options(&self) -> engine::Options {
        engine::Options {
            values: Some(self.config.shared.blobs().clone()),
            tasks_per_turn: self.config.limits.tasks_per_turn,
        }
    }

    /// The engine of a particle that begins here.
    pub(crate) fn engine(
        &self,
        start: &Arc<Start>,
        program: &Arc<Program>,
    ) -> Result<Avm, StartError> {
        let key = self.config.keypair.clone();
        Avm::new_with(start.clone(), program.clone(), key, self.options())
    }

    /// Sets the timers of a particle in memory, unless they run already.
    fn watch(&mut self, key: ParticleKey, now: Timestamp) {
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        if !std::mem::replace(&mut particle.idle_set, true) {
            let at = now.plus(self.config.limits.idle_ms / 2);
            self.timers.set(at, Wake::Idle(key));
        }
        if !std::mem::replace(&mut particle.nudge_set, true) {
            self.timers
                .set(now.plus(particle.nudge_ms), Wake::Nudge(key));
        }
    }

    pub(crate) fn on_idle(&mut self, key: ParticleKey, now: Timestamp) {
        let idle_ms = self.config.limits.idle_ms;
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.idle_set = false;
        if !matches!(particle.residence, Residence::Here(_)) {
            return;
        }
        let quiet = particle.is_quiet() && !self.dirty.contains(&key);
        let since = now.since(particle.touched);
        // What another peer should have told by now, this one tells itself: while that peer, which
        // has been idle for as long, still has the particle in memory.
        let asks = quiet && since >= idle_ms / 2 && !particle.nudged && particle.nudge();
        if asks {
            self.dirty.insert(key);
        } else if quiet && since >= idle_ms {
            // Nobody waits for it here.
            particle.evict();
            self.counted.particles_evicted += 1;
            return;
        }
        particle.idle_set = true;
        let half = if since < idle_ms / 2 {
            idle_ms / 2
        } else {
            idle_ms
        };
        let next = particle.touched.plus(half);
        self.timers
            .set(next.max(now.plus(idle_ms / 4 + 1)), Wake::Idle(key));
    }

    /// Repeats unanswered deliveries, unless packets are still under way.
    pub(crate) fn on_nudge(&mut self, key: ParticleKey, now: Timestamp) {
        let max = self.config.limits.nudge_max_ms;
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.nudge_set = false;
        if particle.over || !matches!(particle.residence, Residence::Here(_)) {
            return;
        }
        if particle.in_flight == 0 && particle.nudge() {
            self.dirty.insert(key);
        }
        particle.nudge_ms = particle.nudge_ms.saturating_mul(2).min(max);
        particle.nudge_set = true;
        self.timers
            .set(now.plus(particle.nudge_ms), Wake::Nudge(key));
    }

    /// The time of a particle is over.
    pub(crate) fn end(&mut self, key: ParticleKey, now: Timestamp) {
        let limits = self.config.limits.clone();
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        if particle.over {
            return;
        }
        let waiting = if particle.own {
            particle.waits()
        } else {
            Vec::new()
        };
        particle.evict();
        let deadline = particle.deadline();
        let parked = std::mem::take(&mut particle.parked);
        let running = std::mem::take(&mut particle.running);
        let held = std::mem::take(&mut particle.held);
        let unreached = std::mem::take(&mut particle.unreached);
        let incomplete = std::mem::take(&mut particle.incomplete);
        particle.open_calls = 0;
        self.particles.end(&key);
        self.counted.particles_expired += 1;
        for peer in unreached {
            self.forget_unreached(&peer, &key);
        }
        for call in running {
            self.calls.abandon(call);
            self.effects.push(Effect::CancelCall(call));
        }
        for held in held {
            self.release(held);
        }
        for parked in parked {
            self.parked -= 1;
            let late_ms = now.since(deadline);
            let refusal = Refusal::Expired { late_ms };
            self.refuse(parked.packet.id, parked.back, refusal);
        }
        for Incomplete { id, back, what, .. } in incomplete {
            self.parked -= 1;
            self.refuse(id, back, Refusal::Incomplete { what });
        }
        let forget = deadline
            .plus(limits.clock_skew_ms)
            .plus(limits.retention_ms);
        self.timers.set(forget.max(now), Wake::Forget(key));
        self.report(&key, || ParticleEvent::Expired { waiting });
    }

    pub(crate) fn forget_records(&mut self, key: &ParticleKey) {
        let keep = self
            .particles
            .get(key)
            .is_some_and(|particle| particle.keep);
        self.drop_particle(key, !keep);
    }

    /// Takes over what the engine of a particle wants.
    pub(crate) fn collect(&mut self, key: ParticleKey, now: Timestamp) {
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        let (over, deadline) = (particle.over, particle.deadline());
        let Some(avm) = particle.avm() else { return };
        let effects = avm.drain();
        let has_more = avm.has_more();
        if over {
            return;
        }
        // Repeating old deliveries is no activity.
        if !effects.records.is_empty() || !effects.calls.is_empty() {
            particle.touch(now);
        }
        if has_more {
            self.record(&key, &effects);
            self.line_up(key);
            return;
        }
        let was_done = std::mem::replace(&mut particle.done, effects.done);
        self.record(&key, &effects);
        let Effects {
            calls,
            sends,
            errors,
            stuck,
            offences,
            done,
            ..
        } = effects;
        for error in errors {
            self.report(&key, || ParticleEvent::Error(error.into()));
        }
        for error in stuck {
            self.report(&key, || ParticleEvent::Stuck(error.into()));
        }
        for offence in offences {
            self.counted.offences += 1;
            self.report(&key, || ParticleEvent::Offence {
                what: offence.message,
            });
        }
        for send in sends {
            let message = engine::encode(&send.message);
            if engine::is_question(&send.message) {
                let Some(particle) = self.particles.get_mut(&key) else {
                    return;
                };
                if !particle.ask(send.to, send.token, &message) {
                    continue;
                }
            }
            let token = self
                .network
                .send(send.to, key.particle, message, deadline, now);
            self.packets.insert(token, (key, send.token));
            if let Some(particle) = self.particles.get_mut(&key) {
                particle.in_flight += 1;
            }
        }
        for call in calls {
            self.admit_call(key, call);
        }
        if done && !was_done {
            self.report(&key, || ParticleEvent::Done);
        }
    }

    fn record(&mut self, key: &ParticleKey, effects: &Effects) {
        let mut number = self
            .particles
            .get(key)
            .map_or(0, |particle| particle.records);
        let first = number;
        let mut bytes = 0;
        for record in &effects.records {
            let record = record.as_bytes();
            self.batch.put_record(key, number, record);
            number += 1;
            bytes += record.len() as u64;
        }
        self.particles.recorded(key, number - first, bytes);
        self.mute_beyond_limits(key);
    }

    /// A particle whose calls already fail for want of room, and that makes
    /// entries all the same, makes no more.
    fn mute_beyond_limits(&mut self, key: &ParticleKey) {
        let limits = &self.config.limits;
        let over = |held: u64, limit: u64| held > limit.saturating_add(limit / 8);
        let all = over(self.particles.bytes, limits.particles_bytes);
        let (one_max, all_max) = (limits.particle_bytes, limits.particles_bytes);
        let Some(particle) = self.particles.get_mut(key) else {
            return;
        };
        let one = over(particle.bytes, one_max);
        let Some(avm) = particle
            .avm()
            .filter(|avm| (one || all) && avm.log().silent().is_none())
        else {
            return;
        };
        avm.mute();
        let (name, limit) = if one {
            ("particle_bytes", one_max)
        } else {
            ("particles_bytes", all_max)
        };
        let message = format!("this peer makes no more entries: {name} = {limit} is exceeded");
        tracing::warn!(particle = %key.particle.0, %message, "particle silenced");
        self.report(key, || {
            ParticleEvent::Stuck(ScriptError { code: 0, message })
        });
    }
}
