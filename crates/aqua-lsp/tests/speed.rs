//! How long a keystroke takes. The figure is printed by
//! `cargo test --release -p weir-aqua-lsp --test speed -- --nocapture`.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tower_lsp_server::ls_types::{Position, Range, Uri};
use weir_aqua_lsp::{Workspace, diagnostics, tokens};

/// The bound.
const KEYSTROKE_MAX: Duration = Duration::from_millis(50);

/// A program of 2,000 lines: services, structs, loops, branches and calls of each other.
fn program() -> String {
    let mut text = String::from(
        "aqua Large declares *
import Op, Peer from \"weir/std/builtin.aqua\"
import Math from \"weir/std/math.aqua\"

data Entry:
  name: string
  size: u32
  parts: []u32

service Store(\"store\"):
  get(name: string) -> Entry
  put(entry: Entry) -> bool

",
    );
    for number in 0.. {
        if text.lines().count() >= 1_980 {
            break;
        }
        let previous = if number == 0 {
            String::from("size")
        } else {
            format!("step{}(peers, 1)", number - 1)
        };
        write!(
            text,
            "-- Asks each peer and adds up.
func step{number}(peers: []string, size: u32) -> u32:
  found: *Entry
  for peer <- peers par:
    on peer via HOST_PEER_ID:
      entry <- Store.get(\"name{number}\")
      if entry.size > size && entry.name != \"\":
        changed = entry.copy(size = entry.size + {number})
        found <<- changed
      else:
        try:
          done <- Store.put(Entry(name = entry.name, size = size, parts = [1, 2, size]))
        catch error:
          Op.noop()
  join found[0]
  before = {previous}
  sum <- Math.add(before, 3)
  <- found[0].size + size

"
        )
        .unwrap();
    }
    text
}

#[test]
fn mistakes_are_told_fifty_milliseconds_after_a_keystroke() {
    let text = program();
    let lines = text.lines().count();
    assert!((1_900..2_100).contains(&lines), "{lines} lines");
    let mut workspace = Workspace::default();
    let uri: Uri = "file:///work/large.aqua".parse().unwrap();
    let path = workspace.open(uri, 1, &text);
    let (analysis, _) = workspace.tell(&path).unwrap();
    let mistakes = &analysis.compilation.diagnostics;
    assert!(!analysis.compilation.has_errors(), "{mistakes:?}");

    // a letter comes and goes in the middle of the file
    let line = text
        .lines()
        .position(|line| line.contains("before = step50("))
        .unwrap() as u32;
    let (at, after) = (Position::new(line, 11), Position::new(line, 12));
    let mut times = Vec::new();
    for version in 2..42 {
        let change = if version % 2 == 0 {
            (Some(Range::new(at, at)), "x")
        } else {
            (Some(Range::new(at, after)), "")
        };
        let start = Instant::now();
        workspace.change(&path, version, [change]);
        let (analysis, file) = workspace.tell(&path).unwrap();
        let told = diagnostics::of(&analysis, file, &|_| None);
        times.push(start.elapsed());
        let errors = told.iter().filter(|one| one.message.contains("xstep50"));
        assert_eq!(errors.count(), usize::from(version % 2 == 0));
    }
    times.sort_unstable();
    let median = times[times.len() / 2];
    let worst = times[times.len() - 1];
    let (analysis, file) = workspace.tell(&path).unwrap();
    let start = Instant::now();
    let coloured = tokens::tokens(&analysis, file);
    let encoded = tokens::encode(&analysis, file, &coloured);
    let colours = start.elapsed();
    println!(
        "{lines} lines: {median:?} from a keystroke to its diagnostics (worst {worst:?}), \
         {colours:?} for the {} tokens",
        encoded.len()
    );
    assert!(median < KEYSTROKE_MAX, "{median:?}");
}
