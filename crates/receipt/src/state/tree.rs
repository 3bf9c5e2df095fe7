use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::error::{NodesError, StateError};
use super::hashing::Hasher;
use super::key::{KeyRange, bit};
use super::node::{Item, Node, Span, Stored};
use super::nodes::{NodeKey, Nodes, Visit};
use super::root::Root;
use super::scan::{Entries, Keys, Order};
use crate::wire::Malformed;

/// A view of one root: nothing changes it.
#[derive(Clone, Debug)]
pub struct Tree<N> {
    root: Root,
    nodes: N,
}

/// A place in a tree.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) hash: Hash,
    pub(crate) node: Arc<Node>,
    pub(crate) item: u32,
    /// The bit of the branch above.
    pub(crate) above: Option<u16>,
}

/// What is at a place, links followed.
pub(crate) enum Found {
    Branch { bit: u16, left: Place, right: Place },
    Entry { key: Span, value: Stored },
}

impl<N: Nodes> Tree<N> {
    /// The state with this root, whose nodes are in `nodes`. Versions that these have must be those of this root.
    pub const fn new(root: Root, nodes: N) -> Self {
        Self { root, nodes }
    }

    /// The root.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Where the nodes are.
    pub const fn nodes(&self) -> &N {
        &self.nodes
    }

    /// What `key` holds.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        let Some((place, value)) = self.find(key)? else {
            return Ok(None);
        };
        self.value(&place, value).map(Some)
    }

    /// The length in bytes of what `key` holds. Does not fetch the value.
    pub fn value_len(&self, key: &[u8]) -> Result<Option<u32>, StateError> {
        Ok(self.find(key)?.map(|(_, value)| value.len()))
    }

    /// Entries of a range, lazily, in either order.
    pub fn range(&self, range: &KeyRange, order: Order) -> Entries<'_, N> {
        Entries::new(self, range, order)
    }

    /// Keys of a range, lazily, in either order. Fetches no values.
    pub fn keys(&self, range: &KeyRange, order: Order) -> Keys<'_, N> {
        Keys::new(self, range, order)
    }

    /// The topmost place; `None` if the tree is empty.
    pub(crate) fn top(&self) -> Result<Option<Place>, StateError> {
        let Some(hash) = self.root.top() else {
            return Ok(None);
        };
        let version = self.nodes.versions().top;
        Ok(Some(self.place(NodeKey { version, hash }, None)?))
    }

    fn place(&self, key: NodeKey, above: Option<u16>) -> Result<Place, StateError> {
        Ok(Place {
            hash: key.hash,
            node: self.nodes.node(&key)?,
            item: 0,
            above,
        })
    }

    /// What is at a place, which becomes that of the linked node if it was a link.
    pub(crate) fn look(&self, place: &mut Place) -> Result<Found, StateError> {
        if let Item::Link(key) = place.node.items[place.item as usize] {
            self.visit(place, false);
            *place = self.place(key, place.above)?;
        }
        match place.node.items[place.item as usize] {
            Item::Entry { key, value } => Ok(Found::Entry { key, value }),
            // Without this a damaged store could lead in a circle.
            Item::Branch { bit, .. } if place.above.is_some_and(|above| above >= bit) => {
                Err(damaged(place.hash, "the bits of branches do not ascend"))
            }
            Item::Branch { bit, right, .. } => {
                let child = |item| Place {
                    item,
                    above: Some(bit),
                    ..place.clone()
                };
                Ok(Found::Branch {
                    bit,
                    left: child(place.item + 1),
                    right: child(right),
                })
            }
            Item::Link(_) => Err(damaged(place.hash, "a node that is a link")),
        }
    }

    pub(crate) fn visit(&self, place: &Place, value: bool) {
        self.nodes.visited(Visit {
            node: &place.hash,
            item: place.item,
            value,
        });
    }

    /// The entry where the walk by the bits of `key` ends, which is that of `key` if there is one.
    fn find(&self, key: &[u8]) -> Result<Option<(Place, Stored)>, StateError> {
        let Some(mut place) = self.top()? else {
            return Ok(None);
        };
        loop {
            let items = &place.node.items;
            match items[place.item as usize] {
                Item::Link(key) => {
                    self.visit(&place, false);
                    place = self.place(key, place.above)?;
                    if matches!(place.node.items[0], Item::Link(_)) {
                        return Err(damaged(key.hash, "a node that is a link"));
                    }
                }
                Item::Branch { bit: at, right, .. } => {
                    if place.above.is_some_and(|above| above >= at) {
                        return Err(damaged(place.hash, "the bits of branches do not ascend"));
                    }
                    place.above = Some(at);
                    place.item = if bit(key, at) { right } else { place.item + 1 };
                }
                Item::Entry { key: found, value } => {
                    self.visit(&place, false);
                    let same = place.node.key(found) == key;
                    return Ok(same.then_some((place, value)));
                }
            }
        }
    }

    /// The value of the entry at a place.
    pub(crate) fn value(&self, place: &Place, value: Stored) -> Result<Bytes, StateError> {
        self.visit(place, true);
        match value {
            Stored::Here(span) => Ok(place.node.bytes.slice(span.range())),
            Stored::Apart { len, version, .. } => {
                let hash = entry_hash(&place.node, place.item, &mut Hasher::default());
                let value = self.nodes.value(&NodeKey { version, hash })?;
                if value.len() == len as usize {
                    Ok(value)
                } else {
                    Err(damaged(hash, "a value of another length"))
                }
            }
        }
    }
}

/// The hash of an entry of a node; zero for other items.
pub(crate) fn entry_hash(node: &Node, item: u32, hasher: &mut Hasher) -> Hash {
    match &node.items[item as usize] {
        Item::Entry { key, value } => hasher.entry(node.key(*key), node.held(*value)),
        _ => Hash::ZERO,
    }
}

fn damaged(hash: Hash, problem: &'static str) -> StateError {
    NodesError::Damaged {
        hash,
        problem: Malformed(problem),
    }
    .into()
}
