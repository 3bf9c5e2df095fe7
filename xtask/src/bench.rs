//! `cargo xtask bench`: runs every bench and prints its figures as the table of `docs/benchmarks.md`.
//!
//! A bench prints lines `bench: NAME | FIGURE | GOAL`; everything else that it prints goes to standard error.

use crate::step::{Failed, cargo};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

pub(crate) fn run_all() -> Result<(), Failed> {
    let mut command = cargo("bench");
    command
        .args(["--profile", "release", "--locked", "--workspace"])
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Failed(format!("cannot run cargo bench: {error}")))?;
    let output = child
        .stdout
        .take()
        .expect("standard output was asked for just above");
    let mut rows = Vec::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match line.strip_prefix("bench: ") {
            Some(row) => rows.push(row.to_owned()),
            None => eprintln!("{line}"),
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failed(format!("cargo bench: {error}")))?;
    if !status.success() {
        return Err(Failed(format!("cargo bench failed: {status}")));
    }
    println!("| what | measured | goal |\n|---|---|---|");
    for row in rows {
        println!("| {row} |");
    }
    Ok(())
}
