//! Diagnostics as text: what the command line shows, without the pieces of the file.

use std::fmt::Write;

use weir_aqua::{Diagnostic, FileId, Span};

/// All of them; a file is a prefix for places in it, and its text.
pub fn diagnostics<'t>(
    file: &dyn Fn(FileId) -> (String, &'t str),
    diagnostics: &[Diagnostic],
) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let span = diagnostic.place.span;
        let (_, text) = file(diagnostic.place.file);
        writeln!(
            out,
            "{} {}: {} | {:?}",
            position(text, span),
            diagnostic.code,
            diagnostic.message,
            &text[span.range()],
        )
        .unwrap();
        for label in &diagnostic.labels {
            let (path, text) = file(label.place.file);
            let at = position(text, label.place.span);
            writeln!(out, "  at {path}{at}: {}", label.message).unwrap();
        }
        for note in &diagnostic.notes {
            writeln!(out, "  note: {note}").unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
        if let Some(edit) = &diagnostic.edit {
            let old = &text[edit.place.span.range()];
            writeln!(out, "  edit: {old:?} to {:?}", edit.text).unwrap();
        }
    }
    out
}

fn position(text: &str, span: Span) -> String {
    let before = &text[..span.start as usize];
    let line = before.matches('\n').count() + 1;
    let column = before[before.rfind('\n').map_or(0, |end| end + 1)..]
        .chars()
        .count()
        + 1;
    format!("{line}:{column}")
}
