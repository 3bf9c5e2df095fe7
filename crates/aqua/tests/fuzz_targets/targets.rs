//! Functions that take any bytes and panic only if this crate is wrong.

use weir_aqua::syntax::{Parsed, TokenKind, parse};
use weir_aqua::{FileId, Severity};

/// Reads any text: the tokens are the text, and every place is in it.
pub fn syntax(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(FileId(0), &text);
    check_places(&text, &parsed);
    for item in &parsed.tree.items {
        assert!(text.get(item.span.range()).is_some());
        parsed.docs(&text, item.span.start);
    }
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
