//! A loaded component, ready to be called.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weir_identity::{Cid, Hash, Value, keccak256};
use weir_receipt::state::{Commit, Limits as StateLimits, StateError};
use weir_receipt::{Bounds, Transcript};

use crate::bridge::Arguments;
use crate::code::Code;
use crate::context::CallContext;
use crate::contract::{Contract, Function};
use crate::convert::Blobs;
use crate::error::Error;
use crate::failure::{engine_failure, unreadable, without_effect, without_files};
use crate::instance::within;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::residence::{ComponentSource, Pin, Seat};
use crate::runtime::Shared;
use crate::sandbox::{CallState, LogSink, Logs, Source};
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
    hold: Hold,
}

/// The parts of a module that do not hold on to the runtime.
pub(crate) struct ModuleParts {
    pub(crate) about: About,
    /// What makes instances, if it is in memory.
    pub(crate) seat: Arc<Seat>,
}

/// What is known of a component without its code.
pub(crate) struct About {
    pub(crate) cid: Cid,
    pub(crate) contract: Contract,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) has_effects: bool,
}

/// Why there is code for a call.
#[derive(Clone)]
enum Hold {
    /// It stays.
    Pinned(#[expect(dead_code, reason = "it is enough that it is there")] Pin),
    /// It is brought back from there.
    Kept(Arc<dyn ComponentSource>),
}

impl Module {
    /// Without a source, the code stays from when it is in memory.
    pub(crate) fn new(
        shared: Arc<Shared>,
        parts: Arc<ModuleParts>,
        source: Option<Arc<dyn ComponentSource>>,
    ) -> Self {
        let hold = match source {
            Some(source) => Hold::Kept(source),
            None => Hold::Pinned(parts.seat.pin()),
        };
        Self {
            shared,
            parts,
            hold,
        }
    }

    /// The code, brought back if it was put down.
    pub(crate) async fn code(&self) -> Result<Arc<Code>, Error> {
        let seat = &self.parts.seat;
        match (seat.code(), &self.hold) {
            (Some(code), _) => Ok(code),
            (None, Hold::Kept(source)) => self.shared.bring_back(&self.parts, source).await,
            (None, Hold::Pinned(_)) => Err(Error::Engine {
                detail: "code was put down that was to stay".to_owned(),
            }),
        }
    }

    /// The content id of the component's bytes.
    pub fn cid(&self) -> Cid {
        self.parts.about.cid
    }

    /// Whether its functions can have effects outside of the state, so that to
    /// execute a call once more may do something once more.
    pub fn has_effects(&self) -> bool {
        self.parts.about.has_effects
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
        self.parts.about.manifest.as_ref()
    }

    /// The functions that can be called.
    pub fn functions(&self) -> &[Function] {
        self.parts.about.contract.functions()
    }

    /// Names everything besides function, arguments, context and state that
    /// decides what a call gives: the component, the profile, and the bounds
    /// that hold alike on every machine. For receipts.
    pub fn set_hash(&self, bounds: &Bounds) -> Hash {
        keccak256(&[
            b"weir/modules/2",
            self.parts.about.cid.digest(),
            self.shared.profile_id.as_bytes(),
            &bounds.encode(),
        ])
    }

    /// Finds a function by name, as [`Call::function`] does.
    pub fn function(&self, name: &str) -> Result<&Function, Error> {
        self.parts.about.contract.find(name)
    }

    /// The same module, which calls every function the general way.
    #[cfg(test)]
    pub(crate) fn without_shapes(&self) -> Self {
        let seat = &self.parts.seat;
        let limits = crate::limits::ComponentLimits::default();
        let code = seat
            .code()
            .expect("modules of tests have no source, so their code stays");
        let contract = Contract::of(&self.shared.engine, code.pre.component(), &limits);
        let about = About {
            cid: self.cid(),
            contract: contract.expect("read before").without_shapes(),
            manifest: None,
            has_effects: self.has_effects(),
        };
        let parts = ModuleParts {
            about,
            seat: Arc::clone(seat),
        };
        Self::new(Arc::clone(&self.shared), Arc::new(parts), None)
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
        let result = self.call_within(&call, &log, &mut usage).await;
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

    async fn call_within(
        &self,
        call: &Call<'_>,
        log: &Arc<Mutex<LogSink>>,
        usage: &mut Usage,
    ) -> Result<Value, Error> {
        let function = self.prepare(call)?;
        let code = self.code().await?;
        // The semaphore is never closed, so an error cannot occur; without a permit the pool decides.
        let _slots = self.shared.slots.acquire_many(code.slots()).await.ok();
        let start = Instant::now();
        // Converted arguments can be many times larger than the values: as many are there as slots.
        let arguments = Arguments::convert(function, call.arguments, call.limits, Blobs::default());
        usage.took.convert = start.elapsed();
        self.execute((call, arguments?), (function, &code), log, usage)
            .await
    }

    /// Finds the function and compares the number of arguments.
    pub(crate) fn prepare(&self, call: &Call<'_>) -> Result<&Function, Error> {
        let function = self.parts.about.contract.find(call.function)?;
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
        (call, arguments): (&Call<'_>, Arguments),
        (function, code): (&Function, &Code),
        log: &Arc<Mutex<LogSink>>,
        usage: &mut Usage,
    ) -> Result<Value, Error> {
        let seed = call.context.seed(
            self.shared.profile,
            &self.parts.about.cid,
            &function.full_name(),
        );
        let around = (call.context, call.world, function.mode());
        let state = CallState::new(around, seed, call.limits, Arc::clone(log));
        let mut store = fresh_store(&self.shared.engine, state, call.limits)?;
        let begin = Instant::now();
        let mut started = None;
        let work = code.run(&mut store, function, (call, arguments), &mut started);
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
            .field("cid", &self.parts.about.cid)
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
