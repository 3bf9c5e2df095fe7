//! `json`: objects and JSON texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::Value;

use super::signature::{many, one};
use super::{
    Access, Answer, Code, Failure, Function, Input, Kind, Native, Param, View, encoded_size_within,
};

pub(super) struct Json;

impl Native for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

const fn function(
    name: &'static str,
    params: &'static [Param],
    exact: bool,
    result: Kind,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params,
        exact,
        result,
        access: Access::Any,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function(
        "obj",
        &[many("keys and values", Kind::Any)],
        false,
        Kind::Object,
        |input, _| Ok(object(put_list(BTreeMap::new(), input, 0)?)),
    ),
    function(
        "obj_pairs",
        &[one("pairs", Kind::Pairs)],
        true,
        Kind::Object,
        |input, _| Ok(object(put_pairs(BTreeMap::new(), &input.pairs(0)?))),
    ),
    function(
        "put",
        &[
            one("object", Kind::Object),
            one("key", Kind::String),
            one("value", Kind::Any),
        ],
        true,
        Kind::Object,
        |input, _| Ok(object(put_list(fields(input)?, input, 1)?)),
    ),
    function(
        "puts",
        &[
            one("object", Kind::Object),
            many("keys and values", Kind::Any),
        ],
        false,
        Kind::Object,
        |input, _| Ok(object(put_list(fields(input)?, input, 1)?)),
    ),
    function(
        "puts_pairs",
        &[one("object", Kind::Object), one("pairs", Kind::Pairs)],
        true,
        Kind::Object,
        |input, _| Ok(object(put_pairs(fields(input)?, &input.pairs(1)?))),
    ),
    function(
        "parse",
        &[one("text", Kind::String)],
        true,
        Kind::Any,
        |input, _| {
            let value = Value::from_json(input.string(0)?)
                .map_err(|error| Failure::new(Code::ArgType, format!("not JSON: {error}")))?;
            Ok(value.into())
        },
    ),
    function(
        "stringify",
        &[one("value", Kind::Any)],
        true,
        Kind::String,
        |input, view| to_text(input.any(0)?, view),
    ),
];

type Fields = BTreeMap<Arc<str>, Value>;

fn object(fields: Fields) -> Answer {
    Answer::Value(Value::Object(Arc::new(fields)))
}

fn fields(input: &Input<'_>) -> Result<Fields, Failure> {
    Ok(input.any(0)?.as_object().cloned().unwrap_or_default())
}

/// Puts `key, value, key, value, …` from argument `first` on.
fn put_list(mut fields: Fields, input: &Input<'_>, first: usize) -> Result<Fields, Failure> {
    let list = input.rest(first);
    if !list.len().is_multiple_of(2) {
        let text = format!(
            "expected pairs of keys and values, got {} of them",
            list.len()
        );
        return Err(Failure::new(Code::ArgCount, text));
    }
    for (index, pair) in list.chunks_exact(2).enumerate() {
        let [key, value] = pair else { continue };
        let key = key.as_str().ok_or_else(|| {
            let number = first + 2 * index + 1;
            Failure::new(
                Code::ArgType,
                format!("argument {number} is a key and must be a string"),
            )
        })?;
        fields.insert(Arc::from(key), value.clone());
    }
    Ok(fields)
}

fn put_pairs(mut fields: Fields, pairs: &[(&str, &Value)]) -> Fields {
    fields.extend(
        pairs
            .iter()
            .map(|(key, value)| (Arc::from(*key), (*value).clone())),
    );
    fields
}

/// The JSON text of `value`, unless it is too long to be a result.
pub(super) fn to_text(value: &Value, view: &View<'_>) -> Result<Answer, Failure> {
    let limit = view.limits.result_bytes;
    if !encoded_size_within(value, limit) {
        let text = format!("the text is over the limit result_bytes = {limit}");
        return Err(Failure::new(Code::Limit, text));
    }
    Ok(value.to_json().into())
}
