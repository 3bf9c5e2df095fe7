//! From tokens to the tree, by recursive descent.
//!
//! A mistake is reported where it is found and ends the innermost construct
//! that can be left out: a value, a type, a statement, a definition. Reading
//! goes on behind it, so that one mistake gives one diagnostic. Recursion is
//! bounded by [`LEVELS_MAX`], whatever the text is.

mod advice;
mod cursor;
mod expressions;
mod header;
mod indentation;
mod items;
mod mistakes;
mod statements;
mod types;

use super::Parsed;
use super::lexer;
use super::token::{Token, TokenKind};
use super::tree::{Expr, Tree};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{FileId, Span};

use cursor::Parser;

/// Longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 << 20;
/// Blocks, types and values are nested at most so deep, each.
pub const LEVELS_MAX: u32 = 128;
/// An operator, a field or an index is applied to the result of another one at most so often.
pub const CHAIN_MAX: u32 = 1_000;
/// The diagnostics of a file; reading ends with the last.
pub const DIAGNOSTICS_MAX: usize = 50;

/// A mistake that is already reported.
#[derive(Debug, Clone, Copy)]
struct Failed;

type Result<T> = std::result::Result<T, Failed>;

/// Reads a file. Every text has a tree; what is wrong with it is in the diagnostics.
pub fn parse(file: FileId, text: &str) -> Parsed {
    if text.len() > TEXT_BYTES_MAX {
        return too_long(file, text);
    }
    let tokens = lexer::tokens(text);
    let mut parser = Parser::new(file, text, &tokens);
    let tree = parser.file();
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.span.start);
    Parsed {
        tokens,
        tree,
        diagnostics,
    }
}

/// Reads a text that is one value, such as a call. Places are in this text.
///
/// # Errors
/// Returns the first mistake.
pub fn parse_value(file: FileId, text: &str) -> std::result::Result<Expr, Box<Diagnostic>> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Box::new(too_long(file, text).diagnostics.swap_remove(0)));
    }
    let tokens = lexer::tokens(text);
    let mut parser = Parser::new(file, text, &tokens);
    let value = parser.value_alone();
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.span.start);
    match (value, diagnostics.into_iter().next()) {
        (_, Some(mistake)) => Err(Box::new(mistake)),
        (Ok(value), None) => Ok(value),
        (Err(Failed), None) => unreachable!("a mistake is reported"),
    }
}

fn too_long(file: FileId, text: &str) -> Parsed {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let message = format!(
        "the file has {} bytes; the compiler reads files of at most {TEXT_BYTES_MAX}",
        text.len()
    );
    Parsed {
        tokens: vec![Token {
            kind: TokenKind::Unknown,
            span: Span::new(0, end),
        }],
        tree: Tree::default(),
        diagnostics: vec![Diagnostic::error(
            codes::LIMIT,
            message,
            file,
            Span::default(),
        )],
    }
}
