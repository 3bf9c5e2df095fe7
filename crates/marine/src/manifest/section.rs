//! The manifest inside the component: a custom section at its end.

use std::borrow::Cow;

use wasm_encoder::{CustomSection, Encode, Section};
use wasmparser::{BinaryReader, Parser};

use super::{Manifest, fault};
use crate::error::Error;

/// The name of the custom section that holds the canonical form of the manifest.
pub const MANIFEST_SECTION: &str = "weir:manifest";

/// Magic number and version.
const HEADER_BYTES: usize = 8;

/// The number of custom sections.
const CUSTOM: u8 = 0;

/// Writes the manifest as the last section of the component, in place of one that is there. The bytes depend on
/// nothing but component and manifest.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, Error> {
    let data = manifest.to_dag_cbor()?;
    let header = component.get(..HEADER_BYTES).unwrap_or_default();
    let mut bytes = Vec::with_capacity(component.len() + data.len() + 64);
    bytes.extend_from_slice(header);
    for section in sections(component)? {
        if section.manifest.is_none() {
            bytes.extend_from_slice(section.bytes);
        }
    }
    let section = CustomSection {
        name: Cow::Borrowed(MANIFEST_SECTION),
        data: Cow::Owned(data),
    };
    bytes.push(section.id());
    section.encode(&mut bytes);
    Ok(bytes)
}

/// The manifest of a component, if it has one. Reads the headers of the component's sections and nothing of what is
/// inside them: manifests of components inside are not its own.
pub fn extract(component: &[u8]) -> Result<Option<Manifest>, Error> {
    let mut found = None;
    for section in sections(component)? {
        if let Some(data) = section.manifest
            && found.replace(data).is_some()
        {
            return Err(Error::BadManifest(fault(format!(
                "there are two sections `{MANIFEST_SECTION}`; `weir wasm link` writes one"
            ))));
        }
    }
    found.map(Manifest::from_dag_cbor).transpose()
}

struct Found<'a> {
    /// All of the section with its header.
    bytes: &'a [u8],
    /// What the section holds, if it is that of a manifest.
    manifest: Option<&'a [u8]>,
}

/// The sections at the top of a component.
fn sections(component: &[u8]) -> Result<Vec<Found<'_>>, Error> {
    if !Parser::is_component(component) {
        return Err(Error::NotWasm {
            detail: "only a component can hold a manifest".to_owned(),
        });
    }
    let invalid = |error: wasmparser::BinaryReaderError| Error::InvalidComponent {
        detail: error.to_string(),
    };
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
        let manifest = match (id, inside.read_string()) {
            (CUSTOM, Ok(MANIFEST_SECTION)) => {
                Some(content.get(inside.current_position()..).unwrap_or_default())
            }
            _ => None,
        };
        found.push(Found { bytes, manifest });
    }
    Ok(found)
}
