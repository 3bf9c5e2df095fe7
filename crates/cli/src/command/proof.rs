//! `weir proof`: what a receipt proves, and whether it is so.

mod export;
mod replay;

use crate::args::{Global, Proof};
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::schema;
use weir_marine::Execution;

/// How the files end that hold evidence.
const EVIDENCE: &str = "evidence";

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Proof,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Proof::Export { id, out } => (
            schema::PROOF_EXPORT,
            export::run(id.as_deref(), out.as_deref(), global, output),
        ),
        Proof::Replay {
            files,
            component,
            interpret,
        } => {
            let execution = match interpret {
                true => Execution::Interpreted,
                false => Execution::Compiled,
            };
            let files = replay::Files {
                evidence: files,
                component: component.as_deref(),
            };
            (
                schema::PROOF_REPLAY,
                replay::run(&files, execution, global.timeout, output),
            )
        }
    }
}
