//! How arguments and results cross into a component and back.
//!
//! There are two ways. The general one builds a tree of engine values, which
//! fits every type and takes 32 bytes for each byte of a byte list. Functions
//! of common types go the [`typed`] way, where byte lists and text cross as
//! they are. Which way a function goes follows from its types alone. Both give
//! the same: they convert and count with the same code, and the engine asks
//! the guest for memory in the same order. Two things are apart, and the
//! profile names them with the version of the table: the words of a trap for a
//! case number that does not exist, and the fuel of a result of more than
//! twice [`Limits::result_bytes`], which the guest is let free here.

#[cfg(test)]
mod tests;
mod typed;

use wasmtime::Store;
use wasmtime::component::{Func, Val};
use weir_identity::Value;

use crate::contract::{Function, Param};
use crate::convert::{Blobs, Budget, LiftFailure, Mismatch, Type, lift, lower, lower_bytes};
use crate::error::Error;
use crate::limits::{ARGUMENT_VALUES_MAX, Limits};
use crate::sandbox::CallState;

pub(crate) use typed::{Shape, TABLE, choose};

/// An argument on its way in.
pub(crate) enum Argument {
    Bytes(Vec<u8>),
    Other(Val),
}

/// The arguments of a call, converted to the types of its function.
pub(crate) enum Arguments {
    General(Vec<Val>),
    Typed(Shape, typed::Passed),
    /// They name blobs that have to be read first.
    Wanting(Blobs),
}

impl Arguments {
    /// Converts the arguments. There must be as many as parameters.
    pub(crate) fn convert(
        function: &Function,
        values: &[Value],
        limits: &Limits,
        mut blobs: Blobs,
    ) -> Result<Self, Error> {
        let mut budget = Budget::new(ARGUMENT_VALUES_MAX, limits.argument_bytes, &mut blobs);
        let arguments = match function.shape {
            Some(shape) => Self::Typed(
                shape,
                each(function, values, |ty, value| match ty {
                    Type::Bytes => lower_bytes(value, &mut budget).map(Argument::Bytes),
                    _ => lower(ty, value, &mut budget).map(Argument::Other),
                })?,
            ),
            None => Self::General(each(function, values, |ty, value| {
                lower(ty, value, &mut budget)
            })?),
        };
        Ok(if blobs.lack() {
            Self::Wanting(blobs)
        } else {
            arguments
        })
    }

    /// Calls the function. The outer error is the engine's or the guest's, the
    /// inner one that of the result.
    pub(crate) async fn call(
        self,
        callee: Func,
        store: &mut Store<CallState>,
        function: &Function,
        limits: &Limits,
    ) -> wasmtime::Result<Result<Value, Error>> {
        match self {
            Self::Typed(shape, arguments) => shape.call(callee, store, arguments, limits).await,
            Self::General(arguments) => {
                let mut results = [Val::Bool(false)];
                let results = match function.result() {
                    Some(_) => &mut results[..],
                    None => &mut [],
                };
                callee.call_async(store, &arguments, results).await?;
                Ok(unpack(function.result(), results.first(), limits))
            }
            Self::Wanting(_) => Ok(Err(Error::Engine {
                detail: "blobs that the arguments name were not read".to_owned(),
            })),
        }
    }
}

fn each<T, C: FromIterator<T>>(
    function: &Function,
    values: &[Value],
    mut lower: impl FnMut(&Type, &Value) -> Result<T, Mismatch>,
) -> Result<C, Error> {
    let lower = |(index, (param, value)): (usize, (&Param, &Value))| {
        lower(&param.ty, value).map_err(|mismatch| match mismatch.over_budget {
            Some(error) => *error,
            None => Error::bad_argument(index, &param.name, mismatch),
        })
    };
    let pairs = function.params().iter().zip(values);
    pairs.enumerate().map(lower).collect()
}

/// Turns the result into a value; the *err* of a `result` becomes an error.
fn unpack(ty: Option<&Type>, val: Option<&Val>, limits: &Limits) -> Result<Value, Error> {
    let convert = |ty: &Type, val: &Val| {
        let mut bytes_left = limits.result_bytes;
        lift(ty, val, &mut bytes_left).map_err(|failure| unfit(failure, limits))
    };
    let convert_side = |ty: &Option<Box<Type>>, val: &Option<Box<Val>>| match (ty, val) {
        (Some(ty), Some(val)) => convert(ty, val),
        _ => Ok(Value::Null),
    };
    match (ty, val) {
        (Some(Type::Result(ok, _)), Some(Val::Result(Ok(val)))) => convert_side(ok, val),
        (Some(Type::Result(_, err)), Some(Val::Result(Err(val)))) => Err(Error::Guest {
            payload: convert_side(err, val)?,
        }),
        (Some(ty), Some(val)) => convert(ty, val),
        _ => Ok(Value::Null),
    }
}

/// Why a result does not become a value.
fn unfit(failure: LiftFailure, limits: &Limits) -> Error {
    match failure {
        LiftFailure::TooLarge => Error::ResultSize {
            limit: limits.result_bytes,
        },
        LiftFailure::Inconsistent => Error::Engine {
            detail: "the result is not of its type".to_owned(),
        },
    }
}
