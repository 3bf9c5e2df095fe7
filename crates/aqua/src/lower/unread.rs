//! Results and copies of errors that nothing reads, which a script need not keep.

use crate::ir::{Base, FrameId, Op, Program, Value, VarId, VarKind};

/// Forgets them.
pub(super) fn forget_unread(program: &mut Program) {
    let scalars = program.variables.iter();
    let mut unread = Unread(scalars.map(|about| about.kind == VarKind::Scalar).collect());
    for frame in 0..program.frames.len() {
        let frame = program.frames.get(FrameId(frame as u32));
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
        for value in op.reads() {
            self.read(value);
        }
        for part in op.parts() {
            self.visit(part);
        }
    }

    fn prune(&self, op: &mut Op) {
        for part in op.parts_mut() {
            self.prune(part);
        }
        match op {
            Op::Call { output, .. } => {
                *output = output.filter(|output| !self.0[output.0 as usize]);
            }
            Op::Seq(children) => {
                children.retain(|child| *child != Op::Null);
                match children.len() {
                    0 => *op = Op::Null,
                    1 => *op = children.remove(0),
                    _ => {}
                }
            }
            // Copies of other values wait for them, as a `join` wants it.
            Op::Ap { value, target } if value.base == Base::Error && self.0[target.0 as usize] => {
                *op = Op::Null;
            }
            _ => {}
        }
    }
}
