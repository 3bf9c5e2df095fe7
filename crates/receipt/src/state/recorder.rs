use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use weir_identity::Hash;

use super::error::NodesError;
use super::hashing::Hasher;
use super::node::{Item, Node, Stored};
use super::nodes::{NodeKey, Nodes, Versions, Visit};
use super::root::Root;
use super::tree::entry_hash;
use super::witness::{Step, encode};

/// Notes what is read through it, for a [`Witness`](super::Witness). Also a cache: it fetches each node and value once.
///
/// One recorder serves one call: make it, give it to the tree of the transaction, commit, and ask for the witness,
/// which then is enough for the reads, the scans and the commit alike.
pub struct Recorder<N> {
    nodes: N,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    nodes: HashMap<Hash, Fetched>,
    values: HashMap<Hash, Bytes>,
}

struct Fetched {
    node: Arc<Node>,
    touched: Vec<Touched>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Touched {
    No,
    Key,
    Value,
}

impl<N: Nodes> Recorder<N> {
    /// A recorder that has seen nothing yet.
    pub fn new(nodes: N) -> Self {
        Self {
            nodes,
            seen: Mutex::default(),
        }
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        // What is noted is valid at every moment.
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was touched so far of the tree with this root, as an encoded [`Witness`](super::Witness).
    ///
    /// Fails if a value cannot be fetched again that was read.
    pub fn witness(&self, root: &Root) -> Result<Vec<u8>, NodesError> {
        self.seen(|seen| seen.witness(root, &self.nodes))
    }
}

impl<N: Nodes> Nodes for Recorder<N> {
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        let seen = |seen: &mut Seen| seen.nodes.get(&key.hash).map(|found| found.node.clone());
        if let Some(node) = self.seen(seen) {
            return Ok(node);
        }
        let node = self.nodes.node(key)?;
        let fetched = Fetched {
            touched: vec![Touched::No; node.items.len()],
            node: node.clone(),
        };
        self.seen(|seen| seen.nodes.insert(key.hash, fetched));
        Ok(node)
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        if let Some(value) = self.seen(|seen| seen.values.get(&key.hash).cloned()) {
            return Ok(value);
        }
        let value = self.nodes.value(key)?;
        self.seen(|seen| seen.values.insert(key.hash, value.clone()));
        Ok(value)
    }

    fn versions(&self) -> Versions {
        self.nodes.versions()
    }

    fn visited(&self, visit: Visit<'_>) {
        self.seen(|seen| {
            let place = seen.nodes.get_mut(visit.node);
            if let Some(touched) = place.and_then(|node| node.touched.get_mut(visit.item as usize))
            {
                let now = if visit.value {
                    Touched::Value
                } else {
                    Touched::Key
                };
                *touched = now.max(*touched);
            }
        });
        self.nodes.visited(visit);
    }
}

impl Seen {
    fn witness(&mut self, root: &Root, nodes: &impl Nodes) -> Result<Vec<u8>, NodesError> {
        for fetched in self.nodes.values_mut() {
            fetched.touch_branches();
        }
        let mut steps = Vec::new();
        // In pre-order; each place as the node and the item.
        let mut open: Vec<(Hash, u32)> = root.top().map(|top| (top, 0)).into_iter().collect();
        while let Some((hash, item)) = open.pop() {
            let Some(fetched) = self.nodes.get(&hash) else {
                steps.push(Step::Cut(hash));
                continue;
            };
            let touched = fetched.touched[item as usize];
            match &fetched.node.items[item as usize] {
                Item::Link(link) if touched == Touched::No => steps.push(Step::Cut(link.hash)),
                Item::Link(link) => open.push((link.hash, 0)),
                Item::Branch { .. } if touched == Touched::No && item == 0 => {
                    steps.push(Step::Cut(hash));
                }
                Item::Branch { hash: inner, .. } if touched == Touched::No => {
                    steps.push(Step::Cut(*inner));
                }
                Item::Branch { bit, right, .. } => {
                    steps.push(Step::Branch(*bit));
                    open.push((hash, *right));
                    open.push((hash, item + 1));
                }
                Item::Entry { .. } if touched == Touched::No => {
                    let entry = entry_hash(&fetched.node, item, &mut Hasher::default());
                    steps.push(Step::Cut(entry));
                }
                Item::Entry { key, value } => {
                    let node = &fetched.node;
                    let key = node.key(*key).to_vec();
                    steps.push(match (*value, touched) {
                        (Stored::Here(span), Touched::Value) => {
                            Step::Entry(key, node.bytes.slice(span.range()))
                        }
                        (Stored::Here(span), _) => {
                            Step::key_only(key, node.bytes.slice(span.range()))
                        }
                        (Stored::Apart { version, .. }, Touched::Value) => {
                            let hash = entry_hash(node, item, &mut Hasher::default());
                            let value = match self.values.get(&hash) {
                                Some(value) => value.clone(),
                                None => nodes.value(&NodeKey { version, hash })?,
                            };
                            Step::Entry(key, value)
                        }
                        (Stored::Apart { len, hash, .. }, _) => Step::Key(key, len, hash),
                    });
                }
            }
        }
        Ok(encode(root, &steps))
    }
}

impl Fetched {
    /// Marks the branches above what was touched.
    fn touch_branches(&mut self) {
        for item in (0..self.touched.len()).rev() {
            if let Item::Branch { right, .. } = self.node.items[item] {
                let below = [item + 1, right as usize].map(|child| self.touched[child]);
                if below != [Touched::No; 2] {
                    self.touched[item] = Touched::Key;
                }
            }
        }
    }
}

impl<N> fmt::Debug for Recorder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
