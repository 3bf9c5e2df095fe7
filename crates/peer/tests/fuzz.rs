//! Every decoder on a corpus and on mutations of it.

use weir_peer::fuzzing;

const ITERATIONS: u32 = 10_000;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn frames() {
    weir_fuzzing::run(corpus("frame"), ITERATIONS, 1, fuzzing::frame);
}

#[test]
fn reach_records() {
    weir_fuzzing::run(corpus("reach"), ITERATIONS, 2, fuzzing::reach);
}

#[test]
fn received_bytes() {
    weir_fuzzing::run(corpus("received"), ITERATIONS, 3, fuzzing::received);
}

#[test]
fn stores() {
    weir_fuzzing::run(corpus("store"), ITERATIONS, 4, fuzzing::restored);
}
