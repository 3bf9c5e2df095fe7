//! The open texts and folders, and what is known about them until they change.

use crate::analysis::{Analysis, Compiler, Texts};
use crate::documents::Documents;
use crate::rename::{self, Edits};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower_lsp_server::ls_types::{Range, Uri};
use weir_aqua::FileId;
use weir_aqua::files::{Imports, normalised};

/// How many files of the folders are looked through for uses.
const FILES_MAX: usize = 2_000;
/// How deep folders are looked into.
const DEPTH_MAX: usize = 16;

/// What is open, and what is known about it.
#[derive(Debug)]
pub struct Workspace {
    compiler: Compiler,
    documents: Documents,
    folders: Vec<PathBuf>,
    imports: Imports,
    /// By the file that the compilation begins with.
    single: HashMap<PathBuf, Known>,
    /// Of all files together.
    whole: Option<Known>,
    /// Open texts that the compiler breaks off at, until something changes.
    broken: BTreeSet<PathBuf>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

/// An analysis and what has happened to it.
#[derive(Debug)]
struct Known {
    analysis: Arc<Analysis>,
    /// Something has changed since.
    stale: bool,
    /// The editor has been told what is wrong.
    told: bool,
}

impl Workspace {
    /// A workspace of these folders; imports are looked for in `imports`, too.
    pub fn new(folders: Vec<PathBuf>, imports: Vec<PathBuf>) -> Self {
        Self::with_compiler(weir_aqua::compile, folders, imports)
    }

    /// The same with another compiler.
    pub fn with_compiler(compiler: Compiler, folders: Vec<PathBuf>, imports: Vec<PathBuf>) -> Self {
        Self {
            compiler,
            documents: Documents::default(),
            folders,
            imports: Imports { roots: imports },
            single: HashMap::new(),
            whole: None,
            broken: BTreeSet::new(),
        }
    }

    /// Forgets what came of the texts, after something broke off.
    pub fn forget(&mut self) {
        self.single.clear();
        self.whole = None;
    }

    /// The editor will be told that the compiler breaks off at this text.
    pub fn tell_broken(&mut self, path: &Path) {
        self.forget();
        self.broken.insert(path.to_path_buf());
    }

    /// The texts.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// A text is open from now on.
    pub fn open(&mut self, uri: Uri, version: i32, text: &str) -> PathBuf {
        let path = self.documents.open(uri, version, text);
        // whoever missed the file finds it now
        self.all_changed();
        path
    }

    /// An open text has changed.
    pub fn change<'c>(
        &mut self,
        path: &Path,
        version: i32,
        changes: impl IntoIterator<Item = (Option<Range>, &'c str)>,
    ) {
        if !self.documents.change(path, version, changes) {
            return;
        }
        self.broken.clear();
        for known in self.single.values_mut().chain(&mut self.whole) {
            known.stale |= known.analysis.find(path).is_some();
        }
    }

    /// A text is no longer open.
    pub fn close(&mut self, path: &Path) {
        self.documents.close(path);
        self.single.remove(path);
        self.all_changed();
    }

    /// A file has changed on the disk, or is new, or is gone.
    pub fn changed_on_disk(&mut self, path: &Path) {
        self.documents.forget(path);
        self.all_changed();
    }

    fn all_changed(&mut self) {
        self.broken.clear();
        for known in self.single.values_mut().chain(&mut self.whole) {
            known.stale = true;
        }
    }

    /// An open text for which the editor has not been told what is wrong with it now.
    pub fn untold(&self) -> Option<PathBuf> {
        let is_told = |known: &Known| known.told && !known.stale;
        let mut paths = self.documents.paths().into_iter();
        paths
            .find(|path| !self.broken.contains(path) && !self.single.get(path).is_some_and(is_told))
    }

    /// The editor will be told what this analysis says.
    pub fn tell(&mut self, path: &Path) -> Option<(Arc<Analysis>, FileId)> {
        let found = self.analysis(path)?;
        if let Some(known) = self.single.get_mut(path) {
            known.told = true;
        }
        Some(found)
    }

    /// What is known about an open text and all that it imports.
    pub fn analysis(&mut self, path: &Path) -> Option<(Arc<Analysis>, FileId)> {
        self.documents.get(path)?;
        let before = self.single.get(path);
        let analysis = match before {
            Some(known) if !known.stale => known.analysis.clone(),
            _ => {
                let analysis = Arc::new(Analysis::new(
                    self.compiler,
                    &[path.to_path_buf()],
                    &self.documents,
                    &self.imports,
                    before.map(|known| &*known.analysis),
                )?);
                let known = Known {
                    analysis: analysis.clone(),
                    stale: false,
                    told: false,
                };
                self.single.insert(path.to_path_buf(), known);
                analysis
            }
        };
        let file = analysis.find(path)?;
        Some((analysis, file))
    }

    /// What is known about all files of the folders, and one of them.
    pub fn whole(&mut self, path: &Path) -> Option<(Arc<Analysis>, FileId)> {
        if self.whole.as_ref().is_none_or(|known| known.stale) {
            let mut files = BTreeSet::from_iter(self.documents.paths());
            for folder in &self.folders {
                collect(folder, DEPTH_MAX, &mut files);
            }
            let files: Vec<PathBuf> = files.into_iter().collect();
            let before = self.whole.as_ref().map(|known| &*known.analysis);
            let analysis = Analysis::new(
                self.compiler,
                &files,
                &self.documents,
                &self.imports,
                before,
            )?;
            self.whole = Some(Known {
                analysis: Arc::new(analysis),
                stale: false,
                told: false,
            });
        }
        let analysis = self.whole.as_ref()?.analysis.clone();
        let file = analysis.find(path)?;
        Some((analysis, file))
    }

    /// What would be known about an open text if it were another.
    pub fn imagined(&self, path: &Path, text: &str) -> Option<Analysis> {
        let texts = Texts::from([(path.to_path_buf(), Arc::from(text))]);
        let before = self.single.get(path).map(|known| &*known.analysis);
        Analysis::imagined(
            self.compiler,
            &[path.to_path_buf()],
            &self.documents,
            texts,
            &self.imports,
            before,
        )
    }

    /// Another name for what stands at an offset, wherever it is used: the changes by file.
    ///
    /// # Errors
    /// Says why the name cannot be changed, or not to this one.
    pub fn rename(
        &mut self,
        path: &Path,
        offset: u32,
        new: &str,
    ) -> Result<(Arc<Analysis>, Edits), String> {
        let Some((analysis, file)) = self.whole(path) else {
            return Err(String::from("the file is not open"));
        };
        let edits = rename::rename(&analysis, file, offset, new)?;
        let mut texts = Texts::new();
        let changed: BTreeSet<FileId> = edits.iter().map(|(place, _)| place.file).collect();
        for file in changed {
            let source = analysis.file(file);
            let own = edits.iter().filter(|(place, _)| place.file == file);
            let text = rename::apply(&source.text, own);
            texts.insert(source.path.clone(), Arc::from(text));
        }
        let set = &analysis.compilation.set;
        let entries: Vec<PathBuf> = set
            .entries
            .iter()
            .map(|entry| set.get(*entry).path.clone())
            .collect();
        let after = Analysis::imagined(
            self.compiler,
            &entries,
            &self.documents,
            texts,
            &self.imports,
            Some(&analysis),
        );
        let before = &analysis.compilation.diagnostics;
        if let Some(after) = after
            && let Some(problem) = rename::conflict(before, &after.compilation.diagnostics)
        {
            return Err(format!("`{new}` cannot be the name: {}", problem.message));
        }
        Ok((analysis, edits))
    }
}

/// The Aqua files of a folder, without those of packages and what is hidden.
fn collect(folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // links may lead in circles
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if found.len() >= FILES_MAX {
            return;
        }
        if kind.is_dir() {
            let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
            if !skipped && depth > 0 {
                collect(&path, depth - 1, found);
            }
        } else if path.extension().is_some_and(|end| end == "aqua") {
            found.insert(normalised(&path));
        }
    }
}
