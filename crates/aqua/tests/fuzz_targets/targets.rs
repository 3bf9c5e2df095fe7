//! Functions that take any bytes and panic only if this crate is wrong.

#[path = "../syntax/dump.rs"]
mod dump;

use weir_aqua::syntax::{Parsed, TokenKind, format, parse};
use weir_aqua::{FileId, Severity};

/// Reads any text: the tokens are the text, and every place is in it. What is right keeps its
/// meaning and its comments when it is formatted.
pub fn syntax(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(FileId(0), &text);
    check_places(&text, &parsed);
    for item in &parsed.tree.items {
        assert!(text.get(item.span.range()).is_some());
        parsed.docs(&text, item.span.start);
    }
    match format(&text) {
        Ok(formatted) => check_format(&text, &parsed, &formatted),
        Err(diagnostics) => assert_eq!(diagnostics, parsed.diagnostics),
    }
}

fn check_format(text: &str, parsed: &Parsed, formatted: &str) {
    let again = parse(FileId(0), formatted);
    assert_eq!(again.diagnostics, [], "{formatted}");
    assert_eq!(
        dump::tree(&parsed.tree),
        dump::tree(&again.tree),
        "formatting changes the program:\n{formatted}"
    );
    assert_eq!(
        comments(text, parsed),
        comments(formatted, &again),
        "formatting changes comments:\n{formatted}"
    );
    let twice = format(formatted).expect("a formatted file is right");
    assert_eq!(formatted, twice, "formatting again changes it");
}

/// The comments in any order.
fn comments<'t>(text: &'t str, parsed: &Parsed) -> Vec<&'t str> {
    let tokens = parsed.tokens.iter();
    let comments = tokens.filter(|token| token.kind == TokenKind::Comment);
    let mut comments: Vec<&str> = comments
        .map(|token| text[token.span.range()].trim_end())
        .collect();
    comments.sort_unstable();
    comments
}

fn check_places(text: &str, parsed: &Parsed) {
    let mut end = 0;
    for token in &parsed.tokens {
        assert_eq!(token.span.start, end, "the tokens leave something out");
        assert!(token.span.end > end, "a token is empty");
        assert!(text.get(token.span.range()).is_some());
        assert_ne!(token.kind, TokenKind::End);
        end = token.span.end;
    }
    assert_eq!(end as usize, text.len(), "the tokens end early");
    for diagnostic in &parsed.diagnostics {
        assert_eq!(diagnostic.severity, Severity::Error);
        let labels = diagnostic.labels.iter().map(|label| label.place);
        let edits = diagnostic.edit.iter().map(|edit| edit.place);
        for place in labels.chain(edits).chain([diagnostic.place]) {
            assert_eq!(place.file, FileId(0));
            let piece = text.get(place.span.range());
            assert!(piece.is_some(), "{:?} is not in the text", place.span);
        }
    }
}
