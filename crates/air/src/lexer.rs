//! Splits the text into tokens.
//!
//! Bytes are classified by table; only text outside ASCII is decoded.

use crate::ast::Span;

/// What a token is. Words are not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    SquareOpen,
    /// `]`
    SquareClose,
    /// A string literal with its quotes.
    String,
    /// A string literal without its closing quote: the rest of the text.
    UnterminatedString,
    /// A comment with its semicolon, without the line break.
    Comment,
    /// Anything else.
    Word,
    /// The end of the text.
    End,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// Reads tokens from a text of less than 4 GiB.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Ordinary,
    Space,
    /// `(` and `)`: end a word.
    Round,
    /// `[`: opens a bracket inside a word.
    SquareOpen,
    /// `]`: ends a word unless it closes a bracket inside it.
    SquareClose,
    /// The first byte of a character outside ASCII.
    Wide,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Ordinary; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'\t'..=b'\r' | b' ' => Class::Space,
            b'(' | b')' => Class::Round,
            b'[' => Class::SquareOpen,
            b']' => Class::SquareClose,
            0x80.. => Class::Wide,
            _ => Class::Ordinary,
        };
        byte += 1;
    }
    classes
};

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        debug_assert!(
            u32::try_from(text.len()).is_ok(),
            "callers check the size of the text"
        );
        Self { text, at: 0 }
    }

    /// Reads a part of the text; spans are offsets in the whole text.
    pub(crate) fn within(text: &'t str, span: Span) -> Self {
        Self {
            text: &text[..span.end as usize],
            at: span.start as usize,
        }
    }

    /// The next token that is not a comment.
    pub(crate) fn token(&mut self) -> Token {
        loop {
            let token = self.token_or_comment();
            if token.kind != TokenKind::Comment {
                return token;
            }
        }
    }

    /// The next token.
    pub(crate) fn token_or_comment(&mut self) -> Token {
        self.skip_space();
        let start = self.at;
        let Some(byte) = self.text.as_bytes().get(start) else {
            return Token {
                kind: TokenKind::End,
                span: Span::new(start as u32, start as u32),
            };
        };
        let kind = match byte {
            b'(' => self.single(TokenKind::Open),
            b')' => self.single(TokenKind::Close),
            b'[' => self.single(TokenKind::SquareOpen),
            b']' => self.single(TokenKind::SquareClose),
            b'"' => self.string(),
            b';' => self.comment(),
            _ => self.word(),
        };
        Token {
            kind,
            span: Span::new(start as u32, self.at as u32),
        }
    }

    fn single(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    fn string(&mut self) -> TokenKind {
        self.at += 1;
        self.skip_while(|byte| byte != b'"');
        if self.at == self.text.len() {
            return TokenKind::UnterminatedString;
        }
        self.at += 1;
        TokenKind::String
    }

    fn comment(&mut self) -> TokenKind {
        self.skip_while(|byte| byte != b'\n');
        TokenKind::Comment
    }

    fn word(&mut self) -> TokenKind {
        let mut brackets = 0_u32;
        loop {
            self.skip_while(|byte| CLASSES[usize::from(byte)] == Class::Ordinary);
            match self.class() {
                Class::SquareOpen => {
                    brackets += 1;
                    self.at += 1;
                }
                Class::SquareClose if brackets > 0 => {
                    brackets -= 1;
                    self.at += 1;
                }
                Class::Wide if !self.is_at_wide_space() => self.skip_character(),
                _ => return TokenKind::Word,
            }
        }
    }

    fn skip_space(&mut self) {
        loop {
            self.skip_while(|byte| CLASSES[usize::from(byte)] == Class::Space);
            if self.class() != Class::Wide || !self.is_at_wide_space() {
                return;
            }
            self.skip_character();
        }
    }

    #[inline]
    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while at < bytes.len() && wanted(bytes[at]) {
            at += 1;
        }
        self.at = at;
    }

    /// The class of the next byte; the end of the text ends everything, as a space does.
    fn class(&self) -> Class {
        let byte = self.text.as_bytes().get(self.at);
        byte.map_or(Class::Space, |byte| CLASSES[usize::from(*byte)])
    }

    fn is_at_wide_space(&self) -> bool {
        self.character().is_some_and(char::is_whitespace)
    }

    fn skip_character(&mut self) {
        self.at += self.character().map_or(0, char::len_utf8);
    }

    fn character(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}
