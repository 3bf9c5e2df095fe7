//! What the engine reports, in our terms.

use wasmtime::component::ResourceTableError;
use wasmtime::error::OutOfMemory;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use weir_receipt::state::NodesError;

use crate::error::Error;
use crate::files::FileError;
use crate::limits::Limits;
use crate::linked::LinkFailure;
use crate::profile::Profile;
use crate::sandbox::{EffectFailure, GrowFailed, HANDLES_MAX, MemoryMeter, StateFailure};
use crate::spelling::brief;

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
    if let Some(failure) = error.downcast_ref::<LinkFailure>() {
        return failure.explain();
    }
    if let Some(StateFailure(error)) = error.downcast_ref() {
        return unreadable(error);
    }
    if let Some(failure) = error.downcast_ref::<EffectFailure>() {
        return without_effect(failure);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Error::Exit { code: exit.0 };
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return exhausted("instances", error);
    }
    if error.downcast_ref::<GrowFailed>().is_some() {
        return exhausted("memory", error);
    }
    if error.downcast_ref::<std::io::Error>().is_some()
        || error.downcast_ref::<OutOfMemory>().is_some()
    {
        return exhausted("memory", error);
    }
    if handles_used_up(error) {
        return Error::Handles { limit: HANDLES_MAX };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Error::StackOverflow,
        Some(Trap::OutOfFuel) => match phase {
            Phase::Start => Error::StartFuel {
                limit: Profile::START_FUEL,
            },
            Phase::Call(limits) => Error::Fuel { limit: limits.fuel },
        },
        Some(trap) => match memory.refused() {
            Some(limit) if follows_refusal(*trap) => Error::Memory { limit },
            _ => trapped(&trap.to_string(), error),
        },
        None => without_trap(error, phase, memory),
    }
}

/// A state that could not be read.
pub(crate) fn unreadable(error: &NodesError) -> Error {
    let detail = error.to_string();
    match error {
        NodesError::Insufficient(_) => Error::Witness { detail },
        _ => Error::Storage { detail },
    }
}

/// Files that could not be closed.
pub(crate) fn without_files(error: &FileError) -> Error {
    match error {
        FileError::Nodes(error) => unreadable(error),
        FileError::Halfway(_) | FileError::Refused(_) => Error::Trap {
            reason: error.to_string(),
            frames: Vec::new(),
        },
    }
}

/// An effect that ends the call.
pub(crate) fn without_effect(failure: &EffectFailure) -> Error {
    let detail = failure.to_string();
    match failure {
        EffectFailure::Differs(_) | EffectFailure::Answer { .. } => Error::Replay { detail },
        EffectFailure::Limit(_) => Error::Effects { detail },
    }
}

/// A guest that is refused memory usually stops in its own way: it gives up, or it uses what it did not get.
fn follows_refusal(trap: Trap) -> bool {
    matches!(trap, Trap::UnreachableCodeReached | Trap::MemoryOutOfBounds)
}

/// What stops a guest other than its own instructions: a host function, a
/// result that breaks the rules, or an instance that cannot be made.
fn without_trap(error: &wasmtime::Error, phase: Phase<'_>, memory: &MemoryMeter) -> Error {
    let in_guest = error.downcast_ref::<WasmBacktrace>().is_some();
    match (phase, memory.refused()) {
        (Phase::Start, Some(limit)) => Error::Memory { limit },
        (Phase::Start, None) if !in_guest => engine_failure(error),
        // Inside the guest it is a host function that was passed too much.
        (Phase::Call(limits), _) if !in_guest && host_bytes_used_up(error) => Error::ResultSize {
            limit: limits.result_bytes,
        },
        _ => trapped(&error.root_cause().to_string(), error),
    }
}

fn trapped(reason: &str, error: &wasmtime::Error) -> Error {
    Error::Trap {
        reason: reason
            .strip_prefix("wasm trap: ")
            .unwrap_or(reason)
            .to_owned(),
        frames: frames(error),
    }
}

/// A failure of the engine itself.
pub(crate) fn engine_failure(error: &wasmtime::Error) -> Error {
    Error::Engine {
        detail: format!("{error:#}"),
    }
}

fn exhausted(what: &'static str, error: &wasmtime::Error) -> Error {
    Error::Exhausted {
        what,
        detail: error.root_cause().to_string(),
    }
}

/// The guest's own table or the host's is full. The engine does not export the type of the first error.
fn handles_used_up(error: &wasmtime::Error) -> bool {
    matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    ) || error
        .root_cause()
        .to_string()
        .contains("store handle limit exceeded")
}

/// The engine does not export the type of this error.
fn host_bytes_used_up(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls has been exhausted")
}

fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|symbol| brief(&format_args!("{:#}", rustc_demangle::demangle(symbol))))
        .collect()
}
