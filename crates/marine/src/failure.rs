//! What the engine reports, in our terms.

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::error::Error;
use crate::limits::Limits;
use crate::profile::Profile;
use crate::sandbox::{GrowFailed, MemoryMeter};

/// When something failed.
#[derive(Clone, Copy)]
pub(crate) enum Phase<'a> {
    /// While the instance was made.
    Start,
    /// While the function ran.
    Call(&'a Limits),
}

/// Finds the cause of a failure.
pub(crate) fn explain(error: &wasmtime::Error, phase: Phase<'_>, memory: &MemoryMeter) -> Error {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Error::Exit { code: exit.0 };
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return exhausted("instances", error);
    }
    if error.downcast_ref::<GrowFailed>().is_some() {
        return exhausted("memory", error);
    }
    match (error.downcast_ref::<Trap>(), phase) {
        (Some(Trap::StackOverflow), _) => Error::StackOverflow,
        (Some(Trap::OutOfFuel), Phase::Start) => Error::StartFuel {
            limit: Profile::START_FUEL,
        },
        (Some(Trap::OutOfFuel), Phase::Call(limits)) => Error::Fuel { limit: limits.fuel },
        (trap, phase) => {
            // A guest that is refused memory usually stops in its own way, most often by `unreachable`.
            if let Some(limit) = memory.refused() {
                return Error::Memory { limit };
            }
            match (trap, phase) {
                (Some(trap), _) => Error::Trap {
                    reason: plain(&trap.to_string()),
                    frames: frames(error),
                },
                (None, Phase::Call(limits)) if host_bytes_used_up(error) => Error::ResultSize {
                    limit: limits.result_bytes,
                },
                (None, _) => Error::Trap {
                    reason: plain(&error.root_cause().to_string()),
                    frames: frames(error),
                },
            }
        }
    }
}

fn exhausted(what: &'static str, error: &wasmtime::Error) -> Error {
    Error::Exhausted {
        what,
        detail: error.root_cause().to_string(),
    }
}

/// The engine does not export the type of this error.
fn host_bytes_used_up(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls has been exhausted")
}

fn plain(reason: &str) -> String {
    reason
        .strip_prefix("wasm trap: ")
        .unwrap_or(reason)
        .to_owned()
}

fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|symbol| format!("{:#}", rustc_demangle::demangle(symbol)))
        .collect()
}
