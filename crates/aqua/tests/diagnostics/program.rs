//! Programs from texts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_aqua::files::{Files, Imports, normalised};
use weir_aqua::{Compilation, Diagnostic, Edit, Request, Severity, compile};

/// Texts by path, before those of a folder.
pub struct Texts {
    pub texts: Vec<(PathBuf, String)>,
    pub folder: Option<PathBuf>,
}

impl Files for Texts {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        let path = normalised(path);
        if let Some((_, text)) = self.texts.iter().find(|(name, _)| *name == path) {
            return Ok(Some(Arc::from(text.as_str())));
        }
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        match std::fs::read_to_string(folder.join(&path)) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(_) => Ok(None),
        }
    }
}

/// The folder of the programs that the compiler is measured by.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The names of the programs of a folder of the corpus, in order.
pub fn names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(corpus().join(folder)).expect("the corpus is there");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let programs = paths.filter(|path| path.extension().is_some_and(|end| end == "aqua"));
    let mut names: Vec<String> = programs
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

pub fn read(name: &str) -> String {
    std::fs::read_to_string(corpus().join(name)).expect("a program of the corpus")
}

/// Compiles a text as if it stood in that place of the corpus.
pub fn compile_as(name: &str, text: &str) -> Compilation {
    let files = Texts {
        texts: vec![(PathBuf::from(name), text.to_owned())],
        folder: Some(corpus()),
    };
    compile_with(name, &files)
}

pub fn compile_with(entry: &str, files: &Texts) -> Compilation {
    let request = Request {
        entries: vec![PathBuf::from(entry)],
        imports: Imports::default(),
        constants: Vec::new(),
    };
    compile(&request, files).expect("the entry is there")
}

pub fn errors(compilation: &Compilation) -> Vec<&Diagnostic> {
    let diagnostics = compilation.diagnostics.iter();
    diagnostics
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .collect()
}

pub fn edited(text: &str, edit: &Edit) -> String {
    let mut text = text.to_owned();
    text.replace_range(edit.place.span.range(), &edit.text);
    text
}
