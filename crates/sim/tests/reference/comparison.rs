//! Whether a case makes the calls that the reference interpreter made.

use std::collections::BTreeMap;
use std::fmt::Write;

use weir_identity::Value;
use weir_sim::case::{Case, SeenCall, run_case};

/// What a comparison found.
pub enum Verdict {
    /// The same calls with the same arguments and tetraplets, each as often.
    Same,
    /// Something else.
    Different {
        /// The id of the case.
        id: String,
        /// Calls that only one of them made, `-` the reference, `+` Weir.
        what: String,
    },
}

/// Runs the case of one line, which carries in `calls` what the reference did.
pub fn compare(line: &str) -> Verdict {
    let value = Value::from_json(line).expect("a line is JSON");
    let id = value
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or("?")
        .to_owned();
    let theirs = value
        .get("calls")
        .and_then(Value::as_array)
        .expect("the calls of the reference");
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for call in theirs {
        *balance.entry(line_of(call)).or_default() -= 1;
    }
    let mut what = String::new();
    match Case::from_json(line).and_then(|case| run_case(&case)) {
        Ok(report) => {
            for call in &report.calls {
                *balance.entry(line_of_seen(call)).or_default() += 1;
            }
            if balance.values().any(|count| *count != 0) {
                for error in &report.errors {
                    writeln!(what, "  ! {} {} {}", error.peer, error.code, error.message)
                        .expect("a text grows");
                }
                for step in &report.pending {
                    writeln!(what, "  ? {} waits for {}", step.call, step.waits_for)
                        .expect("a text grows");
                }
            }
        }
        Err(error) => writeln!(what, "  {error}").expect("a text grows"),
    }
    for (call, count) in balance.into_iter().filter(|(_, count)| *count != 0) {
        let sign = if count < 0 { '-' } else { '+' };
        for _ in 0..count.unsigned_abs() {
            writeln!(what, "  {sign} {call}").expect("a text grows");
        }
    }
    if what.is_empty() {
        Verdict::Same
    } else {
        Verdict::Different { id, what }
    }
}

fn line_of(call: &Value) -> String {
    let field = |name| call.get(name).cloned().unwrap_or_default();
    let (peer, name) = (field("peer"), field("call"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {} {}",
        text(&peer),
        text(&name),
        field("args"),
        field("tetraplets")
    )
}

fn line_of_seen(call: &SeenCall) -> String {
    let texts = |origins: &Vec<String>| {
        origins
            .iter()
            .map(|t| Value::from(t.as_str()))
            .collect::<Value>()
    };
    let tetraplets: Value = call.tetraplets.iter().map(texts).collect();
    format!(
        "{} {} {} {}",
        call.peer,
        call.call,
        Value::from(call.args.clone()),
        tetraplets
    )
}
