//! The canonical layout.
//!
//! An instruction stands on one line if it is short and has no comments inside;
//! else each child has a line of its own, indented by two. Operands always stay
//! on the line of their instruction. Comments stay between the same tokens: at
//! the end of a line if they stood there, else on lines of their own.

use std::iter::Peekable;
use std::ops::Range;

use crate::ast::{NodeId, Span};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Lexer, TokenKind};
use crate::limits::Limits;
use crate::script::Script;

use super::pieces::{Form, Piece, Spacing, header};

/// An instruction with children is broken into lines if it is longer than this
/// on a line of its own, in bytes.
const FLAT_BYTES_MAX: usize = 60;

/// Columns for each level.
const INDENT: usize = 2;

/// Deeper levels are not indented further: else the size of the text would be
/// quadratic in the depth.
const LEVELS_MAX: usize = 40;

/// The canonical layout of a program, without comments. Reading it again gives
/// the same program.
pub fn print(script: &Script) -> String {
    lay_out(script, Vec::new())
}

/// The canonical layout of a script's text, comments included. The result is
/// not changed by formatting it again.
///
/// # Errors
/// Returns what is wrong with the script, if it exceeds the default limits too.
///
/// ```
/// let text = "(seq (null);first\n (call %init_peer_id% (\"log\" \"print\") [\"done\"]))";
/// assert_eq!(
///     weir_air::format(text).unwrap(),
///     "(seq\n  (null) ;first\n  (call %init_peer_id% (\"log\" \"print\") [\"done\"]))\n",
/// );
/// ```
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let script = crate::parse(text, &Limits::default())?;
    Ok(lay_out(&script, comments(text)))
}

#[derive(Debug)]
struct Comment<'t> {
    text: &'t str,
    /// Offset of its first byte.
    start: u32,
    /// How many tokens stand before it.
    tokens: usize,
    /// Nothing but the comment stands on its line.
    own_line: bool,
}

fn comments(text: &str) -> Vec<Comment<'_>> {
    let mut lexer = Lexer::new(text);
    let mut comments = Vec::new();
    let mut tokens = 0;
    let mut before = None;
    loop {
        let token = lexer.token_or_comment();
        let Span { start, end } = token.span;
        match token.kind {
            TokenKind::End => return comments,
            TokenKind::Comment => comments.push(Comment {
                text: text[token.span.range()].trim_end(),
                start,
                tokens,
                own_line: before
                    .is_none_or(|before| text[Span::new(before, start).range()].contains('\n')),
            }),
            _ => tokens += 1,
        }
        before = Some(end);
    }
}

/// Where an instruction lies in the text without line breaks.
#[derive(Debug, Clone, Default)]
struct Flat {
    bytes: Range<usize>,
    /// Its tokens, counted from the beginning of the script.
    tokens: Range<usize>,
}

/// Writes the whole script on one line.
fn flatten(script: &Script) -> (String, Vec<Flat>) {
    let mut text = String::new();
    let mut scratch = String::new();
    let mut flats = vec![Flat::default(); script.nodes().len()];
    let mut tokens = 0;
    let mut open: Vec<(NodeId, usize)> = Vec::new();
    let end = NodeId(script.nodes().len() as u32);
    for id in (0..=end.0).map(NodeId) {
        while let Some((_, closed)) = open.pop_if(|(end, _)| *end <= id) {
            text.push(')');
            tokens += 1;
            flats[closed].bytes.end = text.len();
            flats[closed].tokens.end = tokens;
        }
        let Some(node) = script.nodes().get(id.index()) else {
            break;
        };
        if id != NodeId::ROOT {
            text.push(' ');
        }
        flats[id.index()] = Flat {
            bytes: text.len()..0,
            tokens: tokens..0,
        };
        let mut spacing = Spacing::default();
        let mut emit = |piece: Piece<'_>| {
            if spacing.wants_space(piece) {
                text.push(' ');
            }
            piece.write(&mut text);
            tokens += 1;
        };
        emit(Piece::Open);
        header(
            script,
            &node.instruction,
            Form::Canonical,
            &mut scratch,
            &mut emit,
        );
        open.push((node.end, id.index()));
    }
    (text, flats)
}

fn lay_out(script: &Script, comments: Vec<Comment<'_>>) -> String {
    let (flat, flats) = flatten(script);
    let mut lines = Lines::new(comments);
    let mut scratch = String::new();
    let mut open: Vec<NodeId> = Vec::new();
    let mut id = NodeId::ROOT;
    while let Some(node) = script.nodes().get(id.index()) {
        let place = &flats[id.index()];
        let level = open.len();
        lines.start(level);
        let has_children = node.end.0 > id.0 + 1;
        let fits = !has_children || place.bytes.len() <= FLAT_BYTES_MAX;
        if fits && !lines.has_comment_before(node.span.end) {
            lines.out.push_str(&flat[place.bytes.clone()]);
            lines.tokens = place.tokens.end;
            id = node.end;
        } else {
            lines.piece(Piece::Open, level);
            header(
                script,
                &node.instruction,
                Form::Canonical,
                &mut scratch,
                &mut |piece| {
                    lines.piece(piece, level + 2);
                },
            );
            open.push(node.end);
            id = NodeId(id.0 + 1);
        }
        while open.pop_if(|end| *end <= id).is_some() {
            lines.close(open.len());
        }
    }
    lines.finish()
}

/// The text being laid out.
struct Lines<'t> {
    out: String,
    comments: Peekable<std::vec::IntoIter<Comment<'t>>>,
    /// How many tokens were written.
    tokens: usize,
    spacing: Spacing,
}

impl<'t> Lines<'t> {
    fn new(comments: Vec<Comment<'t>>) -> Self {
        Self {
            out: String::new(),
            comments: comments.into_iter().peekable(),
            tokens: 0,
            spacing: Spacing::default(),
        }
    }

    /// Begins the line of an instruction.
    fn start(&mut self, level: usize) {
        self.comments(level);
        self.new_line(level);
        self.spacing = Spacing::default();
    }

    /// Whether a comment that was not written yet stands before the offset `end` of the source.
    fn has_comment_before(&mut self, end: u32) -> bool {
        self.comments
            .peek()
            .is_some_and(|comment| comment.start < end)
    }

    /// Writes a piece; after a comment on a new line.
    fn piece(&mut self, piece: Piece<'_>, level: usize) {
        let space = self.spacing.wants_space(piece);
        if self.comments(level) {
            self.new_line(level);
        } else if space {
            self.out.push(' ');
        }
        piece.write(&mut self.out);
        self.tokens += 1;
    }

    /// Writes the parenthesis that closes an instruction.
    fn close(&mut self, level: usize) {
        if self.comments(level + 1) {
            self.new_line(level);
        }
        self.out.push(')');
        self.tokens += 1;
    }

    fn finish(mut self) -> String {
        self.comments(0);
        self.out.push('\n');
        self.out
    }

    /// Writes the comments before the next token. Whether there are any.
    fn comments(&mut self, level: usize) -> bool {
        let mut any = false;
        while let Some(comment) = self
            .comments
            .next_if(|comment| comment.tokens <= self.tokens)
        {
            if comment.own_line {
                self.new_line(level);
            } else {
                self.out.push(' ');
            }
            self.out.push_str(comment.text);
            any = true;
        }
        any
    }

    fn new_line(&mut self, level: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
            .extend(std::iter::repeat_n(' ', level.min(LEVELS_MAX) * INDENT));
    }
}
