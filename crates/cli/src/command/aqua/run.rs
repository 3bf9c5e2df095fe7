//! `weir aqua run`: a function on the network, started from here.

use super::{evaluation, faults, sources};
use crate::args::{Global, Sources};
use crate::code::Code;
use crate::entrance;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::session::Session;
use std::path::Path;
use std::time::Duration;
use weir_aqua::Compilation;
use weir_aqua::invocation::Invocation;

/// What the user asked for.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a Path,
    pub(super) function: &'a str,
    pub(super) data: Option<&'a str>,
    pub(super) plan: bool,
    pub(super) ttl: Duration,
}

/// Compiles the program, runs the function and shows what it answers.
pub(super) fn run(
    wanted: &Wanted<'_>,
    sources: &Sources,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let compilation = sources::compiled(vec![wanted.file.to_path_buf()], sources, output)?;
    if let Some(failure) = faults::refused(&compilation) {
        return Err(failure);
    }
    let invocation = invocation(&compilation, wanted)?;
    if wanted.plan {
        let name = &compilation.world.func(invocation.func).name;
        let program = evaluation::program(&compilation, &invocation, output)?;
        return Ok(evaluation::planned(name, &program));
    }
    let (project, network) = entrance::here()?;
    let session = Session::open(&project, &network, output)?;
    let place = evaluation::Place {
        project: &project,
        network: &network,
        session: &session,
        ttl: wanted.ttl,
    };
    let (report, _) = evaluation::evaluate(&place, &compilation, &invocation, global, output)?;
    Ok(report)
}

fn invocation(compilation: &Compilation, wanted: &Wanted<'_>) -> Result<Invocation, Failure> {
    let data = match wanted.data {
        None => serde_json::Map::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::new(Code::InputMalformed, "--data is not a JSON object").cause(error)
        })?,
    };
    Invocation::read(compilation, wanted.function, &data).map_err(|problem| {
        let failure = Failure::new(Code::AquaCall, problem.message);
        match problem.help {
            Some(help) => failure.fix(help),
            None => failure,
        }
    })
}
