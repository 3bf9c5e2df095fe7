//! Aqua as text in, its tree or its mistakes as text out.

mod blocks;
mod definitions;
mod dump;
mod expressions;
mod format;
mod headers;
mod limits;
mod mistakes;
mod report;
mod statements;
mod tokens;
mod types;

use expect_test::Expect;
use weir_aqua::syntax::{Parsed, parse};
use weir_aqua::{Diagnostic, FileId};

fn read(text: &str) -> Parsed {
    parse(FileId(0), text)
}

fn reported(text: &str, diagnostics: &[Diagnostic]) -> String {
    report::diagnostics(&|_| (String::new(), text), diagnostics)
}

/// Compares the tree of a file and, below it, what is wrong with it.
fn check(text: &str, expected: &Expect) {
    let parsed = read(text);
    let mut out = dump::tree(&parsed.tree);
    if !parsed.diagnostics.is_empty() {
        out.push_str(&reported(text, &parsed.diagnostics));
    }
    expected.assert_eq(&out);
}

/// Compares what is wrong with a file.
fn check_mistakes(text: &str, expected: &Expect) {
    expected.assert_eq(&reported(text, &read(text).diagnostics));
}

/// The lines as the body of a function.
fn in_function(lines: &str) -> String {
    let mut text = "func f():\n".to_owned();
    for line in lines.lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}
