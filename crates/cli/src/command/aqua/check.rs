//! `weir aqua check`: everything that is wrong with programs, at once.

use super::{faults, sources};
use crate::args::Sources;
use crate::failure::Failure;
use crate::output::{Output, Report};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Checked {
    /// How many files were checked, imported ones included.
    files: usize,
    functions: usize,
    faults: Vec<faults::Fault>,
}

/// Checks all programs; fails if one of them has an error.
pub(super) fn run(paths: &[PathBuf], wanted: &Sources, output: &Output) -> Result<Report, Failure> {
    let compilation = sources::compiled(sources::programs(paths)?, wanted, output)?;
    let checked = Checked {
        files: compilation.set.files.len(),
        functions: compilation.world.functions().count(),
        faults: faults::list(&compilation),
    };
    let failure = faults::refused(&compilation);
    let text = format!(
        "{} {} files, {} functions",
        output.palette().check(),
        checked.files,
        checked.functions
    );
    let report = Report::new(
        &checked,
        if failure.is_some() {
            String::new()
        } else {
            text
        },
    );
    Ok(match failure {
        Some(failure) => report.failing(failure),
        None => report,
    })
}
