//! The circumstances of a call.

use std::sync::Arc;

use weir_identity::Cid;

use crate::profile::Profile;

/// What is known about a call besides function and arguments. All of it
/// decides what the guest's clock and random numbers show, so that the same
/// context gives the same result again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContext {
    /// What names the request that led to the call.
    pub request: String,
    /// Who started that request.
    pub initiator: String,
    /// Who executes the call.
    pub host: String,
    /// Under whose identity it does; the host's own without a worker.
    pub worker: String,
    /// The service that is called.
    pub service: String,
    /// The time of the request, in milliseconds since 1970, which the guest's wall clock shows.
    pub timestamp_ms: u64,
    /// For how long the request lives from then on, in milliseconds.
    pub ttl_ms: u64,
    /// Where the arguments came from, by their position.
    pub provenance: Vec<Vec<Origin>>,
    /// Bytes that the caller of the service cannot foresee, chosen after the
    /// arguments are fixed. Guests seed their hash maps from randomness, so a
    /// caller who knew it could choose colliding keys.
    pub salt: [u8; 32],
}

/// Where a value came from: the function of a service on a peer that gave it,
/// and the part of it that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The peer.
    pub peer: Arc<str>,
    /// The service.
    pub service: Arc<str>,
    /// The function.
    pub function: Arc<str>,
    /// The path into what the function gave; empty for all of it.
    pub lens: Arc<str>,
}

impl CallContext {
    /// The seed of the guest's randomness.
    pub(crate) fn seed(&self, profile: Profile, component: &Cid, function: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("weir marine guest randomness v1");
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(profile.name().as_bytes());
        field(component.digest());
        field(function.as_bytes());
        field(self.request.as_bytes());
        field(self.initiator.as_bytes());
        field(self.host.as_bytes());
        field(self.worker.as_bytes());
        field(self.service.as_bytes());
        field(&self.timestamp_ms.to_le_bytes());
        field(&self.salt);
        *hasher.finalize().as_bytes()
    }
}
