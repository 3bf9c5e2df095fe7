//! Compilers for C and C++ with a libc for WASI: clang, the wasi-sdk, or zig.

use super::apt;
use crate::work::{find, quietly};
use crate::{Error, Missing};
use std::path::PathBuf;
use std::process::Command;

/// Debian's compiler and libraries.
const PACKAGES: &str = "clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32 libc++-22-dev-wasm32 libc++abi-22-dev-wasm32";

/// Versions of clang that are looked for, the newest first; the one without a number comes before.
const VERSIONS: &[&str] = &["", "-24", "-23", "-22", "-21", "-20", "-19", "-18"];

/// New and old name of the same target.
const TARGETS: &[&str] = &["wasm32-wasip1", "wasm32-wasi"];

/// Compilers of one toolchain, as words of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compilers {
    pub(crate) c: Vec<String>,
    pub(crate) cxx: Vec<String>,
}

impl Compilers {
    /// Finds some that really make WebAssembly: each candidate has to compile and link an empty service.
    pub(crate) fn find(with_cxx: bool) -> Result<Self, Error> {
        let mut found = Vec::new();
        for candidate in candidates() {
            let program = candidate.c.join(" ");
            match candidate.try_out(with_cxx) {
                Ok(()) => return Ok(candidate),
                Err(problem) => found.push(format!("{program}: {problem}")),
            }
        }
        // The first candidates are those that somebody has set up.
        found.truncate(2);
        if found.is_empty() {
            found.push("there is neither clang nor zig".to_owned());
        }
        let mut install = vec![
            "https://github.com/WebAssembly/wasi-sdk/releases, then WASI_SDK_PATH=FOLDER"
                .to_owned(),
        ];
        install.extend(apt(PACKAGES));
        install.push("pip install ziglang".to_owned());
        let what = if with_cxx { "C++" } else { "C" };
        Err(Error::Missing(Missing {
            what: format!("a compiler of {what} for WebAssembly"),
            found,
            install,
        }))
    }

    fn try_out(&self, with_cxx: bool) -> Result<(), String> {
        let c = (
            "c",
            "#include <stdlib.h>\nvoid *room(size_t n) { return malloc(n); }\n",
        );
        let cxx = (
            "c++",
            "#include <string>\nstd::string text(int n) { return std::to_string(n); }\n",
        );
        let folder = std::env::temp_dir().join(format!("weir-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let source = folder.join("try");
        let mut tried = Ok(());
        for (language, text) in [Some(c), Some(cxx).filter(|_| with_cxx)]
            .into_iter()
            .flatten()
        {
            let words = if language == "c" { &self.c } else { &self.cxx };
            tried = tried.and_then(|()| {
                std::fs::write(&source, text).map_err(|error| error.to_string())?;
                let mut command = Command::new(&words[0]);
                command
                    .args(&words[1..])
                    .args(["-mexec-model=reactor", "-x", language]);
                command
                    .args([&source])
                    .arg("-o")
                    .arg(folder.join("try.wasm"));
                let done = quietly(&mut command).ok_or("it cannot be run")?;
                let told = String::from_utf8_lossy(&done.stderr);
                let first = told
                    .lines()
                    .find(|line| line.contains("error"))
                    .unwrap_or("it fails");
                if done.status.success() {
                    Ok(())
                } else {
                    Err(first.to_owned())
                }
            });
        }
        // What is left of it would only take room.
        let _ = std::fs::remove_dir_all(&folder);
        tried
    }
}

/// What may be there, the most deliberate first.
fn candidates() -> Vec<Compilers> {
    let mut candidates = Vec::new();
    let words = |program: &str, rest: &[&str]| -> Vec<String> {
        [program]
            .iter()
            .chain(rest)
            .map(|&word| word.to_owned())
            .collect()
    };
    let sdk = std::env::var_os("WASI_SDK_PATH").map(PathBuf::from);
    for sdk in [sdk, Some(PathBuf::from("/opt/wasi-sdk"))]
        .into_iter()
        .flatten()
    {
        let clang = sdk.join("bin/clang");
        if clang.is_file() {
            let clang = clang.to_string_lossy();
            candidates.push(Compilers {
                c: words(&clang, &["--target=wasm32-wasip1"]),
                cxx: words(&format!("{clang}++"), &["--target=wasm32-wasip1"]),
            });
        }
    }
    for version in VERSIONS {
        let clang = format!("clang{version}");
        if find(&[&clang]).is_none() {
            continue;
        }
        for target in TARGETS {
            let target = format!("--target={target}");
            // The old name is all that an old libc knows; that it is old need not be said at each file.
            let rest = [&*target, "-Wno-deprecated"];
            let rest = if target.ends_with("p1") {
                &rest[..1]
            } else {
                &rest
            };
            candidates.push(Compilers {
                c: words(&clang, rest),
                cxx: words(&format!("clang++{version}"), rest),
            });
        }
    }
    let zig = ["cc", "c++"].map(|part| words("zig", &[part, "-target", "wasm32-wasi"]));
    let of_python = ["cc", "c++"].map(|part| {
        words(
            "python3",
            &["-m", "ziglang", part, "-target", "wasm32-wasi"],
        )
    });
    let has_zig = find(&["zig"]).is_some();
    let has_ziglang = || {
        quietly(Command::new("python3").args(["-m", "ziglang", "version"]))
            .is_some_and(|done| done.status.success())
    };
    if has_zig || has_ziglang() {
        let [c, cxx] = if has_zig { zig } else { of_python };
        candidates.push(Compilers { c, cxx });
    }
    candidates
}
