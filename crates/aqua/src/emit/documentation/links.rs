//! Where each definition is described.

use super::model::heading;
use super::{Definition, definition_at, definition_of, items};
use crate::compile::Compilation;
use crate::source::FileId;
use crate::syntax::Path;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;

/// What the page that leads to the others is called, without its ending. No other page is called so.
pub(super) const INDEX: &str = "index";

/// Names of pages, and anchors of definitions in them.
pub(super) struct Links<'a> {
    compilation: &'a Compilation,
    pages: HashMap<FileId, String>,
    anchors: HashMap<Definition, String>,
}

impl<'a> Links<'a> {
    pub(super) fn new(
        compilation: &'a Compilation,
        files: &[FileId],
        described: &BTreeSet<Definition>,
        extension: &str,
    ) -> Self {
        let mut taken = HashSet::new();
        if files.len() > 1 {
            taken.insert(INDEX.to_owned());
        }
        let pages = files.iter().map(|file| {
            let stem = compilation.set.get(*file).path.file_stem();
            let stem = stem.unwrap_or_default().to_string_lossy();
            // on some disks the case of letters does not matter
            let names = numbered(&stem).find(|name| taken.insert(name.to_lowercase()));
            (*file, format!("{}.{extension}", names.unwrap_or_default()))
        });
        let pages = pages.collect();
        let mut taken = HashSet::new();
        let mut anchors = HashMap::new();
        for (file, index) in described {
            let Some((kind, name)) = heading(&items(compilation, *file)[*index]) else {
                continue;
            };
            // as Markdown makes an anchor of a heading
            let anchor = format!("{kind}-{}", name.to_lowercase());
            let anchor = numbered(&anchor).find(|anchor| taken.insert((*file, anchor.clone())));
            anchors.insert((*file, *index), anchor.unwrap_or_default());
        }
        Self {
            compilation,
            pages,
            anchors,
        }
    }

    /// The name of the page of a file.
    pub(super) fn page(&self, file: FileId) -> &str {
        &self.pages[&file]
    }

    /// The anchor of a definition that is described.
    pub(super) fn anchor(&self, definition: Definition) -> Option<&str> {
        self.anchors.get(&definition).map(String::as_str)
    }

    /// Where a type that is named in a file is described, as a link from its page.
    pub(super) fn to(&self, file: FileId, path: &Path) -> Option<String> {
        let place = definition_of(self.compilation, file, path)?;
        let anchor = self.anchors.get(&definition_at(self.compilation, place)?)?;
        if place.file == file {
            return Some(format!("#{anchor}"));
        }
        let page = self.pages.get(&place.file)?;
        Some(format!("{}#{anchor}", url(page)))
    }
}

/// The name of a page as a link from beside it.
pub(super) fn url(page: &str) -> String {
    let mut out = String::new();
    let mut bytes = [0; 4];
    for c in page.chars() {
        if c.is_alphanumeric() || "-_.".contains(c) {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut bytes).bytes() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The name itself, then with `-1` behind it, and so on.
fn numbered(name: &str) -> impl Iterator<Item = String> {
    let more = (1u32..).map(move |number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(more)
}
