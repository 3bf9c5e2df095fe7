//! Everything that reads bytes or values from outside, against its corpus and mutations of it: nothing may panic.

mod support;

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
