//! The Aqua compiler.
//!
//! Aqua is a language for distributed algorithms: a program says what is done,
//! on which peer and in which order, and is compiled into one AIR script that
//! peers execute as it travels. The stages, each a module with one entry
//! function:
//!
//! 1. [`syntax`]: text into tokens and a tree, whatever the text is;
//! 2. `names`: files into modules, and names into definitions;
//! 3. `check`: types, and every implicit step made explicit;
//! 4. `liveness`: waits that never end;
//! 5. `lower`: an exported function with all its calls inlined;
//! 6. `place`: where each step runs, and which hops that takes;
//! 7. `emit`: AIR, definitions for clients, plans.
//!
//! [`invocation`] reads what a person writes to call a compiled function.

pub mod check;
mod compile;
mod diagnostic;
pub mod emit;
pub mod files;
pub mod hir;
pub mod invocation;
pub mod ir;
mod liveness;
pub mod lower;
pub mod names;
pub mod place;
mod soundness;
mod source;
pub mod syntax;
pub mod types;

pub use compile::{Compilation, Request, compile};
pub use diagnostic::{Diagnostic, Edit, Label, Severity, codes};
pub use source::{FileId, Place, Span};
