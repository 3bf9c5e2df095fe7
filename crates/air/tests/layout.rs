//! What scripts look like after printing, formatting and minifying.

use expect_test::{Expect, expect};
use weir_air::{Limits, NodeId, Script, format, instruction_text, minify, parse, print};

fn read(text: &str) -> Script {
    parse(text, &Limits::default()).expect("the script is right")
}

fn check_format(text: &str, expected: &Expect) {
    let formatted = format(text).expect("the script is right");
    expected.assert_eq(&formatted);
    assert_eq!(
        format(&formatted).as_deref(),
        Ok(formatted.as_str()),
        "formatting again changes it"
    );
    assert!(read(&formatted).same_program(&read(text)));
}

#[test]
fn short_instructions_stay_on_a_line() {
    check_format(
        "(seq(null)\n\n(par (never)\t(null)))",
        &expect![[r#"
            (seq (null) (par (never) (null)))
        "#]],
    );
}

#[test]
fn children_of_long_instructions_have_lines_of_their_own() {
    check_format(
        r#"(seq (call %init_peer_id% ("dir" "peers") [] peers) (fold peers p (par (xor (call p ("srv" "load") [p 1.50 %timestamp%] $loads) (ap %last_error%.$.message! $errors)) (next p)) (null)))"#,
        &expect![[r#"
            (seq
              (call %init_peer_id% ("dir" "peers") [] peers)
              (fold peers p
                (par
                  (xor
                    (call p ("srv" "load") [p 1.5 %timestamp%] $loads)
                    (ap %last_error%.$.message $errors))
                  (next p))
                (null)))
        "#]],
    );
}

#[test]
fn comments_stay_between_the_same_tokens() {
    check_format(
        "; the head\n\n;; of the file\n(seq ; both\n  ; the first\n  (null) ; done\n (call ; who\n \"p\" (\"s\" \"f\")\n [1 ; one\n ; two\n 2] x) ; last\n ; inside\n )\n; the end",
        &expect![[r#"
            ; the head
            ;; of the file
            (seq ; both
              ; the first
              (null) ; done
              (call ; who
                  "p" ("s" "f") [1 ; one
                  ; two
                  2] x) ; last
              ; inside
            )
            ; the end
        "#]],
    );
}

#[test]
fn a_comment_may_stand_anywhere_between_tokens() {
    let tokens = [
        "(", "seq", "(", "ap", "[", "]", "x", ")", "(", "call", "x.$.a", "(", "\"s\"", "\"f\"",
        ")", "[", "x", "]", ")", ")",
    ];
    for comment in [" ;c\n", "\n;c\n", "\n\n;c\n;d\n", " ;c\n ;d\n"] {
        for at in 0..=tokens.len() {
            let text = format!(
                "{}{comment}{}",
                tokens[..at].join(" "),
                tokens[at..].join(" ")
            );
            let formatted = format(&text).expect("comments change nothing");
            assert_eq!(formatted.matches(";c").count(), 1, "{text}");
            assert_eq!(
                formatted.matches(";d").count(),
                text.matches(";d").count(),
                "{text}"
            );
            assert_eq!(
                format(&formatted).as_deref(),
                Ok(formatted.as_str()),
                "{text}"
            );
        }
    }
}

#[test]
fn the_indentation_is_bounded() {
    let levels = 40_000;
    let text = format!(
        "{}(null){}",
        "(seq (null) ".repeat(levels),
        ")".repeat(levels)
    );
    let printed = print(&read(&text));
    assert!(printed.len() < 200 * levels, "{} bytes", printed.len());
    assert!(read(&printed).same_program(&read(&text)));
}

#[test]
fn the_shortest_text_has_only_the_spaces_that_matter() {
    for (text, shortest) in [
        ("(seq (null) (null)) ; done", "(seq(null)(null))"),
        (
            r#"(call "p" ("s" "f") ["a" 1 x.$.[0].b "c" %ttl% [] [] 2.0 x] y)"#,
            r#"(call "p"("s""f")["a"1 x.$[0].b "c"%ttl% [][]2. x]y)"#,
        ),
        (
            r#"(match [] "a" (ap 1.50 $s))"#,
            r#"(match []"a"(ap 1.5 $s))"#,
        ),
        (r#"(fail +007 "m")"#, r#"(fail 7 "m")"#),
        (r#"(ap ("k" [] ) %m)"#, r#"(ap("k"[])%m)"#),
    ] {
        let whole = format!("(new x {text}\n)");
        let script = read(&whole);
        assert_eq!(minify(&script), format!("(new x{shortest})"));
        assert!(read(&minify(&script)).same_program(&script));
    }
}

#[test]
fn error_objects_show_instructions_in_normal_form() {
    for (text, shown) in [
        (r#"(call "p"("s" "f")[])"#, r#"call "p" ("s" "f") [] "#),
        (
            r#"(call x.$.p[0] (x "f") [x 1 +2 1.0 1.50 -0.5 "a" true [] %ttl%] $s)"#,
            r#"call x.$.p.[0] (x "f") [x 1 2 1 1.5 -0.5 "a" true [] %ttl%] $s"#,
        ),
        ("(ap x.$[x]! y)", "ap x.$.[x] y"),
        ("(ap x.length y)", "ap x.length y"),
        (
            r#"(ap ("k"  :error:.$.message) %m)"#,
            r#"ap ("k" :error:.$.message) %m"#,
        ),
        (
            "(canon %init_peer_id%   $s #$c)",
            "canon %init_peer_id% $s #$c",
        ),
        ("(canon x %m #%c)", "canon x %m #%c"),
        ("(canon x %m c)", "canon x %m c"),
        ("(fail x)", "fail x"),
        (r#"(fail 7 "msg")"#, r#"fail 7 "msg""#),
        ("(fail %last_error%)", "fail %last_error%"),
        ("(fail :error:)", "fail :error:"),
        ("(fold x i (next i))", "fold x i"),
        ("(match x []  (null))", "match x []"),
        (
            "(mismatch %last_error%.$.error_code 0 (null))",
            "mismatch %last_error%.$.error_code 0",
        ),
        ("(new #%m (null))", "new #%m"),
        ("(seq (null) (null))", "seq"),
        ("(par (null) (null))", "par"),
        ("(xor (null) (null))", "xor"),
        ("(null)", "null"),
        ("(never)", "never"),
    ] {
        let script = read(&format!("(new x {text})"));
        assert_eq!(instruction_text(&script, NodeId(1)), shown);
    }
    let script = read("(fold [] i (next i))");
    assert_eq!(instruction_text(&script, NodeId(1)), "next i");
}

#[test]
fn floats_are_printed_as_short_as_they_can_be_read() {
    for (written, printed) in [
        ("1.0", "1.0"),
        ("1.", "1.0"),
        ("+1.50", "1.5"),
        ("-0.0", "-0.0"),
        ("1234567890.", "1234567890."),
        ("-123456789.", "-123456789."),
        ("123456789.0", "123456789.0"),
        ("0.000000001", "0.000000001"),
    ] {
        let script = read(&format!("(ap {written} x)"));
        assert_eq!(print(&script), format!("(ap {printed} x)\n"));
        assert!(read(&print(&script)).same_program(&script));
    }
}
