//! What is wrong with programs, for people and for `--json`.

use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, excerpt, position};
use serde::Serialize;
use weir_aqua::{Compilation, Diagnostic, Place, Severity, codes};

/// More faults are only counted.
const FAULTS_SHOWN: usize = 20;

/// One thing that is wrong.
#[derive(Serialize)]
pub(super) struct Fault {
    severity: &'static str,
    code: &'static str,
    message: String,
    file: String,
    line: usize,
    column: usize,
    /// Bytes from the beginning of the file.
    start: u32,
    end: u32,
    labels: Vec<Label>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<Edit>,
}

#[derive(Serialize)]
struct Label {
    message: String,
    file: String,
    line: usize,
    column: usize,
}

/// A change of the text that puts it right.
#[derive(Serialize)]
struct Edit {
    start: u32,
    end: u32,
    text: String,
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn file_of(compilation: &Compilation, place: Place) -> (String, &str) {
    let file = compilation.set.get(place.file);
    (file.path.display().to_string(), &file.text)
}

/// All faults of a compilation.
pub(super) fn list(compilation: &Compilation) -> Vec<Fault> {
    let faults = compilation.diagnostics.iter();
    faults
        .map(|diagnostic| fault(compilation, diagnostic))
        .collect()
}

fn fault(compilation: &Compilation, diagnostic: &Diagnostic) -> Fault {
    let span = diagnostic.place.span;
    let (file, text) = file_of(compilation, diagnostic.place);
    let (line, column) = position(text, span.start as usize);
    let labels = diagnostic.labels.iter().map(|label| {
        let (file, text) = file_of(compilation, label.place);
        let (line, column) = position(text, label.place.span.start as usize);
        Label {
            message: label.message.clone(),
            file,
            line,
            column,
        }
    });
    Fault {
        severity: word(diagnostic.severity),
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        labels: labels.collect(),
        notes: diagnostic.notes.clone(),
        help: diagnostic.help.clone(),
        edit: diagnostic.edit.as_ref().map(|edit| Edit {
            start: edit.place.span.start,
            end: edit.place.span.end,
            text: edit.text.clone(),
        }),
        file,
        line,
        column,
        start: span.start,
        end: span.end,
    }
}

/// Shows what is wrong.
pub(super) fn show(compilation: &Compilation, output: &Output) {
    for diagnostic in compilation.diagnostics.iter().take(FAULTS_SHOWN) {
        show_one(compilation, diagnostic, output);
    }
    let more = compilation.diagnostics.len().saturating_sub(FAULTS_SHOWN);
    if more > 0 {
        output.detail(&format!("and {more} more"));
    }
}

/// Shows one thing that is wrong.
pub(super) fn show_one(compilation: &Compilation, diagnostic: &Diagnostic, output: &Output) {
    let palette = output.error_palette();
    let title = format!("{}[{}]:", word(diagnostic.severity), diagnostic.code);
    let title = match diagnostic.severity {
        Severity::Error => palette.error(&title),
        Severity::Warning => palette.warning(&title),
    };
    let mut shown = format!("{title} {}", diagnostic.message);
    let mut add = |place: Place, message: &str| {
        let (file, text) = file_of(compilation, place);
        shown.push('\n');
        shown.push_str(&excerpt(&file, text, place.span.range(), message, palette));
    };
    add(diagnostic.place, "");
    for label in &diagnostic.labels {
        add(label.place, &label.message);
    }
    for note in &diagnostic.notes {
        shown.push_str(&format!("\n  {} {note}", palette.dim("note     ")));
    }
    if let Some(help) = &diagnostic.help {
        shown.push_str(&format!("\n  {} {help}", palette.dim("fix      ")));
    }
    output.detail(&shown);
}

/// The failure of a command that needs the script of a function, which is shown: a limit, or a defect of the compiler.
pub(super) fn unscripted(
    compilation: &Compilation,
    problem: &Diagnostic,
    output: &Output,
) -> Failure {
    show_one(compilation, problem, output);
    if problem.code != codes::INTERNAL {
        return Failure::new(Code::AquaInvalid, problem.message.clone());
    }
    let failure = Failure::new(Code::Internal, problem.message.clone());
    match &problem.help {
        Some(help) => failure.fix(help),
        None => failure,
    }
}

/// The failure of a command that needs programs without errors.
pub(super) fn refused(compilation: &Compilation) -> Option<Failure> {
    let errors = compilation.diagnostics.iter();
    let errors = errors.filter(|one| one.severity == Severity::Error).count();
    if errors == 0 {
        return None;
    }
    let ending = if errors == 1 { "" } else { "s" };
    let what = match compilation.set.entries.as_slice() {
        [entry] => compilation.set.get(*entry).path.display().to_string(),
        entries => format!("the {} programs", entries.len()),
    };
    let verb = if compilation.set.entries.len() == 1 {
        "has"
    } else {
        "have"
    };
    let failure = Failure::new(
        Code::AquaInvalid,
        format!("{what} {verb} {errors} error{ending}"),
    );
    let data = serde_json::json!({ "faults": list(compilation) });
    let data = serde_json::value::to_raw_value(&data).expect("faults are texts and numbers");
    Some(failure.with_data(data))
}
