//! The outline of a file.

use crate::analysis::Analysis;
use tower_lsp_server::ls_types::SymbolKind;
use weir_aqua::syntax::{ItemKind, Member, Name, TypeKind};
use weir_aqua::{FileId, Span};

/// A line of the outline.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The whole definition.
    pub span: Span,
    /// Its name in there.
    pub name_span: Span,
    /// What it consists of.
    pub children: Vec<Symbol>,
}

/// The definitions of a file, in the order of the text.
pub fn symbols(analysis: &Analysis, file: FileId) -> Vec<Symbol> {
    let items = &analysis.file(file).parsed.tree.items;
    items
        .iter()
        .filter_map(|item| {
            let (name, kind, members): (&Name, _, &[Member]) = match &item.kind {
                ItemKind::Error => return None,
                ItemKind::Const { name, .. } => (name, SymbolKind::CONSTANT, &[]),
                ItemKind::Alias { name, .. } => (name, SymbolKind::TYPE_PARAMETER, &[]),
                ItemKind::Data { name, fields } => (name, SymbolKind::STRUCT, fields),
                ItemKind::Ability { name, members } => (name, SymbolKind::INTERFACE, members),
                ItemKind::Service { name, methods, .. } => (name, SymbolKind::CLASS, methods),
                ItemKind::Func { name, .. } => (name, SymbolKind::FUNCTION, &[]),
            };
            Some(Symbol {
                name: name.text.clone(),
                kind,
                span: item.span.to(name.span),
                name_span: name.span,
                children: members.iter().map(child).collect(),
            })
        })
        .collect()
}

fn child(member: &Member) -> Symbol {
    Symbol {
        name: member.name.text.clone(),
        kind: match member.ty.kind {
            TypeKind::Arrow(_) => SymbolKind::METHOD,
            _ => SymbolKind::FIELD,
        },
        span: member.name.span.to(member.ty.span),
        name_span: member.name.span,
        children: Vec::new(),
    }
}
