use std::fmt;

use secp256k1::{Secp256k1, SecretKey, SignOnly};
use zeroize::Zeroizing;

use crate::hash::exact;
use crate::serde_form::text_or_bytes;
use crate::{Address, Digest, ParseError, PeerId, Signature, keccak256, points};

/// A point of the curve secp256k1 in its compressed form of 33 bytes, the only one it is parsed from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 33]);

impl PublicKey {
    /// The key with these 33 bytes, which must be a point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let bytes = exact("public key", bytes)?;
        match points::coordinates(&bytes) {
            Some(_) => Ok(Self(bytes)),
            None => Err(ParseError::NotOnCurve),
        }
    }

    /// The compressed form.
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// The compressed form.
    pub const fn to_bytes(self) -> [u8; 33] {
        self.0
    }

    /// Both coordinates, 32 bytes each: the form that a contract hashes.
    pub fn to_uncompressed(&self) -> [u8; 64] {
        points::coordinates(&self.0)
            .expect("every way to make a PublicKey checks that it is on the curve")
    }

    /// The EVM account of this key.
    pub fn address(&self) -> Address {
        Address::of_uncompressed(&self.to_uncompressed())
    }

    /// The libp2p peer of this key.
    pub const fn peer_id(&self) -> PeerId {
        PeerId::of(*self)
    }

    pub(crate) fn of_point(point: &secp256k1::PublicKey) -> Self {
        Self(point.serialize())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::hash::write_hex(f, &self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes: [u8; 33] = crate::hash::parse_hex(
            "public key",
            "0x and 66 lower-case hexadecimal digits",
            text,
        )?;
        Self::from_bytes(&bytes)
    }
}

text_or_bytes!(PublicKey, "a compressed secp256k1 key");

/// A secret key and its public half. The secret is wiped from memory on drop and never shown by `Debug`.
pub struct Keypair {
    secret: SecretKey,
    public: PublicKey,
    /// What signs, blinded for this key. Blinding anew for each signature would take as long as the signature.
    signer: Secp256k1<SignOnly>,
}

impl Keypair {
    /// The pair of this secret. To make a new key pass 32 random bytes; out of 2^128 such attempts one fails.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, ParseError> {
        let mut signer = Secp256k1::signing_only();
        signer.seeded_randomize(keccak256(&[b"weir/blinding", &secret[..]]).as_bytes());
        let secret =
            SecretKey::from_byte_array(*secret).map_err(|_| ParseError::SecretOutOfRange)?;
        let public = PublicKey::of_point(&secp256k1::PublicKey::from_secret_key(&signer, &secret));
        Ok(Self {
            secret,
            public,
            signer,
        })
    }

    /// The 32 secret bytes, wiped when the result goes out of scope.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.secret_bytes())
    }

    /// The public half.
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The libp2p peer of this key.
    pub const fn peer_id(&self) -> PeerId {
        PeerId::of(self.public)
    }

    /// The EVM account of this key.
    pub fn address(&self) -> Address {
        self.public.address()
    }

    /// Signs. Deterministic (RFC 6979): one key and one digest always give the same signature.
    pub fn sign(&self, digest: &Digest) -> Signature {
        let message = secp256k1::Message::from_digest(*digest.as_bytes());
        let signature = self.signer.sign_ecdsa_recoverable(message, &self.secret);
        let (recovery, compact) = signature.serialize_compact();
        Signature::of_parts(compact, recovery)
    }
}

impl Drop for Keypair {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keypair")
            .field("peer_id", &self.peer_id())
            .finish_non_exhaustive()
    }
}
