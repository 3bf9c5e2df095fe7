//! Programs that cargo does not bring along, installed where that is possible.

use crate::step::{Failed, run};
use std::path::Path;
use std::process::Command;

/// Debian's compiler with the sources of its standard library, which can build wasm targets, a
/// linker, and a compiler for C.
pub(crate) const WASM: &[(&str, &str)] = &[
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    ("rust-web-src", "/usr/src/rustc"),
    ("lld-22", "/usr/bin/wasm-ld-22"),
    ("clang-22", "/usr/bin/clang-22"),
];

/// Makes sure that the packages are installed. `Ok(false)` means that this machine cannot have them: it is no
/// Debian, or this is not its administrator.
pub(crate) fn ensure(packages: &[(&str, &str)]) -> Result<bool, Failed> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|(_, path)| !present(path))
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(true);
    }
    if !can_install() {
        eprintln!(
            "==> skipped: needs the Debian packages {}",
            missing.join(" ")
        );
        return Ok(false);
    }
    eprintln!("==> installing with apt-get: {}", missing.join(" "));
    run("apt-get update", apt().args(["update", "--quiet=2"]))?;
    run(
        "apt-get install",
        apt()
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(&missing),
    )?;
    Ok(true)
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

fn can_install() -> bool {
    let administrator = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    administrator && Path::new("/usr/bin/apt-get").exists()
}
