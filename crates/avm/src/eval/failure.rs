//! Catchable errors and the objects that scripts see of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::Value;

use crate::tetraplet::Tetraplet;

/// Codes of catchable errors (spec air 7.2).
pub(crate) mod code {
    pub const SERVICE: i64 = 10_000;
    pub const MATCH: i64 = 10_001;
    pub const MISMATCH: i64 = 10_002;
    pub const NOT_FOUND: i64 = 10_003;
    pub const NOT_ARRAY: i64 = 10_005;
    pub const USER: i64 = 10_006;
    pub const LENS: i64 = 10_007;
    pub const BAD_ERROR_OBJECT: i64 = 10_008;
    pub const HIDDEN: i64 = 10_009;
    pub const LENGTH: i64 = 10_010;
    pub const NOT_STRING: i64 = 10_011;
    pub const MAP_KEY: i64 = 10_012;
}

/// Why an instruction failed, before it is known which.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub code: i64,
    pub message: String,
}

impl Cause {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Cause {
            code,
            message: message.into(),
        }
    }
}

/// A failed instruction.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub code: i64,
    pub message: String,
    /// What `%last_error%` becomes; `None` leaves it as it was.
    pub last: Option<Value>,
    /// What `:error:` shows on the right side of the `xor` that caught it.
    pub shown: Value,
    pub tetraplet: Arc<Tetraplet>,
    /// Raised by a failed call or by `fail`: a chain of a stream fold that ends
    /// so is not complete.
    pub grave: bool,
}

/// The object that stands for "no error".
pub(crate) fn no_error() -> Value {
    object([
        ("error_code", Value::from(0_i64)),
        ("message", Value::from("")),
    ])
}

/// An error object as scripts read it.
pub(crate) fn error_object(
    code: i64,
    message: &str,
    instruction: &str,
    peer: Option<&str>,
) -> Value {
    let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    fields.insert("error_code".into(), Value::from(code));
    fields.insert("message".into(), Value::from(message));
    fields.insert("instruction".into(), Value::from(instruction));
    if let Some(peer) = peer {
        fields.insert("peer_id".into(), Value::from(peer));
    }
    Value::Object(Arc::new(fields))
}

pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(Arc::new(
        fields.into_iter().map(|(k, v)| (Arc::from(k), v)).collect(),
    ))
}

/// Checks that `value` may be raised by `fail`: an object with a non-zero
/// integer `error_code` and a string `message`. Returns code and message.
pub(crate) fn raisable(value: &Value) -> Result<(i64, Arc<str>), Cause> {
    let bad = |text: String| Cause::new(code::BAD_ERROR_OBJECT, text);
    let Value::Object(fields) = value else {
        return Err(bad(format!(
            "cannot fail with {}: expected an object",
            value.to_json()
        )));
    };
    let number = match fields.get("error_code") {
        None => return Err(bad("the error object has no field error_code".into())),
        Some(Value::Int(0)) => return Err(bad("the error code must not be zero".into())),
        Some(Value::Int(n)) => *n,
        Some(other) => {
            return Err(bad(format!(
                "error_code is {}, expected an integer of 64 bits",
                other.to_json()
            )));
        }
    };
    match fields.get("message") {
        None => Err(bad("the error object has no field message".into())),
        Some(Value::String(text)) => Ok((number, text.clone())),
        Some(other) => Err(bad(format!(
            "message is {}, expected a string",
            other.to_json()
        ))),
    }
}
