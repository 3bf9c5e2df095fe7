//! Parts of a service that are linked through the host: components of other owners, which are not composed with the
//! rest but run beside it, each in a store with bounds of its own.
//!
//! The composed component leaves what they serve open. It carries them in a custom section, with who serves which
//! import, so that one CID names all of it. A call between two parts is made by the host ([`Provider`]): it carries
//! values over, and hands state, effects and what is linked from one to the other while the first one waits. So the
//! call has one transaction, one transcript and one receipt, whoever works in it.

mod crossing;
mod provider;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::compose::ComposeError;
use crate::error::Error;
use crate::manifest::Manifest;
use crate::sections::{Twice, find, put};

pub(crate) use crossing::{LINK_BYTE_FUEL, LINK_CALL_FUEL, LINK_VALUE_FUEL, LinkFailure, Links};
pub(crate) use provider::{Provider, link};

/// The name of the custom section.
pub(crate) const LINKED_SECTION: &str = "weir:linked";

/// The most parts of a service that are linked through the host. Each takes a slot while a call runs.
pub(crate) const LINKED_PARTS_MAX: usize = 8;

/// The version of the form.
const FORMAT: u64 = 1;

/// What the section holds, as canonical DAG-CBOR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linked {
    format: u64,
    /// The imports of the composed component that these parts serve.
    pub(crate) imports: Imports,
    /// The parts; each uses only those before it.
    pub(crate) parts: Vec<LinkedPart>,
}

/// A part that is linked through the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkedPart {
    pub(crate) name: String,
    /// The part, with what is denied to it plugged in.
    pub(crate) component: ByteBuf,
    /// Its imports that parts before it serve.
    pub(crate) imports: Imports,
}

/// Who serves imports, by their names.
pub(crate) type Imports = BTreeMap<String, Wire>;

/// Where an import leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    /// The number of the part.
    pub(crate) part: usize,
    /// The name of its export.
    pub(crate) export: String,
}

impl Default for Linked {
    /// Nothing is linked through the host.
    fn default() -> Self {
        Self::new(Imports::new(), Vec::new())
    }
}

impl Linked {
    pub(crate) fn new(imports: Imports, parts: Vec<LinkedPart>) -> Self {
        Self {
            format: FORMAT,
            imports,
            parts,
        }
    }

    /// Writes the section, if there is something to write.
    pub(crate) fn embed(&self, component: Vec<u8>) -> Result<Vec<u8>, Error> {
        if self.parts.is_empty() {
            return Ok(component);
        }
        let data = serde_ipld_dagcbor::to_vec(self).map_err(malformed)?;
        put(&component, LINKED_SECTION, &data)
    }

    /// Reads the section of a component, if it has one, and compares it with its manifest.
    pub(crate) fn extract(component: &[u8], manifest: Option<&Manifest>) -> Result<Self, Error> {
        let data =
            find(component, LINKED_SECTION)?.map_err(|Twice| malformed("there are two of them"))?;
        let linked = match data {
            None => Self::default(),
            Some(data) => {
                let linked: Self = serde_ipld_dagcbor::from_slice(data).map_err(malformed)?;
                linked.check()?;
                // One service has one form.
                if serde_ipld_dagcbor::to_vec(&linked).map_err(malformed)? != data {
                    return Err(malformed("it is not in canonical form"));
                }
                linked
            }
        };
        linked.agrees(manifest)?;
        Ok(linked)
    }

    /// Whether it follows the rules on its own.
    fn check(&self) -> Result<(), Error> {
        if self.format != FORMAT {
            return Err(malformed(format!("its format is not {FORMAT}")));
        }
        if self.parts.is_empty() || self.parts.len() > LINKED_PARTS_MAX {
            let count = self.parts.len();
            return Err(malformed(format!(
                "it has {count} parts, from 1 to {LINKED_PARTS_MAX} are allowed"
            )));
        }
        let owners = self.parts.iter().map(|part| &part.imports);
        for (before, imports) in owners
            .enumerate()
            .chain([(self.parts.len(), &self.imports)])
        {
            if imports.values().any(|wire| wire.part >= before) {
                return Err(malformed("a part uses itself, or one that comes after it"));
            }
        }
        Ok(())
    }

    /// Whether it holds exactly the parts that the manifest links through the host.
    fn agrees(&self, manifest: Option<&Manifest>) -> Result<(), Error> {
        let parts = manifest.iter().flat_map(|manifest| manifest.parts());
        let expected: BTreeSet<&str> = parts
            .filter(|(_, part)| part.linked().is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        let got: BTreeSet<&str> = self.parts.iter().map(|part| part.name.as_str()).collect();
        if got != expected || got.len() != self.parts.len() {
            return Err(malformed(
                "its parts are not those that the manifest links through the host",
            ));
        }
        Ok(())
    }
}

/// Says which part an error is about.
pub(crate) fn of_part(part: &str, cause: Error) -> Error {
    ComposeError::BadPart {
        part: part.to_owned(),
        cause,
    }
    .into()
}

fn malformed(problem: impl std::fmt::Display) -> Error {
    Error::InvalidComponent {
        detail: format!("its section `{LINKED_SECTION}`: {problem}; `weir wasm link` writes it"),
    }
}
