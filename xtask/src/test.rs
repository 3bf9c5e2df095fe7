//! `cargo xtask test`: everything that must pass, the cheap things first.
//!
//! All steps use the release profile, so that wasmtime and libp2p are compiled once. The tests come last, so that
//! the output ends with their summary.

use crate::step::{Failed, cargo, run};
use crate::wasm;

type Step = fn() -> Result<(), Failed>;

const STEPS: &[(&str, Step)] = &[
    ("format", format),
    ("lints", lints),
    ("docs", docs),
    ("wasm32", wasm::check),
    ("guests", wasm::rebuild_guests),
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
    for (name, step) in STEPS {
        if names.is_empty() || names.contains(name) {
            step()?;
        }
    }
    Ok(())
}

fn format() -> Result<(), Failed> {
    run("format", cargo("fmt").args(["--all", "--check"]))
}

fn lints() -> Result<(), Failed> {
    run(
        "lints",
        cargo("clippy")
            .args(["--release", "--locked", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    )
}

fn docs() -> Result<(), Failed> {
    run(
        "docs",
        cargo("doc")
            .args(["--release", "--locked", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

fn tests() -> Result<(), Failed> {
    run(
        "tests",
        cargo("test").args(["--release", "--locked", "--workspace"]),
    )
}
