//! What needs a wasm target: the crates that browsers share, and the guests.

use crate::step::{Failed, Outcome, cargo, run};
use crate::test::workspace_tests;
use crate::tools;
use std::path::PathBuf;
use std::process::Command;

/// These build for browsers as well.
const SHARED_CRATES: &[&str] = &[
    "weir-identity",
    "weir-air",
    "weir-receipt",
    "weir-aqua",
    "weir-avm",
];

/// Checks the shared crates for wasm32.
pub(crate) fn check() -> Result<Outcome, Failed> {
    if let Err(missing) = tools::ensure(tools::WASM) {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    let mut command = Command::new("/usr/bin/cargo");
    command
        .args(["check", "--release", "--locked"])
        .args(["-Z", "build-std=std,panic_abort"])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(["--target-dir", "target/wasm32-check"])
        .env("RUSTC_BOOTSTRAP", "1")
        // libsecp256k1 is C, which gcc does not compile for wasm.
        .env("CC_wasm32_unknown_unknown", "clang-22")
        // It uses this function, which the headers that it brings along for wasm do not declare.
        .env(
            "CFLAGS_wasm32_unknown_unknown",
            "-Dmemmove=__builtin_memmove",
        )
        .env("AR_wasm32_unknown_unknown", "ar")
        .env("PATH", "/usr/bin:/bin");
    forget_toolchain(&mut command);
    for name in SHARED_CRATES {
        command.args(["--package", name]);
    }
    run("wasm32 check", &mut command)?;
    Ok(Outcome::Passed)
}

/// Tests the SDK of guests in Rust, and rebuilds the committed components from source. The tests then run both and
/// compare what they answer.
pub(crate) fn rebuild_guests() -> Result<Outcome, Failed> {
    if let Err(missing) = tools::ensure(tools::WASM) {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    let mut tests = cargo("test");
    tests.args(["--locked", "--quiet", "--all-features"]);
    tests.args([
        "--manifest-path",
        "guest/rust/Cargo.toml",
        "--target-dir",
        "target/guest/host",
    ]);
    run("SDK of guests", &mut tests)?;
    // Built as the tests need it: for `weir` alone half of what it depends on would be built with other features, and
    // then once more.
    run("build", workspace_tests().arg("--no-run"))?;
    let mut command = Command::new("guest/build.sh");
    command.args(["--out", "target/guest"]);
    command.env("WEIR", beside_this("weir")?);
    forget_toolchain(&mut command);
    run("guests", &mut command)?;
    Ok(Outcome::Passed)
}

/// A program that was built into the same folder as this one.
fn beside_this(name: &str) -> Result<PathBuf, Failed> {
    let this = std::env::current_exe();
    let this = this.map_err(|error| Failed(format!("cannot find {name}: {error}")))?;
    Ok(this.with_file_name(name))
}

/// The toolchain that runs this program must not leak into another one.
fn forget_toolchain(command: &mut Command) {
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC", "RUSTFLAGS"] {
        command.env_remove(name);
    }
}
