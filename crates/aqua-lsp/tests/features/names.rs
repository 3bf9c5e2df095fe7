//! Definitions and references.

use expect_test::{Expect, expect};
use weir_aqua_lsp::definition::{definition, type_definition};
use weir_aqua_lsp::references::references;

use crate::fixture::{Fixture, places};

const SHAPES: &str = "aqua Shapes declares *

data Point:
  x: i32
  y: i32

ability Drawing:
  draw(p: Point)

func middle(a: Point, b: Point) -> Point:
  x = (a.x + b.x) / 2
  p = Point(x, y = a.y)
  <- p
";

fn defined(files: &[(&str, &str)], expected: Expect) {
    let at = Fixture::several(files);
    let found = definition(&at.analysis, at.file, at.offset);
    expected.assert_eq(&places(&at.analysis, found));
}

fn used(files: &[(&str, &str)], expected: Expect) {
    let mut at = Fixture::several(files);
    let (analysis, file) = at.workspace.whole(&at.path).unwrap();
    let found = references(&analysis, file, at.offset);
    expected.assert_eq(&places(&analysis, found));
}

#[test]
fn an_imported_function_is_defined_in_its_file() {
    let main = "aqua Main
import middle from \"shapes.aqua\"
export f
func f() -> i32:
  <- mid$0dle(p, p).x
";
    defined(
        &[("shapes.aqua", SHAPES), ("main.aqua", main)],
        expect![[r#"
        shapes.aqua:10:6 middle
    "#]],
    );
}

#[test]
fn an_import_leads_to_its_file() {
    let main = "aqua Main
import \"sha$0pes.aqua\"
";
    defined(
        &[("shapes.aqua", SHAPES), ("main.aqua", main)],
        expect![[r#"
        shapes.aqua:1:1
    "#]],
    );
}

#[test]
fn a_type_behind_a_module_is_found() {
    let main = "aqua Main declares *
use \"shapes.aqua\"
func f(p: Shapes.Po$0int) -> i32:
  <- p.x
";
    defined(
        &[("shapes.aqua", SHAPES), ("main.aqua", main)],
        expect![[r#"
        shapes.aqua:3:6 Point
    "#]],
    );
}

#[test]
fn a_field_and_a_shorthand_field_lead_to_the_type_and_the_value() {
    let field = SHAPES.replace("b.x", "b.$0x");
    defined(
        &[("shapes.aqua", &field)],
        expect![[r#"
        shapes.aqua:4:3 x
    "#]],
    );
    let shorthand = SHAPES.replace("Point(x", "Point($0x");
    defined(
        &[("shapes.aqua", &shorthand)],
        expect![[r#"
        shapes.aqua:4:3 x
        shapes.aqua:11:3 x
    "#]],
    );
}

#[test]
fn the_type_of_a_value_is_defined_somewhere() {
    let text = SHAPES.replace("<- p", "<- $0p");
    let at = Fixture::new(&text);
    let found = type_definition(&at.analysis, at.file, at.offset);
    expect![[r#"
        main.aqua:3:6 Point
    "#]]
    .assert_eq(&places(&at.analysis, found));
}

#[test]
fn uses_in_all_files_are_found() {
    let one = "aqua One declares *
import middle from \"shapes.aqua\"
";
    let two = "aqua Two declares *
import middle as m from \"shapes.aqua\"
import Point from \"shapes.aqua\"
func f(p: Point) -> Point:
  <- m(p, p)
";
    let shapes = SHAPES.replace("middle", "$0middle");
    used(
        &[
            ("shapes.aqua", &shapes),
            ("one.aqua", one),
            ("two.aqua", two),
        ],
        expect![[r#"
            one.aqua:2:8 middle
            shapes.aqua:10:6 middle
            two.aqua:2:8 middle
            two.aqua:5:6 m
        "#]],
    );
}

#[test]
fn an_ability_in_braces_is_a_value_and_a_type() {
    let text = "aqua M declares *
ability Log$0:
  say(s: string)
func f{Log}():
  Log.say(\"a\")
func g{Log}():
  f{Log}()
";
    used(
        &[("main.aqua", text)],
        expect![[r#"
        main.aqua:2:9 Log
        main.aqua:4:8 Log
        main.aqua:5:3 Log
        main.aqua:6:8 Log
        main.aqua:7:5 Log
    "#]],
    );
}

#[test]
fn uses_of_a_field_are_found() {
    let shapes = SHAPES.replacen("x: i32", "$0x: i32", 1);
    used(
        &[("shapes.aqua", &shapes)],
        expect![[r#"
        shapes.aqua:4:3 x
        shapes.aqua:11:10 x
        shapes.aqua:11:16 x
        shapes.aqua:12:13 x
    "#]],
    );
}

#[test]
fn uses_of_a_module_are_found() {
    let shapes = SHAPES.replacen("Shapes", "$0Shapes", 1);
    let one = "aqua One declares *
use \"shapes.aqua\"
func f(p: Shapes.Point) -> Shapes.Point:
  <- Shapes.middle(p, p)
";
    let two = "aqua Two declares *
use \"shapes.aqua\" as S
func f(p: S.Point) -> S.Point:
  <- p
";
    let files = [
        ("shapes.aqua", shapes.as_str()),
        ("one.aqua", one),
        ("two.aqua", two),
    ];
    used(
        &files,
        expect![[r#"
        one.aqua:3:11 Shapes
        one.aqua:3:28 Shapes
        one.aqua:4:6 Shapes
        shapes.aqua:1:6 Shapes
    "#]],
    );
    let two = two.replace("p: S.", "p: $0S.");
    let files = [
        ("shapes.aqua", SHAPES),
        ("one.aqua", one),
        ("two.aqua", &two),
    ];
    used(
        &files,
        expect![[r#"
        two.aqua:2:22 S
        two.aqua:3:11 S
        two.aqua:3:23 S
    "#]],
    );
}
