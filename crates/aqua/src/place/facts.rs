//! What placement has to know of each operation before it walks through them.
//!
//! Operations are numbered in the order of the tree, parents first. A number is
//! also a point of the program: the moment before the operation.

use crate::ir::{FrameId, Op, Program, Value, VarId};

use super::readers::{Readers, readers};

/// The points of the program where something can be read: from the first one
/// up to the second, excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    since: u32,
    until: u32,
}

impl Extent {
    pub(super) const EVERYWHERE: Self = Self {
        since: 0,
        until: u32::MAX,
    };

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            since: self.since.max(other.since),
            until: self.until.min(other.until),
        }
    }

    pub(super) fn has(self, point: u32) -> bool {
        self.since <= point && point < self.until
    }
}

/// The first step of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// A step in that frame.
    Step(FrameId),
    /// The next round of the fold with that item.
    Next(VarId),
}

/// What is known of an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    /// One past its last descendant.
    pub end: u32,
    /// Its first step in the order of the text.
    pub first: Option<First>,
    /// Whether that step is certainly made, and is the only first one.
    pub certain: bool,
    /// Whether there is any step in it.
    pub moves: bool,
    /// Whether it can fail.
    pub fails: bool,
    /// Whether it can be done.
    pub completes: bool,
    /// After the last read of what it writes: the point up to which its results
    /// are wanted.
    pub wanted: u32,
}

/// What is known of a program.
#[derive(Debug)]
pub(super) struct Facts {
    /// By the number of the operation.
    pub of: Vec<Fact>,
    /// By the number of the variable: where it can be read.
    pub extents: Vec<Extent>,
    /// By the number of the variable: which operations write it, if a fold
    /// iterates over it while it grows.
    pub writes: Vec<Vec<u32>>,
    /// Who waits for the results of arms.
    pub readers: Readers,
}

impl Facts {
    /// One pass for reads and writes, one for what depends on them.
    pub(super) fn of(program: &Program) -> Self {
        let mut uses = Uses::new(program);
        uses.visit(&program.body);
        uses.finish_frames(program);
        let mut facts = Self {
            of: Vec::with_capacity(uses.count as usize),
            extents: uses.extents,
            writes: uses.writes,
            readers: Readers::new(),
        };
        let mut never = vec![false; program.variables.len()];
        facts.gather(&program.body, &uses.last_read, &mut never);
        facts.readers = readers(program, &facts.of, &uses.reads);
        facts
    }

    /// The facts of the operation with the next number, after those of what is in it.
    fn gather(&mut self, op: &Op, last_read: &[u32], never: &mut [bool]) -> Fact {
        let index = self.of.len();
        let mut fact = leaf(op, last_read, never);
        self.of.push(fact);
        match op {
            Op::Seq(children) => {
                for child in children {
                    let child = self.gather(child, last_read, never);
                    if fact.first.is_none() {
                        fact.first = child.first;
                        fact.certain = child.certain;
                    }
                    fact.also(child);
                    fact.completes &= child.completes;
                }
            }
            Op::Par(children) => {
                fact.completes = false;
                fact.fails = true;
                fact.certain = true;
                for child in children {
                    let child = self.gather(child, last_read, never);
                    if fact.first.is_none() {
                        fact.first = child.first;
                        fact.certain &= child.certain;
                    } else {
                        fact.certain &= child.first.is_none();
                    }
                    let fails = fact.fails && child.fails;
                    fact.also(child);
                    fact.fails = fails;
                    fact.completes |= child.completes;
                }
                fact.certain &= fact.first.is_some();
            }
            Op::Xor(left, right) => {
                let left = self.gather(left, last_read, never);
                let right = self.gather(right, last_read, never);
                fact.also(left);
                fact.also(right);
                fact.first = left.first.or(right.first);
                fact.certain = left.first.is_some() && left.certain;
                fact.fails = left.fails && right.fails;
                fact.completes = left.completes || right.completes;
            }
            Op::Detach(body) => {
                let body = self.gather(body, last_read, never);
                fact.also(body);
                fact.first = body.first;
                fact.fails = false;
            }
            Op::Match { body, .. } => {
                let body = self.gather(body, last_read, never);
                fact.also(body);
                fact.first = body.first;
                fact.completes = body.completes;
            }
            Op::Fold {
                item,
                body,
                never: is_never,
                ..
            } => {
                never[item.0 as usize] = *is_never;
                let body = self.gather(body, last_read, never);
                fact.also(body);
                fact.first = body.first.filter(|first| *first != First::Next(*item));
                fact.completes = body.completes || !is_never;
            }
            Op::New(_, body) | Op::On { body, .. } => {
                let body = self.gather(body, last_read, never);
                fact.also(body);
                fact.first = body.first;
                fact.certain = body.certain;
                fact.completes = body.completes;
            }
            _ => {}
        }
        fact.end = self.of.len() as u32;
        self.of[index] = fact;
        fact
    }
}

impl Fact {
    fn also(&mut self, child: Self) {
        self.moves |= child.moves;
        self.fails |= child.fails;
        self.wanted = self.wanted.max(child.wanted);
    }
}

/// What is known of an operation without those in it.
fn leaf(op: &Op, last_read: &[u32], never: &[bool]) -> Fact {
    let wanted = |variable: VarId| last_read[variable.0 as usize];
    let mut fact = Fact {
        end: 0,
        first: None,
        certain: false,
        moves: false,
        fails: false,
        completes: true,
        wanted: 0,
    };
    match op {
        Op::Never => fact.completes = false,
        Op::Fail(_) => {
            fact.completes = false;
            fact.fails = true;
        }
        Op::Next(item) => {
            fact.first = Some(First::Next(*item));
            fact.certain = true;
            fact.completes = !never[item.0 as usize];
        }
        Op::Call { frame, output, .. } => {
            fact.step(*frame);
            fact.wanted = output.map_or(0, wanted);
        }
        Op::Canon { frame, target, .. } => {
            fact.step(*frame);
            fact.wanted = wanted(*target);
        }
        Op::Ap { value, target } => {
            fact.fails = can_fail(value);
            fact.wanted = wanted(*target);
        }
        Op::ApMap { key, value, map } => {
            fact.fails = can_fail(key) || can_fail(value) || key.variables().next().is_some();
            fact.wanted = wanted(*map);
        }
        Op::Match { .. } => fact.fails = true,
        Op::Fold { iterable, .. } => fact.fails = can_fail(iterable),
        _ => {}
    }
    fact
}

impl Fact {
    fn step(&mut self, frame: FrameId) {
        self.first = Some(First::Step(frame));
        self.certain = true;
        self.moves = true;
        self.fails = true;
    }
}

/// Whether reading a value can fail: what is not there cannot be selected.
pub(super) fn can_fail(value: &Value) -> bool {
    use crate::ir::Accessor;
    !value.lens.is_empty() && value.lens[..] != [Accessor::Length]
}

/// The first pass: who reads and writes what.
struct Uses<'p> {
    program: &'p Program,
    /// The number of the next operation.
    count: u32,
    /// After the last operation that reads the variable; 0 if none does.
    last_read: Vec<u32>,
    /// The operations that read the variable themselves.
    reads: Vec<Vec<u32>>,
    /// After the last step in the frame.
    last_step: Vec<u32>,
    extents: Vec<Extent>,
    is_written: Vec<bool>,
    is_declared: Vec<bool>,
    /// Streams that folds iterate over.
    writes: Vec<Vec<u32>>,
    /// Bodies of folds and `new`s whose end is not known yet: the variables
    /// that are defined in there.
    inner: Vec<Vec<VarId>>,
}

impl<'p> Uses<'p> {
    fn new(program: &'p Program) -> Self {
        let count = program.variables.len();
        Self {
            program,
            count: 0,
            last_read: vec![0; count],
            reads: vec![Vec::new(); count],
            last_step: vec![0; program.frames.len()],
            extents: vec![Extent::EVERYWHERE; count],
            is_written: vec![false; count],
            is_declared: vec![false; count],
            writes: vec![Vec::new(); count],
            inner: vec![Vec::new()],
        }
    }

    fn visit(&mut self, op: &Op) {
        let index = self.count;
        self.count += 1;
        if let Op::Call { frame, .. } | Op::Canon { frame, .. } = op {
            self.step(*frame, index);
        }
        for value in op.reads() {
            self.read(value, index);
        }
        match op {
            Op::Fold { item, body, .. } => {
                self.inner.push(Vec::new());
                self.define(*item, index);
                self.visit(body);
                self.close();
            }
            Op::New(variables, body) => {
                for variable in variables {
                    self.is_declared[variable.0 as usize] = true;
                }
                self.visit(body);
                for variable in variables {
                    let extent = &mut self.extents[variable.0 as usize];
                    extent.until = extent.until.min(self.count);
                }
            }
            Op::Canon { source, target, .. } => {
                self.read_variable(*source, index);
                self.define(*target, index);
            }
            Op::Call {
                output: Some(variable),
                ..
            }
            | Op::Ap {
                target: variable, ..
            }
            | Op::ApMap { map: variable, .. } => self.define(*variable, index),
            _ => {
                for part in op.parts() {
                    self.visit(part);
                }
            }
        }
    }

    fn read(&mut self, value: &Value, index: u32) {
        for variable in value.variables() {
            self.read_variable(variable, index);
        }
    }

    fn read_variable(&mut self, variable: VarId, index: u32) {
        self.reads[variable.0 as usize].push(index);
        self.want(variable, index + 1);
    }

    fn want(&mut self, variable: VarId, until: u32) {
        let last = &mut self.last_read[variable.0 as usize];
        *last = (*last).max(until);
    }

    fn step(&mut self, frame: FrameId, index: u32) {
        let last = &mut self.last_step[frame.0 as usize];
        *last = (*last).max(index + 1);
    }

    fn define(&mut self, variable: VarId, index: u32) {
        use crate::ir::VarKind;
        let at = variable.0 as usize;
        if matches!(
            self.program.variables[at].kind,
            VarKind::Stream | VarKind::Map
        ) {
            self.writes[at].push(index);
        }
        if !std::mem::replace(&mut self.is_written[at], true) {
            self.extents[at].since = index + 1;
            if !self.is_declared[at] {
                let inner = self.inner.last_mut().expect("the program is around all");
                inner.push(variable);
            }
        }
    }

    /// Ends a fold: what it defines is gone.
    fn close(&mut self) {
        for variable in self.inner.pop().expect("every fold is closed once") {
            self.extents[variable.0 as usize].until = self.count;
        }
    }

    /// The steps in a frame read its variables, and those of the frames around it.
    fn finish_frames(&mut self, program: &Program) {
        for index in (0..program.frames.len()).rev() {
            let last = self.last_step[index];
            let frame = program.frames.get(FrameId(index as u32));
            if let Some(parent) = frame.parent {
                let outer = &mut self.last_step[parent.0 as usize];
                *outer = (*outer).max(last);
            }
            let values = frame.via.iter().map(|via| &via.value);
            for value in values.chain([&frame.peer]) {
                for variable in value.variables() {
                    self.want(variable, last);
                }
            }
        }
    }
}
