//! Bytes of a corpus and mutations of them: nothing may panic, and what is accepted has one form. `cargo fuzz` runs
//! the same functions.

#[path = "fuzz_targets/targets.rs"]
mod targets;

use std::path::PathBuf;

const ITERATIONS: u32 = 10_000;

const PROJECT: &str = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[[service]]\nname = \"s\"\ncomponent = \"s.wasm\"\naliases = [\"x\"]\n[service.grants]\n\"weir:host/programs@0.1\" = { names = [\"p\"] }\n[aqua]\nfiles = [\"m.aqua\"]\n[[schedule]]\nname = \"n\"\nrun = \"f\"\ncron = \"*/5 * * * 1-5\"\nargs = { a = [1, 2.5] }\n[[schedule]]\nname = \"e\"\nrun = \"f\"\non = [\"block\"]\n[[schedule]]\nname = \"o\"\nrun = \"f\"\nstart = \"2026-01-01T00:00:00Z\"\n";

fn corpus(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/corpus", name]
        .iter()
        .collect()
}

#[test]
fn the_corpus_is_what_the_encoders_write() {
    let (sample, small) = (targets::sample(), targets::small());
    // The root stands first, the lists of chunks follow.
    let bytes = |built: &weir_package::Built, index: usize| built.blocks()[index].bytes().to_vec();
    let seeds = [
        ("root", "sample", bytes(&sample, 0)),
        ("root", "small", bytes(&small, 0)),
        ("chunks", "archive", bytes(&sample, 1)),
        ("links", "sample", bytes(&sample, 0)),
        (
            "links",
            "nested",
            [vec![0x81; 500], vec![0xd8, 42, 0x41, 0]].concat(),
        ),
        ("project", "all", PROJECT.as_bytes().to_vec()),
    ];
    let seeds = seeds.map(|(target, name, bytes)| (corpus(target).join(name), bytes));
    weir_fuzzing::check_corpus(seeds);
}

#[test]
fn no_bytes_make_the_decoder_of_roots_panic() {
    weir_fuzzing::run(corpus("root"), ITERATIONS, 1, targets::root);
}

#[test]
fn no_bytes_make_the_decoder_of_chunk_lists_panic() {
    weir_fuzzing::run(corpus("chunks"), ITERATIONS, 2, targets::chunks);
}

#[test]
fn no_bytes_make_the_search_for_links_panic() {
    weir_fuzzing::run(corpus("links"), ITERATIONS, 3, targets::links);
}

#[test]
fn no_text_makes_the_reader_of_projects_panic() {
    weir_fuzzing::run(corpus("project"), ITERATIONS, 4, targets::project);
}
