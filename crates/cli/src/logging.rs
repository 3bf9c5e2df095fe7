//! The log of the peers inside, on standard error.

use crate::output::Output;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Which commands say by themselves what their peers are in trouble with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Warnings; `-v` tells more.
    Operator,
    /// Nothing below `-vv`: what concerns a call stands in its result.
    Client,
}

/// Begins to log, as `-v` and `RUST_LOG` want it.
pub(crate) fn start(output: &Output, voice: Voice) {
    let level = match (voice, output.verbosity()) {
        (Voice::Operator, 0) if output.is_quiet() => "error",
        (Voice::Operator, 0) => "warn",
        (Voice::Operator, 1) => "info",
        (Voice::Client, 0 | 1) => "off",
        (_, 2) => "debug",
        _ => "trace",
    };
    let ours = ["weir", "weir_node", "weir_peer", "weir_marine", "weir_avm"];
    let default = ours.map(|name| format!("{name}={level}")).join(",");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A process has one log; where there is one already, it stays.
    let _ = log.try_init();
}
