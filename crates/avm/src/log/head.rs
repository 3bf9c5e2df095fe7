//! Signed heads: how a peer stands by its journal.

use std::sync::LazyLock;

use weir_identity::{Address, Digest, Domain, Hash, Keypair, PeerId, Signature, keccak256};

use super::{Malformed, ParticleId};

/// EIP-712 type of a head.
const HEAD_TYPE: &[u8] = b"Head(bytes32 particle,address author,uint32 length,bytes32 root)";

/// "This is my past up to here, I have evaluated it, and I have delivered what was mine to
/// deliver."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The particle.
    pub particle: ParticleId,
    /// Whose journal.
    pub author: PeerId,
    /// Entries in the journal, at least 1.
    pub length: u32,
    /// Root of the Merkle mountain range over them.
    pub root: Hash,
}

/// A head with the signature of its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// What is signed.
    pub head: Head,
    /// Over [`Head::digest`], low s.
    pub signature: Signature,
}

impl Head {
    /// What is signed: EIP-712 typed data in the domain "Weir", version "1", chain 0, contract 0.
    pub fn digest(&self) -> Digest {
        Digest::eip712(&DOMAIN, self.struct_hash())
    }

    /// `hashStruct` of EIP-712.
    pub fn struct_hash(&self) -> Hash {
        let mut author = [0u8; 32];
        author[12..].copy_from_slice(self.author.address().as_bytes());
        let mut length = [0u8; 32];
        length[28..].copy_from_slice(&self.length.to_be_bytes());
        keccak256(&[
            keccak256(&[HEAD_TYPE]).as_bytes(),
            self.particle.as_bytes(),
            &author,
            &length,
            self.root.as_bytes(),
        ])
    }

    /// Signs with the author's key.
    pub fn sign(self, key: &Keypair) -> SignedHead {
        debug_assert_eq!(key.peer_id(), self.author, "a head is signed by its author");
        SignedHead {
            signature: key.sign(&self.digest()),
            head: self,
        }
    }
}

impl SignedHead {
    /// Checks that the author made the signature.
    pub fn verify(&self) -> Result<(), Malformed> {
        if self.head.length == 0 {
            return Err(Malformed("head of an empty journal"));
        }
        self.signature
            .verify(&self.head.digest(), &self.head.author)
            .map_err(|_| Malformed("signature of a head"))
    }
}

/// The network is named by *start*, so by the particle; a head needs no chain of its own.
static DOMAIN: LazyLock<Domain> =
    LazyLock::new(|| Domain::new("Weir", "1", 0, Address::from([0u8; 20])));
