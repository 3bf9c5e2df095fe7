//! The place where the parser reads, and how it reports and leaves out.

use super::super::token::{Token, TokenKind};
use super::super::tree::{Name, Path, StringLiteral};
use super::expressions::binary;
use super::{DIAGNOSTICS_MAX, Failed, LEVELS_MAX, Result};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{FileId, Place, Span};

/// Nesting that is bounded.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub blocks: u32,
    /// `else if` behind each other, each of which is in the one before.
    pub branches: u32,
    pub types: u32,
    pub values: u32,
}

pub(super) struct Parser<'t> {
    file: FileId,
    pub text: &'t str,
    tokens: &'t [Token],
    /// The tokens that matter: without spaces and comments, and with one line
    /// end for any number of lines that are empty.
    significant: Vec<u32>,
    /// Where the parser is in `significant`.
    at: usize,
    /// The token that was read last.
    pub last: Span,
    /// The brackets that are open. Inside, lines do not matter.
    open: Vec<Token>,
    pub levels: Levels,
    /// Where leaving out the rest of a line has ended: nothing more is expected there.
    recovered_at: Option<usize>,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'t> Parser<'t> {
    pub fn new(file: FileId, text: &'t str, tokens: &'t [Token]) -> Self {
        let mut parser = Self {
            file,
            text,
            tokens,
            significant: significant(tokens),
            at: 0,
            last: Span::default(),
            open: Vec::new(),
            levels: Levels::default(),
            recovered_at: None,
            diagnostics: Vec::new(),
        };
        if parser.kind() == TokenKind::LineEnd {
            parser.at = 1;
        }
        parser
    }

    fn token_at(&self, at: usize) -> Token {
        let index = self.significant.get(at).map(|index| *index as usize);
        let token = index.and_then(|index| self.tokens.get(index));
        token.copied().unwrap_or_else(|| {
            let end = self.text.len() as u32;
            Token {
                kind: TokenKind::End,
                span: Span::new(end, end),
            }
        })
    }

    pub fn token(&self) -> Token {
        self.token_at(self.at)
    }

    pub fn kind(&self) -> TokenKind {
        self.token().kind
    }

    pub fn span(&self) -> Span {
        self.token().span
    }

    /// The token at a distance; on another line only inside brackets.
    pub fn ahead(&self, distance: usize) -> Token {
        let mut at = self.at;
        for _ in 0..distance {
            if !self.is_end_of_line(at) {
                at += 1;
            }
            if !self.open.is_empty() && self.token_at(at).kind == TokenKind::LineEnd {
                at += 1;
            }
        }
        self.token_at(at)
    }

    /// The two tokens behind the bracket at a distance on the same line, wherever they stand.
    pub fn inside_bracket(&self, distance: usize) -> [Token; 2] {
        let bracket = self.ahead(distance).span.start;
        let mut at = self.at;
        while self.token_at(at).span.start < bracket {
            at += 1;
        }
        let mut next = || {
            at += 1;
            if self.token_at(at).kind == TokenKind::LineEnd {
                at += 1;
            }
            self.token_at(at)
        };
        [next(), next()]
    }

    fn is_end_of_line(&self, at: usize) -> bool {
        matches!(self.token_at(at).kind, TokenKind::LineEnd | TokenKind::End)
    }

    pub fn is_at_line_end(&self) -> bool {
        self.is_end_of_line(self.at)
    }

    /// The first token of the next line that is not empty, if the parser is at the end of a line.
    pub fn after_line_end(&self) -> Token {
        let skip = usize::from(self.kind() == TokenKind::LineEnd);
        self.token_at(self.at + skip)
    }

    /// The second token of the next line, if the parser is at the end of a line.
    pub fn second_after_line_end(&self) -> Token {
        self.token_at(self.at + 2)
    }

    /// The last token of the line, or of the lines if a value goes on in the next one.
    pub fn last_of_line(&self) -> Token {
        let mut at = self.at;
        let mut depth = 0_u32;
        loop {
            let kind = self.token_at(at).kind;
            let last = self.token_at(at.saturating_sub(1).max(self.at));
            if kind.closing().is_some() {
                depth += 1;
            } else if kind.closes() {
                depth = depth.saturating_sub(1);
            } else if kind == TokenKind::LineEnd {
                let next = self.token_at(at + 1);
                let goes_on = binary(last.kind).or(binary(next.kind)).is_some();
                if depth == 0 && !goes_on {
                    return last;
                }
            } else if kind == TokenKind::End {
                return last;
            }
            at += 1;
        }
    }

    /// Whether the next token is glued to the one that was read last.
    pub fn is_glued(&self) -> bool {
        self.span().start == self.last.end
    }

    pub fn slice(&self, span: Span) -> &'t str {
        &self.text[span.range()]
    }

    pub fn word(&self) -> Option<&'t str> {
        self.word_of(self.token())
    }

    pub fn word_of(&self, token: Token) -> Option<&'t str> {
        (token.kind == TokenKind::Word).then(|| self.slice(token.span))
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    /// Reads a token.
    pub fn bump(&mut self) -> Span {
        let token = self.token();
        self.last = token.span;
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        if !self.open.is_empty() {
            self.skip_line_end();
        }
        token.span
    }

    pub fn eat(&mut self, kind: TokenKind) -> Option<Span> {
        (self.kind() == kind).then(|| self.bump())
    }

    pub fn eat_word(&mut self, word: &str) -> Option<Span> {
        self.is_word(word).then(|| self.bump())
    }

    /// Goes on in the next line.
    pub fn skip_line_end(&mut self) {
        if self.kind() == TokenKind::LineEnd {
            self.at += 1;
        }
    }

    /// Reads an opening bracket.
    pub fn open(&mut self) -> Span {
        self.open.push(self.token());
        self.bump()
    }

    /// Reads the bracket that closes the innermost open one.
    fn close(&mut self) -> Span {
        self.open.pop();
        self.bump()
    }

    /// How many brackets are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    pub fn is_in_brackets(&self) -> bool {
        !self.open.is_empty()
    }

    /// The rest of a list in brackets, the closing one included.
    pub fn list<T>(
        &mut self,
        what: &str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = Vec::new();
        loop {
            if self.is_at_close() {
                self.close();
                return Ok(items);
            }
            items.push(item(self)?);
            if self.eat(TokenKind::Comma).is_none() && !self.is_at_close() {
                return Err(self.unclosed(what, true));
            }
        }
    }

    /// The bracket that closes what stands between brackets.
    pub fn expect_close(&mut self, what: &str) -> Result<Span> {
        if self.is_at_close() {
            Ok(self.close())
        } else {
            Err(self.unclosed(what, false))
        }
    }

    fn is_at_close(&self) -> bool {
        let open = self.open.last().and_then(|token| token.kind.closing());
        open == Some(self.kind())
    }

    fn unclosed(&mut self, what: &str, list: bool) -> Failed {
        let open = *self.open.last().expect("a list has an opening bracket");
        let closing = match open.kind {
            TokenKind::SquareOpen => "]",
            TokenKind::CurlyOpen => "}",
            _ => ")",
        };
        let ends = self.is_at_line_end() || self.kind().closes() || self.is_on_new_line();
        if ends {
            let opening = self.slice(open.span).to_owned();
            let place = self.place(open.span);
            let end = Span::new(self.last.end, self.last.end);
            let closes = self.kind().closes();
            let found = match self.kind() {
                TokenKind::End => self.found(),
                _ if self.is_on_new_line() && !closes => String::from("the end of the line"),
                _ => self.found(),
            };
            let mut error = self.error(
                codes::SYNTAX,
                format!("expected `{closing}` after {what}, found {found}"),
                if closes { self.span() } else { end },
            );
            if !closes {
                error = error
                    .help(format!("add `{closing}` here"))
                    .edit(end, closing);
            }
            return self.fail(error.label(place, format!("this `{opening}` is not closed")));
        }
        let comma = if list { "`,` or " } else { "" };
        self.expected(&format!("{comma}`{closing}` after {what}"))
    }

    /// Whether the next token stands on another line than the one that was read last.
    fn is_on_new_line(&self) -> bool {
        self.at > 0 && self.token_at(self.at - 1).kind == TokenKind::LineEnd
    }

    /// A name, whatever its first letter is.
    pub fn name(&mut self, what: &str) -> Result<Name> {
        if self.kind() != TokenKind::Word {
            return Err(self.expected(what));
        }
        let span = self.bump();
        let text = self.slice(span);
        self.check_name(text, span);
        Ok(Name {
            text: text.to_owned(),
            span,
        })
    }

    /// Names with dots between them.
    pub fn path(&mut self, what: &str) -> Result<Path> {
        let first = self.name(what)?;
        let mut span = first.span;
        let mut segments = vec![first];
        while self.eat(TokenKind::Dot).is_some() {
            let segment = self.name("a name after `.`")?;
            span = span.to(segment.span);
            segments.push(segment);
        }
        Ok(Path { segments, span })
    }

    pub fn string(&mut self, what: &str) -> Result<StringLiteral> {
        let kind = self.kind();
        if !matches!(kind, TokenKind::String | TokenKind::OpenString) {
            return Err(self.expected(what));
        }
        let span = self.bump();
        let text = &self.slice(span)[1..];
        if kind == TokenKind::OpenString {
            let error = self.open_string(span);
            if self.is_in_brackets() {
                // Their ends are in the string.
                return Err(self.fail(error));
            }
            self.report(error);
        }
        Ok(StringLiteral {
            text: text.strip_suffix('"').unwrap_or(text).to_owned(),
            span,
        })
    }

    /// Enters a level; leave it with the counter.
    pub fn enter(&mut self, level: fn(&mut Levels) -> &mut u32, what: &str) -> Result<()> {
        let depth = level(&mut self.levels);
        if *depth >= LEVELS_MAX {
            let error = self.error(
                codes::LIMIT,
                format!("{what} are nested more than {LEVELS_MAX} levels deep"),
                self.span(),
            );
            return Err(self.fail(error));
        }
        *depth += 1;
        Ok(())
    }

    pub fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    pub fn error(&self, code: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::error(code, message, self.file, span)
    }

    /// Reports, and reading goes on as if nothing had happened.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() >= DIAGNOSTICS_MAX {
            return;
        }
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() == DIAGNOSTICS_MAX {
            self.at = self.significant.len();
            self.recovered_at = Some(self.at);
            let last = self.diagnostics.last_mut();
            let last = last.expect("one was pushed a moment ago");
            last.notes.push(format!(
                "only the first {DIAGNOSTICS_MAX} errors of a file are shown"
            ));
        }
    }

    /// Reports; the construct is to be given up.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> Failed {
        if self.recovered_at != Some(self.at) {
            self.report(diagnostic);
        }
        Failed
    }

    /// Reports that something else should stand here.
    pub fn expected(&mut self, what: &str) -> Failed {
        let diagnostic = self.mistake(what);
        self.fail(diagnostic)
    }

    /// Where to point at when the next token is wrong.
    pub fn wrong_span(&self) -> Span {
        if self.is_at_line_end() {
            Span::new(self.last.end, self.last.end)
        } else {
            self.span()
        }
    }

    /// Leaves out the rest of the line, with the lines in brackets that are open or opened there.
    pub fn recover(&mut self) {
        if !self.open.is_empty() || !self.is_at_line_end() {
            self.at = self.end_of_mistake();
            self.open.clear();
        }
        if self.at > 0 {
            self.last = self.token_at(self.at - 1).span;
        }
        self.recovered_at = Some(self.at);
    }

    /// Whether the rest of the line was left out up to here.
    pub fn has_recovered(&self) -> bool {
        self.recovered_at == Some(self.at)
    }

    /// The end of the line in which the brackets are closed; if one never is, as far as can be
    /// told from the indents, the end of the first line.
    fn end_of_mistake(&self) -> usize {
        let first = self.open.first().copied().unwrap_or(self.token());
        let indent = self.indent_of_line(first);
        let mut depth = self.open.len();
        let mut at = self.at;
        if depth > 0 && self.is_on_new_line() && !self.token().kind.closes() {
            at -= 1;
        }
        let mut first_end = None;
        loop {
            let kind = self.token_at(at).kind;
            if kind == TokenKind::End {
                return match depth {
                    0 => at,
                    _ => first_end.unwrap_or(at),
                };
            }
            if kind == TokenKind::LineEnd {
                if depth == 0 {
                    return at;
                }
                let first_end = *first_end.get_or_insert(at);
                let next = self.token_at(at + 1);
                if !next.kind.closes() && self.indent_before(next).len() <= indent.len() {
                    return first_end;
                }
            } else if kind.closing().is_some() {
                depth += 1;
            } else if kind.closes() {
                depth = depth.saturating_sub(1);
            }
            at += 1;
        }
    }

    /// The space before a token, which is the first of its line.
    pub fn indent_before(&self, token: Token) -> &'t str {
        let before = &self.text[..token.span.start as usize];
        let kept = before.trim_end_matches([' ', '\t']).len();
        &before[kept..]
    }

    /// The space before the first token of the line of a token.
    fn indent_of_line(&self, token: Token) -> &'t str {
        let before = &self.text[..token.span.start as usize];
        let line = &before[before.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        let rest = line.trim_start_matches([' ', '\t']);
        &line[..line.len() - rest.len()]
    }
}

fn significant(tokens: &[Token]) -> Vec<u32> {
    let mut significant = Vec::with_capacity(tokens.len() / 2 + 1);
    let mut after_line_end = false;
    for (index, token) in tokens.iter().enumerate() {
        let is_line_end = token.kind == TokenKind::LineEnd;
        if token.kind.is_trivia() || is_line_end && after_line_end {
            continue;
        }
        after_line_end = is_line_end;
        significant.push(index as u32);
    }
    significant
}
