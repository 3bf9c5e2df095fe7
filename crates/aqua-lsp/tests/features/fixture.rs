//! A workspace from texts, and places of it as text.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tower_lsp_server::ls_types::Uri;
use weir_aqua::{FileId, Place};
use weir_aqua_lsp::{Analysis, Workspace};

/// Open texts, and the place of the cursor in one of them.
pub struct Fixture {
    pub workspace: Workspace,
    pub path: PathBuf,
    pub analysis: Arc<Analysis>,
    pub file: FileId,
    pub offset: u32,
}

impl Fixture {
    /// One file.
    pub fn new(text: &str) -> Self {
        Self::several(&[("main.aqua", text)])
    }

    /// Files by name; the cursor is in one of them.
    pub fn several(files: &[(&str, &str)]) -> Self {
        let mut workspace = Workspace::default();
        let mut cursor = None;
        for (name, text) in files {
            let uri: Uri = format!("file:///work/{name}").parse().unwrap();
            let path = workspace.open(uri, 1, &text.replacen("$0", "", 1));
            if let Some(offset) = text.find("$0") {
                cursor = Some((path, offset as u32));
            } else if cursor.is_none() {
                cursor = Some((path, 0));
            }
        }
        let (path, offset) = cursor.unwrap();
        let (analysis, file) = workspace.analysis(&path).unwrap();
        Self {
            workspace,
            path,
            analysis,
            file,
            offset,
        }
    }
}

/// A place as `file:line:column text`, counted from 1.
pub fn place(analysis: &Analysis, place: Place) -> String {
    let range = analysis.range(place);
    let path = &analysis.compilation.set.get(place.file).path;
    format!(
        "{}:{}:{} {}",
        path.strip_prefix("/work")
            .unwrap_or(Path::new(path))
            .display(),
        range.start.line + 1,
        range.start.character + 1,
        analysis.text(place)
    )
}

/// Places, one a line.
pub fn places(analysis: &Analysis, all: impl IntoIterator<Item = Place>) -> String {
    let mut out = String::new();
    for one in all {
        writeln!(out, "{}", place(analysis, one).trim_end()).unwrap();
    }
    out
}
