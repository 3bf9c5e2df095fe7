//! `weir trace verify FILE`: what a third party checks, without network or key.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::particles;
use serde::Serialize;
use std::path::Path;
use weir_avm::{Export, Fault, audit};
use weir_avm::{TracedAnswer, What, trace};
use weir_receipt::{Entry, SignedReceipt};

#[derive(Serialize)]
struct Verdict {
    valid: bool,
    particle: String,
    journals: u32,
    entries: u32,
    receipts: u32,
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
    let receipts = receipts(&export).map_err(|fault| invalid(&export, &fault))?;
    drop(progress);
    let verdict = Verdict {
        valid: true,
        particle: export.particle().to_string(),
        journals: audited.authors,
        entries: audited.entries,
        receipts,
    };
    let text = format!(
        "{} {}: {} entries in {} journals hold, with {} receipts",
        output.palette().check(),
        particles::short(&export.particle()),
        verdict.entries,
        verdict.journals,
        verdict.receipts
    );
    Ok(Report::new(&verdict, text))
}

/// How many receipts of executions there are, of which each is that of its entry.
fn receipts(export: &Export) -> Result<u32, Fault> {
    let trace = trace(export)?;
    let mut count = 0;
    for visit in &trace.visits {
        for deed in &visit.deeds {
            let What::Call {
                function,
                answer,
                step,
                receipt: Some(receipt),
                ..
            } = &deed.what
            else {
                continue;
            };
            let entry = Entry {
                author: &visit.peer,
                particle: &trace.particle,
                step: &step.0,
                function,
                succeeded: !matches!(answer, TracedAnswer::Failed { .. }),
                result: match answer {
                    TracedAnswer::Value(value) => Some(value),
                    TracedAnswer::Failed { message, .. } => Some(message),
                    TracedAnswer::Unused => None,
                },
            };
            SignedReceipt::of_entry(receipt, &entry).map_err(|error| Fault {
                author: Some(visit.peer),
                index: Some(deed.index),
                what: error.to_string(),
            })?;
            count += 1;
        }
    }
    Ok(count)
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
