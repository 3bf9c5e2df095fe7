//! Where each definition is described.

use super::{Definition, definition_at, definition_of, items, name};
use crate::compile::Compilation;
use crate::source::FileId;
use crate::syntax::{Item, ItemKind, Path};
use hashbrown::HashMap;
use std::collections::BTreeSet;

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
    ) -> Self {
        let mut taken = HashMap::new();
        let pages = files.iter().map(|file| {
            let stem = compilation.set.get(*file).path.file_stem();
            let stem = stem.unwrap_or_default().to_string_lossy().into_owned();
            // on some disks the case of letters does not matter
            let number = counted(&mut taken, stem.to_lowercase());
            (*file, format!("{stem}{number}.md"))
        });
        let pages = pages.collect();
        let mut taken = HashMap::new();
        let mut anchors = HashMap::new();
        for (file, index) in described {
            let Some(heading) = heading(&items(compilation, *file)[*index]) else {
                continue;
            };
            let anchor = heading.to_lowercase().replace(' ', "-");
            let number = counted(&mut taken, (*file, anchor.clone()));
            anchors.insert((*file, *index), format!("{anchor}{number}"));
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

    /// Where a type that is named in a file is described, as a link from its page.
    pub(super) fn to(&self, file: FileId, path: &Path) -> Option<String> {
        let place = definition_of(self.compilation, file, path)?;
        let anchor = self.anchors.get(&definition_at(self.compilation, place)?)?;
        if place.file == file {
            return Some(format!("#{anchor}"));
        }
        let page = self.pages.get(&place.file)?;
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let target = format!("{page}#{anchor}");
        if page.chars().all(is_plain) {
            return Some(target);
        }
        Some(format!("<{target}>"))
    }
}

/// The heading of a definition. Markdown makes an anchor of it: small letters, and `-` for spaces.
pub(super) fn heading(item: &Item) -> Option<String> {
    let kind = match &item.kind {
        ItemKind::Error => return None,
        ItemKind::Const { .. } => "const",
        ItemKind::Alias { .. } => "alias",
        ItemKind::Data { .. } => "data",
        ItemKind::Ability { .. } => "ability",
        ItemKind::Service { .. } => "service",
        ItemKind::Func { .. } => "func",
    };
    name(item).map(|name| format!("{kind} {}", name.text))
}

/// What stands behind a name that is taken already: `-1` behind the second.
fn counted<K: std::hash::Hash + Eq>(taken: &mut HashMap<K, u32>, key: K) -> String {
    let count = taken.entry(key).or_insert(0);
    *count += 1;
    match *count - 1 {
        0 => String::new(),
        before => format!("-{before}"),
    }
}
