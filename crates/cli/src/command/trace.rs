//! `weir trace`: the signed log of a particle, shown, exported, checked.

mod show;
mod tree;
mod verify;

use crate::args::{Trace, TraceAction};
use crate::failure::Failure;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::particles;
use crate::project::Project;
use crate::schema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::{Duration, SystemTime};

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Trace, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match &args.action {
        Some(TraceAction::Export { id }) => (schema::TRACE_EXPORT, export(id.as_deref())),
        Some(TraceAction::Verify { file }) => (schema::TRACE_VERIFY, verify::run(file, output)),
        None if args.list => (schema::TRACE_LIST, list(output)),
        None => (schema::TRACE, show::run(args.id.as_deref(), output)),
    }
}

/// The bare export; inside the usual document only under `--json`.
fn export(id: Option<&str>) -> Result<Report, Failure> {
    let text = particles::find(&Project::here()?, id)?.log()?;
    let data = RawValue::from_string(text.clone())
        .map_err(|error| Failure::internal("the kept log is damaged", error))?;
    Ok(Report::new(&data, text))
}

#[derive(Serialize)]
struct Listed {
    particle: String,
    timestamp: String,
    purpose: String,
}

fn list(output: &Output) -> Result<Report, Failure> {
    let kept = particles::all(&Project::here()?)?;
    let listed: Vec<Listed> = kept
        .iter()
        .map(|kept| Listed {
            particle: kept.id.to_string(),
            timestamp: timestamp(kept.about.timestamp_ms),
            purpose: kept.about.purpose.clone(),
        })
        .collect();
    if listed.is_empty() {
        let text = "no particle was started from here yet; weir call starts one";
        return Ok(Report::new(&listed, text));
    }
    let mut table = Table::new(&[
        Column::Text("TRACE"),
        Column::Text("STARTED"),
        Column::Text("FOR"),
    ]);
    for (kept, listed) in kept.iter().zip(&listed) {
        let id = if output.is_wide() {
            listed.particle.clone()
        } else {
            particles::short(&kept.id)
        };
        table.row([
            Cell::new(id),
            listed.timestamp.as_str().into(),
            listed.purpose.as_str().into(),
        ]);
    }
    Ok(Report::new(&listed, output.render(&table)))
}

/// The last millisecond of the year 9999; RFC 3339 ends there.
const TIMESTAMP_MS_MAX: u64 = 253_402_300_799_999;

/// RFC 3339 in UTC.
fn timestamp(ms: u64) -> String {
    if ms > TIMESTAMP_MS_MAX {
        return format!("{ms} ms after 1970");
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn any_timestamp_has_a_text() {
        assert_eq!(timestamp(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(timestamp(u64::MAX), "18446744073709551615 ms after 1970");
    }
}
