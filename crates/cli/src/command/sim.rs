//! `weir sim run`: one script on a simulated network with mocked services.

use crate::args::Sim;
use crate::code::Code;
use crate::command::aqua::sources::Disk;
use crate::failure::Failure;
use crate::input;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use std::path::Path;
use std::time::Duration;
use weir_identity::Value;
use weir_sim::case::{Case, CaseError, CaseReport, run_case};

/// Runs the case. What goes wrong inside it is a result, not a failure.
pub(crate) fn run(
    args: &Sim,
    timeout: Option<Duration>,
    output: &Output,
) -> Result<Report, Failure> {
    let Sim::Run { case: file } = args;
    let text = input::read(file)?;
    let progress = output.progress("running the case");
    let report = Patience::new(timeout)
        .wait_for("the case", move || {
            Case::from_json_with(&text, &Disk).and_then(|case| run_case(&case))
        })?
        .map_err(|error| malformed(file, error))?;
    drop(progress);
    Ok(Report::new(&report, text_of(&report, output)))
}

fn malformed(file: &Path, error: CaseError) -> Failure {
    let name = input::name(file);
    match error {
        CaseError::Script { diagnostics, .. } => Failure::new(
            Code::AirInvalid,
            format!("the script of the case in {name} is not valid"),
        )
        .cause(diagnostics.join("\n")),
        other => Failure::new(
            Code::InputMalformed,
            format!("the case in {name} is malformed"),
        )
        .cause(other)
        .fix("weir sim run --help names the fields"),
    }
}

fn text_of(report: &CaseReport, output: &Output) -> String {
    let mut text = String::new();
    if report.calls.is_empty() {
        text.push_str("no calls\n");
    } else {
        let mut table = Table::new(&[
            Column::Text("PEER"),
            Column::Text("CALL"),
            Column::Text("ARGUMENTS"),
        ]);
        for call in &report.calls {
            let args: Vec<String> = call.args.iter().map(Value::to_json).collect();
            table.row([
                Cell::new(&*call.peer),
                call.call.as_str().into(),
                args.join(" ").into(),
            ]);
        }
        text.push_str(&output.render(&table));
    }
    for error in &report.errors {
        text.push_str(&format!(
            "{} {} {}: {}\n",
            output.palette().cross(),
            error.peer,
            error.code,
            error.message
        ));
    }
    for step in &report.pending {
        text.push_str(&format!(
            "waiting for {}: {} (reached at {})\n",
            step.waits_for, step.call, step.peer
        ));
    }
    text.push_str(&format!(
        "{} messages, {} bytes, {} steps, {} entries",
        report.messages, report.bytes, report.steps, report.entries
    ));
    text
}
