//! Waits that never end, and reads that come too early.

use expect_test::{Expect, expect};

use weir_aqua::{Severity, codes};

use super::program::{compile_as, names, read};
use super::report;

/// Compares what is said about the body of a function.
fn check(body: &str, expected: &Expect) {
    let mut text = String::from(
        "aqua Main\n\nservice S(\"s\"):\n  get(n: u32) -> u32\n  keep(all: []u32)\n  is() -> bool\n\n\
         func add(to: *u32):\n  to <<- 1\n\n\
         func all(to: *u32, ns: []u32):\n  for n <- ns:\n    to <<- n\n\n\
         func f(ps: []string, xs: []u32, b: bool, o: ?u32) -> []u32:\n  s: *u32\n",
    );
    for line in body.lines() {
        text += &format!("  {line}\n");
    }
    let compilation = compile_as("main.aqua", &text);
    let file = |_| (String::new(), text.as_str());
    expected.assert_eq(&report::diagnostics(&file, &compilation.diagnostics));
}

fn silent(body: &str) {
    check(body, &expect![""]);
}

#[test]
fn a_wait_for_more_than_is_ever_pushed_is_refused() {
    check(
        "s <<- 1\ns <- S.get(2)\njoin s[2]\n<- s",
        &expect![[r#"
            19:8 W0260: this waits for ever: it needs 3 elements of `s`, which gets 2 at most | "s[2]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: the last one is `s[1]`
        "#]],
    );
    check(
        "x = s!\n<- [x]",
        &expect![[r#"
        17:7 W0260: this waits for ever: nothing is pushed to `s` until then | "s!"
          at 16:3: the stream is declared here
          help: push more before, or wait for fewer
    "#]],
    );
    check(
        "s <<- 1\nx = s[3] + s[0]\n<- [x]",
        &expect![[r#"
            18:7 W0260: this waits for ever: it needs 4 elements of `s`, which gets 1 at most | "s[3]"
              at 16:3: the stream is declared here
              help: push more before, or wait for fewer
        "#]],
    );
    check(
        "add(s)\nadd(s)\njoin s[2]\n<- s",
        &expect![[r#"
            19:8 W0260: this waits for ever: it needs 3 elements of `s`, which gets 2 at most | "s[2]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: the last one is `s[1]`
        "#]],
    );
    check(
        "t = *[1, 2]\njoin t[2]\n<- t",
        &expect![[r#"
            18:8 W0260: this waits for ever: it needs 3 elements of `t`, which gets 2 at most | "t[2]"
              at 17:3: the stream is declared here
              help: elements are counted from 0: the last one is `t[1]`
        "#]],
    );
    check(
        "for x <- [1, 2]:\n  s <<- x\njoin s[2]\n<- s",
        &expect![[r#"
            19:8 W0260: this waits for ever: it needs 3 elements of `s`, which gets 2 at most | "s[2]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: the last one is `s[1]`
        "#]],
    );
    check(
        "for x <- o:\n  s <<- x\njoin s[1]\n<- s",
        &expect![[r#"
            19:8 W0260: this waits for ever: it needs 2 elements of `s`, which gets 1 at most | "s[1]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: the last one is `s[0]`
        "#]],
    );
    check(
        "if b:\n  s <<- 1\nelse:\n  s <<- 2\njoin s[1]\n<- s",
        &expect![[r#"
            21:8 W0260: this waits for ever: it needs 2 elements of `s`, which gets 1 at most | "s[1]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: the last one is `s[0]`
        "#]],
    );
}

#[test]
fn a_wait_for_one_more_than_an_array_has_is_refused() {
    check(
        "for x <- xs:\n  s <<- x\njoin s[xs.length]\n<- s",
        &expect![[r#"
            19:8 W0260: this waits for ever: `s` never gets so many elements | "s[xs.length]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: subtract 1 for the last one
        "#]],
    );
    check(
        "for p <- ps par:\n  on p:\n    s <- S.get(1)\njoin s[ps.length]\n<- s",
        &expect![[r#"
            20:8 W0260: this waits for ever: `s` never gets so many elements | "s[ps.length]"
              at 16:3: the stream is declared here
              help: elements are counted from 0: subtract 1 for the last one
        "#]],
    );
    silent("for x <- xs:\n  s <<- x\njoin s[xs.length - 1]\n<- s");
    silent("for x <- xs:\n  s <<- x\ns <<- 1\njoin s[xs.length]\n<- s");
    silent("for x <- xs:\n  s <<- x\njoin s[ps.length]\n<- s");
    silent("for x <- xs:\n  for p <- ps:\n    s <<- x\njoin s[xs.length + 5]\n<- s");
}

#[test]
fn a_push_that_follows_the_wait_comes_too_late() {
    check(
        "join s[0]\ns <<- 1\n<- s",
        &expect![[r#"
        17:8 W0260: this waits for ever: nothing is pushed to `s` until then | "s[0]"
          at 16:3: the stream is declared here
          help: push more before, or wait for fewer
    "#]],
    );
    silent("co join s[0]\ns <<- 1\njoin s[0]\n<- s");
    silent("for x <- xs:\n  if x == 1:\n    join s[0]\n  s <<- 1\njoin s[0]\n<- s");
    silent("for p <- ps par:\n  join s[0]\ns <<- 1\njoin s[0]\n<- s");
}

#[test]
fn one_branch_that_stops_is_a_warning_and_none_if_it_only_waits() {
    check(
        "s <<- 1\njoin s[1]\npar x <- S.get(1)\n<- [x]",
        &expect![[r#"
            18:8 W0260: this waits for ever: it needs 2 elements of `s`, which gets 1 at most | "s[1]"
              at 16:3: the stream is declared here
              note: only this branch stops here; what runs beside it goes on
              help: elements are counted from 0: the last one is `s[0]`
        "#]],
    );
    silent("join s[5]\npar x <- S.get(1)\n<- [x]");
}

#[test]
fn a_wait_that_hangs_on_one_branch_is_a_warning() {
    check(
        "if b:\n  s <<- 1\n<- [s!]",
        &expect![[r#"
        19:7 W0283: this waits for ever if the branch that pushes to `s` is not taken | "s!"
          at 17:3: what is pushed depends on this
          help: push a value in each branch and in what handles a failure
    "#]],
    );
    check(
        "try:\n  s <- S.get(1)\ncatch e:\n  S.keep(xs)\n<- [s!]",
        &expect![[r#"
            21:7 W0283: this waits for ever if the branch that pushes to `s` is not taken | "s!"
              at 17:3: what is pushed depends on this
              help: push a value in each branch and in what handles a failure
        "#]],
    );
    silent("if b:\n  s <<- 1\nelse:\n  s <- S.get(1)\n<- [s!]");
    silent("try:\n  s <- S.get(1)\ncatch e:\n  s <<- 0\n<- [s!]");
    silent("try:\n  s <<- 1\n  S.keep(xs)\notherwise:\n  S.keep(xs)\n<- [s!]");
    // two conditions may exclude each other, and one may hold wherever the wait stands
    silent("if b:\n  s <<- 1\nif !b:\n  s <<- 2\n<- [s!]");
    silent("if b:\n  s <<- 1\nif b:\n  S.keep([s!])\n<- xs");
    silent("for x <- xs rec:\n  if x == 3:\n    s <<- x\n<- [s!]");
    silent("for x <- xs:\n  try:\n    s <- S.get(x)\n  otherwise:\n    S.keep(xs)\n<- [s!]");
}

#[test]
fn a_stream_that_is_read_before_branches_have_filled_it_is_a_warning() {
    let begin = "for p <- ps par:\n  on p:\n    s <- S.get(1)\n";
    check(
        &format!("{begin}<- s"),
        &expect![[r#"
        20:6 W0283: `s` is read before the branches have filled it | "s"
          at 17:3: these branches go on beside what follows
          help: wait for as many elements as are needed: `join s[…]`
    "#]],
    );
    check(
        &format!("{begin}S.keep(s)\n<- xs"),
        &expect![[r#"
        20:10 W0283: `s` is read before the branches have filled it | "s"
          at 17:3: these branches go on beside what follows
          help: wait for as many elements as are needed: `join s[…]`
    "#]],
    );
    check(
        &format!("{begin}n = s.length\n<- [n]"),
        &expect![[r#"
        20:7 W0283: `s` is read before the branches have filled it | "s"
          at 17:3: these branches go on beside what follows
          help: wait for as many elements as are needed: `join s[…]`
    "#]],
    );
    check(
        "co s <- S.get(1)\n<- s",
        &expect![[r#"
        18:6 W0283: `s` is read before the branches have filled it | "s"
          at 17:3: these branches go on beside what follows
          help: wait for as many elements as are needed: `join s[…]`
    "#]],
    );
    check(
        "parseq p <- ps on p:\n  s <- S.get(1)\n<- s",
        &expect![[r#"
            19:6 W0283: `s` is read before the branches have filled it | "s"
              at 17:3: these branches go on beside what follows
              help: wait for as many elements as are needed: `join s[…]`
        "#]],
    );
    silent(&format!("{begin}join s[0]\n<- s"));
    silent(&format!("{begin}<- [s[1]]"));
    // time passes meanwhile, as in a wait for a timer
    silent(&format!("{begin}S.keep(xs)\n<- s"));
    silent(&format!("{begin}if b:\n  S.keep(xs)\n<- s"));
    // nothing leaves this peer
    silent("for x <- xs par:\n  s <<- x\n<- s");
}

#[test]
fn what_cannot_be_seen_is_left_alone() {
    silent("t = s\nt <<- 1\n<- [s!]");
    silent("go = (n: u32):\n  s <<- n\ngo(1)\ngo(2)\njoin s[1]\n<- s");
    silent("all(s, xs)\njoin s[7]\n<- s");
    silent("i <- S.get(1)\njoin s[i]\n<- s");
}

#[test]
fn programs_of_the_corpus_are_accepted_and_few_are_warned_of() {
    let mut found = Vec::new();
    // what the reference accepts and Weir refuses on purpose
    let accepted = names("").into_iter().filter(|name| name != "refused.aqua");
    for name in accepted {
        for diagnostic in compile_as(&name, &read(&name)).diagnostics {
            assert_eq!(
                diagnostic.severity,
                Severity::Warning,
                "{name}: {diagnostic:#?}"
            );
            if [codes::NEVER_ENDS, codes::MAYBE_NEVER].contains(&diagnostic.code) {
                found.push(format!("{name}: {}", diagnostic.message));
            }
        }
    }
    expect![[r#"
        defects.aqua: this waits for ever if the branch that pushes to `right` is not taken
        try_catch.aqua: this waits for ever if the branch that pushes to `got` is not taken"#]]
    .assert_eq(&found.join("\n"));
}
