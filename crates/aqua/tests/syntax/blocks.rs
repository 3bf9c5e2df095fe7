//! Indentation.

use expect_test::expect;

use super::{check, check_mistakes};

#[test]
fn siblings_may_be_indented_differently() {
    check(
        "func f():\n  if a:\n      b()\n      c()\n  if a:\n   d()\n  try:\n     e()\nfunc g():\n\tif a:\n\t  b()\n\tc()",
        &expect![[r#"
            (func f (->)
              (if a
                (<- (call b))
                (<- (call c)))
              (if a
                (<- (call d)))
              (try
                (<- (call e))))
            (func g (->)
              (if a
                (<- (call b)))
              (<- (call c)))
        "#]],
    );
}

#[test]
fn a_line_unlike_its_siblings_is_reported() {
    check(
        "func f():\n    a()\n      b()\n      c()\n    d()\n  e()\n    g()\n",
        &expect![[r#"
            (func f (->)
              (<- (call a))
              (<- (call b))
              (<- (call c))
              (<- (call d))
              (<- (call e))
              (<- (call g)))
            3:1 W0203: this line is indented by 6 spaces, the lines above by 4 spaces | "      "
              edit: "      " to "    "
            6:1 W0203: this line is indented by 2 spaces, the lines above by 4 spaces | "  "
              edit: "  " to "    "
        "#]],
    );
}

#[test]
fn tabs_and_spaces_are_never_equal() {
    check(
        "func f():\n  a()\n\tb()\n\tif c:\n\t\td()\n  e()\nfunc g():\n  if a:\n\tb()\n  c()\n",
        &expect![[r#"
            (func f (->)
              (<- (call a))
              (<- (call b))
              (if c
                (<- (call d)))
              (<- (call e)))
            (func g (->)
              (if a
                (<- (call b)))
              (<- (call c)))
            3:1 W0203: this line is indented by 1 tab, the lines above by 2 spaces | "\t"
              note: a tab is never equal to spaces
              edit: "\t" to "  "
            9:1 W0203: this line is indented by 1 tab, the lines above by 2 spaces | "\t"
              note: a tab is never equal to spaces
              edit: "\t" to "  "
        "#]],
    );
}

#[test]
fn blocks_without_lines_are_reported() {
    check(
        "func f():\n  if a:\n  for x <- xs:\n\n  try:\n    -- nothing\n  b()\n",
        &expect![[r#"
            (func f (->)
              (if a)
              (for x xs)
              (try)
              (<- (call b)))
            2:3 W0202: `if` has nothing below it | "if"
              help: indent at least one line below it
            3:3 W0202: `for` has nothing below it | "for"
              help: indent at least one line below it
            5:3 W0202: `try` has nothing below it | "try"
              help: indent at least one line below it
        "#]],
    );
}

#[test]
fn lines_that_should_be_indented_belong_to_the_function_above() {
    check(
        "func f():\na()\nb()\nfunc g():\n  c()\n",
        &expect![[r#"
        (func f (->)
          (<- (call a))
          (<- (call b)))
        (func g (->)
          (<- (call c)))
        2:1 W0203: the lines of the function `f` must be indented | "a"
          at 1:6: they belong to this
    "#]],
    );
}

#[test]
fn a_block_starts_in_the_next_line() {
    check(
        "func f(): x = 1\nfunc g():\n  if a: b()\n  else: c()\n  for x <- xs: d()\n    e()\n  x()\ndata D: a: u32\n",
        &expect![[r#"
            (func f (->)
              (= x 1))
            (func g (->)
              (if a
                (<- (call b)))
              (else
                (<- (call c)))
              (for x xs
                (<- (call d))
                (<- (call e)))
              (<- (call x)))
            (data D
              (a u32))
            1:11 W0201: a block starts in the next line | "x"
              help: put this into a line of its own, and indent it
              edit: " " to "\n  "
            3:9 W0201: a block starts in the next line | "b"
              help: put this into a line of its own, and indent it
              edit: " " to "\n    "
            4:9 W0201: a block starts in the next line | "c"
              help: put this into a line of its own, and indent it
              edit: " " to "\n    "
            5:16 W0201: a block starts in the next line | "d"
              help: put this into a line of its own, and indent it
              edit: " " to "\n    "
            8:9 W0201: a block starts in the next line | "a"
              help: put this into a line of its own, and indent it
              edit: " " to "\n  "
        "#]],
    );
}

#[test]
fn a_missing_colon_leaves_the_block() {
    check(
        "func f()\n  if a\n    b()\n  else\n    c()\n  on p via r\n    d()\n  for x <- xs par\n    e()\n",
        &expect![[r#"
            (func f (->)
              (if a
                (<- (call b)))
              (else
                (<- (call c)))
              (on p via r
                (<- (call d)))
              (for-par x xs
                (<- (call e))))
            1:9 W0201: expected `:` after the function `f`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            2:7 W0201: expected `:` after `if`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            4:7 W0201: expected `:` after `else`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            6:13 W0201: expected `:` after `on`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            8:18 W0201: expected `:` after `for`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
        "#]],
    );
}

#[test]
fn a_header_that_cannot_be_read_leaves_the_block() {
    check_mistakes(
        "func f():\n  if a +:\n    b()\n    c(\n  for x of xs:\n    d()\n  on :\n    e()\n  catch:\n    g()\n  h()\n",
        &expect![[r#"
            2:9 W0201: expected a value after `+`, found `:` | ":"
            5:7 W0201: expected `,` or `)` after the arguments, found `x` | "x"
            7:6 W0201: expected a value, found `:` | ":"
            9:8 W0201: expected a name for the error, found `:` | ":"
        "#]],
    );
}
