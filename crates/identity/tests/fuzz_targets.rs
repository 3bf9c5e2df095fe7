//! Every decoder of this crate against its corpus and mutations of it: nothing may panic, and what is accepted must be
//! in its one canonical form. `cargo fuzz` runs the same functions.

#[path = "fuzz_targets/targets.rs"]
mod targets;

/// Mutations of each corpus.
const ITERATIONS: u32 = 10_000;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_bytes_as_cbor() {
    weir_fuzzing::run(corpus("cbor"), ITERATIONS, 1, targets::cbor);
}

#[test]
fn any_text_as_json() {
    weir_fuzzing::run(corpus("json"), ITERATIONS, 2, targets::json);
}

#[test]
fn any_bytes_and_text_as_ids() {
    weir_fuzzing::run(corpus("ids"), ITERATIONS, 3, targets::ids);
}

#[test]
fn any_text_as_a_keystore_document() {
    weir_fuzzing::run(corpus("keystore"), ITERATIONS, 4, targets::keystore);
}
