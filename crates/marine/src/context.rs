//! The circumstances of a call.

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
    /// The service that is called.
    pub service: String,
    /// The time of the request, in milliseconds since 1970, which the guest's wall clock shows.
    pub timestamp_ms: u64,
    /// Bytes that the caller of the service cannot foresee, chosen after the
    /// arguments are fixed. Guests seed their hash maps from randomness, so a
    /// caller who knew it could choose colliding keys.
    pub salt: [u8; 32],
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
        field(self.service.as_bytes());
        field(&self.timestamp_ms.to_le_bytes());
        field(&self.salt);
        *hasher.finalize().as_bytes()
    }
}
