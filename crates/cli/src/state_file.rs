//! Files of `.weir` in JSON: read with an error that says what to do, written whole or not at all.

use crate::code::Code;
use crate::failure::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What stands in a file; none if there is no file. `fix` says what helps if it cannot be understood.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, fix: &str) -> Result<Option<T>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let what = format!("cannot read {}", path.display());
            return Err(Failure::new(Code::FileUnreadable, what).cause(error));
        }
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| malformed(path, error, fix))
}

/// That a file cannot be understood.
pub(crate) fn malformed(path: &Path, cause: impl ToString, fix: &str) -> Failure {
    let what = format!("cannot understand {}", path.display());
    Failure::new(Code::StateMalformed, what)
        .cause(cause)
        .fix(fix)
}

/// Writes a file. Readers see the old one or the new one, never a part.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(content)
        .map_err(|error| Failure::internal(format!("{} has no text", path.display()), error))?;
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, text + "\n")
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| {
            let what = format!("cannot write {}", path.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        })
}
