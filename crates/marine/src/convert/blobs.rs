//! Byte lists that arguments name instead of holding them.

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::{Cid, Value};

use crate::effects::Fault;

/// The blobs that the arguments of a call name, `{"cid": "…"}`, as far as they are here.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    here: BTreeMap<Cid, Result<Vec<u8>, Fault>>,
    wanted: BTreeSet<Cid>,
}

impl Blobs {
    /// The blob that a value names, if it names one; `Err` if it means to and does not.
    pub(super) fn named(value: &Value) -> Option<Result<Cid, String>> {
        let Value::Object(fields) = value else {
            return None;
        };
        let cid = value.get("cid").filter(|_| fields.len() == 1)?;
        let text = cid.as_str().unwrap_or_default();
        Some(text.parse().map_err(|_| cid.to_json()))
    }

    /// The bytes of a blob, or why there are none. Nothing if it is yet to be read, which is remembered.
    pub(super) fn bytes(&mut self, cid: Cid) -> Option<&Result<Vec<u8>, Fault>> {
        let here = self.here.get(&cid);
        if here.is_none() {
            self.wanted.insert(cid);
        }
        here
    }

    /// Those that have to be read, in their order. They are not asked for again.
    pub(crate) fn take_wanted(&mut self) -> BTreeSet<Cid> {
        std::mem::take(&mut self.wanted)
    }

    /// Whether some have to be read.
    pub(crate) fn lack(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Here is what came of reading one.
    pub(crate) fn put(&mut self, cid: Cid, bytes: Result<Vec<u8>, Fault>) {
        self.here.insert(cid, bytes);
    }
}
