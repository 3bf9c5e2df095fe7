use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha3::Digest as _;

use crate::ParseError;
use crate::serde_form::text_or_bytes;

/// A keccak-256 hash: the hash of contracts, journals and everything else that a chain may check.
///
/// Written as `0x` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// The keccak-256 hash of the concatenation of `parts`.
pub fn keccak256(parts: &[&[u8]]) -> Hash {
    let mut hasher = sha3::Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

impl Hash {
    /// The hash whose bytes are all zero: "none" where the format has a fixed place for a hash.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash with these bytes: for constants. What is to be hashed goes through [`keccak256`].
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The hash with these bytes, of which there must be 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        exact("hash", bytes).map(Self)
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Hash> for [u8; 32] {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex("hash", "0x and 64 lower-case hexadecimal digits", text).map(Self)
    }
}

text_or_bytes!(Hash, "a 32-byte hash");

/// The bytes as an array, if there are exactly `N`.
pub(crate) fn exact<const N: usize>(
    what: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], ParseError> {
    bytes.try_into().map_err(|_| ParseError::Length {
        what,
        expected: N,
        found: bytes.len(),
    })
}

/// Writes `0x` and the bytes in lower-case hexadecimal digits; width and alignment are honoured.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.pad(&format!("0x{}", HEXLOWER.encode(bytes)))
}

/// Reads what [`write_hex`] writes.
pub(crate) fn parse_hex<const N: usize>(
    what: &'static str,
    expected: &'static str,
    text: &str,
) -> Result<[u8; N], ParseError> {
    text.strip_prefix("0x")
        .filter(|digits| digits.len() == 2 * N)
        .and_then(|digits| HEXLOWER.decode(digits.as_bytes()).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ParseError::Text { what, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_keccak_256_of_the_concatenation() {
        let known = [
            (
                "",
                "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
            ),
            (
                "abc",
                "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
            ),
        ];
        for (input, expected) in known {
            assert_eq!(keccak256(&[input.as_bytes()]).to_string(), expected);
        }
        assert_eq!(keccak256(&[b"a", b"", b"bc"]), keccak256(&[b"abc"]));
    }

    #[test]
    fn text_has_one_form() {
        let text = keccak256(&[]).to_string();
        assert_eq!(text.parse(), Ok(keccak256(&[])));
        for wrong in [
            &text[2..],
            &text[..65],
            &text.to_uppercase(),
            &text.replace('c', "C"),
            "",
            "0x",
        ] {
            assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
        }
    }
}
