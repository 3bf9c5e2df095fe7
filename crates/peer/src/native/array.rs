//! `array`: operations on lists. Set operations answer in ascending order.

use std::collections::BTreeSet;

use weir_identity::Value;

use super::signature::one;
use super::{Access, Answer, Code, Failure, Function, Input, Kind, Native, Param, View};

pub(super) struct Array;

impl Native for Array {
    fn name(&self) -> &'static str {
        "array"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static SETS: &[Param] = &[one("left", Kind::Strings), one("right", Kind::Strings)];

const fn function(
    name: &'static str,
    params: &'static [Param],
    result: Kind,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params,
        exact: true,
        result,
        access: Access::Any,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function(
        "length",
        &[one("array", Kind::Array)],
        Kind::Unsigned,
        super::op::array_length,
    ),
    function("sum", &[one("numbers", Kind::Ints)], Kind::Int, sum),
    function(
        "dedup",
        &[one("strings", Kind::Strings)],
        Kind::Strings,
        dedup,
    ),
    function("intersect", SETS, Kind::Strings, |input, _| {
        set(input, |left, right| {
            left.intersection(right).copied().collect()
        })
    }),
    function("diff", SETS, Kind::Strings, |input, _| {
        set(input, |left, right| {
            left.difference(right).copied().collect()
        })
    }),
    function("sdiff", SETS, Kind::Strings, |input, _| {
        set(input, |left, right| {
            left.symmetric_difference(right).copied().collect()
        })
    }),
    function(
        "slice",
        &[
            one("array", Kind::Array),
            one("start", Kind::Unsigned),
            one("end", Kind::Unsigned),
        ],
        Kind::Array,
        slice,
    ),
];

fn sum(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let sum = input.ints(0)?.into_iter().try_fold(0i64, i64::checked_add);
    Ok(sum.ok_or_else(|| Failure::overflow("the sum"))?.into())
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Answer {
    texts
        .into_iter()
        .map(Value::from)
        .collect::<Vec<Value>>()
        .into()
}

fn dedup(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let mut seen = BTreeSet::new();
    let strings = input.strings(0)?;
    Ok(texts(strings.into_iter().filter(|text| seen.insert(*text))))
}

type Set<'a> = BTreeSet<&'a str>;

fn set<'a>(
    input: &Input<'a>,
    operation: fn(&Set<'a>, &Set<'a>) -> Vec<&'a str>,
) -> Result<Answer, Failure> {
    let left: Set<'a> = input.strings(0)?.into_iter().collect();
    let right: Set<'a> = input.strings(1)?.into_iter().collect();
    Ok(texts(operation(&left, &right)))
}

fn slice(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let array = input.array(0)?;
    if array.is_empty() {
        return Ok(Vec::new().into());
    }
    let (start, end) = (input.unsigned(1)?, input.unsigned(2)?);
    let part = usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| array.get(start..end))
        .ok_or_else(|| {
            let length = array.len();
            let text = format!("{start} to {end} is outside of the array of length {length}");
            Failure::new(Code::ArgType, text)
        })?;
    Ok(part.to_vec().into())
}
