//! The store of an instance, with what bounds it.

use wasmtime::{Engine, Store};

use crate::error::Error;
use crate::failure::engine_failure;
use crate::limits::Limits;
use crate::profile::Profile;
use crate::sandbox::{CallState, HANDLES_MAX};

/// Host bytes that the engine needs for a value, per byte that counts as its size.
pub(crate) const HOST_BYTES_PER_BYTE: u64 = 64;

/// What host functions can be passed however small a result may be.
pub(crate) const HOST_BYTES_MIN: u64 = 1 << 20;

/// A new store.
pub(crate) fn fresh_store(
    engine: &Engine,
    state: CallState,
    limits: &Limits,
) -> Result<Store<CallState>, Error> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    let host_bytes = limits
        .result_bytes
        .saturating_mul(HOST_BYTES_PER_BYTE)
        .max(HOST_BYTES_MIN);
    store.set_hostcall_fuel(usize::try_from(host_bytes).unwrap_or(usize::MAX));
    store.set_max_component_handles(HANDLES_MAX);
    store
        .fuel_async_yield_interval(Some(Profile::YIELD_FUEL))
        .map_err(|error| engine_failure(&error))?;
    Ok(store)
}
