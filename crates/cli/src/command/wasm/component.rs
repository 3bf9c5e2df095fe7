//! What a component is, for whoever has just built one.

use super::described::{Function, functions, functions_table};
use crate::output::{Cell, Column, Output, Table};
use serde::Serialize;
use weir_identity::Cid;
use weir_marine::{Marine, Module};

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
    /// Describes a component. One that other parts are needed for cannot be loaded by itself, and shows no functions.
    pub(crate) fn of(
        marine: &Marine,
        bytes: &[u8],
        imports: Vec<weir_marine::Import>,
        module: Option<&Module>,
    ) -> Self {
        let imports = imports.into_iter().map(|import| Import {
            name: import.name,
            granted: import.granted,
        });
        Self {
            cid: Cid::of_raw(bytes).to_string(),
            bytes: bytes.len(),
            profile: marine.profile().name(),
            functions: module.map(functions).unwrap_or_default(),
            imports: imports.collect(),
        }
    }

    /// The same for people.
    pub(crate) fn text(&self, output: &Output) -> String {
        let mut text = format!("{}  {} bytes  {}\n", self.cid, self.bytes, self.profile);
        let mut imports = Table::new(&["IMPORT", ""].map(Column::Text));
        for import in &self.imports {
            let remark = if import.granted {
                ""
            } else {
                "for another part"
            };
            imports.row([Cell::new(&*import.name), remark.into()]);
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
