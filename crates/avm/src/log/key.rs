//! Peers as they stand in signed and sent bytes: the compressed public key.

use weir_identity::{PeerId, PublicKey};

use super::Malformed;

/// Bytes of a compressed secp256k1 public key.
pub(super) const KEY_LEN: usize = 33;

pub(super) fn key_bytes(peer: &PeerId) -> [u8; KEY_LEN] {
    *peer.public_key().as_bytes()
}

pub(super) fn peer_of_key(bytes: &[u8; KEY_LEN]) -> Result<PeerId, Malformed> {
    let key = PublicKey::from_bytes(bytes).map_err(|_| Malformed("public key"))?;
    Ok(PeerId::from(key))
}
