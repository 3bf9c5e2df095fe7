//! `weir air`: scripts, on the network and without it.

pub(crate) mod check;
mod fmt;
mod run;

use crate::args::{Air, Global};
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::schema;

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Air,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Air::Check { files } => (schema::AIR_CHECK, check::run(files, output)),
        Air::Fmt { files, check } => (schema::AIR_FMT, fmt::run(files, *check, output)),
        Air::Run { file, data, ttl } => (
            schema::AIR_RUN,
            run::run(file, data.as_deref(), *ttl, global, output),
        ),
    }
}
