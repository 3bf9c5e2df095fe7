//! Finds where an instruction mentions a variable.
//!
//! The tree keeps no places of operands: they are only needed for mistakes, and
//! then the text of the one instruction is read again.

use crate::ast::{NodeId, Span, Variable};
use crate::lexer::{Lexer, TokenKind};
use crate::script::Script;

/// Where the operands of `id` mention `variable` first: the name without lens.
/// The keyword if they do not.
pub(super) fn first_mention(script: &Script, id: NodeId, variable: Variable) -> Span {
    let name = script.name(variable);
    let mut keyword = None;
    for (span, word) in header_words(script, id) {
        if keyword.is_none() {
            keyword = Some(span);
            continue;
        }
        if let Some(offset) = mention(word, name) {
            let start = span.start + offset as u32;
            return Span::new(start, start + name.len() as u32);
        }
    }
    keyword.unwrap_or(script.node(id).span)
}

/// Where the last operand of `id` before its children stands: its result or the variable it binds.
pub(super) fn last_word(script: &Script, id: NodeId) -> Span {
    header_words(script, id)
        .last()
        .map_or(script.node(id).span, |(span, _)| span)
}

/// The opening parenthesis and keyword of `id`.
pub(super) fn head(script: &Script, id: NodeId) -> Span {
    let start = script.node(id).span.start;
    let end = header_words(script, id)
        .next()
        .map_or(start + 1, |(span, _)| span.end);
    Span::new(start, end)
}

fn header_words(script: &Script, id: NodeId) -> impl Iterator<Item = (Span, &str)> {
    let span = script.node(id).span;
    let end = script
        .children(id)
        .next()
        .map_or(span.end, |child| script.node(child).span.start);
    let text = script.text();
    let mut lexer = Lexer::within(text, Span::new(span.start, end));
    std::iter::from_fn(move || Some(lexer.token()).filter(|token| token.kind != TokenKind::End))
        .filter(|token| token.kind == TokenKind::Word)
        .map(move |token| (token.span, &text[token.span.range()]))
}

/// The offset of `name` in `word`: at its beginning, or in the brackets of its lens.
fn mention(word: &str, name: &str) -> Option<usize> {
    if let Some(lens) = word.strip_prefix(name)
        && (lens.is_empty() || lens.starts_with('.'))
    {
        return Some(0);
    }
    let bracketed = word.match_indices('[').map(|(at, _)| at + 1);
    bracketed.into_iter().find(|at| {
        word[*at..]
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(']'))
    })
}
