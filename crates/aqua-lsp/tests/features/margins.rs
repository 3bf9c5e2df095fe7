//! What editors show in and beside the text: hops, colours, outline, proposals.

use std::fmt::Write;

use expect_test::{Expect, expect};
use weir_aqua::Span;
use weir_aqua_lsp::actions::actions;
use weir_aqua_lsp::hints::hints;
use weir_aqua_lsp::symbols::{Symbol, symbols};
use weir_aqua_lsp::tokens::{encode, tokens};

use crate::fixture::Fixture;

/// The lines that have hints.
fn hops_of(text: &str) -> String {
    let at = Fixture::new(text);
    let all = Span::new(0, text.len() as u32);
    let mut out = String::new();
    for hint in hints(&at.analysis, at.file, all) {
        let before = &text[..hint.offset as usize];
        let line = before.lines().next_back().unwrap_or_default();
        writeln!(out, "{}  {}", line.trim(), hint.label).unwrap();
    }
    out
}

fn hops(text: &str, expected: Expect) {
    expected.assert_eq(&hops_of(text));
}

const SERVICE: &str = "aqua M declares *
service S(\"s\"):
  one(n: u32) -> u32
";

#[test]
fn hops_stand_behind_the_calls_that_need_them() {
    hops(
        &format!(
            "{SERVICE}func f(peer: string, relay: string) -> u32:
  on peer via relay:
    a <- S.one(1) -- first
    b <- S.one(2)
  c <- S.one(a)
  <- c
"
        ),
        expect![[r#"
            a <- S.one(1)  → HOST_PEER_ID → relay → peer
            c <- S.one(a)  → relay → HOST_PEER_ID → INIT_PEER_ID
        "#]],
    );
}

#[test]
fn hops_of_called_functions_stand_behind_the_call() {
    hops(
        &format!(
            "{SERVICE}func there(peer: string) -> u32:
  on peer:
    a <- S.one(1)
  <- a

func f(peers: []string) -> u32:
  found: *u32
  for peer <- peers par:
    found <- there(peer)
  join found[1]
  <- found[0]
"
        ),
        expect![[r#"
            a <- S.one(1)  → HOST_PEER_ID → peer
            <- a  → HOST_PEER_ID → INIT_PEER_ID
            found <- there(peer)  → HOST_PEER_ID → peer
        "#]],
    );
}

/// Functions of which each asks a peer; what stands in front of them and behind them varies.
fn asking(before: &str, behind: &str) -> String {
    format!(
        "{before}service S(\"s\"):
  one(n: u32) -> u32

func alone(peer: string) -> u32:
  on peer:
    a <- S.one(1)
  <- a
{behind}"
    )
}

const ALONE: &str = "a <- S.one(1)  → HOST_PEER_ID → peer\n<- a  → HOST_PEER_ID → INIT_PEER_ID\n";

#[test]
fn hops_stay_while_there_are_mistakes_elsewhere() {
    for behind in [
        "\nfunc g() -> u32:\n  <- b\n",
        "\nfunc g(peer: string) -> u32:\n  on peer via\n",
        "\nfunc g(\n",
        "\nfunc g() -> Nothing:\n  <- 1\n",
        "\ndata D:\n  x: Nothing\n",
        "\nfunc g() -> u32:\n  a <- alone(1)\n  <- a\n",
    ] {
        let text = asking("aqua M declares *\n", behind);
        let at = Fixture::new(&text);
        assert!(at.analysis.compilation.has_errors(), "{behind}");
        assert_eq!(hops_of(&text), ALONE, "{behind}");
    }
}

#[test]
fn there_are_no_hops_where_a_mistake_reaches() {
    let behind = "
func wrong(peer: string) -> u32:
  on peer:
    b <- S.one(2)
    c <- nothing()
  <- b

func calls_it(peer: string) -> u32:
  x <- wrong(peer)
  y <- alone(peer)
  <- y

data D:
  x: Nothing

func makes(peer: string) -> u32:
  on peer:
    d <- S.one(3)
    e = D(x = 1)
  <- d
";
    assert_eq!(hops_of(&asking("aqua M declares *\n", behind)), ALONE);
    // what is imported may be anything
    let header = "aqua M declares *\nimport x from \"nowhere.aqua\"\n";
    assert_eq!(hops_of(&asking(header, "")), "");
}

#[test]
fn colours_stay_while_there_are_mistakes() {
    let coloured = |text: &str| {
        let at = Fixture::new(text);
        let all = tokens(&at.analysis, at.file);
        all.into_iter()
            .map(|token| (token.span, token.class, token.modifiers))
            .collect::<Vec<_>>()
    };
    let sound = asking("aqua M declares *\n", "");
    let expected = coloured(&sound);
    for behind in [
        "\nfunc g() -> u32:\n  <- b\n",
        "\nfunc g(\n",
        "\ndata D:\n  x: Nothing\n",
    ] {
        let broken = coloured(&format!("{sound}{behind}"));
        assert_eq!(broken[..expected.len()], expected, "{behind}");
    }
}

#[test]
fn words_have_colours_by_what_they_mean() {
    let at = Fixture::new(
        "aqua M declares *
-- Says it.
service S(\"s\"):
  one(on: u32) -> u32
func f(par: string) -> u32:
  on par via HOST_PEER_ID:
    a <- S.one(1)
  <- a + 2
",
    );
    let mut out = String::new();
    for token in tokens(&at.analysis, at.file) {
        let source = at.analysis.compilation.set.get(at.file);
        let text = &source.text[token.span.range()];
        writeln!(out, "{text:16} {:?} {}", token.class, token.modifiers).unwrap();
    }
    expect![[r#"
        aqua             Keyword 0
        M                Namespace 1
        declares         Keyword 0
        *                Operator 0
        -- Says it.      Comment 0
        service          Keyword 0
        S                Class 1
        "s"              String 0
        one              Method 1
        on               Keyword 0
        u32              Type 4
        ->               Operator 0
        u32              Type 4
        func             Keyword 0
        f                Function 1
        par              Parameter 1
        string           Type 4
        ->               Operator 0
        u32              Type 4
        on               Keyword 0
        par              Parameter 0
        HOST_PEER_ID     Variable 6
        a                Variable 1
        <-               Operator 0
        S                Class 0
        one              Method 0
        1                Number 0
        <-               Operator 0
        a                Variable 0
        +                Operator 0
        2                Number 0
    "#]]
    .assert_eq(&out);
}

#[test]
fn tokens_are_counted_from_the_one_before_and_never_go_over_a_line() {
    let at = Fixture::new("aqua M declares *\nconst A = \"é😀\nb\" -- c\n");
    let coloured = tokens(&at.analysis, at.file);
    let encoded = encode(&at.analysis, at.file, &coloured);
    let pieces: Vec<_> = encoded
        .iter()
        .map(|token| (token.delta_line, token.delta_start, token.length))
        .collect();
    expect!["[(0, 0, 4), (0, 5, 1), (0, 2, 8), (0, 9, 1), (1, 0, 5), (0, 6, 1), (0, 2, 1), (0, 2, 4), (1, 0, 2), (0, 3, 4)]"].assert_eq(&format!("{pieces:?}"));
}

#[test]
fn the_outline_has_definitions_and_their_members() {
    fn write(text: &str, symbols: &[Symbol], indent: usize, out: &mut String) {
        for symbol in symbols {
            let name = &text[symbol.name_span.range()];
            assert_eq!(name, symbol.name);
            let kind = format!("{:?}", symbol.kind);
            writeln!(out, "{:indent$}{name} {kind}", "").unwrap();
            write(text, &symbol.children, indent + 2, out);
        }
    }
    let text = "aqua M declares *
const A = 1
alias Id: string
data Point:
  x: i32
ability Log:
  say(s: string)
  level: u32
service S(\"s\"):
  one() -> u32
func broken(
func f():
  S.one()
";
    let at = Fixture::new(text);
    let mut out = String::new();
    write(text, &symbols(&at.analysis, at.file), 0, &mut out);
    expect![[r#"
        A Constant
        Id TypeParameter
        Point Struct
          x Field
        Log Interface
          say Method
          level Field
        S Class
          one Method
    "#]]
    .assert_eq(&out);
}

#[test]
fn mistakes_have_proposals() {
    let propose = |text: &str, expected: Expect| {
        let at = Fixture::new(text);
        let found = actions(&at.analysis, at.file, Span::new(at.offset, at.offset));
        let titles: Vec<String> = found.into_iter().map(|action| action.title).collect();
        expected.assert_eq(&titles.join("\n"));
    };
    propose(
        "aqua M declares *\nfunc f(size: u32) -> u32:\n  <- si$0ce\n",
        expect!["Replace `sice` by `size`"],
    );
    propose(
        "aqua M declares *\nfunc f(size: ?u32) -> u32:\n  <- si$0ze\n",
        expect!["Insert `!`"],
    );
    propose(
        "$0aqua M declares *\nfunc f(size: ?u32) -> u32:\n  <- size\n",
        expect![[""]],
    );
}
