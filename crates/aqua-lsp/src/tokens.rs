//! What each word of a file is, for colours.

use crate::analysis::Analysis;
use crate::index::What;
use std::collections::{HashMap, HashSet};
use tower_lsp_server::ls_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokensLegend,
};
use weir_aqua::names::BUILTINS;
use weir_aqua::syntax::{Token, TokenKind};
use weir_aqua::types::{Scalar, Ty};
use weir_aqua::{FileId, Place, Span};

/// What a token is; the number is that of the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in the protocol")]
pub enum Class {
    Comment,
    Keyword,
    String,
    Number,
    Operator,
    Function,
    Method,
    Parameter,
    Variable,
    Property,
    Type,
    Struct,
    Interface,
    Class,
    Namespace,
}

/// The kinds and the marks of tokens, by number.
pub fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: vec![
            SemanticTokenType::COMMENT,
            SemanticTokenType::KEYWORD,
            SemanticTokenType::STRING,
            SemanticTokenType::NUMBER,
            SemanticTokenType::OPERATOR,
            SemanticTokenType::FUNCTION,
            SemanticTokenType::METHOD,
            SemanticTokenType::PARAMETER,
            SemanticTokenType::VARIABLE,
            SemanticTokenType::PROPERTY,
            SemanticTokenType::TYPE,
            SemanticTokenType::STRUCT,
            SemanticTokenType::INTERFACE,
            SemanticTokenType::CLASS,
            SemanticTokenType::NAMESPACE,
        ],
        token_modifiers: vec![
            SemanticTokenModifier::DECLARATION,
            SemanticTokenModifier::READONLY,
            SemanticTokenModifier::DEFAULT_LIBRARY,
        ],
    }
}

const DECLARATION: u32 = 1;
const READONLY: u32 = 2;
const LIBRARY: u32 = 4;

/// Words that are keywords where they do not name anything.
const KEYWORDS: [&str; 27] = [
    "ability",
    "alias",
    "aqua",
    "as",
    "catch",
    "co",
    "const",
    "copy",
    "data",
    "declares",
    "else",
    "export",
    "for",
    "from",
    "func",
    "if",
    "import",
    "join",
    "module",
    "on",
    "otherwise",
    "par",
    "parseq",
    "rec",
    "service",
    "try",
    "use",
];

/// A token that has a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coloured {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub class: Class,
    /// The bits of its marks.
    pub modifiers: u32,
}

/// The tokens of a file that have a colour, in order.
pub fn tokens(analysis: &Analysis, file: FileId) -> Vec<Coloured> {
    let source = analysis.file(file);
    let index = analysis.index();
    let params = params(analysis);
    let mut meanings: HashMap<u32, (Class, u32)> = HashMap::new();
    for (place, what) in index.definitions() {
        if place.file == file && place.span.end > 0 {
            let (class, marks) = class(analysis, what, params.contains(&place));
            meanings.insert(place.span.start, (class, marks | DECLARATION));
        }
    }
    for (from, to) in index.uses() {
        if from.file == file
            && let Some(what) = index.definition(*to)
            && !matches!(what, What::File(_))
        {
            let meaning = class(analysis, what, params.contains(to));
            meanings.insert(from.span.start, meaning);
        }
    }
    source
        .parsed
        .tokens
        .iter()
        .filter_map(|token| {
            let (class, modifiers) = coloured(&source.text, *token, &meanings)?;
            Some(Coloured {
                span: token.span,
                class,
                modifiers,
            })
        })
        .collect()
}

fn coloured(
    text: &str,
    token: Token,
    meanings: &HashMap<u32, (Class, u32)>,
) -> Option<(Class, u32)> {
    use TokenKind as T;
    let class = match token.kind {
        T::Word => {
            if let Some(meaning) = meanings.get(&token.span.start) {
                return Some(*meaning);
            }
            let word = text.get(token.span.range())?;
            if BUILTINS.contains(&word) {
                return Some((Class::Variable, READONLY | LIBRARY));
            }
            match word {
                "true" | "false" => Class::Keyword,
                word if Scalar::named(word).is_some() => return Some((Class::Type, LIBRARY)),
                word if KEYWORDS.contains(&word) => Class::Keyword,
                _ => return None,
            }
        }
        T::InitPeerId => return Some((Class::Variable, READONLY | LIBRARY)),
        T::Comment => Class::Comment,
        T::Number => Class::Number,
        T::String | T::OpenString => Class::String,
        T::Assign
        | T::Replaceable
        | T::ArrowLeft
        | T::Push
        | T::ArrowRight
        | T::Equal
        | T::NotEqual
        | T::Less
        | T::LessEqual
        | T::Greater
        | T::GreaterEqual
        | T::Plus
        | T::Minus
        | T::Star
        | T::Power
        | T::Slash
        | T::Percent
        | T::Bang
        | T::And
        | T::Or
        | T::Question => Class::Operator,
        _ => return None,
    };
    Some((class, 0))
}

/// The places that define arguments of functions.
fn params(analysis: &Analysis) -> HashSet<Place> {
    let functions = analysis.compilation.bodies.functions.iter().flatten();
    functions
        .flat_map(|function| {
            function.lambda.params.iter().filter_map(|param| {
                let place = Place {
                    file: function.place.file,
                    span: function.locals.get(param.0 as usize)?.span,
                };
                Some(place)
            })
        })
        .collect()
}

fn class(analysis: &Analysis, what: &What, param: bool) -> (Class, u32) {
    let compilation = &analysis.compilation;
    match what {
        What::Func(_) => (Class::Function, 0),
        What::Const(_) => (Class::Variable, READONLY),
        What::Type(index) => match compilation.world.types()[*index].ty {
            Ty::Struct(_) => (Class::Struct, 0),
            Ty::Ability(_) => (Class::Interface, 0),
            Ty::Service(_) => (Class::Class, 0),
            _ => (Class::Type, 0),
        },
        What::Local(func, local) => {
            let function = compilation.bodies.functions.get(func.0 as usize);
            let local = function
                .and_then(Option::as_ref)
                .and_then(|function| function.locals.get(local.0 as usize));
            match local.map(|local| &local.ty) {
                Some(Ty::Arrow(_)) => (Class::Function, 0),
                _ if param => (Class::Parameter, 0),
                _ => (Class::Variable, 0),
            }
        }
        What::Member(record, index) => match record.members.get(*index) {
            Some((_, Ty::Arrow(_))) => (Class::Method, 0),
            _ => (Class::Property, 0),
        },
        What::File(_) => (Class::String, 0),
        What::Module(_) => (Class::Namespace, 0),
    }
}

/// The tokens as the protocol counts them: each from the one before, line by line.
pub fn encode(analysis: &Analysis, file: FileId, tokens: &[Coloured]) -> Vec<SemanticToken> {
    let text = &analysis.file(file).text;
    let mut out = Vec::with_capacity(tokens.len());
    let (mut line, mut start) = (0, 0);
    for token in tokens {
        // a string may go over several lines, a token of the protocol may not
        let mut at = token.span.start;
        for piece in text[token.span.range()].split_inclusive('\n') {
            let span = Span::new(at, at + piece.trim_end_matches(['\n', '\r']).len() as u32);
            at += piece.len() as u32;
            let range = analysis.range(Place { file, span });
            let length = range.end.character.saturating_sub(range.start.character);
            if length == 0 || range.start.line != range.end.line {
                continue;
            }
            let delta_line = range.start.line - line;
            out.push(SemanticToken {
                delta_line,
                delta_start: match delta_line {
                    0 => range.start.character - start,
                    _ => range.start.character,
                },
                length,
                token_type: token.class as u32,
                token_modifiers_bitset: token.modifiers,
            });
            (line, start) = (range.start.line, range.start.character);
        }
    }
    out
}
