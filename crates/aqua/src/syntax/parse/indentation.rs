//! Lines into blocks, by the space before them.
//!
//! Indents are compared as texts, so that tabs and spaces never match.

use super::super::token::TokenKind;
use super::super::tree::Block;
use super::cursor::Parser;
use super::mistakes::Opened;
use crate::diagnostic::codes;
use crate::source::Span;

impl<'t> Parser<'t> {
    /// The space before the next line, if there is one.
    pub fn next_indent(&self) -> Option<&'t str> {
        let token = self.after_line_end();
        (token.kind != TokenKind::End).then(|| self.indent_before(token))
    }

    /// Whether the next line belongs to the one with this indent.
    pub fn is_deeper(&self, indent: &str) -> bool {
        self.next_indent()
            .is_some_and(|next| next.len() > indent.len() && next.starts_with(indent))
    }

    /// `:` and the statements below.
    pub fn body(&mut self, indent: &'t str, opened: Opened<'_>) -> (Block, u32) {
        let mut stmts = Vec::new();
        let end = self.lines(indent, opened, |parser, indent| {
            stmts.push(parser.statement(indent));
        });
        (Block { stmts }, end)
    }

    /// `:` and the lines below that belong to the one with an indent. The parser is at their
    /// first tokens when they are read, and goes to their ends. Returns where the first line ends.
    pub fn lines(
        &mut self,
        indent: &'t str,
        opened: Opened<'_>,
        mut read: impl FnMut(&mut Self, &'t str),
    ) -> u32 {
        self.colon(opened);
        let end = self.last.end;
        if self.enter(|levels| &mut levels.blocks, "blocks").is_err() {
            self.recover();
            while self.is_deeper(indent) {
                self.skip_line_end();
                self.recover();
            }
            return end;
        }
        if self.is_at_line_end() {
            self.lines_below(indent, opened, &mut read);
        } else {
            self.report_body_on_line(indent);
            read(self, indent);
            if self.is_deeper(indent) {
                self.lines_below(indent, opened, &mut read);
            }
        }
        self.levels.blocks -= 1;
        end
    }

    fn lines_below(
        &mut self,
        parent: &'t str,
        opened: Opened<'_>,
        read: &mut impl FnMut(&mut Self, &'t str),
    ) {
        let mut child = None;
        let mut is_empty = true;
        let mut reported: Option<&str> = None;
        while let Some(next) = self.next_indent() {
            let is_inside = if next.starts_with(parent) {
                next.len() > parent.len()
            } else {
                // Tabs where there were spaces, or the other way round.
                !parent.starts_with(next) && width(next) > width(parent)
            };
            if !is_inside {
                break;
            }
            self.skip_line_end();
            is_empty = false;
            let start = self.span().start;
            let reported_before = self.diagnostics.len();
            read(self, next);
            self.end_of_line();
            if self.is_reported_on_line(start, reported_before) {
                // A word that is missing at its start has moved the line.
                continue;
            }
            let expected = *child.get_or_insert(next);
            if (next != expected || !next.starts_with(parent)) && reported != Some(next) {
                let above = if next == expected { parent } else { expected };
                self.report_indentation(start, next, above);
                reported = Some(next);
            }
        }
        if is_empty {
            self.report_empty(parent, opened, read);
        }
    }

    /// Whether one of the latest diagnostics is about the line that starts at an offset.
    fn is_reported_on_line(&self, start: u32, reported_before: usize) -> bool {
        self.diagnostics[reported_before..]
            .iter()
            .any(|diagnostic| {
                let at = diagnostic.place.span.start;
                at >= start && !self.slice(Span::new(start, at)).contains(['\n', '\r'])
            })
    }

    /// A block without lines. If the lines that should be in it stand at the margin, they are read as its lines.
    fn report_empty(
        &mut self,
        parent: &'t str,
        opened: Opened<'_>,
        read: &mut impl FnMut(&mut Self, &'t str),
    ) {
        if opened.is_definition && parent.is_empty() && self.is_at_stray_line() {
            self.report_unindented(opened);
            while self.is_at_stray_line() {
                self.skip_line_end();
                read(self, parent);
                self.end_of_line();
            }
            return;
        }
        let error = self.error(
            codes::EMPTY_BLOCK,
            format!("{} has nothing below it", opened.what),
            opened.span,
        );
        let error = error.help("indent at least one line below it");
        self.fail(error);
    }

    /// Whether the next line is neither a definition nor a line of the header.
    fn is_at_stray_line(&self) -> bool {
        self.next_indent() == Some("") && !self.is_top_level(self.after_line_end())
    }
}

/// Columns, with tabs as editors show them mostly; only to guess where a line belongs.
pub(super) fn width(indent: &str) -> usize {
    const TAB: usize = 4;
    indent.bytes().fold(0, |width, byte| match byte {
        b'\t' => (width / TAB + 1) * TAB,
        _ => width + 1,
    })
}
