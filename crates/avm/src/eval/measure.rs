//! The size and depth of values as if nothing in them were shared.
//!
//! A value that a script builds is small in memory, because its parts are
//! shared, and yet can be 2^60 bytes long when it is written out, hashed or
//! compared. So every value that is made of others is measured first, and each
//! shared part is looked at once.

use rustc_hash::FxHashMap;
use weir_identity::Value;

/// What a value would be when written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Bytes of its DAG-CBOR; saturates.
    pub bytes: u64,
    /// Arrays and objects around the innermost value.
    pub depth: u32,
}

/// Measures values and remembers the large ones.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    /// By address. The value is kept, so that the address stays its own.
    known: FxHashMap<usize, (Value, Measure)>,
}

/// Smaller values are faster measured again than looked up.
const REMEMBERED_BYTES_MIN: u64 = 256;

impl Measures {
    /// Measures a value that is at most a few levels deeper than what can be
    /// decoded.
    pub fn of(&mut self, value: &Value) -> Measure {
        let flat = |bytes| Measure { bytes, depth: 0 };
        let address = match value {
            Value::Null | Value::Bool(_) => return flat(1),
            Value::Int(n) => {
                return flat(header(u64::try_from(*n).unwrap_or(!*n as u64)));
            }
            Value::Uint(n) => return flat(header(*n)),
            Value::Float(_) => return flat(9),
            Value::String(text) => return flat(text_bytes(text)),
            Value::Array(items) => items.as_ptr().addr(),
            Value::Object(fields) => std::sync::Arc::as_ptr(fields).addr(),
        };
        if let Some((_, measure)) = self.known.get(&address) {
            return *measure;
        }
        let measure = match value {
            Value::Array(items) => {
                let parts = items.iter().map(|item| self.of(item));
                around(header(items.len() as u64), parts)
            }
            Value::Object(fields) => {
                let names: u64 = fields.keys().map(|name| text_bytes(name)).sum();
                let parts = fields.values().map(|field| self.of(field));
                around(header(fields.len() as u64) + names, parts)
            }
            _ => return flat(0),
        };
        if measure.bytes >= REMEMBERED_BYTES_MIN {
            self.known.insert(address, (value.clone(), measure));
        }
        measure
    }
}

fn around(own: u64, parts: impl Iterator<Item = Measure>) -> Measure {
    let (bytes, depth) = parts.fold((own, 0), |(bytes, depth), part| {
        (bytes.saturating_add(part.bytes), part.depth.max(depth))
    });
    Measure {
        bytes,
        depth: depth + 1,
    }
}

fn text_bytes(text: &str) -> u64 {
    header(text.len() as u64) + text.len() as u64
}

/// Bytes of a CBOR header with this argument.
pub(crate) fn header(argument: u64) -> u64 {
    match argument {
        0..24 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_that_of_the_bytes() {
        let long = "x".repeat(300);
        let text = format!(
            r#"[null,true,0,23,24,-1,-25,255,256,65535,65536,-4294967297,18446744073709551615,
            1.5,"","{long}",[],{{}},{{"a":[[1]],"{long}":{{"b":"c"}}}}]"#
        );
        let value = Value::from_json(&text).expect("it is JSON");
        let many = Value::from(vec![value; 70_000]);
        let measure = Measures::default().of(&many);
        assert_eq!(measure.bytes, many.to_dag_cbor().len() as u64);
        assert_eq!(measure.depth as usize, many.depth());
    }

    #[test]
    fn shared_parts_are_measured_once() {
        let mut measures = Measures::default();
        let mut value = Value::from("x".repeat(300));
        for depth in 1..90 {
            value = Value::from(vec![value.clone(), value]);
            assert_eq!(measures.of(&value).depth, depth);
        }
        assert_eq!(measures.of(&value).bytes, u64::MAX);
    }
}
