//! One file per command.

mod air;
mod explain;
mod sim;
mod trace;
mod version;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;
use crate::schema;

/// Runs the command and gives the exit code.
pub(crate) fn run(cli: Cli, output: &Output) -> u8 {
    let (schema, outcome) = match cli.command {
        Command::Explain(args) => (schema::EXPLAIN, explain::run(&args, output)),
        Command::Version(args) => (schema::VERSION, Ok(version::run(&args, output))),
        Command::Air(args) => air::run(&args, output),
        Command::Sim(args) => (schema::SIM_RUN, sim::run(&args, output)),
        Command::Trace(args) => trace::run(&args, output),
        _ => (
            schema::USAGE,
            Err(Failure::internal(
                "this build has no such command",
                "it is under construction",
            )),
        ),
    };
    output.finish(schema, outcome)
}
