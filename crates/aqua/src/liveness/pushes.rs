//! How many elements a part of a program pushes to a stream.

use super::count::Count;
use super::parts;
use crate::check::Bodies;
use crate::hir::{Call, Callee, Expr, ExprKind, FuncId, LocalId, Stmt, StmtKind};
use crate::source::Span;
use crate::syntax::ForMode;
use crate::types::Ty;
use hashbrown::HashMap;

/// How deep calls of functions are followed; deeper ones may push anything.
const CALLS_MAX: usize = 32;

/// What a part of a program pushes.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    /// At least so many if no branch is left out and nothing fails outside of a `try`;
    /// loops are taken to run often enough.
    pub least: u64,
    /// At most so many.
    pub most: Count,
    /// The branches that decide how many, if there are any.
    pub branches: Vec<Span>,
}

impl Pushed {
    pub fn none() -> Self {
        Self::exactly(0)
    }

    fn exactly(number: usize) -> Self {
        Self {
            least: number as u64,
            most: Count::number(number),
            branches: Vec::new(),
        }
    }

    /// What cannot be said.
    fn anything() -> Self {
        Self {
            least: u64::MAX,
            most: Count::Infinite,
            branches: Vec::new(),
        }
    }

    pub fn then(mut self, other: &Self) -> Self {
        self.least = self.least.saturating_add(other.least);
        self.most = self.most.plus(&other.most);
        self.branches.extend(&other.branches);
        self
    }

    /// One of the two, which `place` decides.
    fn or(self, other: &Self, place: Span) -> Self {
        let certain = self.branches.is_empty()
            && other.branches.is_empty()
            && self.least == other.least
            && self.most == other.most;
        Self {
            least: self.least.min(other.least),
            most: self.most.either(&other.most),
            branches: if certain { Vec::new() } else { vec![place] },
        }
    }

    /// Again and again, so often. Which branch is taken may differ each time.
    fn times(self, rounds: &Count) -> Self {
        Self {
            least: if self.is_none() { 0 } else { u64::MAX },
            most: self.most.times(rounds),
            branches: Vec::new(),
        }
    }

    pub fn is_none(&self) -> bool {
        self.most.is_zero()
    }
}

/// Counts, and remembers what functions push to their arguments.
pub(super) struct Pushes<'a> {
    bodies: &'a Bodies,
    known: HashMap<(FuncId, usize), Pushed>,
    depth: usize,
}

impl<'a> Pushes<'a> {
    pub fn new(bodies: &'a Bodies) -> Self {
        Self {
            bodies,
            known: HashMap::new(),
            depth: 0,
        }
    }

    pub fn block(&mut self, stmts: &[Stmt], stream: LocalId) -> Pushed {
        stmts.iter().fold(Pushed::none(), |pushed, stmt| {
            pushed.then(&self.stmt(stmt, stream))
        })
    }

    pub fn stmt(&mut self, stmt: &Stmt, stream: LocalId) -> Pushed {
        let own = self.own(stmt, stream);
        let inner = match &stmt.kind {
            StmtKind::If(_, then, otherwise) => {
                let then = self.block(then, stream);
                let otherwise = self.block(otherwise.as_deref().unwrap_or_default(), stream);
                then.or(&otherwise, stmt.span)
            }
            StmtKind::Try(body, handlers) => {
                let certain = body.iter().take_while(|stmt| !may_fail(stmt));
                let before = certain.fold(Pushed::none(), |pushed, stmt| {
                    pushed.then(&self.stmt(stmt, stream))
                });
                let whole = self.block(body, stream);
                let failed = handlers.iter().fold(before, |pushed, handler| {
                    pushed.then(&self.block(&handler.body, stream))
                });
                let most = handlers.iter().fold(whole.most.clone(), |most, handler| {
                    most.plus(&self.block(&handler.body, stream).most)
                });
                let certain = whole.least <= failed.least && failed.branches.is_empty();
                Pushed {
                    least: whole.least.min(failed.least),
                    most,
                    branches: if certain {
                        whole.branches
                    } else {
                        vec![stmt.span]
                    },
                }
            }
            StmtKind::For {
                iterable,
                mode,
                body,
                ..
            } => self.rounds(iterable, *mode, body, stream),
            StmtKind::Parseq { iterable, body, .. } => {
                self.rounds(iterable, ForMode::Par, body, stream)
            }
            _ => parts::blocks(stmt)
                .into_iter()
                .fold(Pushed::none(), |pushed, block| {
                    pushed.then(&self.block(block, stream))
                }),
        };
        own.then(&inner)
    }

    fn rounds(&mut self, iterable: &Expr, mode: ForMode, body: &[Stmt], stream: LocalId) -> Pushed {
        let pushed = self.block(body, stream);
        let mut is_fresh = false;
        parts::each_stmt(body, &mut |stmt| {
            is_fresh |= parts::declares(stmt).is_some_and(|(local, _)| local == stream);
        });
        if is_fresh || pushed.is_none() {
            return pushed;
        }
        let rounds = match (&iterable.kind, &iterable.ty) {
            _ if mode == ForMode::Rec => Count::Infinite,
            (ExprKind::Collection(_, items), _) => Count::number(items.len()),
            (_, Ty::Option(_)) => Count::number(1),
            (ExprKind::Local(local), Ty::Array(_)) => {
                Count::Finite(0, HashMap::from([(*local, 1)]))
            }
            _ => Count::Infinite,
        };
        pushed.times(&rounds)
    }

    /// What the statement itself pushes, without its blocks.
    pub fn own(&mut self, stmt: &Stmt, stream: LocalId) -> Pushed {
        let direct = match &stmt.kind {
            StmtKind::Push(local, _) => usize::from(*local == stream),
            StmtKind::Call(targets, _) => parts::receives(targets, stream),
            _ => 0,
        };
        let mut calls: Vec<&Call> = Vec::new();
        parts::each_value_of(stmt, &mut |_| {}, &mut |call| calls.push(call));
        self.calls(&calls, stream).then(&Pushed::exactly(direct))
    }

    /// What computing a value pushes.
    pub fn value(&mut self, value: &Expr, stream: LocalId) -> Pushed {
        let mut calls: Vec<&Call> = Vec::new();
        parts::each_value(vec![value], &mut |expr| {
            if let ExprKind::Call(call) = &expr.kind {
                calls.push(call);
            }
        });
        self.calls(&calls, stream)
    }

    fn calls(&mut self, calls: &[&Call], stream: LocalId) -> Pushed {
        let mut pushed = Pushed::none();
        for call in calls {
            for (index, local) in parts::shared(call) {
                if local != stream {
                    continue;
                }
                pushed = pushed.then(&match &call.callee {
                    Callee::Arrow(Expr {
                        kind: ExprKind::Function(func),
                        ..
                    }) => self.function(*func, index),
                    _ => Pushed::anything(),
                });
            }
        }
        pushed
    }

    /// What a function pushes to a stream that is given to it.
    fn function(&mut self, func: FuncId, param: usize) -> Pushed {
        if let Some(known) = self.known.get(&(func, param)) {
            return known.clone();
        }
        let Some(function) = self.bodies.functions[func.0 as usize].clone() else {
            return Pushed::anything();
        };
        let lambda = &function.lambda;
        let Some(stream) = lambda.params.get(param).copied() else {
            return Pushed::anything();
        };
        let pushed = if self.depth >= CALLS_MAX || parts::escapes(lambda, stream) {
            Pushed::anything()
        } else {
            self.depth += 1;
            let mut pushed = self.block(&lambda.body, stream);
            for value in &lambda.returned {
                pushed = pushed.then(&self.value(value, stream));
            }
            self.depth -= 1;
            // the arrays of the function mean nothing to its callers, and neither do its branches
            if pushed.most.known().is_none() || !pushed.branches.is_empty() {
                pushed.most = Count::Infinite;
                pushed.least = u64::MAX;
            }
            pushed.branches.clear();
            pushed
        };
        self.known.insert((func, param), pushed.clone());
        pushed
    }
}

/// Whether a statement may raise an error.
fn may_fail(stmt: &Stmt) -> bool {
    !matches!(stmt.kind, StmtKind::Declare { .. } | StmtKind::Closure(..))
        && match &stmt.kind {
            StmtKind::Push(_, value) | StmtKind::Bind(_, value) => !matches!(
                value.kind,
                ExprKind::Literal(_) | ExprKind::Local(_) | ExprKind::Builtin(_)
            ),
            _ => true,
        }
}
