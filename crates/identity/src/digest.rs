use std::sync::LazyLock;

use crate::{Address, Hash, keccak256};

/// The EIP-712 domain: for which application, chain and contract a signature is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    name: String,
    version: String,
    chain_id: u64,
    verifying_contract: Address,
    separator: Hash,
}

impl Domain {
    /// The domain of these four fields. Without a chain, `chain_id` is 0 and the contract [`Address::ZERO`].
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        chain_id: u64,
        verifying_contract: Address,
    ) -> Self {
        static TYPE: LazyLock<Hash> = LazyLock::new(|| {
            keccak256(&[b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"])
        });
        let (name, version) = (name.into(), version.into());
        let mut chain_word = [0; 32];
        chain_word[24..].copy_from_slice(&chain_id.to_be_bytes());
        let separator = keccak256(&[
            TYPE.as_bytes(),
            keccak256(&[name.as_bytes()]).as_bytes(),
            keccak256(&[version.as_bytes()]).as_bytes(),
            &chain_word,
            &verifying_contract.to_word(),
        ]);
        Self {
            name,
            version,
            chain_id,
            verifying_contract,
            separator,
        }
    }

    /// The application.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the signed structs; signatures of different versions are not exchangeable.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The chain, 0 for none.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The contract that checks the signatures, zero for none.
    pub const fn verifying_contract(&self) -> Address {
        self.verifying_contract
    }

    /// The domain separator, `hashStruct` of the domain.
    pub const fn separator(&self) -> Hash {
        self.separator
    }
}

/// What can be signed: 32 bytes that say for what they were made.
///
/// There is no way to make one of foreign bytes, so that nobody can be led to sign a transaction or another domain's
/// struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(Hash);

impl Digest {
    /// The digest of a typed struct (EIP-712): `keccak256(0x19 0x01 ‖ separator ‖ struct_hash)`.
    pub fn eip712(domain: &Domain, struct_hash: Hash) -> Self {
        Self(keccak256(&[
            b"\x19\x01",
            domain.separator.as_bytes(),
            struct_hash.as_bytes(),
        ]))
    }

    /// The digest of bytes in a context of Weir's own, such as the host function `sig`:
    /// `keccak256("\x19Weir Signed Bytes:\n" ‖ length of context (u64, big endian) ‖ context ‖ bytes)`.
    ///
    /// The first byte keeps it apart from transactions, the second from the other formats of EIP-191.
    pub fn prefixed(context: &str, bytes: &[u8]) -> Self {
        let context_length = (context.len() as u64).to_be_bytes();
        Self(keccak256(&[
            b"\x19Weir Signed Bytes:\n",
            &context_length,
            context.as_bytes(),
            bytes,
        ]))
    }

    /// The 32 bytes, for instance to hand them to `ecrecover`.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}
