//! Text of instructions and operands.

use std::fmt::Write;

use crate::ast::{Accessor, FailOperand, Instruction, Lens, NodeId, Operand};
use crate::script::Script;

/// The line that error objects carry in their field `instruction`: the
/// instruction without its nested bodies.
pub fn instruction_text(script: &Script, id: NodeId) -> String {
    let mut out = String::new();
    let instruction = &script.node(id).instruction;
    out.push_str(instruction.keyword());
    match instruction {
        Instruction::Null
        | Instruction::Never
        | Instruction::Seq { .. }
        | Instruction::Par { .. }
        | Instruction::Xor { .. } => {}
        Instruction::Match { left, right, .. } | Instruction::Mismatch { left, right, .. } => {
            out.push(' ');
            write_operand(&mut out, script, left);
            out.push(' ');
            write_operand(&mut out, script, right);
        }
        Instruction::Call {
            peer,
            service,
            function,
            args,
            output,
        } => {
            out.push(' ');
            write_operand(&mut out, script, peer);
            out.push_str(" (");
            write_operand(&mut out, script, service);
            out.push(' ');
            write_operand(&mut out, script, function);
            out.push_str(") [");
            for (index, arg) in args.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_operand(&mut out, script, arg);
            }
            out.push_str("] ");
            if let Some(output) = output {
                out.push_str(script.name(*output));
            }
        }
        Instruction::Ap { value, target } => {
            out.push(' ');
            write_operand(&mut out, script, value);
            out.push(' ');
            out.push_str(script.name(*target));
        }
        Instruction::ApMap { key, value, map } => {
            out.push_str(" (");
            write_operand(&mut out, script, key);
            out.push(' ');
            write_operand(&mut out, script, value);
            out.push_str(") ");
            out.push_str(script.name(*map));
        }
        Instruction::Canon {
            peer,
            source,
            target,
        } => {
            out.push(' ');
            write_operand(&mut out, script, peer);
            out.push(' ');
            out.push_str(script.name(*source));
            out.push(' ');
            out.push_str(script.name(*target));
        }
        Instruction::Fold {
            iterable, iterator, ..
        } => {
            out.push(' ');
            write_operand(&mut out, script, iterable);
            out.push(' ');
            out.push_str(script.name(*iterator));
        }
        Instruction::Next { iterator: variable } | Instruction::New { variable, .. } => {
            out.push(' ');
            out.push_str(script.name(*variable));
        }
        Instruction::Fail(operand) => {
            out.push(' ');
            write_fail_operand(&mut out, script, operand);
        }
    }
    out
}

/// A lens in its normal form: `.$.a.[0].b` or `.length`.
pub fn lens_text(script: &Script, lens: &Lens) -> String {
    let mut out = String::new();
    write_lens(&mut out, script, lens);
    out
}

fn write_fail_operand(out: &mut String, script: &Script, operand: &FailOperand) {
    match operand {
        FailOperand::Literal { code, message } => {
            write_int(out, *code);
            out.push(' ');
            write_string(out, message);
        }
        FailOperand::Value(value) => write_operand(out, script, value),
        FailOperand::LastError => out.push_str("%last_error%"),
        FailOperand::Error => out.push_str(":error:"),
    }
}

fn write_operand(out: &mut String, script: &Script, operand: &Operand) {
    let lens = match operand {
        Operand::String(text) => {
            write_string(out, text);
            &None
        }
        Operand::Int(number) => {
            write_int(out, *number);
            &None
        }
        Operand::Float(number) => {
            write_float(out, *number);
            &None
        }
        Operand::Bool(value) => {
            out.push_str(if *value { "true" } else { "false" });
            &None
        }
        Operand::EmptyArray => {
            out.push_str("[]");
            &None
        }
        Operand::InitPeerId => {
            out.push_str("%init_peer_id%");
            &None
        }
        Operand::Timestamp => {
            out.push_str("%timestamp%");
            &None
        }
        Operand::Ttl => {
            out.push_str("%ttl%");
            &None
        }
        Operand::LastError(lens) => {
            out.push_str("%last_error%");
            lens
        }
        Operand::Error(lens) => {
            out.push_str(":error:");
            lens
        }
        Operand::Variable { variable, lens } => {
            out.push_str(script.name(*variable));
            lens
        }
    };
    if let Some(lens) = lens {
        write_lens(out, script, lens);
    }
}

fn write_lens(out: &mut String, script: &Script, lens: &Lens) {
    let accessors = match lens {
        Lens::Length => return out.push_str(".length"),
        Lens::Path(accessors) => accessors,
    };
    out.push_str(".$");
    for accessor in accessors {
        out.push('.');
        match accessor {
            Accessor::Field(field) => out.push_str(field),
            Accessor::Index(index) => {
                write!(out, "[{index}]").expect("writing to a string cannot fail");
            }
            Accessor::Variable(variable) => {
                out.push('[');
                out.push_str(script.name(*variable));
                out.push(']');
            }
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn write_int(out: &mut String, number: i64) {
    write!(out, "{number}").expect("writing to a string cannot fail");
}

/// The longest float that can be written, in characters.
const FLOAT_CHARS_MAX: usize = 11;

/// A float always has a dot; `1.` for `1.0` where the zero would make it too long.
fn write_float(out: &mut String, number: f64) {
    let start = out.len();
    write!(out, "{number}").expect("writing to a string cannot fail");
    if !out[start..].contains('.') {
        out.push('.');
        if out.len() - start < FLOAT_CHARS_MAX {
            out.push('0');
        }
    }
}
