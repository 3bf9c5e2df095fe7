//! Who waits for the results of what runs beside it.
//!
//! A step waits for its arguments on its own peer, so what an arm finds out has
//! to be told there.

use hashbrown::{HashMap, HashSet};

use crate::ir::{FrameId, Op, Program, VarId, VarKind};

use super::facts::{Fact, First};

/// For arms of `par`: where later arms wait for their results. For what is
/// detached: where the rest of the program does. By the number of the arm.
pub(super) type Readers = HashMap<u32, Vec<FrameId>>;

/// `reads` are the operations that read a variable, by the number of the variable.
pub(super) fn readers(program: &Program, facts: &[Fact], reads: &[Vec<u32>]) -> Readers {
    let mut before = Vec::with_capacity(facts.len());
    let mut last = None;
    let mut steps = vec![None; facts.len()];
    mark_steps(&program.body, &mut 0, &mut steps);
    for (index, step) in steps.iter().enumerate() {
        before.push(last);
        last = step.map(|frame| (index as u32, frame)).or(last);
    }
    let mut search = Search {
        program,
        facts,
        reads,
        steps,
        before,
        arms: Vec::new(),
        done: HashSet::new(),
        found: HashMap::new(),
    };
    if reads.iter().any(|reads| !reads.is_empty()) {
        search.visit(&program.body, 0);
    }
    search.found
}

/// Notes the frames of steps by the numbers of the operations.
fn mark_steps(op: &Op, index: &mut usize, steps: &mut [Option<FrameId>]) {
    if let Op::Call { frame, .. } | Op::Canon { frame, .. } = op {
        steps[*index] = Some(*frame);
    }
    *index += 1;
    for part in op.parts() {
        mark_steps(part, index, steps);
    }
}

/// What runs beside something.
#[derive(Clone, Copy)]
struct Arm {
    index: u32,
    /// Who waits for it stands from there
    from: u32,
    /// up to there.
    to: u32,
}

struct Search<'a> {
    program: &'a Program,
    facts: &'a [Fact],
    reads: &'a [Vec<u32>],
    /// The frame of each operation that is a step.
    steps: Vec<Option<FrameId>>,
    /// The last step before each operation, and its frame.
    before: Vec<Option<(u32, FrameId)>>,
    /// The arms around the operation.
    arms: Vec<Arm>,
    /// The variables that each arm writes, as far as they were looked up.
    done: HashSet<(u32, VarId)>,
    found: Readers,
}

impl Search<'_> {
    fn visit(&mut self, op: &Op, index: u32) {
        match op {
            Op::Seq(children) => self.visit_all(children, index),
            Op::Par(children) => {
                let to = self.facts[index as usize].end;
                let mut next = index + 1;
                for child in children {
                    self.visit_arm(child, next, to);
                    next = self.facts[next as usize].end;
                }
            }
            Op::Detach(body) => self.visit_arm(body, index + 1, u32::MAX),
            Op::Xor(left, right) => {
                self.visit(left, index + 1);
                self.visit(right, self.facts[index as usize + 1].end);
            }
            Op::Match { body, .. }
            | Op::Fold { body, .. }
            | Op::New(_, body)
            | Op::On { body, .. } => self.visit(body, index + 1),
            Op::Call {
                output: Some(variable),
                ..
            }
            | Op::Canon {
                target: variable, ..
            }
            | Op::Ap {
                target: variable, ..
            }
            | Op::ApMap { map: variable, .. } => self.find(*variable),
            _ => {}
        }
    }

    fn visit_all(&mut self, children: &[Op], index: u32) {
        let mut next = index + 1;
        for child in children {
            self.visit(child, next);
            next = self.facts[next as usize].end;
        }
    }

    fn visit_arm(&mut self, arm: &Op, index: u32, to: u32) {
        let from = self.facts[index as usize].end;
        self.arms.push(Arm { index, from, to });
        self.visit(arm, index);
        self.arms.pop();
    }

    /// Notes who waits for a variable that is written here: all later arms, or
    /// the first one in the rest of the program.
    fn find(&mut self, variable: VarId) {
        let reads = &self.reads[variable.0 as usize];
        for arm in self.arms.iter().rev() {
            if !self.done.insert((arm.index, variable)) {
                // So it is for all arms around.
                return;
            }
            let first = reads.partition_point(|read| *read < arm.from);
            let count = if arm.to == u32::MAX { 1 } else { usize::MAX };
            let waiting = reads[first..].iter().take(count);
            for read in waiting.take_while(|read| **read < arm.to) {
                let place = self.place(variable, *read, arm.from);
                let places = self.found.entry(arm.index).or_default();
                if let Some(place) = place
                    && !places.contains(&place)
                {
                    places.push(place);
                }
            }
        }
    }

    /// Where the operation waits: a step on its peer, anything else where the
    /// step before it was made.
    fn place(&self, variable: VarId, read: u32, from: u32) -> Option<FrameId> {
        let index = read as usize;
        let is_collection = matches!(
            self.program.variables[variable.0 as usize].kind,
            VarKind::Stream | VarKind::Map
        );
        match self.facts[index].first {
            // Nobody waits for a collection but who looks into it again and again.
            Some(First::Step(frame)) if is_collection => Some(frame),
            _ => self.steps[index].or(self.before[index]
                .filter(|(step, _)| *step >= from)
                .map(|(_, frame)| frame)),
        }
    }
}
