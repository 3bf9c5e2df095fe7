//! The tokens of an instruction, made from the tree.

use std::fmt::Write;

use crate::ast::{Accessor, FailOperand, Instruction, Lens, Operand};
use crate::script::Script;

/// A token to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Open,
    Close,
    SquareOpen,
    SquareClose,
    Word(&'a str),
    /// A literal, without its quotes.
    String(&'a str),
}

/// How numbers and lenses are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a person would write them: `1.0`, `x.$.[0]`.
    Canonical,
    /// With as few characters as the language allows: `1.`, `x.$[0]`.
    Short,
    /// As scripts see them in error objects: a float without fraction is `1`.
    Observable,
}

impl Piece<'_> {
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Open => out.push('('),
            Self::Close => out.push(')'),
            Self::SquareOpen => out.push('['),
            Self::SquareClose => out.push(']'),
            Self::Word(word) => out.push_str(word),
            Self::String(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
        }
    }
}

/// Where people put spaces between the pieces of an instruction.
#[derive(Debug, Default)]
pub(super) struct Spacing {
    /// The last piece is something that a space may follow.
    ended: bool,
}

impl Spacing {
    /// Whether a space stands before `piece`, which is the next one.
    pub(super) fn wants_space(&mut self, piece: Piece<'_>) -> bool {
        let wanted = self.ended && !matches!(piece, Piece::Close | Piece::SquareClose);
        self.ended = !matches!(piece, Piece::Open | Piece::SquareOpen);
        wanted
    }
}

/// Emits the keyword and the operands of an instruction, without the
/// parentheses around it. `scratch` is overwritten.
pub(super) fn header(
    script: &Script,
    instruction: &Instruction,
    form: Form,
    scratch: &mut String,
    emit: &mut impl FnMut(Piece<'_>),
) {
    emit(Piece::Word(instruction.keyword()));
    let mut operands = Operands {
        script,
        form,
        scratch,
        emit,
    };
    match instruction {
        Instruction::Null
        | Instruction::Never
        | Instruction::Seq { .. }
        | Instruction::Par { .. }
        | Instruction::Xor { .. } => {}
        Instruction::Match { left, right, .. } | Instruction::Mismatch { left, right, .. } => {
            operands.operand(left);
            operands.operand(right);
        }
        Instruction::Call(call) => {
            operands.operand(&call.peer);
            (operands.emit)(Piece::Open);
            operands.operand(&call.service);
            operands.operand(&call.function);
            (operands.emit)(Piece::Close);
            (operands.emit)(Piece::SquareOpen);
            for arg in &call.args {
                operands.operand(arg);
            }
            (operands.emit)(Piece::SquareClose);
            if let Some(output) = call.output {
                (operands.emit)(Piece::Word(script.name(output)));
            }
        }
        Instruction::Ap { value, target } => {
            operands.operand(value);
            (operands.emit)(Piece::Word(script.name(*target)));
        }
        Instruction::ApMap { key, value, map } => {
            (operands.emit)(Piece::Open);
            operands.operand(key);
            operands.operand(value);
            (operands.emit)(Piece::Close);
            (operands.emit)(Piece::Word(script.name(*map)));
        }
        Instruction::Canon {
            peer,
            source,
            target,
        } => {
            operands.operand(peer);
            (operands.emit)(Piece::Word(script.name(*source)));
            (operands.emit)(Piece::Word(script.name(*target)));
        }
        Instruction::Fold {
            iterable, iterator, ..
        } => {
            operands.operand(iterable);
            (operands.emit)(Piece::Word(script.name(*iterator)));
        }
        Instruction::Next { iterator: variable } | Instruction::New { variable, .. } => {
            (operands.emit)(Piece::Word(script.name(*variable)));
        }
        Instruction::Fail(operand) => match operand {
            FailOperand::Literal { code, message } => {
                operands.operand(&Operand::Int(*code));
                (operands.emit)(Piece::String(message));
            }
            FailOperand::Value(value) => operands.operand(value),
            FailOperand::LastError => (operands.emit)(Piece::Word("%last_error%")),
            FailOperand::Error => (operands.emit)(Piece::Word(":error:")),
        },
    }
}

struct Operands<'a, E> {
    script: &'a Script,
    form: Form,
    scratch: &'a mut String,
    emit: &'a mut E,
}

impl<E: FnMut(Piece<'_>)> Operands<'_, E> {
    fn operand(&mut self, operand: &Operand) {
        let (name, lens) = match operand {
            Operand::String(text) => return (self.emit)(Piece::String(text)),
            Operand::EmptyArray => {
                (self.emit)(Piece::SquareOpen);
                return (self.emit)(Piece::SquareClose);
            }
            Operand::Int(number) => {
                self.scratch.clear();
                write!(self.scratch, "{number}").expect("writing to a string cannot fail");
                return (self.emit)(Piece::Word(self.scratch));
            }
            Operand::Float(number) => {
                self.scratch.clear();
                write_float(self.scratch, *number, self.form);
                return (self.emit)(Piece::Word(self.scratch));
            }
            Operand::Bool(true) => ("true", &None),
            Operand::Bool(false) => ("false", &None),
            Operand::InitPeerId => ("%init_peer_id%", &None),
            Operand::Timestamp => ("%timestamp%", &None),
            Operand::Ttl => ("%ttl%", &None),
            Operand::LastError(lens) => ("%last_error%", lens),
            Operand::Error(lens) => (":error:", lens),
            Operand::Variable { variable, lens } => (self.script.name(*variable), lens),
        };
        let Some(lens) = lens else {
            return (self.emit)(Piece::Word(name));
        };
        self.scratch.clear();
        self.scratch.push_str(name);
        write_lens(self.scratch, self.script, lens, self.form);
        (self.emit)(Piece::Word(self.scratch));
    }
}

pub(super) fn write_lens(out: &mut String, script: &Script, lens: &Lens, form: Form) {
    let accessors = match lens {
        Lens::Length => return out.push_str(".length"),
        Lens::Path(accessors) => accessors,
    };
    out.push_str(".$");
    for accessor in accessors {
        if form != Form::Short || matches!(accessor, Accessor::Field(_)) {
            out.push('.');
        }
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

/// The longest float that the language can read, in characters.
const FLOAT_CHARS_MAX: usize = 11;

/// In a script a float always has a dot; where the zero after it would make the
/// float too long to be read, it ends with the dot.
fn write_float(out: &mut String, number: f64, form: Form) {
    write!(out, "{number}").expect("writing to a string cannot fail");
    if form != Form::Observable && !out.contains('.') {
        out.push('.');
        if form == Form::Canonical && out.len() < FLOAT_CHARS_MAX {
            out.push('0');
        }
    }
}
