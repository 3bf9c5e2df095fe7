//! Functions that take any bytes and panic only if this crate is wrong.

#[path = "../syntax/dump.rs"]
mod dump;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_aqua::files::{Files, normalised};
use weir_aqua::lower::Options;
use weir_aqua::syntax::{Parsed, TokenKind, format, parse};
use weir_aqua::{Compilation, FileId, Place, Request, Severity, compile, emit};

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

/// Compiles any text. If there are no errors, every function becomes a script that parses.
pub fn program(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let request = Request {
        entries: vec![PathBuf::from(MAIN)],
        ..Request::default()
    };
    let done = compile(&request, &Texts(&text)).expect("the text is there");
    for diagnostic in &done.diagnostics {
        let labels = diagnostic.labels.iter().map(|label| label.place);
        let edits = diagnostic.edit.iter().map(|edit| edit.place);
        for place in labels.chain(edits).chain([diagnostic.place]) {
            check_place(&done, place);
        }
    }
    for (from, to) in done.world.references.iter().chain(&done.bodies.references) {
        check_place(&done, *from);
        check_place(&done, *to);
    }
    if done.has_errors() {
        return;
    }
    let options = Options {
        operations_max: 2_000,
        ..Options::default()
    };
    for func in done.world.functions() {
        emit::definition::function("f", &done.world.func(func).ty);
        let Ok(program) = done.program(func, &options) else {
            continue;
        };
        emit::plan_text(&emit::plan(&program));
        let script = emit::air(&program).unwrap_or_else(|defect| panic!("{defect:#?}"));
        let parsed = weir_air::parse(&script, &weir_air::Limits::default());
        assert!(parsed.is_ok(), "{:?}\n{script}", parsed.err());
    }
}

const MAIN: &str = "corpus/main.aqua";

/// One text, and the modules that programs of the corpus import.
struct Texts<'t>(&'t str);

impl Files for Texts<'_> {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(match normalised(path).to_str() {
            Some(MAIN) => Some(self.0),
            Some("modules/maps.aqua" | "corpus/maps.aqua") => {
                Some(include_str!("../../corpus/modules/maps.aqua"))
            }
            Some("modules/travel.aqua" | "corpus/travel.aqua") => {
                Some(include_str!("../../corpus/modules/travel.aqua"))
            }
            Some("modules/units.aqua" | "corpus/units.aqua") => {
                Some(include_str!("../../corpus/modules/units.aqua"))
            }
            _ => None,
        }
        .map(Arc::from))
    }
}

fn check_place(done: &Compilation, place: Place) {
    let text = &done.set.get(place.file).text;
    let piece = text.get(place.span.range());
    assert!(piece.is_some(), "{place:?} is not in the text");
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
