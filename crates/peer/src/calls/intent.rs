//! What the store keeps of a call that was begun and whose outcome no journal holds yet.

use bytes::Bytes;
use serde_bytes::ByteBuf;
use weir_identity::Value;

use crate::event::CallOutcome;

/// How far it got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Intent {
    /// It was given out. After a crash nobody knows whether it took effect.
    Begun,
    /// It ended, and its particle could not take the outcome yet. What it changed is durable with this.
    Ended(Answer),
}

/// How a call ended, and the receipt of what was executed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) outcome: CallOutcome,
    pub(crate) receipt: Option<Bytes>,
}

impl From<CallOutcome> for Answer {
    fn from(outcome: CallOutcome) -> Self {
        Self {
            outcome,
            receipt: None,
        }
    }
}

/// Kind and code of the outcome, its value in DAG-CBOR, the signed receipt.
type Items = (u8, i32, Option<ByteBuf>, Option<ByteBuf>);

const VALUE: u8 = 0;
const FAILED: u8 = 1;
const INTERRUPTED: u8 = 2;

impl Intent {
    /// As a record's value, which is empty for what was begun.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self::Ended(Answer { outcome, receipt }) = self else {
            return Vec::new();
        };
        let encoded = |value: &Value| Some(ByteBuf::from(value.to_dag_cbor()));
        let (kind, code, value) = match outcome {
            CallOutcome::Value(value) => (VALUE, 0, encoded(value)),
            CallOutcome::Failed { code, message } => (FAILED, *code, encoded(message)),
            CallOutcome::Interrupted => (INTERRUPTED, 0, None),
        };
        let receipt = receipt.as_deref().map(ByteBuf::from);
        let items: Items = (kind, code, value, receipt);
        serde_ipld_dagcbor::to_vec(&items).expect("numbers and bytes always encode")
    }

    /// Nothing if it is damaged.
    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        if record.is_empty() {
            return Some(Self::Begun);
        }
        let (kind, code, value, receipt): Items = serde_ipld_dagcbor::from_slice(record).ok()?;
        let value = match value {
            Some(bytes) => Some(Value::from_dag_cbor(&bytes).ok()?),
            None => None,
        };
        let outcome = match (kind, value) {
            (VALUE, Some(value)) => CallOutcome::Value(value),
            (FAILED, Some(message)) => CallOutcome::Failed { code, message },
            (INTERRUPTED, None) => CallOutcome::Interrupted,
            _ => return None,
        };
        let receipt = receipt.map(|bytes| Bytes::from(bytes.into_vec()));
        Some(Self::Ended(Answer { outcome, receipt }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_call_is_read_as_it_was_written() {
        let receipt = Some(Bytes::from_static(b"signed"));
        let failed = CallOutcome::failed("it did not work");
        let value = CallOutcome::Value(Value::from(7_i64));
        for intent in [
            Intent::Begun,
            Intent::Ended(value.clone().into()),
            Intent::Ended(failed.into()),
            Intent::Ended(CallOutcome::Interrupted.into()),
            Intent::Ended(Answer {
                outcome: value,
                receipt,
            }),
        ] {
            let record = intent.encode();
            assert_eq!(Intent::decode(&record), Some(intent));
            for end in 1..record.len() {
                assert_eq!(Intent::decode(&record[..end]), None);
            }
        }
    }
}
