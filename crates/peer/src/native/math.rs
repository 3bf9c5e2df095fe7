//! `math`: arithmetic on signed 64-bit integers.

use super::signature::one;
use super::{Access, Answer, Code, Failure, Function, Input, Kind, Native, Param, View};

pub(super) struct Math;

impl Native for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static PAIR: &[Param] = &[one("x", Kind::Int), one("y", Kind::Int)];

const fn function(
    name: &'static str,
    params: &'static [Param],
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params,
        exact: true,
        result: Kind::Int,
        access: Access::Any,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function("add", PAIR, |input, _| {
        checked(input, "+", i64::checked_add)
    }),
    function("sub", PAIR, |input, _| {
        checked(input, "-", i64::checked_sub)
    }),
    function("mul", PAIR, |input, _| {
        checked(input, "*", i64::checked_mul)
    }),
    function("div", PAIR, |input, _| {
        checked(input, "/", i64::checked_div)
    }),
    function("rem", PAIR, |input, _| {
        checked(input, "%", i64::checked_rem)
    }),
    function(
        "fmul",
        &[one("x", Kind::Number), one("y", Kind::Number)],
        fmul,
    ),
    function(
        "pow",
        &[one("base", Kind::Int), one("exponent", Kind::Unsigned)],
        pow,
    ),
    function("log", &[one("base", Kind::Int), one("x", Kind::Int)], log),
];

fn checked(
    input: &Input<'_>,
    sign: &str,
    operation: fn(i64, i64) -> Option<i64>,
) -> Result<Answer, Failure> {
    let (x, y) = (input.int(0)?, input.int(1)?);
    let result = operation(x, y).ok_or_else(|| Failure::overflow(format!("{x} {sign} {y}")))?;
    Ok(result.into())
}

/// The floor of the product; beyond the range the nearest end of it.
fn fmul(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    Ok(((input.number(0)? * input.number(1)?).floor() as i64).into())
}

fn pow(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let (base, exponent) = (input.int(0)?, input.unsigned(1)?);
    let exponent = u32::try_from(exponent).map_err(|_| {
        let text =
            format!("argument 2 `exponent`: expected an unsigned 32-bit integer, got {exponent}");
        Failure::new(Code::ArgType, text)
    })?;
    let result = base
        .checked_pow(exponent)
        .ok_or_else(|| Failure::overflow(format!("{base}^{exponent}")))?;
    Ok(result.into())
}

fn log(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let (base, x) = (input.int(0)?, input.int(1)?);
    let result = x
        .checked_ilog(base.max(0))
        .ok_or_else(|| Failure::overflow(format!("the logarithm of {x} to the base {base}")))?;
    Ok(i64::from(result).into())
}
