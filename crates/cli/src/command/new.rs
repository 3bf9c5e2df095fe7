//! `weir new DIR`: a project that builds, with a component that answers before anything is installed.

mod template;

use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use template::{File, SERVICE, files};
use weir_identity::Cid;

#[derive(Serialize)]
struct New {
    /// As it was given.
    folder: String,
    language: &'static str,
    service: &'static str,
    component: Component,
    /// Relative to the folder.
    files: Vec<&'static str>,
}

#[derive(Serialize)]
struct Component {
    file: &'static str,
    cid: String,
}

/// Makes the folder. It is there as a whole afterwards, or not at all.
pub(crate) fn run(args: &args::New, output: &Output) -> Result<Report, Failure> {
    check_name(&args.project)?;
    check_free(&args.project)?;
    let files = files(args.lang);
    place(&args.project, &files).map_err(|error| {
        let what = format!("cannot make {}", args.project.display());
        Failure::new(Code::FileUnwritable, what).cause(error)
    })?;
    let component = files.iter().find(|file| file.path == template::COMPONENT);
    let cid = component.map_or_else(String::new, |file| Cid::of_raw(file.bytes).to_string());
    let folder = args.project.display().to_string();
    let text = format!(
        "{} {folder}: the service `{SERVICE}` in {}. Next:\n  \
         cd {}\n  \
         weir wasm call {} 'hello(\"Ada\")'\n  \
         weir up\n\
         {folder}/README.md says how it goes on.",
        output.palette().check(),
        args.lang.title(),
        quoted(&folder),
        template::COMPONENT,
    );
    let data = New {
        folder,
        language: args.lang.name(),
        service: SERVICE,
        component: Component {
            file: template::COMPONENT,
            cid,
        },
        files: files.iter().map(|file| file.path).collect(),
    };
    Ok(Report::new(&data, text))
}

/// The last part of the path must be a name that tools and shells take for one.
fn check_name(folder: &Path) -> Result<(), Failure> {
    let what = || format!("{} is no name for a project", folder.display());
    let fix = "weir new hello";
    // `file_name` leaves out a `/.` at the end, which would name another folder than it seems to.
    let is_path_to_name = folder
        .components()
        .next_back()
        .map(std::path::Component::as_os_str)
        == folder.file_name();
    let name = folder.file_name().filter(|_| is_path_to_name);
    let Some(name) = name.and_then(|name| name.to_str()) else {
        let cause = "the last part of the path must be the name of a new folder";
        return Err(Failure::new(Code::Usage, what()).cause(cause).fix(fix));
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let cause = if let Some(wrong) = name.chars().find(|&c| !allowed(c)) {
        format!("it has {wrong:?}; letters, digits, '-', '_' and '.' are taken")
    } else if name.starts_with(['-', '.']) {
        "it begins like an option or a hidden file".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::new(Code::Usage, what()).cause(cause).fix(fix))
}

/// There must be nothing where the project goes, or an empty folder.
fn check_free(folder: &Path) -> Result<(), Failure> {
    let cause = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => "it is a file".to_owned(),
        Err(error) => error.to_string(),
        Ok(mut entries) => match entries.next() {
            None => return Ok(()),
            Some(Err(error)) => error.to_string(),
            Some(Ok(entry)) => format!(
                "it has {}, and nothing is overwritten",
                entry.file_name().display()
            ),
        },
    };
    let what = format!("{} exists already", folder.display());
    Err(Failure::new(Code::ProjectExists, what)
        .cause(cause)
        .fix("take another name"))
}

/// Writes everything into a folder beside it, and gives that its name at the end.
fn place(folder: &Path, files: &[File]) -> io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent)?;
    let fresh = parent.join(format!(".weir-new-{}", std::process::id()));
    let placed = write_all(&fresh, files).and_then(|()| std::fs::rename(&fresh, folder));
    if placed.is_err() {
        // What is left of it is of no use; that it cannot be removed is not what failed.
        let _ = std::fs::remove_dir_all(&fresh);
    }
    placed
}

fn write_all(folder: &Path, files: &[File]) -> io::Result<()> {
    for file in files {
        let path: PathBuf = folder.join(file.path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, file.bytes)?;
    }
    Ok(())
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{check_name, quoted};
    use std::path::Path;

    #[test]
    fn names_are_those_of_folders() {
        for good in [
            "hello",
            "a/b/hello-2",
            "/tmp/hello_3.x",
            "./héllo",
            "hello/",
        ] {
            check_name(Path::new(good)).expect(good);
        }
        for bad in [
            "", ".", "..", "/", "a/..", "-x", ".x", "a b", "a\"", "a\n", "a:b",
        ] {
            check_name(Path::new(bad)).expect_err(bad);
        }
    }

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(quoted("a/b-1.x"), "a/b-1.x");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
