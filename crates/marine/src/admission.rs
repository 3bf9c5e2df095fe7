//! Checks on the bytes of a component before anything is compiled.

use std::panic::catch_unwind;

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::{Types, TypesRef};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::census::Census;
use crate::error::Error;
use crate::limits::ComponentLimits;
use crate::linked::{Imports, Linked, of_part};
use crate::manifest::{Manifest, extract};
use crate::sandbox::granted;
use crate::spelling::brief;

/// Whether these bytes are a component that may be compiled: not too large in
/// any respect, valid, and importing nothing that is neither granted nor served
/// by a part that is linked. The same holds for each of those parts.
///
/// Reads the bytes three times, to count, to validate and to find the imports,
/// so the cost is linear in their number.
pub(crate) fn admit(
    bytes: &[u8],
    limits: &ComponentLimits,
    features: WasmFeatures,
) -> Result<(Option<Manifest>, Linked), Error> {
    at_most("its size in bytes", bytes.len() as u64, limits.bytes)?;
    recognise(bytes)?;
    let (manifest, linked) = read_sections(bytes)?;
    let served = |bytes, imports: &Imports| {
        let forbidden: Vec<String> = self::imports(bytes, limits, features)?
            .into_iter()
            .filter(|import| !import.granted && !imports.contains_key(&import.name))
            .map(|import| import.name)
            .collect();
        if forbidden.is_empty() {
            Ok(())
        } else {
            Err(Error::ForbiddenImport { imports: forbidden })
        }
    };
    served(bytes, &linked.imports)?;
    for part in &linked.parts {
        served(&part.component, &part.imports).map_err(|error| of_part(&part.name, error))?;
    }
    Ok((manifest, linked))
}

/// What a component carries in sections of its own: its manifest, and the parts that are linked through the host.
pub(crate) fn read_sections(bytes: &[u8]) -> Result<(Option<Manifest>, Linked), Error> {
    let manifest = extract(bytes)?;
    let linked = Linked::extract(bytes, manifest.as_ref())?;
    Ok((manifest, linked))
}

/// Says what bytes are that are not a component.
fn recognise(bytes: &[u8]) -> Result<(), Error> {
    if Parser::is_component(bytes) {
        return Ok(());
    }
    if !Parser::is_core_wasm(bytes) {
        return Err(Error::NotWasm {
            detail: if bytes.is_empty() {
                "there are no bytes".to_owned()
            } else if bytes.starts_with(b"(") {
                "it looks like WebAssembly text, which must be assembled first".to_owned()
            } else if bytes.starts_with(b"\0asm") {
                "its version is unknown".to_owned()
            } else {
                "the magic number is missing".to_owned()
            },
        });
    }
    let legacy = Parser::new(0).parse_all(bytes).map_while(Result::ok).any(
        |payload| matches!(payload, Payload::CustomSection(section) if section.name() == "interface-types"),
    );
    Err(if legacy {
        Error::LegacyModule
    } else {
        Error::CoreModule
    })
}

/// Something that a component asks of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The name as WIT spells it, such as `wasi:clocks/wall-clock@0.2.0`.
    pub name: String,
    /// Whether the host offers it to every guest. A component with an import
    /// that is not granted cannot be loaded.
    pub granted: bool,
}

/// What the component asks of its host, checked like in [`admit`] but for what is granted.
pub(crate) fn imports(
    bytes: &[u8],
    limits: &ComponentLimits,
    features: WasmFeatures,
) -> Result<Vec<Import>, Error> {
    at_most("its size in bytes", bytes.len() as u64, limits.bytes)?;
    recognise(bytes)?;
    Census::default().take(bytes, limits)?;
    let types = validate(bytes, features)?;
    let mut imports = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let name = import.map_err(invalid)?.name.name;
                    if !only_types(types.as_ref(), name) {
                        imports.push(Import {
                            name: name.to_owned(),
                            granted: granted(name),
                        });
                    }
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}

/// Bytes that make the validator panic are no component either.
fn validate(bytes: &[u8], features: WasmFeatures) -> Result<Types, Error> {
    let validated = catch_unwind(|| Validator::new_with_features(features).validate_all(bytes));
    match validated {
        Ok(types) => types.map_err(invalid),
        Err(_) => Err(invalid("it is nested deeper than can be checked")),
    }
}

/// Whether the import names types without anything behind them, so that nothing has to be provided.
fn only_types(types: TypesRef<'_>, import: &str) -> bool {
    let harmless = |entity: &ComponentEntityType| match entity {
        ComponentEntityType::Type { created, .. } => !matches!(
            created,
            wasmparser::component_types::ComponentAnyTypeId::Resource(_)
        ),
        _ => false,
    };
    match types.component_item_for_import(import).map(|item| &item.ty) {
        Some(ComponentEntityType::Instance(id)) => types[*id]
            .exports
            .values()
            .all(|export| harmless(&export.ty)),
        Some(entity) => harmless(entity),
        None => false,
    }
}

/// Refuses what there is too much of.
pub(crate) fn at_most(what: &'static str, got: u64, limit: u64) -> Result<(), Error> {
    if got > limit {
        return Err(Error::TooLarge { what, limit, got });
    }
    Ok(())
}

/// Bytes that do not follow the rules of the format.
pub(crate) fn invalid(error: impl std::fmt::Display) -> Error {
    Error::InvalidComponent {
        detail: brief(&error),
    }
}
