//! `cargo xtask test`: everything that must pass, the cheap things first.
//!
//! All steps use the release profile, so that wasmtime and libp2p are compiled once. The tests come last, so that
//! the output ends with their summary.

use crate::step::{Failed, cargo, run};
use crate::wasm;

pub(crate) fn run_all() -> Result<(), Failed> {
    run("format", cargo("fmt").args(["--all", "--check"]))?;
    run(
        "lints",
        cargo("clippy")
            .args(["--release", "--locked", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    )?;
    run(
        "docs",
        cargo("doc")
            .args(["--release", "--locked", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    wasm::check()?;
    wasm::rebuild_guests()?;
    run(
        "tests",
        cargo("test").args(["--release", "--locked", "--workspace"]),
    )
}
