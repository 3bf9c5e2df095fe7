//! Looks into words: keywords, numbers, reserved values, names and lenses.

use std::sync::Arc;

use crate::ast::{Accessor, Lens, Operand, Span, Variable, VariableKind};
use crate::diagnostic::{Diagnostic, codes, quoted};
use crate::names::{Literals, Names};

/// The words that begin an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Null,
    Never,
    Seq,
    Par,
    Xor,
    Match,
    Mismatch,
    Call,
    Ap,
    Canon,
    Fold,
    Next,
    New,
    Fail,
}

/// The spellings of the keywords, in the order of [`Keyword`].
pub(crate) const KEYWORDS: [&str; 14] = [
    "null", "never", "seq", "par", "xor", "match", "mismatch", "call", "ap", "canon", "fold",
    "next", "new", "fail",
];

impl Keyword {
    pub(crate) fn spelling(self) -> &'static str {
        KEYWORDS[self as usize]
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "never" => Self::Never,
            "seq" => Self::Seq,
            "par" => Self::Par,
            "xor" => Self::Xor,
            "match" => Self::Match,
            "mismatch" => Self::Mismatch,
            "call" => Self::Call,
            "ap" => Self::Ap,
            "canon" => Self::Canon,
            "fold" => Self::Fold,
            "next" => Self::Next,
            "new" => Self::New,
            "fail" => Self::Fail,
            _ => return None,
        })
    }
}

/// Errors are boxed: they are rare, and operands are moved a lot.
pub(crate) type Result<T> = std::result::Result<T, Box<Diagnostic>>;

const NAME_HELP: &str =
    "names consist of letters, digits, `_` and `-`, after an optional sigil `$ % # #$ #%`";
const LENS_HELP: &str =
    "a lens is `.length`, or `.$` with accessors: `.field`, `.[7]` or `.[scalar]`";

/// The longest float, in characters.
const FLOAT_CHARS_MAX: usize = 11;

/// How many instructions, operands and accessors may still come.
pub(crate) struct Budget {
    limit: usize,
    left: usize,
}

impl Budget {
    /// Counts one that stands at `span`.
    pub(crate) fn spend(&mut self, span: Span) -> Result<()> {
        let Some(left) = self.left.checked_sub(1) else {
            let message = format!(
                "the script has more than {} instructions, operands and accessors",
                self.limit
            );
            let help = format!("the limit `nodes` is {}", self.limit);
            return Err(Diagnostic::error(codes::LIMIT, message, span)
                .help(help)
                .into());
        };
        self.left = left;
        Ok(())
    }
}

/// Turns words into operands and collects names and literals.
pub(crate) struct Words<'t> {
    text: &'t str,
    pub names: Names,
    literals: Literals,
    /// The path being read: the tree gets a vector that fits.
    accessors: Vec<Accessor>,
    pub budget: Budget,
}

impl<'t> Words<'t> {
    pub(crate) fn new(text: &'t str, limit: usize) -> Self {
        Self {
            text,
            names: Names::new(),
            literals: Literals::new(),
            accessors: Vec::new(),
            budget: Budget { limit, left: limit },
        }
    }

    /// The text at `span`, shared with its equals.
    pub(crate) fn literal(&mut self, span: Span) -> Arc<str> {
        self.literals.share(self.text, span)
    }

    /// The operand that `word`, which stands at `start`, denotes.
    pub(crate) fn operand(&mut self, word: &'t str, start: u32) -> Result<Operand> {
        let bytes = word.as_bytes();
        let (kind, sigil) = match bytes.first() {
            Some(b'$') => (VariableKind::Stream, 1),
            Some(b'%') => {
                if let Some(reserved) = self.reserved(word, start)? {
                    return Ok(reserved);
                }
                (VariableKind::StreamMap, 1)
            }
            Some(b'#') => match bytes.get(1) {
                Some(b'$') => (VariableKind::Canon, 2),
                Some(b'%') => (VariableKind::CanonMap, 2),
                _ => (VariableKind::Canon, 1),
            },
            Some(b':') => {
                if let Some(lens) = word.strip_prefix(":error:") {
                    return Ok(Operand::Error(self.lens(lens, start + 7)?));
                }
                return Err(bad_word(word, start).help("did you mean `:error:`?").into());
            }
            _ => {
                if let Some(constant) = constant(word, start)? {
                    return Ok(constant);
                }
                (VariableKind::Scalar, 0)
            }
        };
        let name_end = sigil + name_length(&word[sigil..], kind == VariableKind::Scalar);
        let (name, rest) = word.split_at(name_end);
        if name.len() == sigil {
            return Err(empty_name(word, start, sigil).into());
        }
        let lens = self
            .lens(rest, start + name_end as u32)
            .map_err(|mut error| {
                if error.code == codes::BAD_WORD {
                    error.message = format!("{} is not a name", quoted(word));
                }
                error
            })?;
        if kind == VariableKind::Scalar
            && (Keyword::of(name).is_some() || matches!(name, "true" | "false"))
        {
            return Err(Diagnostic::error(
                codes::BAD_WORD,
                format!("`{name}` is a keyword and cannot be a variable"),
                Span::new(start, start + name_end as u32),
            )
            .help("choose another name")
            .into());
        }
        let variable = Variable {
            kind,
            name: self
                .names
                .id(self.text, Span::new(start, start + name_end as u32)),
        };
        Ok(Operand::Variable { variable, lens })
    }

    fn reserved(&mut self, word: &'t str, start: u32) -> Result<Option<Operand>> {
        const LAST_ERROR: &str = "%last_error%";
        Ok(Some(match word {
            "%init_peer_id%" => Operand::InitPeerId,
            "%timestamp%" => Operand::Timestamp,
            "%ttl%" => Operand::Ttl,
            _ => match word.strip_prefix(LAST_ERROR) {
                Some(lens) => Operand::LastError(self.lens(lens, start + LAST_ERROR.len() as u32)?),
                None => return Ok(None),
            },
        }))
    }

    /// The lens that is the rest of a word after its name.
    fn lens(&mut self, rest: &'t str, start: u32) -> Result<Option<Lens>> {
        if rest.is_empty() {
            return Ok(None);
        }
        let lens = rest.strip_suffix('!').unwrap_or(rest);
        if lens == ".length" {
            return Ok(Some(Lens::Length));
        }
        let end = start + rest.len() as u32;
        let Some(path) = lens.strip_prefix(".$") else {
            return Err(not_a_lens(rest, start).into());
        };
        if path.is_empty() {
            return Err(Diagnostic::error(
                codes::BAD_LENS,
                "this lens selects nothing",
                Span::new(start, end),
            )
            .help("add an accessor: `.$.field` or `.$.[7]`; without lens the whole value is meant")
            .into());
        }
        self.accessors.clear();
        let mut at = 0;
        while at < path.len() {
            let from = start + 2 + at as u32;
            let (accessor, length) = self.accessor(&path[at..], from)?;
            self.accessors.push(accessor);
            self.budget.spend(Span::new(from, from + length as u32))?;
            at += length;
        }
        Ok(Some(Lens::Path(self.accessors.drain(..).collect())))
    }

    /// The first accessor of `path`, and its length.
    fn accessor(&mut self, path: &'t str, start: u32) -> Result<(Accessor, usize)> {
        let dot = usize::from(path.starts_with('.'));
        let rest = &path[dot..];
        if let Some(inner) = rest.strip_prefix('[') {
            let Some(length) = inner.find(']') else {
                let span = Span::new(start, start + path.len() as u32);
                return Err(
                    Diagnostic::error(codes::BAD_LENS, "this bracket is not closed", span)
                        .help(LENS_HELP)
                        .into(),
                );
            };
            let accessor = self.bracket(&inner[..length], start + dot as u32 + 1)?;
            return Ok((accessor, dot + length + 2));
        }
        let length = name_length(rest, false);
        let span = Span::new(start, start + (dot + length) as u32);
        if length == 0 {
            let found = rest.chars().next();
            let message = match found {
                None | Some('.') => "a field name is missing here".to_owned(),
                Some('!') => "`!` can only be the very last character of a lens".to_owned(),
                Some(found) => format!("{} cannot stand in a lens", quoted(&found.to_string())),
            };
            let end = span.end + found.map_or(0, char::len_utf8) as u32;
            return Err(
                Diagnostic::error(codes::BAD_LENS, message, Span::new(start, end))
                    .help(LENS_HELP)
                    .into(),
            );
        }
        if dot == 0 {
            let field = &rest[..length];
            return Err(Diagnostic::error(
                codes::BAD_LENS,
                "a dot is missing before this field",
                span,
            )
            .help(format!("write `.{field}`"))
            .into());
        }
        let field = &rest[..length];
        if field.chars().next().is_some_and(char::is_numeric) {
            return Err(Diagnostic::error(
                codes::BAD_LENS,
                format!("field {} starts with a digit", quoted(field)),
                span,
            )
            .help(format!(
                "an element of an array is selected with brackets: `.[{field}]`"
            ))
            .into());
        }
        Ok((
            Accessor::Field(
                self.literals
                    .share(self.text, Span::new(start + 1, span.end)),
            ),
            dot + length,
        ))
    }

    /// What stands in the brackets of an accessor.
    fn bracket(&mut self, inner: &'t str, start: u32) -> Result<Accessor> {
        let span = Span::new(start, start + inner.len() as u32);
        if !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit()) {
            return match inner.parse() {
                Ok(index) => Ok(Accessor::Index(index)),
                Err(_) => Err(
                    Diagnostic::error(codes::BAD_LENS, "this index is too large", span)
                        .help(format!("the largest index is {}", u32::MAX))
                        .into(),
                ),
            };
        }
        let is_name = name_length(inner, true) == inner.len() && !inner.is_empty();
        if !is_name || !matches!(constant(inner, start), Ok(None)) {
            return Err(Diagnostic::error(
                codes::BAD_LENS,
                format!(
                    "{} is neither an index nor the name of a scalar",
                    quoted(inner)
                ),
                span,
            )
            .help(LENS_HELP)
            .into());
        }
        let name = self.names.id(self.text, span);
        Ok(Accessor::Variable(Variable {
            kind: VariableKind::Scalar,
            name,
        }))
    }
}

/// How many bytes at the beginning of `text` can be a name. A plus sign can
/// only begin the name of a scalar.
fn name_length(text: &str, scalar: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(scalar && bytes.first() == Some(&b'+'));
    loop {
        while at < bytes.len() && is_in_names(bytes[at]) {
            at += 1;
        }
        let character = match bytes.get(at) {
            Some(0x80..) => text[at..].chars().next(),
            _ => None,
        };
        match character {
            Some(character) if character.is_alphanumeric() => at += character.len_utf8(),
            _ => return at,
        }
    }
}

fn is_in_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A number or boolean; nothing if the word is something else.
fn constant(word: &str, start: u32) -> Result<Option<Operand>> {
    let Some(first) = word.chars().next() else {
        return Ok(None);
    };
    match first {
        '0'..='9' | '+' | '-' => number(word, start),
        't' if word == "true" => Ok(Some(Operand::Bool(true))),
        'f' if word == "false" => Ok(Some(Operand::Bool(false))),
        first if !first.is_ascii() && first.is_numeric() => number(word, start),
        _ => Ok(None),
    }
}

fn number(word: &str, start: u32) -> Result<Option<Operand>> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let dots = digits.bytes().filter(|byte| *byte == b'.').count();
    if dots > 1 || !digits.chars().all(|c| c == '.' || c.is_numeric()) {
        return Ok(None);
    }
    let error = |message: &str| {
        let span = Span::new(start, start + word.len() as u32);
        Diagnostic::error(codes::BAD_NUMBER, message, span)
    };
    if !word.is_ascii() {
        return Err(error("numbers are written with the digits 0 to 9").into());
    }
    if digits.is_empty() {
        return Err(error("a sign alone is not a number").into());
    }
    if dots == 0 {
        return match word.parse() {
            Ok(number) => Ok(Some(Operand::Int(number))),
            Err(_) => Err(error("this integer is too large")
                .help(format!(
                    "integers lie between {} and {}",
                    i64::MIN,
                    i64::MAX
                ))
                .into()),
        };
    }
    if digits.starts_with('.') {
        return Err(error("a float needs a digit before the dot")
            .help(format!("write `{}`", word.replace('.', "0.")))
            .into());
    }
    if word.len() > FLOAT_CHARS_MAX {
        return Err(error("this float is too long")
            .help(format!(
                "a float has at most {FLOAT_CHARS_MAX} characters, sign and dot included"
            ))
            .into());
    }
    match word.parse() {
        Ok(number) => Ok(Some(Operand::Float(number))),
        Err(_) => Err(error("this is not a number").into()),
    }
}

fn bad_word(word: &str, start: u32) -> Diagnostic {
    let span = Span::new(start, start + word.len() as u32);
    Diagnostic::error(
        codes::BAD_WORD,
        format!("{} is not a name", quoted(word)),
        span,
    )
}

fn empty_name(word: &str, start: u32, sigil: usize) -> Diagnostic {
    if let Some(digits) = word.strip_prefix('.')
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        let span = Span::new(start, start + word.len() as u32);
        return Diagnostic::error(
            codes::BAD_NUMBER,
            "a float needs a digit before the dot",
            span,
        )
        .help(format!("write `0{word}`"));
    }
    if word.len() == sigil {
        let span = Span::new(start, start + sigil as u32);
        return Diagnostic::error(codes::BAD_WORD, format!("`{word}` needs a name"), span)
            .help(NAME_HELP);
    }
    bad_word(word, start).help(NAME_HELP)
}

/// The rest of a word after its name is no lens: either a character that no
/// name has, or something that was meant as a lens.
fn not_a_lens(rest: &str, start: u32) -> Diagnostic {
    let whole = Span::new(start, start + rest.len() as u32);
    if let Some(field) = rest.strip_prefix('.') {
        let lens = Diagnostic::error(
            codes::BAD_LENS,
            format!("{} is not a lens", quoted(rest)),
            whole,
        );
        return if !field.is_empty() && name_length(field, false) == field.len() {
            lens.help(format!("a path begins with `.$`: `.$.{field}`"))
        } else {
            lens.help(LENS_HELP)
        };
    }
    if rest.starts_with('[') {
        return Diagnostic::error(
            codes::BAD_LENS,
            format!("{} is not a lens", quoted(rest)),
            whole,
        )
        .help(format!("a path begins with `.$`: `.${rest}`"));
    }
    let first = rest.chars().next().map_or(0, char::len_utf8) as u32;
    let help = match rest.as_bytes().first() {
        Some(b';') => "a comment begins at a semicolon after a space or a parenthesis",
        Some(b'"') => "separate words and strings by a space",
        Some(b'!') => "`!` can only stand at the end of a lens, where it means nothing",
        _ => NAME_HELP,
    };
    Diagnostic::error(
        codes::BAD_WORD,
        "this is not a name",
        Span::new(start, start + first),
    )
    .help(help)
}
