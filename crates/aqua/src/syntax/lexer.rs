//! Splits the text into tokens.

use super::token::{Token, TokenKind};
use crate::source::Span;

const INIT_PEER_ID: &str = "%init_peer_id%";

/// The tokens of a text of less than 4 GiB, without loss.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0 };
    // Measured on libraries: one token for three to four bytes.
    let mut tokens = Vec::with_capacity(text.len() / 3 + 1);
    while lexer.at < text.len() {
        let start = lexer.at;
        let kind = lexer.token();
        debug_assert!(lexer.at > start, "a token is never empty");
        tokens.push(Token {
            kind,
            span: Span::new(start as u32, lexer.at as u32),
        });
    }
    tokens
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> TokenKind {
        use TokenKind as T;
        match self.byte(0) {
            b' ' | b'\t' => {
                self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
                T::Space
            }
            b'\n' if self.byte(1) == b'\r' && self.byte(2) != b'\n' => self.take(2, T::LineEnd),
            b'\r' if self.byte(1) == b'\n' => self.take(2, T::LineEnd),
            b'\n' | b'\r' => self.take(1, T::LineEnd),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'(' => self.take(1, T::RoundOpen),
            b')' => self.take(1, T::RoundClose),
            b'[' => self.take(1, T::SquareOpen),
            b']' => self.take(1, T::SquareClose),
            b'{' => self.take(1, T::CurlyOpen),
            b'}' => self.take(1, T::CurlyClose),
            b',' => self.take(1, T::Comma),
            b':' => self.take(1, T::Colon),
            b'.' => self.take(1, T::Dot),
            b'+' => self.take(1, T::Plus),
            b'/' => self.take(1, T::Slash),
            b'-' => match self.byte(1) {
                b'-' => self.comment(),
                b'>' => self.take(2, T::ArrowRight),
                _ => self.take(1, T::Minus),
            },
            b'<' => match (self.byte(1), self.byte(2)) {
                (b'<', b'-') => self.take(3, T::Push),
                (b'-', _) => self.take(2, T::ArrowLeft),
                (b'=', _) => self.take(2, T::LessEqual),
                _ => self.take(1, T::Less),
            },
            b'>' if self.byte(1) == b'=' => self.take(2, T::GreaterEqual),
            b'>' => self.take(1, T::Greater),
            b'=' if self.byte(1) == b'=' => self.take(2, T::Equal),
            b'=' => self.take(1, T::Assign),
            // `x!==y` compares `x!` with `y`.
            b'!' if self.byte(1) == b'=' && self.byte(2) != b'=' => self.take(2, T::NotEqual),
            b'!' => self.take(1, T::Bang),
            b'?' if self.byte(1) == b'=' => self.take(2, T::Replaceable),
            b'?' => self.take(1, T::Question),
            b'*' if self.byte(1) == b'*' => self.take(2, T::Power),
            b'*' => self.take(1, T::Star),
            b'&' if self.byte(1) == b'&' => self.take(2, T::And),
            b'|' if self.byte(1) == b'|' => self.take(2, T::Or),
            b'%' if self.rest().starts_with(INIT_PEER_ID) => {
                self.take(INIT_PEER_ID.len(), T::InitPeerId)
            }
            b'%' => self.take(1, T::Percent),
            _ => self.other(),
        }
    }

    /// A character outside ASCII, or one that has no meaning.
    fn other(&mut self) -> TokenKind {
        match self.character() {
            Some('⊤') => self.take('⊤'.len_utf8(), TokenKind::Top),
            Some('⊥') => self.take('⊥'.len_utf8(), TokenKind::Bottom),
            Some('\u{feff}') if self.at == 0 => {
                self.take('\u{feff}'.len_utf8(), TokenKind::ByteOrderMark)
            }
            Some(character) if character.is_alphabetic() => self.word(),
            _ => {
                while let Some(character) = self.character()
                    && has_no_meaning(character)
                {
                    self.at += character.len_utf8();
                }
                if matches!(self.byte(0), b'&' | b'|') {
                    // Only single ones come here; two are an operator.
                    self.at += 1;
                }
                TokenKind::Unknown
            }
        }
    }

    /// Letters outside ASCII too, so that the whole name is reported once.
    fn word(&mut self) -> TokenKind {
        loop {
            self.skip_while(is_word_byte);
            match self.character() {
                Some(character) if !character.is_ascii() && character.is_alphanumeric() => {
                    self.at += character.len_utf8();
                }
                _ => return TokenKind::Word,
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        self.skip_while(is_word_byte);
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(is_word_byte);
        }
        TokenKind::Number
    }

    fn string(&mut self) -> TokenKind {
        let rest = &self.rest()[1..];
        if let Some(length) = rest.find('"') {
            return self.take(length + 2, TokenKind::String);
        }
        self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
        TokenKind::OpenString
    }

    fn comment(&mut self) -> TokenKind {
        self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
        TokenKind::Comment
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.at += bytes;
        kind
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && wanted(bytes[self.at]) {
            self.at += 1;
        }
    }

    /// The byte at a distance; 0 after the end, which no token starts with.
    fn byte(&self, distance: usize) -> u8 {
        let bytes = self.text.as_bytes();
        bytes.get(self.at + distance).copied().unwrap_or_default()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn character(&self) -> Option<char> {
        self.rest().chars().next()
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn has_no_meaning(character: char) -> bool {
    match character {
        '⊤' | '⊥' | ' ' | '\t' | '\n' | '\r' | '_' => false,
        _ if character.is_ascii() => {
            !character.is_ascii_alphanumeric() && !r#""()[]{},:.+/-<>=!?*&|%"#.contains(character)
        }
        _ => !character.is_alphabetic(),
    }
}
