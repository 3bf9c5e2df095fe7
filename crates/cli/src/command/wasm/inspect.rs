//! `weir wasm inspect FILE`: what a component offers and asks for.

use super::{compile, marine, refused};
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use serde::Serialize;
use std::path::Path;
use weir_identity::Cid;
use wit_component::{DecodedWasm, WitPrinter};

#[derive(Serialize)]
struct Inspection {
    cid: String,
    bytes: usize,
    profile: &'static str,
    functions: Vec<Function>,
    imports: Vec<Import>,
    /// Why peers do not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    wit: String,
}

#[derive(Serialize)]
struct Function {
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    name: String,
    signature: String,
}

#[derive(Serialize)]
struct Import {
    name: String,
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
    let functions = loaded.iter().flat_map(weir_marine::Module::functions);
    let inspection = Inspection {
        cid: Cid::of_raw(&bytes).to_string(),
        bytes: bytes.len(),
        profile: marine.profile().name(),
        functions: functions
            .map(|function| Function {
                interface: function.interface().map(str::to_owned),
                name: function.name().to_owned(),
                signature: function.signature(),
            })
            .collect(),
        imports,
        refused: loaded.err().map(|error| error.to_string()),
        wit,
    };
    let text = if only_wit {
        inspection.wit.clone()
    } else {
        text_of(&inspection, output)
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

fn text_of(inspection: &Inspection, output: &Output) -> String {
    let mut text = format!(
        "{}  {} bytes  {}\n",
        inspection.cid, inspection.bytes, inspection.profile
    );
    let mut functions = Table::new(&[Column::Text("FUNCTION"), Column::Text("INTERFACE")]);
    for function in &inspection.functions {
        let interface = function.interface.as_deref().unwrap_or_default();
        functions.row([Cell::new(&*function.signature), interface.into()]);
    }
    let mut imports = Table::new(&[Column::Text("IMPORT"), Column::Text("")]);
    for import in &inspection.imports {
        let granted = if import.granted {
            Cell::new("granted")
        } else {
            Cell::failed("not granted")
        };
        imports.row([Cell::new(&*import.name), granted]);
    }
    if !inspection.functions.is_empty() {
        text.push('\n');
        text.push_str(&output.render(&functions));
    }
    if !inspection.imports.is_empty() {
        text.push('\n');
        text.push_str(&output.render(&imports));
    }
    if let Some(why) = &inspection.refused {
        text.push_str(&format!(
            "\n{} peers do not take it: {why}\n",
            output.palette().cross()
        ));
    }
    text
}
