//! What went wrong on the chain, as the user meets it.

use weir_chain::ChainError;

use crate::code::Code;
use crate::failure::Failure;

/// A failure of the chain while this was done.
pub(crate) fn failed(what: impl Into<String>, error: &ChainError) -> Failure {
    let code = match error {
        ChainError::Unreachable(_) | ChainError::Pending { .. } => Code::ChainUnreachable,
        _ => Code::ChainRefused,
    };
    let failure = Failure::new(code, what).cause(error);
    match code {
        Code::ChainUnreachable => failure.fix("weir up"),
        _ => failure,
    }
}
