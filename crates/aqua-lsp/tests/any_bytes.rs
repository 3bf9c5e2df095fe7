//! Whatever a file is and wherever the cursor stands, there is an answer and no panic.

use proptest::prelude::*;
use tower_lsp_server::ls_types::{Position, Range, Uri};
use weir_aqua::Span;
use weir_aqua_lsp::{
    Lines, Workspace, actions, completion, definition, diagnostics, hints, hover, references,
    rename, signature, symbols, tokens,
};

const SEED: &str = "aqua Main declares *
import Op as O from \"weir/std/builtin.aqua\"
use \"weir/std/math.aqua\" as Numbers
export f, h
data Point:
  x: i32
ability Log:
  say(s: string)
service S(\"s\"):
  one(n: u32) -> Point
const A = \"é😀\"
func g{Log}(peers: []string, call: u32 -> u32) -> u32, []string:
  found: *u32
  map: %u32
  for peer <- peers par:
    on peer via HOST_PEER_ID:
      p <- S.one(1)
      q = Point(x = p.x).copy(x = 2)
      found <<- 3
      map <<- \"a\", 4
  par y <- call(5)
  add = (a: u32) -> u32:
    c <- Numbers.Math.add(1, 2)
    <- a + 1
  more <- add(5)
  try:
    Log.say(A)
  catch e:
    z = e.message
  <- found[0], peers
func f(p: Point) -> i32:
  <- p.x
func h(peer: string) -> Point:
  on peer:
    p <- S.one(1)
  <- p
";

/// Asks everything about a place.
fn ask(text: &str, at: usize) {
    let mut workspace = Workspace::default();
    let uri: Uri = "file:///nowhere/main.aqua".parse().unwrap();
    let path = workspace.open(uri, 1, text);
    let (analysis, file) = workspace.analysis(&path).unwrap();
    let at = at.min(text.len()) as u32;
    diagnostics::of(&analysis, file, &|_| None);
    hover::hover(&analysis, file, at);
    definition::definition(&analysis, file, at);
    definition::type_definition(&analysis, file, at);
    references::references(&analysis, file, at);
    let _ = rename::prepare(&analysis, file, at);
    let analyse = |text: &str| workspace.imagined(&path, text);
    completion::completion(&analysis, file, at, &analyse);
    signature::signature(&analysis, file, at);
    symbols::symbols(&analysis, file);
    actions::actions(&analysis, file, Span::new(at, at));
    hints::hints(&analysis, file, Span::new(0, at));
    let coloured = tokens::tokens(&analysis, file);
    tokens::encode(&analysis, file, &coloured);
    let _ = workspace.rename(&path, at, "other");
    let _ = workspace.rename(&path, at, "Other");
}

/// A piece of the seed is replaced.
fn damaged() -> impl Strategy<Value = (String, usize)> {
    let length = SEED.len();
    let piece = prop_oneof![
        "[ -~\n]{0,8}",
        "[(){}:.,<=\n \"]{0,4}",
        Just(String::new()),
        Just(String::from("é\r\n😀")),
    ];
    (0..length, 0..40usize, piece, 0..length).prop_map(|(start, cut, piece, at)| {
        let start = SEED.floor_char_boundary(start);
        let end = SEED.floor_char_boundary((start + cut).min(SEED.len()));
        (format!("{}{piece}{}", &SEED[..start], &SEED[end..]), at)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_damaged_file_is_answered((text, at) in damaged()) {
        ask(&text, at);
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}", at in 0..300usize) {
        ask(&text, at);
    }

    #[test]
    fn offsets_and_positions_are_the_same(text in "[a-c😀é\r\n]{0,60}") {
        let lines = Lines::new(&text);
        let mut last = Position::new(0, 0);
        for (offset, character) in text.char_indices() {
            let position = lines.position(&text, offset as u32);
            prop_assert!(position >= last);
            last = position;
            // a line ends before its CR LF
            if character != '\n' {
                prop_assert_eq!(lines.offset(&text, position), offset as u32);
            }
        }
    }

    #[test]
    fn changes_by_range_are_the_changes_of_the_text(
        text in "[a-c😀é\n]{0,40}",
        new in "[a-c😀\n]{0,5}",
        ends in (0..50usize, 0..50usize),
    ) {
        let clip = |at: usize| text.floor_char_boundary(at.min(text.len()));
        let (start, end) = (clip(ends.0.min(ends.1)), clip(ends.0.max(ends.1)));
        let lines = Lines::new(&text);
        let range = Range::new(
            lines.position(&text, start as u32),
            lines.position(&text, end as u32),
        );
        let mut workspace = Workspace::default();
        let uri: Uri = "file:///nowhere/main.aqua".parse().unwrap();
        let path = workspace.open(uri, 1, &text);
        workspace.change(&path, 2, [(Some(range), new.as_str())]);
        let mut expected = text.clone();
        expected.replace_range(start..end, &new);
        let document = workspace.documents().get(&path).unwrap();
        prop_assert_eq!(&*document.text, expected.as_str());
    }
}

#[test]
fn the_whole_file_is_right_and_has_hops() {
    let mut workspace = Workspace::default();
    let uri: Uri = "file:///nowhere/main.aqua".parse().unwrap();
    let path = workspace.open(uri, 1, SEED);
    let (analysis, file) = workspace.analysis(&path).unwrap();
    let mistakes = &analysis.compilation.diagnostics;
    assert!(!analysis.compilation.has_errors(), "{mistakes:?}");
    let all = Span::new(0, SEED.len() as u32);
    assert!(!hints::hints(&analysis, file, all).is_empty());
}

#[test]
fn every_place_of_a_whole_file_is_answered() {
    for at in (0..SEED.len()).step_by(3) {
        ask(SEED, at);
    }
}
