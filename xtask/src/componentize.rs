//! `cargo xtask componentize IN.wasm OUT.wasm`: turns a core module into a component.
//! `cargo xtask component DIR OUT.wasm`: builds a project.

use crate::step::Failed;
use std::path::Path;
use weir_build::Project;

/// Reads a core module that carries its WIT world in a custom section, as `wit-bindgen` writes it.
pub(crate) fn run(input: &Path, output: &Path) -> Result<(), Failed> {
    let module = std::fs::read(input)
        .map_err(|error| Failed(format!("cannot read {}: {error}", input.display())))?;
    let component = weir_build::componentize(&module).map_err(|error| {
        Failed(format!(
            "{} does not become a component: {error}",
            input.display()
        ))
    })?;
    write(output, &component)
}

/// Builds a project without asking whether peers take it.
pub(crate) fn build(folder: &Path, output: &Path) -> Result<(), Failed> {
    let built = Project::open(folder)
        .and_then(|project| project.build(&|what| eprintln!("{what}")))
        .map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
    write(output, &built.component)
}

fn write(output: &Path, component: &[u8]) -> Result<(), Failed> {
    std::fs::write(output, component)
        .map_err(|error| Failed(format!("cannot write {}: {error}", output.display())))?;
    eprintln!("{}: {} bytes", output.display(), component.len());
    Ok(())
}
