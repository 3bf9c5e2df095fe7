//! Texts of a corpus and mutations of them: nothing may panic. `cargo fuzz` runs the same function.

#[path = "fuzz_targets/targets.rs"]
mod targets;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_bytes_as_a_file() {
    weir_fuzzing::run(corpus("syntax"), 10_000, 1, targets::syntax);
}
