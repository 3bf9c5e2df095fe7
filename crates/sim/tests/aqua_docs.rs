//! The tour of Aqua and the programs that only Weir accepts do what is written beside them.
//!
//! An example is a block `aqua` of `docs/aqua/*.md`; the blocks `json` behind it are its cases, in the form that
//! `docs/aqua/README.md` describes. In `crates/aqua/corpus/accepted` a case is a line that starts with `-- case`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use weir_aqua::files::Files;
use weir_aqua::{Request, Severity, compile};
use weir_sim::case::{BUILT_INS, Case, CaseReport, run_case};

/// Files whose matter is a layout that the formatter does not give.
const OTHER_LAYOUT: [&str; 7] = [
    "call_nested.aqua",
    "long_expressions.aqua",
    "no_blank_lines.aqua",
    "spaces_before_colons.aqua",
    "struct_build.aqua",
    "text_form.aqua",
    "trailing_commas.aqua",
];

/// Texts by path; what is not among them is read from the disk.
struct Texts(BTreeMap<PathBuf, Arc<str>>);

impl Files for Texts {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        if let Some(text) = self.0.get(path) {
            return Ok(Some(text.clone()));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A program and what it should do.
struct Example {
    /// The page and the line.
    name: String,
    path: PathBuf,
    text: String,
    cases: Vec<String>,
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("it is there")
}

/// The files of a folder with that extension, by name.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has files");
    paths
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file of text")
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().expect("it has a name");
    name.to_string_lossy().into_owned()
}

/// The examples of the tour.
fn tour() -> Vec<Example> {
    let mut examples = Vec::new();
    for path in files("docs/aqua", "md") {
        examples.extend(examples_of(&path));
    }
    examples
}

/// The examples of a page: blocks that are fenced by three backticks.
fn examples_of(path: &Path) -> Vec<Example> {
    let page = read(path);
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().map(|(line, _)| line);
        let block: Vec<&str> = block.take_while(|line| *line != "```").collect();
        let name = format!("{}:{number}", file_name(path));
        match language {
            "aqua" => examples.push(Example {
                path: PathBuf::from(format!("{name}.aqua")),
                name,
                text: block.join("\n") + "\n",
                cases: Vec::new(),
            }),
            "json" => {
                let example = examples.last_mut().expect("a program stands before it");
                example.cases.push(block.join("\n"));
            }
            _ => {}
        }
    }
    examples
}

/// The programs that only Weir accepts.
fn accepted() -> Vec<Example> {
    let example = |path: PathBuf| {
        let text = read(&path);
        let cases = text.lines().filter_map(|line| line.strip_prefix("-- case"));
        Example {
            name: file_name(&path),
            cases: cases.map(str::to_owned).collect(),
            path,
            text,
        }
    };
    let paths = files("crates/aqua/corpus/accepted", "aqua");
    paths.into_iter().map(example).collect()
}

/// What differs from what a case says; nothing if all is as it should.
fn differences(example: &Example, case: &str) -> Result<Vec<String>, String> {
    let expected: Value = serde_json::from_str(case).map_err(|error| error.to_string())?;
    let fields = expected.as_object().ok_or("a case is an object")?;
    let known = [
        "func", "args", "services", "result", "results", "calls", "error",
    ];
    if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return Err(format!("there is no field `{field}`"));
    }
    let report = run(example, &expected)?;
    let mut found = Vec::new();
    let mut compare = |what: &str, seen: &Value, wanted: &Value| {
        if seen != wanted {
            found.push(format!("{what}: expected {wanted}, got {seen}"));
        }
    };
    let answers = calls(&report, |call| call == "callbackSrv.response");
    let answer = answers.first().map(|call| &call["args"]);
    if let Some(results) = expected.get("results") {
        compare("results", answer.unwrap_or(&Value::Null), results);
    }
    if let Some(result) = expected.get("result") {
        let answer = answer.cloned().unwrap_or_default();
        compare("result", &answer, &json!([result]));
    }
    let failures = calls(&report, |call| call == "errorHandlingSrv.error");
    let codes: Vec<&Value> = failures
        .iter()
        .map(|call| &call["args"][0]["error_code"])
        .collect();
    let wanted: Vec<&Value> = expected.get("error").into_iter().collect();
    compare("error", &json!(codes), &json!(wanted));
    if let Some(wanted) = expected.get("calls") {
        let mut wanted = wanted.as_array().cloned().ok_or("`calls` is an array")?;
        wanted.sort_by_key(Value::to_string);
        let seen = calls(&report, |call| {
            let service = call.split('.').next().unwrap_or_default();
            let of_client = ["getDataSrv", "errorHandlingSrv"].contains(&service);
            !of_client && call != "callbackSrv.response" && !BUILT_INS.contains(&service)
        });
        compare("calls", &json!(seen), &json!(wanted));
    }
    Ok(found)
}

fn run(example: &Example, expected: &Value) -> Result<CaseReport, String> {
    let texts = Texts(BTreeMap::from([(
        example.path.clone(),
        Arc::from(example.text.as_str()),
    )]));
    let mut case = json!({
        "aqua": example.path, "func": expected["func"], "args": expected["args"],
        "relay": "relay", "peers": peers(expected), "echo": true,
    });
    if let Some(services) = expected.get("services") {
        case["services"] = services.clone();
    }
    let case =
        Case::from_json_with(&case.to_string(), &texts).map_err(|error| error.to_string())?;
    run_case(&case).map_err(|error| error.to_string())
}

/// The peers that a case names, beside the one that starts and its relay.
fn peers(expected: &Value) -> BTreeSet<String> {
    let text = expected.to_string();
    let names = text.split('@').skip(1).map(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next();
        name.unwrap_or_default().to_owned()
    });
    names
        .filter(|name| !["", "init", "relay"].contains(&name.as_str()))
        .collect()
}

/// The calls that are asked for, in an order of their own.
fn calls(report: &CaseReport, asked: impl Fn(&str) -> bool) -> Vec<Value> {
    let calls = report.calls.iter().filter(|call| asked(&call.call));
    let mut calls: Vec<Value> = calls
        .map(|call| json!({"peer": call.peer, "call": call.call, "args": call.args}))
        .collect();
    calls.sort_by_key(Value::to_string);
    calls
}

fn check(examples: &[Example]) {
    let mut problems = String::new();
    for example in examples {
        for case in &example.cases {
            let found = differences(example, case).unwrap_or_else(|problem| vec![problem]);
            if !found.is_empty() {
                problems.push_str(&format!("{}\n  {}\n", example.name, case.trim()));
            }
            for difference in found {
                problems.push_str(&format!("    {difference}\n"));
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn the_tour_is_true() {
    let examples = tour();
    let untold: Vec<&str> = examples
        .iter()
        .filter(|example| example.cases.is_empty())
        .map(|example| example.name.as_str())
        .collect();
    assert_eq!(untold, Vec::<&str>::new(), "examples without a case");
    check(&examples);
}

#[test]
fn what_only_weir_accepts_does_what_it_says() {
    check(&accepted());
}

#[test]
fn warnings_are_given_where_they_are_expected() {
    let examples = tour().into_iter().chain(accepted());
    for example in examples {
        let expected = example
            .text
            .lines()
            .filter(|line| line.starts_with("-- warn"));
        let texts = Texts(BTreeMap::from([(
            example.path.clone(),
            Arc::from(example.text.as_str()),
        )]));
        let request = Request {
            entries: vec![example.path.clone()],
            ..Request::default()
        };
        let compilation = compile(&request, &texts).expect("it is there");
        let warnings: Vec<&str> = compilation
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Warning)
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        assert_eq!(
            warnings.len(),
            expected.count(),
            "{}: {warnings:#?}",
            example.name
        );
    }
}

#[test]
fn all_that_is_shown_is_in_the_layout_of_the_formatter() {
    let folders = [
        "aqua/std",
        "crates/aqua/corpus",
        "crates/aqua/corpus/accepted",
        "crates/aqua/corpus/modules",
        "crates/aqua/corpus/modules/declares",
        "crates/aqua/corpus/modules/tools",
    ];
    let stored = folders.iter().flat_map(|folder| files(folder, "aqua"));
    let stored = stored.map(|path| (file_name(&path), read(&path)));
    let shown = tour()
        .into_iter()
        .map(|example| (example.name, example.text));
    let mut differing = Vec::new();
    for (name, text) in shown.chain(stored) {
        let formatted = weir_aqua::syntax::format(&text);
        let formatted = formatted.unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        if formatted != text {
            differing.push(name);
        }
    }
    differing.sort();
    assert_eq!(differing, OTHER_LAYOUT);
}
