//! Texts of a corpus and mutations of them: nothing may panic. `cargo fuzz` runs the same function.

#[path = "random/pieces.rs"]
mod pieces;
#[path = "fuzz_targets/targets.rs"]
mod targets;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn any_bytes_as_a_file() {
    weir_fuzzing::run(corpus("syntax"), 10_000, 1, targets::syntax);
}

#[test]
fn any_bytes_as_a_program() {
    weir_fuzzing::run(corpus("program"), 10_000, 1, targets::program);
}

#[test]
fn programs_of_mixed_lines_and_words() {
    let folders = [
        "corpus",
        "corpus/accepted",
        "corpus/errors",
        "tests/corpus/program",
    ];
    let pieces = pieces::Pieces::of(folders);
    for seed in 0..10_000 {
        let text = pieces.mixed(seed);
        let done = std::panic::catch_unwind(|| targets::program(text.as_bytes()));
        assert!(done.is_ok(), "seed {seed}\n{text}");
    }
}
