//! The price of host functions that always do about the same: that of being called.

use wasmtime::Result;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Linker, Lower, Resource};
use wasmtime_wasi::p2::bindings::cli::{
    environment, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi_io::bindings::wasi::io::error::HostError as _;
use wasmtime_wasi_io::bindings::wasi::io::streams::{HostInputStream, HostOutputStream};
use wasmtime_wasi_io::streams::Error as StreamFailure;

use super::CallState;
use super::metered::charge;

type State<'a> = &'a mut CallState;

/// Puts the functions with a price in the place of those without.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    linker.allow_shadowing(true);
    add_clocks(linker)?;
    add_random(linker)?;
    add_cli(linker)?;
    add_io(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Links one such function.
fn constant<P, R>(
    linker: &mut Linker<CallState>,
    (interface, name): (&str, &str),
    work: fn(State<'_>, P) -> Result<R>,
) -> Result<()>
where
    P: ComponentNamedList + Lift + Send + Sync + 'static,
    R: ComponentType + Lower + Send + Sync + 'static,
{
    let mut linker = linker.instance(interface)?;
    linker.func_wrap_async(name, move |mut store, arguments: P| {
        Box::new(async move {
            charge(&mut store, 0).await?;
            Ok((work(store.data_mut(), arguments)?,))
        })
    })
}

fn add_clocks(linker: &mut Linker<CallState>) -> Result<()> {
    let name = "wasi:clocks/wall-clock@0.2.12";
    constant(linker, (name, "now"), |mut state: State<'_>, ()| {
        wall_clock::Host::now(&mut state)
    })?;
    constant(linker, (name, "resolution"), |mut state: State<'_>, ()| {
        wall_clock::Host::resolution(&mut state)
    })?;
    let name = "wasi:clocks/monotonic-clock@0.2.12";
    constant(linker, (name, "now"), |mut state: State<'_>, ()| {
        monotonic_clock::Host::now(&mut state)
    })?;
    constant(linker, (name, "resolution"), |mut state: State<'_>, ()| {
        monotonic_clock::Host::resolution(&mut state)
    })?;
    constant(
        linker,
        (name, "subscribe-instant"),
        |mut state: State<'_>, (when,): (u64,)| {
            monotonic_clock::Host::subscribe_instant(&mut state, when)
        },
    )?;
    constant(
        linker,
        (name, "subscribe-duration"),
        |mut state: State<'_>, (duration,): (u64,)| {
            monotonic_clock::Host::subscribe_duration(&mut state, duration)
        },
    )
}

fn add_random(linker: &mut Linker<CallState>) -> Result<()> {
    let name = ("wasi:random/random@0.2.12", "get-random-u64");
    constant(linker, name, |state: State<'_>, ()| {
        random::Host::get_random_u64(&mut &mut state.random)
    })?;
    let name = ("wasi:random/insecure@0.2.12", "get-insecure-random-u64");
    constant(linker, name, |state: State<'_>, ()| {
        insecure::Host::get_insecure_random_u64(&mut &mut state.random)
    })?;
    let name = ("wasi:random/insecure-seed@0.2.12", "insecure-seed");
    constant(linker, name, |state: State<'_>, ()| {
        insecure_seed::Host::insecure_seed(&mut &mut state.random)
    })
}

fn add_cli(linker: &mut Linker<CallState>) -> Result<()> {
    let name = "wasi:cli/environment@0.2.12";
    constant(
        linker,
        (name, "get-environment"),
        |mut state: State<'_>, ()| environment::Host::get_environment(&mut state),
    )?;
    constant(
        linker,
        (name, "get-arguments"),
        |mut state: State<'_>, ()| environment::Host::get_arguments(&mut state),
    )?;
    constant(linker, (name, "initial-cwd"), |mut state: State<'_>, ()| {
        environment::Host::initial_cwd(&mut state)
    })?;
    let name = ("wasi:cli/stdin@0.2.12", "get-stdin");
    constant(linker, name, |mut state: State<'_>, ()| {
        stdin::Host::get_stdin(&mut state)
    })?;
    let name = ("wasi:cli/stdout@0.2.12", "get-stdout");
    constant(linker, name, |mut state: State<'_>, ()| {
        stdout::Host::get_stdout(&mut state)
    })?;
    let name = ("wasi:cli/stderr@0.2.12", "get-stderr");
    constant(linker, name, |mut state: State<'_>, ()| {
        stderr::Host::get_stderr(&mut state)
    })?;
    let name = ("wasi:cli/terminal-stdin@0.2.12", "get-terminal-stdin");
    constant(linker, name, |mut state: State<'_>, ()| {
        terminal_stdin::Host::get_terminal_stdin(&mut state)
    })?;
    let name = ("wasi:cli/terminal-stdout@0.2.12", "get-terminal-stdout");
    constant(linker, name, |mut state: State<'_>, ()| {
        terminal_stdout::Host::get_terminal_stdout(&mut state)
    })?;
    let name = ("wasi:cli/terminal-stderr@0.2.12", "get-terminal-stderr");
    constant(linker, name, |mut state: State<'_>, ()| {
        terminal_stderr::Host::get_terminal_stderr(&mut state)
    })
}

fn add_io(linker: &mut Linker<CallState>) -> Result<()> {
    type Input = Resource<DynInputStream>;
    type Output = Resource<DynOutputStream>;

    let name = ("wasi:io/error@0.2.12", "[method]error.to-debug-string");
    constant(
        linker,
        name,
        |state: State<'_>, (error,): (Resource<StreamFailure>,)| state.table.to_debug_string(error),
    )?;
    let name = ("wasi:io/streams@0.2.12", "[method]input-stream.subscribe");
    constant(linker, name, |state: State<'_>, (stream,): (Input,)| {
        HostInputStream::subscribe(&mut state.table, stream)
    })?;
    let name = ("wasi:io/streams@0.2.12", "[method]output-stream.subscribe");
    constant(linker, name, |state: State<'_>, (stream,): (Output,)| {
        HostOutputStream::subscribe(&mut state.table, stream)
    })
}
