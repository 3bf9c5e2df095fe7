use std::fmt;
use std::str::FromStr;

use cid::multihash::Multihash;
use sha2::{Digest as _, Sha256};

use crate::ParseError;
use crate::serde_form::text_or_bytes;

/// The multihash code of SHA-256.
const SHA2_256: u8 = 0x12;

/// The length of the text form: the prefix `b`, and 36 bytes with 5 bits in a letter.
const TEXT_BYTES: usize = 59;

/// How the bytes behind a [`Cid`] are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Bytes without structure: scripts, Wasm components, files.
    Raw = 0x55,
    /// Canonical DAG-CBOR: values.
    DagCbor = 0x71,
}

/// The name of content: CIDv1 with a SHA-256 digest, as IPFS knows it.
///
/// Written in lower-case base32 (`bafyrei…` for DAG-CBOR, `bafkrei…` for raw bytes). The byte form has 36 bytes;
/// order follows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    digest: [u8; 32],
}

impl Cid {
    /// The name of these canonical DAG-CBOR bytes.
    pub fn of_dag_cbor(bytes: &[u8]) -> Self {
        Self::from_digest(Codec::DagCbor, Sha256::digest(bytes).into())
    }

    /// The name of these bytes.
    pub fn of_raw(bytes: &[u8]) -> Self {
        Self::from_digest(Codec::Raw, Sha256::digest(bytes).into())
    }

    /// The CID with this codec and SHA-256 digest.
    pub const fn from_digest(codec: Codec, digest: [u8; 32]) -> Self {
        Self { codec, digest }
    }

    /// Whether `bytes` are the content that this CID names.
    pub fn names(&self, bytes: &[u8]) -> bool {
        Self::from_digest(self.codec, Sha256::digest(bytes).into()) == *self
    }

    /// How the content is to be read.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The SHA-256 digest of the content.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The binary form: version, codec, hash function and length in a byte each, then the digest.
    pub fn to_bytes(&self) -> [u8; 36] {
        let mut bytes = [0; 36];
        bytes[..4].copy_from_slice(&[1, self.codec as u8, SHA2_256, 32]);
        bytes[4..].copy_from_slice(&self.digest);
        bytes
    }

    /// Reads the binary form; other versions, codecs and hash functions are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let wrong = |problem| ParseError::Form {
            what: "CID",
            problem,
        };
        let bytes: [u8; 36] = crate::hash::exact("CID", bytes)?;
        let [version, codec, function, length, digest @ ..] = bytes;
        if version != 1 {
            return Err(wrong("not version 1"));
        }
        let codec = match codec {
            0x55 => Codec::Raw,
            0x71 => Codec::DagCbor,
            _ => return Err(wrong("the codec is neither raw nor DAG-CBOR")),
        };
        if (function, length) != (SHA2_256, 32) {
            return Err(wrong("the hash is not SHA-256"));
        }
        Ok(Self { codec, digest })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash =
            Multihash::<64>::wrap(u64::from(SHA2_256), &self.digest).expect("32 bytes fit into 64");
        f.pad(&cid::Cid::new_v1(self.codec as u64, hash).to_string())
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let malformed = || ParseError::Text {
            what: "CID",
            expected: "a CIDv1 in lower-case base32 (baf…)",
        };
        // The cid crate also reads prefixes such as /ipfs/ and other bases, in base58 with quadratic cost.
        if text.len() != TEXT_BYTES || !text.starts_with('b') {
            return Err(malformed());
        }
        let parsed: cid::Cid = text.parse().map_err(|_| malformed())?;
        let cid = Self::from_bytes(&parsed.to_bytes())?;
        if cid.to_string() == text {
            Ok(cid)
        } else {
            Err(malformed())
        }
    }
}

text_or_bytes!(Cid, "a CID");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_ipfs() {
        // What `ipfs add --cid-version 1` says of "hello world", and the name of the empty DAG-CBOR map.
        assert_eq!(
            Cid::of_raw(b"hello world").to_string(),
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
        );
        assert_eq!(
            Cid::of_dag_cbor(&[0xa0]).to_string(),
            "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"
        );
    }

    #[test]
    fn text_and_bytes_have_one_form() {
        let cid = Cid::of_raw(b"x");
        assert_eq!(cid.to_string().parse(), Ok(cid));
        assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
        let base58 = "QmPZ9gcCEpqKTo6aq61g2nXGUhM4iCL3ewB6LDXZCtioEB";
        for wrong in [
            &cid.to_string().to_uppercase(),
            &format!("/ipfs/{cid}"),
            base58,
            "",
            "b",
            &format!("{cid}a"),
            &cid.to_string()[..58],
            // Decoding this would take minutes.
            &format!("z{}", "2".repeat(4_000_000)),
        ] {
            assert!(wrong.parse::<Cid>().is_err(), "{wrong}");
        }
        for (index, wrong) in [(0, 0), (1, 0x70), (2, 0x1b), (3, 31)] {
            let mut bytes = cid.to_bytes();
            bytes[index] = wrong;
            assert!(Cid::from_bytes(&bytes).is_err(), "byte {index}");
        }
        assert!(Cid::from_bytes(&cid.to_bytes()[..35]).is_err());
    }

    #[test]
    fn a_name_fits_its_content_alone() {
        assert!(Cid::of_raw(b"x").names(b"x"));
        assert!(!Cid::of_raw(b"x").names(b"y"));
    }
}
