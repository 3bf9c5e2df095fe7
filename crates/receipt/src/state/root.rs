use weir_identity::Hash;

use super::hashing::Hasher;
use crate::wire::{Malformed, Reader};

/// The hash of the topmost branch or entry, and what the state uses: all that a store keeps beside the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The topmost branch or entry, [`Hash::ZERO`] if the state is empty.
    pub(crate) top: Hash,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Root {
    /// The root of the state without entries.
    pub const EMPTY: Self = Self {
        top: Hash::ZERO,
        entries: 0,
        bytes: 0,
    };

    /// The [hash](Root::hash) of [`Root::EMPTY`].
    pub const EMPTY_HASH: Hash = Hash::new([
        0x9a, 0x01, 0x4c, 0x90, 0xa8, 0x3a, 0x13, 0x13, 0xb3, 0x0c, 0x7c, 0x90, 0xff, 0xac, 0x22,
        0xa5, 0x32, 0x58, 0x0f, 0x42, 0xdc, 0xdd, 0x8d, 0x4b, 0x7c, 0xa1, 0xae, 0xd3, 0x40, 0xc8,
        0x64, 0xee,
    ]);

    /// The length of the encoded form.
    pub const BYTES: usize = 48;

    /// The root hash: what receipts name.
    pub fn hash(&self) -> Hash {
        Hasher::default().root(self.entries, self.bytes, self.top)
    }

    /// How many keys the state has.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes of all keys and values.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The node with the topmost branch; `None` if the state is empty.
    pub fn top(&self) -> Option<Hash> {
        (self.top != Hash::ZERO).then_some(self.top)
    }

    /// Entries and bytes (8 bytes each, big endian), then the topmost hash.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&self.entries.to_be_bytes());
        out[8..16].copy_from_slice(&self.bytes.to_be_bytes());
        out[16..].copy_from_slice(self.top.as_bytes());
        out
    }

    /// Reads what [`Root::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let root = Self {
            entries: reader.u64()?,
            bytes: reader.u64()?,
            top: reader.hash()?,
        };
        reader.end()?;
        if (root.top == Hash::ZERO) != (root.entries == 0) || root.entries == 0 && root.bytes != 0 {
            return Err(Malformed("a root that counts other than it has"));
        }
        Ok(root)
    }
}
