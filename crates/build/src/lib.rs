//! From the sources of a service to its component.
//!
//! A [`Project`] is a folder with a `Cargo.toml`, a `Makefile`, or a command in its `weir.toml`. [`Project::build`] finds
//! the compiler for it, runs it for WebAssembly, and turns the core module that comes out into a component:
//!
//! | project | compiler | what it gives |
//! |---|---|---|
//! | `Cargo.toml` | cargo with the target `wasm32-unknown-unknown`, or another that `[build] target` names | core module, or component |
//! | `Makefile` | clang with wasi-libc, or zig; bindings for C are generated before | core module |
//! | `[build] command` | whatever it runs | the file `[build] module` |
//!
//! What a compiler says goes to standard error as it comes. A tool that is missing is an error that says how to install
//! it, never the failure of another tool.

#![warn(unreachable_pub)]

mod bindings;
mod componentize;
mod error;
mod project;
mod settings;
mod toolchain;
mod work;

pub use bindings::{World, bindings};
pub use componentize::componentize;
pub use error::{Error, Missing};
pub use project::{Built, Project, Sources};
pub use settings::MANIFEST;
