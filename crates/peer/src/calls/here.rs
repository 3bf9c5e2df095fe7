//! Calls that the peer answers itself.

use std::sync::Arc;

use weir_identity::Value;

use super::{Open, Queued, Target, Wait};
use crate::effect::ParticleEvent;
use crate::engine::CallRequest;
use crate::event::CallOutcome;
use crate::native::{self, Answer, Code, Failure, Native, View, encoded_size};
use crate::network::NetworkNow;
use crate::peer::{Peer, Wake};
use crate::time::Timestamp;

impl Peer {
    /// Answers a call and says what that costs of a turn.
    pub(super) fn answer_here(&mut self, queued: Queued, now: Timestamp) -> usize {
        let Queued {
            open,
            target,
            request,
        } = queued;
        self.counted.calls_native += 1;
        let answer = match target {
            Target::Native(native) => self.call_native(native, &open, &request, now),
            Target::Client => self.call_client(&open, &request),
            Target::Nobody | Target::Driver { .. } => Err(Failure::new(
                Code::NotFound,
                format!(
                    "no service `{}` here, for function `{}`",
                    open.service, open.function
                ),
            )),
        };
        let mut cost = 1 + request.args.iter().map(kib).sum::<usize>();
        if let Ok(Answer::Value(value) | Answer::Timeout { value, .. }) = &answer {
            cost += kib(value);
        }
        match answer {
            Ok(Answer::Value(value)) => {
                self.complete(open, CallOutcome::Value(value).into(), false);
            }
            Ok(Answer::Timeout { after_ms, value }) => self.wait(open, after_ms, value, now),
            Ok(Answer::Connect(contact)) => {
                let max = self.config.limits.connects;
                if self.calls.connects.len() >= max {
                    let text = format!("overloaded: connects = {max} is reached");
                    self.fail(open, &Failure::new(Code::Limit, text));
                    return cost;
                }
                self.calls.connects.push((contact.peer, open));
                self.network.connect(contact, now);
            }
            Ok(Answer::Change(change)) => match self.change_services(change) {
                Ok(()) => self.complete(open, CallOutcome::Value(Value::from("")).into(), false),
                Err(error) => self.fail(open, &Failure::from(error)),
            },
            Ok(Answer::Create(service)) => {
                let id = Value::from(service.id.as_ref());
                match self.register_service(service) {
                    Ok(()) => self.complete(open, CallOutcome::Value(id).into(), false),
                    Err(error) => self.fail(open, &Failure::from(error)),
                }
            }
            Ok(Answer::Driver) => self.hand_on(open, request),
            Err(failure) => self.fail(open, &failure),
        }
        cost
    }

    /// Has the driver answer a host function. To repeat that is harmless.
    fn hand_on(&mut self, open: Open, request: CallRequest) {
        let max = self.config.limits.calls_queued;
        if self.calls.services.len() >= max {
            self.counted.calls_rejected += 1;
            let text = format!("overloaded: calls_queued = {max} is reached");
            return self.fail(open, &Failure::new(Code::Limit, text));
        }
        let Some(particle) = self.particles.get(&open.key) else {
            return;
        };
        let target = Target::Driver {
            service: request.service.clone(),
            kind: Some(native::HOST.into()),
            intent: false,
            registration: None,
            lane: None,
        };
        let queued = Queued {
            open,
            target,
            request,
        };
        let initiator = particle.start.initiator;
        self.calls.queue(initiator, queued);
    }

    fn call_native(
        &self,
        native: &dyn Native,
        open: &Open,
        request: &CallRequest,
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        let initiator = self
            .particles
            .get(&open.key)
            .map_or(self.me, |p| p.start.initiator);
        let network = NetworkNow {
            network: &self.network,
            now,
        };
        let view = View {
            now,
            step: open.step.0,
            host: self.host(),
            worker: open.key.identity,
            initiator,
            manager: self.config.manager,
            version: &self.config.version,
            addresses: self.network.addresses(),
            relay: self.network.serves(),
            limits: &self.config.limits,
            services: &self.services,
            deals: &self.deals,
            network: &network,
        };
        native::call(native, &request.function, &request.args, &view)
    }

    fn call_client(&mut self, open: &Open, request: &CallRequest) -> Result<Answer, Failure> {
        if &*request.service != "getDataSrv" {
            self.report(&open.key, || ParticleEvent::Callback {
                service: request.service.clone(),
                function: request.function.clone(),
                args: request.args.clone(),
            });
            return Ok(Answer::Value(Value::Object(Arc::default())));
        }
        let client = self
            .particles
            .get(&open.key)
            .and_then(|particle| particle.client.clone());
        let given = client.and_then(|client| client.data.get(&request.function).cloned());
        let value = given.or_else(|| {
            let relay = self
                .network
                .relays()
                .first()
                .map_or(self.me, |relay| relay.peer);
            (&*request.function == "-relay-").then(|| Value::from(relay.to_string()))
        });
        value.map(Answer::Value).ok_or_else(|| {
            let text = format!("the submitter gave no value for `{}`", request.function);
            Failure::new(Code::NotFound, text)
        })
    }

    fn wait(&mut self, open: Open, after_ms: u64, value: Value, now: Timestamp) {
        let Some(particle) = self.particles.get(&open.key) else {
            return;
        };
        let initiator = particle.start.initiator;
        let max = self.config.limits.timeouts_per_initiator;
        let count = self.calls.waits_of.entry(initiator).or_default();
        if *count >= max {
            let text = format!("overloaded: timeouts_per_initiator = {max} is reached");
            self.fail(open, &Failure::new(Code::Limit, text));
            return;
        }
        *count += 1;
        // One that outlasts its particle is dropped with it.
        let at = now.plus(after_ms).min(particle.deadline().plus(1));
        let id = self.calls.number();
        self.calls.waits.insert(
            id,
            Wait {
                open,
                initiator,
                value,
            },
        );
        self.timers.set(at, Wake::Wait(id));
    }
}

/// The size of a value in KiB, as far as it matters for the length of a turn.
fn kib(value: &Value) -> usize {
    const MAX: usize = 1 << 20;
    encoded_size(value, MAX).unwrap_or(MAX) >> 10
}
