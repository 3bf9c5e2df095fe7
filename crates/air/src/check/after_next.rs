//! In a fold over a stream or stream map nothing may follow `next`: elements
//! that come later would have to run what is after it in the middle of what
//! has run already.
//!
//! Each subtree has a *tail*: the `next`s that are the last thing it does. A
//! `seq` or `par` whose left side has a tail follows it with something. As the
//! language has it, a fold over a list has no tail, nor has the LAST of any fold.

use crate::ast::{Instruction, NameId, NodeId, Operand, VariableKind};
use crate::diagnostic::{Diagnostic, codes, quoted};
use crate::script::Script;

use super::{Findings, locate};

/// The `next`s at the end of a subtree. More than one only by branches of `xor`.
type Tail = Vec<(NameId, NodeId)>;

pub(super) fn check(script: &Script, findings: &mut Findings) {
    // Descendants have higher numbers: backwards, the tails of an instruction's
    // children lie on the stack, the first child on top.
    let mut tails: Vec<Tail> = Vec::new();
    let mut followed: Vec<Option<(NodeId, NodeId)>> = vec![None; script.names_count()];
    for id in (0..script.nodes().len() as u32).rev().map(NodeId) {
        let instruction = &script.node(id).instruction;
        let mut child = || tails.pop().unwrap_or_default();
        let tail = match instruction {
            Instruction::Next { iterator } => vec![(iterator.name, id)],
            Instruction::New { .. } | Instruction::Match { .. } | Instruction::Mismatch { .. } => {
                child()
            }
            Instruction::Xor { .. } => union(child(), child()),
            Instruction::Seq {
                right: follower, ..
            }
            | Instruction::Par {
                right: follower, ..
            } => {
                let (left, right) = (child(), child());
                if left.is_empty() {
                    right
                } else {
                    for (iterator, next) in left {
                        followed[iterator.index()] = Some((next, *follower));
                    }
                    Tail::new()
                }
            }
            Instruction::Fold {
                iterable,
                iterator,
                last,
                ..
            } => {
                let mut body = child();
                if last.is_some() {
                    child();
                }
                let followed = followed[iterator.name.index()].take();
                if appends_while_iterating(iterable) {
                    if let Some((next, follower)) = followed {
                        findings.error(|| error(script, id, next, follower));
                    }
                    body.retain(|(name, _)| *name != iterator.name);
                    body
                } else {
                    Tail::new()
                }
            }
            _ => Tail::new(),
        };
        tails.push(tail);
    }
}

/// Joins two tails; the larger one is kept, so that nested branches stay cheap.
fn union(first: Tail, second: Tail) -> Tail {
    let (mut large, small) = if first.len() < second.len() {
        (second, first)
    } else {
        (first, second)
    };
    large.extend(small);
    large
}

fn appends_while_iterating(iterable: &Operand) -> bool {
    let Operand::Variable { variable, .. } = iterable else {
        return false;
    };
    matches!(
        variable.kind,
        VariableKind::Stream | VariableKind::StreamMap
    )
}

fn error(script: &Script, fold: NodeId, next: NodeId, follower: NodeId) -> Diagnostic {
    let text = crate::print::instruction_text(script, next);
    let what = match &script.node(fold).instruction {
        Instruction::Fold {
            iterable: Operand::Variable { variable, .. },
            ..
        } => quoted(script.name(*variable)),
        _ => "a stream".to_owned(),
    };
    Diagnostic::error(
        codes::AFTER_NEXT,
        format!("nothing can follow {} in a fold over {what}", quoted(&text)),
        script.node(next).span,
    )
    .label(locate::head(script, follower), "this follows it")
    .label(locate::head(script, fold), "the fold")
    .help("do everything else before, or freeze the stream with `canon` and fold over the canon")
}
