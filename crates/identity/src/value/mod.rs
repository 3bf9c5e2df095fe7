//! JSON values with one canonical byte form.

mod accessors;
mod cbor_decode;
mod cbor_encode;
mod json;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use cbor_decode::{CborError, CborProblem};
pub use json::JsonError;

use crate::Cid;

/// How many arrays and objects may surround a value, itself included: parsing refuses more.
pub const DEPTH_MAX: usize = 128;

/// The fields of an object, in the order of their names' bytes.
pub type Fields = BTreeMap<Arc<str>, Value>;

/// A JSON value. Clones are cheap: strings, arrays and objects are shared.
///
/// Integers and floats differ (`1` is not `1.0`), as they do in DAG-CBOR. Two values are equal if their structure is;
/// `0.0` equals `-0.0`, although their bytes and CIDs differ.
///
/// Through serde a value is JSON as well, and binary formats get the same structure. Bytes that are signed or named by a
/// CID come from [`Value::to_dag_cbor`] alone, canonical text from [`Value::to_json`].
///
/// The variants are public for matching. Who builds them by hand keeps what the constructors keep:
/// [`Value::Uint`] is above [`i64::MAX`] (use `Value::from(u64)`), [`Value::Float`] is finite (use
/// [`Value::float`]). A program that nests values in a loop asks [`Value::fits_depth`] before it goes on: a deeper
/// value can be decoded nowhere, and a much deeper one exhausts the stack when dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer up to [`i64::MAX`].
    Int(i64),
    /// An integer above [`i64::MAX`].
    Uint(u64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<[Value]>),
    /// An object.
    Object(Arc<Fields>),
}

impl Eq for Value {}

impl Value {
    /// The number, unless it is infinite or not a number.
    pub fn float(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self::Float(number))
    }

    /// The content id of the canonical DAG-CBOR bytes.
    pub fn cid(&self) -> Cid {
        Cid::of_dag_cbor(&self.to_dag_cbor())
    }

    /// How many arrays and objects surround the innermost value: 0 for `1`, 1 for `[]` and `[1]`.
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut pending = vec![(self, 0)];
        while let Some((value, outside)) = pending.pop() {
            let inside = outside + 1;
            match value {
                Self::Array(items) => pending.extend(items.iter().map(|item| (item, inside))),
                Self::Object(fields) => {
                    pending.extend(fields.values().map(|field| (field, inside)));
                }
                _ => continue,
            }
            deepest = deepest.max(inside);
        }
        deepest
    }

    /// Whether the depth is at most [`DEPTH_MAX`], so that others can decode the value.
    pub fn fits_depth(&self) -> bool {
        fn fits(value: &Value, left: usize) -> bool {
            match value {
                Value::Array(items) => left > 0 && items.iter().all(|item| fits(item, left - 1)),
                Value::Object(fields) => {
                    left > 0 && fields.values().all(|field| fits(field, left - 1))
                }
                _ => true,
            }
        }
        fits(self, DEPTH_MAX)
    }
}

/// The JSON text, as [`Value::to_json`] gives it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_json())
    }
}

macro_rules! from_integer {
    ($($small:ty)*) => {$(
        impl From<$small> for Value {
            fn from(number: $small) -> Self {
                Self::Int(i64::from(number))
            }
        }
    )*};
}

from_integer!(i8 i16 i32 i64 u8 u16 u32);

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Uint(number), Self::Int)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items.into())
    }
}

impl From<Arc<[Value]>> for Value {
    fn from(items: Arc<[Value]>) -> Self {
        Self::Array(items)
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(Arc::new(fields))
    }
}

/// Collects an array.
impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

/// Collects an object; of two fields with one name the last wins.
impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Self {
        Self::Object(Arc::new(
            fields
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        ))
    }
}
