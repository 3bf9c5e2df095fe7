//! What is said about mistakes.

use super::super::token::TokenKind;
use super::super::tree::{Name, StmtKind};
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

impl Parser<'_> {
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
        self.advise(self.plain_mistake(what))
    }

    fn plain_mistake(&self, what: &str) -> Diagnostic {
        if self.kind() == TokenKind::OpenString {
            return self.open_string(self.span());
        }
        let message = format!("expected {what}, found {}", self.found());
        self.error(codes::SYNTAX, message, self.wrong_span())
    }

    /// A string without its closing quote.
    pub fn open_string(&self, span: Span) -> Diagnostic {
        let error = self.error(codes::BAD_LITERAL, "the string is not closed", span);
        let text = self.slice(span).trim_end();
        // what looks like the brackets that are open does not belong to the string
        let bare = text.trim_end_matches(':');
        let bare = bare.trim_end_matches([')', ']']);
        let closes = text[bare.len()..].trim_end_matches(':').len();
        let text = if closes == self.depth() && bare.len() > 1 {
            bare
        } else {
            text
        };
        let end = span.start + text.len() as u32;
        error
            .help("add `\"` at its end")
            .edit(Span::new(end, end), "\"")
    }

    /// The end of a line; what stands before it is reported and left out.
    pub fn end_of_line(&mut self) {
        if !self.is_at_line_end() {
            let error = self.mistake("the end of the line");
            self.fail(error);
            self.recover();
        }
    }

    /// The end of a statement; what stands before the end of the line is reported and left out.
    pub fn end_of_statement(&mut self, read: &StmtKind) {
        if self.is_at_line_end() {
            return;
        }
        let error = self.plain_mistake("the end of the line");
        let error = self.advise_statement(read, error);
        self.fail(error);
        self.recover();
    }

    /// The colon at the end of a line that opens a block.
    pub fn colon(&mut self, opened: Opened<'_>) {
        if self.eat(TokenKind::Colon).is_some() || self.has_recovered() {
            return;
        }
        let end = self.last.end;
        if self.is_at_line_end() {
            let error = self.plain_mistake(&format!("`:` after {}", opened.what));
            let error = error.edit(Span::new(end, end), ":");
            self.report(error.help("add `:` at the end of the line"));
            // A block without lines is the same mistake.
            self.recover();
        } else {
            let error = self.mistake(&format!("`:` after {}", opened.what));
            self.fail(error);
            self.recover();
        }
    }

    pub fn report_body_on_line(&mut self, indent: &str) {
        let span = self.span();
        let error = self.error(codes::SYNTAX, "a block starts in the next line", span);
        let error = if self.kind() == TokenKind::Unknown || self.kind() == TokenKind::CurlyOpen {
            self.advise(error)
        } else {
            let gap = Span::new(self.last.end, span.start);
            error
                .edit(gap, format!("\n{indent}  "))
                .help("put this into a line of its own, and indent it")
        };
        self.report(error);
    }

    /// A line that starts at an offset is indented unlike those above.
    pub fn report_indentation(&mut self, start: u32, found: &str, above: &str) {
        let span = Span::new(start - found.len() as u32, start);
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
        let message = "a definition must not be indented";
        let error = self.error(codes::INDENTATION, message, span);
        self.report(error.edit(span, ""));
    }

    pub fn report_assignment_in_condition(&mut self) {
        let span = self.bump();
        let error = self.error(codes::SYNTAX, "`=` does not compare", span);
        self.report(error.help("write `==`").edit(span, "=="));
        let _ = self.expr_or_error();
    }

    /// A word of another language, or a needless one: what to write instead.
    pub fn report_word(&mut self, span: Span, message: &str, help: &str, text: &str) {
        let error = self.error(codes::SYNTAX, message, span);
        self.report(error.help(help).edit(span, text));
    }

    /// A sign in the place of another one, as if it were that.
    pub fn replace(&mut self, what: &str, sign: &str) {
        let error = self.mistake(what);
        let span = self.bump();
        let error = error.help(format!("write `{sign}`"));
        self.report(error.edit(span, sign));
    }

    /// A needless comma behind a field.
    pub fn report_comma(&mut self) {
        let error = self.mistake("the end of the line");
        let span = self.bump();
        let error = error.help("every field stands in a line of its own, without commas");
        self.report(error.edit(span, ""));
    }

    /// Results without `->`.
    pub fn report_missing_arrow(&mut self) {
        let end = self.last.end;
        let error = self.mistake("`->` before the types of the results");
        let error = error.help("write `->` before them");
        self.report(error.edit(Span::new(end, end), " ->"));
    }

    /// A function without parentheses; true if reading goes on as if they were there.
    pub fn reports_missing_parameters(&mut self) -> bool {
        let end = self.last.end;
        let error = self.mistake("`(` and the arguments");
        let goes_on = match self.kind() {
            TokenKind::ArrowRight | TokenKind::LineEnd => true,
            TokenKind::Colon => self.ahead(1).kind == TokenKind::LineEnd,
            _ => false,
        };
        if goes_on {
            let error = error.help("without arguments, write `()`");
            self.report(error.edit(Span::new(end, end), "()"));
        } else {
            self.fail(error);
        }
        goes_on
    }

    pub fn mistaken_array_type(&mut self) -> Failed {
        let error = self.mistake("`]`");
        let error = error.help("the type of an array is written `[]T`");
        self.fail(error)
    }

    pub fn not_callable(&mut self) -> Failed {
        let error = self.error(codes::SYNTAX, "only a name can be called", self.span());
        let error = error.help("give the value before a name in a line above");
        self.fail(error)
    }

    pub fn report_bad_number(&mut self, span: Span) {
        let text = self.slice(span);
        let message = format!("{} is not a number", quoted(text));
        let mut error = self.error(codes::BAD_LITERAL, message, span);
        let plain = text.replace('_', "");
        if plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            error = error.help("leave out the underscores").edit(span, plain);
        } else {
            error = error.note("a number consists of decimal digits, and at most one dot");
        }
        self.report(error);
    }

    /// A name of the spelling that its place requires.
    pub fn name_of(&mut self, what: &str, case: Case) -> Result<Name> {
        let name = self.name(what)?;
        let starts_upper = name.text.starts_with(char::is_uppercase);
        let has_lower = name.text.bytes().any(|byte| byte.is_ascii_lowercase());
        let (is_right, rule, fixed) = match case {
            Case::Lower => (
                !starts_upper,
                "starts with a lower-case letter",
                with_first(&name.text, |first| first.to_ascii_lowercase()),
            ),
            Case::Upper => (
                starts_upper,
                "starts with an upper-case letter",
                with_first(&name.text, |first| first.to_ascii_uppercase()),
            ),
            Case::Constant => (
                starts_upper && !has_lower,
                "has only upper-case letters",
                shouted(&name.text),
            ),
        };
        if !is_right && is_name(&name.text) {
            let error = self.error(codes::SYNTAX, format!("{what} {rule}"), name.span);
            let error = error.help(format!("write `{fixed}`"));
            self.report(error.edit(name.span, fixed));
        }
        Ok(name)
    }

    /// A name consists of Latin letters, digits and underscores and starts with a letter.
    pub fn check_name(&mut self, text: &str, span: Span) {
        if !is_name(text) {
            let message = format!("{} cannot be a name", quoted(text));
            let error = self.error(codes::SYNTAX, message, span);
            self.report(error.note(
                "a name starts with a Latin letter and goes on with such letters, digits and `_`",
            ));
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn with_first(name: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(change)
        .into_iter()
        .chain(letters)
        .collect()
}

/// `maxSize` as `MAX_SIZE`.
fn shouted(name: &str) -> String {
    let mut shouted = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            shouted.push('_');
        }
        shouted.push(letter.to_ascii_uppercase());
        before = letter;
    }
    shouted
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
