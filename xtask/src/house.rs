//! Tests about the repository itself: its floors, its dependencies, the size of its rooms, the links of its documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate may depend on those of lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("weir-identity", 0),
    ("weir-fuzzing", 0),
    ("weir-air", 1),
    ("weir-avm", 2),
    ("weir-marine", 2),
    ("weir-peer", 3),
    ("weir-node", 4),
    ("weir-sim", 4),
    ("weir", 5),
];

/// No file of source is longer.
const LINES_MAX: usize = 700;

/// The manifests of the workspace by package name.
fn manifests() -> BTreeMap<String, String> {
    let crates = crate::root().join("crates");
    let mut paths = vec![crate::root().join("xtask/Cargo.toml")];
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

#[test]
fn every_direct_dependency_has_a_reason() {
    let text = std::fs::read_to_string(crate::root().join("docs/dependencies.md"))
        .expect("the table is part of the repository");
    let explained: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    let mut used = BTreeSet::new();
    for (name, manifest) in &manifests() {
        for dependency in dependencies(manifest, true) {
            if !dependency.starts_with("weir") {
                assert!(
                    explained.contains(dependency),
                    "{dependency} of {name} is not in docs/dependencies.md"
                );
                used.insert(dependency.to_owned());
            }
        }
    }
    for name in explained {
        let heading = name == "crate" || name.starts_with('-');
        assert!(
            heading || used.contains(name),
            "docs/dependencies.md explains {name}, which nothing uses"
        );
    }
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
