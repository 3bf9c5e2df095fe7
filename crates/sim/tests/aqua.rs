//! What compiled Aqua does, beside what the reference compiler's scripts do on the reference interpreter.
//!
//! `crates/aqua/corpus/reference.jsonl` holds, for each function of the corpus, the calls that the reference made.
//! Differences that are meant stand in `INTENDED`, with the reason, and in `docs/aqua-differences.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use weir_aqua::files::Files;
use weir_sim::case::{Case, run_case};

/// Functions that differ and may, each with the reason.
const INTENDED: [(&str, &str); 2] = [
    (
        "closure_streams.aqua returned_closures",
        "the reference loses what a returned closure pushes with `<<-`",
    ),
    (
        "try_catch.aqua message",
        "the text of an error is the virtual machine's own",
    ),
];

/// Host functions that only compute: how many of them a script needs is up to the compiler, as long as they are no more.
const COMPUTING: [&str; 2] = [" math.", " cmp."];

/// Calls by which a client takes part, on both sides.
const CLIENT: [&str; 2] = ["getDataSrv.", "errorHandlingSrv."];

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../aqua/corpus")
}

/// The calls and the errors of a run, both sorted.
fn ours(line: &Value) -> Result<(Vec<String>, usize), String> {
    let file = corpus().join(line["file"].as_str().expect("a file"));
    let case = json!({
        "aqua": file, "func": line["func"], "args": line["args"], "relay": "relay",
        "init": line["init"], "peers": line["peers"], "services": line["services"], "echo": line["echo"],
    });
    let case = Case::from_json_with(&case.to_string(), &Disk).map_err(|error| error.to_string())?;
    let report = run_case(&case).map_err(|error| error.to_string())?;
    let mut calls = Vec::new();
    let mut errors = 0;
    for call in &report.calls {
        if call.call == "errorHandlingSrv.error" {
            errors += 1;
        }
        if CLIENT.iter().all(|client| !call.call.starts_with(client)) {
            let args = serde_json::to_value(&call.args).expect("JSON");
            calls.push(shown(&call.peer, &call.call, &args));
        }
    }
    calls.sort();
    Ok((calls, errors))
}

fn shown(peer: &str, call: &str, args: &Value) -> String {
    format!("{peer} {call} {args}")
}

fn theirs(line: &Value) -> (Vec<String>, usize) {
    let seen = line["seen"].as_array().expect("calls");
    let mut calls: Vec<String> = seen
        .iter()
        .map(|call| {
            let text = |name: &str| call[name].as_str().expect("text");
            shown(text("peer"), text("call"), &call["args"])
        })
        .collect();
    calls.sort();
    (calls, line["error"].as_array().map_or(0, Vec::len))
}

fn agree(ours: &(Vec<String>, usize), theirs: &(Vec<String>, usize)) -> bool {
    let computes = |call: &&String| COMPUTING.iter().any(|service| call.contains(service));
    let computed = |calls: &[String]| calls.iter().filter(computes).count();
    let others = |call: &&String| !computes(call);
    ours.0
        .iter()
        .filter(others)
        .eq(theirs.0.iter().filter(others))
        && computed(&ours.0) <= computed(&theirs.0)
        && ours.1 == theirs.1
}

#[test]
fn compiled_functions_make_the_calls_that_the_reference_made() {
    let text = std::fs::read_to_string(corpus().join("reference.jsonl")).expect("it is committed");
    let intended = BTreeMap::from(INTENDED);
    let mut explained = BTreeSet::new();
    let mut unexplained = String::new();
    let mut compared = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let name = format!(
            "{} {}",
            line["file"].as_str().unwrap(),
            line["func"].as_str().unwrap()
        );
        compared += 1;
        let difference = match ours(&line) {
            // what the reference should have refused
            Err(_) if line["defect"].is_string() => continue,
            Err(problem) => problem,
            Ok(ours) => {
                let theirs = theirs(&line);
                if agree(&ours, &theirs) != line["defect"].is_string() {
                    continue;
                }
                format!("ours   {ours:#?}\ntheirs {theirs:#?}")
            }
        };
        match intended.get_key_value(name.as_str()) {
            Some((name, _)) => {
                explained.insert(*name);
            }
            None => unexplained.push_str(&format!("== {name}\n{difference}\n")),
        }
    }
    assert!(
        unexplained.is_empty(),
        "{compared} compared, unexplained differences:\n{unexplained}"
    );
    let listed: BTreeSet<&str> = intended.into_keys().collect();
    assert_eq!(explained, listed, "what agrees needs no reason");
}

/// Functions whose script is larger than the reference's; `docs/aqua-differences.md` says why.
const LARGER: [&str; 6] = [
    "error_structures.aqua missing_element",
    "join_forms.aqua literals",
    "last_error.aqua passed_on",
    "par_arms.aqua of_calls",
    "par_values.aqua callback_in_arm",
    "try_catch.aqua caught",
];

#[test]
fn scripts_are_smaller_than_those_of_the_reference_and_make_fewer_hops() {
    let text = std::fs::read_to_string(corpus().join("reference.jsonl")).expect("it is committed");
    let mut rows: BTreeMap<String, Value> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        if line["airMinified"].is_u64() && !line["defect"].is_string() {
            rows.insert(format!("{} {}", line["file"], line["func"]), line);
        }
    }
    let (mut ours, mut theirs) = ((0, 0), (0, 0));
    let mut larger = Vec::new();
    for (name, line) in &rows {
        let file = corpus().join(line["file"].as_str().expect("a file"));
        let request = weir_aqua::Request {
            entries: vec![file],
            ..weir_aqua::Request::default()
        };
        let compilation = weir_aqua::compile(&request, &Disk).expect("it is there");
        let func = compilation.function(line["func"].as_str().expect("a name"));
        let options = weir_aqua::lower::Options::default();
        let script = compilation
            .script(func.expect("it is exported"), &options)
            .expect("it fits");
        ours.0 += script.len();
        if script.len() as u64 > line["airMinified"].as_u64().expect("a size") {
            larger.push(name.replace('"', ""));
        }
        ours.1 += script.matches("(new $-h").count();
        theirs.0 +=
            usize::try_from(line["airMinified"].as_u64().expect("a size")).expect("it fits");
        theirs.1 += usize::try_from(line["hops"].as_u64().expect("a number")).expect("it fits");
    }
    assert!(
        rows.len() > 300,
        "only {} functions were compared",
        rows.len()
    );
    println!(
        "bytes {} beside {}, hops {} beside {}",
        ours.0, theirs.0, ours.1, theirs.1
    );
    assert_eq!(larger, LARGER, "of {}", rows.len());
    assert!(
        ours.0 * 100 <= theirs.0 * 85,
        "{} bytes beside {}",
        ours.0,
        theirs.0
    );
    assert!(
        ours.1 * 100 <= theirs.1 * 75,
        "{} hops beside {}",
        ours.1,
        theirs.1
    );
}
