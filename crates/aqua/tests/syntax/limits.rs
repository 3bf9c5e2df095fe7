//! Texts that would exhaust the stack or the reader.

use expect_test::expect;
use weir_aqua::codes;
use weir_aqua::syntax::{DIAGNOSTICS_MAX, Parsed};

use super::{in_function, read};

fn codes_of(parsed: &Parsed) -> Vec<&'static str> {
    let diagnostics = parsed.diagnostics.iter();
    diagnostics.map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn what_nests_too_deep_or_follows_too_long_is_refused() {
    let many = 100_000;
    for text in [
        format!("x = a{}", " + a".repeat(many)),
        format!("x = a{}", " ** a".repeat(many)),
        format!("x = a{}", ".f".repeat(many)),
        format!("x = a{}", "[0]".repeat(many)),
        format!("x = a{}", "!".repeat(many)),
        format!("x = {}a", "!".repeat(many)),
        format!("x = {}", "(".repeat(many)),
        format!("x = {}", "f(".repeat(many)),
        format!("x = {}", "[".repeat(many)),
        format!("x = {}1{}", "(".repeat(many), ")".repeat(many)),
        format!("x: {}u8", "[]".repeat(many)),
        format!("x: {}u8", "*".repeat(many)),
        format!("x: {}", "?(".repeat(many)),
        format!("x = (a: {}u8):", "-> ".repeat(many)),
        format!("x = (a: {}u8):", "(".repeat(many)),
        format!("{}f()", "par ".repeat(many)),
        (0..1_000).fold(String::new(), |text, level| {
            text + &" ".repeat(level)
                + "try:
"
        }),
        format!("if a:\n  b()\n{}", "else if a:\n  b()\n".repeat(1_000)),
    ] {
        let parsed = read(&in_function(&text));
        assert_eq!(codes_of(&parsed), [codes::LIMIT], "{text:.40}");
    }
}

#[test]
fn what_is_within_the_limits_is_read() {
    for text in [
        format!("x = a{}", " + a".repeat(900)),
        format!("x = {}1{}", "(".repeat(120), ")".repeat(120)),
        format!("x: {}u8", "[]".repeat(120)),
        format!("x = [{}]", "a + 1, ".repeat(50_000)),
        "x = 1\n".repeat(50_000),
    ] {
        let parsed = read(&in_function(&text));
        assert_eq!(codes_of(&parsed), [""; 0], "{text:.40}");
    }
}

#[test]
fn the_limit_is_named() {
    let text = in_function(&format!("x = a{}\ny = 1", " + a".repeat(1_001)));
    let reported = crate::reported(&text, &read(&text).diagnostics);
    expect![[r#"
        2:4009 W0200: more than 1000 operators, fields and indices follow each other in one value | "+"
          help: give a part of it a name
    "#]].assert_eq(&reported);
}

#[test]
fn reading_ends_after_many_mistakes() {
    let parsed = read(&in_function(&"x = )\n".repeat(1_000)));
    assert_eq!(parsed.diagnostics.len(), DIAGNOSTICS_MAX);
    let last = parsed.diagnostics.last().expect("there are mistakes");
    assert_eq!(last.notes, ["only the first 50 errors of a file are shown"]);
}
