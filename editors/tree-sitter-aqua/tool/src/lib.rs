//! The Tree-sitter grammar of Aqua: from `grammar.js` to a parser.

use std::error::Error;
use std::path::{Path, PathBuf};
use tree_sitter::Language;
use tree_sitter_generate::{OptLevel, generate_parser_in_directory};
use tree_sitter_loader::{CompileConfig, Loader};

/// Editors of the last years read this version of the tables; Neovim before 0.11 reads no later one.
const ABI: usize = 14;

/// The folder of the grammar.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Writes the parser in C, and what it includes, into a folder. Needs the program `node`.
///
/// # Errors
/// Returns what is wrong with the grammar, or that `node` or the folder cannot be used.
pub fn generate(into: &Path) -> Result<(), Box<dyn Error>> {
    let mut remarks = Vec::new();
    generate_parser_in_directory(
        folder(),
        Some(into),
        None::<PathBuf>,
        ABI,
        None,
        Some("node"),
        true,
        OptLevel::default(),
        &mut remarks,
    )?;
    match remarks.first() {
        // A conflict that is none, a token that nothing uses.
        Some(remark) => Err(format!("{remark:?}").into()),
        None => Ok(()),
    }
}

/// Compiles the parser in a folder to a library, and loads it. Needs a compiler for C.
///
/// # Errors
/// Returns what the compiler says.
pub fn build(from: &Path, library: &Path) -> Result<Language, Box<dyn Error>> {
    if let Some(folder) = library.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let config = CompileConfig::new(from, None, Some(library.to_owned()));
    let loader = Loader::with_parser_lib_path(from.to_owned());
    Ok(loader.load_language_at_path(config)?)
}
