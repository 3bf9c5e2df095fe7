//! `weir air fmt`: the canonical layout.

use super::check;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
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
    for file in files {
        let name = input::name(file);
        let text = input::read(file)?;
        check::parsed(&name, &text, output)?;
        let fresh = weir_air::format(&text)
            .map_err(|diagnostics| check::refused(&name, &text, &diagnostics, output))?;
        let changed = fresh != text;
        if check_only {
            if changed {
                unformatted.push(name.clone());
            }
        } else if input::is_standard_input(file) {
            lines.push_str(&fresh);
        } else if changed {
            write(file, &fresh)?;
            lines.push_str(&format!("formatted {name}\n"));
        }
        formatted.push(FormattedFile {
            text: (input::is_standard_input(file) && !check_only).then_some(fresh),
            file: name,
            changed,
        });
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

/// Readers see the old text or the new one, never a part.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = file.with_file_name(name);
    let permissions = std::fs::metadata(file).map(|metadata| metadata.permissions());
    std::fs::write(&fresh, text)
        .and_then(|()| std::fs::set_permissions(&fresh, permissions?))
        .and_then(|()| std::fs::rename(&fresh, file))
        .map_err(|error| {
            // What is left of the attempt is of no use.
            let _ = std::fs::remove_file(&fresh);
            Failure::new(
                Code::FileUnwritable,
                format!("cannot write {}", file.display()),
            )
            .cause(error)
        })
}
