//! What `weir air fmt` and `weir aqua fmt` have in common: files in their canonical layout.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::Report;
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

/// A language that has a layout.
pub(super) struct Language<Format> {
    /// The command that lays out its files.
    pub(super) command: &'static str,
    /// The failure of files in another layout.
    pub(super) unformatted: Code,
    /// The text of a file, which is called by this name, and the same in its layout.
    pub(super) format: Format,
}

impl<Format: Fn(&Path, &str) -> Result<(String, String), Failure>> Language<Format> {
    /// Lays out every file anew, or fails with `check_only` if one would change.
    pub(super) fn lay_out(&self, files: &[PathBuf], check_only: bool) -> Result<Report, Failure> {
        let mut formatted = Vec::new();
        let mut lines = String::new();
        let mut unformatted = Vec::new();
        let mut written: Vec<String> = Vec::new();
        for file in files {
            // Files that were laid out before one that cannot be stay so, which is worth knowing.
            let fresh = self
                .one(file, check_only)
                .map_err(|failure| match written.as_slice() {
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
                    self.unformatted,
                    format!("not in canonical layout: {}", names.join(", ")),
                )
                .fix(format!("{} {}", self.command, names.join(" "))),
            ),
        })
    }

    fn one(&self, file: &Path, check_only: bool) -> Result<FormattedFile, Failure> {
        let name = input::name(file);
        let (text, fresh) = (self.format)(file, &name)?;
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
}
