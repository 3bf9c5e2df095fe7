use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::hash::exact;
use crate::serde_form::text_or_bytes;
use crate::{ParseError, keccak256};

/// An account or contract on an EVM chain: the last 20 bytes of the keccak-256 hash of a public key.
///
/// Written as EIP-55 does: `0x` and 40 hexadecimal digits whose capitals are a checksum. Parsing takes the
/// checksummed form, and the forms all in lower or all in upper case, which carry no checksum.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

impl Address {
    /// The zero address: "no contract" in a signing domain.
    pub const ZERO: Self = Self([0; 20]);

    /// The 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The 20 bytes.
    pub const fn to_bytes(self) -> [u8; 20] {
        self.0
    }

    /// The address with these bytes, of which there must be 20.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        exact("address", bytes).map(Self)
    }

    /// The 32-byte word that stands for the address in ABI encoding and in EIP-712 structs.
    pub fn to_word(self) -> [u8; 32] {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&self.0);
        word
    }

    /// The address of the account that owns an uncompressed public key (64 bytes, x and y).
    pub(crate) fn of_uncompressed(key: &[u8; 64]) -> Self {
        let hash = keccak256(&[key]).to_bytes();
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }

    /// The 40 digits with the capitals of EIP-55: a letter is a capital where the hash of the lower-case digits has
    /// a nibble of 8 or more.
    fn checksummed(self) -> String {
        let mut digits = HEXLOWER.encode(&self.0);
        let hash = keccak256(&[digits.as_bytes()]).to_bytes();
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits = digits
            .chars()
            .zip(nibbles)
            .map(|(digit, nibble)| {
                if nibble >= 8 {
                    digit.to_ascii_uppercase()
                } else {
                    digit
                }
            })
            .collect();
        digits
    }
}

impl From<[u8; 20]> for Address {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Address {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("0x{}", self.checksummed()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let malformed = ParseError::Text {
            what: "address",
            expected: "0x and 40 hexadecimal digits",
        };
        let digits = text
            .strip_prefix("0x")
            .filter(|digits| digits.len() == 40)
            .ok_or(malformed.clone())?;
        let bytes = HEXLOWER_PERMISSIVE
            .decode(digits.as_bytes())
            .map_err(|_| malformed)?;
        let address = Self::from_bytes(&bytes)?;
        let has_lower = digits.bytes().any(|byte| byte.is_ascii_lowercase());
        let has_upper = digits.bytes().any(|byte| byte.is_ascii_uppercase());
        if has_lower && has_upper && address.checksummed() != digits {
            return Err(ParseError::AddressChecksum);
        }
        Ok(address)
    }
}

text_or_bytes!(Address, "a 20-byte address");

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of EIP-55.
    const CHECKSUMMED: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn text_carries_the_checksum_of_eip_55() {
        for text in CHECKSUMMED {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(text.to_lowercase().parse(), Ok(address));
            assert_eq!(
                format!("0x{}", text[2..].to_uppercase()).parse(),
                Ok(address)
            );
        }
    }

    #[test]
    fn a_wrong_capital_is_refused() {
        let wrong = CHECKSUMMED[0].replace("aAeb", "AAeb");
        assert_eq!(wrong.parse::<Address>(), Err(ParseError::AddressChecksum));
    }

    #[test]
    fn other_text_is_refused() {
        for wrong in [
            "",
            "0x",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
