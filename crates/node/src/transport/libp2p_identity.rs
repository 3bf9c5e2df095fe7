//! Our keys and ids as libp2p's, which are the same bytes.

use libp2p::identity;
use thiserror::Error;
use weir_identity::{Keypair, PeerId};

/// A peer whose key is of a kind that has no account on a chain.
#[derive(Debug, Clone, Error)]
#[error("peer {0} has no secp256k1 key")]
pub(crate) struct ForeignKey(libp2p::PeerId);

/// The same key for libp2p.
pub(crate) fn keypair(keypair: &Keypair) -> identity::Keypair {
    let mut secret = keypair.secret();
    let secret = identity::secp256k1::SecretKey::try_from_bytes(&mut secret[..])
        .expect("a secret key of ours is in the range of the curve");
    let same: identity::Keypair = identity::secp256k1::Keypair::from(secret).into();
    assert_eq!(
        same.public().to_peer_id().to_bytes(),
        keypair.peer_id().to_bytes(),
        "libp2p derives the same id from the same key"
    );
    same
}

/// The same id for libp2p.
pub(crate) fn to_libp2p(peer: &PeerId) -> libp2p::PeerId {
    libp2p::PeerId::from_bytes(&peer.to_bytes())
        .expect("39 bytes of an identity multihash are an id of libp2p")
}

/// The same id as ours, if the key is of our kind.
pub(crate) fn from_libp2p(peer: libp2p::PeerId) -> Result<PeerId, ForeignKey> {
    PeerId::from_bytes(&peer.to_bytes()).map_err(|_| ForeignKey(peer))
}
