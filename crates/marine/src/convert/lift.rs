//! Component values to JSON-model values.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD;
use wasmtime::component::Val;
use weir_identity::Value;

use super::{BYTES_PREFIX, EXACT_INTEGER_MAX, Type};

use LiftFailure as Failure;

/// Why a function's result does not become a value.
#[derive(Clone, Copy)]
pub(crate) enum LiftFailure {
    /// The value takes more bytes than were left.
    TooLarge,
    /// The value is not of its type, which the engine rules out.
    Inconsistent,
}

/// Converts a value of the given type. Text and bytes cost their length and
/// every value 8 more out of `bytes_left`.
pub(crate) fn lift(ty: &Type, val: &Val, bytes_left: &mut u64) -> Result<Value, Failure> {
    spend(bytes_left, 8)?;
    Ok(match (ty, val) {
        (Type::Bool, Val::Bool(truth)) => Value::from(*truth),
        (Type::U8, Val::U8(number)) => Value::from(i64::from(*number)),
        (Type::U16, Val::U16(number)) => Value::from(i64::from(*number)),
        (Type::U32, Val::U32(number)) => Value::from(i64::from(*number)),
        (Type::S8, Val::S8(number)) => Value::from(i64::from(*number)),
        (Type::S16, Val::S16(number)) => Value::from(i64::from(*number)),
        (Type::S32, Val::S32(number)) => Value::from(i64::from(*number)),
        (Type::U64, Val::U64(number)) if *number <= EXACT_INTEGER_MAX => Value::from(*number),
        (Type::U64, Val::U64(number)) => Value::from(number.to_string().as_str()),
        (Type::S64, Val::S64(number)) if number.unsigned_abs() <= EXACT_INTEGER_MAX => {
            Value::from(*number)
        }
        (Type::S64, Val::S64(number)) => Value::from(number.to_string().as_str()),
        (Type::F32, Val::Float32(number)) => float(f64::from(*number)),
        (Type::F64, Val::Float64(number)) => float(*number),
        (Type::Char, Val::Char(letter)) => Value::from(letter.to_string().as_str()),
        (Type::String, Val::String(text)) => {
            spend(bytes_left, text.len())?;
            Value::from(text.as_str())
        }
        (Type::Bytes, Val::List(items)) => bytes(items, bytes_left)?,
        (Type::List(ty), Val::List(items)) => Value::from(
            items
                .iter()
                .map(|item| lift(ty, item, bytes_left))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        (Type::Map(key, item), Val::Map(pairs)) => map(key, item, pairs, bytes_left)?,
        (Type::Tuple(types), Val::Tuple(items)) if types.len() == items.len() => Value::from(
            types
                .iter()
                .zip(items)
                .map(|(ty, item)| lift(ty, item, bytes_left))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        (Type::Record(fields), Val::Record(members)) if fields.len() == members.len() => {
            let mut object = BTreeMap::new();
            for (field, (_, member)) in fields.iter().zip(members) {
                spend(bytes_left, field.key.len())?;
                object.insert(Arc::clone(&field.key), lift(&field.ty, member, bytes_left)?);
            }
            Value::Object(Arc::new(object))
        }
        (Type::Variant(cases), Val::Variant(name, payload)) => {
            spend(bytes_left, name.len())?;
            match (cases.find(name).and_then(|case| case.ty.as_ref()), payload) {
                (Some(ty), Some(payload)) => wrap(name, lift(ty, payload, bytes_left)?),
                (None, None) => Value::from(name.as_str()),
                _ => return Err(Failure::Inconsistent),
            }
        }
        (Type::Enum(_), Val::Enum(name)) => {
            spend(bytes_left, name.len())?;
            Value::from(name.as_str())
        }
        (Type::Flags(names), Val::Flags(set)) => Value::from(
            names
                .iter()
                .filter(|name| set.contains(name))
                .map(|name| {
                    spend(bytes_left, name.len() + 8)?;
                    Ok(Value::from(name.as_str()))
                })
                .collect::<Result<Vec<_>, Failure>>()?,
        ),
        (Type::Option(_), Val::Option(None)) => Value::Null,
        (Type::Option(ty), Val::Option(Some(some))) => {
            let value = lift(ty, some, bytes_left)?;
            if ty.is_option() {
                wrap("some", value)
            } else {
                value
            }
        }
        (Type::Result(ok, _), Val::Result(Ok(payload))) => {
            wrap("ok", side(ok.as_deref(), payload.as_deref(), bytes_left)?)
        }
        (Type::Result(_, err), Val::Result(Err(payload))) => {
            wrap("err", side(err.as_deref(), payload.as_deref(), bytes_left)?)
        }
        _ => return Err(Failure::Inconsistent),
    })
}

/// As [`lift`], for a byte list.
pub(crate) fn lift_bytes(octets: &[u8], bytes_left: &mut u64) -> Result<Value, Failure> {
    spend(bytes_left, 8)?;
    spend(bytes_left, octets.len())?;
    Ok(encode(octets))
}

/// As [`lift`], for text.
pub(crate) fn lift_text(text: String, bytes_left: &mut u64) -> Result<Value, Failure> {
    spend(bytes_left, 8)?;
    spend(bytes_left, text.len())?;
    Ok(Value::from(text))
}

/// As [`lift`], for an option of what is not itself one.
pub(crate) fn lift_some<T>(
    some: Option<T>,
    bytes_left: &mut u64,
    lift: impl FnOnce(T, &mut u64) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    spend(bytes_left, 8)?;
    some.map_or(Ok(Value::Null), |some| lift(some, bytes_left))
}

fn side(ty: Option<&Type>, payload: Option<&Val>, bytes_left: &mut u64) -> Result<Value, Failure> {
    match (ty, payload) {
        (Some(ty), Some(payload)) => lift(ty, payload, bytes_left),
        (None, None) => Ok(Value::Null),
        _ => Err(Failure::Inconsistent),
    }
}

fn map(
    key_type: &Type,
    item_type: &Type,
    pairs: &[(Val, Val)],
    bytes_left: &mut u64,
) -> Result<Value, Failure> {
    // Of two pairs with the same key the later one counts.
    if *key_type == Type::String {
        let mut object = BTreeMap::new();
        for (key, item) in pairs {
            let Val::String(key) = key else {
                return Err(Failure::Inconsistent);
            };
            spend(bytes_left, key.len())?;
            object.insert(Arc::from(key.as_str()), lift(item_type, item, bytes_left)?);
        }
        return Ok(Value::Object(Arc::new(object)));
    }
    let mut list = Vec::with_capacity(pairs.len());
    let mut places = BTreeMap::new();
    for (key, item) in pairs {
        let key = lift(key_type, key, bytes_left)?;
        let item = lift(item_type, item, bytes_left)?;
        let place = *places.entry(key.to_json()).or_insert(list.len());
        let pair = Value::from(vec![key, item]);
        match list.get_mut(place) {
            Some(earlier) => *earlier = pair,
            None => list.push(pair),
        }
    }
    Ok(Value::from(list))
}

fn bytes(items: &[Val], bytes_left: &mut u64) -> Result<Value, Failure> {
    spend(bytes_left, items.len())?;
    let octets = items
        .iter()
        .map(|item| match item {
            Val::U8(octet) => Ok(*octet),
            _ => Err(Failure::Inconsistent),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(encode(&octets))
}

fn encode(octets: &[u8]) -> Value {
    let encoded = URL_SAFE_NO_PAD.encoded_length(octets.len());
    let mut text = String::with_capacity(BYTES_PREFIX.len() + encoded);
    text.push_str(BYTES_PREFIX);
    URL_SAFE_NO_PAD.encode_append(octets, &mut text);
    Value::from(text)
}

fn float(number: f64) -> Value {
    Value::float(number).unwrap_or_else(|| {
        Value::from(if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    })
}

fn wrap(name: &str, value: Value) -> Value {
    Value::Object(Arc::new(BTreeMap::from([(Arc::from(name), value)])))
}

fn spend(bytes_left: &mut u64, amount: usize) -> Result<(), Failure> {
    *bytes_left = bytes_left
        .checked_sub(amount as u64)
        .ok_or(Failure::TooLarge)?;
    Ok(())
}
