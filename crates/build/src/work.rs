//! Running tools.

use crate::{Error, Missing};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a tool wrote to standard output; it must not fail, or not be there.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let done = quietly(command)?;
    let text = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| text.trim().to_owned())
}

/// What became of a tool, or nothing if there is none.
pub(crate) fn quietly(command: &mut Command) -> Option<Output> {
    command.stdin(Stdio::null()).output().ok()
}

/// Runs a tool to its end and gives what it wrote to standard output, if that is `piped`, else lets it go to standard
/// error, which belongs to people. What it says there is seen as it comes.
pub(crate) fn run(command: &mut Command, piped: bool) -> Result<Vec<u8>, Error> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let stdout = if piped {
        Stdio::piped()
    } else {
        Stdio::from(std::io::stderr())
    };
    let done = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::inherit())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| {
            Error::Missing(Missing {
                what: format!("the program {tool}"),
                found: vec![format!("it cannot be run: {error}")],
                install: vec![format!("install {tool}")],
            })
        })?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy());
    Err(Error::Failed {
        tool: [tool.as_str().into()]
            .into_iter()
            .chain(arguments)
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
        status: done.status.to_string(),
    })
}

/// The first program of these names that the variable `PATH` leads to.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| {
        let mut candidates = folders.iter().map(|folder| folder.join(name));
        candidates.find(|candidate| candidate.is_file())
    })
}

/// Reads a file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|error| Error::File {
        file: file.to_owned(),
        error,
    })
}

/// Writes a file and the folders that lead to it. Readers see the old bytes or the new ones, never a part.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fresh = file.with_added_extension("new");
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&fresh, bytes))
        .and_then(|()| std::fs::rename(&fresh, file))
        .map_err(|error| Error::File {
            file: file.to_owned(),
            error,
        })
}
