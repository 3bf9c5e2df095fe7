//! `cargo xtask contracts`: the contracts of the market, from their sources to the committed ABI and code.

use crate::grammar::ensure_node;
use crate::step::{Failed, Outcome, run};
use crate::tools::Missing;
use std::process::{Command, Stdio};

const FOLDER: &str = "contracts";
/// Where npm puts the compiler's driver.
const FORGE: &str = "node_modules/.bin/forge";

/// The tests that measure what operations cost.
const MEASURING: &str = "test/G*.t.sol";

/// Compiles the contracts and writes their ABI and code, from which the bindings in Rust are made, and what their
/// operations cost.
pub(crate) fn write_artifacts() -> Result<(), Failed> {
    ensure_npm().map_err(|missing| Failed(missing.to_string()))?;
    install_and_compile()?;
    run("contracts", in_folder("node").arg("tool/artifacts.js"))?;
    run(
        "contracts: gas",
        in_folder(FORGE).args(["test", "--match-path", MEASURING]),
    )?;
    run("contracts", in_folder("node").arg("tool/gas.js"))
}

/// Compares what the sources compile to and what operations cost with what is committed, and runs the contracts'
/// tests.
pub(crate) fn test() -> Result<Outcome, Failed> {
    if let Err(missing) = ensure_npm() {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    install_and_compile()?;
    let compare = ["tool/artifacts.js", "--check"];
    run("contracts: artifacts", in_folder("node").args(compare))?;
    run(
        "contracts: format",
        in_folder(FORGE).args(["fmt", "--check"]),
    )?;
    run("contracts: tests", in_folder(FORGE).arg("test"))?;
    let compare = ["tool/gas.js", "--check"];
    run("contracts: gas", in_folder("node").args(compare))?;
    Ok(Outcome::Passed)
}

/// The code depends on what is compiled together, so that this starts anew and leaves the tests out.
fn install_and_compile() -> Result<(), Failed> {
    let install = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    run("contracts: npm", in_folder("npm").args(install))?;
    run(
        "contracts: compile",
        in_folder(FORGE).args(["build", "--force", "--skip", "test", "--quiet"]),
    )
}

fn in_folder(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--chdir", FOLDER, program]);
    command
}

/// npm comes with every `node` but Debian's.
fn ensure_npm() -> Result<(), Missing> {
    ensure_node()?;
    let mut npm = Command::new("npm");
    let npm = npm.arg("--version").stdout(Stdio::null()).status();
    if npm.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    crate::tools::ensure(crate::tools::NPM)
}
