//! `weir air`: scripts, on the network and without it.

mod check;
mod fmt;

use crate::args::Air;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::schema;

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Air, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Air::Check { files } => (schema::AIR_CHECK, check::run(files, output)),
        Air::Fmt { files, check } => (schema::AIR_FMT, fmt::run(files, *check, output)),
        Air::Run { .. } => (schema::AIR_RUN, Err(Failure::internal("", ""))),
    }
}
