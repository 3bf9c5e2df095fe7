//! What can be written at a place.

use crate::analysis::Analysis;
use crate::describe;
use crate::names::{self, Meaning};
use crate::scope::indentation;
use tower_lsp_server::ls_types::CompletionItemKind as Kind;
use weir_aqua::files::library;
use weir_aqua::names::{BUILTINS, Namespace, TopValue};
use weir_aqua::syntax::{Token, TokenKind};
use weir_aqua::types::{Scalar, Ty};
use weir_aqua::{FileId, Span};

/// Something that can be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What is written.
    pub label: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its type.
    pub detail: String,
}

impl Item {
    fn new(label: impl Into<String>, kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            kind,
            detail: detail.into(),
        }
    }
}

/// Words that begin a definition or a line of the header.
const TOP_WORDS: [&str; 10] = [
    "alias", "ability", "aqua", "const", "data", "export", "func", "import", "service", "use",
];
/// Words that begin a statement.
const STATEMENT_WORDS: [&str; 11] = [
    "catch",
    "co",
    "else",
    "for",
    "if",
    "join",
    "on",
    "otherwise",
    "par",
    "parseq",
    "try",
];

/// What the word at the offset may become. `analyse` compiles a changed text of the
/// file, because a value with a dot and nothing behind it is none yet.
pub fn completion(
    analysis: &Analysis,
    file: FileId,
    offset: u32,
    analyse: &dyn Fn(&str) -> Option<Analysis>,
) -> Vec<Item> {
    let source = analysis.file(file);
    let (text, tokens) = (&*source.text, &*source.parsed.tokens);
    let offset = text.floor_char_boundary(offset as usize) as u32;
    // what the word at the offset begins with does not matter: editors filter
    let word = word_at(tokens, offset);
    let start = word.map_or(offset, |word| word.start);
    let before = tokens.partition_point(|token| token.span.end <= start);
    let before = &tokens[..before];
    let mut items = match in_token(tokens, offset) {
        Some(TokenKind::Comment | TokenKind::Number) => Vec::new(),
        Some(TokenKind::String | TokenKind::OpenString) => match line_word(text, offset) {
            "import" | "use" => imports(),
            _ if line(text, start).contains(" from ") => imports(),
            _ => Vec::new(),
        },
        _ => match before.last() {
            Some(dot) if dot.kind == TokenKind::Dot => {
                after_dot(analysis, file, *dot, offset, analyse)
            }
            _ if indentation(text, start) == 0 && only_space_before(text, start) => TOP_WORDS
                .map(|word| Item::new(word, Kind::KEYWORD, ""))
                .into(),
            _ if wants_type(before) => {
                types(analysis, &analysis.compilation.world.module(file).space)
            }
            _ => values(analysis, file, start),
        },
    };
    items.sort_by(|a, b| a.label.cmp(&b.label));
    items.dedup_by(|a, b| a.label == b.label);
    items
}

/// The word that an offset lies in or behind.
pub fn word_at(tokens: &[Token], offset: u32) -> Option<Span> {
    let index = tokens.partition_point(|token| token.span.end < offset);
    tokens[index..]
        .iter()
        .take_while(|token| token.span.start <= offset)
        .find(|token| token.kind == TokenKind::Word)
        .map(|token| token.span)
}

fn in_token(tokens: &[Token], offset: u32) -> Option<TokenKind> {
    let index = tokens.partition_point(|token| token.span.end < offset);
    tokens
        .get(index)
        .filter(|token| token.span.start < offset)
        // a closed string ends before the offset
        .filter(|token| token.kind != TokenKind::String || offset < token.span.end)
        .map(|token| token.kind)
}

fn line(text: &str, offset: u32) -> &str {
    let before = text.get(..offset as usize).unwrap_or_default();
    let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    &before[start..]
}

fn line_word(text: &str, offset: u32) -> &str {
    let words = line(text, offset).split_whitespace().next();
    words.unwrap_or_default()
}

fn only_space_before(text: &str, offset: u32) -> bool {
    line(text, offset).trim().is_empty()
}

fn imports() -> Vec<Item> {
    library::paths()
        .map(|path| Item::new(path, Kind::FILE, "standard declarations"))
        .collect()
}

/// Whether a type stands behind these tokens.
fn wants_type(before: &[Token]) -> bool {
    use TokenKind as T;
    let mut tokens = before
        .iter()
        .rev()
        .filter(|token| token.kind != T::Space)
        .map(|token| token.kind);
    let mut last = tokens.next();
    loop {
        match last {
            Some(T::Colon | T::ArrowRight) => return true,
            // signs of collections stand before their elements' type
            Some(T::Star | T::Question | T::Percent | T::SquareOpen | T::SquareClose) => {}
            _ => return false,
        }
        last = tokens.next();
    }
}

fn after_dot(
    analysis: &Analysis,
    file: FileId,
    dot: Token,
    offset: u32,
    analyse: &dyn Fn(&str) -> Option<Analysis>,
) -> Vec<Item> {
    let source = analysis.file(file);
    let path = names::path_before(&source.text, &source.parsed.tokens, dot.span.start);
    match names::resolve(analysis, file, offset, &path) {
        Some(Meaning::Module(space)) => {
            let mut items = types(analysis, space);
            items.extend(top_values(analysis, space));
            return items;
        }
        Some(Meaning::Value(ty)) if ty != Ty::Error => return members(&ty),
        _ => {}
    }
    if let Some(ty) = analysis.index().value_before(file, dot.span.start) {
        return members(ty);
    }
    let mut text = source.text.to_string();
    let word = word_at(&source.parsed.tokens, offset);
    let word = word.map_or(offset..offset, |word| word.start..word.end);
    text.replace_range(word.start as usize..word.end as usize, "member");
    let path = source.path.clone();
    analyse(&text)
        .and_then(|changed| {
            let file = changed.find(&path)?;
            let ty = changed.index().value_before(file, dot.span.start)?;
            Some(members(ty))
        })
        .unwrap_or_default()
}

fn members(ty: &Ty) -> Vec<Item> {
    match ty {
        Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => record
            .members
            .iter()
            .map(|(name, ty)| member(name, ty))
            .chain(
                matches!(ty, Ty::Struct(_))
                    .then(|| Item::new("copy", Kind::METHOD, "the same with other fields")),
            )
            .collect(),
        Ty::Map(element) => names::map_methods(element)
            .iter()
            .map(|(name, ty)| member(name, ty))
            .chain([member("length", &Ty::U32)])
            .collect(),
        ty if ty.element().is_some() => vec![member("length", &Ty::U32)],
        _ => Vec::new(),
    }
}

fn member(name: &str, ty: &Ty) -> Item {
    match ty {
        Ty::Arrow(arrow) => Item::new(name, Kind::METHOD, describe::arrow(arrow)),
        ty => Item::new(name, Kind::FIELD, ty.to_string()),
    }
}

fn types(analysis: &Analysis, space: &Namespace) -> Vec<Item> {
    let world = &analysis.compilation.world;
    let named = space
        .types
        .iter()
        .map(|(name, id)| match &world.ty(*id).ty {
            Ty::Service(_) => Item::new(name, Kind::CLASS, "service"),
            Ty::Ability(_) => Item::new(name, Kind::INTERFACE, "ability"),
            Ty::Struct(_) => Item::new(name, Kind::STRUCT, "data"),
            ty => Item::new(name, Kind::TYPE_PARAMETER, ty.to_string()),
        });
    let scalars = Scalar::ALL.map(|scalar| Item::new(scalar.name(), Kind::KEYWORD, ""));
    named.chain(scalars).chain(modules(space)).collect()
}

fn modules(space: &Namespace) -> impl Iterator<Item = Item> {
    let modules = space.modules.keys();
    modules.map(|name| Item::new(name, Kind::MODULE, ""))
}

fn top_values(analysis: &Analysis, space: &Namespace) -> Vec<Item> {
    space
        .values
        .iter()
        .map(|(name, value)| match names::value_type(analysis, *value) {
            Ty::Arrow(arrow) => Item::new(name, Kind::FUNCTION, describe::arrow(&arrow)),
            ty => {
                let detail = match value {
                    TopValue::Const(id) => {
                        describe::literal(&analysis.compilation.world.constant(*id).value)
                    }
                    TopValue::Func(_) => ty.to_string(),
                };
                Item::new(name, Kind::CONSTANT, detail)
            }
        })
        .collect()
}

fn values(analysis: &Analysis, file: FileId, start: u32) -> Vec<Item> {
    let world = &analysis.compilation.world;
    let source = analysis.file(file);
    let space = &world.module(file).space;
    let mut items = Vec::new();
    if only_space_before(&source.text, start) {
        items.extend(STATEMENT_WORDS.map(|word| Item::new(word, Kind::KEYWORD, "")));
    }
    for (name, ty) in names::locals(analysis, file, start).into_iter().rev() {
        items.push(match &ty {
            Ty::Arrow(arrow) => Item::new(name, Kind::FUNCTION, describe::arrow(arrow)),
            Ty::Error => Item::new(name, Kind::VARIABLE, ""),
            ty => Item::new(name, Kind::VARIABLE, ty.to_string()),
        });
    }
    items.extend(top_values(analysis, space));
    items.extend(
        types(analysis, space)
            .into_iter()
            .filter(|item| matches!(item.kind, Kind::CLASS | Kind::INTERFACE | Kind::STRUCT)),
    );
    items.extend(modules(space));
    items.extend(BUILTINS.map(|name| {
        let detail = describe::builtin(name).map_or("", |(code, _)| code);
        let detail = detail.split_once(": ").map_or("", |(_, ty)| ty);
        Item::new(name, Kind::CONSTANT, detail)
    }));
    items.extend(["true", "false"].map(|name| Item::new(name, Kind::CONSTANT, "bool")));
    items
}
