//! Witnesses: the part of a tree that was touched, as bytes that prove themselves.
//!
//! The encoded form, with integers as LEB128 where not said otherwise:
//! ```text
//! witness = 0x01 ‖ root (48) ‖ kind ‖ part           kind and part only if the root has entries
//! kind                                               0 cut, 1 branch, 2 entry, 3 entry without its value; one byte
//! part    = hash (32)                                cut
//!         | gap·16 + right kind·4 + left kind ‖ [more] ‖ left part ‖ right part    branch
//!         | shared ‖ bytes(rest of key) ‖ bytes(value)                             entry
//!         | shared ‖ bytes(rest of key) ‖ length ‖ hash (32)                       entry, value hash
//! ```
//! `gap` is how many bits lie between the bit of the branch above (−1 for the topmost) and that of this branch, if they
//! are less than 15, and otherwise 15 with the rest in `more`. `shared` is how many bytes the key has in common with
//! that of the last entry before it. Values of at most 32 bytes are never left out.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::error::{NodesError, StateError};
use super::hashing::{Hasher, VALUE_IN_ENTRY_MAX};
use super::key::{KEY_BYTES_MAX, KeyRange};
use super::node::{Item, Node, Shape, Span, Stored};
use super::nodes::{NodeKey, Nodes};
use super::recorder::Recorder;
use super::root::Root;
use super::scan::Order;
use super::transaction::VALUE_BYTES_MAX;
use super::tree::Tree;
use crate::wire::{Malformed, Reader, put_bytes, put_uint};

const VERSION: u8 = 1;
const CUT: u8 = 0;
const BRANCH: u8 = 1;
const ENTRY: u8 = 2;
const KEY: u8 = 3;

/// A gap that does not fit beside the kinds.
const GAP_MAX: u16 = 15;

/// Why a witness is not one of the root that was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the witness is of the root {found}, not of {expected}")]
pub struct ProofError {
    /// The root that it should be of.
    pub expected: Hash,
    /// The root that it is of.
    pub found: Hash,
}

/// A part of a tree that is enough to read again what was read, and to make again the changes that were made.
///
/// A decoded witness has been hashed: what it says is true of its [root](Witness::root), which
/// [`Witness::proves`] compares with the one in question. It answers [`NodesError::Insufficient`] where it was
/// cut, which says nothing against the root.
#[derive(Clone, Debug)]
pub struct Witness {
    root: Root,
    node: Option<Arc<Node>>,
}

impl Witness {
    /// Reads a witness of at most `bytes_max` bytes and hashes it.
    ///
    /// Takes a permutation for each branch, one to three for each entry, and one for every 136 bytes of values.
    pub fn decode(bytes: impl Into<Bytes>, bytes_max: usize) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        if bytes.len() > bytes_max || u32::try_from(bytes.len()).is_err() {
            return Err(Malformed("a witness of too many bytes"));
        }
        let mut reader = Reader::new(&bytes);
        if reader.byte()? != VERSION {
            return Err(Malformed("a witness of another version"));
        }
        let root = Root::decode(reader.take(Root::BYTES)?)?;
        let Some(top) = root.top() else {
            reader.end()?;
            return Ok(Self { root, node: None });
        };
        let mut shape = Shape::default();
        let mut kinds = vec![reader.byte()?];
        while let Some(kind) = kinds.pop() {
            match kind {
                CUT => shape.link(NodeKey {
                    version: 0,
                    hash: reader.hash()?,
                }),
                BRANCH => {
                    let head = reader.byte()?;
                    let (left, right, mut gap) = (head & 3, head >> 2 & 3, u16::from(head >> 4));
                    if gap == GAP_MAX {
                        gap += reader.uint(9 * KEY_BYTES_MAX)? as u16;
                    }
                    let bit = shape.above().map_or(0, |above| above + 1) + gap;
                    shape.branch(bit, Hash::ZERO)?;
                    kinds.extend([right, left]);
                }
                ENTRY | KEY => {
                    let last = shape.last_key();
                    let shared = reader.uint(last.len())?;
                    let rest = reader.bytes(KEY_BYTES_MAX - shared)?;
                    if shared < last.len() && rest.first() == Some(&last[shared]) {
                        return Err(Malformed("a key that shares more than it says"));
                    }
                    let len = reader.uint(VALUE_BYTES_MAX)?;
                    let value = if kind == ENTRY {
                        let at = reader.at() as u32;
                        reader.take(len)?;
                        Stored::Here(Span {
                            at,
                            len: len as u32,
                        })
                    } else if len <= VALUE_IN_ENTRY_MAX {
                        return Err(Malformed("a short value left out"));
                    } else {
                        Stored::Apart {
                            len: len as u32,
                            hash: reader.hash()?,
                            version: 0,
                        }
                    };
                    shape.entry_after(shared, rest, value)?;
                }
                _ => return Err(Malformed("a kind of part")),
            }
        }
        reader.end()?;
        let mut node = shape.finish(bytes.clone(), true);
        let hashes = node.hashes(&mut Hasher::default());
        if hashes.first() != Some(&top) {
            return Err(Malformed("a witness of another root than it names"));
        }
        for (item, found) in node.items.iter_mut().zip(hashes) {
            if let Item::Branch { hash, .. } = item {
                *hash = found;
            }
        }
        let whole = !matches!(node.items[0], Item::Link(_));
        Ok(Self {
            root,
            node: whole.then(|| Arc::new(node)),
        })
    }

    /// The bytes that [`Witness::decode`] reads: a witness has exactly one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let Some(node) = &self.node else {
            let cut = self.root.top().map(Step::Cut);
            return encode(&self.root, cut.as_slice());
        };
        let steps: Vec<Step> = node
            .items
            .iter()
            .map(|item| match item {
                Item::Link(key) => Step::Cut(key.hash),
                Item::Branch { bit, .. } => Step::Branch(*bit),
                Item::Entry { key, value } => {
                    let key = node.key(*key).to_vec();
                    match *value {
                        Stored::Here(span) => Step::Entry(key, node.bytes.slice(span.range())),
                        Stored::Apart { len, hash, .. } => Step::Key(key, len, hash),
                    }
                }
            })
            .collect();
        encode(&self.root, &steps)
    }

    /// The root of which this is a part.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Succeeds if this is a part of the tree with this root hash, as receipts name it.
    pub fn proves(&self, root: &Hash) -> Result<(), ProofError> {
        let found = self.root.hash();
        if found == *root {
            Ok(())
        } else {
            Err(ProofError {
                expected: *root,
                found,
            })
        }
    }

    /// The tree of which this is a part.
    pub const fn tree(&self) -> Tree<&Self> {
        Tree::new(self.root, self)
    }
}

impl Nodes for Witness {
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        match &self.node {
            Some(node) if key.hash == self.root.top => Ok(node.clone()),
            _ => Err(NodesError::Insufficient(key.hash)),
        }
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        // Values that were read are in the entries.
        Err(NodesError::Insufficient(key.hash))
    }
}

impl<N: Nodes> Tree<N> {
    /// A [`Witness`] that proves what `key` holds, or that it is not there: one path of the tree.
    pub fn prove(&self, key: &[u8]) -> Result<Vec<u8>, StateError> {
        self.witness_of(|tree| tree.get(key).map(drop))
    }

    /// A [`Witness`] that proves all entries of a range, or the first `entries_max` in that order.
    pub fn prove_range(
        &self,
        range: &KeyRange,
        order: Order,
        entries_max: usize,
    ) -> Result<Vec<u8>, StateError> {
        self.witness_of(|tree| {
            let mut entries = tree.range(range, order).take(entries_max);
            entries.try_for_each(|entry| entry.map(drop))
        })
    }

    fn witness_of(
        &self,
        read: impl FnOnce(&Tree<&Recorder<&N>>) -> Result<(), StateError>,
    ) -> Result<Vec<u8>, StateError> {
        let recorder = Recorder::new(self.nodes());
        read(&Tree::new(*self.root(), &recorder))?;
        Ok(recorder.witness(self.root())?)
    }
}

/// A part of a witness, in pre-order.
pub(crate) enum Step {
    Cut(Hash),
    Branch(u16),
    Entry(Vec<u8>, Bytes),
    Key(Vec<u8>, u32, Hash),
}

impl Step {
    /// An entry whose value nobody read.
    pub(crate) fn key_only(key: Vec<u8>, value: Bytes) -> Self {
        if value.len() <= VALUE_IN_ENTRY_MAX {
            Self::Entry(key, value)
        } else {
            let hash = Hasher::default().value(&value);
            Self::Key(key, value.len() as u32, hash)
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Cut(_) => CUT,
            Self::Branch(_) => BRANCH,
            Self::Entry(..) => ENTRY,
            Self::Key(..) => KEY,
        }
    }
}

/// Encodes a witness. The kinds of the children stand with their branch, whose right child comes late: so each branch
/// is written with a gap in its head that is filled when the child comes.
pub(crate) fn encode(root: &Root, steps: &[Step]) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&root.encode());
    out.extend(steps.first().map(Step::kind));
    let mut last: &[u8] = &[];
    // Where the heads of the branches above are, with their bits, and whether the next part is their right child.
    let mut open: Vec<(usize, u16, bool)> = Vec::new();
    for step in steps {
        if let Some((head, _, right)) = open.last_mut() {
            let shift = if *right { 2 } else { 0 };
            out[*head] |= step.kind() << shift;
        }
        match step {
            Step::Cut(hash) => out.extend_from_slice(hash.as_bytes()),
            Step::Branch(bit) => {
                let above = open.last().map_or(0, |(_, above, _)| above + 1);
                let gap = bit - above;
                open.push((out.len(), *bit, false));
                out.push((gap.min(GAP_MAX) as u8) << 4);
                if gap >= GAP_MAX {
                    put_uint(&mut out, u64::from(gap - GAP_MAX));
                }
                continue;
            }
            Step::Entry(key, value) => {
                put_key(&mut out, last, key);
                put_bytes(&mut out, value);
                last = key;
            }
            Step::Key(key, len, hash) => {
                put_key(&mut out, last, key);
                put_uint(&mut out, u64::from(*len));
                out.extend_from_slice(hash.as_bytes());
                last = key;
            }
        }
        while open.pop_if(|(_, _, right)| *right).is_some() {}
        if let Some((_, _, right)) = open.last_mut() {
            *right = true;
        }
    }
    out
}

fn put_key(out: &mut Vec<u8>, last: &[u8], key: &[u8]) {
    let shared = last.iter().zip(key).take_while(|(a, b)| a == b).count();
    put_uint(out, shared as u64);
    put_bytes(out, &key[shared..]);
}
