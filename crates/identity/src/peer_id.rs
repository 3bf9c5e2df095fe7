use std::fmt;
use std::str::FromStr;

use crate::hash::exact;
use crate::serde_form::text_or_bytes;
use crate::{Address, ParseError, PublicKey};

/// What stands before the key in libp2p's bytes: an identity multihash (code 0) of 37 bytes, which are the protobuf
/// message of key type 2 (secp256k1) with 33 bytes of data.
const PREFIX: [u8; 6] = [0x00, 37, 0x08, 0x02, 0x12, 33];

/// The name of a peer: its public key, in the form libp2p gives it.
///
/// Written in base58 (`16Uiu2HA…`), the text form of libp2p's 39 bytes. Only secp256k1 keys are peers here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(PublicKey);

impl PeerId {
    pub(crate) const fn of(key: PublicKey) -> Self {
        Self(key)
    }

    /// The public key, which the id contains.
    pub const fn public_key(&self) -> PublicKey {
        self.0
    }

    /// The EVM account of the same key.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// The bytes that libp2p uses.
    pub fn to_bytes(&self) -> [u8; 39] {
        let mut bytes = [0; 39];
        bytes[..6].copy_from_slice(&PREFIX);
        bytes[6..].copy_from_slice(self.0.as_bytes());
        bytes
    }

    /// Reads the bytes that libp2p uses. Peers with other kinds of keys are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let bytes: [u8; 39] = exact("peer id", bytes)?;
        let key = bytes.strip_prefix(&PREFIX).ok_or(ParseError::Form {
            what: "peer id",
            problem: "not of a secp256k1 key (such ids begin with 16Uiu2HA)",
        })?;
        PublicKey::from_bytes(key).map(Self)
    }
}

impl From<PublicKey> for PeerId {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bs58::encode(self.to_bytes()).into_string())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PeerId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // Base58 costs quadratic time: the buffer bounds it.
        let mut buffer = [0; 64];
        let length = bs58::decode(text)
            .onto(&mut buffer[..])
            .map_err(|_| ParseError::Text {
                what: "peer id",
                expected: "base58 text that begins with 16Uiu2HA",
            })?;
        Self::from_bytes(buffer.get(..length).unwrap_or_default())
    }
}

text_or_bytes!(PeerId, "a peer id");
