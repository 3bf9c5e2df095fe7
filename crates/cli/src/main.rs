//! The command line `weir`.
//!
//! A thin shell: it reads arguments and files, asks the crates below, and shows what they say. Every result goes
//! through [`output`], every error has a [`code`].
#![allow(
    clippy::format_push_string,
    reason = "texts for people are short; an allocation costs less than a line that is hard to read"
)]

mod args;
mod code;
mod command;
mod consent;
mod entrance;
mod exit;
mod failure;
mod input;
mod logging;
mod market;
mod output;
mod panic;
mod particles;
mod patience;
mod permissions;
mod policy;
mod project;
mod remedy;
mod replicas;
mod rewrite;
mod schema;
mod seat;
mod session;
mod state_file;
mod usage;

use args::Cli;
use clap::Parser;
use output::Output;
use std::process::ExitCode;

/// Keeps large buffers that are freed: the system's gives them back at once, and taking them anew costs a page fault
/// for each 4 KiB, which was more than half of what a call with 1 MiB of bytes takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage::report(&error)),
    };
    let output = Output::new(
        cli.global.format(),
        cli.global.color,
        cli.global.quiet,
        cli.global.verbose,
    );
    ExitCode::from(panic::guarded(&output, || command::run(cli, &output)))
}
