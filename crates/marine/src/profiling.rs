//! Where the fuel of a call goes, function by function, to the unit.
//!
//! A profile is made of a copy of the component with [`probes`], which say when functions begin and end and whose own
//! cost is known. So nothing is sampled: the same call has the same profile on every machine, and the parts add up to
//! what the call costs without probes. Two things are not seen. Code of the engine between components, and between the
//! caller and the guest, counts for who runs around it; and calls through tables to what is not of the guest have no
//! line of their own.

mod probes;
mod recorder;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use wasmtime::component::Component;
use wasmtime::{Engine, UpdateDeadline};
use weir_identity::Value;

use crate::admission::read_sections;
use crate::bridge::Arguments;
use crate::convert::Blobs;
use crate::error::Error;
use crate::failure::{Phase, engine_failure, explain};
use crate::linked::LinkedPart;
use crate::module::{Call, Module};
use crate::profile::Profile;
use crate::runtime::{Marine, MarineConfig};
use crate::sandbox::{CallState, LogSink};
use crate::store::fresh_store;

pub(crate) use probes::PROBE_BYTES_MAX;
pub(crate) use recorder::Recorder;

use recorder::{FUEL, Node};

/// More than any probe costs.
const PROBE_FUEL_MAX: u64 = 20_000_000;

/// After so many probes the call lets other tasks of its executor run.
const PROBES_PER_TURN: u32 = 10_000;

/// A loaded component with probes.
pub struct Profiler {
    module: Module,
    places: Arc<[Place]>,
}

/// Something that can be called: a function of a core module, or an import of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The core module that the function is in, or that calls the import: its name, or its number in the component.
    pub module: String,
    /// The function's name as its author wrote it, else that of an export, else its number; of an import where it comes
    /// from and its name, as in `weir:host/state@0.1.0#get`.
    pub name: String,
    /// Whether it is an import.
    pub is_import: bool,
    /// Whether the component has a name for it. Builds for release often drop the names of functions.
    pub is_named: bool,
}

/// What a function cost in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCost {
    /// Which function.
    pub place: Place,
    /// How often it was called.
    pub calls: u64,
    /// Fuel of its own code; of an import, of what has no probes behind it.
    pub self_fuel: u64,
    /// The same with what it called. A function that calls itself counts once.
    pub inclusive_fuel: u64,
}

/// Where the fuel of a call went.
pub struct Profiled {
    /// What came out, the same as without probes.
    pub result: Result<Value, Error>,
    /// What the call used, without the probes.
    pub fuel: u64,
    /// Fuel that went to no function: the engine's part in passing arguments and results.
    pub engine_fuel: u64,
    tree: Vec<Node>,
    places: Arc<[Place]>,
}

impl Profiler {
    /// Puts probes into a component and compiles it. Blocks, like [`Marine::load`].
    pub fn new(marine: &Marine, component: &[u8]) -> Result<Self, Error> {
        marine.check(component)?;
        let profile = marine.profile();
        let broken = |detail: String| Error::Engine { detail };
        let probed = probes::probe(component).map_err(broken)?;
        let engine = profile
            .probing_config()
            .and_then(|config| Engine::new(&config))
            .map_err(|error| broken(format!("{error:#}")))?;
        let config = MarineConfig {
            profile,
            slots: 1,
            ..MarineConfig::default()
        };
        let marine = Marine::with_engine(engine.clone(), config)
            .map_err(|error| broken(error.to_string()))?;
        let compiled = Component::new(&engine, &probed.component)
            .map_err(|error| broken(format!("the component with probes: {error:#}")))?;
        // What a call draws at random follows from the component's id, so it keeps that.
        let cid = weir_identity::Cid::of_raw(component);
        let (manifest, linked) = read_sections(component)?;
        let compile = |part: &LinkedPart| {
            let component = Component::new(&engine, &part.component);
            component.map_err(|error| broken(format!("part `{}`: {error:#}", part.name)))
        };
        let providers: Vec<Component> =
            linked.parts.iter().map(compile).collect::<Result<_, _>>()?;
        let assembled = marine
            .shared
            .assemble(cid, &compiled, manifest, (&linked, &providers))?;
        let parts = marine.shared.seated(assembled);
        Ok(Self {
            module: Module::new(marine.shared, Arc::new(parts), None),
            places: probed.places.into(),
        })
    }

    /// Makes the call. Nothing of it is kept. Effects should come from a transcript, so that they happen once.
    pub async fn call(&self, call: Call<'_>) -> Result<Profiled, Error> {
        let shared = &self.module.shared;
        let code = self.module.code().await?;
        let function = self.module.prepare(&call)?;
        let arguments =
            Arguments::convert(function, call.arguments, call.limits, Blobs::default())?;
        let seed = call
            .context
            .seed(shared.profile, &self.module.cid(), &function.full_name());
        let log = Arc::new(Mutex::new(LogSink::new(call.limits.log_bytes)));
        let around = (call.context, call.world, function.mode());
        let mut state = CallState::new(around, seed, call.limits, log);
        let imports = self.places.iter().map(|place| place.is_import).collect();
        state.memory.recorder = Some(Recorder::new(shared.engine.clone(), imports));
        let mut store = fresh_store(&shared.engine, state, call.limits)?;
        let mut heard = 0_u32;
        store.epoch_deadline_callback(move |mut store| {
            let left = store.get_fuel()?;
            if let Some(recorder) = &mut store.data_mut().memory.recorder {
                recorder.hear(left)?;
            }
            heard = (heard + 1) % PROBES_PER_TURN;
            Ok(match heard {
                0 => UpdateDeadline::Yield(1),
                _ => UpdateDeadline::Continue(1),
            })
        });
        store.set_epoch_deadline(1);
        let failed = |error: wasmtime::Error| engine_failure(&error);
        store.set_fuel(FUEL).map_err(failed)?;
        store.data_mut().session.set_starting(true);
        let made = code.pre.instantiate_async(&mut store).await;
        store.data_mut().session.set_starting(false);
        let instance = match made {
            Ok(instance) => instance,
            Err(error) => return Err(explain(&error, Phase::Start, &store.data().memory)),
        };
        store.set_fuel(FUEL).map_err(failed)?;
        let recorder = &mut store.data_mut().memory.recorder;
        let rest = recorder.as_mut().map(|recorder| {
            recorder.begin(call.limits.fuel);
            recorder.rest()
        });
        let work = code.invoke(&mut store, instance, function, (&call, arguments));
        let rest = rest.unwrap_or_default();
        let limit = call.limits.fuel;
        let result = until_used_up(work, &rest).await;
        let result = result.unwrap_or(Err(Error::Fuel { limit }));
        let left = store.get_fuel().map_err(failed)?;
        let recorder = store.data_mut().memory.recorder.take();
        let (tree, fuel) = recorder.map_or_else(Default::default, |found| found.finish(left));
        Ok(Profiled {
            result,
            fuel,
            engine_fuel: tree.first().map_or(0, |root| root.fuel),
            tree,
            places: Arc::clone(&self.places),
        })
    }
}

impl Profiled {
    /// What each function cost that was called, the most expensive one first.
    pub fn functions(&self) -> Vec<FunctionCost> {
        let inclusive = self.inclusive();
        let mut costs: BTreeMap<u32, (u64, u64, u64)> = BTreeMap::new();
        for (index, node) in self.tree.iter().enumerate() {
            let Some(place) = node.place else { continue };
            let (calls, own, all) = costs.entry(place).or_default();
            *calls += node.calls;
            *own += node.fuel;
            if !self.callers(node).any(|caller| caller == place) {
                *all += inclusive.get(index).copied().unwrap_or_default();
            }
        }
        let known = |(index, (calls, self_fuel, inclusive_fuel)): (u32, (u64, u64, u64))| {
            Some(FunctionCost {
                place: self.places.get(index as usize)?.clone(),
                calls,
                self_fuel,
                inclusive_fuel,
            })
        };
        let mut functions: Vec<_> = costs.into_iter().filter_map(known).collect();
        functions.sort_by_key(|function| std::cmp::Reverse(function.self_fuel));
        functions
    }

    /// The calls as programs that draw flame graphs read them: a line for each chain of callers, outermost first, with
    /// the fuel that was used at its end. The chains begin with the name that is given.
    pub fn folded(&self, name: &str) -> String {
        let mut text = String::new();
        for node in &self.tree {
            if node.fuel == 0 {
                continue;
            }
            let mut chain: Vec<u32> = node.place.into_iter().chain(self.callers(node)).collect();
            chain.reverse();
            text.push_str(&frame(name));
            for place in chain {
                text.push(';');
                let place = self.places.get(place as usize);
                text.push_str(&place.map_or_else(String::new, |place| frame(&place.name)));
            }
            text.push(' ');
            text.push_str(&node.fuel.to_string());
            text.push('\n');
        }
        text
    }

    /// The fuel of each node with all below it. Callees stand behind their callers.
    fn inclusive(&self) -> Vec<u64> {
        let mut fuel: Vec<u64> = self.tree.iter().map(|node| node.fuel).collect();
        for (index, node) in self.tree.iter().enumerate().skip(1).rev() {
            let own = fuel.get(index).copied().unwrap_or_default();
            if let Some(caller) = fuel.get_mut(node.parent as usize) {
                *caller += own;
            }
        }
        fuel
    }

    /// Who called a node, from inside out.
    fn callers(&self, node: &Node) -> impl Iterator<Item = u32> {
        let above = |node: &&Node| {
            node.place?;
            self.tree.get(node.parent as usize)
        };
        let first = self.tree.get(node.parent as usize);
        std::iter::successors(first, above).filter_map(|node| node.place)
    }
}

impl std::fmt::Debug for Profiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiler")
            .field("module", &self.module)
            .field("places", &self.places.len())
            .finish()
    }
}

impl std::fmt::Debug for Profiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiled")
            .field("fuel", &self.fuel)
            .field("calls", &self.tree.len())
            .finish_non_exhaustive()
    }
}

/// The output of the work, or nothing if it runs for longer than the rest of its fuel allows without coming to a probe.
/// The store has more fuel than the guest may use, and probes are where that is seen; an endless loop has none. But it
/// returns to its executor after every [`Profile::YIELD_FUEL`].
async fn until_used_up<T>(work: impl Future<Output = T>, rest: &AtomicU64) -> Option<T> {
    let mut work = pin!(work);
    let (mut before, mut used) = (0, 0_u64);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            let rest = rest.load(Ordering::Relaxed);
            used = if rest == before {
                used.saturating_add(Profile::YIELD_FUEL)
            } else {
                0
            };
            before = rest;
            if used > rest.saturating_add(PROBE_FUEL_MAX) {
                return Poll::Ready(None);
            }
            Poll::Pending
        }
    })
    .await
}

/// A name without the characters that have a meaning in folded chains.
fn frame(name: &str) -> String {
    name.replace(';', ":").replace(char::is_control, " ")
}
