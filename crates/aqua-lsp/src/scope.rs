//! What surrounds a place in a function: the names that are visible there and the peer that runs it.

use weir_aqua::Span;
use weir_aqua::syntax::{Block, Expr, ItemKind, Name, Stmt, StmtKind, Tree};

/// What surrounds a place in a function.
#[derive(Debug, Default)]
pub struct Scope<'t> {
    /// The name of the function.
    pub function: Option<&'t Name>,
    /// Names of values, the nearest last.
    pub names: Vec<&'t Name>,
    /// The peers of the `on` around it, the nearest last.
    pub peers: Vec<Peer<'t>>,
    /// Whether it is in a closure that runs where it is called.
    pub moves: bool,
}

/// A peer and the way to it.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'t> {
    /// The peer.
    pub peer: &'t Expr,
    /// The relays.
    pub via: &'t [Expr],
}

/// What surrounds an offset.
pub fn at<'t>(tree: &'t Tree, text: &str, offset: u32) -> Scope<'t> {
    let mut scope = Scope::default();
    let item = tree
        .items
        .iter()
        .rev()
        .find(|item| item.span.start <= offset);
    if let Some(item) = item
        && let ItemKind::Func {
            name,
            signature,
            body,
        } = &item.kind
        && (offset <= item.span.end || indentation(text, offset) > 0)
    {
        scope.function = Some(name);
        let abilities = signature.abilities.iter();
        scope
            .names
            .extend(abilities.filter_map(|path| path.segments.last()));
        let params = signature.params.iter();
        scope
            .names
            .extend(params.filter_map(|param| param.name.as_ref()));
        scope.block(body, text, offset);
    }
    scope
}

impl<'t> Scope<'t> {
    fn block(&mut self, block: &'t Block, text: &str, offset: u32) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let next = block.stmts.get(index + 1);
            let last = next.is_none_or(|next| next.span.start > offset);
            if stmt.span.start > offset {
                return;
            }
            if last {
                self.stmt(stmt, text, offset);
                return;
            }
            self.passed(stmt);
        }
    }

    /// The statement that the offset lies in or behind.
    fn stmt(&mut self, stmt: &'t Stmt, text: &str, offset: u32) {
        if offset <= stmt.span.end {
            if let StmtKind::Par(inner) | StmtKind::Co(inner) = &stmt.kind {
                self.stmt(inner, text, offset);
            }
            return;
        }
        if indentation(text, offset) <= indentation(text, stmt.span.start) {
            return self.passed(stmt);
        }
        match &stmt.kind {
            StmtKind::For { item, body, .. } => {
                self.names.push(&item.first);
                self.names.extend(&item.second);
                self.block(body, text, offset);
            }
            StmtKind::Parseq {
                item,
                peer,
                via,
                body,
                ..
            } => {
                self.names.push(&item.first);
                self.names.extend(&item.second);
                self.peers.push(Peer { peer, via });
                self.block(body, text, offset);
            }
            StmtKind::On { peer, via, body } => {
                self.peers.push(Peer { peer, via });
                self.block(body, text, offset);
            }
            StmtKind::Catch { error, body } => {
                self.names.push(error);
                self.block(body, text, offset);
            }
            StmtKind::If { body, .. }
            | StmtKind::Else { body }
            | StmtKind::Try { body }
            | StmtKind::Otherwise { body } => self.block(body, text, offset),
            StmtKind::Closure {
                moves,
                signature,
                body,
                ..
            } => {
                if *moves {
                    self.peers.clear();
                    self.moves = true;
                }
                let params = signature.params.iter();
                self.names
                    .extend(params.filter_map(|param| param.name.as_ref()));
                self.block(body, text, offset);
            }
            StmtKind::Par(inner) | StmtKind::Co(inner) => self.stmt(inner, text, offset),
            _ => self.passed(stmt),
        }
    }

    /// A statement before the offset: what it defines is visible. Names of an `on` are, too.
    fn passed(&mut self, stmt: &'t Stmt) {
        match &stmt.kind {
            StmtKind::Declare { name, .. } | StmtKind::Closure { name, .. } => {
                self.names.push(name);
            }
            StmtKind::Assign { target, .. } => self.names.push(target),
            StmtKind::Call { targets, .. } => self.names.extend(targets),
            StmtKind::On { body, .. } => body.stmts.iter().for_each(|stmt| self.passed(stmt)),
            StmtKind::Par(inner) | StmtKind::Co(inner) => self.passed(inner),
            _ => {}
        }
    }

    /// Where a step runs that stands there, for people.
    pub fn peer(&self, text: &str) -> String {
        let written = |span: Span| text.get(span.range()).unwrap_or_default();
        let Some(nearest) = self.peers.last() else {
            return String::from(if self.moves {
                "runs where the closure is called"
            } else {
                "runs where the function is called"
            });
        };
        let mut out = format!("runs on `{}`", written(nearest.peer.span));
        for (index, relay) in nearest.via.iter().enumerate() {
            out.push_str(if index == 0 { " via " } else { ", then " });
            out.push_str(&format!("`{}`", written(relay.span)));
        }
        out
    }
}

/// How far the line of an offset is moved to the right; of a blank one, where the offset is.
pub fn indentation(text: &str, offset: u32) -> usize {
    let offset = text.floor_char_boundary((offset as usize).min(text.len()));
    let start = text[..offset].rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let spaces = line.len() - line.trim_start_matches([' ', '\t']).len();
    if spaces == line.len() {
        offset - start
    } else {
        spaces
    }
}
