//! Programs that cargo does not bring along, installed where that is possible.

use crate::step::run;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// Debian's compiler with the sources of its standard library, which can build wasm targets, a
/// linker, and a compiler for C and C++ with its libraries.
pub(crate) const WASM: &[(&str, &str)] = &[
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    ("rust-web-src", "/usr/src/rustc"),
    ("lld-22", "/usr/bin/wasm-ld-22"),
    ("clang-22", "/usr/bin/clang-22"),
    ("wasi-libc", "/usr/lib/wasm32-wasi/libc.a"),
    (
        "libclang-rt-22-dev-wasm32",
        "/usr/lib/llvm-22/lib/clang/22/lib/wasi",
    ),
    ("libc++-22-dev-wasm32", "/usr/lib/wasm32-wasi/libc++.a"),
    (
        "libc++abi-22-dev-wasm32",
        "/usr/lib/wasm32-wasi/libc++abi.a",
    ),
];

/// Runs the description of the grammar for editors, which is in JavaScript.
pub(crate) const NODE: &[(&str, &str)] = &[("nodejs", "/usr/bin/node")];

/// Fetches the compiler of the contracts and the libraries that they use.
pub(crate) const NPM: &[(&str, &str)] = &[("npm", "/usr/bin/npm")];

/// Why this machine cannot have packages.
pub(crate) struct Missing {
    packages: String,
    reason: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packages, reason } = self;
        write!(formatter, "needs the Debian packages {packages}; {reason}")
    }
}

/// Makes sure that the packages are installed.
pub(crate) fn ensure(packages: &[(&str, &str)]) -> Result<(), Missing> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|(_, path)| !present(path))
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing).map_err(|reason| Missing {
        packages: missing.join(" "),
        reason,
    })
}

/// Installs packages, or says why that is not possible.
fn install(packages: &[&str]) -> Result<(), String> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err("this system has no apt-get to install them".to_owned());
    }
    if !is_administrator() {
        return Err(format!(
            "only root can install them: apt-get install {}",
            packages.join(" ")
        ));
    }
    eprintln!("==> installing with apt-get: {}", packages.join(" "));
    // Old lists may do; the packages are what counts.
    let update = run("apt-get update", apt().args(["update", "--quiet=2"]));
    let install = run(
        "apt-get install",
        apt()
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(packages),
    );
    match (update, install) {
        (_, Ok(())) => Ok(()),
        (Ok(()), Err(error)) => Err(error.to_string()),
        (Err(update), Err(error)) => Err(format!("{update}, {error}")),
    }
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether a path exists; a path that stands for a versioned folder matches by its beginning.
fn present(path: &str) -> bool {
    let path = Path::new(path);
    if path.exists() {
        return true;
    }
    let (Some(folder), Some(start)) = (path.parent(), path.file_name()) else {
        return false;
    };
    let start = format!("{}-", start.to_string_lossy());
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(&start))
    })
}

fn is_administrator() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
