//! Feeds a decoder a committed corpus and deterministic mutations of it, inside an ordinary test.
//!
//! A fuzz target is a plain function that takes bytes and may panic only if the code under test is wrong. The same
//! function serves `cargo fuzz` with a nightly toolchain; here it needs nothing but `cargo test`.
//!
//! ```
//! # let folder = std::env::temp_dir().join(format!("weir-fuzzing-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # std::fs::write(folder.join("greeting"), "hello")?;
//! fn decode(bytes: &[u8]) {
//!     if let Ok(text) = std::str::from_utf8(bytes) {
//!         assert_eq!(text.as_bytes(), bytes);
//!     }
//! }
//!
//! // In a crate: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/text").
//! weir_fuzzing::run(&folder, 1_000, 1, decode);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`calls`] are random calls of the example services, and [`Chance`] is the stream of choices behind all of it.
//!
//! When the target panics, the input is printed in hexadecimal digits: add it to the corpus, and it is tried first
//! from then on.

pub mod calls;
mod chance;
mod mutate;

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

pub use chance::Chance;
use mutate::Mutator;

/// Longest input that is made, in bytes. Inputs from the corpus may be longer and are then only cut.
pub const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Calls `target` with every file of the folder `corpus`, in the order of their names, and then with `iterations`
/// mutations of them. The same arguments give the same inputs on every machine.
///
/// # Panics
/// When the target does, after printing the input; and when the folder cannot be read or holds no file, because then
/// nothing would be tested.
pub fn run(corpus: impl AsRef<Path>, iterations: u32, seed: u64, mut target: impl FnMut(&[u8])) {
    let corpus = read(corpus.as_ref());
    for (name, input) in &corpus {
        let _report = Report {
            input,
            origin: Origin::File(name),
        };
        target(input);
    }
    let inputs: Vec<&[u8]> = corpus.iter().map(|(_, input)| input.as_slice()).collect();
    let mut mutator = Mutator::new(seed);
    for iteration in 0..iterations {
        let input = mutator.next_input(&inputs);
        let _report = Report {
            input: &input,
            origin: Origin::Mutation { iteration, seed },
        };
        target(&input);
    }
}

/// Compares the files of a corpus with what the encoders write now: `seeds` are the paths of files and what belongs
/// into them. With the variable `WRITE_CORPUS` in the environment they are written first.
///
/// # Panics
/// When a file cannot be written, is missing, or holds something else.
pub fn check_corpus<P: AsRef<Path>>(seeds: impl IntoIterator<Item = (P, Vec<u8>)>) {
    let writes = std::env::var_os("WRITE_CORPUS").is_some();
    for (path, bytes) in seeds {
        let path = path.as_ref();
        let name = path.display();
        if writes {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(path, &bytes))
                .unwrap_or_else(|error| panic!("cannot write {name}: {error}"));
        }
        let found = fs::read(path).unwrap_or_else(|error| panic!("cannot read {name}: {error}"));
        assert!(found == bytes, "{name} is not what the encoder writes");
    }
}

fn read(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read the corpus {}: {error}", folder.display()));
    let mut corpus: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.expect("the folder was readable a moment ago").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let input = fs::read(&path)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
            (path.display().to_string(), input)
        })
        .collect();
    assert!(
        !corpus.is_empty(),
        "the corpus {} holds no file",
        folder.display()
    );
    corpus.sort();
    corpus
}

/// Prints the input if the target panics while this is alive.
struct Report<'a> {
    input: &'a [u8],
    origin: Origin<'a>,
}

enum Origin<'a> {
    File(&'a str),
    Mutation { iteration: u32, seed: u64 },
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut digits = String::with_capacity(2 * self.input.len());
            for byte in self.input {
                write!(digits, "{byte:02x}").expect("a String takes everything");
            }
            eprintln!(
                "the fuzz target failed on {}, {} bytes: {digits}\nas text: {:?}",
                self.origin,
                self.input.len(),
                String::from_utf8_lossy(self.input)
            );
        }
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => f.write_str(name),
            Self::Mutation { iteration, seed } => write!(f, "iteration {iteration} of seed {seed}"),
        }
    }
}
