//! `cargo xtask test`: everything that must pass, the cheap things first.
//!
//! All steps use the release profile, so that wasmtime and libp2p are compiled once. The tests come last, so that
//! the output ends with their summary.

use std::process::Command;

use crate::step::{Failed, Outcome, cargo, run};
use crate::{contracts, grammar, wasm};

type Step = fn() -> Result<Outcome, Failed>;

const STEPS: &[(&str, Step)] = &[
    ("format", format),
    ("lints", lints),
    ("docs", docs),
    ("wasm32", wasm::check),
    ("guests", wasm::rebuild_guests),
    ("grammar", grammar::test),
    ("contracts", contracts::test),
    ("tests", tests),
];

/// Runs the named steps, or all without a name, in their order.
pub(crate) fn run_steps(names: &[&str]) -> Result<(), Failed> {
    let known = |name: &str| STEPS.iter().any(|(step, _)| *step == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let steps: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        let steps = steps.join(", ");
        return Err(Failed(format!("no step {unknown}; there are {steps}")));
    }
    let mut skipped = Vec::new();
    for (name, step) in STEPS {
        if (names.is_empty() || names.contains(name))
            && let Outcome::Skipped(reason) = step()?
        {
            eprintln!("==> SKIPPED {name}: {reason}");
            skipped.push(format!("SKIPPED {name}: {reason}"));
        }
    }
    if skipped.is_empty() {
        return Ok(());
    }
    // Nobody reads what scrolled by, and nobody at all reads it in CI.
    let skipped = skipped.join("\n");
    if is_ci() {
        return Err(Failed(format!("CI must not skip a step\n{skipped}")));
    }
    eprintln!("==> all else passed\n{skipped}");
    Ok(())
}

/// Whether this runs where nobody watches, as services for CI tell by the variable `CI`.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn format() -> Result<Outcome, Failed> {
    run("format", cargo("fmt").args(["--all", "--check"]))?;
    run("format", cargo("fmt").args(["--check", grammar::MANIFEST]))?;
    Ok(Outcome::Passed)
}

fn lints() -> Result<Outcome, Failed> {
    run(
        "lints",
        cargo("clippy")
            .args(["--release", "--locked", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    )?;
    Ok(Outcome::Passed)
}

fn docs() -> Result<Outcome, Failed> {
    run(
        "docs",
        cargo("doc")
            .args(["--release", "--locked", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    Ok(Outcome::Passed)
}

/// The command that builds and runs all tests of the workspace.
pub(crate) fn workspace_tests() -> Command {
    let mut tests = cargo("test");
    tests.args(["--release", "--locked", "--workspace"]);
    tests
}

/// A development chain of others, which tests compare with.
const ANVIL: &str = "contracts/node_modules/@foundry-rs/anvil";

fn tests() -> Result<Outcome, Failed> {
    let mut tests = workspace_tests();
    if crate::root().join(ANVIL).exists() {
        // What the step before has installed is not to be left out.
        tests.env("WEIR_ANVIL_REQUIRED", "1");
    }
    run("tests", &mut tests)?;
    Ok(Outcome::Passed)
}
