//! Real randomness, which is recorded with the call.
//!
//! What need not be unforeseeable by the caller should come from a generator that is seeded with
//! [`context::Info::salt`](crate::context::Info), which costs no record.

use crate::{Fault, host};

/// So many bytes, 4,096 at most; more are [`Fault::Invalid`].
pub fn bytes(len: u32) -> Result<Vec<u8>, Fault> {
    Ok(host::entropy::bytes(len)?)
}

/// An array of random bytes.
pub fn array<const N: usize>() -> Result<[u8; N], Fault> {
    let len = u32::try_from(N).map_err(|_| Fault::TooLarge(format!("{N} random bytes")))?;
    let given = bytes(len)?.try_into();
    given.map_err(|given: Vec<u8>| Fault::Failed(format!("{} random bytes of {N}", given.len())))
}
