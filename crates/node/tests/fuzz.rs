//! Everything that this crate decodes itself, on a corpus and on mutations of it.

use weir_node::fuzzing;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn streams_of_frames() {
    weir_fuzzing::run(corpus("link"), 10_000, 1, fuzzing::link);
}

#[test]
fn stores() {
    weir_fuzzing::run(corpus("store"), 10_000, 2, fuzzing::store);
}
