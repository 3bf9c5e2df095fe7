//! Tasks of this repository: `cargo xtask test`, `cargo xtask bench`.

mod bench;
mod componentize;
mod contracts;
mod grammar;
#[cfg(test)]
mod house;
mod step;
mod test;
mod tools;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

  test [STEP…]
           all that must pass, or only: format lints docs wasm32 guests grammar
           contracts tests;
           wasm32 and guests need the Debian packages rustc-web cargo-web
           rust-web-src lld-22 clang-22 wasi-libc libclang-rt-22-dev-wasm32
           libc++-22-dev-wasm32 libc++abi-22-dev-wasm32: root installs them
           here, else the two steps are skipped, or fail where the variable CI is
           set; so are grammar without node and contracts without node and npm,
           which are in the Debian packages nodejs and npm
  bench    run all benches and print the table for docs/benchmarks.md
  grammar  write the parser of Aqua that Helix, Neovim and Zed need
  contracts
           compile the contracts; write contracts/artifacts, and what operations
           cost to contracts/gas.json
  componentize IN.wasm OUT.wasm
           turn a core module built with wit-bindgen into a component
  component DIR OUT.wasm
           build a project as `weir build` does
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test", ref steps @ ..] => test::run_steps(steps),
        ["bench"] => bench::run_all(),
        ["grammar"] => grammar::generate(),
        ["contracts"] => contracts::write_artifacts(),
        ["component", project, output] => componentize::build(project.as_ref(), output.as_ref()),
        ["componentize", input, output] => componentize::run(input.as_ref(), output.as_ref()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in a folder of the workspace")
        .to_owned()
}
