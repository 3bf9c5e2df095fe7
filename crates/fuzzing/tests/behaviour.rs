//! What a crate that uses the engine relies on.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// A corpus of two files, removed with the guard.
struct Corpus(PathBuf);

impl Corpus {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("weir-fuzzing-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b"), "second").unwrap();
        fs::write(folder.join("a"), "first").unwrap();
        Self(folder)
    }

    fn inputs(&self, iterations: u32, seed: u64) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        weir_fuzzing::run(&self.0, iterations, seed, |input| seen.push(input.to_vec()));
        seen
    }
}

impl Drop for Corpus {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn the_corpus_comes_first_in_the_order_of_names() {
    let corpus = Corpus::new("order");
    let seen = corpus.inputs(10, 1);
    assert_eq!(seen.len(), 12);
    assert_eq!(seen[..2], [b"first".to_vec(), b"second".to_vec()]);
}

#[test]
fn a_seed_replays_and_another_differs() {
    let corpus = Corpus::new("seed");
    assert_eq!(corpus.inputs(100, 5), corpus.inputs(100, 5));
    assert_ne!(corpus.inputs(100, 5), corpus.inputs(100, 6));
}

#[test]
fn inputs_grow_shrink_and_stay_bounded() {
    let corpus = Corpus::new("sizes");
    let seen = corpus.inputs(5_000, 7);
    assert!(seen.iter().any(Vec::is_empty));
    assert!(seen.iter().any(|input| input.len() > 1_000));
    assert!(
        seen.iter()
            .all(|input| input.len() <= weir_fuzzing::INPUT_BYTES_MAX)
    );
    let distinct = seen.iter().collect::<std::collections::HashSet<_>>().len();
    assert!(distinct > 3_500, "{distinct} of 5,002 inputs differ");
}

#[test]
fn a_panic_of_the_target_fails_the_test() {
    let corpus = Corpus::new("panic");
    let run = || {
        weir_fuzzing::run(&corpus.0, 1_000, 1, |input| {
            assert_ne!(input.first(), Some(&b'['), "found");
        });
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

#[test]
fn a_missing_or_empty_corpus_is_an_error() {
    let corpus = Corpus::new("empty");
    let empty = corpus.0.join("empty");
    assert!(catch_unwind(|| weir_fuzzing::run(&empty, 1, 1, drop_input)).is_err());
    fs::create_dir(&empty).unwrap();
    assert!(catch_unwind(|| weir_fuzzing::run(&empty, 1, 1, drop_input)).is_err());
}

fn drop_input(_: &[u8]) {}
