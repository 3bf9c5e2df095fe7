//! `weir wasm inspect FILE`: what a component offers and asks for.

use super::{compile, described, marine, refused};
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use serde::Serialize;
use std::path::Path;
use weir_identity::{Cid, Value};
use weir_marine::{Class, Manifest};
use wit_component::{DecodedWasm, WitPrinter};

#[derive(Serialize)]
struct Inspection {
    cid: String,
    bytes: usize,
    profile: &'static str,
    functions: Vec<described::Function>,
    imports: Vec<Import>,
    /// With all defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Value>,
    /// Why peers do not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    wit: String,
}

#[derive(Serialize)]
struct Import {
    name: String,
    class: &'static str,
    granted: bool,
}

/// Looks into the component. That peers would not take it is a result, not a failure.
pub(super) fn run(
    file: &Path,
    only_wit: bool,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let bytes = input::bytes(file)?;
    let marine = marine()?;
    let imports = marine
        .imports(&bytes)
        .map_err(|error| refused(file, &error))?
        .into_iter()
        .map(|import| Import {
            class: Class::of(&import.name).name(),
            name: import.name,
            granted: import.granted,
        })
        .collect();
    let wit = wit(&bytes).map_err(|cause| {
        Failure::new(
            Code::ComponentRefused,
            format!("the types of {} cannot be read", input::name(file)),
        )
        .cause(cause)
    })?;
    let loaded = compile(&marine, &bytes, patience, output)?;
    // A component that peers do not take may have a manifest that is good.
    let manifest = weir_marine::extract_manifest(&bytes).ok().flatten();
    let inspection = Inspection {
        cid: Cid::of_raw(&bytes).to_string(),
        bytes: bytes.len(),
        profile: marine.profile().name(),
        functions: loaded
            .as_ref()
            .map(described::functions)
            .unwrap_or_default(),
        imports,
        manifest: manifest.as_ref().map(Manifest::effective),
        refused: loaded.err().map(|error| error.to_string()),
        wit,
    };
    let text = if only_wit {
        inspection.wit.clone()
    } else {
        text_of(&inspection, manifest.as_ref(), output)
    };
    Ok(Report::new(&inspection, text))
}

/// The world of the component as WIT text.
fn wit(bytes: &[u8]) -> Result<String, String> {
    let decoded = wit_component::decode(bytes).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(resolve, world) = &decoded else {
        return Err("it is a WIT package without code".to_owned());
    };
    let package = resolve.worlds[*world]
        .package
        .ok_or("its world is in no package")?;
    let others: Vec<_> = resolve
        .packages
        .iter()
        .map(|(id, _)| id)
        .filter(|id| *id != package)
        .collect();
    let mut printer = WitPrinter::default();
    printer
        .print(resolve, package, &others)
        .map_err(|error| format!("{error:#}"))?;
    Ok(printer.output.to_string())
}

fn text_of(inspection: &Inspection, manifest: Option<&Manifest>, output: &Output) -> String {
    let mut text = format!(
        "{}  {} bytes  {}\n",
        inspection.cid, inspection.bytes, inspection.profile
    );
    let mut imports = Table::new(&["IMPORT", "CLASS", ""].map(Column::Text));
    for import in &inspection.imports {
        let granted = if import.granted {
            Cell::new("granted")
        } else {
            Cell::failed("not granted")
        };
        imports.row([Cell::new(&*import.name), import.class.into(), granted]);
    }
    if !inspection.functions.is_empty() {
        text.push('\n');
        text.push_str(&described::functions_table(&inspection.functions, output));
    }
    if !inspection.imports.is_empty() {
        text.push('\n');
        text.push_str(&output.render(&imports));
    }
    if let Some(manifest) = manifest {
        text.push_str(&format!("\n{}", described::manifest_text(manifest, output)));
    }
    if let Some(why) = &inspection.refused {
        text.push_str(&format!(
            "\n{} peers do not take it: {why}\n",
            output.palette().cross()
        ));
    }
    text
}
