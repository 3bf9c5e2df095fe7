//! Values beside the journals.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// The values of many logs, each in memory once: particles visit many peers of one process, and
/// particles of one script carry the same values.
///
/// It owns nothing: a value goes with the last log that holds it.
#[derive(Debug, Default)]
pub struct Blobs(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    by_cid: HashMap<Cid, Weak<Inner>>,
    /// How many there may be before those that are gone are swept out.
    sweep_at: usize,
}

impl Blobs {
    /// Values of so many bytes take less than their place in the table.
    const SMALL: usize = 64;
    const SWEEP_MIN: usize = 1024;

    /// Number of different values that somebody holds.
    pub fn len(&self) -> usize {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = table.by_cid.values().filter(|blob| blob.strong_count() > 0);
        held.count()
    }

    /// True if nobody holds a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same value, as somebody else holds it if somebody does.
    pub(super) fn share(&self, blob: Blob) -> Blob {
        if blob.bytes().len() <= Self::SMALL {
            return blob;
        }
        // Each change leaves the table whole, whatever a panicking thread was doing with it.
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = table.by_cid.get(blob.cid()).and_then(Weak::upgrade) {
            return Blob(held);
        }
        if table.by_cid.len() >= table.sweep_at {
            table.by_cid.retain(|_, blob| blob.strong_count() > 0);
            table.sweep_at = (table.by_cid.len() * 2).max(Self::SWEEP_MIN);
        }
        table.by_cid.insert(*blob.cid(), Arc::downgrade(&blob.0));
        blob
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.cid() == other.cid()
    }
}

impl Eq for Blob {}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(n: u64) -> Blob {
        Blob::of(Value::from(format!("{n:0>100}")))
    }

    #[test]
    fn equal_values_become_one() {
        let blobs = Blobs::default();
        let (first, second) = (blobs.share(blob(1)), blobs.share(blob(1)));
        assert!(Arc::ptr_eq(&first.0, &second.0));
        assert_eq!(blobs.len(), 1);
        drop((first, second));
        assert!(blobs.is_empty(), "the table keeps nothing alive");
    }

    #[test]
    fn values_that_are_gone_leave_the_table() {
        let blobs = Blobs::default();
        for n in 0..10 * Blobs::SWEEP_MIN as u64 {
            blobs.share(blob(n));
        }
        let table = blobs.0.lock().unwrap();
        assert!(
            table.by_cid.len() <= Blobs::SWEEP_MIN,
            "{}",
            table.by_cid.len()
        );
    }
}
