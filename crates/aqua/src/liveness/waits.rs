//! Waits for elements that are never pushed.

use super::count::Count;
use super::pushes::{Pushed, Pushes};
use super::{Stream, parts};
use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::hir::{Expr, ExprKind, Stmt, StmtKind};
use crate::source::Place;
use crate::syntax::ForMode;

/// Where a wait stands.
#[derive(Clone, Copy)]
struct Around {
    /// Something else goes on beside it.
    beside: bool,
    /// It is not certain that it is come by.
    perhaps: bool,
}

/// Reports waits for elements of the stream that never come, or only if a branch is taken.
pub(super) fn check(stream: &Stream<'_>, pushes: &mut Pushes<'_>, found: &mut Vec<Diagnostic>) {
    let first = Pushed {
        least: stream.first.known().map_or(0, i64::unsigned_abs),
        most: stream.first.clone(),
        branches: Vec::new(),
    };
    let mut waits = Waits {
        stream,
        pushes,
        found,
        is_reported: false,
    };
    let around = Around {
        beside: false,
        perhaps: false,
    };
    let lambda = stream.lambda;
    waits.block(&lambda.body, &first, around);
    let mut before = first.then(&waits.pushes.block(&lambda.body, stream.local));
    for value in &lambda.returned {
        before = before.then(&waits.pushes.value(value, stream.local));
    }
    waits.values(lambda.returned.iter().collect(), &before, around);
}

struct Waits<'s, 'a, 'b> {
    stream: &'s Stream<'s>,
    pushes: &'a mut Pushes<'b>,
    found: &'a mut Vec<Diagnostic>,
    /// Whatever comes after a wait that never ends is not reached.
    is_reported: bool,
}

impl Waits<'_, '_, '_> {
    /// Looks at a block; `before` is what is pushed before it or beside it.
    fn block(&mut self, stmts: &[Stmt], before: &Pushed, around: Around) {
        let stream = self.stream.local;
        let all: Vec<Pushed> = stmts
            .iter()
            .map(|stmt| self.pushes.stmt(stmt, stream))
            .collect();
        // what follows something that goes on beside it may come in time
        let mut after = vec![Pushed::none(); stmts.len() + 1];
        for index in (0..stmts.len()).rev() {
            after[index] = all[index].clone().then(&after[index + 1]);
        }
        let mut before = before.clone();
        for (index, stmt) in stmts.iter().enumerate() {
            let available = if goes_on(stmt) {
                before.clone().then(&after[index + 1])
            } else {
                before.clone()
            };
            self.stmt(stmt, &available, around);
            before = before.then(&all[index]);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, before: &Pushed, around: Around) {
        let stream = self.stream.local;
        let available = before.clone().then(&self.pushes.own(stmt, stream));
        let (mut values, call) = parts::values(stmt);
        if let Some(call) = call {
            values.extend(parts::of_call(call));
            // the result comes after what the call waits for
            self.values(values, before, around);
        } else {
            self.values(values, &available, around);
        }
        let beside = Around {
            beside: true,
            ..around
        };
        let perhaps = Around {
            perhaps: true,
            ..around
        };
        match &stmt.kind {
            StmtKind::If(_, then, otherwise) => {
                self.block(then, before, perhaps);
                self.block(otherwise.as_deref().unwrap_or_default(), before, perhaps);
            }
            StmtKind::Try(body, handlers) => {
                self.block(body, before, around);
                let failed = before.clone().then(&self.pushes.block(body, stream));
                for handler in handlers {
                    self.block(&handler.body, &failed, perhaps);
                }
            }
            StmtKind::For { body, mode, .. } => {
                let rounds = before.clone().then(&self.pushes.stmt(stmt, stream));
                let around = match mode {
                    ForMode::Par | ForMode::Rec => beside,
                    ForMode::Seq | ForMode::Try => perhaps,
                };
                self.block(body, &rounds, around);
            }
            StmtKind::Parseq { body, .. } => {
                let rounds = before.clone().then(&self.pushes.stmt(stmt, stream));
                self.block(body, &rounds, beside);
            }
            StmtKind::Par(arms) => {
                let all = before.clone().then(&self.pushes.block(arms, stream));
                for arm in arms {
                    self.stmt(arm, &all, beside);
                }
            }
            StmtKind::Co(inner) => self.stmt(inner, before, beside),
            StmtKind::On(_, body) | StmtKind::Block(body) => self.block(body, before, around),
            _ => {}
        }
    }

    fn values(&mut self, values: Vec<&Expr>, before: &Pushed, around: Around) {
        let mut waits = Vec::new();
        parts::each_value(values, &mut |expr| {
            if let ExprKind::Index(base, index) = &expr.kind
                && self.stream.is(base)
            {
                waits.push((expr, index.as_deref()));
            }
        });
        for (expr, index) in waits {
            let index = match index {
                None => Some(Count::number(0)),
                Some(index) => Count::of(index),
            };
            if let Some(index) = index {
                self.wait(expr, &index, before, around);
            }
        }
    }

    fn wait(&mut self, expr: &Expr, index: &Count, before: &Pushed, around: Around) {
        if self.is_reported {
            return;
        }
        let needed = index.plus(&Count::number(1));
        if before.most.is_less(&needed) {
            // a branch that only waits lets another one decide when the program goes on
            if !around.beside || !before.is_none() {
                self.is_reported = true;
                let problem = self.never(expr, index, before, around);
                self.found.push(problem);
            }
            return;
        }
        let enough = needed
            .known()
            .and_then(|needed| u64::try_from(needed).ok())
            .is_none_or(|needed| needed <= before.least);
        if let ([branch], false, false, false) = (
            before.branches.as_slice(),
            enough,
            around.beside,
            around.perhaps,
        ) {
            self.is_reported = true;
            let name = self.stream.name();
            let file = self.stream.function.place.file;
            let place = Place {
                file,
                span: *branch,
            };
            let problem = Diagnostic::warning(
                codes::MAYBE_NEVER,
                format!("this waits for ever if the branch that pushes to `{name}` is not taken"),
                file,
                expr.span,
            )
            .label(place, "what is pushed depends on this")
            .help("push a value in each branch and in what handles a failure");
            self.found.push(problem);
        }
    }

    fn never(&self, expr: &Expr, index: &Count, before: &Pushed, around: Around) -> Diagnostic {
        let name = self.stream.name();
        let message = match (before.most.known(), index.known()) {
            (Some(0), _) => {
                format!("this waits for ever: nothing is pushed to `{name}` until then")
            }
            (Some(most), Some(index)) => format!(
                "this waits for ever: it needs {} of `{name}`, which gets {most} at most",
                count(index.saturating_add(1))
            ),
            _ => format!("this waits for ever: `{name}` never gets so many elements"),
        };
        let mut problem = Diagnostic::error(
            codes::NEVER_ENDS,
            message,
            self.stream.function.place.file,
            expr.span,
        )
        .label(self.stream.place(), "the stream is declared here");
        if around.beside {
            problem.severity = Severity::Warning;
            problem = problem.note("only this branch stops here; what runs beside it goes on");
        }
        problem = match before.most.known() {
            _ if before.most != *index || before.is_none() => {
                problem.help("push more before, or wait for fewer")
            }
            Some(most) => problem.help(format!(
                "elements are counted from 0: the last one is `{name}[{}]`",
                most.saturating_sub(1)
            )),
            None => problem.help("elements are counted from 0: subtract 1 for the last one"),
        };
        problem
    }
}

/// Whether what follows a statement begins before it has ended.
fn goes_on(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Co(_) | StmtKind::Par(_) | StmtKind::Parseq { .. } => true,
        StmtKind::For { mode, .. } => matches!(mode, ForMode::Par | ForMode::Rec),
        _ => parts::blocks(stmt).into_iter().flatten().any(goes_on),
    }
}

fn count(elements: i64) -> String {
    match elements {
        1 => String::from("1 element"),
        n => format!("{n} elements"),
    }
}
