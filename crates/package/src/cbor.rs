//! Canonical DAG-CBOR with links, item by item. [`Value`] is JSON and has none.
//!
//! The reader is lenient where the writer decides: whoever decodes writes again what was read and compares, so that
//! one value has one form.

use minicbor::data::Tag;
use minicbor::encode::write::Write;
use minicbor::{Decoder, Encoder};
use weir_identity::{Cid, Value};

use crate::error::FormatError;

/// The tag of a link in DAG-CBOR.
pub(crate) const LINK_TAG: u64 = 42;

/// Stands before the bytes of a CID in a link.
const IDENTITY: u8 = 0;

/// Reads items and says where it was when something is wrong.
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    decoder: Decoder<'b>,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        let decoder = Decoder::new(bytes);
        Self { bytes, decoder }
    }

    /// The beginning of an object with exactly these many fields.
    pub(crate) fn object(&mut self, fields: u64, at: &str) -> Result<(), FormatError> {
        match self.decoder.map() {
            Ok(Some(found)) if found == fields => Ok(()),
            Ok(Some(found)) => Err(wrong(at, format!("has {found} fields, not {fields}"))),
            Ok(None) => Err(wrong(at, "has no definite length")),
            Err(_) => Err(wrong(at, "is not an object")),
        }
    }

    /// The name of the next field.
    pub(crate) fn key(&mut self, name: &str, at: &str) -> Result<(), FormatError> {
        match self.decoder.str() {
            Ok(found) if found == name => Ok(()),
            Ok(found) => {
                let found: String = found.chars().take(32).collect();
                Err(wrong(
                    at,
                    format!("has the field `{found}` where `{name}` belongs"),
                ))
            }
            Err(_) => Err(wrong(at, format!("lacks the field `{name}`"))),
        }
    }

    /// The beginning of a list.
    pub(crate) fn list(&mut self, max: usize, at: &str) -> Result<usize, FormatError> {
        let count = match self.decoder.array() {
            Ok(Some(count)) => count,
            Ok(None) => return Err(wrong(at, "has no definite length")),
            Err(_) => return Err(wrong(at, "is not a list")),
        };
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= max)
            .ok_or_else(|| wrong(at, format!("has {count} items, at most {max} are allowed")))
    }

    pub(crate) fn uint(&mut self, at: &str) -> Result<u64, FormatError> {
        self.decoder
            .u64()
            .map_err(|_| wrong(at, "is not a number from 0 to 2^64 - 1"))
    }

    pub(crate) fn text(&mut self, max: usize, at: &str) -> Result<&'b str, FormatError> {
        let text = self.decoder.str().map_err(|_| wrong(at, "is not text"))?;
        if text.len() > max {
            let problem = format!("has {} bytes, at most {max} are allowed", text.len());
            return Err(wrong(at, problem));
        }
        Ok(text)
    }

    pub(crate) fn digest(&mut self, at: &str) -> Result<[u8; 32], FormatError> {
        let bytes = self.decoder.bytes().ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| wrong(at, "is not 32 bytes"))
    }

    pub(crate) fn link(&mut self, at: &str) -> Result<Cid, FormatError> {
        let tagged = self
            .decoder
            .tag()
            .is_ok_and(|tag| tag == Tag::new(LINK_TAG));
        let bytes = self.decoder.bytes().ok().filter(|_| tagged);
        link_of(bytes.ok_or_else(|| wrong(at, "is not a link"))?, at)
    }

    /// A value without links.
    pub(crate) fn value(&mut self, at: &str) -> Result<Value, FormatError> {
        let from = self.decoder.position();
        let skipped = self.decoder.skip();
        skipped.map_err(|_| wrong(at, "is not complete"))?;
        let bytes = self.bytes.get(from..self.decoder.position());
        Value::from_dag_cbor(bytes.unwrap_or_default())
            .map_err(|error| wrong(at, error.to_string()))
    }
}

/// The CID in the bytes of a link.
pub(crate) fn link_of(bytes: &[u8], at: &str) -> Result<Cid, FormatError> {
    match bytes.split_first() {
        Some((&IDENTITY, cid)) => {
            Cid::from_bytes(cid).map_err(|error| wrong(at, error.to_string()))
        }
        _ => Err(wrong(at, "is not the bytes of a CID")),
    }
}

fn wrong(at: &str, problem: impl Into<String>) -> FormatError {
    FormatError::new(at, problem)
}

/// Writes items. Whoever uses it keeps the order of fields: the shorter name first, then by bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn put(
        &mut self,
        item: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), minicbor::encode::Error<Never>>,
    ) -> &mut Self {
        // Writing to memory does not fail, as the type of the error says.
        let _ = item(&mut Encoder::new(&mut self.0));
        self
    }

    pub(crate) fn object(&mut self, fields: u64) -> &mut Self {
        self.put(|to| to.map(fields).map(|_| ()))
    }

    pub(crate) fn list(&mut self, count: usize) -> &mut Self {
        self.put(|to| to.array(count as u64).map(|_| ()))
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.put(|to| to.str(text).map(|_| ()))
    }

    pub(crate) fn uint(&mut self, number: u64) -> &mut Self {
        self.put(|to| to.u64(number).map(|_| ()))
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(|to| to.bytes(bytes).map(|_| ()))
    }

    pub(crate) fn link(&mut self, cid: &Cid) -> &mut Self {
        let mut bytes = vec![IDENTITY];
        bytes.extend_from_slice(&cid.to_bytes());
        self.put(|to| to.tag(Tag::new(LINK_TAG))?.bytes(&bytes).map(|_| ()))
    }

    pub(crate) fn value(&mut self, value: &Value) -> &mut Self {
        value.write_dag_cbor(&mut self.0);
        self
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What goes wrong when bytes are appended to memory.
type Never = <Vec<u8> as Write>::Error;
