//! Keys for tests.

use std::sync::Arc;

use weir_identity::{Keypair, PeerId};

/// A key made of one byte.
pub(crate) fn keypair(seed: u8) -> Arc<Keypair> {
    let mut secret = [seed; 32];
    secret[0] = 1;
    Arc::new(Keypair::from_secret(&secret).expect("a small number is a valid key"))
}

/// The peer of [`keypair`].
pub(crate) fn peer_id(seed: u8) -> PeerId {
    keypair(seed).peer_id()
}
