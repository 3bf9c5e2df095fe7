//! From text to tokens and a tree.
//!
//! Any text has a tree: what cannot be read becomes an error node with a
//! diagnostic, and reading goes on with the next line. The tokens, comments and
//! spaces included, are the text without loss; the tree refers to places in it.

mod format;
mod lexer;
mod parse;
mod token;
mod tree;

pub use format::{COLUMNS_MAX, format};
pub use parse::{CHAIN_MAX, DIAGNOSTICS_MAX, LEVELS_MAX, TEXT_BYTES_MAX, parse, parse_value};
pub use token::{Token, TokenKind};
pub use tree::*;

use crate::diagnostic::Diagnostic;

/// A file as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// Its pieces: their texts one after another are the text of the file.
    pub tokens: Vec<Token>,
    /// What it says.
    pub tree: Tree,
    /// What is wrong with it, in the order of the places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// The comments that stand directly above a definition, line by line,
    /// without their dashes. Takes the text of the file and where the definition
    /// starts.
    pub fn docs<'t>(&self, text: &'t str, start: u32) -> Vec<&'t str> {
        let before = self
            .tokens
            .partition_point(|token| token.span.start < start);
        let mut docs = Vec::new();
        let mut line = None;
        let mut line_ends = 0;
        for token in self.tokens[..before].iter().rev() {
            match token.kind {
                TokenKind::Space | TokenKind::ByteOrderMark => {}
                TokenKind::LineEnd if line_ends == 0 || line.is_some() => {
                    docs.extend(line.take());
                    line_ends = 1;
                }
                TokenKind::Comment if line_ends == 1 => {
                    let comment = &text[token.span.range()];
                    line = Some(comment.trim_start_matches('-').trim());
                }
                TokenKind::LineEnd => break,
                // A comment behind something else is not about what follows.
                _ => {
                    line = None;
                    break;
                }
            }
        }
        docs.extend(line);
        docs.reverse();
        docs
    }
}
