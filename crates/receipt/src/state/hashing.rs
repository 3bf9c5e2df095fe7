//! What is hashed, and how many permutations of keccak that takes.

use weir_identity::{Hash, keccak256};

/// Values of so many bytes are part of the hash of their entry; longer ones are hashed first.
pub(crate) const VALUE_IN_ENTRY_MAX: usize = 32;

/// Bytes that one permutation takes in.
const RATE: usize = 136;

/// The kinds, first byte of everything that is hashed.
const VALUE: u8 = 0;
const ENTRY: u8 = 1;
const BRANCH: u8 = 2;
const ROOT: u8 = 3;

/// What an entry holds, as it is hashed, and with the version of a value that is apart.
#[derive(Clone, Copy)]
pub(crate) enum Held<'a> {
    Value(&'a [u8]),
    Hashed { len: u32, hash: Hash, version: u64 },
}

/// Hashes and counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hasher {
    /// Permutations for entries, branches and roots.
    pub(crate) permutations: u64,
    /// Permutations for values.
    pub(crate) value_permutations: u64,
}

const fn permutations(len: usize) -> u64 {
    (len / RATE + 1) as u64
}

impl Hasher {
    pub(crate) fn value(&mut self, value: &[u8]) -> Hash {
        self.value_permutations += permutations(1 + value.len());
        keccak256(&[&[VALUE], value])
    }

    pub(crate) fn entry(&mut self, key: &[u8], held: Held<'_>) -> Hash {
        let (len, hash) = match held {
            Held::Value(value) if value.len() <= VALUE_IN_ENTRY_MAX => (value.len() as u32, None),
            Held::Value(value) => (value.len() as u32, Some(self.value(value))),
            Held::Hashed { len, hash, .. } => (len, Some(hash)),
        };
        let content: &[u8] = match (held, &hash) {
            (_, Some(hash)) => hash.as_bytes(),
            (Held::Value(value), None) => value,
            (Held::Hashed { .. }, None) => &[],
        };
        self.permutations += permutations(7 + key.len() + content.len());
        keccak256(&[
            &[ENTRY],
            &(key.len() as u16).to_be_bytes(),
            key,
            &len.to_be_bytes(),
            content,
        ])
    }

    pub(crate) fn branch(&mut self, bit: u16, left: Hash, right: Hash) -> Hash {
        let mut bytes = [0; 67];
        bytes[0] = BRANCH;
        bytes[1..3].copy_from_slice(&bit.to_be_bytes());
        bytes[3..35].copy_from_slice(left.as_bytes());
        bytes[35..].copy_from_slice(right.as_bytes());
        self.permutations += permutations(bytes.len());
        keccak256(&[&bytes])
    }

    pub(crate) fn root(&mut self, entries: u64, bytes: u64, top: Hash) -> Hash {
        let mut preimage = [0; 49];
        preimage[0] = ROOT;
        preimage[1..9].copy_from_slice(&entries.to_be_bytes());
        preimage[9..17].copy_from_slice(&bytes.to_be_bytes());
        preimage[17..].copy_from_slice(top.as_bytes());
        self.permutations += permutations(preimage.len());
        keccak256(&[&preimage])
    }
}
