//! The hops of the particle, shown behind the calls that need them.

use crate::analysis::Analysis;
use weir_aqua::emit;
use weir_aqua::hir::FuncId;
use weir_aqua::lower::Options;
use weir_aqua::syntax::{ItemKind, StmtKind, Token, TokenKind};
use weir_aqua::types::Ty;
use weir_aqua::{FileId, Span};

/// Functions with longer scripts have no hints, so that an editor never waits for them.
const OPERATIONS_MAX: usize = 5_000;

/// A text that is shown behind an offset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// Behind what it is shown.
    pub offset: u32,
    /// The peers that are passed, the one that is asked last.
    pub label: String,
}

/// The hops of the functions that a span touches, as if clients called them. There are
/// none for functions that a mistake reaches, and none for those that clients cannot call.
pub fn hints(analysis: &Analysis, file: FileId, span: Span) -> Vec<Hint> {
    let compilation = &analysis.compilation;
    let sound = compilation
        .has_errors()
        .then(|| compilation.sound_functions());
    let items = &analysis.file(file).parsed.tree.items;
    let mut hints = Vec::new();
    for id in &compilation.world.module(file).functions {
        let def = compilation.world.func(*id);
        let item = &items[def.item];
        // the span of a definition may be its first line alone
        let end = items
            .get(def.item + 1)
            .map_or(u32::MAX, |next| next.span.start);
        let is_seen = item.span.start <= span.end && span.start <= end;
        let is_sound = sound.as_ref().is_none_or(|sound| sound.contains(id));
        if !is_seen || !is_sound || !can_start(&def.ty) {
            continue;
        }
        let ItemKind::Func { body, .. } = &item.kind else {
            continue;
        };
        let result = body.stmts.iter().find_map(|stmt| match stmt.kind {
            StmtKind::Return(_) => Some(stmt.span),
            _ => None,
        });
        hints.extend(of_function(analysis, file, *id, result));
    }
    hints.sort();
    hints.dedup();
    hints
}

fn of_function(analysis: &Analysis, file: FileId, id: FuncId, result: Option<Span>) -> Vec<Hint> {
    let options = Options {
        operations_max: OPERATIONS_MAX,
        ..Options::default()
    };
    let Ok(program) = analysis.compilation.program(id, &options) else {
        return Vec::new();
    };
    let tokens = &analysis.file(file).parsed.tokens;
    emit::hops(&program)
        .into_iter()
        .filter_map(|hops| {
            let site = hops.site.or(result)?;
            Some(Hint {
                offset: line_end(tokens, site),
                label: label(&hops.peers),
            })
        })
        .collect()
}

/// Where the code of the line ends that a place ends in: before spaces and a comment.
fn line_end(tokens: &[Token], site: Span) -> u32 {
    use TokenKind as T;
    let behind = tokens.partition_point(|token| token.span.end <= site.end);
    tokens[behind..]
        .iter()
        .take_while(|token| !matches!(token.kind, T::LineEnd | T::Comment))
        .filter(|token| token.kind != T::Space)
        .last()
        .map_or(site.end, |token| token.span.end)
}

fn label(peers: &[String]) -> String {
    let peers = peers.iter().map(|peer| match peer.as_str() {
        "-relay-" => "HOST_PEER_ID",
        peer => peer,
    });
    let peers: Vec<&str> = peers.collect();
    format!("→ {}", peers.join(" → "))
}

/// Whether a client could call a function of that type.
fn can_start(arrow: &weir_aqua::types::Arrow) -> bool {
    let params = arrow.params.iter().all(|(_, ty)| match ty {
        Ty::Ability(_) | Ty::Service(_) | Ty::Map(_) | Ty::Error => false,
        Ty::Arrow(callback) => callback.results.len() <= 1,
        _ => true,
    });
    let results = arrow.results.iter().all(|ty| {
        !matches!(
            ty,
            Ty::Arrow(_) | Ty::Ability(_) | Ty::Service(_) | Ty::Map(_) | Ty::Error
        )
    });
    params && results
}
