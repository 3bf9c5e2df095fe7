//! The files of new projects, as they stand in `templates/` and `guest/`.

use crate::args::Language;

/// What the service of each template is called.
pub(super) const SERVICE: &str = "greeter";

/// Its component, built before.
pub(super) const COMPONENT: &str = "greeter.wasm";

/// A file of a project.
#[derive(Clone, Copy)]
pub(super) struct File {
    /// Relative to the folder of the project.
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

macro_rules! files {
    ($name:ident = $from:literal to $to:literal: $($path:literal)*) => {
        const $name: &[File] = &[$(File {
            path: concat!($to, $path),
            bytes: include_bytes!(concat!("../../../", $from, $path)),
        }),*];
    };
}

files! { RUST = "templates/rust/" to "":
    "Cargo.lock" "Cargo.toml" "README.md" "greeter.wasm" "src/lib.rs" "weir.toml" "wit/world.wit"
}

files! { CPP = "templates/cpp/" to "":
    "Makefile" "README.md" "greeter.wasm" "src/greeter.cpp" "weir.toml" "wit/world.wit"
}

files! { C = "templates/c/" to "":
    "Makefile" "README.md" "greeter.wasm" "src/greeter.c" "weir.toml" "wit/world.wit"
}

files! { HOST = "../../guest/wit/" to "wit/deps/weir-host/": "host.wit" }

files! { SDK_RUST = "../../guest/rust/" to "sdk/weir-guest/":
    "Cargo.toml" "wit/host.wit"
    "src/blobs.rs" "src/context.rs" "src/entropy.rs" "src/fault.rs" "src/http.rs" "src/lib.rs" "src/log.rs"
    "src/programs.rs" "src/signing.rs" "src/state.rs" "src/state/key.rs" "src/state/map.rs" "src/state/value.rs"
    "src/testing.rs" "src/testing/host.rs" "src/testing/script.rs"
}

files! { SDK_CPP = "../../guest/cpp/" to "sdk/":
    "include/weir/blobs.hpp" "include/weir/context.hpp" "include/weir/http.hpp" "include/weir/log.hpp"
    "include/weir/result.hpp" "include/weir/state.hpp" "include/weir/text.hpp"
}

/// Everything that a new project in this language has.
pub(super) fn files(language: Language) -> Vec<File> {
    // Under their own name they would hide files of this repository.
    let ignored: &[u8] = match language {
        Language::Rust => include_bytes!("../../../templates/rust/gitignore"),
        Language::Cpp => include_bytes!("../../../templates/cpp/gitignore"),
        Language::C => include_bytes!("../../../templates/c/gitignore"),
    };
    let ignored = File {
        path: ".gitignore",
        bytes: ignored,
    };
    let (own, sdk): (_, &[File]) = match language {
        Language::Rust => (RUST, SDK_RUST),
        Language::Cpp => (CPP, SDK_CPP),
        Language::C => (C, &[]),
    };
    [&[ignored], own, HOST, sdk].concat()
}

#[cfg(test)]
mod tests {
    use super::{C, CPP, File, RUST, SDK_CPP, SDK_RUST};
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Files below a folder, without what is built.
    fn below(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("it is part of the repository") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !["target", "tests", "bindings", "build"].contains(&&*name) {
                    below(&path, root, found);
                }
            } else if !["gitignore", ".gitignore"].contains(&&*name) {
                let path = path.strip_prefix(root).expect("it is below");
                found.insert(path.display().to_string());
            }
        }
    }

    #[track_caller]
    fn complete(folder: &str, files: &[File], prefix: &str, left_out: &[&str]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut found = BTreeSet::new();
        below(&root, &root, &mut found);
        found.retain(|path| !left_out.contains(&&**path));
        let listed = files
            .iter()
            .map(|file| file.path.trim_start_matches(prefix).to_owned());
        assert_eq!(listed.collect::<BTreeSet<_>>(), found, "{folder}");
    }

    #[test]
    fn nothing_of_a_template_is_forgotten() {
        complete("templates/rust", RUST, "", &[]);
        complete("templates/cpp", CPP, "", &[]);
        complete("templates/c", C, "", &[]);
        complete(
            "../../guest/rust",
            SDK_RUST,
            "sdk/weir-guest/",
            &["Cargo.lock"],
        );
        complete("../../guest/cpp", SDK_CPP, "sdk/", &["README.md"]);
    }
}
