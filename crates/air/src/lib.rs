//! The AIR language: parsing, checking and printing scripts.

mod ast;
mod diagnostic;
mod limits;
mod print;
mod script;

pub use ast::{
    Accessor, FailOperand, Instruction, Lens, NameId, Node, NodeId, Operand, Span, Variable,
    VariableKind,
};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use limits::Limits;
pub use print::{instruction_text, lens_text};
pub use script::Script;

/// Parses and checks a script.
pub fn parse(text: &str, limits: &Limits) -> Result<Script, Vec<Diagnostic>> {
    let _ = (text, limits);
    Err(Vec::new())
}
