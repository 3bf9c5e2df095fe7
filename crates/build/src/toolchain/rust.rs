//! Cargo with a target for WebAssembly: that of rustup, or Debian's with a standard library that is built here once.

use super::apt;
use crate::work::{find, output, run};
use crate::{Error, Missing};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Needs nothing of WASI: a component imports what its world names, and nothing else.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, its sources, and a linker.
const PACKAGES: &str = "rustc-web cargo-web rust-web-src lld-22";

/// Names of the linker, the newest first.
const LINKERS: &[&str] = &[
    "wasm-ld",
    "wasm-ld-24",
    "wasm-ld-23",
    "wasm-ld-22",
    "wasm-ld-21",
    "wasm-ld-20",
    "wasm-ld-19",
];

/// A cargo that can build for a target.
pub(crate) enum Rust {
    /// The target is installed.
    Installed,
    /// The compiler has the sources of its standard library; where it was built to.
    WithSysroot { linker: PathBuf, sysroot: PathBuf },
}

impl Rust {
    /// Finds one for the target, or says what to install. `progress` is told what takes long.
    pub(crate) fn find(target: &str, progress: &dyn Fn(&str)) -> Result<Self, Error> {
        let has_cargo = find(&["cargo"]).is_some();
        let libraries =
            output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]));
        let is_installed = libraries.is_some_and(|folder| has_standard_library(Path::new(&folder)));
        if has_cargo && is_installed {
            return Ok(Self::Installed);
        }
        if target == TARGET
            && let Some(debian) = Debian::find()
        {
            let sysroot = debian.sysroot(progress)?;
            let linker = debian.linker;
            return Ok(Self::WithSysroot { linker, sysroot });
        }
        let mut install = Vec::new();
        if find(&["rustup"]).is_some() {
            install.push(format!("rustup target add {target}"));
        } else {
            install.push(format!(
                "https://rustup.rs, then rustup target add {target}"
            ));
        }
        if target == TARGET {
            install.extend(apt(PACKAGES));
        }
        Err(Error::Missing(Missing {
            what: format!("a Rust compiler for {target}"),
            found: vec![if has_cargo {
                "the one that is installed has no standard library for it".to_owned()
            } else {
                "there is no cargo".to_owned()
            }],
            install,
        }))
    }

    /// The command that builds, without its arguments.
    pub(crate) fn cargo(&self) -> Command {
        match self {
            Self::Installed => Command::new("cargo"),
            Self::WithSysroot { linker, sysroot } => {
                let mut command = debian("cargo");
                command
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .env(
                        "CARGO_ENCODED_RUSTFLAGS",
                        format!("--sysroot\u{1f}{}", sysroot.display()),
                    );
                command
            }
        }
    }
}

/// A program of Debian's compiler, whichever other toolchain is in use here.
fn debian(program: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [PathBuf::from("/usr/bin")]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut command = Command::new(Path::new("/usr/bin").join(program));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    for name in [
        "CARGO",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(name);
    }
    command
}

fn has_standard_library(folder: &Path) -> bool {
    let is_std =
        |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_std))
}

/// Debian's compiler with the sources of its standard library.
struct Debian {
    version: String,
    linker: PathBuf,
}

impl Debian {
    fn find() -> Option<Self> {
        let version = output(debian("rustc").arg("--version"))?;
        // "rustc 1.96.0 (…)"
        let number = version.split(' ').nth(1)?.to_owned();
        let sources = format!("/usr/src/rustc-{number}/library/std");
        let is_whole = Path::new("/usr/bin/cargo").is_file() && Path::new(&sources).is_dir();
        let linker = find(LINKERS)?;
        is_whole.then_some(Self {
            version: number,
            linker,
        })
    }

    /// The folder with the standard library for [`TARGET`], built before or now.
    fn sysroot(&self, progress: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        let cache = cache().ok_or_else(|| Error::File {
            file: "~/.cache/weir".into(),
            error: std::io::Error::other("neither XDG_CACHE_HOME nor HOME says where it is"),
        })?;
        let name = format!("rust-{}-{TARGET}", self.version);
        let sysroot = cache.join(&name);
        let libraries = Path::new("lib/rustlib").join(TARGET).join("lib");
        if has_standard_library(&sysroot.join(&libraries)) {
            return Ok(sysroot);
        }
        progress(
            "building the standard library of Rust for WebAssembly, once; it takes about a minute",
        );
        let unwritable = |file: &Path| {
            let file = file.to_owned();
            move |error| Error::File { file, error }
        };
        // Under a name of its own until it is whole, so that nobody finds a part.
        let seed = cache.join(format!("{name}.{}", std::process::id()));
        let fresh = seed.join("sysroot");
        let all = (|| {
            let libraries = fresh.join(&libraries);
            for folder in [&seed.join("src"), &libraries] {
                std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
            }
            for (name, text) in [("src/lib.rs", "#![no_std]\n"), ("Cargo.toml", SEED)] {
                let file = seed.join(name);
                std::fs::write(&file, text).map_err(unwritable(&file))?;
            }
            // Building the standard library is an unstable feature of cargo. The sources are those of this very
            // compiler, and nothing of the project is built so.
            run(
                debian("cargo")
                    .args(["build", "--quiet", "--release", "--target", TARGET])
                    .args(["-Z", "build-std=std,panic_abort", "--target-dir", "target"])
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes")
                    .current_dir(&seed),
                false,
            )?;
            let built = seed.join("target").join(TARGET).join("release/deps");
            for entry in std::fs::read_dir(&built)
                .map_err(unwritable(&built))?
                .flatten()
            {
                let name = entry.file_name();
                let text = name.to_string_lossy();
                if text.ends_with(".rlib") && !text.starts_with("libseed-") {
                    std::fs::copy(entry.path(), libraries.join(&name))
                        .map_err(unwritable(&libraries))?;
                }
            }
            match std::fs::rename(&fresh, &sysroot) {
                // Somebody else was faster.
                Err(_)
                    if has_standard_library(
                        &sysroot.join("lib/rustlib").join(TARGET).join("lib"),
                    ) =>
                {
                    Ok(())
                }
                renamed => renamed.map_err(unwritable(&sysroot)),
            }
        })();
        // What is left of it would only take room.
        let _ = std::fs::remove_dir_all(&seed);
        all.map(|()| sysroot)
    }
}

/// A crate with nothing in it, whose standard library is wanted.
const SEED: &str = "\
[package]
name = \"seed\"
version = \"0.0.0\"
edition = \"2021\"

[profile.release]
opt-level = \"s\"
panic = \"abort\"

[workspace]
";

/// Where things are kept that can be made again.
fn cache() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    folder.map(|folder| folder.join("weir"))
}
