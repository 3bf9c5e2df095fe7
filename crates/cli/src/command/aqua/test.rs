//! `weir aqua test`: the tests of programs, on a simulated network.

use super::{faults, sources};
use crate::args::Sources;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use weir_sim::trial::trials;

#[derive(Serialize)]
struct Tested {
    passed: usize,
    failed: usize,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seeds: Option<u64>,
    /// The seed that shows what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs every test whose name contains the filter.
pub(super) fn run(
    filter: Option<&str>,
    paths: &[PathBuf],
    wanted: &Sources,
    timeout: Option<Duration>,
    output: &Output,
) -> Result<Report, Failure> {
    let patience = Patience::new(timeout);
    let compilation = sources::compiled(sources::programs(paths)?, wanted, output)?;
    if let Some(failure) = faults::refused(&compilation) {
        return Err(failure);
    }
    let mut lines = String::new();
    let mut tests = Vec::new();
    for trial in trials(&compilation) {
        let (name, seeds, outcome) = match trial {
            Ok(trial) if is_wanted(&trial.name, filter) => {
                let progress = output.progress(format!("running {}", trial.name));
                let (name, seeds) = (trial.name.clone(), trial.seeds);
                let outcome = patience.wait_for(&name, move || trial.run())?;
                drop(progress);
                (name, Some(seeds), outcome)
            }
            Err((name, failure)) if is_wanted(&name, filter) => (name, None, Err(failure)),
            _ => continue,
        };
        let palette = output.palette();
        match &outcome {
            Ok(()) => lines.push_str(&format!("{} {name}\n", palette.check())),
            Err(failure) => {
                let seed = failure
                    .seed
                    .map(|seed| format!(" (seed {seed})"))
                    .unwrap_or_default();
                let (cross, reason) = (palette.cross(), &failure.reason);
                lines.push_str(&format!("{cross} {name}: {reason}{seed}\n"));
            }
        }
        let failure = outcome.err();
        tests.push(Test {
            passed: failure.is_none(),
            seed: failure.as_ref().and_then(|failure| failure.seed),
            reason: failure.map(|failure| failure.reason),
            name,
            seeds,
        });
    }
    let failed = tests.iter().filter(|test| !test.passed).count();
    let all = tests.len();
    if all == 0 {
        return Err(Failure::new(Code::AquaTests, "there are no tests")
            .fix("export a function without arguments whose name begins with `test`"));
    }
    lines.push_str(&format!("{} of {all} tests passed", all - failed));
    let report = Report::new(
        &Tested {
            passed: all - failed,
            failed,
            tests,
        },
        lines,
    );
    if failed == 0 {
        return Ok(report);
    }
    let what = format!("{failed} of {all} tests did not pass");
    Ok(report.failing(Failure::new(Code::AquaTests, what)))
}

fn is_wanted(name: &str, filter: Option<&str>) -> bool {
    filter.is_none_or(|filter| name.contains(filter))
}
