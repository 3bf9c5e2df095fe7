//! Large programs are placed and written in time that grows with their size.

use std::time::{Duration, Instant};

use weir_aqua::{emit, place};

use crate::notation;

/// Far more than it takes, far less than anything quadratic would.
const TIME_MAX: Duration = Duration::from_secs(5);

fn place_large(text: &str) -> String {
    let program = notation::program(text, true);
    let start = Instant::now();
    let placed = place::place(&program);
    let script = emit::air(&placed);
    emit::plan_text(&emit::plan(&placed));
    assert!(start.elapsed() < TIME_MAX, "it took {:?}", start.elapsed());
    script
}

/// `before` many times, what is innermost, and `after` as often.
fn nested(count: usize, before: &str, inner: &str, after: &str) -> String {
    [before.repeat(count), inner.to_owned(), after.repeat(count)].concat()
}

#[test]
fn ten_thousand_calls() {
    place_large(&"(c) ".repeat(10_000));
    place_large(&"(on p r : (c)) (on q s : (d)) ".repeat(5_000));
    place_large(&"(co (on p : (c -> x))) ".repeat(10_000));
    place_large(&"(try (if x 1 (on p r : (c))) (on q : (d))) ".repeat(3_000));
}

#[test]
fn a_thousand_nested_places() {
    place_large(&nested(1_000, "(on p : (c) ", "(d)", ")"));
    place_large(&nested(1_000, "(on p r : ", "(d)", ")"));
    let script = place_large(&nested(500, "(on p r : (c) (on q s : (d) ", "(e)", "))"));
    assert!(script.len() < 1 << 20, "{} bytes", script.len());
}

#[test]
fn two_thousand_levels() {
    place_large(&nested(1_990, "(try ", "(c)", " (d))"));
    place_large(&nested(1_990, "(par (a) ", "(c)", ")"));
    place_large(&nested(1_990, "(co (c -> x) ", "(c x)", ")"));
    place_large(&nested(1_990, "(new $s ", "(c -> $s)", ")"));
    place_large(&nested(
        990,
        "(try (if x 1 (on p r : (c) ",
        "(d)",
        ")) (null)) ",
    ));
}

#[test]
fn nested_loops() {
    let mut text = "(c)".to_owned();
    for level in 0..500 {
        text = format!("(for i{level} l (on i{level} : {text}) (next i{level}))");
    }
    place_large(&text);
}
