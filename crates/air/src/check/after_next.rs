//! In a fold over a stream or stream map nothing may follow `next`: elements
//! that come later would have to run what is after it in the middle of what
//! has run already.
//!
//! Each subtree has a *tail*: the `next`s that are the last thing it does. A
//! `seq` or `par` whose left side has a tail follows it with something. As the
//! language has it, a fold over a list has no tail, nor has the LAST of any fold.

use crate::ast::{Instruction, NodeId, Operand, VariableKind};
use crate::diagnostic::{Diagnostic, codes, quoted};
use crate::script::Script;

use super::{Findings, locate};

pub(super) fn check(script: &Script, findings: &mut Findings) {
    let mut walk = Walk::new(script);
    for id in (0..script.nodes().len() as u32).rev().map(NodeId) {
        walk.leave(id, findings);
    }
}

/// A fold, by its number among the folds in text order.
type FoldNumber = u32;

/// What is known of a fold while its subtree is walked.
#[derive(Debug, Clone, Default)]
struct Fold {
    /// How many of its `next`s stand in some tail.
    in_tails: usize,
    /// A `next` of it, and what follows that.
    followed: Option<(NodeId, NodeId)>,
}

/// The `next`s at the end of a subtree. More than one only by branches of `xor`.
///
/// What a closed fold leaves in `entries` is not searched for but forgotten
/// together with the rest: nested folds would go through the same tail again
/// and again.
#[derive(Debug, Default)]
struct Tail {
    entries: Vec<(FoldNumber, NodeId)>,
    /// How many of the entries belong to folds around the subtree.
    live: usize,
}

impl Tail {
    /// Joins two tails; the larger one is kept, so that nested branches stay cheap.
    fn joined(self, other: Self) -> Self {
        let (mut large, small) = if self.entries.len() < other.entries.len() {
            (other, self)
        } else {
            (self, other)
        };
        large.entries.extend(small.entries);
        large.live += small.live;
        large
    }
}

/// The walk from the last instruction to the first. Each entry is written once
/// and dropped once, so it is linear but for the joins.
struct Walk<'s> {
    script: &'s Script,
    /// The fold of each `next` in text order that this walk has not met yet.
    owners: Vec<Option<FoldNumber>>,
    /// The folds whose instruction this walk has not met yet, in text order.
    folds: Vec<Fold>,
    /// Descendants have higher numbers: the tails of an instruction's children
    /// lie on top, the first child above the second.
    tails: Vec<Tail>,
}

impl<'s> Walk<'s> {
    fn new(script: &'s Script) -> Self {
        let (owners, count) = owners(script);
        Self {
            script,
            owners,
            folds: vec![Fold::default(); count],
            tails: Vec::new(),
        }
    }

    fn leave(&mut self, id: NodeId, findings: &mut Findings) {
        let tail = match &self.script.node(id).instruction {
            Instruction::Next { .. } => self.next(id),
            Instruction::New { .. } | Instruction::Match { .. } | Instruction::Mismatch { .. } => {
                self.child()
            }
            Instruction::Xor { .. } => {
                let first = self.child();
                first.joined(self.child())
            }
            Instruction::Seq { right, .. } | Instruction::Par { right, .. } => {
                let left = self.child();
                if left.live == 0 {
                    self.child()
                } else {
                    self.drop_tail(left, Some(*right));
                    let right = self.child();
                    self.drop_tail(right, None);
                    Tail::default()
                }
            }
            Instruction::Fold { iterable, last, .. } => {
                let body = self.child();
                if last.is_some() {
                    let last = self.child();
                    self.drop_tail(last, None);
                }
                self.fold(id, appends_while_iterating(iterable), body, findings)
            }
            _ => Tail::default(),
        };
        self.tails.push(tail);
    }

    fn child(&mut self) -> Tail {
        self.tails.pop().unwrap_or_default()
    }

    fn next(&mut self, id: NodeId) -> Tail {
        let Some(owner) = self.owners.pop().flatten() else {
            return Tail::default();
        };
        self.folds[owner as usize].in_tails += 1;
        Tail {
            entries: vec![(owner, id)],
            live: 1,
        }
    }

    /// Ends a tail, because it does not matter or because `follower` comes after it.
    fn drop_tail(&mut self, tail: Tail, follower: Option<NodeId>) {
        for (owner, next) in tail.entries {
            // Folds inside the subtree are closed and no longer there.
            let Some(fold) = self.folds.get_mut(owner as usize) else {
                continue;
            };
            fold.in_tails -= 1;
            if let Some(follower) = follower {
                fold.followed = Some((next, follower));
            }
        }
    }

    /// Closes a fold. Its `next`s are in no tail but that of its body.
    fn fold(&mut self, id: NodeId, appends: bool, mut body: Tail, findings: &mut Findings) -> Tail {
        let own = self.folds.pop().unwrap_or_default();
        if !appends {
            self.drop_tail(body, None);
            return Tail::default();
        }
        if let Some((next, follower)) = own.followed {
            findings.error(|| error(self.script, id, next, follower));
        }
        body.live -= own.in_tails;
        if body.live == 0 {
            return Tail::default();
        }
        body
    }
}

/// The fold of each `next` in text order, and the number of folds. A `next`
/// outside of its fold has none; that is reported elsewhere.
fn owners(script: &Script) -> (Vec<Option<FoldNumber>>, usize) {
    let mut owners = Vec::new();
    let mut count = 0;
    let mut innermost: Vec<Option<FoldNumber>> = vec![None; script.names_count()];
    // The folds around the instruction: where they end, their iterators, and
    // which fold iterated with that name before.
    let mut open: Vec<(NodeId, usize, Option<FoldNumber>)> = Vec::new();
    for (id, node) in (0..).map(NodeId).zip(script.nodes()) {
        while let Some((_, name, outer)) = open.pop_if(|(end, ..)| *end <= id) {
            innermost[name] = outer;
        }
        match &node.instruction {
            Instruction::Fold { iterator, .. } => {
                let name = iterator.name.index();
                open.push((node.end, name, innermost[name].replace(count)));
                count += 1;
            }
            Instruction::Next { iterator } => owners.push(innermost[iterator.name.index()]),
            _ => {}
        }
    }
    (owners, count as usize)
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
