//! `weir aqua doc`: pages about programs.

use super::{faults, sources};
use crate::args::Sources;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use serde::Serialize;
use std::path::{Path, PathBuf};
use weir_aqua::emit::{PageFormat, documentation};

#[derive(Serialize)]
struct Documented {
    pages: Vec<Page>,
}

#[derive(Serialize)]
struct Page {
    name: String,
    /// Markdown or HTML.
    text: String,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<String>,
}

/// Writes the pages to a folder or to standard output.
pub(super) fn run(
    paths: &[PathBuf],
    html: bool,
    folder: Option<&Path>,
    wanted: &Sources,
    output: &Output,
) -> Result<Report, Failure> {
    let compilation = sources::compiled(sources::programs(paths)?, wanted, output)?;
    if let Some(failure) = faults::refused(&compilation) {
        return Err(failure);
    }
    let format = if html {
        PageFormat::Html
    } else {
        PageFormat::Markdown
    };
    let found = documentation(&compilation, format);
    if html && folder.is_none() && found.len() > 1 {
        let files = found.iter().filter(|page| page.file.is_some()).count();
        return Err(Failure::new(
            Code::Usage,
            format!("{files} programs have more than one page of HTML"),
        )
        .fix("name a folder for the pages with -o DIR"));
    }
    let unwritable = |path: &Path, error: std::io::Error| {
        Failure::new(
            Code::FileUnwritable,
            format!("cannot write {}", path.display()),
        )
        .cause(error)
    };
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    }
    let mut lines = String::new();
    let mut pages = Vec::new();
    for page in found {
        let written = match folder {
            None => {
                if !lines.is_empty() {
                    lines.push('\n');
                }
                lines.push_str(&page.text);
                None
            }
            Some(folder) => {
                let path = folder.join(&page.name);
                std::fs::write(&path, &page.text).map_err(|error| unwritable(&path, error))?;
                lines.push_str(&format!("wrote {}\n", path.display()));
                Some(path.display().to_string())
            }
        };
        pages.push(Page {
            name: page.name,
            text: page.text,
            written,
        });
    }
    Ok(Report::new(&Documented { pages }, lines))
}
