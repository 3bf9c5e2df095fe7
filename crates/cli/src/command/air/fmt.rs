//! `weir air fmt`: the canonical layout.

use super::check;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::rewrite::rewrite;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Formatted {
    files: Vec<FormattedFile>,
}

#[derive(Serialize)]
struct FormattedFile {
    file: String,
    /// Whether the layout was another one.
    changed: bool,
    /// The new text, for standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Lays out every file anew, or fails with `check_only` if one would change.
pub(super) fn run(files: &[PathBuf], check_only: bool, output: &Output) -> Result<Report, Failure> {
    let mut formatted = Vec::new();
    let mut lines = String::new();
    let mut unformatted = Vec::new();
    let mut written: Vec<String> = Vec::new();
    for file in files {
        // Files that were laid out before one that cannot be stay so, which is worth knowing.
        let fresh =
            format(file, check_only, output).map_err(|failure| match written.as_slice() {
                [] => failure,
                names => failure.fact("formatted", names.join(", ")),
            })?;
        if let Some(text) = &fresh.text {
            lines.push_str(text);
        } else if fresh.changed && check_only {
            unformatted.push(fresh.file.clone());
        } else if fresh.changed {
            lines.push_str(&format!("formatted {}\n", fresh.file));
            written.push(fresh.file.clone());
        }
        formatted.push(fresh);
    }
    let report = Report::new(&Formatted { files: formatted }, lines);
    Ok(match unformatted.as_slice() {
        [] => report,
        names => report.failing(
            Failure::new(
                Code::AirUnformatted,
                format!("not in canonical layout: {}", names.join(", ")),
            )
            .fix(format!("weir air fmt {}", names.join(" "))),
        ),
    })
}

fn format(file: &Path, check_only: bool, output: &Output) -> Result<FormattedFile, Failure> {
    let name = input::name(file);
    let text = input::script(file)?;
    check::parsed(&name, &text, output)?;
    let fresh = weir_air::format(&text)
        .map_err(|diagnostics| check::refused(&name, &text, &diagnostics, output))?;
    let changed = fresh != text;
    let to_standard_output = input::is_standard_input(file) && !check_only;
    if changed && !check_only && !to_standard_output {
        rewrite(file, &fresh)?;
    }
    Ok(FormattedFile {
        text: to_standard_output.then_some(fresh),
        file: name,
        changed,
    })
}
