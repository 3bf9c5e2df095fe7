//! Runs the functions of services.
//!
//! How many calls run at once is the peer's limit; a call that nobody waits
//! for any more is dropped, and with it the instance that executes it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::Instrument;
use weir_identity::{Cid, Value, keccak256};
use weir_marine::{Error, Function, Logs, Module};
use weir_peer::{Call, CallId, CallOutcome};

use crate::clock;

/// What a service that executes a component is registered as.
pub const WASM: &str = "wasm";

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) call: CallId,
    pub(crate) outcome: CallOutcome,
}

/// The running calls of a node and the modules that they run.
pub(crate) struct Executor {
    limits: weir_marine::Limits,
    /// By blueprint.
    modules: HashMap<Arc<str>, Result<Module, String>>,
    running: HashMap<CallId, AbortHandle>,
    finished: mpsc::UnboundedSender<Finished>,
    /// Makes the randomness of guests unforeseeable.
    salt: [u8; 32],
}

impl Executor {
    /// Answers come through `finished`, at most one for each call.
    pub(crate) fn new(
        limits: weir_marine::Limits,
        salt: [u8; 32],
        finished: mpsc::UnboundedSender<Finished>,
    ) -> Self {
        Executor {
            limits,
            modules: HashMap::new(),
            running: HashMap::new(),
            finished,
            salt,
        }
    }

    /// Puts the module of a blueprint in place, or why there is none.
    pub(crate) fn install(&mut self, blueprint: Arc<str>, module: Result<Module, String>) {
        self.modules.insert(blueprint, module);
    }

    /// The module of a blueprint.
    pub(crate) fn module(&self, blueprint: &str) -> Option<&Module> {
        self.modules.get(blueprint)?.as_ref().ok()
    }

    /// Forgets the modules of all blueprints but these.
    pub(crate) fn retain(&mut self, is_used: impl Fn(&str) -> bool) {
        self.modules.retain(|blueprint, _| is_used(blueprint));
    }

    /// Begins a call of a service that has this blueprint.
    pub(crate) fn start(&mut self, call: Call, blueprint: Option<&str>) {
        let module = match blueprint.and_then(|blueprint| self.modules.get(blueprint)) {
            Some(Ok(module)) => module.clone(),
            Some(Err(reason)) => return self.refuse(&call, reason),
            None => return self.refuse(&call, "this node has no module for it"),
        };
        let id = call.id;
        let context = self.context(&call);
        let left = call.context.deadline.since(clock::now());
        let limits = weir_marine::Limits {
            wall_ms: self.limits.wall_ms.min(left),
            ..self.limits.clone()
        };
        let answer = Answer {
            call: id,
            finished: self.finished.clone(),
        };
        let span = tracing::debug_span!("call", service = %call.service, function = %call.function, particle = %call.context.particle.0);
        let work = async move {
            // All of it belongs to this task, not only what is used here: a panic drops it.
            let answer = answer;
            let output = module
                .call(weir_marine::Call {
                    function: &call.function,
                    arguments: &call.args,
                    context: &context,
                    limits: &limits,
                })
                .await;
            log_output(&call, &output.logs);
            tracing::debug!(fuel = output.fuel, failed = output.result.is_err(), "ended");
            answer.give(outcome(output.result));
        };
        let task = tokio::spawn(work.instrument(span));
        self.running.insert(id, task.abort_handle());
    }

    /// Nobody waits for this call any more.
    pub(crate) fn cancel(&mut self, call: CallId) {
        if let Some(task) = self.running.remove(&call) {
            task.abort();
        }
    }

    /// The answer of this call has been passed on.
    pub(crate) fn ended(&mut self, call: CallId) {
        self.running.remove(&call);
    }

    fn refuse(&self, call: &Call, reason: &str) {
        let outcome = CallOutcome::failed(format!(
            "infra/no-module: service `{}`: {reason}",
            call.service
        ));
        let _ = self.finished.send(Finished {
            call: call.id,
            outcome,
        });
    }

    fn context(&self, call: &Call) -> weir_marine::CallContext {
        let about = &call.context;
        let salt = keccak256(&[
            b"weir/salt",
            &self.salt,
            about.particle.0.as_bytes(),
            &about.step,
        ]);
        weir_marine::CallContext {
            request: about.particle.0.to_string(),
            initiator: about.initiator.to_string(),
            host: about.worker.to_string(),
            service: call.service.to_string(),
            timestamp_ms: about.timestamp.ms(),
            salt: *salt.as_bytes(),
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("modules", &self.modules.len())
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

/// How a call of a component ended, as scripts see it: the error value of a
/// function that returned one, otherwise a text `group/code: what happened`.
fn outcome(result: Result<Value, Error>) -> CallOutcome {
    match result {
        Ok(value) => CallOutcome::Value(value),
        Err(Error::Guest { payload }) => CallOutcome::Failed {
            code: 1,
            message: payload,
        },
        Err(error) => CallOutcome::failed(format!("{}: {error}", error.code())),
    }
}

/// The answer that a task owes. Nobody would hear of a panic otherwise, and the
/// script would wait until its particle dies.
struct Answer {
    call: CallId,
    finished: mpsc::UnboundedSender<Finished>,
}

impl Answer {
    fn give(&self, outcome: CallOutcome) {
        let call = self.call;
        let _ = self.finished.send(Finished { call, outcome });
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let what = "infra/engine: the engine failed: it panicked during the call";
            self.give(CallOutcome::failed(what));
        }
    }
}

/// The log of a guest, and what of it was not kept.
fn log_output(call: &Call, logs: &Logs) {
    let (service, function) = (&*call.service, &*call.function);
    let particle = &call.context.particle.0;
    for (stream, text) in [("stdout", logs.stdout.as_str()), ("stderr", &logs.stderr)] {
        if !text.is_empty() {
            // In quotes and with escapes, since guests write what they like.
            tracing::info!(target: "weir::guest", service, function, %particle, stream, ?text);
        }
    }
    if logs.dropped_bytes > 0 {
        let dropped_bytes = logs.dropped_bytes;
        tracing::warn!(target: "weir::guest", service, function, %particle, dropped_bytes, "the guest wrote more than is kept");
    }
}

/// What `srv.get_interface` tells of a component.
pub(crate) fn interface(functions: &[Function]) -> Value {
    let signature = |function: &Function| {
        let arguments: Vec<Value> = function
            .params()
            .iter()
            .map(|param| {
                Value::from(vec![
                    Value::from(&*param.name),
                    Value::from(param.ty.to_string()),
                ])
            })
            .collect();
        let outputs: Vec<Value> = function
            .result()
            .map(|ty| Value::from(ty.to_string()))
            .into_iter()
            .collect();
        object([
            ("name", Value::from(function.name())),
            ("arguments", Value::from(arguments)),
            ("output_types", Value::from(outputs)),
        ])
    };
    let signatures: Vec<Value> = functions.iter().map(signature).collect();
    object([
        ("function_signatures", Value::from(signatures)),
        ("record_types", Value::from(Vec::new())),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields: BTreeMap<Arc<str>, Value> = fields
        .into_iter()
        .map(|(name, value)| (Arc::from(name), value))
        .collect();
    Value::Object(Arc::new(fields))
}

/// Names the component that a service executes.
pub(crate) fn blueprint(cid: &Cid) -> Arc<str> {
    cid.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_panics_is_answered_and_a_cancelled_one_is_not() {
        let (finished, mut answers) = mpsc::unbounded_channel();
        let answer = Answer {
            call: CallId(7),
            finished: finished.clone(),
        };
        let panics = tokio::spawn(async move {
            let _answer = answer;
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        assert!(panics.await.is_err());
        let Finished { call, outcome } = answers.recv().await.expect("there is an answer");
        assert_eq!(call, CallId(7));
        assert!(
            format!("{outcome:?}").contains("infra/engine"),
            "{outcome:?}"
        );

        let cancelled = Answer {
            call: CallId(8),
            finished,
        };
        drop(cancelled);
        assert!(answers.recv().await.is_none(), "nobody waits for it");
    }
}
