//! `weir aqua fmt`: the canonical layout.

use super::{faults, sources};
use crate::code::Code;
use crate::command::layout::Language;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::Request;
use weir_aqua::files::Files;

/// Lays out every program anew, or fails with `check_only` if one would change.
pub(super) fn run(paths: &[PathBuf], check_only: bool, output: &Output) -> Result<Report, Failure> {
    let aqua = Language {
        command: "weir aqua fmt",
        unformatted: Code::AquaUnformatted,
        format: |file: &Path, name: &str| {
            let text = input::script(file)
                .map_err(|failure| failure.instead_of(Code::AirInvalid, Code::AquaInvalid))?;
            let fresh =
                weir_aqua::syntax::format(&text).map_err(|_| refused(name, &text, output))?;
            Ok((text, fresh))
        },
    };
    aqua.lay_out(&sources::programs(paths)?, check_only)
}

/// One text, and nothing that it may import.
struct Alone(Arc<str>);

impl Files for Alone {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
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
