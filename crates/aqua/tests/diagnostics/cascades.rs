//! A mistake in one place is not told again where others depend on it.

use expect_test::{Expect, expect};

use super::program::compile_as;
use super::report;

fn check(text: &str, expected: &Expect) {
    let compilation = compile_as("main.aqua", text);
    let file = |_| (String::new(), text);
    expected.assert_eq(&report::diagnostics(&file, &compilation.diagnostics));
}

#[test]
fn what_a_missing_file_could_hold_is_not_missed() {
    check(
        "aqua Main\nimport \"nowhere.aqua\"\nfunc f(a: Thing) -> u32:\n  T \"id\"\n  x <- g(Other(n = LIMIT))\n  <- x\n",
        &expect![[r#"
            2:8 W0211: `nowhere.aqua` is not found | "\"nowhere.aqua\""
              note: looked for nowhere.aqua
              note: looked for node_modules/nowhere.aqua
              help: write a path relative to this file, or name the folder that holds it with `--import`
        "#]],
    );
    check(
        "aqua Main\nimport g from \"nowhere.aqua\"\nfunc f() -> u32:\n  x <- g()\n  <- x + h\n",
        &expect![[r#"
            2:15 W0211: `nowhere.aqua` is not found | "\"nowhere.aqua\""
              note: looked for nowhere.aqua
              note: looked for node_modules/nowhere.aqua
              help: write a path relative to this file, or name the folder that holds it with `--import`
            5:10 W0230: there is no `h` here | "h"
        "#]],
    );
    check(
        "aqua Main\nuse \"nowhere.aqua\" as N\nfunc f(a: N.Thing) -> u32:\n  <- N.M.g(N.LIMIT) + h\n",
        &expect![[r#"
            2:5 W0211: `nowhere.aqua` is not found | "\"nowhere.aqua\""
              note: looked for nowhere.aqua
              note: looked for node_modules/nowhere.aqua
              help: write a path relative to this file, or name the folder that holds it with `--import`
            4:23 W0230: there is no `h` here | "h"
        "#]],
    );
}

#[test]
fn a_name_that_a_file_does_not_declare_is_reported_where_it_is_imported() {
    check(
        "aqua Main\nimport hidden as seen from \"modules/maps.aqua\"\nexport seen\nfunc f() -> string:\n  <- seen(\"x\")\n",
        &expect![[r#"
            2:8 W0213: modules/maps.aqua does not declare `hidden` | "hidden"
              help: it is there: add `hidden` to the `declares` list of that file
        "#]],
    );
}

#[test]
fn a_definition_that_could_not_be_read_is_not_missed() {
    check(
        "aqua Main declares g\nexport g\nfunc g(n: u32 -> u32:\n  <- n\nfunc f() -> u32:\n  <- g(1)\n",
        &expect![[r#"
            3:21 W0201: expected `,` or `)` after the arguments, found `:` | ":"
        "#]],
    );
    check(
        "aqua Main\nconst A = 1 + 1\nconst B = A\nfunc f() -> u32:\n  <- A + B\n",
        &expect![[r#"
            2:11 W0206: a constant is a literal or another constant | "1 + 1"
              help: compute the value in a function
        "#]],
    );
    check(
        "aqua Main\ndata P:\n  s: *Missing\nfunc f(p: P) -> P:\n  x = p.s.length\n  <- P(s = x)\n",
        &expect![[r#"
            3:6 W0246: a stream cannot be a field of a structure | "*Missing"
              note: elements and fields are data: numbers, strings, truth values, structures, and arrays and options of them
              help: use an `ability` in place of `data`
            3:7 W0220: there is no type `Missing` | "Missing"
              help: define it, or import the file that declares it
        "#]],
    );
}

#[test]
fn values_of_statements_that_could_not_be_read_are_not_missed() {
    check(
        "aqua Main\nservice S(\"s\"):\n  get(n: u32) -> u32\nfunc f() -> u32:\n  x <- S.get(1,,2)\n  y = 3 +* 4\n  z: *\n  z <<- y\n  <- x + y + z!\n",
        &expect![[r#"
            5:16 W0201: expected a value, found `,` | ","
            6:10 W0201: expected a value after `+`, found `*` | "*"
            7:7 W0201: expected a type, found the end of the line | ""
        "#]],
    );
}
