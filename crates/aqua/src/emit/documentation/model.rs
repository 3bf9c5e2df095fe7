//! What a page says, before it is written in a format.

use super::links::Links;
use super::{Definition, items, name, named_types, named_types_of_member};
use crate::compile::Compilation;
use crate::names::Exported;
use crate::source::{FileId, Place, Span};
use crate::syntax::{HeaderItem, Item, ItemKind, Member, Path, TypeExpr};
use std::collections::BTreeSet;

/// The parts of a page.
const PARTS: [&str; 4] = ["Functions", "Services", "Types", "Constants"];

/// A page about a file.
pub(super) struct Document {
    /// The name of the module, or else of the file.
    pub(super) title: String,
    /// The comment above the module's name, in Markdown.
    pub(super) docs: String,
    /// Those that have entries.
    pub(super) parts: Vec<Part>,
}

/// Entries of one kind.
pub(super) struct Part {
    pub(super) title: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// A definition.
pub(super) struct Entry {
    /// The keyword: `func`.
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Unique in its page.
    pub(super) anchor: String,
    /// What the file says about it, if it fits in few lines.
    pub(super) code: Option<String>,
    /// Under which name clients know it.
    pub(super) export: Option<String>,
    /// The comment above it, in Markdown.
    pub(super) docs: String,
    /// Where the types are described that its code names.
    pub(super) types: Vec<Link>,
    pub(super) fields: Vec<Field>,
    pub(super) members: Vec<Method>,
}

/// A field of data.
pub(super) struct Field {
    pub(super) name: String,
    /// Its type in pieces, of which some lead to where they are described.
    pub(super) ty: Vec<Piece>,
    /// The comment above it, in Markdown.
    pub(super) docs: String,
}

/// A member of a service or an ability.
pub(super) struct Method {
    pub(super) name: String,
    pub(super) code: String,
    pub(super) docs: String,
    pub(super) types: Vec<Link>,
}

/// A name that is described elsewhere.
#[derive(PartialEq, Eq)]
pub(super) struct Link {
    pub(super) text: String,
    /// Relative to the page: a URL without characters that any format gives a meaning to.
    pub(super) target: String,
}

/// A part of a type.
pub(super) enum Piece {
    Code(String),
    Link(Link),
}

/// In which part of a page a definition stands.
fn part(kind: &ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::Error => None,
        ItemKind::Func { .. } => Some("Functions"),
        ItemKind::Service { .. } => Some("Services"),
        ItemKind::Data { .. } | ItemKind::Ability { .. } | ItemKind::Alias { .. } => Some("Types"),
        ItemKind::Const { .. } => Some("Constants"),
    }
}

/// The keyword of a definition, and its name.
pub(super) fn heading(item: &Item) -> Option<(&'static str, &str)> {
    let kind = match &item.kind {
        ItemKind::Error => return None,
        ItemKind::Const { .. } => "const",
        ItemKind::Alias { .. } => "alias",
        ItemKind::Data { .. } => "data",
        ItemKind::Ability { .. } => "ability",
        ItemKind::Service { .. } => "service",
        ItemKind::Func { .. } => "func",
    };
    name(item).map(|name| (kind, name.text.as_str()))
}

/// What there is to say about a file.
pub(super) fn document(
    compilation: &Compilation,
    file: FileId,
    described: &BTreeSet<Definition>,
    links: &Links<'_>,
) -> Document {
    let reader = Reader {
        compilation,
        file,
        links,
    };
    let numbers = described.range((file, 0)..=(file, usize::MAX));
    let described: Vec<(usize, &Item)> = numbers
        .map(|(file, index)| (*index, &items(compilation, *file)[*index]))
        .collect();
    let parts = PARTS.into_iter().filter_map(|title| {
        let belonging = described
            .iter()
            .filter(|(_, item)| part(&item.kind) == Some(title));
        let entries: Vec<Entry> = belonging
            .filter_map(|(index, item)| reader.entry(*index, item))
            .collect();
        (!entries.is_empty()).then_some(Part { title, entries })
    });
    Document {
        title: reader.title(),
        docs: reader.module_docs(),
        parts: parts.collect(),
    }
}

struct Reader<'a> {
    compilation: &'a Compilation,
    file: FileId,
    links: &'a Links<'a>,
}

impl Reader<'_> {
    fn source(&self, span: Span) -> String {
        self.compilation.set.get(self.file).text[span.range()].to_owned()
    }

    /// The comment above what starts there.
    fn docs(&self, start: u32) -> String {
        let source = self.compilation.set.get(self.file);
        source.parsed.docs(&source.text, start).join("\n")
    }

    fn title(&self) -> String {
        if let Some(name) = &self.compilation.world.module(self.file).name {
            return name.clone();
        }
        let file_name = self.compilation.set.get(self.file).path.file_name();
        file_name.unwrap_or_default().to_string_lossy().into_owned()
    }

    fn module_docs(&self) -> String {
        let source = self.compilation.set.get(self.file);
        match source.parsed.tree.header.first() {
            Some(HeaderItem::Module { span, .. }) => self.docs(span.start),
            _ => String::new(),
        }
    }

    fn entry(&self, index: usize, item: &Item) -> Option<Entry> {
        let (kind, text) = heading(item)?;
        let name = name(item)?;
        let mut entry = Entry {
            kind,
            name: text.to_owned(),
            anchor: self.links.anchor((self.file, index))?.to_owned(),
            code: None,
            export: self.export(name.span),
            docs: self.docs(item.span.start),
            types: Vec::new(),
            fields: Vec::new(),
            members: Vec::new(),
        };
        match &item.kind {
            ItemKind::Error => return None,
            ItemKind::Const { value, .. } => {
                entry.code = Some(self.source(item.span.to(value.span)));
            }
            ItemKind::Alias { ty, .. } => {
                entry.code = Some(self.source(Span::new(item.span.start, ty.span.end)));
                entry.types = self.types(&named_types(item));
            }
            ItemKind::Func { signature, .. } => {
                entry.code = Some(self.source(Span::new(item.span.start, signature.span.end)));
                entry.types = self.types(&named_types(item));
            }
            ItemKind::Data { fields, .. } => entry.fields = self.fields(fields),
            ItemKind::Ability { members, .. } => entry.members = self.members(members),
            ItemKind::Service { id, methods, .. } => {
                let id = id.as_ref().map(|id| self.source(id.span));
                entry.code = id.map(|id| format!("service {text}({id})"));
                entry.members = self.members(methods);
            }
        }
        Some(entry)
    }

    fn export(&self, span: Span) -> Option<String> {
        let world = &self.compilation.world;
        let place = Place {
            file: self.file,
            span,
        };
        let exports = &world.module(self.file).exports;
        let export = exports.iter().find(|export| match export.what {
            Exported::Func(id) => world.func(id).place == place,
            Exported::Service(id) => world.ty(id).place == place,
        });
        export.map(|export| export.name.clone())
    }

    fn types(&self, paths: &[&Path]) -> Vec<Link> {
        let mut found: Vec<Link> = Vec::new();
        for path in paths {
            if let Some(link) = self.link(path)
                && !found.contains(&link)
            {
                found.push(link);
            }
        }
        found
    }

    fn link(&self, path: &Path) -> Option<Link> {
        Some(Link {
            text: path.text(),
            target: self.links.to(self.file, path)?,
        })
    }

    fn fields(&self, fields: &[Member]) -> Vec<Field> {
        let read = |field: &Member| Field {
            name: field.name.text.clone(),
            ty: self.pieces(&field.ty, &named_types_of_member(field)),
            docs: self.docs(field.name.span.start),
        };
        fields.iter().map(read).collect()
    }

    fn members(&self, members: &[Member]) -> Vec<Method> {
        let read = |member: &Member| Method {
            name: member.name.text.clone(),
            code: self.source(member.name.span.to(member.ty.span)),
            docs: self.docs(member.name.span.start),
            types: self.types(&named_types_of_member(member)),
        };
        members.iter().map(read).collect()
    }

    fn pieces(&self, ty: &TypeExpr, paths: &[&Path]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = ty.span.start;
        let code = |pieces: &mut Vec<Piece>, span: Span| {
            let text = self.source(span);
            if !text.is_empty() {
                pieces.push(Piece::Code(text));
            }
        };
        for path in paths {
            if let Some(link) = self.link(path) {
                code(&mut pieces, Span::new(at, path.span.start));
                pieces.push(Piece::Link(link));
                at = path.span.end;
            }
        }
        code(&mut pieces, Span::new(at, ty.span.end));
        pieces
    }
}
