//! Signatures with the key of the executing worker, under a domain of their own.

use crate::{Fault, host};

/// The 65 bytes of a secp256k1 signature (r, s, v) by the worker in [`context::Info`](crate::context::Info).
pub fn sign(message: &[u8]) -> Result<Vec<u8>, Fault> {
    Ok(host::signing::sign(message)?)
}

/// Whether `signature` is that of `peer` over `message`.
pub fn verify(peer: &str, message: &[u8], signature: &[u8]) -> bool {
    host::signing::verify(peer, message, signature)
}
