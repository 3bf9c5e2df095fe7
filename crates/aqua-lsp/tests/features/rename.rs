//! Another name for a definition.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use weir_aqua_lsp::rename;

use crate::fixture::Fixture;

fn check(files: &[(&str, &str)], new: &str, expected: Expect) {
    let mut at = Fixture::several(files);
    let text = match at.workspace.rename(&at.path.clone(), at.offset, new) {
        Err(reason) => format!("refused: {reason}\n"),
        Ok((analysis, edits)) => {
            let changed: BTreeSet<_> = edits.iter().map(|(place, _)| place.file).collect();
            let texts = changed.into_iter().map(|file| {
                let source = analysis.file(file);
                let own = edits.iter().filter(|(place, _)| place.file == file);
                format!(
                    "{}\n{}",
                    source.path.display(),
                    rename::apply(&source.text, own)
                )
            });
            texts.collect()
        }
    };
    expected.assert_eq(&text);
}

const LIBRARY: &str = "aqua Library declares *
data Size:
  width: u32
func area(width: u32) -> u32:
  s = Size(width)
  <- s.width
";

#[test]
fn a_function_is_renamed_in_all_files_and_keeps_its_other_names() {
    let main = "aqua Main
import area from \"library.aqua\"
import area as surface from \"library.aqua\"
export f
func f() -> u32:
  a = ar$0ea(1)
  b = surface(2)
  <- a + b
";
    check(
        &[("library.aqua", LIBRARY), ("main.aqua", main)],
        "room",
        expect![[r#"
            /work/library.aqua
            aqua Library declares *
            data Size:
              width: u32
            func room(width: u32) -> u32:
              s = Size(width)
              <- s.width
            /work/main.aqua
            aqua Main
            import room from "library.aqua"
            import room as surface from "library.aqua"
            export f
            func f() -> u32:
              a = room(1)
              b = surface(2)
              <- a + b
        "#]],
    );
}

#[test]
fn a_shorthand_field_is_written_out() {
    let local = LIBRARY.replace("area(width", "area($0width");
    check(
        &[("library.aqua", &local)],
        "w",
        expect![[r#"
        /work/library.aqua
        aqua Library declares *
        data Size:
          width: u32
        func area(w: u32) -> u32:
          s = Size(width = w)
          <- s.width
    "#]],
    );
    let field = LIBRARY.replace("  width", "  $0width");
    check(
        &[("library.aqua", &field)],
        "w",
        expect![[r#"
        /work/library.aqua
        aqua Library declares *
        data Size:
          w: u32
        func area(width: u32) -> u32:
          s = Size(w = width)
          <- s.w
    "#]],
    );
}

#[test]
fn names_that_are_none_or_taken_are_refused() {
    let at = |new, expected| {
        let text = LIBRARY.replace("func area", "func $0area");
        check(&[("library.aqua", &text)], new, expected);
    };
    at(
        "a b",
        expect![[r#"
        refused: `a b` is no name: it begins with a letter and has letters, digits and `_`
    "#]],
    );
    at(
        "Area",
        expect![[r#"
        refused: `Area` begins with a capital letter, and `area` with a small one: types and constants begin with a capital letter, and nothing else does
    "#]],
    );
    at(
        "",
        expect![[r#"
        refused: `` is no name: it begins with a letter and has letters, digits and `_`
    "#]],
    );
    let text = "aqua M declares *
func one() -> u32:
  <- 1
func tw$0o() -> u32:
  <- 2
";
    check(
        &[("main.aqua", text)],
        "one",
        expect![[r#"
        refused: `one` cannot be the name: `one` is defined twice
    "#]],
    );
}

#[test]
fn what_is_not_ours_keeps_its_name() {
    let text = "aqua M declares *
import Op from \"weir/std/builtin.aqua\"
func f() -> string:
  x <- O$0p.identity(\"a\")
  <- x
";
    check(
        &[("main.aqua", text)],
        "Oper",
        expect![[r#"
        refused: `Op` belongs to the standard declarations
    "#]],
    );
    check(
        &[("main.aqua", "aqua M declares *\n$0\n")],
        "x",
        expect![[r#"
        refused: there is no name here that can be changed
    "#]],
    );
}

const USES: &str = "aqua Main
use \"library.aqua\"
use \"other.aqua\" as O
export f, Library.area as g
func f(size: Library.Size) -> u32:
  a = Library.area(size.width)
  b = O.area(a)
  <- b
";

const OTHER: &str = "aqua Other declares *
func area(width: u32) -> u32:
  <- width
";

#[test]
fn the_name_of_a_module_is_changed_in_all_files_that_use_it_so() {
    let library = LIBRARY.replace("Library", "Li$0brary");
    let files = [
        ("library.aqua", library.as_str()),
        ("other.aqua", OTHER),
        ("main.aqua", USES),
    ];
    check(
        &files,
        "Shapes",
        expect![[r#"
        /work/library.aqua
        aqua Shapes declares *
        data Size:
          width: u32
        func area(width: u32) -> u32:
          s = Size(width)
          <- s.width
        /work/main.aqua
        aqua Main
        use "library.aqua"
        use "other.aqua" as O
        export f, Shapes.area as g
        func f(size: Shapes.Size) -> u32:
          a = Shapes.area(size.width)
          b = O.area(a)
          <- b
    "#]],
    );
    check(
        &files,
        "O",
        expect![[r#"
        refused: `O` means something else in /work/main.aqua
    "#]],
    );
    check(
        &files,
        "a.b",
        expect![[r#"
        refused: `a.b` is no name: it begins with a letter and has letters, digits and `_`
    "#]],
    );
}

#[test]
fn another_name_of_a_module_is_changed_in_its_file() {
    let main = USES.replace("O.area", "$0O.area");
    let files = [
        ("library.aqua", LIBRARY),
        ("other.aqua", OTHER),
        ("main.aqua", main.as_str()),
    ];
    check(
        &files,
        "other",
        expect![[r#"
        /work/main.aqua
        aqua Main
        use "library.aqua"
        use "other.aqua" as other
        export f, Library.area as g
        func f(size: Library.Size) -> u32:
          a = Library.area(size.width)
          b = other.area(a)
          <- b
    "#]],
    );
    check(
        &files,
        "Library",
        expect![[r#"
        refused: `Library` means something else in /work/main.aqua
    "#]],
    );
}

#[test]
fn modules_of_others_and_names_with_dots_stay() {
    let text = "aqua Main declares *
use \"weir/std/math.aqua\"
func f() -> i64:
  <- Math$0Lib.Math.add(1, 2)
";
    check(
        &[("main.aqua", text)],
        "M",
        expect![[r#"
        refused: `MathLib` belongs to the standard declarations
    "#]],
    );
    let text = "aqua Wide.Na$0me declares *\nconst ONE = 1\n";
    check(
        &[("main.aqua", text)],
        "M",
        expect![[r#"
        refused: `Wide.Name` is a name with dots: its parts are changed in the text
    "#]],
    );
}
