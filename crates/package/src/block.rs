//! Bytes with their name, and what they link to.

use bytes::Bytes;
use minicbor::Decoder;
use minicbor::data::{Tag, Type};
use weir_identity::{Cid, Codec};

use crate::cbor::LINK_TAG;
use crate::error::FormatError;

/// Bytes and the CID that names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    bytes: Bytes,
}

impl Block {
    /// Names raw bytes.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let cid = Cid::of_raw(&bytes);
        Self { cid, bytes }
    }

    /// Names canonical DAG-CBOR.
    pub fn dag_cbor(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let cid = Cid::of_dag_cbor(&bytes);
        Self { cid, bytes }
    }

    /// The block, if these are the bytes that the CID names.
    pub fn verified(cid: Cid, bytes: Bytes) -> Option<Self> {
        cid.names(&bytes).then_some(Self { cid, bytes })
    }

    /// Its name.
    pub const fn cid(&self) -> Cid {
        self.cid
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What it links to, in order and with repetitions. Any DAG-CBOR is understood, not packages alone, so that a
    /// store may hold whatever uses links.
    pub fn links(&self) -> Result<Vec<Cid>, FormatError> {
        match self.cid.codec() {
            Codec::Raw => Ok(Vec::new()),
            Codec::DagCbor => links(&self.bytes),
        }
    }
}

/// Walks over the items without a stack: where an item stands does not matter, only whether it is a link.
fn links(bytes: &[u8]) -> Result<Vec<Cid>, FormatError> {
    let wrong = |error: minicbor::decode::Error| FormatError::new("block", error.to_string());
    let mut decoder = Decoder::new(bytes);
    let mut found = Vec::new();
    while decoder.position() < bytes.len() {
        match decoder.datatype().map_err(wrong)? {
            Type::Array => _ = decoder.array().map_err(wrong)?,
            Type::Map => _ = decoder.map().map_err(wrong)?,
            Type::Tag => {
                if decoder.tag().map_err(wrong)? == Tag::new(LINK_TAG) {
                    let link = decoder.bytes().map_err(wrong)?;
                    found.push(crate::cbor::link_of(link, "link")?);
                }
            }
            _ => decoder.skip().map_err(wrong)?,
        }
    }
    Ok(found)
}
