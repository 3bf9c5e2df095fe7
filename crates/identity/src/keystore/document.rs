//! The JSON form of a keystore document.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{DOCUMENT_BYTES_MAX, KeystoreError};
use crate::{Address, Hash, PeerId, keccak256};

pub(super) const VERSION: u64 = 1;
const FORMAT: &str = "weir-key";

/// Read first, so that a later version is recognised whatever else it holds.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    format: String,
    version: u64,
    pub(super) peer: PeerId,
    pub(super) address: Address,
    pub(super) secret: Secret,
    /// keccak-256 over this document as compact JSON, fields in this order, with a checksum of zero.
    checksum: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Secret {
    Plain(Bytes<32>),
    Sealed(Sealed),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) kdf: Kdf,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) salt: Bytes<16>,
    pub(super) cipher: Cipher,
    pub(super) nonce: Bytes<12>,
    /// The 32 secret bytes encrypted, and the tag of 16 bytes.
    pub(super) bytes: Bytes<48>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kdf {
    Argon2id,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Cipher {
    ChaCha20Poly1305,
}

impl Document {
    pub(super) fn new(peer: PeerId, address: Address, secret: Secret) -> Self {
        let mut document = Self {
            format: FORMAT.into(),
            version: VERSION,
            peer,
            address,
            secret,
            checksum: Hash::ZERO,
        };
        document.checksum = keccak256(&[document.print().as_bytes()]);
        document
    }

    pub(super) fn print(&self) -> Zeroizing<String> {
        Zeroizing::new(
            serde_json::to_string(self)
                .expect("writing to memory cannot fail and keys are strings"),
        )
    }

    pub(super) fn parse(text: &str) -> Result<Self, KeystoreError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            let problem = format!("it is longer than {DOCUMENT_BYTES_MAX} bytes");
            return Err(KeystoreError::NotAKeystore(problem));
        }
        let header: Header = serde_json::from_str(text)
            .map_err(|error| KeystoreError::NotAKeystore(place(&error)))?;
        if header.format != FORMAT {
            return Err(KeystoreError::NotAKeystore(format!(
                "its format is not `{FORMAT}`"
            )));
        }
        if header.version != VERSION {
            return Err(KeystoreError::UnknownVersion(header.version));
        }
        let document: Self =
            serde_json::from_str(text).map_err(|error| KeystoreError::Damaged(place(&error)))?;
        let Self {
            peer,
            address,
            secret,
            checksum,
            ..
        } = document;
        let intact = Self::new(peer, address, secret);
        if intact.checksum == checksum {
            Ok(intact)
        } else {
            Err(KeystoreError::Damaged("its checksum does not match".into()))
        }
    }
}

/// Where parsing failed. The message of the JSON parser may quote a secret.
fn place(error: &serde_json::Error) -> String {
    format!(
        "it does not parse at line {}, column {}",
        error.line(),
        error.column()
    )
}

/// Bytes that may be secret: wiped when dropped, and not repeated in error messages.
pub(super) struct Bytes<const N: usize>(pub(super) Zeroizing<[u8; N]>);

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(HEXLOWER.encode(&self.0[..])))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const N: usize>;
        impl<const N: usize> Visitor<'_> for Digits<N> {
            type Value = Bytes<N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} lower-case hexadecimal digits", 2 * N)
            }
            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Bytes<N>, E> {
                let mut bytes = Zeroizing::new([0; N]);
                // decode_mut demands that the length fits.
                if digits.len() == 2 * N
                    && HEXLOWER
                        .decode_mut(digits.as_bytes(), &mut bytes[..])
                        .is_ok()
                {
                    Ok(Bytes(bytes))
                } else {
                    Err(E::custom(format_args!(
                        "expected {} lower-case hexadecimal digits",
                        2 * N
                    )))
                }
            }
        }
        deserializer.deserialize_str(Digits)
    }
}
