//! Tests about the repository itself: its floors, its dependencies, the size of its rooms, the links of its documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate may depend on those of lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("weir-identity", 0),
    ("weir-fuzzing", 0),
    ("weir-disk", 0),
    ("weir-build", 0),
    ("weir-guest", 0),
    ("weir-air", 1),
    ("weir-receipt", 1),
    ("weir-package", 1),
    ("weir-aqua", 2),
    ("weir-avm", 2),
    ("weir-marine", 2),
    ("weir-devchain", 2),
    ("weir-chain", 2),
    ("weir-peer", 3),
    ("weir-aqua-lsp", 3),
    ("weir-grammar", 3),
    ("weir-node", 4),
    ("weir-sim", 4),
    ("weir-agent", 5),
    ("weir", 6),
];

/// No file of source is longer.
const LINES_MAX: usize = 700;

/// The manifests of the workspace, and of what is beside it: the tool for editors, the SDK of guests. By package name.
fn manifests() -> BTreeMap<String, String> {
    let crates = crate::root().join("crates");
    let mut paths = vec![
        crate::root().join("xtask/Cargo.toml"),
        crate::root().join("editors/tree-sitter-aqua/tool/Cargo.toml"),
        crate::root().join("guest/rust/Cargo.toml"),
    ];
    paths.extend(folder(&crates).map(|path| path.join("Cargo.toml")));
    paths
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .filter_map(|text| {
            let name = text.lines().find_map(|line| line.strip_prefix("name = "))?;
            Some((name.trim_matches('"').to_owned(), text))
        })
        .collect()
}

/// Names in the dependency sections of a manifest.
fn dependencies(manifest: &str, with_dev: bool) -> BTreeSet<&str> {
    let mut wanted = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            wanted = section.ends_with("dependencies")
                && (with_dev || !section.ends_with("dev-dependencies"));
        } else if wanted
            && let Some((name, _)) = line.split_once([' ', '.', '='])
            && !name.is_empty()
            && !name.starts_with('#')
        {
            names.insert(name);
        }
    }
    names
}

fn folder(path: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// Files below a folder with this extension, without what was built or downloaded.
fn files(path: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for path in folder(path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

#[test]
fn lower_floors_never_import_higher_ones() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    for (name, manifest) in manifests() {
        let Some(floor) = floors.get(name.as_str()) else {
            assert_eq!(name, "xtask", "{name} has no floor");
            continue;
        };
        for dependency in dependencies(&manifest, false) {
            if let Some(below) = floors.get(dependency) {
                assert!(below < floor, "{name} imports {dependency}");
            }
        }
    }
}

/// The rows of `docs/dependencies.md`: who uses which crate. `tests` are those of any crate.
fn explained() -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(crate::root().join("docs/dependencies.md"))
        .expect("the table is part of the repository");
    let mut rows = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("| ")) {
        let mut cells = line.split(" | ");
        let mut cell = || cells.next().unwrap_or_default().split(',').map(str::trim);
        let (names, users) = (cell(), cell().collect::<Vec<_>>());
        for name in names.filter(|name| *name != "crate") {
            rows.extend(
                users
                    .iter()
                    .map(|user| ((*user).to_owned(), name.to_owned())),
            );
        }
    }
    rows
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let explained = explained();
    let mut used = BTreeSet::new();
    for (package, manifest) in &manifests() {
        let user = match package.as_str() {
            "weir" => "cli",
            name => name.strip_prefix("weir-").unwrap_or(name),
        };
        let runs = dependencies(manifest, false);
        for dependency in dependencies(manifest, true) {
            if dependency.starts_with("weir") {
                continue;
            }
            let row = |user: &str| (user.to_owned(), dependency.to_owned());
            let mut rows = vec![row(user)];
            if !runs.contains(dependency) {
                rows.push(row("tests"));
            }
            rows.retain(|row| explained.contains(row));
            assert!(
                !rows.is_empty(),
                "docs/dependencies.md does not say what {dependency} is for in {package}"
            );
            used.extend(rows);
        }
    }
    let unused: Vec<_> = explained.difference(&used).collect();
    assert!(
        unused.is_empty(),
        "docs/dependencies.md explains what nothing uses: {unused:?}"
    );
}

/// The corpora that the tests of all crates feed to `weir_fuzzing`, as `CRATE_CORPUS`.
fn fuzzed() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for room in folder(&crate::root().join("crates")) {
        let name = room.file_name().unwrap_or_default().to_string_lossy();
        if name == "fuzzing" {
            continue;
        }
        let mut sources = Vec::new();
        files(&room.join("tests"), "rs", &mut sources);
        for source in sources {
            let text = std::fs::read_to_string(&source).unwrap_or_default();
            for call in text.split("weir_fuzzing::run(").skip(1) {
                let corpus = call.trim_start().strip_prefix("corpus(\"");
                let corpus = corpus.and_then(|rest| rest.split('"').next());
                let corpus =
                    corpus.unwrap_or_else(|| panic!("{} names no corpus(\"…\")", source.display()));
                found.insert(format!("{name}_{corpus}"));
            }
        }
    }
    found
}

#[test]
fn every_corpus_has_a_target_for_cargo_fuzz_and_every_target_a_corpus() {
    let fuzz = crate::root().join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("fuzz is there");
    let binaries: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .map(|binary| {
            let field = |name: &str| {
                let rest = binary.split(&format!("\n{name} = \"")).nth(1)?;
                rest.split('"').next()
            };
            let name = field("name").expect("a binary has a name");
            let path = format!("targets/{name}.rs");
            assert_eq!(field("path"), Some(path.as_str()), "the path of {name}");
            name.to_owned()
        })
        .collect();
    let targets: BTreeSet<String> = folder(&fuzz.join("targets"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(targets, binaries, "files in fuzz/targets, binaries");
    assert_eq!(fuzzed(), binaries, "corpora in the tests, binaries");
}

#[test]
fn files_fit_into_a_room() {
    let mut sources = Vec::new();
    files(&crate::root(), "rs", &mut sources);
    for source in sources {
        let lines = std::fs::read_to_string(&source).map_or(0, |text| text.lines().count());
        assert!(lines <= LINES_MAX, "{} has {lines} lines", source.display());
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = Vec::new();
    files(&crate::root(), "md", &mut documents);
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap_or_default();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = document.parent().unwrap_or(Path::new("")).join(target);
            assert!(place.exists(), "{} points to {target}", document.display());
        }
    }
}

/// What `cargo tree` says of packages and their features.
fn features(arguments: &[&str]) -> BTreeSet<String> {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p} {f}"])
        .args(arguments)
        .current_dir(crate::root())
        .output()
        .expect("cargo runs this test");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let text = String::from_utf8_lossy(&tree.stdout);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_tests_use_the_wasmtime_and_the_libp2p_that_weir_up_has_built() {
    const HEAVY: &[&str] = &["wasm", "cranelift", "libp2p", "tokio", "semver"];
    let tests = features(&["--workspace", "--edges", "normal,dev"]);
    let mut up = features(&["--package", "weir", "--edges", "normal"]);
    up.retain(|line| HEAVY.iter().any(|name| line.starts_with(name)));
    let apart: Vec<_> = up.difference(&tests).collect();
    assert!(apart.is_empty(), "other features in the tests: {apart:#?}");
}
