//! Why effects fail.

use crate::bindings::weir::host::faults;
use std::fmt;

/// Why an effect did not happen, or came to nothing.
///
/// Turns into a `String`, so that `?` works in a function whose WIT type is `result<…, string>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not granted: by the manifest, the operator or the deployer, as the text says.
    Denied(String),
    /// What was asked is not there.
    NotFound(String),
    /// It took too long.
    TimedOut,
    /// More than is allowed, in number or size.
    TooLarge(String),
    /// What was asked makes no sense.
    Invalid(String),
    /// The outside failed.
    Failed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(formatter, "not granted: {text}"),
            Self::NotFound(text) => write!(formatter, "not found: {text}"),
            Self::TimedOut => formatter.write_str("it took too long"),
            Self::TooLarge(text) => write!(formatter, "too large: {text}"),
            Self::Invalid(text) => write!(formatter, "invalid: {text}"),
            Self::Failed(text) => write!(formatter, "failed: {text}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl From<faults::Fault> for Fault {
    fn from(fault: faults::Fault) -> Self {
        match fault {
            faults::Fault::Denied(text) => Self::Denied(text),
            faults::Fault::NotFound(text) => Self::NotFound(text),
            faults::Fault::TimedOut => Self::TimedOut,
            faults::Fault::TooLarge(text) => Self::TooLarge(text),
            faults::Fault::Invalid(text) => Self::Invalid(text),
            faults::Fault::Failed(text) => Self::Failed(text),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
impl From<Fault> for faults::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied(text) => Self::Denied(text),
            Fault::NotFound(text) => Self::NotFound(text),
            Fault::TimedOut => Self::TimedOut,
            Fault::TooLarge(text) => Self::TooLarge(text),
            Fault::Invalid(text) => Self::Invalid(text),
            Fault::Failed(text) => Self::Failed(text),
        }
    }
}
