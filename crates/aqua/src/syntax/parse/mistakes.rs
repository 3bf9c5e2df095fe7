//! What is said about mistakes.

use super::super::token::TokenKind;
use super::super::tree::{Member, Name};
use super::cursor::Parser;
use super::expressions::shorten;
use super::{Failed, Result};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::Span;

/// What opens a block, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened<'a> {
    pub what: &'a str,
    pub span: Span,
    /// Whether it is a definition.
    pub is_definition: bool,
}

impl<'a> Opened<'a> {
    pub fn new(what: &'a str, span: Span) -> Self {
        Self {
            what,
            span,
            is_definition: false,
        }
    }

    pub fn definition(what: &'a str, span: Span) -> Self {
        Self {
            what,
            span,
            is_definition: true,
        }
    }
}

/// How a name is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// `name`
    Lower,
    /// `Name`
    Upper,
    /// `NAME`
    Constant,
}

impl<'t> Parser<'t> {
    /// The next token in words, quoted as it is written.
    pub fn found(&self) -> String {
        let token = self.token();
        match token.kind {
            TokenKind::LineEnd => "the end of the line".to_owned(),
            TokenKind::End => "the end of the file".to_owned(),
            TokenKind::String => format!("the string {}", quoted(self.slice(token.span))),
            TokenKind::OpenString => "a string that is not closed".to_owned(),
            _ => quoted(self.slice(token.span)),
        }
    }

    /// Something else should stand here.
    pub fn mistake(&self, what: &str) -> Diagnostic {
        let message = format!("expected {what}, found {}", self.found());
        self.error(codes::SYNTAX, message, self.wrong_span())
    }

    /// The end of a line; what stands before it is reported and left out.
    pub fn end_of_line(&mut self) {
        if self.is_at_line_end() {
            return;
        }
        let _: Failed = self.expected("the end of the line");
        self.recover();
    }

    /// The colon at the end of a line that opens a block.
    pub fn colon(&mut self, opened: Opened<'_>) {
        if self.eat(TokenKind::Colon).is_some() || self.has_recovered() {
            return;
        }
        let end = self.last.end;
        let error = self.mistake(&format!("`:` after {}", opened.what));
        if self.is_at_line_end() {
            let error = error.edit(Span::new(end, end), ":");
            self.report(error.help("add `:` at the end of the line"));
        } else {
            self.fail(error);
            self.recover();
        }
    }

    pub fn report_body_on_line(&mut self, indent: &str, _opened: Opened<'_>) {
        let span = self.span();
        let error = self.error(codes::SYNTAX, "a block starts in the next line", span);
        let gap = Span::new(self.last.end, span.start);
        let error = error.edit(gap, format!("\n{indent}  "));
        self.report(error.help("put this into a line of its own, and indent it"));
    }

    pub fn report_indentation(&mut self, found: &str, above: &str) {
        let span = self.span();
        let span = Span::new(span.start - found.len() as u32, span.start);
        let message = format!(
            "this line is indented by {}, the lines above by {}",
            indent_in_words(found),
            indent_in_words(above)
        );
        let mut error = self.error(codes::INDENTATION, message, span);
        if found.contains('\t') != above.contains('\t') {
            error = error.note("a tab is never equal to spaces");
        }
        self.report(error.edit(span, above));
    }

    pub fn report_unindented(&mut self, opened: Opened<'_>) {
        let error = self.error(
            codes::INDENTATION,
            format!("the lines of {} must be indented", opened.what),
            self.after_line_end().span,
        );
        let place = self.place(opened.span);
        self.report(error.label(place, "they belong to this"));
    }

    pub fn report_indented_definition(&mut self, indent: &str) {
        let span = self.span();
        let span = Span::new(span.start - indent.len() as u32, span.start);
        let error = self.error(
            codes::INDENTATION,
            "a definition must not be indented",
            span,
        );
        self.report(error.edit(span, ""));
    }

    pub fn report_assignment_in_condition(&mut self) {
        let span = self.bump();
        let error = self.error(codes::SYNTAX, "`=` does not compare", span);
        self.report(error.help("write `==`").edit(span, "=="));
        let _ = self.expr_or_error();
    }

    pub fn report_field_in_service(&mut self, method: &Member) {
        let error = self.error(
            codes::SYNTAX,
            format!("the method `{}` has no arrow type", method.name.text),
            method.ty.span,
        );
        self.report(error.help(format!("write `{}: -> …`", method.name.text)));
    }

    pub fn missing_parameters(&mut self) -> Failed {
        self.expected("`(` and the arguments")
    }

    pub fn mistaken_array_type(&mut self, _open: Span) -> Failed {
        self.expected("`]`: the type of an array is written `[]T`")
    }

    pub fn not_callable(&mut self) -> Failed {
        self.expected("the end of the value: only a name can be called")
    }

    pub fn report_bad_number(&mut self, span: Span) {
        let error = self.error(
            codes::BAD_LITERAL,
            format!("{} is not a number", quoted(self.slice(span))),
            span,
        );
        self.report(error);
    }

    /// A name of the spelling that its place requires.
    pub fn name_of(&mut self, what: &str, case: Case) -> Result<Name> {
        let name = self.name(what)?;
        let starts_upper = name
            .text
            .starts_with(|first: char| first.is_ascii_uppercase());
        let is_right = match case {
            Case::Lower => !starts_upper,
            Case::Upper => starts_upper,
            Case::Constant => {
                starts_upper && !name.text.bytes().any(|byte| byte.is_ascii_lowercase())
            }
        };
        if !is_right {
            let rule = match case {
                Case::Lower => "starts with a lower-case letter",
                Case::Upper => "starts with an upper-case letter",
                Case::Constant => "has only upper-case letters",
            };
            let error = self.error(codes::SYNTAX, format!("{what} {rule}"), name.span);
            self.report(error);
        }
        Ok(name)
    }

    /// A name consists of Latin letters, digits and underscores and starts with a letter.
    pub fn check_name(&mut self, text: &str, span: Span) {
        let is_right = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_right {
            let error = self.error(
                codes::SYNTAX,
                format!("{} cannot be a name", quoted(text)),
                span,
            );
            self.report(error.note(
                "a name starts with a Latin letter and goes on with such letters, digits and `_`",
            ));
        }
    }
}

fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    format!("`{}`", shorten(line))
}

fn indent_in_words(indent: &str) -> String {
    let tabs = indent.bytes().filter(|byte| *byte == b'\t').count();
    let spaces = indent.len() - tabs;
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    };
    match (tabs, spaces) {
        (0, 0) => "nothing".to_owned(),
        (0, _) => count(spaces, "space"),
        (_, 0) => count(tabs, "tab"),
        _ => format!("{} and {}", count(tabs, "tab"), count(spaces, "space")),
    }
}
