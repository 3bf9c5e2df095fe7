//! Streams that are read right after branches began to fill them.

use super::pushes::Pushes;
use super::{Stream, parts};
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Expr, ExprKind, Stmt, StmtKind};
use crate::source::{Place, Span};
use crate::syntax::ForMode;

/// Reports the first use of the stream that does not wait, if nothing that takes time
/// stands between it and branches that have just begun to fill the stream.
pub(super) fn check(stream: &Stream<'_>, pushes: &mut Pushes<'_>, found: &mut Vec<Diagnostic>) {
    let mut reads = Reads {
        stream,
        pushes,
        begun: None,
        found,
    };
    reads.block(&stream.lambda.body);
    let (values, results) = (&stream.lambda.returned, &stream.lambda.results);
    if !values.is_empty() && !results.is_empty() {
        reads.values(values.iter().collect());
    }
}

struct Reads<'s, 'a, 'b> {
    stream: &'s Stream<'s>,
    pushes: &'a mut Pushes<'b>,
    /// The branches that have begun to fill the stream.
    begun: Option<Span>,
    found: &'a mut Vec<Diagnostic>,
}

impl Reads<'_, '_, '_> {
    fn block(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let begins = match &stmt.kind {
            StmtKind::Co(_) | StmtKind::Parseq { .. } => true,
            StmtKind::For { mode, .. } => *mode == ForMode::Par,
            _ => false,
        };
        if begins {
            let takes_time = parts::blocks(stmt).into_iter().flatten().any(takes_time);
            if takes_time && !self.pushes.stmt(stmt, self.stream.local).is_none() {
                self.begun = Some(stmt.span);
            }
            return;
        }
        if self.begun.is_some() {
            let (mut values, call) = parts::values(stmt);
            if let Some(call) = call {
                values.extend(parts::of_call(call));
            }
            self.values(values);
            if call.is_some() {
                self.begun = None;
            }
        }
        match &stmt.kind {
            StmtKind::On(_, body) | StmtKind::Block(body) => self.block(body),
            // what comes after them is not so certain any more
            StmtKind::If(..)
            | StmtKind::Try(..)
            | StmtKind::For { .. }
            | StmtKind::Par(_)
            | StmtKind::Closure(..) => {
                for block in parts::blocks(stmt) {
                    let begun = self.begun;
                    self.block(block);
                    self.begun = begun;
                }
                self.begun = None;
            }
            _ => {}
        }
    }

    /// Values that are computed one after another.
    fn values(&mut self, values: Vec<&Expr>) {
        let Some(begun) = self.begun else { return };
        let mut waits = false;
        let mut calls = false;
        let mut read = None;
        parts::each_value(values, &mut |expr| match &expr.kind {
            ExprKind::Index(base, _) if self.stream.is(base) => waits = true,
            ExprKind::Call(_) => calls = true,
            ExprKind::Local(_) if self.stream.is(expr) && !waits => {
                read = read.or(Some(expr.span));
            }
            _ => {}
        });
        if waits || calls {
            self.begun = None;
            return;
        }
        let Some(read) = read else { return };
        self.begun = None;
        let name = self.stream.name();
        let file = self.stream.function.place.file;
        self.found.push(
            Diagnostic::warning(
                codes::MAYBE_NEVER,
                format!("`{name}` is read before the branches have filled it"),
                file,
                read,
            )
            .label(
                Place { file, span: begun },
                "these branches go on beside what follows",
            )
            .help(format!(
                "wait for as many elements as are needed: `join {name}[…]`"
            )),
        );
    }
}

/// Whether a statement does something on a peer that takes time.
fn takes_time(stmt: &Stmt) -> bool {
    let mut calls = matches!(stmt.kind, StmtKind::On(..) | StmtKind::Call(..));
    parts::each_value_of(stmt, &mut |_| {}, &mut |_| calls = true);
    calls || parts::blocks(stmt).into_iter().flatten().any(takes_time)
}
