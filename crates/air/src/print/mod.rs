//! From the tree to text: for people, for the wire, and for error objects.
//!
//! All three are streams of the same pieces, one for each token; they differ in
//! what stands between the pieces and in how short numbers and lenses are.

mod layout;
mod minify;
mod observable;
mod pieces;

pub use layout::{format, print};
pub use minify::minify;
pub use observable::{instruction_text, lens_text};
