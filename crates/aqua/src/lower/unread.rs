//! Results and copies of errors that nothing reads, which a script need not keep.

use crate::ir::{Base, Op, Program, Value, VarId, VarKind};

/// Forgets them.
pub(super) fn forget_unread(program: &mut Program) {
    let mut unread = Unread(vec![true; program.variables.len()]);
    for (variable, about) in program.variables.iter().enumerate() {
        unread.0[variable] = about.kind == VarKind::Scalar;
    }
    for frame in 0..program.frames.len() {
        let frame = program.frames.get(crate::ir::FrameId(frame as u32));
        unread.read(&frame.peer);
        for via in &frame.via {
            unread.read(&via.value);
        }
    }
    unread.visit(&program.body);
    unread.prune(&mut program.body);
}

/// By the number of the variable.
struct Unread(Vec<bool>);

impl Unread {
    fn read(&mut self, value: &Value) {
        for VarId(variable) in value.variables() {
            self.0[variable as usize] = false;
        }
    }

    fn visit(&mut self, op: &Op) {
        match op {
            Op::Seq(children) | Op::Par(children) => {
                for child in children {
                    self.visit(child);
                }
            }
            Op::Xor(left, right) => {
                self.visit(left);
                self.visit(right);
            }
            Op::Detach(body) | Op::On { body, .. } | Op::New(_, body) => self.visit(body),
            Op::Match {
                left, right, body, ..
            } => {
                self.read(left);
                self.read(right);
                self.visit(body);
            }
            Op::Fold { iterable, body, .. } => {
                self.read(iterable);
                self.visit(body);
            }
            Op::Call {
                service,
                function,
                args,
                ..
            } => {
                self.read(service);
                self.read(function);
                for argument in args {
                    self.read(argument);
                }
            }
            Op::Ap { value, .. } | Op::Fail(value) | Op::Hop(value) => self.read(value),
            Op::HopEach { peers, .. } => self.read(peers),
            Op::ApMap { key, value, .. } => {
                self.read(key);
                self.read(value);
            }
            Op::Canon { .. } | Op::Null | Op::Never | Op::Next(_) => {}
        }
    }

    fn prune(&self, op: &mut Op) {
        match op {
            Op::Seq(children) => {
                children.retain(|child| !self.is_needless(child));
                for child in children.iter_mut() {
                    self.prune(child);
                }
                if let [_] = children[..] {
                    *op = children.remove(0);
                }
            }
            Op::Par(children) => {
                for child in children {
                    self.prune(child);
                }
            }
            Op::Xor(left, right) => {
                self.prune(left);
                self.prune(right);
            }
            Op::Detach(body)
            | Op::On { body, .. }
            | Op::New(_, body)
            | Op::Match { body, .. }
            | Op::Fold { body, .. } => self.prune(body),
            Op::Call { output, .. } => {
                *output = output.filter(|output| !self.0[output.0 as usize]);
            }
            _ => {}
        }
        if self.is_needless(op) {
            *op = Op::Null;
        }
    }

    /// A copy of an error. Copies of other values wait for them, as a `join` wants it.
    fn is_needless(&self, op: &Op) -> bool {
        matches!(op, Op::Ap { value, target }
            if value.base == Base::Error && self.0[target.0 as usize])
    }
}
