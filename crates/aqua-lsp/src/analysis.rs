//! What the compiler says about some files, and what it made of their texts before.

use crate::documents::Documents;
use crate::index::Index;
use crate::positions::Lines;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tower_lsp_server::ls_types::{Position, Range};
use weir_aqua::files::{FileSet, Files, Imports, SourceFile};
use weir_aqua::syntax::{self, Parsed};
use weir_aqua::{Compilation, FileId, Place, Request, Span};

/// Files that have been compiled as far as editors need it: there are no scripts.
#[derive(Debug)]
pub struct Analysis {
    /// What the compiler made of them.
    pub compilation: Compilation,
    lines: Vec<OnceLock<Lines>>,
    index: OnceLock<Index>,
}

/// What compiles: [`weir_aqua::compile`], or what a test puts in its place.
pub type Compiler = fn(&Request, &dyn Files) -> Result<Compilation, (PathBuf, String)>;

/// Texts by path.
pub type Texts = HashMap<PathBuf, Arc<str>>;

/// Parses only what is not the same as before.
struct Known<'a> {
    documents: &'a Documents,
    /// Texts that stand for those of the documents.
    instead: Texts,
    before: Option<&'a FileSet>,
}

impl Files for Known<'_> {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        match self.instead.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => self.documents.read(path),
        }
    }

    fn parse(&self, id: FileId, path: &Path, text: &Arc<str>) -> Arc<Parsed> {
        match self.before.and_then(|set| set.files.get(id.0 as usize)) {
            Some(file) if file.path == path && file.text == *text => file.parsed.clone(),
            _ => Arc::new(syntax::parse(id, text)),
        }
    }
}

impl Analysis {
    /// Compiles files and all that they import. `before` is what came of the same
    /// files the last time. Files that cannot be read are left out; nothing if all are.
    pub fn new(
        compiler: Compiler,
        entries: &[PathBuf],
        documents: &Documents,
        imports: &Imports,
        before: Option<&Analysis>,
    ) -> Option<Self> {
        Self::imagined(compiler, entries, documents, Texts::new(), imports, before)
    }

    /// The same with other texts for some files.
    pub fn imagined(
        compiler: Compiler,
        entries: &[PathBuf],
        documents: &Documents,
        instead: Texts,
        imports: &Imports,
        before: Option<&Analysis>,
    ) -> Option<Self> {
        let readable = |path: &&PathBuf| matches!(documents.read(path), Ok(Some(_)));
        let entries: Vec<PathBuf> = entries.iter().filter(readable).cloned().collect();
        if entries.is_empty() {
            return None;
        }
        let request = Request {
            entries,
            imports: imports.clone(),
            constants: Vec::new(),
        };
        let files = Known {
            documents,
            instead,
            before: before.map(|before| &before.compilation.set),
        };
        let compilation = compiler(&request, &files).ok()?;
        let lines = compilation.set.files.iter().map(|_| OnceLock::new());
        Some(Self {
            lines: lines.collect(),
            compilation,
            index: OnceLock::new(),
        })
    }

    /// The file of that path.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        self.compilation.set.find(path)
    }

    /// The file of that number.
    pub fn file(&self, id: FileId) -> &SourceFile {
        self.compilation.set.get(id)
    }

    /// What names mean, worked out when it is asked for the first time.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.compilation))
    }

    fn lines(&self, id: FileId) -> &Lines {
        self.lines[id.0 as usize].get_or_init(|| Lines::new(&self.file(id).text))
    }

    /// The range of a place in its file.
    pub fn range(&self, place: Place) -> Range {
        self.lines(place.file)
            .range(&self.file(place.file).text, place.span)
    }

    /// The offset of a position in a file.
    pub fn offset(&self, file: FileId, position: Position) -> u32 {
        self.lines(file).offset(&self.file(file).text, position)
    }

    /// The span of a range in a file.
    pub fn span(&self, file: FileId, range: Range) -> Span {
        self.lines(file).span(&self.file(file).text, range)
    }

    /// The text at a place.
    pub fn text(&self, place: Place) -> &str {
        let text = &self.file(place.file).text;
        text.get(place.span.range()).unwrap_or_default()
    }
}
