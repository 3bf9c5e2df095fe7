//! Cases of `weir sim run` and mutations of them. `cargo fuzz` runs the same function.

#[path = "fuzz_targets/targets.rs"]
mod targets;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_text_as_a_case() {
    weir_fuzzing::run(corpus("case"), 10_000, 1, targets::case);
}
