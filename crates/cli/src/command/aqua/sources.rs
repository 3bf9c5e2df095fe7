//! Programs on disk.

use crate::args::Sources;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::Output;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::files::{Files, Imports};
use weir_aqua::hir::Literal;
use weir_aqua::{Compilation, Request};

use super::faults;

/// Larger files are no programs.
const BYTES_MAX: u64 = 64 << 20;
/// Folders are searched no deeper.
const DEPTH_MAX: usize = 64;

/// The files of this machine.
pub(crate) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => return Ok(None),
            Ok(about) if about.len() > BYTES_MAX => {
                return Err(format!("it is larger than {BYTES_MAX} bytes"));
            }
            Ok(_) => {}
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes)
            .map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))?;
        Ok(Some(Arc::from(text)))
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Reads and checks programs; what is wrong is shown.
pub(super) fn compiled(
    entries: Vec<PathBuf>,
    sources: &Sources,
    output: &Output,
) -> Result<Compilation, Failure> {
    let constants = sources
        .constants
        .iter()
        .map(|text| constant(text))
        .collect::<Result<_, _>>()?;
    let request = Request {
        entries,
        imports: Imports {
            roots: sources.imports.clone(),
        },
        constants,
    };
    let compilation = weir_aqua::compile(&request, &Disk).map_err(|(path, reason)| {
        Failure::new(
            Code::FileUnreadable,
            format!("cannot read {}", path.display()),
        )
        .cause(reason)
    })?;
    faults::show(&compilation, output);
    Ok(compilation)
}

/// `NAME=VALUE`, the value being JSON or else text.
fn constant(text: &str) -> Result<(String, Literal), Failure> {
    let malformed = || {
        Failure::new(Code::Usage, format!("--const {text:?} is not a constant"))
            .fix("write --const NAME=VALUE with a number, true, false or a text")
    };
    let (name, value) = text.split_once('=').ok_or_else(malformed)?;
    let value = value.trim();
    let literal = match serde_json::from_str::<serde_json::Value>(value) {
        Ok(serde_json::Value::Bool(value)) => Literal::Bool(value),
        Ok(serde_json::Value::String(value)) => Literal::String(value),
        Ok(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(number) => Literal::Int(number),
            None if number.is_f64() => Literal::Float(value.to_owned()),
            None => return Err(malformed()),
        },
        Ok(_) => return Err(malformed()),
        Err(_) => Literal::String(value.to_owned()),
    };
    Ok((name.trim().to_owned(), literal))
}

/// The programs among paths: files as they are, folders searched for `*.aqua`.
pub(super) fn programs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, 0, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Failure::new(
            Code::FileUnreadable,
            format!("no programs in {}", names.join(", ")),
        )
        .fix("name a file, or a folder with files that end in .aqua"));
    }
    Ok(found)
}

/// What package managers and hidden folders hold is not searched.
fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(
            Code::FileUnreadable,
            format!("cannot read {}", folder.display()),
        )
        .cause(error)
    };
    let mut inside = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    inside.sort_by_key(std::fs::DirEntry::file_name);
    for entry in inside {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
            if !skipped && depth < DEPTH_MAX {
                search(&path, depth + 1, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "aqua")
        {
            found.push(path);
        }
    }
    Ok(())
}
