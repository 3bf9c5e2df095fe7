//! Calls that particles make on this peer.
//!
//! Host functions are answered at once; services are executed by the driver, a
//! limited number at a time, initiators taking turns, and calls that exclude
//! each other do not keep the rest waiting. The intent of a service call is
//! recorded before the call is given out (unless the service says that
//! repeating it is harmless) and deleted with its outcome.

mod held;
mod here;
mod intent;
mod lanes;
mod outcome;

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_avm::log::StepId;
use weir_identity::{Cid, PeerId, Value};

use crate::effect::{Call, CallContext, CallId, Effect, ParticleEvent};
use crate::engine::CallRequest;
use crate::event::CallOutcome;
use crate::native::{self, Code, Failure, Native};
use crate::peer::{Peer, Wake};
use crate::queue::FairQueue;
use crate::store::ParticleKey;
use crate::time::Timestamp;

/// Who answers a call.
#[derive(Clone)]
enum Target {
    Native(&'static dyn Native),
    Client,
    /// `kind` is `None` for calls that go to the driver by policy.
    Driver {
        service: Arc<str>,
        kind: Option<Arc<str>>,
        intent: bool,
        /// Of the service that it is for; `None` if that is in no table.
        registration: Option<u64>,
        /// If it excludes other calls of the service.
        lane: Option<LaneKey>,
    },
    Nobody,
}

/// Names an open call to the particle engine.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    key: ParticleKey,
    step: StepId,
    args: Cid,
    service: Arc<str>,
    function: Arc<str>,
}

pub(crate) struct Queued {
    open: Open,
    target: Target,
    request: CallRequest,
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queued")
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Running {
    open: Open,
    /// The id of the service, where the call names an alias of it.
    service: Arc<str>,
    intent: bool,
    /// If it excludes others.
    lane: Option<LaneKey>,
}

/// A host function that has not answered yet.
#[derive(Debug)]
struct Wait {
    open: Open,
    initiator: PeerId,
    /// What it answers when its time has come.
    value: Value,
}

pub(crate) use held::Held;
pub(crate) use intent::{Answer, Intent};
use lanes::{LaneKey, Lanes};

/// All calls that were requested and not completed.
#[derive(Debug)]
pub(crate) struct Calls {
    natives: FairQueue<Queued>,
    services: Lanes<Queued>,
    /// Calls that their particles hold back.
    held: usize,
    running: BTreeMap<CallId, Running>,
    waits: BTreeMap<u64, Wait>,
    waits_of: BTreeMap<PeerId, usize>,
    connects: Vec<(PeerId, Open)>,
    next: u64,
}

impl Calls {
    pub(crate) fn new(seed: u64) -> Self {
        Calls {
            natives: FairQueue::default(),
            services: Lanes::default(),
            held: 0,
            running: BTreeMap::new(),
            waits: BTreeMap::new(),
            waits_of: BTreeMap::new(),
            connects: Vec::new(),
            next: seed,
        }
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    pub(crate) fn queued(&self) -> usize {
        self.natives.len() + self.services.len() + self.held
    }

    pub(crate) fn natives_queued(&self) -> usize {
        self.natives.len()
    }

    /// The particle of a running call is over.
    pub(crate) fn abandon(&mut self, call: CallId) {
        self.end(call);
    }

    /// The driver is done with a call.
    fn end(&mut self, call: CallId) -> Option<Running> {
        let running = self.running.remove(&call)?;
        self.services.end(running.lane.as_ref());
        Some(running)
    }

    fn queue(&mut self, initiator: PeerId, queued: Queued) {
        match &queued.target {
            Target::Native(_) | Target::Client | Target::Nobody => {
                self.natives.push(initiator, queued);
            }
            Target::Driver { lane, .. } => {
                let lane = lane.clone();
                self.services.push(initiator, lane, queued);
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn end_wait(&mut self, id: u64) -> Option<Wait> {
        let wait = self.waits.remove(&id)?;
        if let Some(count) = self.waits_of.get_mut(&wait.initiator) {
            *count -= 1;
            if *count == 0 {
                self.waits_of.remove(&wait.initiator);
            }
        }
        Some(wait)
    }
}

impl Peer {
    /// Takes a call that a particle wants made.
    pub(crate) fn admit_call(&mut self, key: ParticleKey, request: CallRequest) {
        let open = Open {
            key,
            step: request.step,
            args: request.args_cid,
            service: request.service.clone(),
            function: request.function.clone(),
        };
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.open_calls += 1;
        let initiator = particle.start.initiator;
        match self.take_intent(&key, &request.step.0) {
            None => {}
            Some(Intent::Begun) => {
                self.counted.calls_interrupted += 1;
                self.complete(open, CallOutcome::Interrupted.into(), false);
                return;
            }
            Some(Intent::Ended(answer)) => {
                self.answer(open, answer, false);
                return;
            }
        }
        self.report(&key, || ParticleEvent::CallMade {
            service: request.service.clone(),
            function: request.function.clone(),
            args: request.args.clone(),
            tetraplets: request.tetraplets.clone(),
        });
        let target = self.target(&key, &request);
        let limits = &self.config.limits;
        let calls = &mut self.calls;
        let (queued_of, queued) = match target {
            Target::Native(_) | Target::Client | Target::Nobody => {
                (calls.natives.len_of(&initiator), calls.natives.len())
            }
            Target::Driver { .. } => (calls.services.len_of(&initiator), calls.services.len()),
        };
        let full = if queued_of >= limits.calls_queued_per_initiator {
            Some((
                "calls_queued_per_initiator",
                limits.calls_queued_per_initiator,
            ))
        } else if queued + calls.held >= limits.calls_queued {
            Some(("calls_queued", limits.calls_queued))
        } else {
            None
        };
        match full {
            None => calls.queue(
                initiator,
                Queued {
                    open,
                    target,
                    request,
                },
            ),
            Some((limit, value)) => {
                self.counted.calls_rejected += 1;
                let text = format!("overloaded: {limit} = {value} is reached");
                self.fail(open, &Failure::new(Code::Limit, text));
            }
        }
    }

    /// How far the call got in an earlier life, if it was given out there; at most once.
    fn take_intent(&mut self, key: &ParticleKey, step: &[u8; 32]) -> Option<Intent> {
        let steps = self.intents.get_mut(key)?;
        let found = steps.remove(step);
        if steps.is_empty() {
            self.intents.remove(key);
        }
        if found.is_some() {
            self.batch.delete_intent(key, step);
        }
        found
    }

    fn target(&self, key: &ParticleKey, request: &CallRequest) -> Target {
        let policy = &self.config.calls;
        let driver = |intent| Target::Driver {
            service: request.service.clone(),
            kind: None,
            intent,
            registration: None,
            lane: None,
        };
        let name = (request.service.clone(), request.function.clone());
        if !policy.overridden.is_empty() && policy.overridden.contains(&name) {
            return driver(true);
        }
        let enabled = |native: &&dyn Native| {
            policy
                .natives
                .as_ref()
                .is_none_or(|natives| natives.contains(native.name()))
        };
        if let Some(native) = native::service(&request.service).filter(enabled) {
            return Target::Native(native);
        }
        let client = self
            .particles
            .get(key)
            .is_some_and(|particle| particle.client.is_some());
        if client && is_client_function(&request.service, &request.function) {
            return Target::Client;
        }
        match self.services.find(&request.service) {
            Some(service) => {
                let registration = self.services.registration(&service.id);
                let exclusive = service.exclusive.contains(&request.function);
                let key = |number| (service.id.clone(), number);
                Target::Driver {
                    service: service.id.clone(),
                    kind: Some(service.kind.clone()),
                    intent: !service.idempotent,
                    registration,
                    lane: registration.filter(|_| exclusive).map(key),
                }
            }
            None if policy.unknown_to_driver => driver(true),
            None => Target::Nobody,
        }
    }

    /// Makes one call, if one can be made now.
    pub(crate) fn run_call(&mut self, budget: &mut usize, now: Timestamp) -> bool {
        if self.calls.services.executing() < self.config.limits.calls
            && let Some(queued) = self.calls.services.pop()
        {
            self.start_service(queued, now);
            return true;
        }
        if *budget > 0
            && let Some(queued) = self.calls.natives.pop()
        {
            if let Some(particle) = self.particles.get_mut(&queued.open.key)
                && particle.has_more()
            {
                self.calls.held += 1;
                particle.held.push_back(Held::Call(queued));
                return true;
            }
            let cost = self.answer_here(queued, now);
            *budget = budget.saturating_sub(cost);
            return true;
        }
        false
    }

    fn start_service(&mut self, queued: Queued, now: Timestamp) {
        let Queued {
            open,
            target,
            request,
        } = queued;
        let Target::Driver {
            service,
            kind,
            intent,
            registration,
            lane,
        } = target
        else {
            return;
        };
        let host = self.host();
        let (key, step) = (open.key, open.step.0);
        let running = Running {
            open,
            service: service.clone(),
            intent,
            lane,
        };
        // A call belongs to the service that there was, not to a later one of the same name.
        if registration.is_some() && registration != self.services.registration(&service) {
            self.calls.services.end(running.lane.as_ref());
            let text = format!("service `{service}` was removed before the call had its turn");
            return self.fail(running.open, &Failure::new(Code::NotFound, text));
        }
        let Some(particle) = self
            .particles
            .get_mut(&key)
            .filter(|particle| !particle.over)
        else {
            self.calls.services.end(running.lane.as_ref());
            return;
        };
        let id = CallId(self.calls.number());
        let deadline = particle
            .deadline()
            .min(now.plus(self.config.limits.call_ms));
        let start = &particle.start;
        let context = CallContext {
            particle: key.particle,
            step,
            initiator: start.initiator,
            host,
            worker: key.identity,
            timestamp: Timestamp(start.timestamp_ms),
            ttl_ms: start.ttl_ms,
            deadline,
        };
        particle.running.insert(id);
        if intent {
            self.batch.put_intent(&key, &step, &Intent::Begun);
        }
        self.calls.running.insert(id, running);
        self.timers.set(deadline, Wake::Call(id));
        self.counted.calls_driver += 1;
        self.effects.push(Effect::Call(Box::new(Call {
            id,
            service,
            kind,
            function: request.function,
            args: request.args,
            tetraplets: request.tetraplets,
            context,
        })));
    }
}

/// Whether the submitter of a particle answers this function himself.
fn is_client_function(service: &str, function: &str) -> bool {
    match service {
        "getDataSrv" | "callbackSrv" => true,
        "errorHandlingSrv" => function == "error",
        _ => false,
    }
}
