//! Pages for people, as `weir aqua doc` writes them: what files declare and export, with the comments above it.
//!
//! Comments are Markdown. There is a page for each file, with links from the types of a signature to the pages that
//! describe them, and a page that leads to the others if there are several. Types that a file keeps for itself are
//! described where something described needs them. `model` says what is on a page; each format is a file that writes it.

mod html;
mod links;
mod markdown;
mod model;

use crate::compile::Compilation;
use crate::names::{Exported, TopValue};
use crate::source::{FileId, Place};
use crate::syntax::{Item, ItemKind, Member, Name, Path, TypeExpr, TypeKind};
use hashbrown::HashSet;
use std::collections::BTreeSet;

use links::{INDEX, Links, url};
use model::{Document, document};

/// In what pages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFormat {
    /// Markdown, with comments as they are.
    Markdown,
    /// HTML that loads nothing. HTML in comments is shown, not passed on.
    Html,
}

impl PageFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The file that it describes; none for the page that leads to the others.
    pub file: Option<FileId>,
    /// What the file is to be called, the same for the same compilation: `greeting.md`.
    pub name: String,
    /// The text, in the format that was asked for.
    pub text: String,
}

/// A page as the page that leads to it sees it.
struct Chapter<'a> {
    title: &'a str,
    target: &'a str,
    /// What the comment says first, in Markdown.
    summary: String,
}

/// The pages of the files with which the compilation was started, in their order. There must be no errors.
/// If there are several, one that leads to them is in front of them.
pub fn documentation(compilation: &Compilation, format: PageFormat) -> Vec<Page> {
    let mut files = compilation.set.entries.clone();
    let mut known = HashSet::new();
    files.retain(|file| known.insert(*file));
    let described = described(compilation, &files);
    let links = Links::new(compilation, &files, &described, format.extension());
    let documents: Vec<(FileId, Document)> = files
        .iter()
        .map(|file| (*file, document(compilation, *file, &described, &links)))
        .collect();
    let mut pages = Vec::new();
    let index = format!("{INDEX}.{}", format.extension());
    let has_index = documents.len() > 1;
    if has_index {
        pages.push(Page {
            file: None,
            name: index.clone(),
            text: index_text(&documents, &links, format),
        });
    }
    for (file, document) in &documents {
        let text = match format {
            PageFormat::Markdown => markdown::page(document),
            PageFormat::Html => html::page(document, has_index.then_some(index.as_str())),
        };
        pages.push(Page {
            file: Some(*file),
            name: links.page(*file).to_owned(),
            text,
        });
    }
    pages
}

/// The page that leads to the others.
fn index_text(documents: &[(FileId, Document)], links: &Links<'_>, format: PageFormat) -> String {
    let targets: Vec<String> = documents
        .iter()
        .map(|(file, _)| url(links.page(*file)))
        .collect();
    let chapters = documents.iter().zip(&targets);
    let chapters: Vec<Chapter<'_>> = chapters
        .map(|((_, document), target)| Chapter {
            title: &document.title,
            target,
            summary: first_paragraph(&document.docs),
        })
        .collect();
    let title = "Programs";
    match format {
        PageFormat::Markdown => markdown::index(title, &chapters),
        PageFormat::Html => html::index(title, &chapters),
    }
}

fn first_paragraph(docs: &str) -> String {
    let lines = docs.lines().skip_while(|line| line.trim().is_empty());
    let lines: Vec<&str> = lines.take_while(|line| !line.trim().is_empty()).collect();
    lines.join("\n")
}

/// A definition: its file and its number there.
type Definition = (FileId, usize);

/// What can be imported from the files or called by clients, and the types that it needs.
fn described(compilation: &Compilation, files: &[FileId]) -> BTreeSet<Definition> {
    let mut pending = Vec::new();
    for file in files {
        let visible = visible(compilation, *file);
        for (index, item) in items(compilation, *file).iter().enumerate() {
            let span = name(item).map(|name| name.span);
            if span.is_some_and(|span| visible.contains(&Place { file: *file, span })) {
                pending.push((*file, index));
            }
        }
    }
    let mut described = BTreeSet::new();
    while let Some((file, index)) = pending.pop() {
        if !described.insert((file, index)) {
            continue;
        }
        for path in named_types(&items(compilation, file)[index]) {
            let place = definition_of(compilation, file, path);
            let place = place.filter(|place| files.contains(&place.file));
            pending.extend(place.and_then(|place| definition_at(compilation, place)));
        }
    }
    described
}

/// Where the names stand of what others can import from a file, and of what clients can call.
fn visible(compilation: &Compilation, file: FileId) -> HashSet<Place> {
    let world = &compilation.world;
    let module = world.module(file);
    let types = module.declared.types.values().map(|id| world.ty(*id).place);
    let values = module.declared.values.values().map(|value| match value {
        TopValue::Const(id) => world.constant(*id).place,
        TopValue::Func(id) => world.func(*id).place,
    });
    let exports = module.exports.iter().map(|export| match export.what {
        Exported::Func(id) => world.func(id).place,
        Exported::Service(id) => world.ty(id).place,
    });
    types.chain(values).chain(exports).collect()
}

fn items(compilation: &Compilation, file: FileId) -> &[Item] {
    &compilation.set.get(file).parsed.tree.items
}

/// The name of a definition.
fn name(item: &Item) -> Option<&Name> {
    match &item.kind {
        ItemKind::Error => None,
        ItemKind::Const { name, .. }
        | ItemKind::Alias { name, .. }
        | ItemKind::Data { name, .. }
        | ItemKind::Ability { name, .. }
        | ItemKind::Service { name, .. }
        | ItemKind::Func { name, .. } => Some(name),
    }
}

/// Where the type of that name is defined.
fn definition_of(compilation: &Compilation, file: FileId, path: &Path) -> Option<Place> {
    let found = compilation.world.module(file).space.find_type(path)?;
    Some(compilation.world.ty(found).place)
}

/// The definition whose name stands there.
fn definition_at(compilation: &Compilation, place: Place) -> Option<Definition> {
    let mut items = items(compilation, place.file).iter();
    let index = items.position(|item| name(item).is_some_and(|name| name.span == place.span))?;
    Some((place.file, index))
}

/// The types that a definition names where it says what it takes and gives, in the order of the text.
fn named_types(item: &Item) -> Vec<&Path> {
    let mut found = Vec::new();
    match &item.kind {
        ItemKind::Error | ItemKind::Const { .. } => {}
        ItemKind::Alias { ty, .. } => collect(ty, &mut found),
        ItemKind::Data {
            fields: members, ..
        }
        | ItemKind::Ability { members, .. }
        | ItemKind::Service {
            methods: members, ..
        } => found = members.iter().flat_map(named_types_of_member).collect(),
        ItemKind::Func { signature, .. } => {
            found.extend(&signature.abilities);
            let params = signature.params.iter().map(|param| &param.ty);
            for ty in params.chain(&signature.results) {
                collect(ty, &mut found);
            }
        }
    }
    found
}

fn named_types_of_member(member: &Member) -> Vec<&Path> {
    let mut found = Vec::new();
    collect(&member.ty, &mut found);
    found
}

fn collect<'t>(ty: &'t TypeExpr, found: &mut Vec<&'t Path>) {
    match &ty.kind {
        TypeKind::Error | TypeKind::Top | TypeKind::Bottom => {}
        TypeKind::Named(path) => found.push(path),
        TypeKind::Array(inner)
        | TypeKind::Option(inner)
        | TypeKind::Stream(inner)
        | TypeKind::Map(inner) => collect(inner, found),
        TypeKind::Arrow(signature) => {
            found.extend(&signature.abilities);
            let params = signature.params.iter().map(|param| &param.ty);
            for ty in params.chain(&signature.results) {
                collect(ty, found);
            }
        }
    }
}
