//! `weir wasm`: components, without a network.

mod call;
mod inspect;
mod repl;

use crate::args::Wasm;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::schema;
use std::path::Path;
use weir_marine::{Error, Marine, MarineConfig, Module};

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Wasm, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Wasm::Inspect { file, wit } => (schema::WASM_INSPECT, inspect::run(file, *wit, output)),
        Wasm::Call {
            file,
            call,
            allowance,
        } => (schema::WASM_CALL, call::run(file, call, allowance, output)),
        Wasm::Repl { file, allowance } => (schema::WASM_CALL, repl::run(file, allowance, output)),
    }
}

/// The runtime of peers, with room for one call.
fn marine() -> Result<Marine, Failure> {
    Marine::new(MarineConfig {
        slots: 1,
        ..MarineConfig::default()
    })
    .map_err(|error| Failure::internal("the runtime cannot be set up", error))
}

/// A component as peers load it.
fn load(file: &Path, output: &Output) -> Result<Module, Failure> {
    let bytes = input::bytes(file)?;
    let progress = output.progress("compiling the component");
    let module = marine()?
        .load(&bytes)
        .map_err(|error| refused(file, &error));
    drop(progress);
    module
}

/// Why a component cannot be loaded.
fn refused(file: &Path, error: &Error) -> Failure {
    let what = format!("{} cannot be loaded", input::name(file));
    if !error.code().starts_with("deploy/") {
        return Failure::internal(what, error);
    }
    let failure = Failure::new(Code::ComponentRefused, what).cause(error);
    match error {
        Error::ForbiddenImport { .. } => failure.fix(format!(
            "build it without these; weir wasm inspect {} shows all imports",
            input::name(file)
        )),
        _ => failure,
    }
}
