//! Which variables an instruction reads and which it defines.

use crate::ast::{Accessor, FailOperand, Instruction, Lens, Operand, Variable};

/// How strictly a use is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The name must be defined.
    Checked,
    /// The language accepts an undefined name here.
    Unchecked,
    /// The stream of a `canon`: one that nothing fills is just empty.
    Source,
}

/// Calls `visit` for each variable that `instruction` itself reads, in text order.
pub(super) fn uses(instruction: &Instruction, mut visit: impl FnMut(Variable, Rule)) {
    let mut read =
        |operand: &Operand, rule| operand_uses(operand, |variable| visit(variable, rule));
    match instruction {
        Instruction::Match { left, right, .. } | Instruction::Mismatch { left, right, .. } => {
            read(left, Rule::Checked);
            read(right, Rule::Checked);
        }
        Instruction::Call(call) => {
            read(&call.peer, Rule::Checked);
            read(&call.service, Rule::Checked);
            read(&call.function, Rule::Checked);
            for arg in &call.args {
                read(arg, Rule::Checked);
            }
        }
        Instruction::Ap { value, .. } => read(value, Rule::Checked),
        Instruction::ApMap { key, value, .. } => {
            read(key, Rule::Checked);
            read(value, Rule::Unchecked);
        }
        Instruction::Canon { peer, source, .. } => {
            read(peer, Rule::Unchecked);
            visit(*source, Rule::Source);
        }
        Instruction::Fold { iterable, .. } => read(iterable, Rule::Checked),
        Instruction::Fail(FailOperand::Value(value)) => read(value, Rule::Unchecked),
        _ => {}
    }
}

fn operand_uses(operand: &Operand, mut visit: impl FnMut(Variable)) {
    let lens = match operand {
        Operand::Variable { variable, lens } => {
            visit(*variable);
            lens
        }
        Operand::LastError(lens) | Operand::Error(lens) => lens,
        _ => return,
    };
    if let Some(Lens::Path(accessors)) = lens {
        for accessor in accessors {
            if let Accessor::Variable(variable) = accessor {
                visit(*variable);
            }
        }
    }
}

/// The variable that a call, `ap` or `canon` writes.
pub(super) fn result(instruction: &Instruction) -> Option<Variable> {
    match instruction {
        Instruction::Call(call) => call.output,
        Instruction::Ap {
            target: variable, ..
        }
        | Instruction::ApMap { map: variable, .. }
        | Instruction::Canon {
            target: variable, ..
        } => Some(*variable),
        _ => None,
    }
}
