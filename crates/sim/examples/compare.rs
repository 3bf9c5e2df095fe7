//! Compares `run_case` with what the reference interpreter did.
//!
//! `cargo run --release -p weir-sim --example compare -- FILE.jsonl...`: each line is a case with the field `calls`,
//! the calls that the reference made. Prints the ids of the cases that differ, with what differs, and the counts.

#[path = "../tests/reference/comparison.rs"]
mod comparison;

use std::process::ExitCode;

use comparison::{Verdict, compare};

fn main() -> ExitCode {
    let (mut agree, mut differ) = (0, 0);
    for file in std::env::args().skip(1) {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match compare(line) {
                Verdict::Same => agree += 1,
                Verdict::Different { id, what } => {
                    differ += 1;
                    println!("{id}\n{what}");
                }
            }
        }
    }
    println!("{agree} agree, {differ} differ");
    ExitCode::SUCCESS
}
