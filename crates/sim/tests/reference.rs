//! The calls of the reference interpreter and ours, on committed cases.
//!
//! Differences that the design wants are listed in `docs/air-differences.md`; the cases that show them stand in
//! `INTENDED` with the reason.

#[path = "reference/comparison.rs"]
mod comparison;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comparison::{Verdict, compare};

/// Ids of cases that differ and may, each with the reason.
const INTENDED: [(&str, &str); 3] = [
    (
        "r3782843961",
        "iterations that run side by side append to one stream; in which order the canon's peer learns of it is free",
    ),
    (
        "r3578967830",
        "iterations that run side by side append to one stream; in which order the canon's peer learns of it is free",
    ),
    (
        "r2734910261",
        "iterations that run side by side append to one stream while each freezes it; how much is there by then is free",
    ),
];

/// Fewest cases that are compared.
const CASES_MIN: usize = 1_000;

/// How many of a thousand must agree.
const AGREE_MIN: usize = 990;

#[test]
fn committed_cases_make_the_calls_that_the_reference_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let intended = BTreeMap::from(INTENDED);
    let (mut compared, mut agree) = (0, 0);
    let mut explained = BTreeSet::new();
    let mut unexplained: Vec<String> = Vec::new();
    for file in ["air.jsonl", "generated.jsonl"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("the cases are committed");
        for line in text.lines() {
            compared += 1;
            match compare(line) {
                Verdict::Same => agree += 1,
                Verdict::Different { id, what } => match intended.get_key_value(id.as_str()) {
                    Some((id, _)) => {
                        explained.insert(*id);
                    }
                    None => unexplained.push(format!("{file} {id}\n{what}")),
                },
            }
        }
    }
    assert!(
        unexplained.is_empty(),
        "unexplained differences:\n{}",
        unexplained.join("")
    );
    assert!(compared >= CASES_MIN, "only {compared} cases were found");
    assert!(
        agree * 1_000 >= compared * AGREE_MIN,
        "only {agree} of {compared} agree"
    );
    let listed: BTreeSet<&str> = intended.into_keys().collect();
    assert_eq!(explained, listed, "what agrees needs no reason");
}
