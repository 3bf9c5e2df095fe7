//! `weir wasm`: components, without a network.

mod call;
mod component;
mod described;
mod inspect;
mod link;
mod profile;
mod repl;
pub(crate) mod sources;
mod surroundings;

pub(crate) use component::Component;

use crate::args::Wasm;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::patience::Patience;
use crate::schema;
use std::path::Path;
use std::time::Duration;
use weir_marine::{Error, Marine, MarineConfig, Module};

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Wasm,
    timeout: Option<Duration>,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    let patience = Patience::new(timeout);
    match args {
        Wasm::Inspect { file, wit } => (
            schema::WASM_INSPECT,
            inspect::run(file, *wit, patience, output),
        ),
        Wasm::Link { files, out } => (
            schema::WASM_LINK,
            link::run(files, out.as_deref(), patience, output),
        ),
        Wasm::Call {
            file,
            call,
            allowance,
        } => (
            schema::WASM_CALL,
            call::run(file, call, allowance, patience, output),
        ),
        Wasm::Profile {
            file,
            call,
            folded,
            allowance,
        } => (
            schema::WASM_PROFILE,
            profile::run(file, call, folded.as_deref(), allowance, patience, output),
        ),
        Wasm::Repl { file, allowance } => (
            schema::WASM_CALL,
            repl::run(file, allowance, timeout, output),
        ),
    }
}

/// The runtime of peers. One call at a time is made, with a slot for each part that is linked through the host.
pub(super) fn marine() -> Result<Marine, Failure> {
    Marine::new(MarineConfig::default())
        .map_err(|error| Failure::internal("the runtime cannot be set up", error))
}

/// A component as peers load it.
fn load(file: &Path, patience: Patience, output: &Output) -> Result<Module, Failure> {
    let bytes = input::bytes(file)?;
    compile(&marine()?, &bytes, patience, output)?.map_err(|error| refused(file, &error))
}

/// The same; that peers would not take it is a result.
pub(super) fn compile(
    marine: &Marine,
    bytes: &[u8],
    patience: Patience,
    output: &Output,
) -> Result<Result<Module, Error>, Failure> {
    let progress = output.progress("compiling the component");
    let (marine, bytes) = (marine.clone(), bytes.to_vec());
    let loaded = patience.wait_for("compiling the component", move || marine.load(&bytes));
    drop(progress);
    loaded
}

/// Why a component cannot be loaded.
pub(super) fn refused(file: &Path, error: &Error) -> Failure {
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
