//! `weir air fmt`: the canonical layout.

use super::check;
use crate::code::Code;
use crate::command::layout::Language;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use std::path::{Path, PathBuf};

/// Lays out every file anew, or fails with `check_only` if one would change.
pub(super) fn run(files: &[PathBuf], check_only: bool, output: &Output) -> Result<Report, Failure> {
    let air = Language {
        command: "weir air fmt",
        unformatted: Code::AirUnformatted,
        format: |file: &Path, name: &str| {
            let text = input::script(file)?;
            check::parsed(name, &text, output)?;
            let fresh = weir_air::format(&text)
                .map_err(|diagnostics| check::refused(name, &text, &diagnostics, output))?;
            Ok((text, fresh))
        },
    };
    air.lay_out(files, check_only)
}
