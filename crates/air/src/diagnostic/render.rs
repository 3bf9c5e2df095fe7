//! A diagnostic as text, with the lines it is about.
//!
//! Minified scripts are one line of up to megabytes, so a line is shown only
//! around the place. Hidden characters of the script are replaced: they could
//! change what the terminal shows elsewhere.

use std::fmt::Write;

use crate::ast::Span;

use super::{Diagnostic, Severity, is_hidden};

/// Characters of a line that are shown before the place.
const BEFORE_CHARS_MAX: usize = 40;
/// Characters of a line that are shown in all.
const LINE_CHARS_MAX: usize = 100;

impl Diagnostic {
    /// The diagnostic as plain text of several lines: what is wrong, the lines of
    /// `text` that matter, with the places underlined, and how to put it right.
    /// `name` is what to call the script, its file for example.
    pub fn render(&self, name: &str, text: &str) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!("{severity}[{}]: {}\n", self.code, self.message);
        write_place(&mut out, name, text, self.span, "");
        for label in &self.labels {
            write_place(&mut out, name, text, label.span, &label.message);
        }
        if let Some(help) = &self.help {
            out.push_str("  help: ");
            out.push_str(help);
            out.push('\n');
        }
        out
    }
}

impl Span {
    /// Line and column of the first byte, both from 1; the column counts characters.
    pub fn line_and_column(self, text: &str) -> (usize, usize) {
        let before = text.get(..self.start as usize).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

fn write_place(out: &mut String, name: &str, text: &str, span: Span, message: &str) {
    let (line, column) = span.line_and_column(text);
    let before = text.get(..span.start as usize).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let content = text[line_start..].split('\n').next().unwrap_or_default();
    let skipped = column.saturating_sub(1 + BEFORE_CHARS_MAX);
    let mut window = content.chars().skip(skipped);
    let shown: String = window.by_ref().take(LINE_CHARS_MAX).map(visible).collect();
    let head = if skipped > 0 { "…" } else { "" };
    let tail = if window.next().is_some() { "…" } else { "" };
    let before = column - 1 - skipped;
    let marked = text
        .get(span.range())
        .and_then(|place| place.split('\n').next())
        .map_or(0, |place| {
            place.chars().take(LINE_CHARS_MAX - before).count()
        });
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(before + head.chars().count());
    let marks = "^".repeat(marked.max(1));
    let underline = format!("{indent}{marks} {message}");
    writeln!(out, "  at {name}:{line}:{column}").expect("writing to a string cannot fail");
    writeln!(out, "  {number} | {head}{}{tail}", shown.trim_end())
        .expect("writing to a string cannot fail");
    writeln!(out, "  {margin} | {}", underline.trim_end())
        .expect("writing to a string cannot fail");
}

fn visible(character: char) -> char {
    // One column for each character, as the marks below assume.
    if character.is_control() {
        ' '
    } else if is_hidden(character) {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}
