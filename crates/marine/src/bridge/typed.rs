//! Functions of common types, called with those types.
//!
//! The engine converts types that are known when this crate is compiled far
//! faster than trees of values: a byte list is one copy. Every combination of
//! parameters and result is code of its own, so [`choose`] knows those that
//! services have: what takes or returns bytes, a key or a name beside it.

use std::fmt;
use std::pin::Pin;

use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Func, Lift, Lower, Val};
use weir_identity::Value;

use crate::contract::Param;
use crate::convert::{LiftFailure, Type, lift, lift_bytes, lift_some, lift_text};
use crate::error::Error;
use crate::limits::Limits;
use crate::sandbox::CallState;

use super::{Argument, unfit};

/// The version of the table below: it decides how much fuel a result far over its limit costs.
pub(crate) const TABLE: u32 = 1;

type Running<'a> =
    Pin<Box<dyn Future<Output = wasmtime::Result<Result<Value, Error>>> + Send + 'a>>;

/// The arguments of one call.
pub(crate) type Passed = Vec<Argument>;

/// How to call functions of certain types.
#[derive(Clone, Copy)]
pub(crate) struct Shape(
    for<'a> fn(Func, &'a mut Store<CallState>, Passed, &'a Limits) -> Running<'a>,
);

impl Shape {
    fn of<P: Params, R: Results>() -> Self {
        Self(call::<P, R>)
    }

    pub(crate) fn call<'a>(
        self,
        callee: Func,
        store: &'a mut Store<CallState>,
        arguments: Passed,
        limits: &'a Limits,
    ) -> Running<'a> {
        (self.0)(callee, store, arguments, limits)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shape")
    }
}

fn call<'a, P: Params, R: Results>(
    callee: Func,
    store: &'a mut Store<CallState>,
    arguments: Passed,
    limits: &'a Limits,
) -> Running<'a> {
    Box::pin(async move {
        let function = callee.typed::<P, R>(&*store)?;
        let Some(arguments) = P::take(arguments) else {
            wasmtime::bail!("the arguments are not of their types");
        };
        let results = function.call_async(store, arguments).await?;
        Ok(results.into_value(limits))
    })
}

macro_rules! table {
    ($($params:ty => $($results:ty),+;)*) => {
        /// The shape of functions with these types, if there is one.
        pub(crate) fn choose(params: &[Param], result: Option<&Type>) -> Option<Shape> {
            $(if <$params as Params>::fit(params) {
                $(if <$results as Results>::fit(result) {
                    return Some(Shape::of::<$params, $results>());
                })+
            })*
            None
        }

        /// How many there are.
        #[cfg(test)]
        pub(super) const SHAPES: usize = [$($(stringify!($params, $results)),+),*].len();
    };
}

type Bytes = Vec<u8>;

/// A result whose error is text.
type Or<T> = (Result<T, String>,);

table! {
    () => (Bytes,), (Option<Bytes>,), Or<Bytes>;
    (Bytes,) => (), (Bytes,), (String,), (bool,), (u32,), (u64,), (Option<Bytes>,), Or<Bytes>, Or<String>, Or<()>;
    (String,) => (Bytes,), (String,), (Option<Bytes>,), Or<Bytes>, Or<String>;
    (u32,) => (Bytes,), (Option<Bytes>,), Or<Bytes>;
    (u64,) => (Bytes,), (Option<Bytes>,), Or<Bytes>;
    (Bytes, Bytes) => (), (Bytes,), (String,), (bool,), (u32,), (u64,), (Option<Bytes>,), Or<Bytes>, Or<()>;
    (String, Bytes) => (), (Bytes,), (String,), (bool,), (u32,), (u64,), (Option<Bytes>,), Or<Bytes>, Or<String>, Or<()>;
    (String, String) => (Bytes,), (String,), Or<Bytes>;
    (Bytes, String) => (Bytes,), (bool,), Or<Bytes>, Or<()>;
    (Bytes, u32) => (Bytes,), Or<Bytes>;
    (Bytes, Bytes, Bytes) => (), (Bytes,), (bool,), Or<Bytes>, Or<()>;
}

/// A type of one parameter or of a part of a result.
trait Piece: Sized + Send + 'static {
    fn is(ty: &Type) -> bool;
    /// None if the argument is of another type.
    fn take(argument: Argument) -> Option<Self>;
    fn lift(self, bytes_left: &mut u64) -> Result<Value, LiftFailure>;
}

impl Piece for Bytes {
    fn is(ty: &Type) -> bool {
        *ty == Type::Bytes
    }

    fn take(argument: Argument) -> Option<Self> {
        match argument {
            Argument::Bytes(bytes) => Some(bytes),
            Argument::Other(_) => None,
        }
    }

    fn lift(self, bytes_left: &mut u64) -> Result<Value, LiftFailure> {
        lift_bytes(&self, bytes_left)
    }
}

impl Piece for String {
    fn is(ty: &Type) -> bool {
        *ty == Type::String
    }

    fn take(argument: Argument) -> Option<Self> {
        match argument {
            Argument::Other(Val::String(text)) => Some(text),
            _ => None,
        }
    }

    fn lift(self, bytes_left: &mut u64) -> Result<Value, LiftFailure> {
        lift_text(self, bytes_left)
    }
}

macro_rules! scalars {
    ($($scalar:ty = $case:ident / $val:ident),*) => {$(
        impl Piece for $scalar {
            fn is(ty: &Type) -> bool {
                *ty == Type::$case
            }

            fn take(argument: Argument) -> Option<Self> {
                match argument {
                    Argument::Other(Val::$val(scalar)) => Some(scalar),
                    _ => None,
                }
            }

            fn lift(self, bytes_left: &mut u64) -> Result<Value, LiftFailure> {
                lift(&Type::$case, &Val::$val(self), bytes_left)
            }
        }
    )*};
}

scalars!(bool = Bool / Bool, u32 = U32 / U32, u64 = U64 / U64);

/// The types of all parameters.
trait Params: Sized + ComponentNamedList + Lower + Send + Sync + 'static {
    fn fit(params: &[Param]) -> bool;
    fn take(arguments: Passed) -> Option<Self>;
}

macro_rules! params {
    ($($piece:ident $name:ident),*) => {
        impl<$($piece: Piece + Lower + Sync),*> Params for ($($piece,)*)
        where
            Self: ComponentNamedList + Lower,
        {
            fn fit(params: &[Param]) -> bool {
                matches!(params, [$($name),*] if true $(&& $piece::is(&$name.ty))*)
            }

            fn take(arguments: Passed) -> Option<Self> {
                let [$($name),*] = <[Argument; _]>::try_from(arguments).ok()?;
                Some(($($piece::take($name)?,)*))
            }
        }
    };
}

params!();
params!(A a);
params!(A a, B b);
params!(A a, B b, C c);

/// The type of the result, or that there is none.
trait Results: Sized + ComponentNamedList + Lift + Send + Sync + 'static {
    fn fit(result: Option<&Type>) -> bool;
    fn into_value(self, limits: &Limits) -> Result<Value, Error>;
}

impl Results for () {
    fn fit(result: Option<&Type>) -> bool {
        result.is_none()
    }

    fn into_value(self, _limits: &Limits) -> Result<Value, Error> {
        Ok(Value::Null)
    }
}

fn whole(piece: impl Piece, limits: &Limits) -> Result<Value, Error> {
    let mut bytes_left = limits.result_bytes;
    piece
        .lift(&mut bytes_left)
        .map_err(|failure| unfit(failure, limits))
}

macro_rules! plain_results {
    ($($piece:ty),*) => {$(
        impl Results for ($piece,) {
            fn fit(result: Option<&Type>) -> bool {
                result.is_some_and(<$piece>::is)
            }

            fn into_value(self, limits: &Limits) -> Result<Value, Error> {
                whole(self.0, limits)
            }
        }
    )*};
}

plain_results!(Bytes, String, bool, u32, u64);

impl Results for (Option<Bytes>,) {
    fn fit(result: Option<&Type>) -> bool {
        matches!(result, Some(Type::Option(some)) if Bytes::is(some))
    }

    fn into_value(self, limits: &Limits) -> Result<Value, Error> {
        let mut bytes_left = limits.result_bytes;
        lift_some(self.0, &mut bytes_left, Piece::lift).map_err(|failure| unfit(failure, limits))
    }
}

fn failed(message: String, limits: &Limits) -> Result<Value, Error> {
    Err(Error::Guest {
        payload: whole(message, limits)?,
    })
}

impl Results for Or<()> {
    fn fit(result: Option<&Type>) -> bool {
        matches!(result, Some(Type::Result(None, Some(err))) if String::is(err))
    }

    fn into_value(self, limits: &Limits) -> Result<Value, Error> {
        match self.0 {
            Ok(()) => Ok(Value::Null),
            Err(message) => failed(message, limits),
        }
    }
}

impl<T: Piece + Sync> Results for Or<T>
where
    Self: ComponentNamedList + Lift,
{
    fn fit(result: Option<&Type>) -> bool {
        matches!(result, Some(Type::Result(Some(ok), Some(err))) if T::is(ok) && String::is(err))
    }

    fn into_value(self, limits: &Limits) -> Result<Value, Error> {
        match self.0 {
            Ok(piece) => whole(piece, limits),
            Err(message) => failed(message, limits),
        }
    }
}
