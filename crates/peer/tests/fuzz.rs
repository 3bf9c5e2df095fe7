//! Every decoder on a corpus and on mutations of it.

use weir_peer::fuzzing;

const ITERATIONS: u32 = 10_000;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus(name)).expect("the corpus is in the repository");
    let files = files.map(|file| file.expect("it can be listed"));
    let files = files.map(|file| {
        let bytes = std::fs::read(file.path()).expect("it can be read");
        (file.file_name().into_string().expect("a plain name"), bytes)
    });
    files.collect()
}

#[test]
fn every_file_of_the_corpus_is_accepted() {
    for (name, bytes) in files("received") {
        let (survived, answered) = fuzzing::receive(&bytes);
        if name == "message" {
            assert_eq!(answered, Some(Ok(())), "{name}");
        } else {
            assert!(survived, "{name}");
        }
    }
    for (name, bytes) in files("store") {
        assert!(fuzzing::restore(&bytes), "{name}");
    }
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
