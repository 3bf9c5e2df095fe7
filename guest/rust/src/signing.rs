//! Signatures with the key of the executing worker, under a domain of their own.

use crate::{Fault, host};

/// The 65 bytes of a secp256k1 signature (r, s, v) by the worker in [`context::Info`](crate::context::Info).
pub fn sign(message: &[u8]) -> Result<Vec<u8>, Fault> {
    Ok(host::signing::sign(message)?)
}

/// Whether `signature` is what the service `service` of the worker `peer` signed `message` with.
pub fn verify(peer: &str, service: &str, message: &[u8], signature: &[u8]) -> bool {
    host::signing::verify(peer, service, message, signature)
}
