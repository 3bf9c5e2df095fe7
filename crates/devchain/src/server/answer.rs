//! What methods take and give.

use alloy_primitives::U256;
use jsonrpsee::types::params::ParamsSequence;
use jsonrpsee::types::{ErrorCode, ErrorObjectOwned};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::sealer::Shared;

/// JSON, or an error.
pub type Answer = Result<Box<RawValue>, ErrorObjectOwned>;

/// A method that blocks the thread that it runs on.
pub type Method = fn(&Shared, &mut ParamsSequence<'_>) -> Answer;

/// JSON of a value.
pub fn json(value: &impl Serialize) -> Answer {
    serde_json::value::to_raw_value(value).map_err(|error| {
        ErrorObjectOwned::owned(
            ErrorCode::InternalError.code(),
            format!("the answer cannot be written: {error}"),
            None::<()>,
        )
    })
}

/// JSON of an outcome.
pub fn answer(outcome: Result<impl Serialize, Error>) -> Answer {
    match outcome {
        Ok(value) => json(&value),
        Err(error) => Err(error.into()),
    }
}

/// An argument that must be there.
pub fn needed<T: DeserializeOwned>(
    params: &mut ParamsSequence<'_>,
    name: &str,
) -> Result<T, ErrorObjectOwned> {
    optional(params, name)?.ok_or_else(|| invalid(format!("missing value for argument {name}")))
}

/// An argument that can be absent, or null.
pub fn optional<T: DeserializeOwned>(
    params: &mut ParamsSequence<'_>,
    name: &str,
) -> Result<Option<T>, ErrorObjectOwned> {
    params.optional_next().map_err(|error: ErrorObjectOwned| {
        let why = error.data().map_or(error.message(), RawValue::get);
        invalid(format!(
            "invalid argument {name}: {}",
            why.trim_matches('"')
        ))
    })
}

/// The error of arguments that make no sense.
pub fn invalid(message: String) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(ErrorCode::InvalidParams.code(), message, None::<()>)
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Argument(_) => ErrorCode::InvalidParams.code(),
            Error::Limit(_) => -32_005,
            Error::Store(_) => ErrorCode::InternalError.code(),
            Error::Reverted { message, data } => {
                return ErrorObjectOwned::owned(3, message.clone(), Some(data));
            }
            _ => -32_000,
        };
        ErrorObjectOwned::owned(code, error.to_string(), None::<()>)
    }
}

/// A number, as such or as text in hexadecimal or decimal.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Quantity(U256);

impl Quantity {
    /// The number, or the error that it is too large.
    pub fn small(self, name: &str) -> Result<u64, ErrorObjectOwned> {
        u64::try_from(self.0)
            .map_err(|_| invalid(format!("invalid argument {name}: {} is too large", self.0)))
    }

    /// The number.
    pub fn large(self) -> U256 {
        self.0
    }
}
