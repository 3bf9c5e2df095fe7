use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Secp256k1, VerifyOnly};

use crate::hash::{exact, parse_hex, write_hex};
use crate::serde_form::text_or_bytes;
use crate::{Digest, ParseError, PeerId, PublicKey, SignatureError};

static RECOVERY: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// Half the order of the curve, rounded down: the greatest `s` that is not malleable (EIP-2).
const S_MAX: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A recoverable ECDSA signature over a [`Digest`], as `ecrecover` takes it: `r` (32 bytes), `s` (32 bytes, in the
/// lower half of the order), `v` (27 or 28).
///
/// Written as `0x` and 130 lower-case hexadecimal digits. A message has exactly one valid signature per nonce: other
/// values of `s` and `v` are refused when parsed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 65]);

impl Signature {
    /// Reads `r ‖ s ‖ v`. Whether it fits anything is another question: see [`Signature::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let wrong = |problem| ParseError::Form {
            what: "signature",
            problem,
        };
        let bytes: [u8; 65] = exact("signature", bytes)?;
        let [compact @ .., v] = bytes;
        let id = recovery_id(v).ok_or(wrong("v is neither 27 nor 28"))?;
        if compact[32..] > S_MAX[..] {
            return Err(wrong("s is in the upper half of the order"));
        }
        if compact[..32] == [0; 32] || compact[32..] == [0; 32] {
            return Err(wrong("r or s is zero"));
        }
        RecoverableSignature::from_compact(&compact, id)
            .map_err(|_| wrong("r is not below the order"))?;
        Ok(Self(bytes))
    }

    /// `r ‖ s ‖ v`.
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// `r ‖ s ‖ v`.
    pub const fn to_bytes(self) -> [u8; 65] {
        self.0
    }

    /// Who signed this digest. For another digest the answer is a key that nobody holds, or an error.
    pub fn recover(&self, digest: &Digest) -> Result<PublicKey, SignatureError> {
        let [compact @ .., v] = &self.0;
        let id = recovery_id(*v).ok_or(SignatureError::NoSigner)?;
        let message = secp256k1::Message::from_digest(*digest.as_bytes());
        RecoverableSignature::from_compact(compact, id)
            .and_then(|signature| RECOVERY.recover_ecdsa(message, &signature))
            .map(|point| PublicKey::of_point(&point))
            .map_err(|_| SignatureError::NoSigner)
    }

    /// Succeeds if `signer` signed this digest.
    pub fn verify(&self, digest: &Digest, signer: &PeerId) -> Result<(), SignatureError> {
        let found = self.recover(digest)?.peer_id();
        if found == *signer {
            Ok(())
        } else {
            Err(SignatureError::OtherSigner {
                expected: *signer,
                found,
            })
        }
    }

    /// The signature with these 64 bytes of `r` and `s`, as libsecp256k1 makes them: `s` is low.
    pub(crate) fn of_parts(compact: [u8; 64], recovery: RecoveryId) -> Self {
        // Recovery ids 2 and 3 mean that r exceeded the order, which happens once in 2^127 signatures and which
        // `ecrecover` cannot express; the bit that remains makes such a signature fail verification.
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&compact);
        bytes[64] = match recovery {
            RecoveryId::Zero | RecoveryId::Two => 27,
            RecoveryId::One | RecoveryId::Three => 28,
        };
        Self(bytes)
    }
}

fn recovery_id(v: u8) -> Option<RecoveryId> {
    match v {
        27 => Some(RecoveryId::Zero),
        28 => Some(RecoveryId::One),
        _ => None,
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Signature {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes: [u8; 65] = parse_hex(
            "signature",
            "0x and 130 lower-case hexadecimal digits",
            text,
        )?;
        Self::from_bytes(&bytes)
    }
}

text_or_bytes!(Signature, "a 65-byte signature");
