//! How fast programs are compiled: read, checked, lowered, placed and written as AIR.
//!
//! `cargo bench --profile release -p weir-aqua` prints one line for each figure of `docs/benchmarks.md`.

use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_aqua::files::Files;
use weir_aqua::lower::Options;
use weir_aqua::{Request, compile};

/// The median of so many runs counts.
const RUNS: usize = 15;

/// One text in memory, or the files of this machine.
enum Texts {
    One(Arc<str>),
    Disk,
}

impl Files for Texts {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(match self {
            Self::One(text) => Some(text.clone()),
            Self::Disk => std::fs::read_to_string(path).ok().map(Arc::from),
        })
    }
}

/// Compiles all that the files export; the bytes of the scripts.
fn compiled(entries: &[PathBuf], texts: &Texts) -> usize {
    let request = Request {
        entries: entries.to_vec(),
        ..Request::default()
    };
    let compilation = compile(&request, texts).expect("the files are there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let entries = compilation.set.entries.iter();
    entries
        .flat_map(|file| compilation.exports(*file))
        .map(|(_, func)| {
            let script = compilation.script(func, &Options::default());
            script.expect("it is small enough").len()
        })
        .sum()
}

fn median(mut what: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

fn report(name: &str, time: Duration, goal: &str) {
    let ms = time.as_secs_f64() * 1e3;
    println!("bench: aqua: {name} | {ms:.2} ms | {goal}");
}

fn text(name: &str, text: String, goal: &str) {
    let texts = Texts::One(Arc::from(text));
    let entries = [PathBuf::from("program.aqua")];
    report(
        name,
        median(|| _ = black_box(compiled(&entries, &texts))),
        goal,
    );
}

fn sequence(calls: usize) -> String {
    let mut out = String::from(
        "aqua Sequence\n\nexport main\n\nservice S(\"s\"):\n  get(a: u32) -> u32\n\nfunc main() -> u32:\n",
    );
    for call in 0..calls {
        writeln!(out, "  x{call} <- S.get({call})").expect("writing to a string cannot fail");
    }
    out + "  <- x0\n"
}

/// Each function calls the one before it twice.
fn doubling(depth: usize) -> String {
    let mut out = format!(
        "aqua Doubling\n\nexport f{depth}\n\nservice S(\"s\"):\n  get(a: u32) -> u32\n\nfunc f0(a: u32) -> u32:\n  x <- S.get(a)\n  <- x\n"
    );
    for number in 1..=depth {
        let before = number - 1;
        write!(
            out,
            "\nfunc f{number}(a: u32) -> u32:\n  x <- f{before}(a)\n  y <- f{before}(x)\n  <- y\n"
        )
        .expect("writing to a string cannot fail");
    }
    out
}

/// Functions with branches, loops, streams and hops; at most 200 are exported.
fn large(lines: usize) -> String {
    let mut out = String::from("aqua Large\n\nexport f0");
    for number in 1..(lines / 18).min(200) {
        write!(out, ", f{number}").expect("writing to a string cannot fail");
    }
    out.push_str("\n\nservice S(\"s\"):\n  get(a: u32) -> u32\n  put(a: u32, s: string)\n");
    for number in 0..lines / 18 {
        write!(
            out,
            "
func f{number}(p: string, q: string, xs: []u32) -> u32, []u32:
  res: *u32
  on p via q:
    a <- S.get({number})
    if a == 3:
      res <<- a + 1
    else:
      S.put(a, \"x{number}\")
  for x <- xs par:
    try:
      on q:
        res <- S.get(x)
    otherwise:
      S.put(x, p)
  join res[0]
  y = xs[0] * 2 + 1
  <- y, res
"
        )
        .expect("writing to a string cannot fail");
    }
    out
}

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut programs: Vec<PathBuf> = std::fs::read_dir(&corpus)
        .expect("it is part of the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "aqua")
        })
        .filter(|path| !path.ends_with("refused.aqua"))
        .collect();
    programs.sort();
    text(
        "a small program: a service, a function, an `on`",
        large(18),
        "",
    );
    let all = median(|| _ = black_box(compiled(&programs, &Texts::Disk)));
    let name = format!(
        "the corpus: {} programs in one run, all that they export",
        programs.len()
    );
    report(&name, all, "under 100 ms");
    text(
        "400 calls one after the other",
        sequence(400),
        "under 10 ms",
    );
    text("10,000 calls one after the other", sequence(10_000), "");
    text(
        "ten functions that each call the one before twice",
        doubling(10),
        "does not explode",
    );
    text(
        "100,000 lines, 200 of 5,555 functions exported",
        large(100_000),
        "under 1,000 ms",
    );
}
