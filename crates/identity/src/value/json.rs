//! JSON text, and the serde implementations behind it.

use std::sync::Arc;
use std::{fmt, io};

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::{DEPTH_MAX, Fields, Value};

/// Room made in advance for the items of an array, whatever the input claims.
const RESERVED_ITEMS_MAX: usize = 64;

/// Why text is not a JSON value, with line and column.
#[derive(Debug, thiserror::Error)]
#[error("not a JSON value: {0}")]
pub struct JsonError(#[from] serde_json::Error);

impl JsonError {
    /// The line of the problem, counted from 1.
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// The column of the problem in bytes, counted from 1; 0 is the end of the line before.
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

impl Value {
    /// Reads JSON text. Integers beyond `u64` and `i64` and numbers with an exponent become floats, `-0` becomes
    /// `-0.0`, of two fields with one name the last wins. Numbers beyond `f64`, text after the value and more than
    /// [`DEPTH_MAX`] nested arrays and objects are errors.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        // The visitor below bounds the depth.
        deserializer.disable_recursion_limit();
        let value = Self::deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// Canonical JSON text: fields sorted by the bytes of their names, no spaces, floats in the shortest digits that
    /// read back the same, with a fraction (`1.0`) or, from 1e16 and below 1e-5, an exponent (`1e16`).
    pub fn to_json(&self) -> String {
        let mut text = Vec::with_capacity(64);
        self.serialize(&mut serde_json::Serializer::with_formatter(
            &mut text, Canonical,
        ))
        .expect("writing to memory cannot fail and keys are strings");
        String::from_utf8(text).expect("JSON text is made of strings and ASCII")
    }
}

/// Compact, and without the plus sign that some float printers put into exponents, because the text is part of
/// what peers agree on.
struct Canonical;

impl Formatter for Canonical {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        let mut digits = Vec::with_capacity(32);
        CompactFormatter.write_f64(&mut digits, number)?;
        digits.retain(|byte| *byte != b'+');
        writer.write_all(&digits)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items.iter()),
            Self::Object(fields) => serializer.collect_map(fields.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nested {
            depth_left: DEPTH_MAX,
        }
        .deserialize(deserializer)
    }
}

/// Reads a value inside others.
#[derive(Clone, Copy)]
struct Nested {
    depth_left: usize,
}

impl Nested {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom(format_args!(
                "more than {DEPTH_MAX} nested arrays and objects"
            ))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Value::float(number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut items = Vec::with_capacity(input.size_hint().unwrap_or(0).min(RESERVED_ITEMS_MAX));
        while let Some(item) = input.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Value::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut fields = Fields::new();
        while let Some(name) = input.next_key_seed(Name)? {
            fields.insert(name, input.next_value_seed(inside)?);
        }
        Ok(Value::from(fields))
    }
}

/// Reads the name of a field into the one allocation that the object keeps.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Arc<str>, E> {
        Ok(Arc::from(name))
    }
}
