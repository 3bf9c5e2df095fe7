//! The one JSON document that a command writes under `--json`, on success and on failure.

use super::Warning;
use crate::failure::Failure;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Success<'a> {
    schema: &'a str,
    ok: bool,
    data: &'a RawValue,
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct Failed<'a> {
    schema: &'a str,
    ok: bool,
    error: Error<'a>,
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'static str,
    exit: u8,
    what: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Fact<'a> {
    name: &'a str,
    value: &'a str,
}

pub(super) fn success(schema: &str, data: &RawValue, warnings: &[Warning]) -> String {
    text(&Success {
        schema,
        ok: true,
        data,
        warnings,
    })
}

pub(super) fn failure(schema: &str, failure: &Failure, warnings: &[Warning]) -> String {
    text(&Failed {
        schema,
        ok: false,
        error: Error {
            code: failure.code.text(),
            exit: failure.exit.number(),
            what: &failure.what,
            facts: failure
                .facts
                .iter()
                .map(|(name, value)| Fact { name, value })
                .collect(),
            cause: failure.cause.as_deref(),
            fix: failure.fix.as_deref(),
            trace: failure.trace.as_deref(),
            data: failure.data.as_deref(),
        },
        warnings,
    })
}

fn text(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("strings, numbers and raw JSON always have a JSON form")
}
