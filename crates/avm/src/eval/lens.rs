//! Lenses: paths into values. Their texts and errors are read by scripts, so
//! all peers must produce them alike.

use std::fmt::Write;

use weir_identity::Value;

use super::failure::{Cause, code, cut_name, shown};

/// One resolved accessor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Field(std::sync::Arc<str>),
    Index(u32),
    /// An integer that no list can have as an index; stream maps may.
    Number(Value),
}

impl Key {
    /// The accessor that the value of a scalar in brackets stands for.
    pub fn of(value: &Value) -> Result<Key, Cause> {
        match value {
            Value::String(name) => Ok(Key::Field(name.clone())),
            Value::Int(n) => {
                Ok(u32::try_from(*n).map_or_else(|_| Key::Number(value.clone()), Key::Index))
            }
            Value::Uint(_) => Ok(Key::Number(value.clone())),
            other => Err(Cause::new(
                code::LENS,
                format!(
                    "{} cannot be used as an accessor: expected a string or an integer",
                    shown(other)
                ),
            )),
        }
    }

    fn write(&self, out: &mut String) {
        let done = match self {
            Key::Field(name) => write!(out, ".{name}"),
            Key::Index(index) => write!(out, ".[{index}]"),
            Key::Number(n) => write!(out, ".[{}]", n.to_json()),
        };
        done.expect("writing to a string cannot fail");
    }
}

/// The text of accessors without the leading `.$`.
pub(crate) fn rest_text(keys: &[Key]) -> String {
    let mut text = String::new();
    for key in keys {
        key.write(&mut text);
    }
    text
}

/// The text of a path, `.$.a.[0]`.
pub(crate) fn path_text(keys: &[Key]) -> String {
    format!(".${}", rest_text(keys))
}

/// Follows `keys` into `value`.
pub(crate) fn select(value: &Value, keys: &[Key]) -> Result<Value, Cause> {
    let mut at = value;
    for key in keys {
        at = match (key, at) {
            (Key::Field(name), Value::Object(fields)) => fields.get(name).ok_or_else(|| {
                lens(format!(
                    "value {} does not contain the field {}",
                    shown(at),
                    cut_name(name)
                ))
            })?,
            (Key::Index(index), Value::Array(items)) => {
                items.get(*index as usize).ok_or_else(|| {
                    lens(format!(
                        "value {} does not contain the index {index}",
                        shown(at)
                    ))
                })?
            }
            (Key::Number(n), Value::Array(_)) => {
                return Err(lens(format!("index {} does not fit 32 bits", n.to_json())));
            }
            (Key::Field(name), _) => {
                return Err(lens(format!(
                    "value {} is no object, so it has no field {}",
                    shown(at),
                    cut_name(name)
                )));
            }
            (Key::Index(index), _) => {
                return Err(lens(format!(
                    "value {} is no array, so it has no index {index}",
                    shown(at)
                )));
            }
            (Key::Number(n), _) => {
                return Err(lens(format!(
                    "value {} is no array, so it has no index {}",
                    shown(at),
                    n.to_json()
                )));
            }
        };
    }
    Ok(at.clone())
}

/// The number of elements of an array.
pub(crate) fn length(value: &Value) -> Result<Value, Cause> {
    match value {
        Value::Array(items) => Ok(Value::from(items.len() as u64)),
        other => Err(Cause::new(
            code::LENGTH,
            format!(
                "the length of {} was asked for, which is no array",
                shown(other)
            ),
        )),
    }
}

fn lens(message: String) -> Cause {
    Cause::new(code::LENS, message)
}
