//! JSON values held against types, and brought into the form of run time.

use crate::types::{Record, Scalar, Ty};
use serde_json::{Map, Number, Value};

/// A value that is not of its type.
pub(super) struct Misfit {
    /// Which part of the argument, what is expected there, and what was given.
    pub message: String,
    /// How to put it right.
    pub help: Option<String>,
}

/// The value as it is at run time if it is of the type. `path` names it in messages.
pub(super) fn fit(ty: &Ty, value: &Value, path: &str) -> Result<Value, Misfit> {
    match ty {
        Ty::Top | Ty::Error => Ok(value.clone()),
        Ty::Scalar(scalar) => match fit_scalar(*scalar, value) {
            Some(value) => Ok(value),
            None => Err(misfit(ty, value, path).ranged(*scalar, value)),
        },
        Ty::Int { low, high } => match fit_int(value, (*low, *high)) {
            Some(value) => Ok(value),
            None => Err(misfit(ty, value, path)),
        },
        Ty::Float => match value {
            Value::Number(_) => Ok(value.clone()),
            _ => Err(misfit(ty, value, path)),
        },
        Ty::Array(element) | Ty::Stream(element) => match value {
            Value::Array(items) => fit_items(element, items, path),
            _ => Err(misfit(ty, value, path)),
        },
        Ty::Option(element) => fit_option(ty, element, value, path),
        Ty::Struct(record) => match value {
            Value::Object(fields) => fit_fields(record, fields, path),
            _ => Err(misfit(ty, value, path)),
        },
        Ty::Bottom | Ty::Map(_) | Ty::Ability(_) | Ty::Service(_) | Ty::Arrow(_) => {
            Err(misfit(ty, value, path))
        }
    }
}

fn fit_items(element: &Ty, items: &[Value], path: &str) -> Result<Value, Misfit> {
    items
        .iter()
        .enumerate()
        .map(|(index, item)| fit(element, item, &format!("{path}[{index}]")))
        .collect()
}

/// Null, a value, or an array of no or one value. What is both is taken as the array: `[]` is nil, whatever the element is.
fn fit_option(ty: &Ty, element: &Ty, value: &Value, path: &str) -> Result<Value, Misfit> {
    match value {
        Value::Null => return Ok(Value::Array(Vec::new())),
        Value::Array(items) if items.is_empty() => return Ok(value.clone()),
        Value::Array(items) if items.len() == 1 => {
            if let Ok(item) = fit(element, &items[0], path) {
                return Ok(Value::Array(vec![item]));
            }
        }
        _ => {}
    }
    let inner = fit(element, value, path);
    match (inner, element) {
        (Ok(inner), _) => Ok(Value::Array(vec![inner])),
        // what is wrong lies in a part of the value
        (Err(inner), Ty::Struct(_)) if value.is_object() => Err(inner),
        (Err(inner), Ty::Array(_)) if value.is_array() => Err(inner),
        (Err(inner), _) => Err(Misfit {
            help: inner.help,
            ..misfit(ty, value, path)
        }),
    }
}

/// Fields that the type does not have are left out.
fn fit_fields(record: &Record, fields: &Map<String, Value>, path: &str) -> Result<Value, Misfit> {
    let mut fitted = Map::new();
    for (name, ty) in &record.members {
        let path = format!("{path}.{name}");
        let value = match fields.get(name) {
            Some(value) => fit(ty, value, &path)?,
            None if matches!(ty, Ty::Option(_) | Ty::Array(_)) => Value::Array(Vec::new()),
            None => return Err(missing(record, name, ty, fields, &path)),
        };
        fitted.insert(name.clone(), value);
    }
    Ok(Value::Object(fitted))
}

fn missing(
    record: &Record,
    name: &str,
    ty: &Ty,
    fields: &Map<String, Value>,
    path: &str,
) -> Misfit {
    let extra = fields.keys().map(String::as_str);
    let extra = extra.filter(|field| record.get(field).is_none());
    Misfit {
        message: format!("`{path}`: expected {ty}, and the field is missing"),
        help: crate::diagnostic::nearest(name, extra)
            .map(|near| format!("the struct `{}` has no field `{near}`", record.name)),
    }
}

fn fit_scalar(scalar: Scalar, value: &Value) -> Option<Value> {
    match (scalar, value) {
        (Scalar::Bool, Value::Bool(_)) | (Scalar::String, Value::String(_)) => Some(value.clone()),
        (Scalar::F64, Value::Number(_)) => Some(value.clone()),
        (Scalar::F32, Value::Number(number)) => {
            let number = number.as_f64()?;
            (number.abs() <= f64::from(f32::MAX)).then(|| value.clone())
        }
        _ => fit_int(value, scalar.range()?),
    }
}

/// A whole number between two bounds; JSON does not tell `1.0` from `1`.
fn fit_int(value: &Value, (low, high): (i128, i128)) -> Option<Value> {
    let number = value.as_number()?;
    let whole = number.as_i128().or_else(|| {
        const EXACT_MAX: f64 = (1_u64 << 53) as f64;
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && float.abs() <= EXACT_MAX;
        is_whole.then_some(float as i128)
    })?;
    let fits = low <= whole && whole <= high;
    fits.then(|| Number::from_i128(whole).map(Value::Number))?
}

impl Misfit {
    /// Says which numbers a type holds, if the value is one.
    fn ranged(mut self, scalar: Scalar, value: &Value) -> Self {
        if let (Some((low, high)), Value::Number(_)) = (scalar.range(), value) {
            let name = scalar.name();
            self.help = Some(format!("{name} holds whole numbers from {low} to {high}"));
        }
        self
    }
}

fn misfit(ty: &Ty, value: &Value, path: &str) -> Misfit {
    Misfit {
        message: format!("`{path}`: expected {ty}, got {}", excerpt(value)),
        help: None,
    }
}

/// A value, or how much of it there is.
fn excerpt(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 40;
    match value {
        Value::Array(items) if items.len() > 4 => format!("an array of {} elements", items.len()),
        Value::Object(_) => "an object".to_owned(),
        _ => {
            let text = value.to_string();
            match text.char_indices().nth(CHARACTERS_MAX) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}
