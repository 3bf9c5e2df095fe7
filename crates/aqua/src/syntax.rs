//! From text to tokens and a tree.
//!
//! Any text has a tree: what cannot be read becomes an error node with a
//! diagnostic, and reading goes on with the next line. The tokens, comments and
//! spaces included, are the text without loss; the tree refers to places in it.

mod tree;

pub use tree::*;
