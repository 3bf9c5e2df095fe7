//! A call from one part to another through the host.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, Instance, Val};
use wasmtime::{AsContextMut, Result, Store, StoreContextMut, Trap, format_err};

use super::Provider;
use crate::error::Error;
use crate::failure::{Phase, engine_failure, explain};
use crate::instance::instantiate;
use crate::limits::Limits;
use crate::sandbox::{CallState, charge};
use crate::store::fresh_store;

/// Fuel units for a call through the host.
pub(crate) const LINK_CALL_FUEL: u64 = 10_000;

/// Fuel units for each value that it carries, nested ones included.
pub(crate) const LINK_VALUE_FUEL: u64 = 500;

/// Fuel units for each byte of text that it carries.
pub(crate) const LINK_BYTE_FUEL: u64 = 1;

/// The parts that a call has called through the host. They stay until it ends, as those do that are composed.
#[derive(Default)]
pub(crate) struct Links {
    /// What the call may use, from when parts can be called.
    limits: Option<Limits>,
    /// By the numbers of their providers; nothing while they work.
    parts: BTreeMap<usize, Option<Box<Callee>>>,
}

impl Links {
    /// Lets parts be called. What only starts cannot call them, so that whether it starts depends on nothing else.
    pub(crate) fn open(&mut self, limits: &Limits) {
        self.limits = Some(limits.clone());
    }
}

/// A part in its store.
struct Callee {
    store: Store<CallState>,
    instance: Option<Instance>,
}

/// Calls a function of a part.
pub(super) async fn cross(
    mut store: StoreContextMut<'_, CallState>,
    provider: &Provider,
    function: ComponentExportIndex,
    arguments: &[Val],
    results: &mut [Val],
) -> Result<()> {
    charge(&mut store, price(arguments).saturating_add(LINK_CALL_FUEL)).await?;
    let left = store.get_fuel()?;
    let allowance = provider.limits.fuel.map_or(left, |cap| left.min(cap));
    let mut crossing = Crossing::begin(store.as_context_mut(), provider, allowance)?;
    let outcome = crossing.call(provider, function, (arguments, results));
    let outcome = outcome.await;
    let used = crossing.used();
    drop(crossing);
    match outcome {
        Ok(()) => charge(&mut store, used.saturating_add(price(results))).await,
        // Its allowance was all there was.
        Err(Error::Fuel { .. }) if allowance == left => {
            store.set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
        Err(cause) => {
            store.set_fuel(left.saturating_sub(used))?;
            let part = provider.name.clone();
            Err(LinkFailure { part, cause }.into())
        }
    }
}

/// A call under way. However it ends, also when nobody waits for it any more, the caller has back what is its own.
struct Crossing<'a> {
    caller: StoreContextMut<'a, CallState>,
    number: usize,
    callee: Option<Box<Callee>>,
    /// Those of the callee, with its allowance of fuel.
    limits: Limits,
}

impl<'a> Crossing<'a> {
    /// Hands over what the call has in common. The first time, it makes a store for the part.
    fn begin(
        mut caller: StoreContextMut<'a, CallState>,
        provider: &Provider,
        allowance: u64,
    ) -> Result<Self> {
        let state = caller.data_mut();
        let (name, number) = (&provider.name, provider.number);
        let Some(limits) = &state.links.limits else {
            return Err(format_err!("part `{name}` was called by what only starts"));
        };
        let bytes = provider.limits.memory_bytes.unwrap_or(u64::MAX);
        let limits = Limits {
            fuel: allowance,
            memory_bytes: limits.memory_bytes.min(bytes),
            ..limits.clone()
        };
        let mut callee = match state.links.parts.insert(number, None) {
            Some(None) => return Err(format_err!("part `{name}` was called while it works")),
            Some(Some(callee)) => callee,
            None => {
                let engine = provider.pre.engine();
                let mut store = fresh_store(engine, state.beside(name, &limits), &limits)?;
                // Only code with probes asks, and parts have none.
                store.set_epoch_deadline(u64::MAX >> 1);
                let instance = None;
                Box::new(Callee { store, instance })
            }
        };
        state.hand_over(callee.store.data_mut());
        Ok(Self {
            caller,
            number,
            callee: Some(callee),
            limits,
        })
    }

    async fn call(
        &mut self,
        provider: &Provider,
        function: ComponentExportIndex,
        (arguments, results): (&[Val], &mut [Val]),
    ) -> Result<(), Error> {
        let lacking = || Error::Engine {
            detail: format!(
                "part `{}` lacks what it had when it was linked",
                provider.name
            ),
        };
        let Callee { store, instance } = self.callee.as_deref_mut().ok_or_else(lacking)?;
        let instance = match *instance {
            Some(instance) => instance,
            None => *instance.insert(start(store, provider).await?),
        };
        let function = instance.get_func(&mut *store, function);
        let function = function.ok_or_else(lacking)?;
        let set = store.set_fuel(self.limits.fuel);
        set.map_err(|error| engine_failure(&error))?;
        let called = function.call_async(&mut *store, arguments, results).await;
        called.map_err(|error| explain(&error, Phase::Call(&self.limits), &store.data().memory))
    }

    /// The fuel that the part used.
    fn used(&self) -> u64 {
        let callee = self.callee.as_deref();
        let callee = callee.filter(|callee| callee.instance.is_some());
        let left = callee.and_then(|callee| callee.store.get_fuel().ok());
        left.map_or(0, |left| self.limits.fuel.saturating_sub(left))
    }
}

impl Drop for Crossing<'_> {
    fn drop(&mut self) {
        if let Some(mut callee) = self.callee.take() {
            let state = self.caller.data_mut();
            callee.store.data_mut().hand_over(state);
            state.links.parts.insert(self.number, Some(callee));
        }
    }
}

/// Makes an instance of a part.
async fn start(store: &mut Store<CallState>, provider: &Provider) -> Result<Instance, Error> {
    let limits = store.data_mut().links.limits.take();
    let made = instantiate(&provider.pre, store).await;
    store.data_mut().links.limits = limits;
    made
}

/// The fuel for carrying values.
fn price(values: &[Val]) -> u64 {
    let mut sum = 0;
    for value in values {
        add_price(value, &mut sum);
    }
    sum
}

fn add_price(value: &Val, sum: &mut u64) {
    let mut add = |fuel: u64| *sum = sum.saturating_add(fuel);
    add(LINK_VALUE_FUEL);
    match value {
        Val::String(text) => add((text.len() as u64).saturating_mul(LINK_BYTE_FUEL)),
        Val::Flags(names) => add((names.len() as u64).saturating_mul(LINK_VALUE_FUEL)),
        Val::List(values) | Val::Tuple(values) => {
            for value in values {
                add_price(value, sum);
            }
        }
        Val::Record(fields) => {
            for (_, value) in fields {
                add_price(value, sum);
            }
        }
        Val::Map(pairs) => {
            for (key, value) in pairs {
                add_price(key, sum);
                add_price(value, sum);
            }
        }
        Val::Variant(_, Some(value))
        | Val::Option(Some(value))
        | Val::Result(Ok(Some(value)) | Err(Some(value))) => add_price(value, sum),
        _ => {}
    }
}

/// Why a part could not do what another asked of it.
#[derive(Debug, thiserror::Error)]
#[error("in part `{part}`: {cause}")]
pub(crate) struct LinkFailure {
    part: Arc<str>,
    cause: Error,
}

impl LinkFailure {
    /// What that means for the call.
    pub(crate) fn explain(&self) -> Error {
        let part = &self.part;
        match &self.cause {
            Error::Trap { reason, frames } => Error::Trap {
                reason: format!("in part `{part}`: {reason}"),
                frames: frames.clone(),
            },
            Error::Fuel { limit } => Error::Trap {
                reason: format!("part `{part}` used up its {limit} units of fuel"),
                frames: Vec::new(),
            },
            other => other.clone(),
        }
    }
}
