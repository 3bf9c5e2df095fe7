//! The one layout of a file.
//!
//! The layout follows from the tree alone, except for what an author decides:
//! single blank lines in bodies, whether constants and imports stand together,
//! and where comments are. A comment stays with the line, or the element of a
//! list, that it stands above or behind; one in the middle of a line moves above
//! it. Lines end with LF.

mod comments;
mod layout;
mod lines;
mod print;

use super::parse::parse;
use crate::diagnostic::Diagnostic;
use crate::source::FileId;

/// Lists that end beyond this column are written with one element per line.
pub const COLUMNS_MAX: usize = 100;

/// Spaces for each level of blocks and lists.
const INDENT: usize = 2;

/// Writes a file in its one layout, or says why it cannot be read.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse(FileId(0), text);
    if parsed.diagnostics.is_empty() {
        Ok(lines::file(text, &parsed))
    } else {
        Err(parsed.diagnostics)
    }
}
