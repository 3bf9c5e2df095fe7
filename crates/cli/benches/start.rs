//! How long a person waits: whole processes, as started from a shell.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

fn weir(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The median of several runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn done(folder: &Path, arguments: &[&str]) {
    let output = weir(folder, arguments)
        .output()
        .expect("cargo has built the binary");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Starts a network and says how long it took to be ready.
fn up(folder: &Path) -> (Child, Duration) {
    let begin = Instant::now();
    let mut child = weir(folder, &["up", "--json"])
        .spawn()
        .expect("cargo has built the binary");
    let stdout = child.stdout.as_mut().expect("it was asked for");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("a pipe can be read");
    assert!(line.contains("\"ok\":true"), "{line}");
    (child, begin.elapsed())
}

fn kill(mut child: Child) {
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
}

fn report(name: &str, time: Duration, goal: &str) {
    println!(
        "bench: cli: {name} | {:.1} ms | {goal}",
        time.as_secs_f64() * 1e3
    );
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let folder = folder.path();
    report(
        "weir --help",
        median(|| done(folder, &["--help"])),
        "under 30 ms",
    );
    let (network, cold) = up(folder);
    report("weir up in an empty folder until ready", cold, "");
    kill(network);
    let (network, warm) = up(folder);
    report("weir up after kill -9 until ready", warm, "under 3,000 ms");
    for policy in ["all", "any"] {
        let call = ["call", "greeter.hello", "Ada", "--policy", policy];
        let name = format!("weir {} as a process", call.join(" "));
        report(&name, median(|| done(folder, &call)), "");
    }
    report("weir trace", median(|| done(folder, &["trace"])), "");
    kill(network);
}
