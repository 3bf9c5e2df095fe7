//! Typed parameters of host functions, and arguments checked against them.

use std::fmt;

use weir_identity::{PeerId, Value};

use super::failure::{Code, Failure};

/// A parameter.
#[derive(Debug)]
pub struct Param {
    /// Name, for messages and docs.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// How often it stands there.
    pub form: Form,
}

/// How often an argument stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Once.
    Required,
    /// Absent, `[]`, `[v]`, or `v`.
    Optional,
    /// Any number of times; only as the last parameter.
    Rest,
}

/// The type of an argument or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any value.
    Any,
    /// A truth value.
    Bool,
    /// An integer between -2^63 and 2^63 - 1.
    Int,
    /// An integer from 0 on.
    Unsigned,
    /// A number.
    Number,
    /// A text.
    String,
    /// A peer id as text.
    PeerId,
    /// A number from 0 on, or the same as text.
    Duration,
    /// A list of integers from 0 to 255.
    Bytes,
    /// A list.
    Array,
    /// A list of integers.
    Ints,
    /// A list of texts.
    Strings,
    /// A list of lists of a text and any value.
    Pairs,
    /// An object.
    Object,
}

impl Kind {
    fn admits(self, value: &Value) -> bool {
        if let Some(fits) = self.item() {
            return value.as_array().is_some_and(|items| items.iter().all(fits));
        }
        match self {
            Kind::Any => true,
            Kind::Bool => matches!(value, Value::Bool(_)),
            Kind::Int => value.as_i64().is_some(),
            Kind::Unsigned => value.as_u64().is_some(),
            Kind::Number => matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_)),
            Kind::String => value.as_str().is_some(),
            Kind::PeerId => peer_id(value).is_some(),
            Kind::Duration => duration(value).is_some(),
            Kind::Array | Kind::Bytes | Kind::Ints | Kind::Strings | Kind::Pairs => {
                value.as_array().is_some()
            }
            Kind::Object => value.as_object().is_some(),
        }
    }
}

impl Kind {
    /// The kind of the items of a list.
    fn item(self) -> Option<fn(&Value) -> bool> {
        match self {
            Kind::Bytes => Some(|item| byte(item).is_some()),
            Kind::Ints => Some(|item| item.as_i64().is_some()),
            Kind::Strings => Some(|item| item.as_str().is_some()),
            Kind::Pairs => Some(|item| pair(item).is_some()),
            _ => None,
        }
    }

    /// What is there instead, down to the first wrong item of a list.
    fn misfit(self, value: &Value) -> String {
        let wrong = self
            .item()
            .zip(value.as_array())
            .and_then(|(fits, items)| items.iter().enumerate().find(|(_, item)| !fits(item)));
        match wrong {
            Some((index, item)) => format!("{} at [{index}]", shape(item)),
            None => shape(value),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Any => "any value",
            Kind::Bool => "a boolean",
            Kind::Int => "a signed 64-bit integer",
            Kind::Unsigned => "an unsigned integer",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::PeerId => "a peer id",
            Kind::Duration => "a number of milliseconds",
            Kind::Bytes => "an array of bytes",
            Kind::Array => "an array",
            Kind::Ints => "an array of signed 64-bit integers",
            Kind::Strings => "an array of strings",
            Kind::Pairs => "an array of [string, value] pairs",
            Kind::Object => "an object",
        })
    }
}

/// What a value is, without quoting texts, which may be long or private.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => value.to_json(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn peer_id(value: &Value) -> Option<PeerId> {
    value.as_str()?.parse().ok()
}

fn duration(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Float(ms) if *ms >= 0.0 => Some(*ms as u64),
        other => other.as_u64(),
    }
}

fn byte(value: &Value) -> Option<u8> {
    value.as_u64().and_then(|n| u8::try_from(n).ok())
}

fn pair(value: &Value) -> Option<(&str, &Value)> {
    match value.as_array()? {
        [key, value] => Some((key.as_str()?, value)),
        _ => None,
    }
}

/// Arguments that fit their parameters.
///
/// The accessors fail only if a table and its function disagree, in the same
/// words as for a wrong argument.
pub(crate) struct Input<'a> {
    params: &'static [Param],
    args: &'a [Value],
}

impl<'a> Input<'a> {
    pub(crate) fn check(
        params: &'static [Param],
        exact: bool,
        args: &'a [Value],
    ) -> Result<Self, Failure> {
        let input = Input { params, args };
        let open = params.last().is_some_and(|p| p.form == Form::Rest);
        if exact && !open && args.len() != params.len() {
            let optional = params.iter().filter(|p| p.form == Form::Optional).count();
            if args.len() > params.len() || args.len() < params.len() - optional {
                let text = format!("expected {}, got {}", params.len(), args.len());
                return Err(Failure::new(Code::ArgCount, text));
            }
        }
        for (index, param) in params.iter().enumerate() {
            match param.form {
                Form::Required => {
                    let arg = args.get(index).ok_or_else(|| {
                        let text = format!("argument {} `{}` is missing", index + 1, param.name);
                        Failure::new(Code::ArgMissing, text)
                    })?;
                    input.expect(index, param.kind.admits(arg))?;
                }
                Form::Optional => {
                    if let Some(arg) = input.optional(index)? {
                        input.expect(index, param.kind.admits(arg))?;
                    }
                }
                Form::Rest => {
                    for (offset, arg) in args.iter().enumerate().skip(index) {
                        input.expect(offset, param.kind.admits(arg))?;
                    }
                }
            }
        }
        Ok(input)
    }

    fn expect(&self, index: usize, fits: bool) -> Result<(), Failure> {
        if fits {
            Ok(())
        } else {
            Err(self.mistyped(index))
        }
    }

    fn mistyped(&self, index: usize) -> Failure {
        let (name, kind) = match self.params.get(index).or(self.params.last()) {
            Some(param) => (param.name, param.kind),
            None => ("", Kind::Any),
        };
        let got = self
            .args
            .get(index)
            .map_or_else(|| "nothing".to_owned(), |arg| kind.misfit(arg));
        let number = index + 1;
        let text = format!("argument {number} `{name}`: expected {kind}, got {got}");
        Failure::new(Code::ArgType, text)
    }

    /// All arguments from `index` on.
    pub(crate) fn rest(&self, index: usize) -> &'a [Value] {
        self.args.get(index..).unwrap_or_default()
    }

    pub(crate) fn any(&self, index: usize) -> Result<&'a Value, Failure> {
        self.args.get(index).ok_or_else(|| self.mistyped(index))
    }

    fn get<T>(
        &self,
        index: usize,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Failure> {
        self.args
            .get(index)
            .and_then(read)
            .ok_or_else(|| self.mistyped(index))
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64, Failure> {
        self.get(index, Value::as_i64)
    }

    pub(crate) fn unsigned(&self, index: usize) -> Result<u64, Failure> {
        self.get(index, Value::as_u64)
    }

    pub(crate) fn number(&self, index: usize) -> Result<f64, Failure> {
        self.get(index, |value| match value {
            Value::Int(n) => Some(*n as f64),
            Value::Uint(n) => Some(*n as f64),
            Value::Float(x) => Some(*x),
            _ => None,
        })
    }

    pub(crate) fn string(&self, index: usize) -> Result<&'a str, Failure> {
        self.get(index, Value::as_str)
    }

    pub(crate) fn peer_id(&self, index: usize) -> Result<PeerId, Failure> {
        self.get(index, peer_id)
    }

    pub(crate) fn duration_ms(&self, index: usize) -> Result<u64, Failure> {
        self.get(index, duration)
    }

    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>, Failure> {
        self.get(index, |value| value.as_array()?.iter().map(byte).collect())
    }

    pub(crate) fn array(&self, index: usize) -> Result<&'a [Value], Failure> {
        self.get(index, Value::as_array)
    }

    pub(crate) fn strings(&self, index: usize) -> Result<Vec<&'a str>, Failure> {
        self.get(index, |value| {
            value.as_array()?.iter().map(Value::as_str).collect()
        })
    }

    pub(crate) fn ints(&self, index: usize) -> Result<Vec<i64>, Failure> {
        self.get(index, |value| {
            value.as_array()?.iter().map(Value::as_i64).collect()
        })
    }

    pub(crate) fn pairs(&self, index: usize) -> Result<Vec<(&'a str, &'a Value)>, Failure> {
        self.get(index, |value| value.as_array()?.iter().map(pair).collect())
    }

    /// The value of an optional argument: absent, `[]`, `[v]`, or `v`.
    pub(crate) fn optional(&self, index: usize) -> Result<Option<&'a Value>, Failure> {
        let Some(arg) = self.args.get(index) else {
            return Ok(None);
        };
        match arg.as_array() {
            None => Ok(Some(arg)),
            Some([]) => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(more) => {
                let name = self.params.get(index).map_or("", |p| p.name);
                let text = format!(
                    "argument {} `{name}` is optional: at most one value is allowed, got {}",
                    index + 1,
                    more.len()
                );
                Err(Failure::new(Code::ArgOption, text))
            }
        }
    }

    pub(crate) fn optional_bool(&self, index: usize) -> Result<bool, Failure> {
        Ok(self
            .optional(index)?
            .is_some_and(|value| *value == Value::Bool(true)))
    }
}

/// A parameter that stands once.
pub(crate) const fn one(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        form: Form::Required,
    }
}

/// A parameter that may be absent.
pub(crate) const fn maybe(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        form: Form::Optional,
    }
}

/// A last parameter that stands any number of times.
pub(crate) const fn many(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        form: Form::Rest,
    }
}
