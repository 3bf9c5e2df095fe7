//! What linking and inspecting a component show alike: functions with modes, imports with classes, the manifest.

use crate::output::{Cell, Column, Output, Table};
use serde::Serialize;
use std::collections::BTreeMap;
use weir_identity::Value;
use weir_marine::{Class, Manifest, Module, PartImport, Served};

#[derive(Serialize)]
pub(super) struct Function {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<String>,
    pub(super) name: String,
    pub(super) signature: String,
    pub(super) mode: &'static str,
}

/// The functions that can be called.
pub(super) fn functions(module: &Module) -> Vec<Function> {
    let described = |function: &weir_marine::Function| Function {
        interface: function.interface().map(str::to_owned),
        name: function.name().to_owned(),
        signature: function.signature(),
        mode: function.mode().name(),
    };
    module.functions().iter().map(described).collect()
}

pub(super) fn functions_table(functions: &[Function], output: &Output) -> String {
    let columns = ["FUNCTION", "MODE", "INTERFACE"].map(Column::Text);
    let mut table = Table::new(&columns);
    for function in functions {
        let interface = function.interface.as_deref().unwrap_or_default();
        table.row([
            Cell::new(&*function.signature),
            function.mode.into(),
            interface.into(),
        ]);
    }
    output.render(&table)
}

/// A part of a composed component.
#[derive(Serialize)]
pub(super) struct Part {
    name: String,
    cid: String,
    imports: Vec<Need>,
}

/// An import of a part.
#[derive(Serialize)]
struct Need {
    name: String,
    class: &'static str,
    /// `part`, `host` or `denied`.
    served: &'static str,
    /// The part that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
}

impl Part {
    /// Whether it imports what it is not granted.
    pub(super) fn is_denied_something(&self) -> bool {
        self.imports.iter().any(|need| need.served == "denied")
    }
}

/// The parts with what each imports.
pub(super) fn parts(manifest: &Manifest, imports: &BTreeMap<String, Vec<PartImport>>) -> Vec<Part> {
    let need = |import: &PartImport| {
        let (served, part) = match &import.served {
            Served::Part(part) => ("part", Some(part.clone())),
            Served::Linked(part) => ("linked", Some(part.clone())),
            Served::Host => ("host", None),
            Served::Denied => ("denied", None),
        };
        Need {
            name: import.name.clone(),
            class: import.class.name(),
            served,
            part,
        }
    };
    manifest
        .parts()
        .iter()
        .map(|(name, part)| Part {
            name: name.clone(),
            cid: part.component.to_string(),
            imports: imports
                .get(name)
                .map(|imports| imports.iter().map(need).collect())
                .unwrap_or_default(),
        })
        .collect()
}

pub(super) fn parts_table(parts: &[Part], output: &Output) -> String {
    let columns = ["PART", "IMPORT", "CLASS", "SERVED BY"].map(Column::Text);
    let mut table = Table::new(&columns);
    for part in parts {
        // What every component has of the host would drown the rest.
        let telling = part
            .imports
            .iter()
            .filter(|need| need.served != "host" || need.class != Class::Deterministic.name());
        for need in telling {
            let served = match (need.served, &need.part) {
                ("denied", _) => Cell::failed("nobody: not granted"),
                ("linked", Some(part)) => Cell::new(format!("part {part}, through the host")),
                (_, Some(part)) => Cell::new(format!("part {part}")),
                _ => Cell::new("the host"),
            };
            table.row([
                Cell::new(&*part.name),
                Cell::new(&*need.name),
                need.class.into(),
                served,
            ]);
        }
    }
    output.render(&table)
}

/// The manifest with all defaults: what it says about the service, then the grants of each part.
pub(super) fn manifest_text(manifest: &Manifest, output: &Output) -> String {
    let effective = manifest.effective();
    let columns = ["SETTING", "VALUE"].map(Column::Text);
    let mut settings = Table::new(&columns);
    for (group, absent) in [
        ("service", "by its imports"),
        ("limits", "as the peer gives"),
    ] {
        let fields = effective.get(group).and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten() {
            let value = match value {
                Value::Null => absent.to_owned(),
                Value::String(text) => text.to_string(),
                other => other.to_json(),
            };
            settings.row([Cell::new(format!("{group}.{name}")), Cell::new(value)]);
        }
    }
    let functions = effective.get("functions").and_then(Value::as_object);
    for (name, rules) in functions.into_iter().flatten() {
        settings.row([
            Cell::new(format!("functions.{name}")),
            Cell::new(rules.to_json()),
        ]);
    }
    let columns = ["PART", "COMPONENT", "GRANT", "POLICY"].map(Column::Text);
    let mut parts = Table::new(&columns);
    for (name, part) in manifest.parts() {
        let cid = part.component.to_string();
        let kind = match part.linked() {
            Some(_) => " (through the host)",
            None if *name == manifest.facade() => " (facade)",
            None => "",
        };
        let name = format!("{name}{kind}");
        if part.grants.is_empty() {
            parts.row([
                Cell::new(&*name),
                Cell::new(&*cid),
                "nothing".into(),
                "".into(),
            ]);
        }
        for (interface, policy) in part.grants.iter() {
            parts.row([
                Cell::new(&*name),
                Cell::new(&*cid),
                interface.into(),
                Cell::new(policy.to_value().to_json()),
            ]);
        }
    }
    format!("{}\n{}", output.render(&settings), output.render(&parts))
}
