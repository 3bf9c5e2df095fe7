//! The texts: those that are open in the editor, above those on the disk.

use crate::positions::Lines;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tower_lsp_server::ls_types::{Range, Uri};
use weir_aqua::files::{Files, normalised};

/// A text that is open in the editor.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its address, as the editor writes it.
    pub uri: Uri,
    /// Which version of it, as the editor counts.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
}

/// What the disk has said about a file: its text, that it is not there, or why it cannot be read.
type OnDisk = Result<Option<Arc<str>>, String>;

/// How many files of the disk are known; each import asks for several that are not there.
const KNOWN_MAX: usize = 50_000;

/// All texts.
#[derive(Debug, Default)]
pub struct Documents {
    open: HashMap<PathBuf, Document>,
    /// What was read from the disk; editors say when files change there.
    disk: Mutex<HashMap<PathBuf, OnDisk>>,
}

impl Documents {
    /// A text is open from now on.
    pub fn open(&mut self, uri: Uri, version: i32, text: &str) -> PathBuf {
        let path = path_of(&uri);
        let text = Arc::from(text);
        self.open
            .insert(path.clone(), Document { uri, version, text });
        path
    }

    /// Changes an open text, piece by piece; no range means the whole. Whether it is open.
    pub fn change<'c>(
        &mut self,
        path: &Path,
        version: i32,
        changes: impl IntoIterator<Item = (Option<Range>, &'c str)>,
    ) -> bool {
        let Some(document) = self.open.get_mut(path) else {
            return false;
        };
        let mut text = document.text.to_string();
        for (range, new) in changes {
            match range {
                Some(range) => {
                    let span = Lines::new(&text).span(&text, range);
                    text.replace_range(span.range(), new);
                }
                None => new.clone_into(&mut text),
            }
        }
        document.version = version;
        document.text = Arc::from(text);
        true
    }

    /// A text is no longer open.
    pub fn close(&mut self, path: &Path) -> Option<Document> {
        self.forget(path);
        self.open.remove(path)
    }

    /// The open text of that path.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    /// The paths of all open texts, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.open.keys().cloned().collect();
        paths.sort_unstable();
        paths
    }

    /// The file may be another on the disk.
    pub fn forget(&self, path: &Path) {
        self.disk().remove(path);
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, OnDisk>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for Documents {
    fn read(&self, path: &Path) -> OnDisk {
        if let Some(document) = self.open.get(path) {
            return Ok(Some(document.text.clone()));
        }
        let mut disk = self.disk();
        if disk.len() >= KNOWN_MAX {
            disk.clear();
        }
        disk.entry(path.to_path_buf())
            .or_insert_with(|| read(path))
            .clone()
    }
}

fn read(path: &Path) -> OnDisk {
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(_) => Err(String::from("it is not UTF-8 text")),
        },
        // a folder of that name, or a file where a folder should be, is no such file
        Err(_) if !path.is_file() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// The path of a text. Those that were never saved have one that no file has.
pub fn path_of(uri: &Uri) -> PathBuf {
    match uri.to_file_path() {
        Some(path) if uri.scheme().as_str() == "file" => normalised(&path),
        _ => PathBuf::from(uri.as_str()),
    }
}
