//! Scripts of a corpus and mutations of them: nothing may panic, and what is accepted keeps its
//! meaning when it is printed. `cargo fuzz` runs the same function.

#[path = "fuzz_targets/targets.rs"]
mod targets;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_bytes_as_a_script() {
    weir_fuzzing::run(corpus("script"), 10_000, 1, targets::script);
}
