//! Scripts of a corpus and mutations of them: nothing may panic, and what is accepted keeps its
//! meaning when it is printed. `cargo fuzz` runs the same function.

#[path = "fuzz_targets/targets.rs"]
mod targets;

#[test]
fn any_bytes_as_a_script() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/scripts");
    weir_fuzzing::run(corpus, 10_000, 1, targets::script);
}
