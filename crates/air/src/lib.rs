//! The AIR language: reading, checking and writing scripts.
//!
//! A script is one instruction, written as an S-expression. [`parse`] reads it
//! into a [`Script`], a flat vector of instructions, and refuses whatever the
//! language does not allow, with all the mistakes it can find at once.
//! [`format()`] gives the text its canonical layout, [`minify`] its shortest one.
//! Nothing here recurses and nothing here evaluates: running a script is the
//! business of `weir-avm`.
//!
//! ```
//! use weir_air::{Instruction, Limits, NodeId, parse};
//!
//! let text = r#"(seq (call "12D3" ("dir" "peers") [] peers) (fold peers p (next p)))"#;
//! let script = parse(text, &Limits::default()).unwrap();
//! let Instruction::Seq { right, .. } = script.node(NodeId::ROOT).instruction else {
//!     unreachable!("the text begins with `seq`");
//! };
//! assert_eq!(weir_air::instruction_text(&script, right), "fold peers p");
//!
//! let mistakes = parse("(ap anwser x)", &Limits::default()).unwrap_err();
//! assert_eq!(mistakes[0].message, "`anwser` is not defined");
//! ```

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
    Accessor, Call, FailOperand, Instruction, Lens, NameId, Node, NodeId, Operand, Span, Variable,
    VariableKind,
};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use limits::Limits;
pub use print::{format, instruction_text, lens_text, minify, print};
pub use script::Script;

/// Reads and checks a script.
///
/// # Errors
/// Returns all mistakes that could be found, at most 50, in the order of the
/// text. What is accepted but most likely wrong is in [`Script::warnings`].
pub fn parse(text: &str, limits: &Limits) -> Result<Script, Vec<Diagnostic>> {
    let mut script = parse::parse(text, limits)?;
    let findings = check::check(&script);
    if !findings.errors.is_empty() {
        return Err(findings.errors);
    }
    script.warnings = findings.warnings;
    Ok(script)
}
