//! Which files a compilation consists of.
//!
//! The compiler reads nothing itself: whoever calls it brings the texts, through
//! [`Files`]. Starting from the given files every import is followed once; files
//! come out in an order in which each stands after all that it imports.

use crate::diagnostic::{Diagnostic, codes};
use crate::source::{FileId, Place, Span};
use crate::syntax::{self, HeaderItem, Parsed, StringLiteral};
use hashbrown::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub mod library;

/// Where texts come from.
pub trait Files {
    /// The text of a file; `None` if there is no such file.
    ///
    /// # Errors
    /// Says why a file that is there cannot be read.
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String>;

    /// The tokens and tree of a text that [`read`](Self::read) gave. Who compiles
    /// again after a small change may return what was made for the same number,
    /// path and text before.
    fn parse(&self, id: FileId, _path: &Path, text: &Arc<str>) -> Arc<Parsed> {
        Arc::new(syntax::parse(id, text))
    }
}

/// Where imports are looked for that are not found beside the importing file.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// Folders, the first first.
    pub roots: Vec<PathBuf>,
}

/// A file of a compilation.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path, normalised.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
    /// Its tokens and tree.
    pub parsed: Arc<Parsed>,
    /// For each import or use in the header, in order: the place of its path and the file.
    pub imports: Vec<(Span, Option<FileId>)>,
}

/// All files of a compilation.
#[derive(Debug, Default)]
pub struct FileSet {
    /// The files by number.
    pub files: Vec<SourceFile>,
    /// An order in which what is imported comes first.
    pub order: Vec<FileId>,
    /// The files that the compilation was started with.
    pub entries: Vec<FileId>,
    /// What is wrong with texts and imports.
    pub diagnostics: Vec<Diagnostic>,
}

impl FileSet {
    /// The file of that number.
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The number of the file of that path, if it is part of the compilation.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        let path = normalised(path);
        let index = self.files.iter().position(|file| file.path == path)?;
        Some(FileId(u32::try_from(index).ok()?))
    }
}

/// How many files a compilation may have.
const FILES_MAX: usize = 10_000;

/// Reads the files and all that they import.
///
/// # Errors
/// Returns the entry that cannot be read, with the reason. Everything else that is
/// wrong is in [`FileSet::diagnostics`].
pub fn load(
    entries: &[PathBuf],
    files: &dyn Files,
    imports: &Imports,
) -> Result<FileSet, (PathBuf, String)> {
    let mut loader = Loader {
        files,
        imports,
        known: HashMap::new(),
        set: FileSet::default(),
    };
    for entry in entries {
        let path = normalised(entry);
        let id = match loader.known.get(&path) {
            Some(id) => *id,
            None => match loader.files.read(&path) {
                Ok(Some(text)) => loader.add(path, text),
                Ok(None) => return Err((path, String::from("there is no such file"))),
                Err(reason) => return Err((path, reason)),
            },
        };
        loader.set.entries.push(id);
    }
    loader.follow();
    let mut set = loader.set;
    order(&mut set);
    Ok(set)
}

struct Loader<'a> {
    files: &'a dyn Files,
    imports: &'a Imports,
    known: HashMap<PathBuf, FileId>,
    set: FileSet,
}

impl Loader<'_> {
    fn add(&mut self, path: PathBuf, text: Arc<str>) -> FileId {
        let id = FileId(u32::try_from(self.set.files.len()).expect("files are counted"));
        let parsed = self.files.parse(id, &path, &text);
        self.set
            .diagnostics
            .extend(parsed.diagnostics.iter().cloned());
        self.known.insert(path.clone(), id);
        self.set.files.push(SourceFile {
            path,
            text,
            parsed,
            imports: Vec::new(),
        });
        id
    }

    /// Resolves the imports of every file, those found on the way included.
    fn follow(&mut self) {
        let mut next = 0;
        while next < self.set.files.len() {
            let id = FileId(u32::try_from(next).expect("files are counted"));
            let parsed = self.set.files[next].parsed.clone();
            let from = self.set.files[next].path.clone();
            let mut imports = Vec::new();
            for item in &parsed.tree.header {
                if let HeaderItem::Import { path, .. } | HeaderItem::Use { path, .. } = item {
                    imports.push((path.span, self.resolve(id, &from, path)));
                }
            }
            self.set.files[next].imports = imports;
            next += 1;
        }
    }

    fn resolve(&mut self, file: FileId, from: &Path, import: &StringLiteral) -> Option<FileId> {
        let candidates = candidates(from, &import.text, self.imports);
        for path in &candidates {
            if let Some(id) = self.known.get(path) {
                return Some(*id);
            }
            match self.files.read(path) {
                Ok(Some(text)) => {
                    if self.set.files.len() >= FILES_MAX {
                        self.report(Diagnostic::error(
                            codes::LIMIT,
                            format!("more than {FILES_MAX} files are imported"),
                            file,
                            import.span,
                        ));
                        return None;
                    }
                    return Some(self.add(path.clone(), text));
                }
                Ok(None) => {}
                Err(reason) => {
                    self.report(Diagnostic::error(
                        codes::UNRESOLVED_IMPORT,
                        format!("`{}` cannot be read: {reason}", path.display()),
                        file,
                        import.span,
                    ));
                    return None;
                }
            }
        }
        if let Some((path, text)) = library::find(&import.text) {
            let path = PathBuf::from(path);
            return Some(match self.known.get(&path) {
                Some(id) => *id,
                None => self.add(path, Arc::from(text)),
            });
        }
        let mut problem = Diagnostic::error(
            codes::UNRESOLVED_IMPORT,
            format!("`{}` is not found", import.text),
            file,
            import.span,
        );
        for path in &candidates {
            problem = problem.note(format!("looked for {}", path.display()));
        }
        self.report(problem.help(
            "write a path relative to this file, or name the folder that holds it with `--import`",
        ));
        None
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.set.diagnostics.push(diagnostic);
    }
}

/// The paths that an import may mean, the likeliest first.
fn candidates(from: &Path, import: &str, imports: &Imports) -> Vec<PathBuf> {
    let mut name = PathBuf::from(import);
    if name.extension().is_none_or(|extension| extension != "aqua") {
        let mut text = name.into_os_string();
        text.push(".aqua");
        name = PathBuf::from(text);
    }
    let beside = from.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut folders = vec![beside.clone()];
    folders.extend(imports.roots.iter().cloned());
    // packages are looked for as their own package manager lays them out
    let mut above = Some(beside.as_path());
    while let Some(folder) = above {
        if folder.file_name().is_none_or(|name| name != "node_modules") {
            folders.push(folder.join("node_modules"));
        }
        above = folder.parent();
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let path = normalised(&folder.join(&name));
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The path without `.` and, where it can be done by text alone, without `..`.
pub fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if out
                    .components()
                    .next_back()
                    .is_some_and(|last| matches!(last, Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Puts the files in order and reports circles.
fn order(set: &mut FileSet) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut state = vec![State::New; set.files.len()];
    let mut order = Vec::with_capacity(set.files.len());
    let mut problems = Vec::new();
    for root in 0..set.files.len() {
        if state[root] != State::New {
            continue;
        }
        state[root] = State::Open;
        let mut stack = vec![(root, 0)];
        while let Some((file, next)) = stack.last_mut() {
            let Some((span, target)) = set.files[*file].imports.get(*next).copied() else {
                state[*file] = State::Done;
                order.push(FileId(u32::try_from(*file).expect("files are counted")));
                stack.pop();
                continue;
            };
            *next += 1;
            let current = *file;
            let Some(target) = target else { continue };
            let target = target.0 as usize;
            match state[target] {
                State::New => {
                    state[target] = State::Open;
                    stack.push((target, 0));
                }
                State::Open => {
                    let start = stack
                        .iter()
                        .position(|(file, _)| *file == target)
                        .unwrap_or_default();
                    let circle: Vec<usize> = stack[start..].iter().map(|(file, _)| *file).collect();
                    problems.push((current, span, circle, target));
                }
                State::Done => {}
            }
        }
    }
    for (file, span, circle, target) in problems {
        let file = FileId(u32::try_from(file).expect("files are counted"));
        let names: Vec<String> = circle
            .iter()
            .chain([&target])
            .map(|file| set.files[*file].path.display().to_string())
            .collect();
        let mut problem = Diagnostic::error(
            codes::IMPORT_CYCLE,
            if circle.len() == 1 {
                String::from("a file cannot import itself")
            } else {
                String::from("these files import each other in a circle")
            },
            file,
            span,
        );
        if circle.len() > 1 {
            problem = problem.note(names.join(" → "));
        }
        if let Some((back, _)) = set.files[target].imports.iter().find(|_| circle.len() > 1) {
            problem = problem.label(
                Place {
                    file: FileId(u32::try_from(target).expect("files are counted")),
                    span: *back,
                },
                "the circle begins here",
            );
        }
        set.diagnostics.push(problem.help(if circle.len() == 1 {
            "leave the line out: a file sees all that it defines"
        } else {
            "move what both need into a third file, and import that one"
        }));
        // what comes later treats the circle as cut here
        for import in &mut set.files[file.0 as usize].imports {
            if import.0 == span {
                import.1 = None;
            }
        }
    }
    set.order = order;
}
