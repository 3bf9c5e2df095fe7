//! From changes to a new root: the tree as it is being changed.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::error::{NodesError, StateError};
use super::hashing::{Hasher, Held};
use super::key::{bit, first_difference};
use super::layout;
use super::node::{Item, Node, Piece, Stored, VALUE_INLINE_MAX};
use super::nodes::{NodeKey, Nodes, Versions, Visit};
use super::root::Root;
use super::tree::entry_hash;
use crate::wire::Malformed;

/// What a transaction made.
///
/// Over a [`Witness`](super::Witness) there is nothing to store: then only the root and the permutations are set.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The new root; the old one if nothing changed.
    pub root: Root,
    /// The version of all that is new.
    pub version: u64,
    /// The version of the topmost node of the new root, which may have been there before.
    pub top_version: u64,
    /// Nodes that the new root needs and the old one did not have, by hash. Each has at most
    /// [`NODE_BYTES_MAX`](super::NODE_BYTES_MAX) bytes.
    pub nodes: Vec<(Hash, Bytes)>,
    /// Values kept apart that the new root needs and the old one did not have, by the hash of their entry.
    pub values: Vec<(Hash, Bytes)>,
    /// Nodes of the old root that the new one does not need.
    pub dropped_nodes: Vec<NodeKey>,
    /// Values kept apart of the old root that the new one does not need.
    pub dropped_values: Vec<NodeKey>,
    /// Permutations of keccak for entries, branches and the root.
    pub permutations: u64,
    /// Permutations of keccak for values.
    pub value_permutations: u64,
}

impl Commit {
    pub(crate) const fn unchanged(root: Root, versions: Versions) -> Self {
        Self {
            root,
            version: versions.next,
            top_version: versions.top,
            nodes: Vec::new(),
            values: Vec::new(),
            dropped_nodes: Vec::new(),
            dropped_values: Vec::new(),
            permutations: 0,
            value_permutations: 0,
        }
    }
}

/// A part of the tree that is being changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// In a fetched node, as it is there.
    Old { node: u32, item: u32 },
    /// In [`Work::parts`].
    New(u32),
}

#[derive(Debug)]
pub(crate) enum Fresh {
    Branch {
        bit: u16,
        children: [Part; 2],
        /// `None` if something below has changed.
        hash: Option<Hash>,
        /// The fetched node and the item that this was.
        origin: Option<(u32, u32)>,
    },
    Entry {
        key: Vec<u8>,
        value: Bytes,
        held: Apart,
        hash: Hash,
    },
}

/// Whether a new value is kept in the node (`None`) or apart, under its length and hash.
pub(crate) type Apart = Option<(u32, Hash)>;

pub(crate) struct Fetched {
    pub(crate) key: NodeKey,
    pub(crate) node: Arc<Node>,
    /// Not a node of the new tree.
    pub(crate) dropped: bool,
}

/// The tree as it is being changed: what was fetched of the old one, and the parts that are new.
pub(crate) struct Work<'a, N> {
    nodes: &'a N,
    pub(crate) versions: Versions,
    pub(crate) fetched: Vec<Fetched>,
    pub(crate) parts: Vec<Fresh>,
    pub(crate) top: Option<Part>,
    /// The branches above where the last walk ended, and whether it went right.
    path: Vec<(u32, bool)>,
    hasher: Hasher,
    values: Vec<(Hash, Bytes)>,
    dropped_values: Vec<NodeKey>,
}

impl<'a, N: Nodes> Work<'a, N> {
    pub(crate) fn new(root: &Root, nodes: &'a N) -> Result<Self, StateError> {
        let versions = nodes.versions();
        let mut work = Self {
            nodes,
            versions,
            fetched: Vec::new(),
            parts: Vec::new(),
            top: None,
            path: Vec::new(),
            hasher: Hasher::default(),
            values: Vec::new(),
            dropped_values: Vec::new(),
        };
        if let Some(hash) = root.top() {
            let version = versions.top;
            work.top = Some(work.fetch(NodeKey { version, hash })?);
        }
        Ok(work)
    }

    fn fetch(&mut self, key: NodeKey) -> Result<Part, StateError> {
        let node = self.nodes.node(&key)?;
        if matches!(node.items[0], Item::Link(_)) {
            return Err(damaged(key.hash, "a node that is a link"));
        }
        let number = self.fetched.len() as u32;
        self.fetched.push(Fetched {
            key,
            node,
            dropped: false,
        });
        Ok(Part::Old {
            node: number,
            item: 0,
        })
    }

    /// Puts a part where the last walk went past its branch number `depth`.
    fn put(&mut self, depth: usize, part: Part) {
        match depth.checked_sub(1).map(|above| self.path[above]) {
            None => self.top = Some(part),
            Some((branch, right)) => {
                if let Fresh::Branch { children, .. } = &mut self.parts[branch as usize] {
                    children[usize::from(right)] = part;
                }
            }
        }
    }

    /// Walks by the bits of `key` to an entry, making every branch on the way a new part.
    fn walk(&mut self, key: &[u8]) -> Result<Option<Part>, StateError> {
        self.path.clear();
        let Some(mut part) = self.top else {
            return Ok(None);
        };
        let mut above = None;
        loop {
            let number = match part {
                Part::New(number) => number,
                Part::Old { node, item } => {
                    let fetched = &self.fetched[node as usize];
                    match fetched.node.items[item as usize] {
                        Item::Link(key) => {
                            self.visit(node, item);
                            part = self.fetch(key)?;
                            self.put(self.path.len(), part);
                            continue;
                        }
                        Item::Entry { .. } => {
                            self.visit(node, item);
                            return Ok(Some(part));
                        }
                        Item::Branch { bit, right, hash } => {
                            if above.is_some_and(|above| above >= bit) {
                                let hash = fetched.key.hash;
                                return Err(damaged(hash, "the bits of branches do not ascend"));
                            }
                            let child = |item| Part::Old { node, item };
                            let hash = if item == 0 { fetched.key.hash } else { hash };
                            let number = self.parts.len() as u32;
                            self.parts.push(Fresh::Branch {
                                bit,
                                children: [child(item + 1), child(right)],
                                hash: Some(hash),
                                origin: Some((node, item)),
                            });
                            self.put(self.path.len(), Part::New(number));
                            number
                        }
                    }
                }
            };
            match &self.parts[number as usize] {
                Fresh::Entry { .. } => return Ok(Some(Part::New(number))),
                Fresh::Branch {
                    bit: at, children, ..
                } => {
                    let right = bit(key, *at);
                    above = Some(*at);
                    self.path.push((number, right));
                    part = children[usize::from(right)];
                }
            }
        }
    }

    fn visit(&self, node: u32, item: u32) {
        self.nodes.visited(Visit {
            node: &self.fetched[node as usize].key.hash,
            item,
            value: false,
        });
    }

    /// Sets a key to a value.
    pub(crate) fn set(&mut self, key: &[u8], value: &Bytes) -> Result<(), StateError> {
        let Some(leaf) = self.walk(key)? else {
            let entry = self.entry(key, value);
            self.top = Some(entry);
            return Ok(());
        };
        let Some(at) = first_difference(key, self.key(leaf)) else {
            if !self.holds(leaf, value) {
                self.drop_entry(leaf);
                let entry = self.entry(key, value);
                self.put(self.path.len(), entry);
                self.touch(self.path.len());
            }
            return Ok(());
        };
        let entry = self.entry(key, value);
        let depth = self
            .path
            .partition_point(|(branch, _)| self.bit(*branch) < at);
        let below = self
            .path
            .get(depth)
            .map_or(leaf, |(branch, _)| Part::New(*branch));
        let mut children = [below, entry];
        if !bit(key, at) {
            children.swap(0, 1);
        }
        let branch = self.push(Fresh::Branch {
            bit: at,
            children,
            hash: None,
            origin: None,
        });
        self.put(depth, branch);
        self.touch(depth);
        Ok(())
    }

    /// Removes a key, if it is there.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<(), StateError> {
        let Some(leaf) = self.walk(key)? else {
            return Ok(());
        };
        if self.key(leaf) != key {
            return Ok(());
        }
        self.drop_entry(leaf);
        self.touch(self.path.len());
        let Some((branch, right)) = self.path.last().copied() else {
            self.top = None;
            return Ok(());
        };
        if let Fresh::Branch { children, .. } = &self.parts[branch as usize] {
            let sibling = children[usize::from(!right)];
            self.put(self.path.len() - 1, sibling);
        }
        Ok(())
    }

    fn push(&mut self, part: Fresh) -> Part {
        self.parts.push(part);
        Part::New(self.parts.len() as u32 - 1)
    }

    fn entry(&mut self, key: &[u8], value: &Bytes) -> Part {
        let held = (value.len() > VALUE_INLINE_MAX)
            .then(|| (value.len() as u32, self.hasher.value(value)));
        let version = self.versions.next;
        let apart = held.map(|(len, hash)| Held::Hashed { len, hash, version });
        let hash = self.hasher.entry(key, apart.unwrap_or(Held::Value(value)));
        if held.is_some() {
            self.values.push((hash, value.clone()));
        }
        self.push(Fresh::Entry {
            key: key.to_vec(),
            value: value.clone(),
            held,
            hash,
        })
    }

    /// The branches of the path above `depth` have changed.
    fn touch(&mut self, depth: usize) {
        for (branch, _) in &self.path[..depth] {
            if let Fresh::Branch { hash, origin, .. } = &mut self.parts[*branch as usize] {
                *hash = None;
                if let Some((node, _)) = origin {
                    self.fetched[*node as usize].dropped = true;
                }
            }
        }
    }

    /// An old entry goes. New ones do not: a transaction has one change for each key.
    fn drop_entry(&mut self, leaf: Part) {
        let Part::Old { node, item } = leaf else {
            return;
        };
        let fetched = &mut self.fetched[node as usize];
        fetched.dropped = true;
        if let Item::Entry {
            value: Stored::Apart { version, .. },
            ..
        } = fetched.node.items[item as usize]
        {
            let hash = entry_hash(&fetched.node, item, &mut self.hasher);
            self.dropped_values.push(NodeKey { version, hash });
        }
    }

    fn bit(&self, branch: u32) -> u16 {
        match self.parts[branch as usize] {
            Fresh::Branch { bit, .. } => bit,
            Fresh::Entry { .. } => u16::MAX,
        }
    }

    fn key(&self, leaf: Part) -> &[u8] {
        match self.piece(leaf) {
            Piece::Entry(key, _) => key,
            Piece::Branch(..) | Piece::Link(_) => &[],
        }
    }

    fn holds(&mut self, leaf: Part, value: &Bytes) -> bool {
        match self.piece(leaf) {
            Piece::Entry(_, Held::Value(held)) => held == value,
            Piece::Entry(_, Held::Hashed { len, hash, .. }) => {
                len as usize == value.len() && self.hasher.value(value) == hash
            }
            Piece::Branch(..) | Piece::Link(_) => false,
        }
    }

    /// A part as it stands in a node. Branches must have their hash.
    pub(crate) fn piece(&self, part: Part) -> Piece<'_> {
        match part {
            Part::New(number) => match &self.parts[number as usize] {
                Fresh::Branch { bit, hash, .. } => Piece::Branch(*bit, hash.unwrap_or_default()),
                Fresh::Entry {
                    key, value, held, ..
                } => {
                    let version = self.versions.next;
                    let apart = held.map(|(len, hash)| Held::Hashed { len, hash, version });
                    Piece::Entry(key, apart.unwrap_or(Held::Value(value)))
                }
            },
            Part::Old { node, item } => {
                let fetched = &self.fetched[node as usize];
                match fetched.node.items[item as usize] {
                    Item::Link(key) => Piece::Link(key),
                    Item::Branch { bit, .. } if item == 0 => Piece::Branch(bit, fetched.key.hash),
                    Item::Branch { bit, hash, .. } => Piece::Branch(bit, hash),
                    Item::Entry { key, value } => {
                        Piece::Entry(fetched.node.key(key), fetched.node.held(value))
                    }
                }
            }
        }
    }

    /// The children of a branch.
    pub(crate) fn children(&self, part: Part) -> Option<[Part; 2]> {
        match part {
            Part::New(number) => match &self.parts[number as usize] {
                Fresh::Branch { children, .. } => Some(*children),
                Fresh::Entry { .. } => None,
            },
            Part::Old { node, item } => {
                match self.fetched[node as usize].node.items[item as usize] {
                    Item::Branch { right, .. } => Some([
                        Part::Old {
                            node,
                            item: item + 1,
                        },
                        Part::Old { node, item: right },
                    ]),
                    Item::Entry { .. } | Item::Link(_) => None,
                }
            }
        }
    }

    /// The fetched node of which this unchanged part is the top.
    pub(crate) fn is_top_of(&self, part: Part) -> Option<u32> {
        match part {
            Part::Old { node, item: 0 } => Some(node),
            Part::Old { .. } => None,
            Part::New(number) => match self.parts[number as usize] {
                Fresh::Branch {
                    origin: Some((node, 0)),
                    hash: Some(_),
                    ..
                } => Some(node),
                _ => None,
            },
        }
    }

    fn known_hash(&mut self, part: Part) -> Option<Hash> {
        match part {
            Part::New(number) => match &self.parts[number as usize] {
                Fresh::Branch { hash, .. } => *hash,
                Fresh::Entry { hash, .. } => Some(*hash),
            },
            Part::Old { node, item } => match self.piece(part) {
                Piece::Link(key) => Some(key.hash),
                Piece::Branch(_, hash) => Some(hash),
                Piece::Entry(..) => Some(entry_hash(
                    &self.fetched[node as usize].node,
                    item,
                    &mut self.hasher,
                )),
            },
        }
    }

    /// Hashes every changed branch, and says the topmost hash.
    fn seal(&mut self) -> Hash {
        let Some(top) = self.top else {
            return Hash::ZERO;
        };
        let mut open = vec![(top, None)];
        let mut hash = Hash::ZERO;
        // Each frame waits for the hash of its left child, then of its right child.
        while let Some((part, left)) = open.pop() {
            let changed = match part {
                Part::New(number) => match &self.parts[number as usize] {
                    Fresh::Branch {
                        hash: None,
                        bit,
                        children,
                        ..
                    } => Some((number, *bit, *children)),
                    _ => None,
                },
                Part::Old { .. } => None,
            };
            let Some((number, bit, children)) = changed else {
                hash = self.known_hash(part).unwrap_or_default();
                continue;
            };
            match left {
                None => {
                    open.push((part, Some(Side::Left)));
                    open.push((children[0], None));
                }
                Some(Side::Left) => {
                    open.push((part, Some(Side::Right(hash))));
                    open.push((children[1], None));
                }
                Some(Side::Right(left)) => {
                    hash = self.hasher.branch(bit, left, hash);
                    if let Fresh::Branch { hash: place, .. } = &mut self.parts[number as usize] {
                        *place = Some(hash);
                    }
                }
            }
        }
        hash
    }

    /// The new root and what is to be stored.
    pub(crate) fn finish(mut self, entries: u64, bytes: u64) -> Commit {
        let top = self.seal();
        self.hasher.root(entries, bytes, top);
        let partial = self.fetched.iter().any(|fetched| fetched.node.partial);
        let root = Root {
            top,
            entries,
            bytes,
        };
        let mut commit = Commit {
            permutations: self.hasher.permutations,
            value_permutations: self.hasher.value_permutations,
            ..Commit::unchanged(root, self.versions)
        };
        if !partial {
            commit.top_version = self.top.map_or(0, |top| layout::version(&self, top));
            commit.nodes = layout::nodes(&mut self, top);
            let dropped = self.fetched.iter().filter(|fetched| fetched.dropped);
            commit.dropped_nodes = dropped.map(|fetched| fetched.key).collect();
            commit.values = self.values;
            commit.dropped_values = self.dropped_values;
        }
        commit
    }
}

enum Side {
    Left,
    Right(Hash),
}

fn damaged(hash: Hash, problem: &'static str) -> StateError {
    NodesError::Damaged {
        hash,
        problem: Malformed(problem),
    }
    .into()
}
