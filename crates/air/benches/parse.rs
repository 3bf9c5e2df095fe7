//! How fast scripts are read and written, in megabytes of script text per second on one core.
//!
//! `cargo bench --profile release -p weir-air` prints one line for each figure
//! of `docs/benchmarks.md`.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use weir_air::{Limits, Script};

/// Sizes of the scripts, in bytes.
const LARGE_BYTES: usize = 10_000_000;
const USUAL_BYTES: usize = 20_000;
/// Folds in each other. The limit is 100,000.
const FOLDS: usize = 1 << 16;
/// The clock counts in ticks of some milliseconds; the mean of so many runs is finer.
const RUNS: u32 = 20;

/// A block of what compilers emit: hops, calls with lenses, a fold with error handling.
fn block(out: &mut String, number: usize) {
    write!(
        out,
        r#"(seq
  (seq
    (call %init_peer_id% ("getDataSrv" "-relay-") [] -relay-{number}-)
    (call %init_peer_id% ("getDataSrv" "peers_{number}") [] peers_{number}))
  (seq
    (fold peers_{number} peer_{number}
      (par
        (xor
          (seq
            (call -relay-{number}- ("op" "noop") [])
            (call peer_{number} ("registry_{number}" "get_record") ["key-{number}" peers_{number}.$.[0].services.[1]] $records_{number}))
          (call %init_peer_id% ("errorHandlingSrv" "error") [%last_error% {number}]))
        (next peer_{number})))
    (seq
      (canon %init_peer_id% $records_{number} #records_{number})
      (match #records_{number}.length 3
        (ap #records_{number}.$.[0].weight weight_{number})))))"#
    )
    .expect("writing to a string cannot fail");
}

/// A balanced tree of blocks of about `bytes`.
fn script(bytes: usize) -> String {
    let mut sample = String::new();
    block(&mut sample, 1_000);
    let count = (bytes / sample.len()).next_power_of_two();
    let mut out = String::new();
    // After block n, as many `seq`s end as n has trailing one bits.
    for number in 0..count {
        let opened = if number == 0 {
            count.trailing_zeros()
        } else {
            number.trailing_zeros()
        };
        out.push_str(&"(seq ".repeat(opened as usize));
        block(&mut out, number);
        out.push_str(&")".repeat(number.trailing_ones() as usize));
        out.push('\n');
    }
    out
}

/// Time that this thread has run, so that other work on the machine does not count; where the
/// system does not tell, the time that has passed.
enum Clock {
    OnCore(Duration),
    Wall(Instant),
}

impl Clock {
    fn start() -> Self {
        on_core().map_or_else(|| Self::Wall(Instant::now()), Self::OnCore)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::OnCore(start) => on_core().unwrap_or_default().saturating_sub(*start),
            Self::Wall(start) => start.elapsed(),
        }
    }
}

fn on_core() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times
        .split(' ')
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

/// The mean time of a run.
fn time<T>(mut run: impl FnMut() -> T) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..RUNS {
        let start = Clock::start();
        let result = black_box(run());
        total += start.elapsed();
        drop(result);
    }
    total / RUNS
}

fn measure<T>(what: &str, goal: &str, bytes: usize, run: impl FnMut() -> T) {
    let speed = bytes as f64 / 1e6 / time(run).as_secs_f64();
    println!("bench: air: {what} | {speed:.0} MB/s | {goal}");
}

/// Folds over streams in each other, around a balanced tree of `xor`s of their `next`s.
fn folds(count: usize) -> String {
    let mut nexts: Vec<String> = (0..count).map(|n| format!("(next i{n})")).collect();
    while nexts.len() > 1 {
        nexts = nexts
            .chunks(2)
            .map(|pair| format!("(xor {})", pair.join(" ")))
            .collect();
    }
    let mut out = String::from("(new $s ");
    for number in 0..count {
        write!(out, "(fold $s i{number} ").expect("writing to a string cannot fail");
    }
    out.push_str(&nexts.concat());
    out.push_str(&")".repeat(count + 1));
    out
}

fn read(text: &str) -> Script {
    let limits = Limits {
        bytes: usize::MAX,
        nodes: usize::MAX,
        ..Limits::default()
    };
    weir_air::parse(text, &limits).expect("the script is right")
}

fn main() {
    let usual = vec![script(USUAL_BYTES); LARGE_BYTES / USUAL_BYTES];
    let usual_bytes: usize = usual.iter().map(String::len).sum();
    let goal = "at least 100 MB/s";
    measure(
        "parse, many scripts of about 20 KB",
        goal,
        usual_bytes,
        || {
            usual
                .iter()
                .map(|text| read(text).nodes().len())
                .sum::<usize>()
        },
    );
    let text = script(LARGE_BYTES);
    let script = read(&text);
    let short = weir_air::minify(&script);
    let what = "parse, one script of 11 MB with 98,000 names";
    measure(what, goal, text.len(), || read(&text));
    measure("the same, minified", goal, short.len(), || read(&short));
    measure("print", "", text.len(), || weir_air::print(&script));
    measure(
        "format, many scripts of about 20 KB",
        "",
        usual_bytes,
        || {
            let formatted = usual.iter().map(|text| weir_air::format(text));
            formatted
                .map(|text| text.expect("the script is right").len())
                .sum::<usize>()
        },
    );
    measure("minify", "", text.len(), || weir_air::minify(&script));
    let [few, many] = [FOLDS / 2, FOLDS].map(|count| {
        let text = folds(count);
        time(|| read(&text)).as_secs_f64()
    });
    println!(
        "bench: air: {FOLDS} folds in each other, time to that of half as many | {:.2} | at most 2.6",
        many / few
    );
}
