//! Typical mistakes, and how to put them right.

use super::super::token::TokenKind;
use super::super::tree::StmtKind;
use super::cursor::Parser;
use super::items::{DEFINITIONS, is_statement};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// A sentence, and a change of the text.
struct Advice {
    help: String,
    edit: Option<(Span, String)>,
}

impl Advice {
    fn new(help: impl Into<String>) -> Self {
        let help = help.into();
        Self { help, edit: None }
    }

    fn edit(help: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        Self {
            help: help.into(),
            edit: Some((span, text.into())),
        }
    }
}

impl Parser<'_> {
    /// Adds how to put it right, if it is a typical mistake that the next token is wrong.
    pub fn advise(&self, mut error: Diagnostic) -> Diagnostic {
        if let Some(advice) = self.advice() {
            error = error.help(advice.help);
            if let Some((span, text)) = advice.edit {
                error = error.edit(span, text);
            }
        }
        if self.slice(self.last).contains('\n') && self.slice(self.last).starts_with('"') {
            let quote = Span::new(self.last.start, self.last.start + 1);
            let place = self.place(quote);
            error = error.label(place, "the string before starts in this line");
        }
        error
    }

    fn advice(&self) -> Option<Advice> {
        let token = self.token();
        let span = token.span;
        let next = self.ahead(1);
        let pair = span.to(next.span);
        let is_glued = next.span.start == span.end;
        let after_slash = self.is_glued() && self.slice(self.last) == "/";
        Some(match token.kind {
            TokenKind::Slash if after_slash => {
                Advice::edit("a comment starts with `--`", self.last.to(span), "--")
            }
            TokenKind::Slash if is_glued && next.kind == TokenKind::Slash => {
                Advice::edit("a comment starts with `--`", pair, "--")
            }
            TokenKind::Star | TokenKind::Power if after_slash => {
                Advice::new("a comment starts with `--` and ends with the line")
            }
            TokenKind::Assign if is_glued && next.kind == TokenKind::Greater => {
                Advice::edit("write `->`", pair, "->")
            }
            TokenKind::Assign if self.is_glued() && is_operator(self.slice(self.last)) => {
                Advice::new("a value cannot be changed; give the new one another name")
            }
            TokenKind::Minus => Advice::new("subtract from 0 to change the sign: `0 - x`"),
            TokenKind::CurlyOpen => {
                Advice::new("a block starts with `:` and is indented; there are no braces")
            }
            TokenKind::SquareOpen if next.kind == TokenKind::SquareClose => {
                Advice::new("the type of an array is written `[]T`")
            }
            TokenKind::Unknown => self.advice_on_character(span)?,
            TokenKind::Word => self.advice_on_word(span)?,
            _ => return None,
        })
    }

    fn advice_on_character(&self, span: Span) -> Option<Advice> {
        Some(match self.slice(span) {
            ";" => Advice::edit("a statement ends with its line", span, ""),
            "#" => Advice::edit("a comment starts with `--`", span, "--"),
            "&" => Advice::edit("write `&&`", span, "&&"),
            "|" => Advice::edit("write `||`", span, "||"),
            text if text.starts_with(['\'', '`', '“', '”', '‘', '’', '„', '«', '»']) => {
                Advice::new("a string stands between `\"`")
            }
            text if text.chars().all(char::is_whitespace) => {
                Advice::edit("write an ordinary space", span, " ")
            }
            _ => return None,
        })
    }

    fn advice_on_word(&self, span: Span) -> Option<Advice> {
        let follows_value = self.last.end < span.start;
        Some(match self.slice(span) {
            "and" if follows_value => Advice::edit("write `&&`", span, "&&"),
            "or" if follows_value => Advice::edit("write `||`", span, "||"),
            "in" if follows_value => Advice::edit("write `<-`", span, "<-"),
            "then" | "do" if follows_value => Advice::edit("write `:`", span, ":"),
            "as" if self.slice(self.last).starts_with('"') => {
                Advice::new("`use` gives what it reads a name, `import` does not")
            }
            _ => return None,
        })
    }

    /// How a definition is written, given the word that stands in its place.
    pub fn advise_definition(&self, error: Diagnostic) -> Diagnostic {
        let span = self.span();
        let Some(word) = self.word() else {
            return self.advise(error);
        };
        let meant = match word {
            "fn" | "fun" | "function" | "def" | "proc" => "func",
            "struct" | "record" | "class" | "message" => "data",
            "type" | "typedef" => "alias",
            "interface" | "trait" => "ability",
            "let" | "var" | "val" | "constant" => "const",
            _ => {
                let near = DEFINITIONS
                    .iter()
                    .find(|known| word != **known && strsim::osa_distance(word, known) <= 1);
                match near {
                    Some(near) => near,
                    None if self.ahead(1).kind == TokenKind::Assign => {
                        return error.help("a constant is written `const NAME = value`, and a variable stands in a function");
                    }
                    None if self.looks_like_statement() => {
                        return error.help("a statement stands in a function, indented");
                    }
                    None => {
                        return error.note(format!("a definition starts with {}", listed()));
                    }
                }
            }
        };
        error
            .help(format!("write `{meant}`"))
            .edit(span, meant.to_owned())
    }

    fn looks_like_statement(&self) -> bool {
        matches!(
            self.ahead(1).kind,
            TokenKind::Assign
                | TokenKind::ArrowLeft
                | TokenKind::Push
                | TokenKind::RoundOpen
                | TokenKind::Dot
        ) || self.word().is_some_and(is_statement)
    }

    /// How to write a statement of which only a part could be read.
    pub fn advise_statement(&self, read: &StmtKind, error: Diagnostic) -> Diagnostic {
        let word = match read {
            StmtKind::Call { targets, value } if targets.is_empty() => self.slice(value.span),
            _ => "",
        };
        let is_name = matches!(read, StmtKind::Call { value, .. }
            if matches!(value.kind, super::super::tree::ExprKind::Name(_)));
        match (read, self.kind()) {
            (StmtKind::Declare { .. }, TokenKind::Assign) => {
                error.help("a value is given without its type: `name = value`")
            }
            (StmtKind::Call { .. }, TokenKind::Assign) => error.help(
                "only a name can be given a value; to change a field, copy: `x.copy(field = value)`",
            ),
            (StmtKind::Call { .. }, TokenKind::Push) => {
                error.help("only a stream with a name can be pushed to")
            }
            (_, TokenKind::Word) if is_name => {
                error.help(format!("to name a result, write `{word} <- …`"))
            }
            _ => self.advise(error),
        }
    }
}

fn is_operator(text: &str) -> bool {
    matches!(text, "+" | "-" | "*" | "/" | "%" | "**" | "==" | ":")
}

fn listed() -> String {
    let (last, others) = DEFINITIONS.split_last().expect("there are definitions");
    let others: Vec<String> = others.iter().map(|word| format!("`{word}`")).collect();
    format!("{} or `{last}`", others.join(", "))
}
