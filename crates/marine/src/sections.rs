//! Custom sections at the top of a component, which hold what goes with it under one CID.

use std::borrow::Cow;

use wasm_encoder::{CustomSection, Encode, Section};
use wasmparser::{BinaryReader, Parser};

use crate::admission::invalid;
use crate::error::Error;

/// Magic number and version.
const HEADER_BYTES: usize = 8;

/// The number of custom sections.
const CUSTOM: u8 = 0;

/// Two sections of one name.
pub(crate) struct Twice;

/// Writes a custom section at the end of the component, in place of one of that name. The bytes depend on nothing but
/// component, name and data.
pub(crate) fn put(component: &[u8], name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    let header = component.get(..HEADER_BYTES).unwrap_or_default();
    let mut bytes = Vec::with_capacity(component.len() + data.len() + 64);
    bytes.extend_from_slice(header);
    for section in sections(component, name)? {
        if section.data.is_none() {
            bytes.extend_from_slice(section.bytes);
        }
    }
    let section = CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(data),
    };
    bytes.push(section.id());
    section.encode(&mut bytes);
    Ok(bytes)
}

/// What the custom section of that name holds, if there is one. Reads the headers of the component's sections and
/// nothing of what is inside them: sections of components inside are not its own.
pub(crate) fn find<'a>(
    component: &'a [u8],
    name: &str,
) -> Result<Result<Option<&'a [u8]>, Twice>, Error> {
    let mut found = None;
    for section in sections(component, name)? {
        if let Some(data) = section.data
            && found.replace(data).is_some()
        {
            return Ok(Err(Twice));
        }
    }
    Ok(Ok(found))
}

struct Found<'a> {
    /// All of the section with its header.
    bytes: &'a [u8],
    /// What the section holds, if it is the one that is looked for.
    data: Option<&'a [u8]>,
}

/// The sections at the top of a component.
fn sections<'a>(component: &'a [u8], name: &str) -> Result<Vec<Found<'a>>, Error> {
    if !Parser::is_component(component) {
        return Err(Error::NotWasm {
            detail: "only a component can hold a manifest".to_owned(),
        });
    }
    let body = component.get(HEADER_BYTES..).unwrap_or_default();
    let mut reader = BinaryReader::new(body, HEADER_BYTES);
    let mut found = Vec::new();
    while !reader.eof() {
        let start = reader.current_position();
        let id = reader.read_u8().map_err(invalid)?;
        let length = reader.read_var_u32().map_err(invalid)? as usize;
        let content = reader.read_bytes(length).map_err(invalid)?;
        let bytes = &body[start..reader.current_position()];
        let mut inside = BinaryReader::new(content, 0);
        let data = match (id, inside.read_string()) {
            (CUSTOM, Ok(got)) if got == name => {
                Some(content.get(inside.current_position()..).unwrap_or_default())
            }
            _ => None,
        };
        found.push(Found { bytes, data });
    }
    Ok(found)
}
