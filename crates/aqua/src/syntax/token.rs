//! The pieces that a text consists of.

use crate::source::Span;

/// A piece of the text. Those of a file follow each other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// What a token is. Keywords are words: only their place makes them keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Spaces and tabs.
    Space,
    /// The mark that some editors put at the start of a file.
    ByteOrderMark,
    /// LF, CR LF, LF CR or CR.
    LineEnd,
    /// `--` and the rest of the line.
    Comment,
    /// A name or a keyword.
    Word,
    /// Digits, possibly with a dot, and what is glued to them.
    Number,
    /// A string literal with its quotes.
    String,
    /// A string literal without its closing quote: the rest of the line.
    OpenString,
    /// `%init_peer_id%`
    InitPeerId,
    /// `(`
    RoundOpen,
    /// `)`
    RoundClose,
    /// `[`
    SquareOpen,
    /// `]`
    SquareClose,
    /// `{`
    CurlyOpen,
    /// `}`
    CurlyClose,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `=`
    Assign,
    /// `?=`
    Replaceable,
    /// `<-`
    ArrowLeft,
    /// `<<-`
    Push,
    /// `->`
    ArrowRight,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `**`
    Power,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `!`
    Bang,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `?`
    Question,
    /// `⊤`
    Top,
    /// `⊥`
    Bottom,
    /// Characters that have no meaning.
    Unknown,
    /// The end of the file; not among the tokens of a file.
    End,
}

impl TokenKind {
    /// Whether the parser looks through it.
    pub(super) fn is_trivia(self) -> bool {
        matches!(self, Self::Space | Self::ByteOrderMark | Self::Comment)
    }

    /// The bracket that closes this one.
    pub(super) fn closing(self) -> Option<Self> {
        match self {
            Self::RoundOpen => Some(Self::RoundClose),
            Self::SquareOpen => Some(Self::SquareClose),
            Self::CurlyOpen => Some(Self::CurlyClose),
            _ => None,
        }
    }

    /// Whether it closes a bracket.
    pub(super) fn closes(self) -> bool {
        matches!(
            self,
            Self::RoundClose | Self::SquareClose | Self::CurlyClose
        )
    }
}
