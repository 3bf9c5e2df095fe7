//! Which scripts are accepted, and what is found in them.

use std::fmt::Write;

use weir_air::{Diagnostic, Limits, parse};

fn codes(diagnostics: &[Diagnostic]) -> String {
    let codes: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    codes.join(",")
}

fn verdict(script: &str) -> String {
    match parse(script, &Limits::default()) {
        Ok(script) if script.warnings().is_empty() => "ok".to_owned(),
        Ok(script) => format!("warn:{}", codes(script.warnings())),
        Err(errors) => codes(&errors),
    }
}

#[test]
fn scripts_are_accepted_or_rejected_as_the_vectors_say() {
    let mut wrong = String::new();
    for (number, line) in include_str!("vectors.txt").lines().enumerate() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let (wanted, script) = line.split_once(' ').expect("a verdict and a script");
        let got = verdict(&script.replace('⏎', "\n"));
        if got != wanted {
            writeln!(
                wrong,
                "line {}: wanted {wanted}, got {got}: {script}",
                number + 1
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn nothing_follows_next_in_a_fold_over_a_stream() {
    let mut wrong = String::new();
    for line in include_str!("after_next.txt")
        .lines()
        .filter(|line| !line.starts_with("//"))
    {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().expect("two verdicts and a body");
        let (over_scalar, over_stream) = (part(), part());
        let body = part()
            .replace('X', "(null)")
            .replace('O', "list")
            .replace('T', "$other");
        for (iterable, wanted) in [
            ("list", over_scalar),
            ("$stream", over_stream),
            ("%map", over_stream),
        ] {
            let script = format!(
                "(new list (new $other (new $stream (new %map (fold {iterable} i {body})))))"
            );
            let got = verdict(&script);
            if got != wanted {
                writeln!(wrong, "{iterable}: wanted {wanted}, got {got}: {line}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn folds_of_one_iterator_are_checked_each() {
    let fold = "(fold $s i (seq (next i) (null)))";
    assert_eq!(
        verdict(&format!("(new $s (seq {fold} {fold}))")),
        "W0116,W0116"
    );
    assert_eq!(
        verdict("(new $s (seq (fold [] i (seq (next i) (null))) (fold $s i (next i))))"),
        "ok"
    );
}

/// `count` folds over streams in each other, around a balanced tree of `xor`s of their `next`s.
fn folds_around_their_nexts(count: usize, follower: &str) -> String {
    let mut script = String::new();
    for number in 0..count {
        write!(script, "(fold $s i{number} ").expect("writing to a string cannot fail");
    }
    script.push_str(follower);
    let mut nexts: Vec<String> = (0..count).map(|n| format!("(next i{n})")).collect();
    while nexts.len() > 1 {
        nexts = nexts
            .chunks(2)
            .map(|pair| match pair {
                [one] => one.clone(),
                pair => format!("(xor {})", pair.join(" ")),
            })
            .collect();
    }
    script.push_str(&nexts[0]);
    if !follower.is_empty() {
        script.push_str(" (null))");
    }
    script.push_str(&")".repeat(count));
    format!("(new $s {script})")
}

#[test]
fn each_of_many_folds_around_one_tail_is_checked() {
    assert_eq!(verdict(&folds_around_their_nexts(2_000, "")), "ok");
    assert_eq!(
        verdict(&folds_around_their_nexts(40, "(seq ")),
        ["W0116"; 40].join(",")
    );
}

#[test]
fn a_limit_is_named_when_it_is_exceeded() {
    let limits = Limits {
        bytes: 60,
        nodes: 8,
        depth: 3,
    };
    let exceeded = |script: &str| {
        let errors = parse(script, &limits).expect_err("a limit is exceeded");
        assert_eq!(codes(&errors), "W0100");
        let help = errors[0].help.as_deref().expect("the limit is named");
        format!("{}; {help}", errors[0].message)
    };
    assert_eq!(
        exceeded(&" ".repeat(61)),
        "the script has 61 bytes, the limit is 60; the limit `bytes` is 60"
    );
    assert_eq!(
        exceeded("(seq (seq (seq (null) (null)) (null)) (null))"),
        "instructions are nested deeper than 3; the limit `depth` is 3"
    );
    let nodes = "the script has more than 8 instructions, operands and accessors; \
                 the limit `nodes` is 8";
    assert_eq!(exceeded("(call \"\" (\"\" \"\") [1 2 3 4 5])"), nodes);
    assert_eq!(exceeded("(new x (ap x.$.a.a.a.a.a.a y))"), nodes);
    assert!(parse("(call \"\" (\"\" \"\") [1 2 3 4])", &limits).is_ok());
    assert!(parse("(new x (ap x.$.a.a.a.a.a y))", &limits).is_ok());
}

#[test]
fn depth_is_bounded_by_the_limit_alone() {
    let deep = |levels: usize| {
        format!(
            "{}(null){}",
            "(seq (null) ".repeat(levels),
            ")".repeat(levels)
        )
    };
    assert!(parse(&deep(99_999), &Limits::default()).is_ok());
    assert_eq!(verdict(&deep(100_000)), "W0100");
    let limits = Limits {
        nodes: usize::MAX,
        depth: usize::MAX,
        ..Limits::default()
    };
    assert!(parse(&deep(600_000), &limits).is_ok());
}

#[test]
fn one_run_reports_several_mistakes() {
    assert_eq!(
        verdict(
            "(seq
                (seq (call 1 (\"s\" \"f\") [] x) (foo))
                (par (match (null)) (seq (ap .5 y) (ap x.a z))))"
        ),
        "W0108,W0109,W0105,W0103,W0104"
    );
    assert_eq!(
        verdict("(par (call \"p\" (\"s\" \"f\" [] x) (ap $s y))"),
        "W0105,W0108"
    );
}
