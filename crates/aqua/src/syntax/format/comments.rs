//! The comments of a file, and which of them are already written.

use super::super::token::{Token, TokenKind};
use crate::source::Span;

pub(super) struct Comments<'t> {
    text: &'t str,
    tokens: &'t [Token],
    /// Their places, in order.
    spans: Vec<Span>,
    claimed: Vec<bool>,
    /// All before this one are claimed.
    first: usize,
}

impl<'t> Comments<'t> {
    pub fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        let comments = tokens
            .iter()
            .filter(|token| token.kind == TokenKind::Comment);
        let spans: Vec<Span> = comments.map(|token| token.span).collect();
        Self {
            text,
            tokens,
            claimed: vec![false; spans.len()],
            spans,
            first: 0,
        }
    }

    fn next_in(&self, start: u32, end: u32) -> Option<usize> {
        let from = self.spans.partition_point(|span| span.start < start);
        (from.max(self.first)..self.spans.len())
            .take_while(|index| self.spans[*index].start < end)
            .find(|index| !self.claimed[*index])
    }

    /// Takes the first that starts in a piece of the text.
    pub fn take_in(&mut self, start: u32, end: u32) -> Option<Span> {
        self.next_in(start, end).map(|index| self.take(index))
    }

    /// Takes all that start in a piece of the text.
    pub fn take_all_in(&mut self, start: u32, end: u32) -> Vec<&'t str> {
        let mut taken = Vec::new();
        while let Some(span) = self.take_in(start, end) {
            taken.push(self.text_of(span));
        }
        taken
    }

    /// Takes the one in the same line behind an offset, if it starts before another one.
    pub fn take_behind(&mut self, start: u32, end: u32) -> Option<&'t str> {
        let index = self.next_in(start, end)?;
        let between = &self.text[start as usize..self.spans[index].start as usize];
        if between.contains(['\n', '\r']) {
            return None;
        }
        let span = self.take(index);
        Some(self.text_of(span))
    }

    /// The first that starts in a piece of the text; it stays.
    pub fn peek_in(&self, start: u32, end: u32) -> Option<Span> {
        self.next_in(start, end).map(|index| self.spans[index])
    }

    fn take(&mut self, index: usize) -> Span {
        self.claimed[index] = true;
        while self.claimed.get(self.first) == Some(&true) {
            self.first += 1;
        }
        self.spans[index]
    }

    pub fn text_of(&self, span: Span) -> &'t str {
        self.text[span.range()].trim_end()
    }

    /// Whether the line before the one in which something starts is empty.
    pub fn is_blank_before(&self, start: u32) -> bool {
        let before = self
            .tokens
            .partition_point(|token| token.span.start < start);
        let gap = self.tokens[..before]
            .iter()
            .rev()
            .take_while(|token| matches!(token.kind, TokenKind::Space | TokenKind::LineEnd));
        gap.filter(|token| token.kind == TokenKind::LineEnd).count() > 1
    }

    /// Where the first token starts that is neither a space nor a comment, from an offset on.
    pub fn next_code(&self, start: u32) -> u32 {
        let from = self
            .tokens
            .partition_point(|token| token.span.start < start);
        let code = self.tokens[from..]
            .iter()
            .find(|token| !token.kind.is_trivia() && token.kind != TokenKind::LineEnd);
        code.map_or(self.text.len() as u32, |token| token.span.start)
    }

    /// How many bytes of space the line of an offset starts with.
    pub fn indent_of(&self, offset: u32) -> usize {
        let before = &self.text[..offset as usize];
        let line = &self.text[before.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        let line = line.trim_start_matches('\u{feff}');
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// Where the line of an offset ends.
    pub fn line_end(&self, offset: u32) -> u32 {
        let rest = &self.text[offset as usize..];
        offset + rest.find(['\n', '\r']).unwrap_or(rest.len()) as u32
    }
}
