//! The text of a page.

use super::links::{Links, heading};
use super::{Definition, items, name, named_types, named_types_of_member};
use crate::compile::Compilation;
use crate::names::Exported;
use crate::source::{FileId, Place, Span};
use crate::syntax::{HeaderItem, Item, ItemKind, Member, Path, TypeExpr};
use std::collections::BTreeSet;

/// The parts of a page.
const PARTS: [&str; 4] = ["Functions", "Services", "Types", "Constants"];

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

/// The page of a file.
pub(super) fn text(
    compilation: &Compilation,
    file: FileId,
    described: &BTreeSet<Definition>,
    links: &Links<'_>,
) -> String {
    let mut writer = Writer {
        compilation,
        file,
        links,
        text: String::new(),
    };
    writer.title();
    let described = described.range((file, 0)..=(file, usize::MAX));
    let described: Vec<&Item> = described
        .map(|(file, index)| &items(compilation, *file)[*index])
        .collect();
    for title in PARTS {
        let belongs = |item: &&&Item| part(&item.kind) == Some(title);
        let mut items = described.iter().filter(belongs).peekable();
        if items.peek().is_some() {
            writer.paragraph(&format!("## {title}"));
        }
        for item in items {
            writer.item(item);
        }
    }
    writer.text
}

struct Writer<'a> {
    compilation: &'a Compilation,
    file: FileId,
    links: &'a Links<'a>,
    text: String,
}

impl Writer<'_> {
    /// Adds what stands between empty lines.
    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn code(&mut self, code: &str) {
        // a fence is longer than any row of backticks inside
        let mut fence = "```".to_owned();
        while code.contains(&fence) {
            fence.push('`');
        }
        self.paragraph(&format!("{fence}aqua\n{code}\n{fence}"));
    }

    fn source(&self, span: Span) -> String {
        self.compilation.set.get(self.file).text[span.range()].to_owned()
    }

    fn docs(&mut self, start: u32) {
        let docs = self.docs_at(start).join("\n");
        if !docs.is_empty() {
            self.paragraph(&docs);
        }
    }

    fn docs_at(&self, start: u32) -> Vec<&str> {
        let source = self.compilation.set.get(self.file);
        source.parsed.docs(&source.text, start)
    }

    /// The name of the module, and what stands above it.
    fn title(&mut self) {
        let source = self.compilation.set.get(self.file);
        let name = self.compilation.world.module(self.file).name.as_deref();
        let file_name = source
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        self.paragraph(&format!("# {}", name.unwrap_or(&file_name)));
        let header = source.parsed.tree.header.first();
        if let Some(HeaderItem::Module { span, .. }) = header {
            self.docs(span.start);
        }
    }

    fn item(&mut self, item: &Item) {
        let Some((name, heading)) = name(item).zip(heading(item)) else {
            return;
        };
        self.paragraph(&format!("### {heading}"));
        match &item.kind {
            ItemKind::Error => {}
            ItemKind::Const { value, .. } => self.code(&self.source(item.span.to(value.span))),
            ItemKind::Alias { ty, .. } => {
                let whole = Span::new(item.span.start, ty.span.end);
                self.code(&self.source(whole));
            }
            ItemKind::Data { .. } | ItemKind::Ability { .. } => {}
            ItemKind::Service { id, .. } => {
                if let Some(id) = id {
                    let id = self.source(id.span);
                    self.code(&format!("service {}({id})", name.text));
                }
            }
            ItemKind::Func { signature, .. } => {
                let whole = Span::new(item.span.start, signature.span.end);
                self.code(&self.source(whole));
            }
        }
        self.export(name.span);
        self.docs(item.span.start);
        match &item.kind {
            ItemKind::Func { .. } | ItemKind::Alias { .. } => self.types(&named_types(item)),
            ItemKind::Data { fields, .. } => self.fields(fields),
            ItemKind::Ability { members, .. } => self.members(members),
            ItemKind::Service { methods, .. } => self.members(methods),
            ItemKind::Error | ItemKind::Const { .. } => {}
        }
    }

    /// Under which name clients know it.
    fn export(&mut self, span: Span) {
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
        if let Some(export) = export {
            self.paragraph(&format!("Exported as `{}`.", export.name));
        }
    }

    /// Where the types are described that a signature names.
    fn types(&mut self, paths: &[&Path]) {
        let mut links: Vec<String> = Vec::new();
        for path in paths {
            if let Some(target) = self.links.to(self.file, path) {
                let link = format!("[`{}`]({target})", path.text());
                if !links.contains(&link) {
                    links.push(link);
                }
            }
        }
        if !links.is_empty() {
            self.paragraph(&format!("Types: {}", links.join(", ")));
        }
    }

    fn fields(&mut self, fields: &[Member]) {
        let mut list = Vec::new();
        for field in fields {
            let ty = self.linked(&field.ty, &named_types_of_member(field));
            let docs = self.docs_at(field.name.span.start).join(" ");
            let separator = if docs.is_empty() { "" } else { " – " };
            list.push(format!("- `{}`: {ty}{separator}{docs}", field.name.text));
        }
        self.paragraph(&list.join("\n"));
    }

    fn members(&mut self, members: &[Member]) {
        for member in members {
            self.paragraph(&format!("#### {}", member.name.text));
            self.code(&self.source(member.name.span.to(member.ty.span)));
            self.docs(member.name.span.start);
            self.types(&named_types_of_member(member));
        }
    }

    /// A type as code, with links where it names types.
    fn linked(&self, ty: &TypeExpr, paths: &[&Path]) -> String {
        let mut out = String::new();
        let mut at = ty.span.start;
        let code = |span: Span| {
            let text = self.source(span);
            if text.is_empty() {
                text
            } else {
                format!("`{text}`")
            }
        };
        for path in paths {
            if let Some(target) = self.links.to(self.file, path) {
                out.push_str(&code(Span::new(at, path.span.start)));
                out.push_str(&format!("[`{}`]({target})", path.text()));
                at = path.span.end;
            }
        }
        out.push_str(&code(Span::new(at, ty.span.end)));
        out
    }
}
