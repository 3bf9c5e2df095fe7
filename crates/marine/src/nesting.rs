//! How deep the types of a component lie in each other, found without recursion.
//!
//! Whoever reads or validates a component goes into such types by calling itself, and a stack that overflows ends the
//! process: no limit of the work would help. So this is looked at first.

use std::ops::Range;

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentExternName, ComponentImport, ComponentType,
    ComponentTypeRef, CoreType,
};

use crate::admission::{at_most, invalid};
use crate::error::Error;
use crate::limits::ComponentLimits;

const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;

const CORE_TYPE: u8 = 0x00;
const TYPE: u8 = 0x01;
const ALIAS: u8 = 0x02;
const IMPORT: u8 = 0x03;
const EXPORT: u8 = 0x04;

/// Refuses a section of types, which is there in the bytes of a component, if types of components and instances lie too
/// deep in each other. Gives how much is declared in them, which is bounded as well.
pub(crate) fn bound(
    bytes: &[u8],
    section: Range<usize>,
    limits: &ComponentLimits,
) -> Result<u64, Error> {
    let content = bytes.get(section.clone()).unwrap_or_default();
    let mut reader = BinaryReader::new(content, section.start);
    // How many declarations each type has left around the place that is read; at first the types of the section.
    let mut declared = 0_u64;
    let mut open = vec![reader.read_var_u32().map_err(invalid)?];
    while let Some(left) = open.last_mut() {
        let Some(fewer) = left.checked_sub(1) else {
            open.pop();
            continue;
        };
        *left = fewer;
        let is_type = open.len() == 1 || declares_type(&mut reader)?;
        if is_type && let Some(declarations) = enter(&mut reader)? {
            let depth = open.len() as u64;
            at_most("the depth of types in types", depth, limits.type_depth)?;
            declared += u64::from(declarations);
            let what = "the number of declarations in types";
            at_most(what, declared, limits.declarations)?;
            open.push(declarations);
        }
    }
    Ok(declared)
}

/// Reads a declaration inside a type up to its end, or, if it is one of a type, up to that.
fn declares_type(reader: &mut BinaryReader<'_>) -> Result<bool, Error> {
    match reader.read_u8().map_err(invalid)? {
        TYPE => return Ok(true),
        CORE_TYPE => reader.read::<CoreType<'_>>().map(drop),
        ALIAS => reader.read::<ComponentAlias<'_>>().map(drop),
        IMPORT => reader.read::<ComponentImport<'_>>().map(drop),
        EXPORT => reader
            .read::<ComponentExternName<'_>>()
            .and_then(|_| reader.read::<ComponentTypeRef>().map(drop)),
        other => return Err(invalid(format!("no declaration begins with {other:#04x}"))),
    }
    .map_err(invalid)?;
    Ok(false)
}

/// Reads a type up to its end, or, if others may lie in it, up to its declarations: then it says how many.
fn enter(reader: &mut BinaryReader<'_>) -> Result<Option<u32>, Error> {
    let mut ahead = reader.clone();
    match ahead.read_u8().map_err(invalid)? {
        COMPONENT_TYPE | INSTANCE_TYPE => {
            let declarations = ahead.read_var_u32().map_err(invalid)?;
            *reader = ahead;
            Ok(Some(declarations))
        }
        _ => {
            reader.read::<ComponentType<'_>>().map_err(invalid)?;
            Ok(None)
        }
    }
}
