//! `op`: small operations on values.

use sha2::{Digest, Sha256};
use weir_identity::Value;

use super::signature::{many, maybe, one};
use super::size::encoded_size;
use super::{Access, Answer, Code, Failure, Function, Input, Kind, Native, View};

pub(super) struct Op;

impl Native for Op {
    fn name(&self) -> &'static str {
        "op"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

const fn function(
    name: &'static str,
    params: &'static [super::Param],
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
        "noop",
        &[many("ignored", Kind::Any)],
        false,
        Kind::String,
        |_, _| Ok("".into()),
    ),
    function(
        "array",
        &[many("items", Kind::Any)],
        false,
        Kind::Array,
        |input, _| Ok(input.rest(0).to_vec().into()),
    ),
    function(
        "array_length",
        &[one("array", Kind::Array)],
        true,
        Kind::Unsigned,
        array_length,
    ),
    function(
        "concat",
        &[many("arrays", Kind::Array)],
        false,
        Kind::Array,
        concat,
    ),
    function(
        "concat_strings",
        &[many("strings", Kind::String)],
        false,
        Kind::String,
        concat_strings,
    ),
    function(
        "string_to_b58",
        &[one("string", Kind::String)],
        true,
        Kind::String,
        |input, view| encode_b58(input.string(0)?.as_bytes(), view),
    ),
    function(
        "string_from_b58",
        &[one("base58", Kind::String)],
        true,
        Kind::String,
        |input, view| {
            let bytes = decode_b58(input.string(0)?, view)?;
            let text = String::from_utf8(bytes)
                .map_err(|error| Failure::new(Code::ArgType, format!("not UTF-8: {error}")))?;
            Ok(text.into())
        },
    ),
    function(
        "bytes_to_b58",
        &[one("bytes", Kind::Bytes)],
        true,
        Kind::String,
        |input, view| encode_b58(&input.bytes(0)?, view),
    ),
    function(
        "bytes_from_b58",
        &[one("base58", Kind::String)],
        true,
        Kind::Bytes,
        |input, view| Ok(bytes_value(&decode_b58(input.string(0)?, view)?).into()),
    ),
    function(
        "sha256_string",
        &[
            one("string", Kind::String),
            maybe("digest_only", Kind::Bool),
            maybe("as_bytes", Kind::Bool),
        ],
        false,
        Kind::Any,
        sha256_string,
    ),
    function(
        "identity",
        &[many("value", Kind::Any)],
        false,
        Kind::Any,
        identity,
    ),
];

pub(super) fn array_length(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    Ok((input.array(0)?.len() as u64).into())
}

fn concat(input: &Input<'_>, view: &View<'_>) -> Result<Answer, Failure> {
    let limit = view.limits.result_bytes;
    let mut left = limit;
    // Looked at before anything is built: values share their parts, the result does not.
    for array in input.rest(0) {
        let Some(bytes) = encoded_size(array, left) else {
            let text = format!("the result is over the limit result_bytes = {limit}");
            return Err(Failure::new(Code::Limit, text));
        };
        left -= bytes;
    }
    let mut items = Vec::new();
    for index in 0..input.rest(0).len() {
        items.extend_from_slice(input.array(index)?);
    }
    Ok(items.into())
}

fn concat_strings(input: &Input<'_>, view: &View<'_>) -> Result<Answer, Failure> {
    let bytes = input
        .rest(0)
        .iter()
        .filter_map(Value::as_str)
        .map(str::len)
        .sum::<usize>();
    let limit = view.limits.result_bytes;
    if bytes > limit {
        let text = format!("a string of {bytes} bytes is over the limit result_bytes = {limit}");
        return Err(Failure::new(Code::Limit, text));
    }
    Ok(input
        .rest(0)
        .iter()
        .filter_map(Value::as_str)
        .collect::<String>()
        .into())
}

/// Base58 costs the square of the length, so longer inputs are refused.
const B58_BYTES: usize = 16 * 1024;

fn encode_b58(bytes: &[u8], _: &View<'_>) -> Result<Answer, Failure> {
    check_b58(bytes.len())?;
    Ok(bs58::encode(bytes).into_string().into())
}

fn decode_b58(text: &str, _: &View<'_>) -> Result<Vec<u8>, Failure> {
    check_b58(text.len())?;
    bs58::decode(text)
        .into_vec()
        .map_err(|error| Failure::new(Code::ArgType, format!("not base58: {error}")))
}

fn check_b58(bytes: usize) -> Result<(), Failure> {
    if bytes <= B58_BYTES {
        return Ok(());
    }
    let text = format!("{bytes} bytes are over the base58 limit of {B58_BYTES}");
    Err(Failure::new(Code::Limit, text))
}

fn bytes_value(bytes: &[u8]) -> Vec<Value> {
    bytes
        .iter()
        .map(|byte| Value::from(i64::from(*byte)))
        .collect()
}

fn sha256_string(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    /// Multihash head: SHA-256, 32 bytes.
    const MULTIHASH: [u8; 2] = [0x12, 0x20];
    let digest = Sha256::digest(input.string(0)?.as_bytes());
    let mut hash = Vec::with_capacity(34);
    if !input.optional_bool(1)? {
        hash.extend(MULTIHASH);
    }
    hash.extend_from_slice(&digest);
    if input.optional_bool(2)? {
        return Ok(bytes_value(&hash).into());
    }
    Ok(bs58::encode(hash).into_string().into())
}

fn identity(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    match input.rest(0) {
        [] => Ok("".into()),
        [value] => Ok(value.clone().into()),
        more => {
            let text = format!("expected at most 1, got {}", more.len());
            Err(Failure::new(Code::ArgCount, text))
        }
    }
}
