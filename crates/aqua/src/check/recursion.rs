//! Functions that need themselves: every call is inlined, so there is no recursion.

use crate::diagnostic::{Diagnostic, codes};
use crate::hir::FuncId;
use crate::names::World;
use crate::source::Span;
use hashbrown::HashMap;

/// Reports every function that is called in its own body, by itself or by way of others.
pub(super) fn check(
    world: &World,
    uses: &[HashMap<FuncId, Span>],
    diagnostics: &mut Vec<Diagnostic>,
) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let edges: Vec<Vec<(FuncId, Span)>> = uses
        .iter()
        .map(|uses| {
            let mut edges: Vec<_> = uses.iter().map(|(id, span)| (*id, *span)).collect();
            edges.sort_unstable_by_key(|(_, span)| *span);
            edges
        })
        .collect();
    let mut state = vec![State::New; uses.len()];
    for root in 0..uses.len() {
        if state[root] != State::New {
            continue;
        }
        state[root] = State::Open;
        let mut stack = vec![(root, 0)];
        while let Some((func, next)) = stack.last_mut() {
            let current = *func;
            let Some((target, span)) = edges[current].get(*next).copied() else {
                state[current] = State::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            let target = target.0 as usize;
            match state[target] {
                State::Done => {}
                State::New => {
                    state[target] = State::Open;
                    stack.push((target, 0));
                }
                State::Open => {
                    let start = stack
                        .iter()
                        .position(|(func, _)| *func == target)
                        .unwrap_or_default();
                    let name = |func: usize| {
                        let id = FuncId(u32::try_from(func).expect("functions are counted"));
                        world.func(id).name.as_str()
                    };
                    let mut path: Vec<&str> =
                        stack[start..].iter().map(|(func, _)| name(*func)).collect();
                    path.push(name(target));
                    let here = FuncId(u32::try_from(current).expect("functions are counted"));
                    let mut problem =
                        Diagnostic::error(
                            codes::RECURSION,
                            format!("`{}` calls itself", name(target)),
                            world.func(here).place.file,
                            span,
                        )
                        .note("a call is replaced by the body of the function, so that a script is one expression")
                        .help("push what is left to do to a stream, and iterate over it with `for … rec`");
                    if path.len() > 2 {
                        problem = problem.note(path.join(" → "));
                    }
                    diagnostics.push(problem);
                }
            }
        }
    }
}
