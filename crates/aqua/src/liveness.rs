//! Waits that never end, and reads that come too early.
//!
//! For every stream that stays within the function or closure that declares it, this
//! stage counts what can be pushed to it, from below and from above. A wait for an
//! element beyond the upper bound is refused: the program would stand still there. A
//! wait for one beyond the lower bound gets a warning if a single branch decides. What
//! is not certain is left alone: a stream that a closure uses, that gets another name,
//! or that is returned as a stream may be filled in any way.

use crate::check::Bodies;
use crate::diagnostic::Diagnostic;
use crate::hir::{Expr, Function, Lambda, LocalId, Stmt};
use crate::source::Place;
use crate::types::Ty;

mod count;
mod parts;
mod pushes;
mod reads;
mod waits;

use count::Count;
use pushes::Pushes;

/// How many streams of one function are followed; each costs a walk through it.
const STREAMS_MAX: usize = 256;

/// A stream that is followed.
struct Stream<'a> {
    local: LocalId,
    function: &'a Function,
    /// The function or closure that declares it.
    lambda: &'a Lambda,
    /// How many elements it begins with.
    first: Count,
}

impl Stream<'_> {
    fn name(&self) -> &str {
        &self.function.locals[self.local.0 as usize].name
    }

    fn place(&self) -> Place {
        Place {
            file: self.function.place.file,
            span: self.function.locals[self.local.0 as usize].span,
        }
    }

    /// Whether the value is the stream itself.
    fn is(&self, expr: &Expr) -> bool {
        parts::local(expr) == Some(self.local)
    }
}

/// Checks all functions; there must be no errors.
pub(crate) fn check(bodies: &Bodies) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut pushes = Pushes::new(bodies);
    for function in bodies.functions.iter().flatten() {
        for lambda in parts::lambdas(&function.lambda) {
            let streams = declared(function, lambda);
            for stream in streams.into_iter().take(STREAMS_MAX) {
                if parts::escapes(lambda, stream.local) {
                    continue;
                }
                waits::check(&stream, &mut pushes, &mut found);
                reads::check(&stream, &mut pushes, &mut found);
            }
        }
    }
    found
}

/// The streams that a function or closure declares.
fn declared<'a>(function: &'a Function, lambda: &'a Lambda) -> Vec<Stream<'a>> {
    let mut streams = Vec::new();
    parts::each_stmt(&lambda.body, &mut |stmt: &Stmt| {
        if let Some((local, first)) = parts::declares(stmt)
            && matches!(function.locals[local.0 as usize].ty, Ty::Stream(_))
        {
            streams.push(Stream {
                local,
                function,
                lambda,
                first: Count::number(first),
            });
        }
    });
    streams
}
