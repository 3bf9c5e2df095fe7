//! `weir trace verify FILE`: what a third party checks, without network or key.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::particles;
use serde::Serialize;
use std::path::Path;
use weir_avm::{Export, Fault, audit};

#[derive(Serialize)]
struct Verdict {
    valid: bool,
    particle: String,
    journals: u32,
    entries: u32,
}

/// Audits the file; fails with the first entry that does not hold.
pub(super) fn run(file: &Path, output: &Output) -> Result<Report, Failure> {
    let name = input::name(file);
    let text = input::read(file).map_err(|failure| match failure.code {
        Code::InputMalformed => no_export(&name, failure.cause.as_deref().unwrap_or_default()),
        _ => failure,
    })?;
    let progress = output.progress(format!("auditing {name}"));
    let export = Export::parse(&text).map_err(|error| no_export(&name, &error.to_string()))?;
    let audited = audit(&export).map_err(|fault| invalid(&export, &fault))?;
    drop(progress);
    let verdict = Verdict {
        valid: true,
        particle: export.particle().to_string(),
        journals: audited.authors,
        entries: audited.entries,
    };
    let text = format!(
        "{} {}: {} entries in {} journals hold",
        output.palette().check(),
        particles::short(&export.particle()),
        verdict.entries,
        verdict.journals
    );
    Ok(Report::new(&verdict, text))
}

fn no_export(name: &str, cause: &str) -> Failure {
    Failure::new(
        Code::TraceUnreadable,
        format!("{name} is not a trace export"),
    )
    .cause(cause)
    .fix("weir trace export ID > FILE, and leave the file as it is")
}

fn invalid(export: &Export, fault: &Fault) -> Failure {
    let what = match (&fault.author, fault.index) {
        (Some(author), Some(index)) => format!("entry {index} of {author} does not hold"),
        (Some(author), None) => format!("the journal of {author} does not hold"),
        (None, _) => "the trace does not hold".to_owned(),
    };
    Failure::new(Code::TraceInvalid, what)
        .fact("particle", export.particle().to_string())
        .cause(&fault.what)
        .fix("ask another holder of the log for an export; a false signed entry is evidence against its author")
}
