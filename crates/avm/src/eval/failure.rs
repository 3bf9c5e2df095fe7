//! Catchable errors and the objects that scripts see of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::Value;
use weir_identity::value::Fields;

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
    pub message: Arc<str>,
    /// What `%last_error%` becomes; `None` leaves it as it was.
    pub last: Option<Value>,
    /// What `:error:` shows on the right side of the `xor` that caught it.
    pub shown: Value,
    pub tetraplet: Arc<Tetraplet>,
    /// Raised by a failed call or by `fail`: a chain of a stream fold that ends
    /// so is not complete.
    pub grave: bool,
}

/// How much of a value stands in an error text, in bytes. The same on all
/// peers: scripts read these texts.
const VALUE_TEXT_MAX: usize = 256;

/// How much of what a service said or a script raised stands in an error text.
pub(crate) const SAID_TEXT_MAX: usize = 4_096;

/// A value as it stands in an error text.
pub(crate) fn shown(value: &Value) -> String {
    shown_within(value, VALUE_TEXT_MAX)
}

/// The beginning of the JSON of a value; the cost does not depend on its size.
pub(crate) fn shown_within(value: &Value, bytes: usize) -> String {
    // Each part of a value gives at least one byte of text.
    let mut left = bytes + 1;
    cut(&beginning(value, &mut left).to_json(), bytes)
}

/// A text as it stands in an error text.
pub(crate) fn cut_name(text: &str) -> String {
    cut(text, VALUE_TEXT_MAX)
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

/// What is needed of a value to write the first `left` bytes of its text.
fn beginning(value: &Value, left: &mut usize) -> Value {
    let before = *left;
    *left = left.saturating_sub(1);
    match value {
        Value::String(text) => {
            *left = left.saturating_sub(text.len());
            Value::from(&text[..text.ceil_char_boundary(before)])
        }
        Value::Array(items) => {
            let mut begun = Vec::new();
            for item in items.iter() {
                if *left == 0 {
                    break;
                }
                begun.push(beginning(item, left));
            }
            Value::from(begun)
        }
        Value::Object(fields) => {
            let mut begun = Fields::new();
            for (name, field) in fields.iter() {
                if *left == 0 {
                    break;
                }
                let name_end = name.ceil_char_boundary(*left);
                *left = left.saturating_sub(name.len());
                begun.insert(Arc::from(&name[..name_end]), beginning(field, left));
            }
            Value::from(begun)
        }
        small => small.clone(),
    }
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
    message: &Arc<str>,
    instruction: &Arc<str>,
    peer: Option<&Arc<str>>,
) -> Value {
    let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    fields.insert("error_code".into(), Value::from(code));
    fields.insert("message".into(), Value::from(message.clone()));
    fields.insert("instruction".into(), Value::from(instruction.clone()));
    if let Some(peer) = peer {
        fields.insert("peer_id".into(), Value::from(peer.clone()));
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
            shown(value)
        )));
    };
    let number = match fields.get("error_code") {
        None => return Err(bad("the error object has no field error_code".into())),
        Some(Value::Int(0)) => return Err(bad("the error code must not be zero".into())),
        Some(Value::Int(n)) => *n,
        Some(other) => {
            return Err(bad(format!(
                "error_code is {}, expected an integer of 64 bits",
                shown(other)
            )));
        }
    };
    match fields.get("message") {
        None => Err(bad("the error object has no field message".into())),
        Some(Value::String(text)) => Ok((number, text.clone())),
        Some(other) => Err(bad(format!(
            "message is {}, expected a string",
            shown(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_value_is_cut_where_it_is_too_long() {
        let short = Value::from("x".repeat(254));
        assert_eq!(shown(&short), short.to_json());
        let long = "é".repeat(1_000);
        let nested = vec![Value::from(1_i64); 1_000];
        let nested = Value::from(vec![Value::Null, Value::from(nested)]);
        let key: Arc<str> = long.as_str().into();
        let named = Value::from(Fields::from([
            ("a".into(), nested.clone()),
            (key, Value::Null),
        ]));
        let deep = (0..128).fold(Value::from(long.as_str()), |v, _| Value::from(vec![v]));
        for value in [Value::from(long.as_str()), nested, named, deep] {
            let whole = value.to_json();
            let expected = format!("{}…", &whole[..whole.floor_char_boundary(256)]);
            assert_eq!(shown(&value), expected);
        }
    }
}
