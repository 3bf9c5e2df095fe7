//! A loaded component, ready to be called.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Store};
use weir_identity::{Cid, Hash, Value, keccak256};
use weir_receipt::state::{Commit, Limits as StateLimits, StateError};
use weir_receipt::{Bounds, Transcript};

use crate::bridge::Arguments;
use crate::context::CallContext;
use crate::contract::{Contract, Function};
use crate::convert::Blobs;
use crate::error::Error;
use crate::failure::{Phase, engine_failure, explain, unreadable, without_effect, without_files};
use crate::instance::{instantiate, try_instantiate, within};
use crate::limits::Limits;
use crate::linked::{Provider, of_part};
use crate::manifest::Manifest;
use crate::runtime::Shared;
use crate::sandbox::{CallState, LogSink, Logs, Source, read_blobs};
use crate::spelling::{TEXT_CHARS_MAX, shorten};
use crate::store::fresh_store;
use crate::world::{Mode, World};

/// What a call needs.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The function: `function` or `interface/function`, in `kebab-case`,
    /// `snake_case` or `camelCase`.
    pub function: &'a str,
    /// The arguments by position.
    pub arguments: &'a [Value],
    /// The circumstances.
    pub context: &'a CallContext,
    /// What it may use.
    pub limits: &'a Limits,
    /// The state of its service, and who answers effects.
    pub world: &'a World,
}

/// What became of a call, and what it took.
#[derive(Debug, Clone)]
pub struct CallOutput {
    /// The value that the function returned. A function that returns `result`
    /// gives the value inside *ok*, or [`Error::Guest`] with what is inside *err*.
    pub result: Result<Value, Error>,
    /// Fuel used, at most the limit. After [`Error::Trap`] it is what the
    /// engine had counted when the guest stopped, good for a bill but not for
    /// a proof; zero when the guest did not run.
    pub fuel: u64,
    /// Bytes of linear memory and tables at the end; they never shrink in between.
    pub memory_peak_bytes: u64,
    /// What the guest wrote.
    pub logs: Logs,
    /// What the call makes of the state, for whoever keeps it. None if it leaves the state as it is: it changed
    /// nothing, or was not to, or failed.
    pub commit: Option<Commit>,
    /// The effects that it had, also if it failed.
    pub transcript: Transcript,
    /// What of the state was touched, if [`World::witness`] asks for it: enough to repeat the call from.
    pub witness: Option<Vec<u8>>,
    /// How long it took. Unlike everything else, that differs from call to call.
    pub took: Took,
}

/// The time of a call, by what is done in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// Turning the arguments into values of their types.
    pub convert: Duration,
    /// Making an instance.
    pub instantiate: Duration,
    /// The function, with arguments on their way in and the result on its way out.
    pub run: Duration,
}

/// A component that is checked, compiled and linked. Cheap to clone.
///
/// Every call gets an instance of its own, made from a copy-on-write image and
/// thrown away afterwards. Calls share nothing, so any number may run at once.
#[derive(Clone)]
pub struct Module {
    pub(crate) shared: Arc<Shared>,
    pub(crate) parts: Arc<ModuleParts>,
}

/// The parts of a module that do not hold on to the runtime.
pub(crate) struct ModuleParts {
    pub(crate) cid: Cid,
    pub(crate) contract: Contract,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) has_effects: bool,
    /// The parts that are linked through the host.
    pub(crate) providers: Vec<Arc<Provider>>,
    pub(crate) pre: InstancePre<CallState>,
}

impl Module {
    pub(crate) fn new(shared: Arc<Shared>, parts: Arc<ModuleParts>) -> Self {
        Self { shared, parts }
    }

    /// The content id of the component's bytes.
    pub fn cid(&self) -> Cid {
        self.parts.cid
    }

    /// Whether its functions can have effects outside of the state, so that to
    /// execute a call once more may do something once more.
    pub fn has_effects(&self) -> bool {
        self.parts.has_effects
    }

    /// The limits of a call of this function, where a peer would give these and
    /// a state these: the manifest may ask for less.
    pub fn limits(
        &self,
        function: &Function,
        given: &Limits,
        state: StateLimits,
    ) -> (Limits, StateLimits) {
        match self.manifest() {
            Some(manifest) => {
                let bytes = manifest.limits().state_bytes.unwrap_or(state.bytes);
                let bytes = state.bytes.min(bytes);
                (
                    manifest.cap(given, Some(function.rules())),
                    StateLimits { bytes, ..state },
                )
            }
            None => (given.clone(), state),
        }
    }

    /// The manifest that the component carries, if it does.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.parts.manifest.as_ref()
    }

    /// The functions that can be called.
    pub fn functions(&self) -> &[Function] {
        self.parts.contract.functions()
    }

    /// Names everything besides function, arguments, context and state that
    /// decides what a call gives: the component, the profile, and the bounds
    /// that hold alike on every machine. For receipts.
    pub fn set_hash(&self, bounds: &Bounds) -> Hash {
        keccak256(&[
            b"weir/modules/2",
            self.parts.cid.digest(),
            self.shared.profile_id.as_bytes(),
            &bounds.encode(),
        ])
    }

    /// Finds a function by name, as [`Call::function`] does.
    pub fn function(&self, name: &str) -> Result<&Function, Error> {
        self.parts.contract.find(name)
    }

    /// The same module, which calls every function the general way.
    #[cfg(test)]
    pub(crate) fn without_shapes(&self) -> Self {
        let ModuleParts { cid, pre, .. } = &*self.parts;
        let limits = crate::limits::ComponentLimits::default();
        let contract = Contract::of(&self.shared.engine, pre.component(), &limits);
        let parts = ModuleParts {
            cid: *cid,
            contract: contract.expect("read before").without_shapes(),
            manifest: None,
            has_effects: self.has_effects(),
            providers: self.parts.providers.clone(),
            pre: pre.clone(),
        };
        Self::new(Arc::clone(&self.shared), Arc::new(parts))
    }

    /// Calls a function.
    ///
    /// The future needs no particular executor. It works for as long as it is
    /// polled, returning to the executor after every
    /// [`Profile::YIELD_FUEL`](crate::Profile::YIELD_FUEL) units (in the order of 0.1 ms), and waits when
    /// all slots of the runtime are taken. Dropping it ends the call: nothing
    /// of it remains.
    pub async fn call(&self, call: Call<'_>) -> CallOutput {
        let log = Arc::new(Mutex::new(LogSink::new(call.limits.log_bytes)));
        let mut usage = Usage::default();
        let result = match self.prepare(&call) {
            Ok(function) => {
                // The semaphore is never closed, so an error cannot occur; without a permit the pool decides.
                let slots = self.parts.slots();
                let _slots = self.shared.slots.acquire_many(slots).await.ok();
                let start = Instant::now();
                // Converted arguments can be many times larger than the values: as many are there as slots.
                let arguments =
                    Arguments::convert(function, call.arguments, call.limits, Blobs::default());
                usage.took.convert = start.elapsed();
                match arguments {
                    Ok(arguments) => {
                        self.execute(&call, function, arguments, &log, &mut usage)
                            .await
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        let logs = LogSink::lock(&log).take();
        CallOutput {
            result,
            fuel: usage.fuel,
            memory_peak_bytes: usage.memory_peak_bytes,
            logs,
            commit: usage.commit,
            transcript: usage.transcript,
            witness: usage.witness,
            took: usage.took,
        }
    }

    /// Finds the function and compares the number of arguments.
    pub(crate) fn prepare(&self, call: &Call<'_>) -> Result<&Function, Error> {
        let function = self.parts.contract.find(call.function)?;
        if function.params().len() != call.arguments.len() {
            return Err(Error::BadArity {
                signature: shorten(&function.signature(), TEXT_CHARS_MAX),
                expected: function.params().len(),
                got: call.arguments.len(),
            });
        }
        Ok(function)
    }

    async fn execute(
        &self,
        call: &Call<'_>,
        function: &Function,
        arguments: Arguments,
        log: &Arc<Mutex<LogSink>>,
        usage: &mut Usage,
    ) -> Result<Value, Error> {
        let seed = call
            .context
            .seed(self.shared.profile, &self.parts.cid, &function.full_name());
        let around = (call.context, call.world, function.mode());
        let state = CallState::new(around, seed, call.limits, Arc::clone(log));
        let mut store = fresh_store(&self.shared.engine, state, call.limits)?;
        let begin = Instant::now();
        let mut started = None;
        let work = self
            .parts
            .run(&mut store, function, (call, arguments), &mut started);
        let limit_ms = call.limits.wall_ms;
        let result = within(Duration::from_millis(limit_ms), work)
            .await
            .unwrap_or(Err(Error::WallClock { limit_ms }));
        let made = started.unwrap_or_else(Instant::now);
        usage.took.instantiate = made.duration_since(begin);
        usage.took.run = made.elapsed();
        usage.memory_peak_bytes = store.data().memory.peak();
        usage.fuel = match result {
            Err(Error::Fuel { limit }) => limit,
            _ if started.is_some() => {
                let left = store.get_fuel().map_err(|error| engine_failure(&error))?;
                call.limits.fuel.saturating_sub(left)
            }
            _ => 0,
        };
        let state = store.into_data();
        let keeps_errors = self.manifest().is_some_and(Manifest::commit_on_err);
        let ended = match &result {
            Ok(_) => true,
            Err(Error::Guest { .. }) => keeps_errors,
            Err(_) => false,
        };
        let keeps = function.mode() == Mode::Update && ended;
        let settled = settle(state, keeps, call.world, usage);
        // What the guest did comes first, unless nothing can be said about it.
        match (result, settled) {
            (Err(error), Err(settled)) if settled.is_infrastructure() => {
                Err(if error.is_infrastructure() {
                    error
                } else {
                    settled
                })
            }
            (Ok(_), Err(error)) => Err(error),
            (result, _) => result,
        }
    }
}

/// Ends what a call began: makes the new root, and closes its record.
fn settle(
    mut state: CallState,
    keeps: bool,
    world: &World,
    usage: &mut Usage,
) -> Result<(), Error> {
    let closed = if keeps { state.close_files() } else { Ok(()) };
    let keeps = keeps && closed.is_ok();
    let (transcript, replayed) = state.funnel.finish();
    usage.transcript = transcript;
    let (commit, source) = if keeps {
        state.session.commit().map_err(|error| match error {
            StateError::Nodes(error) => unreadable(&error),
            other => Error::Storage {
                detail: other.to_string(),
            },
        })?
    } else {
        (None, state.session.roll_back())
    };
    if let Source::Noted(recorder) = &*source {
        let witness = recorder.witness(&world.state.root);
        usage.witness = Some(witness.map_err(|error| unreadable(&error))?);
    }
    closed.map_err(|error| without_files(&error))?;
    usage.commit = commit;
    replayed.map_err(|failure| without_effect(&failure))
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("cid", &self.parts.cid)
            .field("functions", &self.functions().len())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Usage {
    fuel: u64,
    memory_peak_bytes: u64,
    commit: Option<Commit>,
    transcript: Transcript,
    witness: Option<Vec<u8>>,
    took: Took,
}

impl ModuleParts {
    /// Runs the function in a fresh instance. From `started` on, the fuel is that of the call.
    async fn run(
        &self,
        store: &mut Store<CallState>,
        function: &Function,
        (call, arguments): (&Call<'_>, Arguments),
        started: &mut Option<Instant>,
    ) -> Result<Value, Error> {
        let limits = call.limits;
        let instance = instantiate(&self.pre, store).await?;
        store
            .set_fuel(limits.fuel)
            .map_err(|error| engine_failure(&error))?;
        *started = Some(Instant::now());
        self.invoke(store, instance, function, (call, arguments))
            .await
    }

    /// Calls the function of an instance.
    pub(crate) async fn invoke(
        &self,
        store: &mut Store<CallState>,
        instance: Instance,
        function: &Function,
        (call, arguments): (&Call<'_>, Arguments),
    ) -> Result<Value, Error> {
        let limits = call.limits;
        store.data_mut().links.open(limits);
        let callee = instance
            .get_func(&mut *store, function.export)
            .ok_or_else(|| Error::Engine {
                detail: format!("the instance lacks `{}`", function.full_name()),
            })?;
        let arguments = match arguments {
            Arguments::Wanting(blobs) => {
                let read = read_blobs(store.as_context_mut(), blobs, limits).await;
                let explained = |error| explain(&error, Phase::Call(limits), &store.data().memory);
                let blobs = read.map_err(explained)?;
                Arguments::convert(function, call.arguments, limits, blobs)?
            }
            ready => ready,
        };
        match arguments.call(callee, store, function, limits).await {
            Ok(result) => result,
            Err(error) => Err(explain(&error, Phase::Call(limits), &store.data().memory)),
        }
    }

    /// How many slots a call takes: each part that is linked through the host has an instance of its own.
    fn slots(&self) -> u32 {
        u32::try_from(self.providers.len().saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// Makes an instance, and one of each part that is linked, to see whether that works at all. Blocks.
    pub(crate) fn try_start(&self, shared: &Shared) -> Result<(), Error> {
        try_instantiate(&self.pre, shared)?;
        for provider in &self.providers {
            try_instantiate(&provider.pre, shared)
                .map_err(|error| of_part(&provider.name, error))?;
        }
        Ok(())
    }
}
