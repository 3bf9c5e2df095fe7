//! What went wrong on the chain, as the user meets it.

use weir_chain::ChainError;

use crate::code::Code;
use crate::failure::Failure;

/// A failure of the chain of the local network while this was done.
pub(crate) fn failed(what: impl Into<String>, error: &ChainError) -> Failure {
    failed_at(true, what, error)
}

/// A failure of a chain, the local network's or another.
pub(crate) fn failed_at(is_local: bool, what: impl Into<String>, error: &ChainError) -> Failure {
    let code = match error {
        ChainError::Unreachable(_) | ChainError::Pending { .. } => Code::ChainUnreachable,
        _ => Code::ChainRefused,
    };
    let failure = Failure::new(code, what).cause(error);
    match code {
        Code::ChainUnreachable if is_local => failure.fix("weir up"),
        Code::ChainUnreachable => failure.fix("weir context show"),
        _ => failure,
    }
}
