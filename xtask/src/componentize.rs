//! `cargo xtask componentize IN.wasm OUT.wasm`: turns a core module into a component.

use crate::step::Failed;
use std::path::Path;

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
    std::fs::write(output, &component)
        .map_err(|error| Failed(format!("cannot write {}: {error}", output.display())))?;
    eprintln!(
        "{}: {} bytes of core module, {} bytes of component",
        output.display(),
        module.len(),
        component.len()
    );
    Ok(())
}
