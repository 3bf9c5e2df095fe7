//! `cmp`: comparison of signed 64-bit integers.

use super::signature::one;
use super::{Access, Answer, Failure, Function, Input, Kind, Native, Param, View};

pub(super) struct Cmp;

impl Native for Cmp {
    fn name(&self) -> &'static str {
        "cmp"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static PAIR: &[Param] = &[one("x", Kind::Int), one("y", Kind::Int)];

const fn function(
    name: &'static str,
    result: Kind,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params: PAIR,
        exact: true,
        result,
        access: Access::Any,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function("gt", Kind::Bool, |input, _| {
        Ok((input.int(0)? > input.int(1)?).into())
    }),
    function("gte", Kind::Bool, |input, _| {
        Ok((input.int(0)? >= input.int(1)?).into())
    }),
    function("lt", Kind::Bool, |input, _| {
        Ok((input.int(0)? < input.int(1)?).into())
    }),
    function("lte", Kind::Bool, |input, _| {
        Ok((input.int(0)? <= input.int(1)?).into())
    }),
    function("cmp", Kind::Int, |input, _| {
        Ok((input.int(0)?.cmp(&input.int(1)?) as i64).into())
    }),
];
