//! Runs the functions of services.
//!
//! How many calls run at once is the peer's limit; a call that nobody waits
//! for any more is dropped, and with it the instance that executes it.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::Instrument;
use weir_identity::{Cid, Hash, Value, keccak256};
use weir_marine::states::{Snapshot, Update, Writes};
use weir_marine::{
    Access, Error, Function, Judgement, Level, Logs, Mode, Module, Outside, StateAt, States,
    StatesError, World,
};
use weir_peer::{Call, CallId, CallOutcome, Execution, Service};

use crate::clock;
use crate::effects::{Effects, ServiceEffects};
use crate::evidence::Kept;
use crate::execution::{Ended, circumstances};

/// What a service that executes a component is registered as.
pub const WASM: &str = "wasm";

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) call: CallId,
    pub(crate) outcome: CallOutcome,
    /// What goes into its receipt, if it gets one.
    pub(crate) execution: Option<Execution>,
    /// What is kept of it.
    pub(crate) kept: Option<Kept>,
    /// What it makes of the state of its service.
    pub(crate) state: Option<Writes>,
}

/// The running calls of a node and the modules that they run.
pub(crate) struct Executor {
    limits: weir_marine::Limits,
    /// By blueprint.
    modules: HashMap<Arc<str>, Result<Module, String>>,
    running: HashMap<CallId, AbortHandle>,
    states: States,
    finished: mpsc::UnboundedSender<Finished>,
    /// Makes the randomness of guests unforeseeable.
    salt: [u8; 32],
    /// What services do outside.
    effects: Arc<Effects>,
}

impl Executor {
    /// Answers come through `finished`, at most one for each call.
    pub(crate) fn new(
        limits: weir_marine::Limits,
        salt: [u8; 32],
        states: States,
        effects: Arc<Effects>,
        finished: mpsc::UnboundedSender<Finished>,
    ) -> Self {
        Executor {
            limits,
            modules: HashMap::new(),
            running: HashMap::new(),
            states,
            finished,
            salt,
            effects,
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

    /// Begins a call of this service.
    pub(crate) fn start(&mut self, call: Call, service: Option<&Service>) {
        let module = service.and_then(|service| self.modules.get(&service.blueprint));
        let (Some(service), Some(module)) = (service, module) else {
            return self.refuse(&call, "this node has no module for it");
        };
        let module = match module {
            Ok(module) => module.clone(),
            Err(reason) => return self.refuse(&call, reason),
        };
        let id = call.id;
        let circumstances = circumstances(&call, self.salt(&call));
        let context = weir_marine::CallContext::of(&circumstances, &call.service);
        let function = module.function(&call.function).ok();
        let (mode, access) = function.map_or_else(Default::default, |function| {
            (Some(function.mode()), function.rules().access)
        });
        if access == Access::Owner && call.context.initiator != service.owner {
            let function = call.function.to_string();
            let denied = outcome(Err(Error::Denied { function }));
            return self.end(&call, denied);
        }
        // A call belongs to the service that there is now, not to a later one of the same name.
        let finds = self.finds(mode, &call.service);
        let limits = self.limits.clone();
        let outside = self.outside(&call, &module, service);
        let answer = Answer {
            call: id,
            finished: self.finished.clone(),
        };
        let span = tracing::debug_span!("call", service = %call.service, function = %call.function, particle = %call.context.particle.0);
        let work = async move {
            // All of it belongs to this task, not only what is used here: a panic drops it.
            let answer = answer;
            let (state, update) = match finds.open().await {
                Ok(opened) => opened,
                Err(error) => return answer.fail(&error),
            };
            let mut world = World {
                state,
                outside,
                ..World::default()
            };
            let limits = match module.function(&call.function) {
                Ok(function) => {
                    let (limits, state) = module.limits(function, &limits, world.state.limits);
                    world.state.limits = state;
                    limits
                }
                Err(_) => limits,
            };
            let left = call.context.deadline.since(clock::now());
            let limits = weir_marine::Limits {
                wall_ms: limits.wall_ms.min(left),
                ..limits
            };
            let output = module
                .call(weir_marine::Call {
                    function: &call.function,
                    arguments: &call.args,
                    context: &context,
                    limits: &limits,
                    world: &world,
                })
                .await;
            log_output(&call, &output.logs);
            tracing::debug!(fuel = output.fuel, failed = output.result.is_err(), "ended");
            let mode = mode.unwrap_or(Mode::Pure);
            let judgement = Judgement::of(&output, mode, &limits, &world.state.root);
            let record = judgement.map(|judgement| {
                let ended = Ended {
                    module: &module,
                    mode,
                    limits: &limits,
                    world: &world,
                    call: &call,
                    circumstances: &circumstances,
                    transcript: &output.transcript,
                    judgement: &judgement,
                    now: clock::now(),
                };
                ended.record()
            });
            let outcome = outcome(output.result);
            // From here on nothing is waited for: a call that is cancelled has changed nothing, or is answered.
            let Some((update, commit)) = update.zip(output.commit) else {
                return answer.give(outcome, record, None);
            };
            let give = |state| answer.give(outcome, record, state);
            if let Err(error) = update.commit(commit, clock::now().ms(), give) {
                answer.fail(&error);
            }
        };
        let task = tokio::spawn(work.instrument(span));
        self.running.insert(id, task.abort_handle());
    }

    /// Begins to answer a host function. `work` is told how long it may take, in milliseconds.
    pub(crate) fn answer<W>(&mut self, id: CallId, work: impl FnOnce(u64) -> W)
    where
        W: Future<Output = CallOutcome> + Send + 'static,
    {
        let answer = Answer {
            call: id,
            finished: self.finished.clone(),
        };
        let work = work(self.limits.wall_ms);
        let task = tokio::spawn(async move {
            let answer = answer;
            answer.give(work.await, None, None);
        });
        self.running.insert(id, task.abort_handle());
    }

    /// Who answers the effects of a call.
    fn outside(&self, call: &Call, module: &Module, service: &Service) -> Outside {
        Outside::Open(Arc::new(ServiceEffects {
            effects: self.effects.clone(),
            service: service.id.clone(),
            module: module.clone(),
            terms: service.terms.clone(),
            worker: call.context.worker,
        }))
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
        self.end(call, outcome);
    }

    /// Answers a call that was not executed.
    fn end(&self, call: &Call, outcome: CallOutcome) {
        let _ = self.finished.send(Finished {
            call: call.id,
            outcome,
            execution: None,
            kept: None,
            state: None,
        });
    }

    fn finds(&self, mode: Option<Mode>, service: &str) -> Finds {
        match mode {
            // What does not exist finds nothing.
            None | Some(Mode::Pure) => Finds::Nothing,
            Some(Mode::View) => Finds::View(self.states.view(service)),
            Some(Mode::Update) => Finds::Update(Box::pin(self.states.update(service))),
        }
    }

    fn salt(&self, call: &Call) -> Hash {
        let about = &call.context;
        keccak256(&[
            b"weir/salt",
            &self.salt,
            about.particle.0.as_bytes(),
            &about.step,
        ])
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

/// The state of a service, for a function that may read or change it.
enum Finds {
    Nothing,
    View(Result<Snapshot, StatesError>),
    Update(Pin<Box<dyn Future<Output = Result<Update, StatesError>> + Send>>),
}

impl Finds {
    /// Waits for the turn, if it changes the state.
    async fn open(self) -> Result<(StateAt, Option<Update>), StatesError> {
        match self {
            Self::Nothing => Ok((StateAt::default(), None)),
            Self::View(snapshot) => Ok((snapshot?.state_at(), None)),
            Self::Update(turn) => {
                let update = turn.await?;
                Ok((update.snapshot().state_at(), Some(update)))
            }
        }
    }
}

/// How a call of a component ended, as scripts see it.
fn outcome(result: Result<Value, Error>) -> CallOutcome {
    match result {
        Ok(value) => CallOutcome::Value(value),
        Err(error) => CallOutcome::Failed {
            code: 1,
            message: error.to_value(),
        },
    }
}

/// The answer that a task owes. Nobody would hear of a panic otherwise, and the
/// script would wait until its particle dies.
struct Answer {
    call: CallId,
    finished: mpsc::UnboundedSender<Finished>,
}

impl Answer {
    fn give(&self, outcome: CallOutcome, record: Option<(Execution, Kept)>, state: Option<Writes>) {
        let (execution, kept) = record.unzip();
        let _ = self.finished.send(Finished {
            call: self.call,
            outcome,
            execution,
            kept,
            state,
        });
    }

    /// The state cannot be used.
    fn fail(&self, error: &StatesError) {
        let detail = error.to_string();
        self.give(outcome(Err(Error::Storage { detail })), None, None);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let what = "infra/engine: the engine failed: it panicked during the call";
            self.give(CallOutcome::failed(what), None, None);
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
    for (level, text) in &logs.notes {
        match level {
            Level::Error => {
                tracing::error!(target: "weir::guest", service, function, %particle, ?text);
            }
            Level::Warn => {
                tracing::warn!(target: "weir::guest", service, function, %particle, ?text);
            }
            Level::Info => {
                tracing::info!(target: "weir::guest", service, function, %particle, ?text);
            }
            Level::Debug => {
                tracing::debug!(target: "weir::guest", service, function, %particle, ?text);
            }
            Level::Trace => {
                tracing::trace!(target: "weir::guest", service, function, %particle, ?text);
            }
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
    use crate::effects::EffectsConfig;

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
        let Finished { call, outcome, .. } = answers.recv().await.expect("there is an answer");
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

    fn no_effects() -> Arc<Effects> {
        let key = weir_identity::Keypair::from_secret(&[1; 32]).expect("a secret key");
        // Nothing is written there before something is granted.
        let folder = std::path::Path::new("no-such-folder");
        let effects = Effects::new(EffectsConfig::default(), folder, Arc::new(key));
        Arc::new(effects.expect("the system gives what it takes"))
    }

    fn no_states() -> States {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let birth = crate::store::Birth {
            at_ms: 0,
            with_key: true,
        };
        let path = folder.path().join("store");
        let store = crate::store::Store::open(&path, crate::store::Durability::Process, birth);
        let store = Arc::new(store.expect("it is new"));
        States::open(
            crate::store::StateTable::of(&store),
            weir_marine::StatesConfig::default(),
        )
        .expect("it is empty")
    }

    fn module(marine: &weir_marine::Marine, text: &str) -> Module {
        let component = wat::parse_str(text).expect("it is WebAssembly text");
        marine.load(&component).expect("it is a component")
    }

    /// A service of this blueprint that belongs to another peer than the one that calls.
    fn service(blueprint: &str) -> Service {
        let owner = weir_identity::Keypair::from_secret(&[2; 32]).expect("a secret key");
        Service {
            id: Arc::from("service"),
            kind: Arc::from(WASM),
            blueprint: Arc::from(blueprint),
            interface: Value::Null,
            owner: owner.peer_id(),
            aliases: std::collections::BTreeSet::new(),
            idempotent: false,
            exclusive: std::collections::BTreeSet::new(),
            terms: None,
        }
    }

    fn call(id: u64, function: &str) -> Call {
        let peer = weir_identity::Keypair::from_secret(&[1; 32]).expect("a secret key");
        let now = clock::now();
        Call {
            id: CallId(id),
            service: Arc::from("service"),
            kind: Some(Arc::from(WASM)),
            function: Arc::from(function),
            args: Vec::new(),
            tetraplets: Vec::new(),
            context: weir_peer::CallContext {
                particle: weir_peer::ParticleId(keccak256(&[b"particle"])),
                step: [0; 32],
                initiator: peer.peer_id(),
                host: peer.peer_id(),
                worker: peer.peer_id(),
                timestamp: now,
                ttl_ms: 3_600_000,
                deadline: weir_peer::Timestamp(now.ms() + 3_600_000),
            },
        }
    }

    #[tokio::test]
    async fn what_is_for_the_owner_is_denied_to_others() {
        let marine = weir_marine::Marine::new(weir_marine::MarineConfig::default());
        let marine = marine.expect("the engine can be set up");
        let component = wat::parse_str(
            r#"(component
                (core module $m (func (export "rest")))
                (core instance $i (instantiate $m))
                (func (export "rest") (canon lift (core func $i "rest"))))"#,
        );
        let manifest = weir_marine::Manifest::from_toml(
            r#"
            service = { name = "kept", version = "1.0.0" }
            part = [{ name = "kept", component = "kept.wasm", facade = true }]
            functions.rest = { access = "owner" }
            "#,
        );
        let parts = [("kept".to_owned(), component.expect("it is WebAssembly"))];
        let composed = weir_marine::compose(&manifest.expect("it is valid"), &parts.into());
        let component = composed.expect("there is one part").component;
        let module = marine.load(&component).expect("it is a component");
        let (finished, mut answers) = mpsc::unbounded_channel();
        let limits = weir_marine::Limits::default();
        let mut executor = Executor::new(limits, [0; 32], no_states(), no_effects(), finished);
        executor.install(Arc::from("kept"), Ok(module));
        let stranger = call(1, "rest");
        let mut owner = call(2, "rest");
        owner.context.initiator = service("kept").owner;
        for call in [stranger, owner] {
            executor.start(call, Some(&service("kept")));
        }
        let mut outcomes = BTreeMap::new();
        for _ in 0..2 {
            let Finished { call, outcome, .. } = answers.recv().await.expect("it is answered");
            outcomes.insert(call, format!("{outcome:?}"));
        }
        assert!(
            outcomes[&CallId(1)].contains("access/denied"),
            "{outcomes:?}"
        );
        assert!(outcomes[&CallId(2)].contains("Value(Null)"), "{outcomes:?}");
    }

    #[tokio::test]
    async fn a_cancelled_call_gives_its_instance_back_long_before_its_deadline() {
        // One instance at a time: the second call runs only if the first has ended.
        let marine = weir_marine::Marine::new(weir_marine::MarineConfig {
            slots: 1,
            ..weir_marine::MarineConfig::default()
        });
        let marine = marine.expect("the engine can be set up");
        let limits = weir_marine::Limits {
            fuel: u64::MAX / 2,
            wall_ms: 3_600_000,
            ..weir_marine::Limits::default()
        };
        let (finished, mut answers) = mpsc::unbounded_channel();
        let mut executor = Executor::new(limits, [0; 32], no_states(), no_effects(), finished);
        let body = [("spin", "(loop (br 0))"), ("rest", "")];
        for (name, body) in body {
            let text = format!(
                r#"(component
                    (core module $m (func (export "{name}") {body}))
                    (core instance $i (instantiate $m))
                    (func (export "{name}") (canon lift (core func $i "{name}"))))"#
            );
            executor.install(Arc::from(name), Ok(module(&marine, &text)));
        }
        executor.start(call(1, "spin"), Some(&service("spin")));
        // It has the instance when the second comes.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        executor.start(call(2, "rest"), Some(&service("rest")));
        tokio::task::yield_now().await;
        executor.cancel(CallId(1));
        let answer = tokio::time::timeout(std::time::Duration::from_secs(30), answers.recv());
        let answer = answer.await.expect("the instance is free");
        assert_eq!(answer.map(|answer| answer.call), Some(CallId(2)));
    }
}
