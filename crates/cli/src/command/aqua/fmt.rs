//! `weir aqua fmt`: the canonical layout.

use super::{faults, sources};
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::rewrite::rewrite;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use weir_aqua::Request;
use weir_aqua::files::Files;

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

/// Lays out every program anew, or fails with `check_only` if one would change.
pub(super) fn run(paths: &[PathBuf], check_only: bool, output: &Output) -> Result<Report, Failure> {
    let mut formatted = Vec::new();
    let mut lines = String::new();
    let mut unformatted = Vec::new();
    for file in sources::programs(paths)? {
        let name = input::name(&file);
        let text = input::script(&file)
            .map_err(|failure| failure.instead_of(Code::AirInvalid, Code::AquaInvalid))?;
        let fresh = weir_aqua::syntax::format(&text).map_err(|_| refused(&name, &text, output))?;
        let changed = fresh != text;
        let to_standard_output = input::is_standard_input(&file) && !check_only;
        if to_standard_output {
            lines.push_str(&fresh);
        } else if changed && check_only {
            unformatted.push(name.clone());
        } else if changed {
            rewrite(&file, &fresh)?;
            lines.push_str(&format!("formatted {name}\n"));
        }
        formatted.push(FormattedFile {
            text: to_standard_output.then_some(fresh),
            file: name,
            changed,
        });
    }
    let report = Report::new(&Formatted { files: formatted }, lines);
    Ok(match unformatted.as_slice() {
        [] => report,
        names => report.failing(
            Failure::new(
                Code::AquaUnformatted,
                format!("not in canonical layout: {}", names.join(", ")),
            )
            .fix(format!("weir aqua fmt {}", names.join(" "))),
        ),
    })
}

/// One text, and nothing that it may import.
struct Alone(Arc<str>);

impl Files for Alone {
    fn read(&self, _: &std::path::Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(self.0.clone()))
    }
}

/// Shows why a text cannot be laid out.
fn refused(name: &str, text: &str, output: &Output) -> Failure {
    let request = Request {
        entries: vec![PathBuf::from(name)],
        ..Request::default()
    };
    let failure = weir_aqua::compile(&request, &Alone(Arc::from(text)))
        .ok()
        .and_then(|mut compilation| {
            compilation.diagnostics = compilation
                .set
                .get(compilation.set.entries[0])
                .parsed
                .diagnostics
                .clone();
            faults::show(&compilation, output);
            faults::refused(&compilation)
        });
    failure.unwrap_or_else(|| Failure::new(Code::AquaInvalid, format!("{name} cannot be read")))
}
