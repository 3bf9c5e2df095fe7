//! The examples of the documents, run as they stand there, in their order, and those that belong together on one
//! network. What needs a compiler for WebAssembly stands there without `$`, and is not run.
//!
//! Ids, numbers and the order of answers differ from run to run, so the shape is compared: each line with those
//! masked, as a set.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use support::rates::Rates;
use support::{Network, shell};

/// A line after `$` and what stands below it.
#[derive(Debug)]
struct Example {
    command: String,
    output: String,
}

#[test]
fn the_examples_of_the_documents_come_out_as_they_say() {
    run(&["README.md", "aqua/README.md"], 8);
}

#[test]
fn the_guide_for_rust_can_be_followed() {
    run(&["docs/guide-rust.md"], 4);
}

#[test]
fn the_guide_for_cpp_can_be_followed() {
    run(&["docs/guide-cpp.md"], 4);
}

#[test]
fn the_market_can_be_looked_at() {
    run(&["docs/market.md"], 23);
}

#[test]
fn the_example_of_rates_can_be_followed() {
    let rates = Rates::serve();
    let folder = rates.example();
    let instead = |command: &str| rates.instead(command);
    run_in(folder.path(), &["examples/rates/README.md"], 6, &instead);
}

#[test]
fn the_example_of_sqlite_can_be_followed() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for file in ["sqlite.wasm", "weir.toml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/sqlite");
        std::fs::copy(from.join(file), folder.path().join(file)).expect("it is there");
    }
    run_in(
        folder.path(),
        &["examples/sqlite/README.md"],
        14,
        &str::to_owned,
    );
}

/// Runs the examples of some documents, at least so many.
fn run(documents: &[&str], least: usize) {
    let root = tempfile::tempdir().expect("a folder for the test");
    run_in(root.path(), documents, least, &str::to_owned);
}

/// The same in this folder, with commands as `adapted` to the test.
fn run_in(folder: &Path, documents: &[&str], least: usize, adapted: &dyn Fn(&str) -> String) {
    let mut folder = folder.to_owned();
    let mut network = None;
    let mut ids = BTreeMap::new();
    let mut ran = 0;
    for document in documents {
        for example in examples(document) {
            let command = adapted(&with_present_ids(&example.command, &ids));
            let output = if let Some(file) = command.strip_prefix("cat ") {
                // What is shown of a file is how a reader comes by it.
                write(&folder.join(file), &example.output);
                continue;
            } else if let Some(below) = command.strip_prefix("cd ") {
                folder.push(below);
                continue;
            } else if let Some(arguments) = command.strip_prefix("weir up") {
                let arguments: Vec<&str> = arguments.split_whitespace().collect();
                let (up, text) = Network::up_in_words(&folder, &arguments);
                network = Some(up);
                text
            } else {
                shell(&folder, &command)
            };
            assert_eq!(
                shape(&example.output),
                shape(&output),
                "{document}: {command}\n{output}"
            );
            ids.extend(
                short_ids(&example.output)
                    .into_iter()
                    .zip(short_ids(&output)),
            );
            ran += 1;
        }
    }
    assert!(ran >= least, "only {ran} examples were found");
    assert!(network.is_some(), "no network was started");
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("it has one");
    std::fs::create_dir_all(folder).expect("a writable folder");
    std::fs::write(path, text).expect("a writable folder");
}

fn examples(document: &str) -> Vec<Example> {
    let path = format!("{}/../../{document}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("it is part of the repository");
    let mut found: Vec<Example> = Vec::new();
    // Whether lines belong to the output of the last example.
    let (mut fenced, mut open) = (false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            (fenced, open) = (!fenced, false);
        } else if !fenced {
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Example {
                command: command.to_owned(),
                output: String::new(),
            });
            open = true;
        } else if let Some(example) = found.last_mut().filter(|_| open) {
            example.output.push_str(line);
            example.output.push('\n');
        }
    }
    found
}

fn with_present_ids(command: &str, ids: &BTreeMap<String, String>) -> String {
    ids.iter().fold(command.to_owned(), |command, (old, new)| {
        command.replace(old, new)
    })
}

/// Ids of particles as people write them: eight hexadecimal digits by themselves.
fn short_ids(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| is_short_id(word))
        .map(str::to_owned)
        .collect()
}

fn is_short_id(word: &str) -> bool {
    word.len() == 8
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f'))
}

fn shape(output: &str) -> BTreeSet<String> {
    output
        .lines()
        .map(masked)
        // Whether a peer had to say that it learnt something depends on who was first, and whether something takes long
        // enough to be mentioned, on the machine.
        .filter(|line| {
            !line.is_empty() && line != "seen" && !line.starts_with("compiling the component")
        })
        .collect()
}

fn masked(line: &str) -> String {
    let line = line.trim_start_matches(['│', '├', '└', '─', ' ']);
    let words: Vec<String> = line
        .split_whitespace()
        .enumerate()
        .map(|(place, word)| match word {
            "a" | "b" | "c" if place == 0 => "PEER".to_owned(),
            word => masked_word(word),
        })
        .collect();
    // How many answers were there when the quorum was met depends on who was first.
    let line = words.join(" ").replace(" · N of N replicas answered", "");
    if line == "PEER" || line == "client" {
        // Who stands at a branch.
        return "PEER".to_owned();
    }
    line
}

fn masked_word(word: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in word.chars().chain(['\0']) {
        if c.is_alphanumeric() || c == '…' {
            run.push(c);
            continue;
        }
        out.push_str(&masked_run(&run, out.ends_with('@')));
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

fn masked_run(run: &str, is_name: bool) -> String {
    if run.starts_with("16Ui") {
        return "ID".to_owned();
    }
    if run.starts_with("0x") || is_short_id(run) {
        return "HASH".to_owned();
    }
    if is_name {
        return "PEER".to_owned();
    }
    let mut out = String::new();
    for c in run.chars() {
        match c {
            '0'..='9' if out.ends_with('N') => {}
            '0'..='9' => out.push('N'),
            c => out.push(c),
        }
    }
    out
}
