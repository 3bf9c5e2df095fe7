//! What people read when a script is wrong.

use std::fmt::Write;

use expect_test::{Expect, expect};
use weir_air::{Limits, parse};

fn check(text: &str, expected: &Expect) {
    let mut out = String::new();
    let diagnostics = match parse(text, &Limits::default()) {
        Ok(script) => script.warnings().to_vec(),
        Err(errors) => errors,
    };
    for diagnostic in diagnostics {
        writeln!(out, "{}", diagnostic.render("x.air", text)).unwrap();
    }
    expected.assert_eq(&out);
}

#[test]
fn a_mistyped_name_gets_the_nearest_one() {
    check(
        "(seq\n  (call \"p\" (\"s\" \"f\") [] answer)\n  (ap anwser.$.value x))",
        &expect![[r#"
            error[W0110]: `anwser` is not defined
              at x.air:3:7
              3 |   (ap anwser.$.value x))
                |       ^^^^^^
              help: did you mean `answer`?

        "#]],
    );
}

#[test]
fn a_name_used_too_early_shows_its_definition() {
    check(
        "(seq (ap x y)\n  (ap 1 x))",
        &expect![[r#"
        error[W0110]: `x` is not defined
          at x.air:1:10
          1 | (seq (ap x y)
            |          ^
          at x.air:2:3
          2 |   (ap 1 x))
            |   ^^^ it is defined here, which is too late
          help: a name can be used by instructions that start after the one that defines it

    "#]],
    );
}

#[test]
fn a_name_with_another_sigil_is_suggested() {
    check(
        "(seq (ap 1 $s) (ap s y))",
        &expect![[r#"
        error[W0110]: `s` is not defined
          at x.air:1:20
          1 | (seq (ap 1 $s) (ap s y))
            |                    ^
          help: did you mean `$s`?

    "#]],
    );
}

#[test]
fn grammar_mistakes_say_what_was_expected_and_found() {
    check(
        "(seq
  (call \"p\" \"s\" [])
  (par
    (fold $s (next i))
    (SEQ (null) (null)))
  (null))",
        &expect![[r#"
            error[W0105]: expected `(` before the service and the function, found `"s"`
              at x.air:2:13
              2 |   (call "p" "s" [])
                |             ^^^

            error[W0105]: expected the iterator: a scalar, found `(`
              at x.air:4:14
              4 |     (fold $s (next i))
                |              ^

            error[W0109]: `SEQ` is not an instruction
              at x.air:5:6
              5 |     (SEQ (null) (null)))
                |      ^^^
              help: did you mean `seq`?

            error[W0105]: `seq` has at most two instructions
              at x.air:6:3
              6 |   (null))
                |   ^
              at x.air:1:1
              1 | (seq
                | ^ of this instruction
              help: join instructions with `(seq … …)`

        "#]],
    );
}

#[test]
fn words_are_looked_into() {
    check(
        "(seq (ap .5 x) (seq (ap x.field y) (seq (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z)))))",
        &expect![[r#"
            error[W0103]: a float needs a digit before the dot
              at x.air:1:10
              1 | (seq (ap .5 x) (seq (ap x.field y) (seq (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z…
                |          ^^
              help: write `0.5`

            error[W0104]: `.field` is not a lens
              at x.air:1:26
              1 | (seq (ap .5 x) (seq (ap x.field y) (seq (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z…
                |                          ^^^^^^
              help: a path begins with `.$`: `.$.field`

            error[W0104]: this bracket is not closed
              at x.air:1:48
              1 | …p .5 x) (seq (ap x.field y) (seq (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z)))))
                |                                          ^^^
              help: a lens is `.length`, or `.$` with accessors: `.field`, `.[7]` or `.[scalar]`

            error[W0101]: `call` is a keyword and cannot be a variable
              at x.air:1:69
              1 | …eld y) (seq (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z)))))
                |                                          ^^^^
              help: choose another name

            error[W0103]: this integer is too large
              at x.air:1:79
              1 | …q (ap x.$.[a b] y) (seq (ap 1 call) (ap 99999999999999999999 z)))))
                |                                          ^^^^^^^^^^^^^^^^^^^^
              help: integers lie between -9223372036854775808 and 9223372036854775807

        "#]],
    );
}

#[test]
fn operands_of_the_wrong_kind_get_advice() {
    check(
        "(seq (ap 1 $s) (seq (call \"p\" (\"s\" \"f\") [$s]) (seq (call 5 (\"s\" \"f\") []) (canon \"p\" $s c))))",
        &expect![[r#"
            error[W0108]: an argument cannot be a stream
              at x.air:1:42
              1 | …seq (ap 1 $s) (seq (call "p" ("s" "f") [$s]) (seq (call 5 ("s" "f") []) (canon "p" $s c))))
                |                                          ^^
              help: freeze the stream first: `(canon PEER $stream #canon)`, then use `#canon`

            error[W0108]: the peer cannot be an integer
              at x.air:1:58
              1 | …eq (call "p" ("s" "f") [$s]) (seq (call 5 ("s" "f") []) (canon "p" $s c))))
                |                                          ^
              help: it can be a string, `%init_peer_id%`, a scalar, or a canon or canon map with lens

            error[W0108]: what a stream is frozen into must be a canon, not a scalar
              at x.air:1:88
              1 | …seq (call 5 ("s" "f") []) (canon "p" $s c))))
                |                                          ^

        "#]],
    );
}

#[test]
fn rules_of_folds_show_the_fold() {
    check(
        "(seq
  (ap 1 $s)
  (par
    (fold $s i
      (seq (next i) (null)))
    (seq
      (fold [] j (par (next j) (next j)))
      (seq (next k) (fold [] i (fold [] i (new i (null))))))))",
        &expect![[r#"
            error[W0116]: nothing can follow `next i` in a fold over `$s`
              at x.air:5:12
              5 |       (seq (next i) (null)))
                |            ^^^^^^^^
              at x.air:5:21
              5 |       (seq (next i) (null)))
                |                     ^^^^^ this follows it
              at x.air:4:5
              4 |     (fold $s i
                |     ^^^^^ the fold
              help: do everything else before, or freeze the stream with `canon` and fold over the canon

            error[W0112]: the fold over `j` has a `next` already
              at x.air:7:32
              7 |       (fold [] j (par (next j) (next j)))
                |                                ^^^^^^^^
              at x.air:7:23
              7 |       (fold [] j (par (next j) (next j)))
                |                       ^^^^^^^^ the first one
              at x.air:7:7
              7 |       (fold [] j (par (next j) (next j)))
                |       ^^^^^ the fold
              help: a fold has at most one `next`, counting all branches: put it after the branching

            error[W0111]: `next` stands outside of a fold with the iterator `k`
              at x.air:8:18
              8 |       (seq (next k) (fold [] i (fold [] i (new i (null))))))))
                |                  ^
              help: `next` belongs inside a fold: `(fold list item (seq … (next item)))`

            error[W0113]: `i` iterates already in a fold around this one
              at x.air:8:41
              8 |       (seq (next k) (fold [] i (fold [] i (new i (null))))))))
                |                                         ^
              at x.air:8:21
              8 |       (seq (next k) (fold [] i (fold [] i (new i (null))))))))
                |                     ^^^^^ the fold around it
              help: give this fold another iterator

            error[W0114]: `new` cannot hide the iterator `i`
              at x.air:8:48
              8 | …seq (next k) (fold [] i (fold [] i (new i (null))))))))
                |                                          ^
              at x.air:8:21
              8 |       (seq (next k) (fold [] i (fold [] i (new i (null))))))))
                |                     ^^^^^ this fold iterates with it
              help: choose another name for the new variable

        "#]],
    );
}

#[test]
fn unclosed_parentheses_and_strings_are_shown_where_they_open() {
    check(
        "(seq\n  (par (null) (null)\n  (null)",
        &expect![[r#"
        error[W0105]: `par` has at most two instructions
          at x.air:3:3
          3 |   (null)
            |   ^
          at x.air:2:3
          2 |   (par (null) (null)
            |   ^ of this instruction
          help: join instructions with `(seq … …)`

    "#]],
    );
    check(
        "(seq (null) (ap \"text x))",
        &expect![[r#"
        error[W0102]: this string is not closed
          at x.air:1:17
          1 | (seq (null) (ap "text x))
            |                 ^
          help: a string ends at the next `"`; there are no escapes

    "#]],
    );
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!("{}(oops){}", "(seq (null) ".repeat(100), ")".repeat(100));
    check(
        &text,
        &expect![[r#"
        error[W0109]: `oops` is not an instruction
          at x.air:1:1202
          1 | …l) (seq (null) (seq (null) (seq (null) (oops))))))))))))))))))))))))))))))))))))))))))))))))))))))))…
            |                                          ^^^^
          help: instructions are: null, never, seq, par, xor, match, mismatch, call, ap, canon, fold, next, new, fail

    "#]],
    );
}

#[test]
fn warnings_do_not_refuse_a_script() {
    check(
        "(seq (canon who $never #c) (fold [] i (seq (ap 1 i) (next i))))",
        &expect![[r#"
            warning[W0150]: nothing before this defines `who`
              at x.air:1:13
              1 | (seq (canon who $never #c) (fold [] i (seq (ap 1 i) (next i))))
                |             ^^^
              help: the language accepts this, but running it may wait for ever or fail

            warning[W0152]: nothing ever fills `$never`
              at x.air:1:17
              1 | (seq (canon who $never #c) (fold [] i (seq (ap 1 i) (next i))))
                |                 ^^^^^^
              help: the result will be empty

            warning[W0151]: this result has the name of the iterator `i`
              at x.air:1:50
              1 | …on who $never #c) (fold [] i (seq (ap 1 i) (next i))))
                |                                          ^
              at x.air:1:28
              1 | (seq (canon who $never #c) (fold [] i (seq (ap 1 i) (next i))))
                |                            ^^^^^ this fold iterates with it
              help: choose another name: which value a later use sees is hard to tell

        "#]],
    );
}

#[test]
fn characters_that_nobody_sees_are_made_visible() {
    check(
        "(ap \u{202e}x\u{2066} y)",
        &expect![[r#"
            error[W0101]: `\u{202e}x\u{2066}` is not a name
              at x.air:1:5
              1 | (ap �x� y)
                |     ^^^
              help: names consist of letters, digits, `_` and `-`, after an optional sigil `$ % # #$ #%`

        "#]],
    );
    check(
        "\u{feff}(null)",
        &expect![[r#"
        error[W0105]: expected an instruction, found `\u{feff}`
          at x.air:1:1
          1 | �(null)
            | ^
          help: the text begins with a byte order mark (U+FEFF): save it without one

    "#]],
    );
}
