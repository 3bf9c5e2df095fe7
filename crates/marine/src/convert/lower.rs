//! JSON-model values to component values.

use base64_simd::{URL_SAFE, URL_SAFE_NO_PAD};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;
use wasmtime::component::Val;
use weir_identity::Value;

use crate::error::Error;
use crate::spelling::{brief, brief_list, shorten as shorten_to};

use super::types::{Case, Field};
use super::{BYTES_PREFIX, Blobs, Named, Type};

/// A value that does not fit the type of its place.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// From the inside outwards.
    steps: Vec<Step>,
    pub(crate) expected: String,
    pub(crate) got: String,
    /// The arguments are too large, wherever this one is.
    pub(crate) over_budget: Option<Box<Error>>,
}

#[derive(Debug)]
enum Step {
    Field(String),
    Index(usize),
}

impl Mismatch {
    fn new(expected: impl Into<String>, got: &Value) -> Self {
        Self::saying(expected, describe(got))
    }

    fn saying(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            expected: expected.into(),
            got: got.into(),
            over_budget: None,
        }
    }

    fn in_field(mut self, name: &str) -> Self {
        self.steps.push(Step::Field(shorten(name)));
        self
    }

    fn at(mut self, index: usize) -> Self {
        self.steps.push(Step::Index(index));
        self
    }

    /// The place of the value inside the parameter of that name.
    pub(crate) fn path(&self, parameter: &str) -> String {
        let mut path = parameter.to_owned();
        for step in self.steps.iter().rev() {
            match step {
                Step::Field(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Index(index) => {
                    write!(path, "[{index}]").expect("writing to a string cannot fail");
                }
            }
        }
        path
    }
}

/// What the arguments of a call may still have.
pub(crate) struct Budget<'b> {
    values: Allowance,
    bytes: Allowance,
    blobs: &'b mut Blobs,
}

struct Allowance {
    unit: &'static str,
    limit: u64,
    left: u64,
}

impl Allowance {
    fn new(unit: &'static str, limit: u64) -> Self {
        Self {
            unit,
            limit,
            left: limit,
        }
    }

    fn spend(&mut self, amount: u64) -> Result<(), Mismatch> {
        let Some(left) = self.left.checked_sub(amount) else {
            let mut mismatch = Mismatch::saying("less", "too much");
            mismatch.over_budget = Some(Box::new(Error::ArgumentSize {
                unit: self.unit,
                limit: self.limit,
            }));
            return Err(mismatch);
        };
        self.left = left;
        Ok(())
    }
}

impl<'b> Budget<'b> {
    pub(crate) fn new(values: usize, bytes: u64, blobs: &'b mut Blobs) -> Self {
        Self {
            values: Allowance::new("values", values as u64),
            bytes: Allowance::new("bytes", bytes),
            blobs,
        }
    }

    fn spend(&mut self) -> Result<(), Mismatch> {
        self.values.spend(1)
    }

    fn spend_bytes(&mut self, bytes: usize) -> Result<(), Mismatch> {
        self.bytes.spend(bytes as u64)
    }

    /// Text that becomes part of an argument.
    fn text(&mut self, text: &str) -> Result<String, Mismatch> {
        self.spend_bytes(text.len())?;
        Ok(text.to_owned())
    }
}

/// Converts a value to the given type.
pub(crate) fn lower(ty: &Type, value: &Value, budget: &mut Budget) -> Result<Val, Mismatch> {
    budget.spend()?;
    let unfit = || Mismatch::new(brief(ty), value);
    Ok(match ty {
        Type::Bool => match value {
            Value::Bool(truth) => Val::Bool(*truth),
            _ => return Err(unfit()),
        },
        Type::U8 => Val::U8(integer(value).ok_or_else(unfit)?),
        Type::U16 => Val::U16(integer(value).ok_or_else(unfit)?),
        Type::U32 => Val::U32(integer(value).ok_or_else(unfit)?),
        Type::S8 => Val::S8(integer(value).ok_or_else(unfit)?),
        Type::S16 => Val::S16(integer(value).ok_or_else(unfit)?),
        Type::S32 => Val::S32(integer(value).ok_or_else(unfit)?),
        Type::U64 => Val::U64(long(value).ok_or_else(unfit)?),
        Type::S64 => Val::S64(long(value).ok_or_else(unfit)?),
        Type::F64 => Val::Float64(float(value).ok_or_else(unfit)?),
        Type::F32 => {
            let wide = float(value).ok_or_else(unfit)?;
            let narrow = wide as f32;
            if wide.is_finite() && narrow.is_infinite() {
                return Err(unfit());
            }
            Val::Float32(narrow)
        }
        Type::Char => {
            let mut letters = value.as_str().ok_or_else(unfit)?.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => Val::Char(letter),
                _ => return Err(unfit()),
            }
        }
        Type::String => Val::String(budget.text(value.as_str().ok_or_else(unfit)?)?),
        Type::Bytes => Val::List(octets(value, budget)?.into_iter().map(Val::U8).collect()),
        Type::List(item) => {
            let items = value.as_array().ok_or_else(unfit)?;
            Val::List(all(items, |_| Some(item), budget)?)
        }
        Type::Tuple(types) => {
            let items = value.as_array().ok_or_else(unfit)?;
            if items.len() != types.len() {
                return Err(unfit());
            }
            Val::Tuple(all(items, |index| types.get(index), budget)?)
        }
        Type::Map(key, item) => map(key, item, value, budget)?.ok_or_else(unfit)?,
        Type::Record(fields) => match value {
            Value::Object(object) => record(fields, object, budget)?,
            Value::Array(items) if items.len() == fields.len() => Val::Record(
                fields
                    .iter()
                    .zip(items.iter())
                    .map(|(field, item)| in_field(field, item, budget))
                    .collect::<Result<_, _>>()?,
            ),
            _ => return Err(unfit()),
        },
        Type::Variant(cases) => variant(cases, value, budget)?.ok_or_else(unfit)?,
        Type::Enum(names) => {
            let name = value.as_str().and_then(|name| names.find(name));
            Val::Enum(budget.text(name.ok_or_else(unfit)?)?)
        }
        Type::Flags(names) => {
            let items = value.as_array().ok_or_else(unfit)?;
            let mut set = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                budget.spend()?;
                let name = item.as_str().and_then(|name| names.find(name));
                let name = name.ok_or_else(|| {
                    Mismatch::new(format!("one of {}", brief_list(names.iter())), item).at(index)
                })?;
                set.push(budget.text(name)?);
            }
            Val::Flags(set)
        }
        Type::Option(some) => match value {
            Value::Null => Val::Option(None),
            // An option inside an option needs a form that is not null.
            _ if some.is_option() => {
                let inner = single_field(value, "some").ok_or_else(unfit)?;
                Val::Option(Some(Box::new(
                    lower(some, inner, budget).map_err(|error| error.in_field("some"))?,
                )))
            }
            _ => Val::Option(Some(Box::new(lower(some, value, budget)?))),
        },
        Type::Result(ok, err) => {
            let (name, ty, payload) = match (single_field(value, "ok"), single_field(value, "err"))
            {
                (Some(payload), _) => ("ok", ok, payload),
                (_, Some(payload)) => ("err", err, payload),
                _ => return Err(unfit()),
            };
            let payload = match ty {
                Some(ty) => Some(Box::new(
                    lower(ty, payload, budget).map_err(|error| error.in_field(name))?,
                )),
                None if *payload == Value::Null => None,
                None => return Err(Mismatch::new("null", payload).in_field(name)),
            };
            Val::Result(if name == "ok" {
                Ok(payload)
            } else {
                Err(payload)
            })
        }
    })
}

/// As [`lower`] to a byte list, without a value of the engine for each byte.
pub(crate) fn lower_bytes(value: &Value, budget: &mut Budget) -> Result<Vec<u8>, Mismatch> {
    budget.spend()?;
    octets(value, budget)
}

fn all<'a>(
    items: &[Value],
    ty: impl Fn(usize) -> Option<&'a Type>,
    budget: &mut Budget,
) -> Result<Vec<Val>, Mismatch> {
    items
        .iter()
        .enumerate()
        .map_while(|(index, item)| ty(index).map(|ty| (index, item, ty)))
        .map(|(index, item, ty)| lower(ty, item, budget).map_err(|error| error.at(index)))
        .collect()
}

fn in_field(field: &Field, value: &Value, budget: &mut Budget) -> Result<(String, Val), Mismatch> {
    match lower(&field.ty, value, budget) {
        Ok(val) => Ok((budget.text(&field.name)?, val)),
        Err(error) => Err(error.in_field(&field.key)),
    }
}

fn record(
    fields: &Named<Field>,
    object: &BTreeMap<Arc<str>, Value>,
    budget: &mut Budget,
) -> Result<Val, Mismatch> {
    let by_field = match_keys(fields, object)?;
    let members = fields
        .iter()
        .map(|field| match by_field.get(field.name.as_str()) {
            Some(value) => in_field(field, value, budget),
            None if field.ty.is_option() => Ok((budget.text(&field.name)?, Val::Option(None))),
            None => Err(Mismatch::saying(brief(&field.ty), "nothing").in_field(&field.key)),
        });
    Ok(Val::Record(members.collect::<Result<_, _>>()?))
}

/// The values of an object by the names of the fields; there must be no others.
fn match_keys<'a>(
    fields: &'a Named<Field>,
    object: &'a BTreeMap<Arc<str>, Value>,
) -> Result<HashMap<&'a str, &'a Value>, Mismatch> {
    let mut by_field = HashMap::with_capacity(fields.len());
    for (key, value) in object {
        let known = fields
            .find(key)
            .map(|field| by_field.insert(field.name.as_str(), value));
        let stray = match known {
            Some(None) => continue,
            Some(Some(_)) => format!("`{}`, which is there in another spelling", shorten(key)),
            None => format!("a field `{}`", shorten(key)),
        };
        let names = brief_list(fields.iter().map(|field| &field.key));
        let expected = format!("only the fields {names}");
        return Err(Mismatch::saying(expected, stray));
    }
    Ok(by_field)
}

fn variant(
    cases: &Named<Case>,
    value: &Value,
    budget: &mut Budget,
) -> Result<Option<Val>, Mismatch> {
    let (name, payload) = match value {
        Value::String(name) => (&**name, None),
        Value::Object(object) if object.len() == 1 => match object.first_key_value() {
            Some((name, payload)) => (&**name, Some(payload)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let Some(case) = cases.find(name) else {
        return Ok(None);
    };
    let payload = match (&case.ty, payload) {
        (None, None | Some(Value::Null)) => None,
        (Some(ty), Some(payload)) => Some(Box::new(
            lower(ty, payload, budget).map_err(|error| error.in_field(&case.name))?,
        )),
        (None, Some(payload)) => {
            return Err(Mismatch::new("null", payload).in_field(&case.name));
        }
        (Some(ty), None) => {
            return Err(Mismatch::saying(brief(ty), "nothing").in_field(&case.name));
        }
    };
    Ok(Some(Val::Variant(budget.text(&case.name)?, payload)))
}

fn map(
    key_type: &Type,
    item_type: &Type,
    value: &Value,
    budget: &mut Budget,
) -> Result<Option<Val>, Mismatch> {
    let mut pairs = Vec::new();
    match value {
        Value::Object(object) if *key_type == Type::String => {
            for (key, item) in object.iter() {
                let item = lower(item_type, item, budget).map_err(|error| error.in_field(key))?;
                pairs.push((Val::String(budget.text(key)?), item));
            }
        }
        Value::Array(items) => {
            let mut keys = HashSet::with_capacity(items.len());
            for (index, pair) in items.iter().enumerate() {
                let Some([key, item]) = pair.as_array() else {
                    return Err(Mismatch::new("a pair of key and value", pair).at(index));
                };
                let lowered =
                    lower(key_type, key, budget).map_err(|error| error.at(0).at(index))?;
                if !keys.insert(format!("{lowered:?}")) {
                    let got = "one that is there already";
                    return Err(Mismatch::saying("a new key", got).at(index));
                }
                let item = lower(item_type, item, budget).map_err(|error| error.at(1).at(index))?;
                pairs.push((lowered, item));
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(Val::Map(pairs)))
}

fn octets(value: &Value, budget: &mut Budget) -> Result<Vec<u8>, Mismatch> {
    const EXPECTED: &str = "list<u8> (\"b64:…\", an array of integers up to 255, or {\"cid\": …})";
    if let Some(named) = Blobs::named(value) {
        let cid = named.map_err(|text| {
            Mismatch::saying(EXPECTED, format!("{}, no content id", shorten(&text)))
        })?;
        return match budget.blobs.bytes(cid) {
            Some(Ok(bytes)) => {
                let bytes = bytes.clone();
                budget.spend_bytes(bytes.len())?;
                Ok(bytes)
            }
            Some(Err(fault)) => {
                let got = format!("a blob that cannot be read: {fault}");
                Err(Mismatch::saying(EXPECTED, got))
            }
            // The arguments are converted once more when it is here.
            None => Ok(Vec::new()),
        };
    }
    match value {
        Value::String(text) => {
            let encoded = text
                .strip_prefix(BYTES_PREFIX)
                .ok_or_else(|| Mismatch::new(EXPECTED, value))?
                .as_bytes();
            // Before there is room for them. Each octet may become a value of the engine, though it is small here.
            budget.spend_bytes(encoded.len() / 4 * 3)?;
            URL_SAFE_NO_PAD
                .decode_to_vec(encoded)
                .or_else(|_| URL_SAFE.decode_to_vec(encoded))
                .map_err(|_| Mismatch::saying(EXPECTED, "text that is not base64url"))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                budget.spend()?;
                budget.spend_bytes(1)?;
                integer(item).ok_or_else(|| Mismatch::new("u8", item).at(index))
            })
            .collect(),
        _ => Err(Mismatch::new(EXPECTED, value)),
    }
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(number) => T::try_from(*number).ok(),
        Value::Uint(number) => T::try_from(*number).ok(),
        _ => None,
    }
}

/// As [`integer`], or the number in decimal text.
fn long<T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        // `parse` would also take a plus sign.
        Value::String(text) if !text.starts_with('+') => text.parse().ok(),
        other => integer(other),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn single_field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) if object.len() == 1 => object.get(name),
        _ => None,
    }
}

/// A form of the value that is short enough for a message.
fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(shorten(text).as_str()).to_json(),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(object) if object.is_empty() => "an empty object".to_owned(),
        Value::Object(object) => {
            let keys: Vec<String> = object.keys().take(5).map(|key| shorten(key)).collect();
            let more = if object.len() > keys.len() {
                ", …"
            } else {
                ""
            };
            format!("an object with {}{more}", keys.join(", "))
        }
        scalar => scalar.to_json(),
    }
}

fn shorten(text: &str) -> String {
    const LETTERS_MAX: usize = 40;
    shorten_to(text, LETTERS_MAX)
}
