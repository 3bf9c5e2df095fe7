//! Running a program as one named step.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A step that did not pass.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How a step ended that did not fail.
pub(crate) enum Outcome {
    Passed,
    /// It was not run, for this reason.
    Skipped(String),
}

/// Runs the program in the folder of the workspace and says how long it took.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<(), Failed> {
    eprintln!("==> {name}");
    let start = Instant::now();
    let status = command
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .status()
        .map_err(|error| {
            Failed(format!(
                "{name}: cannot run {}: {error}",
                command.get_program().display()
            ))
        })?;
    if !status.success() {
        return Err(Failed(format!("{name} failed: {status}")));
    }
    eprintln!("==> {name}: {} s", start.elapsed().as_secs());
    Ok(())
}

/// The cargo that runs this program, with the release profile that everything shares.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}
