//! `cargo xtask grammar`: the Tree-sitter grammar of Aqua, as editors need it.

use crate::step::{Failed, Outcome, cargo, run};
use crate::tools;
use std::process::{Command, Stdio};

/// What generates the parser and tests it. It is apart from the workspace, and so is what it builds.
pub(crate) const MANIFEST: &str = "--manifest-path=editors/tree-sitter-aqua/tool/Cargo.toml";
const OPTIONS: &[&str] = &[
    "--release",
    "--locked",
    "--target-dir=target/grammar",
    MANIFEST,
];

/// Writes the parser in C and builds the library.
pub(crate) fn generate() -> Result<(), Failed> {
    ensure_node().map_err(|missing| Failed(missing.to_string()))?;
    run("grammar", cargo("run").args(OPTIONS))
}

/// Tests the grammar on all that the repository has in Aqua.
pub(crate) fn test() -> Result<Outcome, Failed> {
    if let Err(missing) = ensure_node() {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    run("grammar", cargo("test").args(OPTIONS))?;
    Ok(Outcome::Passed)
}

/// Any `node` will do, wherever it is from.
pub(crate) fn ensure_node() -> Result<(), tools::Missing> {
    let mut node = Command::new("node");
    let node = node.arg("--version").stdout(Stdio::null()).status();
    if node.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    tools::ensure(tools::NODE)
}
