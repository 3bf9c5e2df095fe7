//! Failures of host functions.

use std::fmt;

/// Stable codes, the part of a failure that programs may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// An argument is missing.
    ArgMissing,
    /// An argument has the wrong type.
    ArgType,
    /// More than one value for an optional argument.
    ArgOption,
    /// Wrong number of arguments.
    ArgCount,
    /// The initiator may not do this.
    Forbidden,
    /// A service, alias or function is absent.
    NotFound,
    /// A name is taken.
    Exists,
    /// A number leaves its range.
    Overflow,
    /// A limit is hit.
    Limit,
    /// A call took too long.
    Timeout,
    /// The result of the driver or the engine makes no sense.
    Internal,
}

impl Code {
    /// The text that stands before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::ArgMissing => "ARG_MISSING",
            Code::ArgType => "ARG_TYPE",
            Code::ArgOption => "ARG_OPTION",
            Code::ArgCount => "ARG_COUNT",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::Exists => "EXISTS",
            Code::Overflow => "OVERFLOW",
            Code::Limit => "LIMIT",
            Code::Timeout => "TIMEOUT",
            Code::Internal => "INTERNAL",
        }
    }
}

/// A failed host function: `CODE: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// What happened, for people.
    pub message: String,
}

impl Failure {
    /// A failure with this code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn overflow(what: impl fmt::Display) -> Self {
        Failure::new(
            Code::Overflow,
            format!("{what} leaves the range of 64-bit integers"),
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}
