//! The Aqua language server.
//!
//! It speaks the Language Server Protocol and knows what the compiler knows:
//! an open file is compiled with all that it imports, up to the types, whenever
//! one of these texts changes; only texts that have changed are parsed again.
//!
//! `server` alone knows the protocol's messages and waits for anything. All else
//! is a function from an [`Analysis`] and a place to an answer.
//!
//! ```no_run
//! # async fn example() {
//! weir_aqua_lsp::serve(tokio::io::stdin(), tokio::io::stdout(), Vec::new()).await;
//! # }
//! ```

pub mod actions;
mod analysis;
pub mod completion;
mod defect;
pub mod definition;
mod describe;
pub mod diagnostics;
mod documents;
pub mod hints;
pub mod hover;
mod index;
mod library;
mod modules;
mod names;
mod positions;
pub mod references;
pub mod rename;
mod scope;
mod server;
pub mod signature;
pub mod symbols;
pub mod tokens;
mod workspace;

pub use analysis::{Analysis, Compiler};
pub use positions::Lines;
pub use server::{serve, serve_with};
pub use workspace::Workspace;
