//! Keys and records of the state in the store.
//!
//! | Key | Value |
//! |---|---|
//! | `N`, name | the head: generation, number of the last commit, its root, version of its topmost node |
//! | `G`, id | name and generation of a state that was removed and is being deleted |
//! | `S`, id, `c`, version, `n`, hash | node |
//! | `S`, id, `c`, version, `v`, hash of the entry | value |
//! | `S`, id, `r`, root hash | number of the commit that replaced this root, the root, version of its topmost node |
//! | `S`, id, `l`, number of a commit, part | when it replaced a root (milliseconds since 1970), hash of that root, what that root alone needed: for each `N` or `V`, version, hash |
//!
//! A version is the number of the commit that made something: what it made stands together. Numbers are big endian and
//! have 8 bytes, that of a part 4. A name is the keccak-256 hash of a service id; an id is made from name and
//! generation, so that whoever deploys a service again under the same name finds nothing of what it was.
//!
//! Before there were versions, nodes and values stood under their hash alone, and could be made again there. They still
//! do, with version 0:
//!
//! | Key | Value |
//! |---|---|
//! | `S`, id, `n`, hash | number of the commit that made it last, node |
//! | `S`, id, `v`, hash of the entry | likewise, value |
//!
//! In lists they are `n` or `v` and the hash, and roots of that time have no version of their topmost node.

use bytes::Bytes;
use weir_identity::{Hash, keccak256};
use weir_receipt::state::{Commit, NodeKey, Root};

/// Hashes in one part of a list. Portions of cleaning are made of whole parts.
pub(super) const PART_HASHES: usize = 128;

/// What a service is called here.
pub(super) fn name(service: &str) -> Hash {
    keccak256(&[b"weir/state/service", service.as_bytes()])
}

/// The first bytes of the keys of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id([u8; 16]);

/// No number of a commit, no version and no generation gets so far: where a store says so it is damaged. Half of what
/// versions may be ([`NodeKey::version`]), so that counting on stays in bounds.
const NUMBER_END: u64 = 1 << 62;

fn read_number(bytes: [u8; 8]) -> Option<u64> {
    let number = u64::from_be_bytes(bytes);
    (number < NUMBER_END).then_some(number)
}

/// What a commit makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Node = b'n' as isize,
    Value = b'v' as isize,
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
        let mut key = Vec::with_capacity(59);
        key.push(b'S');
        key.extend_from_slice(&self.0);
        key
    }

    pub(super) fn key(self, kind: Kind, of: &NodeKey) -> Bytes {
        let mut key = self.prefix();
        if of.version > 0 {
            key.push(b'c');
            key.extend_from_slice(&of.version.to_be_bytes());
        }
        key.push(kind as u8);
        key.extend_from_slice(of.hash.as_bytes());
        key.into()
    }

    pub(super) fn root(self, root: &Hash) -> Bytes {
        let mut key = self.prefix();
        key.push(b'r');
        key.extend_from_slice(root.as_bytes());
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
    pub(super) root: VersionedRoot,
}

impl Head {
    /// Of a service without commits.
    pub(super) const EMPTY: Self = Self {
        generation: 0,
        number: 0,
        root: VersionedRoot::EMPTY,
    };

    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(24 + Root::BYTES);
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        self.root.encode(&mut out);
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (number, root) = rest.split_first_chunk()?;
        let generation = read_number(*generation)?;
        let number = read_number(*number)?;
        let root = VersionedRoot::decode(root)?;
        (root.top_version <= number).then_some(Self {
            generation,
            number,
            root,
        })
    }
}

/// A root, and the version of its topmost node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VersionedRoot {
    pub(super) root: Root,
    pub(super) top_version: u64,
}

impl VersionedRoot {
    pub(super) const EMPTY: Self = Self {
        root: Root::EMPTY,
        top_version: 0,
    };

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.root.encode());
        out.extend_from_slice(&self.top_version.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (root, version) = bytes.split_at_checked(Root::BYTES)?;
        Some(Self {
            root: Root::decode(root).ok()?,
            top_version: match version {
                [] => 0,
                version => u64::from_be_bytes(version.try_into().ok()?),
            },
        })
    }
}

/// A root that commit number `by` replaced.
pub(super) fn encode_replaced(by: u64, root: &VersionedRoot) -> Bytes {
    let mut out = Vec::with_capacity(16 + Root::BYTES);
    out.extend_from_slice(&by.to_be_bytes());
    root.encode(&mut out);
    out.into()
}

pub(super) fn decode_replaced(bytes: &[u8]) -> Option<(u64, VersionedRoot)> {
    let (by, root) = bytes.split_first_chunk()?;
    let by = read_number(*by)?;
    let root = VersionedRoot::decode(root)?;
    (root.top_version < by).then_some((by, root))
}

/// The node or value of this key in what is stored there.
pub(super) fn stored(of: &NodeKey, bytes: &Bytes) -> Option<Bytes> {
    let number = if of.version == 0 { 8 } else { 0 };
    (bytes.len() >= number).then(|| bytes.slice(number..))
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
            commit: read_number(*commit)?,
            part: u32::from_be_bytes(*part),
        })
    }
}

/// What a root alone needed, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) replaced_ms: u64,
    pub(super) root: Hash,
    pub(super) dropped: Vec<(Kind, NodeKey)>,
}

impl List {
    /// The parts of the list of a commit; at least one.
    pub(super) fn parts(commit: &Commit, replaced_ms: u64, root: Hash) -> Vec<Self> {
        let nodes = commit.dropped_nodes.iter().map(|key| (Kind::Node, *key));
        let values = commit.dropped_values.iter().map(|key| (Kind::Value, *key));
        let dropped: Vec<_> = nodes.chain(values).collect();
        let part = |dropped: &[(Kind, NodeKey)]| Self {
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
        let mut out = Vec::with_capacity(40 + 41 * self.dropped.len());
        out.extend_from_slice(&self.replaced_ms.to_be_bytes());
        out.extend_from_slice(self.root.as_bytes());
        for (kind, key) in &self.dropped {
            if key.version > 0 {
                out.push((*kind as u8).to_ascii_uppercase());
                out.extend_from_slice(&key.version.to_be_bytes());
            } else {
                out.push(*kind as u8);
            }
            out.extend_from_slice(key.hash.as_bytes());
        }
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (replaced_ms, rest) = bytes.split_first_chunk()?;
        let (root, mut rest) = rest.split_first_chunk()?;
        let mut dropped = Vec::with_capacity(rest.len() / 33);
        while let Some((letter, item)) = rest.split_first() {
            let kind = match letter.to_ascii_lowercase() {
                b'n' => Kind::Node,
                b'v' => Kind::Value,
                _ => return None,
            };
            let (version, item) = if letter.is_ascii_uppercase() {
                let (version, item) = item.split_first_chunk()?;
                let version = read_number(*version).filter(|version| *version > 0)?;
                (version, item)
            } else {
                (0, item)
            };
            let (hash, item) = item.split_first_chunk()?;
            let hash = Hash::new(*hash);
            dropped.push((kind, NodeKey { version, hash }));
            rest = item;
        }
        Some(Self {
            replaced_ms: u64::from_be_bytes(*replaced_ms),
            root: Hash::new(*root),
            dropped,
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
    let generation = read_number(generation.try_into().ok()?)?;
    Some((Hash::new(*name), generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: u64 = NUMBER_END - 1;

    fn root(top_version: u64) -> VersionedRoot {
        VersionedRoot {
            top_version,
            ..VersionedRoot::EMPTY
        }
    }

    #[test]
    fn heads_come_back_and_numbers_that_nothing_writes_are_damage() {
        let head = |generation, number, top| Head {
            generation,
            number,
            root: root(top),
        };
        for head in [Head::EMPTY, head(3, 7, 7), head(LAST, LAST, 5)] {
            assert_eq!(Head::decode(&head.encode()), Some(head));
        }
        for wrong in [head(LAST + 1, 7, 7), head(3, LAST + 1, 7), head(3, 7, 8)] {
            assert_eq!(Head::decode(&wrong.encode()), None, "{wrong:?}");
        }
        let whole = head(3, 7, 5).encode();
        let without_version = whole.len() - 8;
        for length in 0..whole.len() {
            let read = (length == without_version).then(|| head(3, 7, 0));
            assert_eq!(Head::decode(&whole[..length]), read, "{length} bytes");
        }
    }

    #[test]
    fn old_roots_come_back_and_numbers_that_nothing_writes_are_damage() {
        for (by, top) in [(1, 0), (7, 6), (LAST, 3)] {
            let bytes = encode_replaced(by, &root(top));
            assert_eq!(decode_replaced(&bytes), Some((by, root(top))));
        }
        for (by, top) in [(0, 0), (7, 7), (LAST + 1, 3)] {
            let bytes = encode_replaced(by, &root(top));
            assert_eq!(decode_replaced(&bytes), None, "{by} {top}");
        }
    }

    #[test]
    fn lists_come_back_and_have_one_form() {
        let hash = keccak256(&[b"node"]);
        let list = |versions: &[u64]| List {
            replaced_ms: 9,
            root: hash,
            dropped: versions
                .iter()
                .flat_map(|version| [Kind::Node, Kind::Value].map(|kind| (kind, *version)))
                .map(|(kind, version)| (kind, NodeKey { version, hash }))
                .collect(),
        };
        for list in [list(&[]), list(&[0, 1, 0, LAST])] {
            assert_eq!(List::decode(&list.encode()), Some(list));
        }
        assert_eq!(List::decode(&list(&[LAST + 1]).encode()), None);
        let mut zero = list(&[1]).encode().to_vec();
        zero[48] = 0;
        assert_eq!(List::decode(&zero), None, "version 0 has its own letter");
        let whole = list(&[5]).encode();
        for length in 0..whole.len() {
            let read = List::decode(&whole[..length]).map(|list| list.dropped.len());
            let ends = [40, 81].iter().position(|end| *end == length);
            assert_eq!(read, ends, "{length} bytes");
        }
    }

    #[test]
    fn generations_and_commits_that_nothing_writes_are_damage() {
        let name = keccak256(&[b"name"]);
        let note = |generation| decode_garbage(&encode_garbage(&name, generation));
        assert_eq!(note(LAST), Some((name, LAST)));
        assert_eq!(note(LAST + 1), None);
        let id = Id::new(&name, 0);
        let at = |commit| ListAt { commit, part: 2 };
        assert_eq!(ListAt::of_key(&id.list(at(LAST))), Some(at(LAST)));
        assert_eq!(ListAt::of_key(&id.list(at(LAST + 1))), None);
    }
}
