//! What can be written at a place: what a path leads to, and what a path can begin with.

use crate::analysis::Analysis;
use crate::scope;
use std::sync::Arc;
use weir_aqua::FileId;
use weir_aqua::hir::Literal;
use weir_aqua::names::{Namespace, TopValue};
use weir_aqua::syntax::TokenKind;
use weir_aqua::types::{Arrow, Ty};

/// What a path leads to.
#[derive(Debug, Clone)]
pub enum Meaning<'a> {
    /// A value, or a service.
    Value(Ty),
    /// The names of a module.
    Module(&'a Namespace),
}

/// The words of the path that ends at an offset, which is behind its last word.
pub fn path_before<'t>(
    text: &'t str,
    tokens: &[weir_aqua::syntax::Token],
    end: u32,
) -> Vec<&'t str> {
    let upto = tokens.partition_point(|token| token.span.end <= end);
    let mut words = Vec::new();
    let mut wants_word = true;
    for token in tokens[..upto].iter().rev() {
        match token.kind {
            TokenKind::Word if wants_word => words.push(&text[token.span.range()]),
            TokenKind::Dot if !wants_word => {}
            _ => break,
        }
        wants_word = !wants_word;
    }
    // a path that begins with a dot belongs to something that is no path
    if wants_word {
        words.clear();
    }
    words.reverse();
    words
}

/// What a path means at an offset.
pub fn resolve<'a>(
    analysis: &'a Analysis,
    file: FileId,
    offset: u32,
    path: &[&str],
) -> Option<Meaning<'a>> {
    let (first, rest) = path.split_first()?;
    let world = &analysis.compilation.world;
    let space = &world.module(file).space;
    let mut meaning = locals(analysis, file, offset)
        .into_iter()
        .rev()
        .find(|(name, _)| name == first)
        .map(|(_, ty)| Meaning::Value(ty))
        .or_else(|| in_space(analysis, space, first))?;
    for segment in rest {
        meaning = match meaning {
            Meaning::Module(space) => in_space(analysis, space, segment)?,
            Meaning::Value(Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record)) => {
                Meaning::Value(record.get(segment)?.clone())
            }
            Meaning::Value(Ty::Map(element)) => Meaning::Value(
                map_methods(&element)
                    .into_iter()
                    .find(|(name, _)| name == segment)?
                    .1,
            ),
            Meaning::Value(_) => return None,
        };
    }
    Some(meaning)
}

fn in_space<'a>(analysis: &'a Analysis, space: &'a Namespace, name: &str) -> Option<Meaning<'a>> {
    let world = &analysis.compilation.world;
    if let Some(value) = space.values.get(name) {
        return Some(Meaning::Value(value_type(analysis, *value)));
    }
    if let Some(id) = space.types.get(name) {
        return Some(Meaning::Value(world.ty(*id).ty.clone()));
    }
    space.modules.get(name).map(|space| Meaning::Module(space))
}

/// The type of a constant or function.
pub fn value_type(analysis: &Analysis, value: TopValue) -> Ty {
    let world = &analysis.compilation.world;
    match value {
        TopValue::Func(id) => Ty::Arrow(world.func(id).ty.clone()),
        TopValue::Const(id) => match &world.constant(id).value {
            Literal::Bool(_) => Ty::BOOL,
            Literal::Int(value) => Ty::int(i128::from(*value)),
            Literal::Float(_) => Ty::Float,
            Literal::String(_) => Ty::STRING,
        },
    }
}

/// The local values that are visible at an offset, the nearest last.
pub fn locals(analysis: &Analysis, file: FileId, offset: u32) -> Vec<(String, Ty)> {
    let source = analysis.file(file);
    let scope = scope::at(&source.parsed.tree, &source.text, offset);
    let bodies = &analysis.compilation.bodies;
    let function = bodies.functions.iter().flatten().find(|function| {
        function.place.file == file
            && scope
                .function
                .is_some_and(|name| name.span == function.place.span)
    });
    let known = |span| {
        let local = function?.locals.iter().find(|local| local.span == span)?;
        Some(local.ty.clone())
    };
    scope
        .names
        .iter()
        .map(|name| (name.text.clone(), known(name.span).unwrap_or(Ty::Error)))
        .collect()
}

/// The methods of a stream map.
pub fn map_methods(element: &Arc<Ty>) -> Vec<(&'static str, Ty)> {
    let arrow = |key: bool, result| {
        let params = if key {
            vec![(Some(String::from("key")), Ty::STRING)]
        } else {
            Vec::new()
        };
        Ty::Arrow(Arc::new(Arrow {
            params,
            results: vec![result],
        }))
    };
    vec![
        ("get", arrow(true, Ty::Array(element.clone()))),
        ("getStream", arrow(true, Ty::Stream(element.clone()))),
        ("keys", arrow(false, Ty::array(Ty::STRING))),
        ("keysStream", arrow(false, Ty::stream(Ty::STRING))),
        ("contains", arrow(true, Ty::BOOL)),
    ]
}
