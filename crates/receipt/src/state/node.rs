//! Nodes: the parts of a tree that a store keeps.
//!
//! The encoded form, with integers as LEB128 where not said otherwise:
//! ```text
//! node   = 0x02 ‖ bytes(prefix) ‖ item              prefix: what all keys in the node begin with, the longest
//! item   = 0x00 ‖ version ‖ hash (32)               link: a branch that is another node
//!        | 0x01 ‖ u16 bit ‖ hash (32) ‖ item ‖ item branch; without the hash if it is the topmost
//!        | 0x02 ‖ bytes(rest of key) ‖ bytes(value) entry, at most 128 bytes of value
//!        | 0x03 ‖ bytes(rest of key) ‖ length ‖ version ‖ hash (32)  entry, value hash
//! ```
//! In nodes that begin with 0x01, which were written before there were versions, these are missing, and 0.

use bytes::Bytes;
use weir_identity::Hash;

use super::hashing::{Hasher, Held};
use super::key::{KEY_BYTES_MAX, bit, first_difference, half_byte, has_bit};
use super::nodes::NodeKey;
use super::transaction::VALUE_BYTES_MAX;
use crate::wire::{Malformed, Reader, put_bytes, put_uint, uint_len};

/// Values of so many bytes are kept inside nodes, longer ones apart.
pub const VALUE_INLINE_MAX: usize = 128;

/// A subtree that takes so many bytes stays in the node above it.
pub const LIGHT_BYTES_MAX: usize = 512;

/// No encoded node has more bytes. It has at most 16 branches of its half byte, below them at most 17 entries or light
/// subtrees, one prefix, and the versions of what is not in it.
pub const NODE_BYTES_MAX: usize =
    3 + KEY_BYTES_MAX + 16 * BRANCH_BYTES + 17 * LIGHT_BYTES_MAX + VERSIONS_BYTES_MAX;

pub(crate) const BRANCH_BYTES: usize = 1 + 2 + 32;

/// Bytes of versions in a node, 9 for each at most: the weight of a light subtree is without them, and an entry whose
/// value is apart weighs at least 36, with a branch beside every one but the first.
const VERSIONS_BYTES_MAX: usize = 17 * ((LIGHT_BYTES_MAX + BRANCH_BYTES) / (36 + BRANCH_BYTES)) * 9;

/// Bytes of all keys of a witness: they take more memory than their encoding, which leaves out what they share.
const KEYS_BYTES_MAX: usize = 256 << 20;

const ENCODING: u8 = 2;
const ENCODING_WITHOUT_VERSIONS: u8 = 1;
const LINK: u8 = 0;
const BRANCH: u8 = 1;
const ENTRY: u8 = 2;
const ENTRY_APART: u8 = 3;

/// A decoded node: a part of a tree, immutable.
#[derive(Debug)]
pub struct Node {
    /// Branches, entries and links in pre-order: the left child of a branch follows it.
    pub(crate) items: Vec<Item>,
    /// All keys, one after the other.
    pub(crate) keys: Vec<u8>,
    /// Where values are.
    pub(crate) bytes: Bytes,
    /// Whether this comes from a witness, whose links are not where nodes end.
    pub(crate) partial: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Branch {
        bit: u16,
        /// The index of the right child.
        right: u32,
        /// Zero for the topmost branch of a node: its hash is the name of the node.
        hash: Hash,
    },
    Entry {
        key: Span,
        value: Stored,
    },
    Link(NodeKey),
}

/// A range of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) at: u32,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) const fn range(self) -> std::ops::Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    Here(Span),
    Apart {
        len: u32,
        hash: Hash,
        /// That of the value.
        version: u64,
    },
}

impl Stored {
    pub(crate) const fn len(self) -> u32 {
        match self {
            Self::Here(span) => span.len,
            Self::Apart { len, .. } => len,
        }
    }
}

impl Node {
    /// Reads a node as [`Commit::nodes`](super::Commit::nodes) has it. Whether it is the one that its hash names is not
    /// checked here: see [`Node::verify`].
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        let mut reader = Reader::new(&bytes);
        let (versions, bytes_max) = match reader.byte()? {
            ENCODING => (true, NODE_BYTES_MAX),
            ENCODING_WITHOUT_VERSIONS => (false, NODE_BYTES_MAX - VERSIONS_BYTES_MAX),
            _ => return Err(Malformed("a node of another version")),
        };
        if bytes.len() > bytes_max {
            return Err(Malformed("a node of too many bytes"));
        }
        let version = |reader: &mut Reader<'_>| {
            if versions { reader.long_uint() } else { Ok(0) }
        };
        let prefix = reader.bytes(KEY_BYTES_MAX)?;
        let mut shape = Shape::default();
        while !shape.complete() {
            match reader.byte()? {
                LINK => shape.link(NodeKey {
                    version: version(&mut reader)?,
                    hash: reader.hash()?,
                }),
                BRANCH => {
                    let bit = reader.u16()?;
                    let hash = if shape.items.is_empty() {
                        Hash::ZERO
                    } else {
                        reader.hash()?
                    };
                    shape.branch(bit, hash)?;
                }
                tag @ (ENTRY | ENTRY_APART) => {
                    let rest = reader.bytes(KEY_BYTES_MAX - prefix.len())?;
                    let key = [prefix, rest];
                    let value = if tag == ENTRY {
                        let len = reader.uint(VALUE_INLINE_MAX)?;
                        let at = reader.at() as u32;
                        reader.take(len)?;
                        Stored::Here(Span {
                            at,
                            len: len as u32,
                        })
                    } else {
                        let len = reader.uint(VALUE_BYTES_MAX)? as u32;
                        if len as usize <= VALUE_INLINE_MAX {
                            return Err(Malformed("a short value apart from its node"));
                        }
                        Stored::Apart {
                            len,
                            version: version(&mut reader)?,
                            hash: reader.hash()?,
                        }
                    };
                    shape.entry(key, value)?;
                }
                _ => return Err(Malformed("an item of a node")),
            }
        }
        reader.end()?;
        if shape.shared_prefix().len() != prefix.len() {
            return Err(Malformed("not the longest prefix of the keys"));
        }
        if matches!(shape.items[0], Item::Link(_)) {
            return Err(Malformed("a node that is a link"));
        }
        Ok(shape.finish(bytes, false))
    }

    /// The bytes that [`Node::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        encode(self.items.iter().map(|item| match item {
            Item::Link(key) => Piece::Link(*key),
            Item::Branch { bit, hash, .. } => Piece::Branch(*bit, *hash),
            Item::Entry { key, value } => Piece::Entry(self.key(*key), self.held(*value)),
        }))
    }

    /// Succeeds if this is the node with this hash, down to the hash of every branch in it.
    ///
    /// For stores in doubt. Takes a permutation for each branch, and one to three for each entry. The versions in the
    /// node are in no hash.
    pub fn verify(&self, hash: &Hash) -> Result<(), Malformed> {
        let hashes = self.hashes(&mut Hasher::default());
        let inner = self.items.iter().zip(&hashes).skip(1);
        let differs = |(item, found): (&Item, &Hash)| matches!(item, Item::Branch { hash, .. } if hash != found);
        if hashes.first() == Some(hash) && !inner.into_iter().any(differs) {
            Ok(())
        } else {
            Err(Malformed("not the node that its hash names"))
        }
    }

    /// The hash of each item, from the entries and links alone.
    pub(crate) fn hashes(&self, hasher: &mut Hasher) -> Vec<Hash> {
        let mut hashes = vec![Hash::ZERO; self.items.len()];
        // Children have higher indices than their parents.
        for (index, item) in self.items.iter().enumerate().rev() {
            hashes[index] = match item {
                Item::Link(key) => key.hash,
                Item::Entry { key, value } => hasher.entry(self.key(*key), self.held(*value)),
                Item::Branch { bit, right, .. } => {
                    hasher.branch(*bit, hashes[index + 1], hashes[*right as usize])
                }
            };
        }
        hashes
    }

    pub(crate) fn key(&self, key: Span) -> &[u8] {
        &self.keys[key.range()]
    }

    pub(crate) fn held(&self, value: Stored) -> Held<'_> {
        match value {
            Stored::Here(span) => Held::Value(&self.bytes[span.range()]),
            Stored::Apart { len, hash, version } => Held::Hashed { len, hash, version },
        }
    }

    /// Bytes of memory that the node takes, for caches that have a limit.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.items.capacity() * size_of::<Item>()
            + self.keys.capacity()
            + self.bytes.len()
    }
}

/// Builds the items of a node or a witness from left to right and checks that they are part of a tree.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) items: Vec<Item>,
    keys: Vec<u8>,
    /// The last entry.
    last: Option<(u32, Span)>,
    first: Option<Span>,
    /// The branches above what comes next, their bits ascending.
    open: Vec<Open>,
    done: bool,
}

struct Open {
    item: u32,
    bit: u16,
    right: bool,
}

impl Shape {
    /// Whether nothing can follow.
    pub(crate) const fn complete(&self) -> bool {
        self.done
    }

    /// Adds a branch.
    pub(crate) fn branch(&mut self, bit: u16, hash: Hash) -> Result<(), Malformed> {
        if self.open.last().is_some_and(|above| above.bit >= bit)
            || usize::from(bit) > 9 * KEY_BYTES_MAX
        {
            return Err(Malformed("the bits of branches do not ascend"));
        }
        let item = self.items.len() as u32;
        self.open.push(Open {
            item,
            bit,
            right: false,
        });
        self.items.push(Item::Branch {
            bit,
            right: 0,
            hash,
        });
        Ok(())
    }

    /// Adds a subtree that is elsewhere.
    pub(crate) fn link(&mut self, key: NodeKey) {
        self.items.push(Item::Link(key));
        self.close();
    }

    /// The key of the last entry so far, empty before the first.
    pub(crate) fn last_key(&self) -> &[u8] {
        match self.last {
            Some((_, last)) => &self.keys[last.range()],
            None => &[],
        }
    }

    /// Adds an entry whose key begins like that of the last entry.
    pub(crate) fn entry_after(
        &mut self,
        shared: usize,
        rest: &[u8],
        value: Stored,
    ) -> Result<(), Malformed> {
        let at = self.last.map_or(0, |(_, last)| last.at as usize);
        let start = self.keys.len();
        self.keys.extend_from_within(at..at + shared);
        self.keys.extend_from_slice(rest);
        self.entry_added(start, value)
    }

    /// Adds an entry; its key in two parts.
    pub(crate) fn entry(&mut self, key: [&[u8]; 2], value: Stored) -> Result<(), Malformed> {
        let start = self.keys.len();
        self.keys.extend_from_slice(key[0]);
        self.keys.extend_from_slice(key[1]);
        self.entry_added(start, value)
    }

    fn entry_added(&mut self, start: usize, value: Stored) -> Result<(), Malformed> {
        let span = Span {
            at: start as u32,
            len: (self.keys.len() - start) as u32,
        };
        if self.keys.len() > KEYS_BYTES_MAX {
            return Err(Malformed("too many bytes of keys"));
        }
        let key = &self.keys[span.range()];
        let mut unchecked = 0;
        if let Some((item, last)) = self.last {
            // The last key is below the same branches up to the one where they part, and was checked against them.
            unchecked = first_difference(&self.keys[last.range()], key)
                .and_then(|bit| self.open.binary_search_by_key(&bit, |open| open.bit).ok())
                .filter(|parting| self.open[*parting].item < item)
                .ok_or(Malformed("keys that part where no branch is"))?;
        }
        let fits = |open: &Open| has_bit(key.len(), open.bit) && bit(key, open.bit) == open.right;
        if !self.open[unchecked..].iter().all(fits) {
            return Err(Malformed("a key that is not below its branch"));
        }
        self.last = Some((self.items.len() as u32, span));
        self.first.get_or_insert(span);
        self.items.push(Item::Entry { key: span, value });
        self.close();
        Ok(())
    }

    /// A subtree has ended: what follows is to the right of the last branch that has no right child yet.
    fn close(&mut self) {
        while let Some(open) = self.open.last_mut() {
            if !open.right {
                open.right = true;
                let next = self.items.len() as u32;
                if let Item::Branch { right, .. } = &mut self.items[open.item as usize] {
                    *right = next;
                }
                return;
            }
            self.open.pop();
        }
        self.done = true;
    }

    /// The bit of the branch above what comes next.
    pub(crate) fn above(&self) -> Option<u16> {
        self.open.last().map(|open| open.bit)
    }

    fn shared_prefix(&self) -> &[u8] {
        match (self.first, self.last) {
            (Some(first), Some((_, last))) => {
                shared_prefix(&self.keys[first.range()], &self.keys[last.range()])
            }
            _ => &[],
        }
    }

    pub(crate) fn finish(mut self, bytes: Bytes, partial: bool) -> Node {
        self.items.shrink_to_fit();
        self.keys.shrink_to_fit();
        Node {
            items: self.items,
            keys: self.keys,
            bytes,
            partial,
        }
    }
}

fn shared_prefix<'a>(a: &'a [u8], b: &[u8]) -> &'a [u8] {
    let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    &a[..shared]
}

/// A part of a node to be encoded.
#[derive(Clone, Copy)]
pub(crate) enum Piece<'a> {
    Branch(u16, Hash),
    Entry(&'a [u8], Held<'a>),
    Link(NodeKey),
}

impl Piece<'_> {
    /// The bytes that this takes in a node, without regard to prefixes and versions; `None` for links, which stand for
    /// a whole node.
    pub(crate) fn weight(&self) -> Option<usize> {
        match self {
            Self::Link(_) => None,
            Self::Branch(..) => Some(BRANCH_BYTES),
            Self::Entry(key, held) => {
                let (len, value_bytes) = match held {
                    Held::Value(value) if value.len() <= VALUE_INLINE_MAX => {
                        (value.len(), value.len())
                    }
                    Held::Value(value) => (value.len(), 32),
                    Held::Hashed { len, .. } => (*len as usize, 32),
                };
                Some(
                    1 + uint_len(key.len() as u64) + key.len() + uint_len(len as u64) + value_bytes,
                )
            }
        }
    }
}

/// Encodes a node from its items in pre-order. Values that belong apart must come as hashes.
pub(crate) fn encode<'a>(pieces: impl Iterator<Item = Piece<'a>> + Clone) -> Vec<u8> {
    let mut keys = pieces.clone().filter_map(|piece| match piece {
        Piece::Entry(key, _) => Some(key),
        _ => None,
    });
    let prefix = match keys.next() {
        Some(first) => shared_prefix(first, keys.last().unwrap_or(first)),
        None => &[],
    };
    let mut out = Vec::with_capacity(1024);
    out.push(ENCODING);
    put_bytes(&mut out, prefix);
    for (index, piece) in pieces.enumerate() {
        match piece {
            Piece::Link(key) => {
                out.push(LINK);
                put_uint(&mut out, key.version);
                out.extend_from_slice(key.hash.as_bytes());
            }
            Piece::Branch(bit, hash) => {
                out.push(BRANCH);
                out.extend_from_slice(&bit.to_be_bytes());
                if index > 0 {
                    out.extend_from_slice(hash.as_bytes());
                }
            }
            Piece::Entry(key, held) => {
                let rest = &key[prefix.len()..];
                match held {
                    Held::Value(value) => {
                        out.push(ENTRY);
                        put_bytes(&mut out, rest);
                        put_bytes(&mut out, value);
                    }
                    Held::Hashed { len, hash, version } => {
                        out.push(ENTRY_APART);
                        put_bytes(&mut out, rest);
                        put_uint(&mut out, len.into());
                        put_uint(&mut out, version);
                        out.extend_from_slice(hash.as_bytes());
                    }
                }
            }
        }
    }
    out
}

/// Whether a branch begins a half byte other than that of the branch above it.
pub(crate) const fn parts_nodes(above: u16, bit: u16) -> bool {
    half_byte(above) != half_byte(bit)
}
