use crate::PeerId;

/// Why bytes or text are not the key, hash, address or id they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The input has the wrong length.
    #[error("{what}: expected {expected} bytes, got {found}")]
    Length {
        /// What was to be parsed.
        what: &'static str,
        /// How many bytes it has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The text has characters or a shape that its encoding does not allow.
    #[error("{what}: expected {expected}")]
    Text {
        /// What was to be parsed.
        what: &'static str,
        /// The form in which it is written.
        expected: &'static str,
    },
    /// An address in mixed case whose capitals do not fit (EIP-55): most likely a typing error.
    #[error("address: the capital letters do not match its checksum; is a character wrong?")]
    AddressChecksum,
    /// The bytes begin with something else than this kind of value.
    #[error("{what}: {problem}")]
    Form {
        /// What was to be parsed.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The bytes are no point of the curve secp256k1.
    #[error("public key: not a point of the curve secp256k1")]
    NotOnCurve,
    /// The bytes are zero or not below the order of the curve.
    #[error("secret key: must be above zero and below the order of the curve secp256k1")]
    SecretOutOfRange,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No public key fits signature and digest.
    #[error("the signature belongs to no public key")]
    NoSigner,
    /// Somebody else signed, or something else was signed.
    #[error(
        "the signature is not by {expected}, or not over this content (it would be by {found})"
    )]
    OtherSigner {
        /// Who should have signed.
        expected: PeerId,
        /// Whose signature over this digest it is; arbitrary when the content differs.
        found: PeerId,
    },
}
