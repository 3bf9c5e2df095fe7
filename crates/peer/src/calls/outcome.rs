//! How calls end.

use bytes::Bytes;
use weir_identity::{PeerId, Value};

use super::{Answer, Held, Intent, Open, Running};
use crate::effect::{CallId, Effect, ParticleEvent};
use crate::event::CallOutcome;
use crate::native::{Code, Failure, encoded_size_within};
use crate::particle::Particle;
use crate::peer::Peer;
use crate::receipts::{About, Draft, Executed, Execution};
use crate::store::ParticleKey;

/// Deepest nesting of a value.
const VALUE_DEPTH: usize = 128;

impl Peer {
    pub(crate) fn on_wait_over(&mut self, id: u64) {
        if let Some(wait) = self.calls.end_wait(id) {
            self.complete(wait.open, CallOutcome::Value(wait.value).into(), false);
        }
    }

    /// A peer that scripts wanted to reach is there, or cannot be reached.
    pub(crate) fn on_reached(&mut self, peer: PeerId, reached: bool) {
        let waiting = std::mem::take(&mut self.calls.connects);
        for (wanted, open) in waiting {
            if wanted == peer {
                self.complete(open, CallOutcome::Value(Value::from(reached)).into(), false);
            } else {
                self.calls.connects.push((wanted, open));
            }
        }
    }

    pub(crate) fn on_call_finished(
        &mut self,
        id: CallId,
        outcome: CallOutcome,
        execution: Option<Execution>,
    ) {
        let Some(Running {
            open,
            intent,
            service,
            ..
        }) = self.calls.end(id)
        else {
            self.counted.results_late += 1;
            return;
        };
        let executed = execution.map(|execution| Executed { service, execution });
        self.finish(id, open, intent, outcome, executed);
    }

    pub(crate) fn on_call_overdue(&mut self, id: CallId) {
        let Some(Running { open, intent, .. }) = self.calls.end(id) else {
            return;
        };
        self.counted.calls_timed_out += 1;
        self.effects.push(Effect::CancelCall(id));
        let text = format!(
            "`{}.{}` gave no answer in time; whether it took effect is unknown",
            open.service, open.function
        );
        let outcome = CallOutcome::failed(Failure::new(Code::Timeout, text).to_string());
        self.finish(id, open, intent, outcome, None);
    }

    fn finish(
        &mut self,
        id: CallId,
        open: Open,
        intent: bool,
        outcome: CallOutcome,
        executed: Option<Executed>,
    ) {
        if let Some(particle) = self.particles.get_mut(&open.key) {
            particle.running.remove(&id);
        }
        let (outcome, kept) = self.within_limits(outcome);
        let executed = executed.filter(|_| kept);
        let receipt = executed.map(|executed| self.sign(&open, &executed));
        self.answer(open, Answer { outcome, receipt }, intent);
    }

    /// Makes the receipt of an execution. What it changed in the state of its service is being written, so the receipt
    /// takes its place in the chains now: the next call of the service may find that change, and end before the journal
    /// of this one can take its outcome.
    fn sign(&mut self, open: &Open, executed: &Executed) -> Bytes {
        let Draft { receipt, ends } = self.chains.draft(
            &self.config.keypair,
            &About {
                executed,
                function: &open.function,
                particle: &open.key.particle.0,
                step: &open.step.0,
                employment: self.config.employment.as_ref(),
                epoch: self.epoch,
            },
        );
        for (chain, end) in &ends {
            self.batch.put_chain(chain, end);
        }
        self.chains.append(&ends);
        let bytes = Bytes::from(receipt.encode());
        if self.config.employment.is_some() {
            self.batch
                .put_receipt(self.epoch, receipt.receipt.seq, &bytes);
        }
        bytes
    }

    /// Gives the answer of a service to its particle. If that cannot take it yet, the store keeps it meanwhile, because
    /// what the call changed must not be there without it.
    pub(super) fn answer(&mut self, open: Open, answer: Answer, intent: bool) {
        let particle = self.particles.get(&open.key);
        let waits = particle.is_some_and(|particle| !particle.over && particle.has_more());
        if !waits {
            self.complete(open, answer, intent);
            return;
        }
        let ended = Intent::Ended(answer);
        self.batch.put_intent(&open.key, &open.step.0, &ended);
        if let Intent::Ended(answer) = ended {
            self.complete(open, answer, true);
        }
    }

    /// Replaces a result that must not enter a journal by a failure; the second
    /// is false then.
    fn within_limits(&self, outcome: CallOutcome) -> (CallOutcome, bool) {
        let limit = self.config.limits.result_bytes;
        let (CallOutcome::Value(value) | CallOutcome::Failed { message: value, .. }) = &outcome
        else {
            return (outcome, true);
        };
        if !encoded_size_within(value, limit) {
            let text = format!("the result is over the limit result_bytes = {limit}");
            return (
                CallOutcome::failed(Failure::new(Code::Limit, text).to_string()),
                false,
            );
        }
        if value.depth() > VALUE_DEPTH {
            let text = format!("the result is nested deeper than {VALUE_DEPTH}");
            return (
                CallOutcome::failed(Failure::new(Code::Limit, text).to_string()),
                false,
            );
        }
        (outcome, true)
    }

    /// Replaces a result for which the particle, or this peer, has no room.
    fn within_particle(&self, key: &ParticleKey, outcome: CallOutcome) -> (CallOutcome, bool) {
        let (CallOutcome::Value(value) | CallOutcome::Failed { message: value, .. }) = &outcome
        else {
            return (outcome, true);
        };
        let limits = &self.config.limits;
        let held = self.particles.get(key).map_or(0, |particle| particle.bytes);
        for (name, limit, held) in [
            ("particle_bytes", limits.particle_bytes, held),
            (
                "particles_bytes",
                limits.particles_bytes,
                self.particles.bytes,
            ),
        ] {
            let room = limit.saturating_sub(held);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            if room == 0 || !encoded_size_within(value, room) {
                let text = format!("no room for the result: {name} = {limit} is reached");
                return (
                    CallOutcome::failed(Failure::new(Code::Limit, text).to_string()),
                    false,
                );
            }
        }
        (outcome, true)
    }

    pub(super) fn fail(&mut self, open: Open, failure: &Failure) {
        self.complete(open, CallOutcome::failed(failure.to_string()).into(), false);
    }

    /// Gives an outcome to the particle engine; `intent` says that an intent
    /// was recorded, which goes when the outcome is taken.
    pub(super) fn complete(&mut self, open: Open, answer: Answer, intent: bool) {
        if let Some(particle) = self.particles.get_mut(&open.key)
            && particle.has_more()
        {
            particle.held.push_back(Held::Outcome {
                open,
                answer,
                intent,
            });
            return;
        }
        if intent {
            self.batch.delete_intent(&open.key, &open.step.0);
        }
        let Open {
            key,
            step,
            args,
            service,
            function,
        } = open;
        let Some(particle) = self
            .particles
            .get_mut(&key)
            .filter(|particle| !particle.over)
        else {
            self.counted.results_late += 1;
            return;
        };
        particle.open_calls = particle.open_calls.saturating_sub(1);
        let Answer { outcome, receipt } = answer;
        let (outcome, kept) = self.within_particle(&key, outcome);
        let receipt = receipt.filter(|_| kept);
        let Some(avm) = self.particles.get_mut(&key).and_then(Particle::avm) else {
            self.counted.results_late += 1;
            return;
        };
        if !matches!(outcome, CallOutcome::Value(_)) {
            self.counted.calls_failed += 1;
        }
        if let Err(error) = avm.complete(step, args, outcome.clone().into(), receipt) {
            tracing::warn!(particle = %key.particle.0, %error, "result not taken");
            self.counted.results_late += 1;
            return;
        }
        self.dirty.insert(key);
        self.report(&key, || ParticleEvent::CallEnded {
            service,
            function,
            outcome,
        });
    }
}
