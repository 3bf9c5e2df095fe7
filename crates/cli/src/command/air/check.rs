//! `weir air check`: all faults of scripts at once.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report, excerpt, position};
use serde::Serialize;
use std::path::PathBuf;
use weir_air::{Diagnostic, Limits, Script, Severity};

/// More faults of one file are only counted.
const FAULTS_SHOWN: usize = 10;

#[derive(Serialize)]
struct Checked {
    files: Vec<CheckedFile>,
}

#[derive(Serialize)]
struct CheckedFile {
    file: String,
    instructions: usize,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    severity: &'static str,
    code: &'static str,
    message: String,
    line: usize,
    column: usize,
    /// Bytes from the beginning of the file.
    start: usize,
    end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// Checks every file; fails if one of them has an error.
pub(super) fn run(files: &[PathBuf], output: &Output) -> Result<Report, Failure> {
    let mut checked = Vec::new();
    let mut lines = String::new();
    let mut refused: Option<Failure> = None;
    for file in files {
        let name = input::name(file);
        let text = input::script(file)?;
        let (instructions, diagnostics) = match weir_air::parse(&text, &Limits::default()) {
            Ok(script) => (script.nodes().len(), script.warnings().to_vec()),
            Err(diagnostics) => (0, diagnostics),
        };
        show(&name, &text, &diagnostics, output);
        let errors = count(&diagnostics, Severity::Error);
        if errors > 0 {
            refused.get_or_insert_with(|| invalid(&name, errors));
        } else {
            let instructions = plural(instructions, "instruction");
            lines.push_str(&format!(
                "{} {name}: {instructions}\n",
                output.palette().check()
            ));
        }
        checked.push(CheckedFile {
            instructions,
            faults: faults(&text, &diagnostics),
            file: name,
        });
    }
    let report = Report::new(
        &Checked { files: checked },
        if refused.is_some() {
            String::new()
        } else {
            lines
        },
    );
    Ok(match refused {
        Some(failure) => report.failing(failure),
        None => report,
    })
}

/// The script of a command that cannot go on without one: faults are shown, warnings too.
pub(crate) fn parsed(name: &str, text: &str, output: &Output) -> Result<Script, Failure> {
    let script = weir_air::parse(text, &Limits::default())
        .map_err(|diagnostics| refused(name, text, &diagnostics, output))?;
    show(name, text, script.warnings(), output);
    Ok(script)
}

/// Shows why a script is refused.
pub(crate) fn refused(
    name: &str,
    text: &str,
    diagnostics: &[Diagnostic],
    output: &Output,
) -> Failure {
    show(name, text, diagnostics, output);
    let data = Checked {
        files: vec![CheckedFile {
            file: name.to_owned(),
            instructions: 0,
            faults: faults(text, diagnostics),
        }],
    };
    let data = serde_json::value::to_raw_value(&data)
        .expect("faults are texts and numbers, which JSON can hold");
    invalid(name, count(diagnostics, Severity::Error)).with_data(data)
}

fn invalid(name: &str, errors: usize) -> Failure {
    Failure::new(
        Code::AirInvalid,
        format!("{name} has {}", plural(errors, "error")),
    )
}

fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

fn count(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == severity)
        .count()
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn faults(text: &str, diagnostics: &[Diagnostic]) -> Vec<Fault> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.span.range();
            let (line, column) = position(text, place.start);
            Fault {
                severity: word(diagnostic.severity),
                code: diagnostic.code,
                message: diagnostic.message.clone(),
                line,
                column,
                start: place.start,
                end: place.end,
                help: diagnostic.help.clone(),
            }
        })
        .collect()
}

fn show(name: &str, text: &str, diagnostics: &[Diagnostic], output: &Output) {
    let palette = output.error_palette();
    for diagnostic in diagnostics.iter().take(FAULTS_SHOWN) {
        let title = format!("{}[{}]:", word(diagnostic.severity), diagnostic.code);
        let title = match diagnostic.severity {
            Severity::Error => palette.error(&title),
            Severity::Warning => palette.warning(&title),
        };
        let mut shown = format!("{title} {}\n", diagnostic.message);
        shown.push_str(&excerpt(name, text, diagnostic.span.range(), "", palette));
        for label in &diagnostic.labels {
            shown.push('\n');
            shown.push_str(&excerpt(
                name,
                text,
                label.span.range(),
                &label.message,
                palette,
            ));
        }
        if let Some(help) = &diagnostic.help {
            shown.push_str(&format!("\n  {} {help}", palette.dim("fix      ")));
        }
        output.detail(&shown);
    }
    if diagnostics.len() > FAULTS_SHOWN {
        output.detail(&format!(
            "and {} more in {name}",
            diagnostics.len() - FAULTS_SHOWN
        ));
    }
}
