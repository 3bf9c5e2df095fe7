//! How large a value would be, without writing it.

use weir_identity::Value;

/// Whether the canonical bytes of `value` are at most `limit`.
pub(crate) fn encoded_size_within(value: &Value, limit: usize) -> bool {
    encoded_size(value, limit).is_some()
}

/// How many canonical bytes `value` has, if they are at most `limit`.
///
/// Values share their parts, so a small script can build one that is
/// exponentially larger when written; the walk stops at the limit.
pub(crate) fn encoded_size(value: &Value, limit: usize) -> Option<usize> {
    let mut left = limit;
    let mut open = vec![std::slice::from_ref(value).iter()];
    let mut objects = Vec::new();
    loop {
        let next = match open.last_mut() {
            Some(items) => items.next(),
            None => match objects.pop() {
                Some(object) => {
                    let object: &std::collections::BTreeMap<_, Value> = object;
                    for (key, field) in object {
                        let key: &std::sync::Arc<str> = key;
                        if !take(&mut left, head(key.len()) + key.len()) {
                            return None;
                        }
                        open.push(std::slice::from_ref(field).iter());
                    }
                    continue;
                }
                None => return Some(limit - left),
            },
        };
        let Some(value) = next else {
            open.pop();
            continue;
        };
        let own = match value {
            Value::Null | Value::Bool(_) => 1,
            Value::Int(n) => head(n.unsigned_abs() as usize),
            Value::Uint(_) | Value::Float(_) => 9,
            Value::String(text) => head(text.len()) + text.len(),
            Value::Array(items) => {
                open.push(items.iter());
                head(items.len())
            }
            Value::Object(fields) => {
                objects.push(fields.as_ref());
                head(fields.len())
            }
        };
        if !take(&mut left, own) {
            return None;
        }
    }
}

fn take(left: &mut usize, bytes: usize) -> bool {
    match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

/// Bytes of a DAG-CBOR head with this argument.
fn head(argument: usize) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}
