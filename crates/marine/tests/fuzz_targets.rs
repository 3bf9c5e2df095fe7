//! Everything that reads bytes or values from outside, against its corpus and mutations of it: nothing may panic.

mod support;

use std::path::Path;

use weir_identity::Cid;
use weir_marine::{Manifest, embed_manifest};

#[path = "fuzz_targets/targets.rs"]
mod targets;

/// Mutations of each corpus.
const ITERATIONS: u32 = 10_000;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_bytes_as_a_component() {
    weir_fuzzing::run(corpus("component"), ITERATIONS, 1, targets::component);
}

#[test]
fn any_json_as_arguments() {
    weir_fuzzing::run(corpus("arguments"), ITERATIONS, 2, targets::arguments);
}

#[test]
fn any_bytes_as_a_manifest() {
    weir_fuzzing::run(corpus("manifest"), ITERATIONS, 3, targets::manifest);
}

#[test]
fn any_text_as_a_manifest() {
    weir_fuzzing::run(corpus("weir_toml"), ITERATIONS, 4, targets::weir_toml);
}

/// The corpus of manifests follows the reference, whose examples are the texts in it.
#[test]
fn the_corpus_of_manifests_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = std::fs::read_to_string(root.join("../../docs/manifest.md"))
        .expect("the reference is there");
    let texts = reference.split("```toml\n").skip(1);
    let mut seeds = Vec::new();
    for (index, text) in texts
        .filter_map(|rest| rest.split("```").next())
        .enumerate()
    {
        // Named by CIDs, the parts can be written in canonical form.
        let cid = Cid::of_raw(&[u8::try_from(index).expect("a few examples")]).to_string();
        let lines = text
            .lines()
            .map(|line| match line.split_once("component = ") {
                Some((before, _)) => format!("{before}component = \"{cid}\"\n"),
                None => format!("{line}\n"),
            });
        let named: String = lines.collect();
        let manifest = Manifest::from_toml(&named).expect("an example of the reference");
        let canonical = manifest.to_dag_cbor().expect("its parts are named by CIDs");
        let embedded = embed_manifest(b"\0asm\x0d\0\x01\0", &manifest).expect("it is short");
        let mut seed = |folder: &str, name: String, bytes: Vec<u8>| {
            seeds.push((format!("{}/{name}", corpus(folder)), bytes));
        };
        seed("weir_toml", format!("path-{index}"), text.into());
        seed("weir_toml", format!("cid-{index}"), named.into_bytes());
        seed("manifest", format!("canonical-{index}"), canonical);
        seed("manifest", format!("embedded-{index}"), embedded);
    }
    seeds.push((
        format!("{}/deep-key", corpus("weir_toml")),
        format!("{}a = 1\n", "a.".repeat(20_000)).into_bytes(),
    ));
    weir_fuzzing::check_corpus(seeds);
}
