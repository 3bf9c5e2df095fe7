//! What a component is, for whoever has just built one.

use super::described::{Function, functions, functions_table};
use crate::output::{Cell, Column, Output, Table};
use serde::Serialize;
use weir_identity::Cid;
use weir_marine::{Error, Marine, Module};

/// A component, what it offers and what it asks for.
#[derive(Serialize)]
pub(crate) struct Component {
    cid: String,
    bytes: usize,
    profile: &'static str,
    functions: Vec<Function>,
    imports: Vec<Import>,
}

#[derive(Serialize)]
struct Import {
    name: String,
    granted: bool,
}

impl Component {
    /// Describes a component that was loaded.
    pub(crate) fn of(marine: &Marine, bytes: &[u8], module: &Module) -> Result<Self, Error> {
        let imports = marine.imports(bytes)?.into_iter().map(|import| Import {
            name: import.name,
            granted: import.granted,
        });
        Ok(Self {
            cid: Cid::of_raw(bytes).to_string(),
            bytes: bytes.len(),
            profile: marine.profile().name(),
            functions: functions(module),
            imports: imports.collect(),
        })
    }

    /// The same for people.
    pub(crate) fn text(&self, output: &Output) -> String {
        let mut text = format!("{}  {} bytes  {}\n", self.cid, self.bytes, self.profile);
        let mut imports = Table::new(&[Column::Text("IMPORT")]);
        for import in &self.imports {
            imports.row([Cell::new(&*import.name)]);
        }
        if !self.functions.is_empty() {
            text.push('\n');
            text.push_str(&functions_table(&self.functions, output));
        }
        if !self.imports.is_empty() {
            text.push('\n');
            text.push_str(&output.render(&imports));
        }
        text
    }
}
