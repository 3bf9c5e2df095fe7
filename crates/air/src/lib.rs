//! The AIR language: parsing, checking and printing scripts.

mod ast;
mod check;
mod diagnostic;
mod lexer;
mod limits;
mod names;
mod parse;
mod print;
mod script;

pub use ast::{
    Accessor, FailOperand, Instruction, Lens, NameId, Node, NodeId, Operand, Span, Variable,
    VariableKind,
};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use limits::Limits;
pub use print::{format, instruction_text, lens_text, minify, print};
pub use script::Script;

/// Parses and checks a script.
pub fn parse(text: &str, limits: &Limits) -> Result<Script, Vec<Diagnostic>> {
    let mut script = parse::parse(text, limits)?;
    let findings = check::check(&script);
    if !findings.errors.is_empty() {
        return Err(findings.errors);
    }
    script.warnings = findings.warnings;
    Ok(script)
}
