//! The calls of the reference interpreter and ours, on committed cases.
//!
//! Differences that the design wants are listed in `docs/air-differences.md`; the cases that show them stand in
//! `INTENDED` with the reason.

#[path = "reference/comparison.rs"]
mod comparison;

use std::collections::BTreeMap;
use std::path::Path;

use comparison::{Verdict, compare};

/// Ids of cases that the design means to change, each with the reason.
const INTENDED: [(&str, &str); 1] = [(
    "r3782843961",
    "iterations that run side by side append to one stream; in which order the canon's peer learns of it is free",
)];

#[test]
fn committed_cases_make_the_calls_that_the_reference_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let intended = BTreeMap::from(INTENDED);
    let mut compared = 0;
    let mut unexplained: Vec<String> = Vec::new();
    for file in ["air.jsonl", "generated.jsonl"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("the cases are committed");
        for line in text.lines() {
            compared += 1;
            match compare(line) {
                Verdict::Same => {}
                Verdict::Different { id, .. } if intended.contains_key(id.as_str()) => {}
                Verdict::Different { id, what } => unexplained.push(format!("{file} {id}\n{what}")),
            }
        }
    }
    assert!(compared >= 400, "only {compared} cases were found");
    assert!(
        unexplained.is_empty(),
        "unexplained differences:\n{}",
        unexplained.join("")
    );
}
