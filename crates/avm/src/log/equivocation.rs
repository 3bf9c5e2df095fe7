//! Equivocation: one author, one index, two signed entries.

use bytes::Bytes;
use weir_identity::{Hash, PeerId, Signature};

use super::key::{KEY_LEN, key_bytes, peer_of_key};
use super::mmr::{leaf_hash, verify};
use super::wire::{In, Out};
use super::{Head, Malformed, ParticleId, SignedHead};

/// Longest path in a range of at most 2³² leaves.
const PATH_MAX: usize = 64;

/// An entry together with the proof that its author signed it at an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedLeaf {
    /// Length of the journal that was signed.
    pub length: u32,
    /// Its root.
    pub root: Hash,
    /// Signature over the head of that length and root.
    pub signature: Signature,
    /// The bytes of the entry.
    pub entry: Bytes,
    /// Sibling hashes from the leaf upward.
    pub path: Vec<Hash>,
}

impl SignedLeaf {
    /// The leaf hash of the entry.
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.entry)
    }

    /// Checks that `author` signed this entry at `index` of its journal in `particle`.
    pub fn verify(
        &self,
        particle: ParticleId,
        author: PeerId,
        index: u32,
    ) -> Result<(), Malformed> {
        let head = Head {
            particle,
            author,
            length: self.length,
            root: self.root,
        };
        SignedHead {
            head,
            signature: self.signature,
        }
        .verify()?;
        if verify(&self.leaf(), index, self.length, &self.path, &self.root) {
            Ok(())
        } else {
            Err(Malformed("path of a signed entry"))
        }
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.uint(self.length.into());
        out.raw(self.root.as_bytes());
        out.raw(&self.signature.to_bytes());
        out.bytes(&self.entry);
        out.uint(self.path.len() as u64);
        for hash in &self.path {
            out.raw(hash.as_bytes());
        }
    }

    pub(super) fn read(input: &mut In<'_>) -> Result<SignedLeaf, Malformed> {
        let length = input.u32()?;
        let root = input.hash()?;
        let signature = input.signature()?;
        let entry = Bytes::copy_from_slice(input.bytes()?);
        let steps = input.count(PATH_MAX)?;
        let path = (0..steps).map(|_| input.hash()).collect::<Result<_, _>>()?;
        Ok(SignedLeaf {
            length,
            root,
            signature,
            entry,
            path,
        })
    }
}

/// A proof that an author signed two different entries at one index. Needs nothing else to be
/// checked, so it can be handed on and shown to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// The particle.
    pub particle: ParticleId,
    /// Who contradicted itself.
    pub author: PeerId,
    /// At which index.
    pub index: u32,
    /// The two entries, the one with the smaller leaf hash first.
    pub leaves: [SignedLeaf; 2],
}

impl Equivocation {
    /// Builds the proof; the order of the leaves does not matter.
    pub fn new(
        particle: ParticleId,
        author: PeerId,
        index: u32,
        mut leaves: [SignedLeaf; 2],
    ) -> Equivocation {
        if leaves[1].leaf() < leaves[0].leaf() {
            leaves.reverse();
        }
        Equivocation {
            particle,
            author,
            index,
            leaves,
        }
    }

    /// Checks everything: both signatures, both paths, and that the entries differ.
    pub fn verify(&self) -> Result<(), Malformed> {
        let [first, second] = &self.leaves;
        if first.leaf() >= second.leaf() {
            return Err(Malformed("entries of an equivocation"));
        }
        first.verify(self.particle, self.author, self.index)?;
        second.verify(self.particle, self.author, self.index)
    }

    /// The proof as bytes of their own, see `docs/wire.md`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Out::new();
        out.raw(self.particle.as_bytes());
        self.write(&mut out);
        out.finish()
    }

    /// Reads what [`Equivocation::to_bytes`] wrote. Does not verify.
    pub fn from_bytes(bytes: &[u8]) -> Result<Equivocation, Malformed> {
        let mut input = In::new(bytes);
        let particle = ParticleId::from(input.hash()?);
        let proof = Equivocation::read(&mut input, particle)?;
        input.end()?;
        Ok(proof)
    }

    /// Everything but the particle.
    pub(super) fn write(&self, out: &mut Out) {
        out.raw(&key_bytes(&self.author));
        out.uint(self.index.into());
        self.leaves.iter().for_each(|leaf| leaf.write(out));
    }

    pub(super) fn read(
        input: &mut In<'_>,
        particle: ParticleId,
    ) -> Result<Equivocation, Malformed> {
        let author = peer_of_key(&input.fixed::<KEY_LEN>()?)?;
        let index = input.u32()?;
        let leaves = [SignedLeaf::read(input)?, SignedLeaf::read(input)?];
        Ok(Equivocation {
            particle,
            author,
            index,
            leaves,
        })
    }
}
