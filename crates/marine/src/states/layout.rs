//! Keys and records of the state in the store.
//!
//! | Key | Value |
//! |---|---|
//! | `N`, name | the head: generation, number of the last commit, its root |
//! | `G`, id | name and generation of a state that was removed and is being deleted |
//! | `S`, id, `n`, hash | number of the commit that wrote it, node |
//! | `S`, id, `v`, hash of the entry | likewise, value |
//! | `S`, id, `r`, root hash | number of the commit that replaced this root, the root |
//! | `S`, id, `l`, number of a commit, part | when it replaced a root (milliseconds since 1970), hash of that root, what that root alone needed |
//!
//! Numbers are big endian and have 8 bytes, that of a part 4. A name is the keccak-256 hash of a service id; an id is
//! made from name and generation, so that whoever deploys a service again under the same name finds nothing of what it
//! was.

use bytes::Bytes;
use weir_identity::{Hash, keccak256};
use weir_receipt::state::{Commit, Root};

/// Hashes in one part of a list. Portions of cleaning are made of whole parts.
pub(super) const PART_HASHES: usize = 128;

/// What a service is called here.
pub(super) fn name(service: &str) -> Hash {
    keccak256(&[b"weir/state/service", service.as_bytes()])
}

/// The first bytes of the keys of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id([u8; 16]);

/// What is kept under a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Node = b'n' as isize,
    Value = b'v' as isize,
    Root = b'r' as isize,
}

impl Id {
    pub(super) fn new(name: &Hash, generation: u64) -> Self {
        let hash = keccak256(&[b"weir/state/id", name.as_bytes(), &generation.to_be_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(id)
    }

    /// What all keys of the state begin with.
    pub(super) fn prefix(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(50);
        key.push(b'S');
        key.extend_from_slice(&self.0);
        key
    }

    pub(super) fn key(self, kind: Kind, hash: &Hash) -> Bytes {
        let mut key = self.prefix();
        key.push(kind as u8);
        key.extend_from_slice(hash.as_bytes());
        key.into()
    }

    pub(super) fn lists(self) -> Vec<u8> {
        let mut key = self.prefix();
        key.push(b'l');
        key
    }

    pub(super) fn list(self, at: ListAt) -> Bytes {
        let mut key = self.lists();
        key.extend_from_slice(&at.commit.to_be_bytes());
        key.extend_from_slice(&at.part.to_be_bytes());
        key.into()
    }

    pub(super) fn garbage(self) -> Bytes {
        let mut key = vec![b'G'];
        key.extend_from_slice(&self.0);
        key.into()
    }
}

pub(super) const GARBAGE: &[u8] = b"G";

pub(super) const HEADS: &[u8] = b"N";

/// The service whose head has this key.
pub(super) fn name_of_head(key: &[u8]) -> Option<Hash> {
    let name = key.strip_prefix(HEADS)?;
    Some(Hash::new(name.try_into().ok()?))
}

pub(super) fn head_key(name: &Hash) -> Bytes {
    let mut key = vec![b'N'];
    key.extend_from_slice(name.as_bytes());
    key.into()
}

/// The last commit of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) generation: u64,
    pub(super) number: u64,
    pub(super) root: Root,
}

impl Head {
    /// Of a service without commits.
    pub(super) const EMPTY: Self = Self {
        generation: 0,
        number: 0,
        root: Root::EMPTY,
    };

    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(16 + Root::BYTES);
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.root.encode());
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (number, root) = rest.split_first_chunk()?;
        Some(Self {
            generation: u64::from_be_bytes(*generation),
            number: u64::from_be_bytes(*number),
            root: Root::decode(root).ok()?,
        })
    }
}

/// What a number of a commit stands in front of.
pub(super) fn numbered(number: u64, bytes: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(8 + bytes.len());
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(bytes);
    out.into()
}

pub(super) fn read_numbered(bytes: &Bytes) -> Option<(u64, Bytes)> {
    let number = bytes.first_chunk()?;
    Some((u64::from_be_bytes(*number), bytes.slice(8..)))
}

/// A part of the list of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListAt {
    pub(super) commit: u64,
    pub(super) part: u32,
}

impl ListAt {
    pub(super) fn next(self) -> Self {
        let (part, over) = self.part.overflowing_add(1);
        Self {
            commit: self.commit + u64::from(over),
            part,
        }
    }

    /// Reads it from the key of a list of the state `id`.
    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        let (rest, part) = key.split_last_chunk()?;
        let (_, commit) = rest.split_last_chunk()?;
        Some(Self {
            commit: u64::from_be_bytes(*commit),
            part: u32::from_be_bytes(*part),
        })
    }
}

/// What a root alone needed, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) replaced_ms: u64,
    pub(super) root: Hash,
    pub(super) dropped: Vec<(Kind, Hash)>,
}

impl List {
    /// The parts of the list of a commit; at least one.
    pub(super) fn parts(commit: &Commit, replaced_ms: u64, root: Hash) -> Vec<Self> {
        let nodes = commit.dropped_nodes.iter().map(|hash| (Kind::Node, *hash));
        let values = commit
            .dropped_values
            .iter()
            .map(|hash| (Kind::Value, *hash));
        let dropped: Vec<_> = nodes.chain(values).collect();
        let part = |dropped: &[(Kind, Hash)]| Self {
            replaced_ms,
            root,
            dropped: dropped.to_vec(),
        };
        if dropped.is_empty() {
            vec![part(&[])]
        } else {
            dropped.chunks(PART_HASHES).map(part).collect()
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(40 + 33 * self.dropped.len());
        out.extend_from_slice(&self.replaced_ms.to_be_bytes());
        out.extend_from_slice(self.root.as_bytes());
        for (kind, hash) in &self.dropped {
            out.push(*kind as u8);
            out.extend_from_slice(hash.as_bytes());
        }
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (replaced_ms, rest) = bytes.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk::<32>()?;
        let (items, []) = rest.as_chunks::<33>() else {
            return None;
        };
        let dropped = items.iter().map(|item| {
            let (kind, hash) = item.split_first_chunk::<1>()?;
            let kind = match kind[0] {
                b'n' => Kind::Node,
                b'v' => Kind::Value,
                _ => return None,
            };
            Some((kind, Hash::new(hash.try_into().ok()?)))
        });
        Some(Self {
            replaced_ms: u64::from_be_bytes(*replaced_ms),
            root: Hash::new(*root),
            dropped: dropped.collect::<Option<_>>()?,
        })
    }
}

/// A state that is being deleted.
pub(super) fn encode_garbage(name: &Hash, generation: u64) -> Bytes {
    let mut out = name.as_bytes().to_vec();
    out.extend_from_slice(&generation.to_be_bytes());
    out.into()
}

pub(super) fn decode_garbage(bytes: &[u8]) -> Option<(Hash, u64)> {
    let (name, generation) = bytes.split_first_chunk::<32>()?;
    let generation = u64::from_be_bytes(generation.try_into().ok()?);
    Some((Hash::new(*name), generation))
}
