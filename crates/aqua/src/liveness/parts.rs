//! What a program consists of, for those who look at some of it.

use crate::hir::{Call, Callee, Expr, ExprKind, Lambda, LocalId, Stmt, StmtKind, Target, Where};
use crate::syntax::CollectionKind;
use crate::types::Ty;

/// The local that the value is.
pub(super) fn local(expr: &Expr) -> Option<LocalId> {
    match expr.kind {
        ExprKind::Local(local) => Some(local),
        _ => None,
    }
}

/// The stream that a statement declares, and how many elements it has then.
pub(super) fn declares(stmt: &Stmt) -> Option<(LocalId, usize)> {
    match &stmt.kind {
        StmtKind::Declare {
            local, map: false, ..
        } => Some((*local, 0)),
        StmtKind::Bind(local, value) => match &value.kind {
            ExprKind::Collection(CollectionKind::Stream, items) => Some((*local, items.len())),
            _ => None,
        },
        _ => None,
    }
}

/// The function or closure, and all closures in it.
pub(super) fn lambdas(lambda: &Lambda) -> Vec<&Lambda> {
    let mut found = vec![lambda];
    let mut next = 0;
    while let Some(lambda) = found.get(next).copied() {
        next += 1;
        each_stmt(&lambda.body, &mut |stmt| {
            if let StmtKind::Closure(_, inner) = &stmt.kind {
                found.push(inner);
            }
        });
    }
    found
}

/// The blocks in a statement, but not those of closures.
pub(super) fn blocks(stmt: &Stmt) -> Vec<&[Stmt]> {
    match &stmt.kind {
        StmtKind::On(_, body)
        | StmtKind::For { body, .. }
        | StmtKind::Parseq { body, .. }
        | StmtKind::Block(body)
        | StmtKind::Par(body) => vec![body],
        StmtKind::If(_, then, otherwise) => {
            let mut blocks = vec![then.as_slice()];
            blocks.extend(otherwise.as_deref());
            blocks
        }
        StmtKind::Try(body, handlers) => {
            let mut blocks = vec![body.as_slice()];
            blocks.extend(handlers.iter().map(|handler| handler.body.as_slice()));
            blocks
        }
        StmtKind::Co(inner) => vec![std::slice::from_ref(inner)],
        _ => Vec::new(),
    }
}

/// Every statement, those in blocks included, but not those of closures.
pub(super) fn each_stmt<'a>(stmts: &'a [Stmt], what: &mut impl FnMut(&'a Stmt)) {
    let mut open: Vec<&Stmt> = stmts.iter().rev().collect();
    while let Some(stmt) = open.pop() {
        what(stmt);
        for block in blocks(stmt).into_iter().rev() {
            open.extend(block.iter().rev());
        }
    }
}

/// The values and the call of a statement itself, not of its blocks.
pub(super) fn values(stmt: &Stmt) -> (Vec<&Expr>, Option<&Call>) {
    match &stmt.kind {
        StmtKind::Bind(_, value)
        | StmtKind::Push(_, value)
        | StmtKind::BindService(_, value)
        | StmtKind::If(value, ..) => (vec![value], None),
        StmtKind::PushPair(_, key, value) => (vec![key, value], None),
        StmtKind::Call(_, call) => (Vec::new(), Some(call)),
        StmtKind::Join(values) => (values.iter().collect(), None),
        StmtKind::On(at, _) => (way(at), None),
        StmtKind::For { iterable, .. } => (vec![iterable], None),
        StmtKind::Parseq { iterable, at, .. } => {
            let mut values = vec![iterable];
            values.extend(way(at));
            (values, None)
        }
        StmtKind::Closure(..)
        | StmtKind::Declare { .. }
        | StmtKind::Try(..)
        | StmtKind::Block(_)
        | StmtKind::Par(_)
        | StmtKind::Co(_) => (Vec::new(), None),
    }
}

fn way(at: &Where) -> Vec<&Expr> {
    std::iter::once(&at.peer).chain(&at.via).collect()
}

/// The values that a call is made of.
pub(super) fn of_call(call: &Call) -> Vec<&Expr> {
    let (Callee::Arrow(callee) | Callee::Map(_, callee)) = &call.callee;
    std::iter::once(callee).chain(&call.args).collect()
}

/// The values that a value is made of.
fn of_value(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Field(base, _)
        | ExprKind::Index(base, None)
        | ExprKind::Length(base)
        | ExprKind::Not(base) => vec![base],
        ExprKind::Index(base, Some(index)) => vec![base, index],
        ExprKind::Binary(_, left, right) => vec![left, right],
        ExprKind::Collection(_, items) => items.iter().collect(),
        ExprKind::Struct(_, fields) | ExprKind::Ability(fields) => {
            fields.iter().map(|(_, value)| value).collect()
        }
        ExprKind::Copy(base, _, fields) => {
            let mut values: Vec<&Expr> = vec![base];
            values.extend(fields.iter().map(|(_, value)| value));
            values
        }
        ExprKind::Call(call) => of_call(call),
        _ => Vec::new(),
    }
}

/// Every value in some values, the parts after the whole.
pub(super) fn each_value<'a>(values: Vec<&'a Expr>, what: &mut impl FnMut(&'a Expr)) {
    let mut open: Vec<&Expr> = values;
    open.reverse();
    while let Some(expr) = open.pop() {
        what(expr);
        let parts = of_value(expr);
        open.extend(parts.into_iter().rev());
    }
}

/// Every value of a statement itself, and its calls.
pub(super) fn each_value_of<'a>(
    stmt: &'a Stmt,
    value: &mut impl FnMut(&'a Expr),
    call: &mut impl FnMut(&'a Call),
) {
    let (mut values, own) = values(stmt);
    if let Some(own) = own {
        call(own);
        values.extend(of_call(own));
    }
    each_value(values, &mut |expr| {
        if let ExprKind::Call(inner) = &expr.kind {
            call(inner);
        }
        value(expr);
    });
}

/// The arguments of a call that are streams and stay the same streams in what is called.
pub(super) fn shared(call: &Call) -> impl Iterator<Item = (usize, LocalId)> {
    let args = call.args.iter().zip(&call.ty.params).enumerate();
    args.filter_map(|(index, (arg, (_, ty)))| {
        let local = local(arg)?;
        matches!(ty, Ty::Stream(_)).then_some((index, local))
    })
}

/// Whether a stream may be filled by what cannot be seen from the function or closure.
pub(super) fn escapes(lambda: &Lambda, stream: LocalId) -> bool {
    let mut escapes = false;
    let is_stream = |expr: &Expr| local(expr) == Some(stream);
    each_stmt(&lambda.body, &mut |stmt| {
        match &stmt.kind {
            StmtKind::Closure(_, inner) => escapes |= inner.captures.contains(&stream),
            StmtKind::Bind(_, value) => escapes |= is_stream(value),
            _ => {}
        }
        let mut value = |expr: &Expr| {
            if let ExprKind::Ability(members) = &expr.kind {
                let mut members = members.iter();
                escapes |= members.any(|(_, value)| is_stream(value));
            }
        };
        each_value_of(stmt, &mut value, &mut |_| {});
        let mut unknown = false;
        each_value_of(stmt, &mut |_| {}, &mut |call| {
            unknown |= shares_with_unknown(call, stream);
        });
        escapes |= unknown;
    });
    let results = lambda.returned.iter().zip(&lambda.results);
    for (value, ty) in results {
        escapes |= is_stream(value) && matches!(ty, Ty::Stream(_) | Ty::Ability(_));
    }
    each_value(
        lambda.returned.iter().collect(),
        &mut |expr| match &expr.kind {
            ExprKind::Ability(members) => {
                escapes |= members.iter().any(|(_, value)| is_stream(value));
            }
            ExprKind::Call(call) => escapes |= shares_with_unknown(call, stream),
            _ => {}
        },
    );
    escapes
}

/// Whether a call of what is no function at top level is given the stream itself.
fn shares_with_unknown(call: &Call, stream: LocalId) -> bool {
    let known = matches!(&call.callee, Callee::Arrow(callee)
        if matches!(callee.kind, ExprKind::Function(_)));
    !known && shared(call).any(|(_, local)| local == stream)
}

/// Whether a statement gives a call's result to the stream.
pub(super) fn receives(targets: &[Target], stream: LocalId) -> usize {
    let pushed = targets.iter();
    pushed
        .filter(|target| **target == Target::Push(stream))
        .count()
}
