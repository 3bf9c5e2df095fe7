//! The arguments of the call that is being written.

use crate::analysis::Analysis;
use crate::names::{self, Meaning};
use weir_aqua::FileId;
use weir_aqua::syntax::TokenKind;
use weir_aqua::types::Ty;

/// What is being called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The call with the names and types of its arguments.
    pub label: String,
    /// Where each argument stands in the label, in characters.
    pub params: Vec<(u32, u32)>,
    /// Which one is being written.
    pub active: u32,
}

/// The innermost call around an offset.
pub fn signature(analysis: &Analysis, file: FileId, offset: u32) -> Option<Signature> {
    use TokenKind as T;
    let source = analysis.file(file);
    let tokens = &source.parsed.tokens;
    let upto = tokens.partition_point(|token| token.span.end <= offset);
    let mut depth = 0;
    let mut commas = 0;
    for (index, token) in tokens[..upto].iter().enumerate().rev() {
        match token.kind {
            kind if closes(kind) => depth += 1,
            T::RoundOpen if depth == 0 => {
                if let Some((callee, abilities)) = callee(tokens, index)
                    && let Some(found) =
                        describe(analysis, file, offset, callee, abilities + commas)
                {
                    return Some(found);
                }
                commas = 0;
            }
            T::SquareOpen | T::CurlyOpen if depth == 0 => commas = 0,
            T::RoundOpen | T::SquareOpen | T::CurlyOpen => depth -= 1,
            T::Comma if depth == 0 => commas += 1,
            // a call ends with its line, unless the bracket before is open
            T::ArrowLeft | T::Push | T::Assign if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn closes(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::RoundClose | TokenKind::SquareClose | TokenKind::CurlyClose
    )
}

/// Where the name ends before a bracket, and how many abilities stand between.
fn callee(tokens: &[weir_aqua::syntax::Token], bracket: usize) -> Option<(u32, u32)> {
    use TokenKind as T;
    let mut index = bracket.checked_sub(1)?;
    let mut abilities = 0;
    if tokens[index].kind == T::CurlyClose {
        abilities = 1;
        loop {
            index = index.checked_sub(1)?;
            match tokens[index].kind {
                T::CurlyOpen => break,
                T::Comma => abilities += 1,
                _ => {}
            }
        }
        index = index.checked_sub(1)?;
    }
    (tokens[index].kind == T::Word).then_some((tokens[index].span.end, abilities))
}

fn describe(
    analysis: &Analysis,
    file: FileId,
    offset: u32,
    callee: u32,
    active: u32,
) -> Option<Signature> {
    let source = analysis.file(file);
    let path = names::path_before(&source.text, &source.parsed.tokens, callee);
    let known = match names::resolve(analysis, file, offset, &path) {
        Some(Meaning::Value(ty)) => Some(ty),
        _ => None,
    };
    let ty = known.or_else(|| analysis.index().value_before(file, callee).cloned());
    let Some(Ty::Arrow(arrow)) = ty else {
        return None;
    };
    let mut label = format!("{}(", path.last().copied().unwrap_or("call"));
    let mut params = Vec::new();
    for (index, (name, ty)) in arrow.params.iter().enumerate() {
        if index > 0 {
            label.push_str(", ");
        }
        let start = label.encode_utf16().count() as u32;
        if let Some(name) = name {
            label.push_str(name);
            label.push_str(": ");
        }
        label.push_str(&ty.to_string());
        params.push((start, label.encode_utf16().count() as u32));
    }
    label.push(')');
    let results: Vec<String> = arrow.results.iter().map(ToString::to_string).collect();
    if !results.is_empty() {
        label.push_str(&format!(" -> {}", results.join(", ")));
    }
    Some(Signature {
        label,
        params,
        active,
    })
}
