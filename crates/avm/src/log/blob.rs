//! Values beside the journals.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Cid, Value};

use super::Malformed;

/// A value with its canonical bytes. Cheap to clone, so that particles can share it.
#[derive(Clone, Debug)]
pub struct Blob(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cid: Cid,
    value: Value,
    bytes: Bytes,
}

impl Blob {
    /// The blob of a value.
    pub fn of(value: Value) -> Blob {
        let bytes = Bytes::from(value.to_dag_cbor());
        Blob(Arc::new(Inner {
            cid: Cid::of_dag_cbor(&bytes),
            value,
            bytes,
        }))
    }

    /// Reads canonical DAG-CBOR; anything else is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Blob, Malformed> {
        let value = Value::from_dag_cbor(bytes).map_err(|_| Malformed("value"))?;
        let bytes = Bytes::copy_from_slice(bytes);
        Ok(Blob(Arc::new(Inner {
            cid: Cid::of_dag_cbor(&bytes),
            value,
            bytes,
        })))
    }

    /// Its content identifier.
    pub fn cid(&self) -> &Cid {
        &self.0.cid
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// The canonical DAG-CBOR.
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.cid() == other.cid()
    }
}

impl Eq for Blob {}
