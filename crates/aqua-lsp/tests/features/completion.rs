//! What can be written, and the arguments of a call.

use std::fmt::Write;

use expect_test::{Expect, expect};
use weir_aqua_lsp::completion::completion;
use weir_aqua_lsp::signature::signature;

use crate::fixture::Fixture;

const START: &str = "aqua Main declares *
import Op from \"weir/std/builtin.aqua\"
use \"other.aqua\"
data Point:
  x: i32
  y: i32
service Counter(\"c\"):
  add(n: u32, twice: bool) -> Point
const LIMIT = 7
func size(p: Point) -> i32:
  <- p.x
";

const OTHER: &str = "aqua Other declares *
const SMALL = 1
func other(a: u32) -> u32:
  <- a
";

fn items(body: &str) -> Vec<(String, String)> {
    let main = format!("{START}{body}");
    let at = Fixture::several(&[("other.aqua", OTHER), ("main.aqua", &main)]);
    let analyse = |text: &str| at.workspace.imagined(&at.path, text);
    completion(&at.analysis, at.file, at.offset, &analyse)
        .into_iter()
        .map(|item| (item.label, item.detail))
        .collect()
}

fn check(body: &str, expected: Expect) {
    let mut out = String::new();
    for (label, detail) in items(body) {
        writeln!(out, "{}", format!("{label:12} {detail}").trim_end()).unwrap();
    }
    expected.assert_eq(&out);
}

#[test]
fn behind_a_dot_stand_members() {
    check(
        "func f(p: Point) -> i32:\n  <- p.$0\n",
        expect![[r#"
        copy         the same with other fields
        x            i32
        y            i32
    "#]],
    );
    check(
        "func f(p: Point) -> i32:\n  x <- Counter.a$0\n  <- 1\n",
        expect![[r#"
            add          (n: u32, twice: bool) -> Point
        "#]],
    );
    check(
        "func f(p: []Point) -> u32:\n  l = p.$0\n",
        expect![[r#"
        length       u32
    "#]],
    );
    check(
        "func f(p: []Point) -> i32:\n  <- p[0].$0\n",
        expect![[r#"
        copy         the same with other fields
        x            i32
        y            i32
    "#]],
    );
    check(
        "func f(p: []Point) -> i32:\n  m: %u32\n  a = m.$0\n  <- 1\n",
        expect![[r#"
            contains     (key: string) -> bool
            get          (key: string) -> []u32
            getStream    (key: string) -> *u32
            keys         () -> []string
            keysStream   () -> *string
            length       u32
        "#]],
    );
}

#[test]
fn behind_a_module_stand_its_names() {
    let found = items("func f() -> u32:\n  <- Other.$0\n");
    assert!(found.contains(&(String::from("other"), String::from("(a: u32) -> u32"))));
    assert!(found.contains(&(String::from("SMALL"), String::from("1"))));
}

#[test]
fn in_a_body_stand_the_values_that_are_visible() {
    let found = items(
        "func f(n: u32, p: Point) -> u32:
  before = 1
  for inside <- [1]:
    deep = 2
  on \"peer\":
    here = 3
  $0
  after = 4
  <- 5
",
    );
    let has = |name: &str| found.iter().any(|(label, _)| label == name);
    for name in [
        "n", "p", "before", "here", "size", "LIMIT", "Counter", "Point", "Other", "nil", "for",
    ] {
        assert!(has(name), "{name} is missing");
    }
    for name in ["inside", "deep", "after", "func"] {
        assert!(!has(name), "{name} is not visible");
    }
}

#[test]
fn in_a_block_stand_its_own_values_too() {
    let found = items("func f(n: u32):\n  for item <- [1]:\n    x = $0\n");
    assert!(found.iter().any(|(label, _)| label == "item"));
    assert!(
        !found.iter().any(|(label, _)| label == "for"),
        "no statement begins there"
    );
}

#[test]
fn types_stand_where_types_are_wanted() {
    let found = items("func f(n: []$0) -> u32:\n  <- 1\n");
    assert!(found.iter().any(|(label, _)| label == "Point"));
    assert!(found.iter().any(|(label, _)| label == "u32"));
    assert!(!found.iter().any(|(label, _)| label == "LIMIT"));
}

#[test]
fn a_line_of_its_own_begins_a_definition() {
    check(
        "$0",
        expect![[r#"
        ability
        alias
        aqua
        const
        data
        export
        func
        import
        service
        use
    "#]],
    );
}

#[test]
fn imports_name_the_standard_declarations() {
    let at = Fixture::new("aqua M\nimport \"$0\"\n");
    let analyse = |_: &str| None;
    let found = completion(&at.analysis, at.file, at.offset, &analyse);
    assert!(
        found
            .iter()
            .any(|item| item.label == "weir/std/builtin.aqua")
    );
}

#[test]
fn nothing_is_proposed_in_comments_and_strings() {
    assert!(items("-- a $0\n").is_empty());
    assert!(items("func f() -> string:\n  <- \"a$0\"\n").is_empty());
}

fn call(body: &str, expected: Expect) {
    let main = format!("{START}{body}");
    let at = Fixture::several(&[("other.aqua", OTHER), ("main.aqua", &main)]);
    let found = signature(&at.analysis, at.file, at.offset);
    expected.assert_eq(&found.map_or_else(String::new, |found| {
        let active = found.params.get(found.active as usize);
        let active = active.map(|(start, end)| &found.label[*start as usize..*end as usize]);
        format!("{} | {}", found.label, active.unwrap_or_default())
    }));
}

#[test]
fn a_call_shows_the_argument_that_is_being_written() {
    call(
        "func f() -> u32:\n  x <- Counter.add($0\n",
        expect!["add(n: u32, twice: bool) -> Point | n: u32"],
    );
    call(
        "func f() -> u32:\n  x <- Counter.add(1, $0)\n",
        expect!["add(n: u32, twice: bool) -> Point | twice: bool"],
    );
    call(
        "func f() -> u32:\n  x <- Counter.add(Other.other($0), true)\n",
        expect!["other(a: u32) -> u32 | a: u32"],
    );
    call(
        "func f() -> u32:\n  x <- Counter.add(Other.other(1), t$0rue)\n",
        expect!["add(n: u32, twice: bool) -> Point | twice: bool"],
    );
    call(
        "func f() -> u32:\n  x = size(Point(x = 1, $0y = 2))\n",
        expect![[""]],
    );
    call("func f() -> u32:\n  x = (1 + $0)\n", expect![[""]]);
}
