//! Line ends, comments, literals, names.

use expect_test::expect;

use super::{check, in_function, read};

#[test]
fn tokens_are_the_text_without_loss() {
    let text = "\u{feff}aqua A -- x\r\n\n\r\r\nfunc f(): <-%init_peer_id%@é⊤\"\n\"\t'\"";
    let parsed = read(text);
    let mut end = 0;
    for token in &parsed.tokens {
        assert_eq!(token.span.start, end);
        assert!(token.span.end > end);
        end = token.span.end;
    }
    assert_eq!(end as usize, text.len());
}

#[test]
fn lines_end_with_lf_cr_lf_lf_cr_or_cr() {
    for end in ["\n", "\r\n", "\n\r", "\r"] {
        let text = [
            "aqua A",
            "",
            "-- c",
            "func f():",
            "  x = 1",
            "",
            "  -- c",
            "  <- x",
        ]
        .join(end);
        check(
            &text,
            &expect![[r#"
                (aqua A)
                (func f (->)
                  (= x 1)
                  (return x))
            "#]],
        );
    }
}

#[test]
fn a_file_may_end_with_a_comment_or_be_empty() {
    check("", &expect![[""]]);
    check("\n  -- only a comment", &expect![[""]]);
    check(
        "const A = 1 -- the end",
        &expect![[r#"
        (const A = 1)
    "#]],
    );
}

#[test]
fn comments_stand_anywhere_and_never_change_blocks() {
    check(
        "-- first\nfunc f(a: u32, -- a\n-- b\n  b: u32): -- body\n-- at the margin\n  x = [1, -- one\n       2]\n        -- deep\n  <- x -- done",
        &expect![[r#"
            (func f (a:u32 b:u32 ->)
              (= x [1 2])
              (return x))
        "#]],
    );
}

#[test]
fn literals() {
    check(
        &in_function(
            "a = true\nb = false\nc = 0\nd = -12\ne = 18446744073709551615\nf = -9223372036854775808\ng = 1.05\nh = -0.5\ni = \"a\\n \nb\"\nj = \"\"\nk = %init_peer_id%",
        ),
        &expect![[r#"
            (func f (->)
              (= a true)
              (= b false)
              (= c 0)
              (= d -12)
              (= e 18446744073709551615)
              (= f -9223372036854775808)
              (= g 1.05)
              (= h -0.5)
              (= i "a\\n \n  b")
              (= j "")
              (= k %init_peer_id%))
        "#]],
    );
}

#[test]
fn a_minus_is_a_sign_only_where_a_value_starts() {
    check(
        &in_function("a = b -1\nc = b - -1\nd = f(-1, b-1)\ne = b <-1\ng = [b < -1]"),
        &expect![[r#"
            (func f (->)
              (= a (- b 1))
              (= c (- b -1))
              (= d (call f -1 (- b 1)))
              (= e (< b -1))
              (= g [(< b -1)]))
        "#]],
    );
}

#[test]
fn numbers_that_are_none_are_reported() {
    check(
        &in_function(
            "a = 18446744073709551616\nb = -9223372036854775809\nc = 007\nd = 1_000\ne = 0x10\ng = 1e5\nh = xs[-1]\ni = 00.5",
        ),
        &expect![[r#"
            (func f (->)
              (= a too-big)
              (= b too-big)
              (= c 7)
              (= d too-big)
              (= e too-big)
              (= g too-big)
              (= h (at xs -1))
              (= i 00.5))
            2:7 W0205: the number `18446744073709551616` is out of range | "18446744073709551616"
              note: whole numbers go from -9223372036854775808 to 18446744073709551615
            3:7 W0205: the number `-9223372036854775809` is out of range | "-9223372036854775809"
              note: whole numbers go from -9223372036854775808 to 18446744073709551615
            4:7 W0205: the number `007` starts with a needless 0 | "007"
              help: leave it out
              edit: "007" to "7"
            5:7 W0205: `1_000` is not a number | "1_000"
              help: leave out the underscores
              edit: "1_000" to "1000"
            6:7 W0205: `0x10` is not a number | "0x10"
              note: a number consists of decimal digits, and at most one dot
            7:7 W0205: `1e5` is not a number | "1e5"
              note: a number consists of decimal digits, and at most one dot
            8:10 W0205: an index cannot be negative | "-1"
              help: the first element has the index 0
            9:7 W0205: the number `00.5` starts with a needless 0 | "00.5"
              help: leave it out
              edit: "00.5" to "0.5"
        "#]],
    );
}

#[test]
fn names_have_latin_letters_digits_and_underscores() {
    check(
        &in_function("aB_9 = 1\n_x = 2\nñu = 3\nT = 4"),
        &expect![[r#"
            (func f (->)
              (= aB_9 1)
              (= _x 2)
              (= ñu 3)
              (= T 4))
            3:3 W0201: `_x` cannot be a name | "_x"
              note: a name starts with a Latin letter and goes on with such letters, digits and `_`
            4:3 W0201: `ñu` cannot be a name | "ñu"
              note: a name starts with a Latin letter and goes on with such letters, digits and `_`
        "#]],
    );
}

#[test]
fn no_word_is_reserved() {
    check(
        "func func(on: u32, data: u32, if: u32) -> u32:\n  if = 3\n  for = 4\n  service <- S.get()\n  else = 1\n  try: *u32\n  par <- on()\n  if, else <- join()\n  on(1)\n  if (1)\n  join(2)\n  true = 1\n  func = 2\n  x = func(1)\n  co.par()\n  catch <<- 1\n  par co()\n  for for <- for par:\n    on on via via:\n      if if:\n        join join\n  return()",
        &expect![[r#"
            (func func (on:u32 data:u32 if:u32 -> u32)
              (= if 3)
              (= for 4)
              (<- service (call S.get))
              (= else 1)
              (declare try *u32)
              (<- par (call on))
              (<- if else (call join))
              (<- (call on 1))
              (<- (call if 1))
              (<- (call join 2))
              (= true 1)
              (= func 2)
              (= x (call func 1))
              (<- (call co.par))
              (push catch 1)
              (par (<- (call co)))
              (for-par for for
                (on on via via
                  (if if
                    (join join))))
              (<- (call return)))
        "#]],
    );
}

#[test]
fn the_comments_above_a_definition_are_its_documentation() {
    let text = "aqua A -- no\n\n-- far\n\n--- Adds.\n-- More: x\nfunc f():\n  x = 1 -- no\nfunc g():\n  x = 1\n";
    let parsed = read(text);
    let docs: Vec<_> = parsed
        .tree
        .items
        .iter()
        .map(|item| parsed.docs(text, item.span.start))
        .collect();
    assert_eq!(docs, [vec!["Adds.", "More: x"], vec![]]);
}
