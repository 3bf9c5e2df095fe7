use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::commit::Commit;
use super::error::NodesError;
use super::node::Node;

/// Where the nodes and values of trees are.
///
/// What comes from here is trusted: a tree does not hash what it reads from its own store. Check what others send
/// with [`Node::verify`] before it gets there; a [`Witness`](super::Witness) has done so.
pub trait Nodes {
    /// The node whose topmost branch or entry has this hash. Worth a cache: the upper nodes of a tree are in the path
    /// of every key.
    fn node(&self, hash: &Hash) -> Result<Arc<Node>, NodesError>;

    /// The value of the entry with this hash, if it is kept apart ([`Commit::values`]).
    fn value(&self, entry: &Hash) -> Result<Bytes, NodesError>;

    /// A tree tells where it has been. Whoever wraps other nodes passes it on; only [`Recorder`](super::Recorder)
    /// makes use of it.
    fn visited(&self, visit: Visit<'_>) {
        let _ = visit;
    }
}

/// Where a tree has been: all branches of a node from the top down to an item.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub(crate) node: &'a Hash,
    pub(crate) item: u32,
    /// Whether the value of the entry was read as well.
    pub(crate) value: bool,
}

impl<T: Nodes + ?Sized> Nodes for &T {
    fn node(&self, hash: &Hash) -> Result<Arc<Node>, NodesError> {
        (**self).node(hash)
    }

    fn value(&self, entry: &Hash) -> Result<Bytes, NodesError> {
        (**self).value(entry)
    }

    fn visited(&self, visit: Visit<'_>) {
        (**self).visited(visit);
    }
}

impl<T: Nodes + ?Sized> Nodes for Arc<T> {
    fn node(&self, hash: &Hash) -> Result<Arc<Node>, NodesError> {
        (**self).node(hash)
    }

    fn value(&self, entry: &Hash) -> Result<Bytes, NodesError> {
        (**self).value(entry)
    }

    fn visited(&self, visit: Visit<'_>) {
        (**self).visited(visit);
    }
}

/// Nodes in memory, decoded: for tests, simulations and small states.
#[derive(Debug, Default)]
pub struct MemoryNodes {
    nodes: HashMap<Hash, Arc<Node>>,
    values: HashMap<Hash, Bytes>,
}

impl MemoryNodes {
    /// Adds what is new and removes what the old root alone needed, so that only the new root can be read.
    pub fn apply(&mut self, commit: &Commit) {
        self.add(commit);
        for hash in &commit.dropped_nodes {
            self.nodes.remove(hash);
        }
        for hash in &commit.dropped_values {
            self.values.remove(hash);
        }
    }

    /// Adds what is new; the old root can still be read.
    pub fn add(&mut self, commit: &Commit) {
        for (hash, bytes) in &commit.nodes {
            let node = Node::decode(bytes.clone()).expect("a commit makes whole nodes");
            self.nodes.insert(*hash, Arc::new(node));
        }
        self.values.extend(commit.values.iter().cloned());
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many values are kept apart.
    pub fn values(&self) -> usize {
        self.values.len()
    }
}

impl Nodes for MemoryNodes {
    fn node(&self, hash: &Hash) -> Result<Arc<Node>, NodesError> {
        let node = self.nodes.get(hash).ok_or(NodesError::Missing(*hash))?;
        Ok(node.clone())
    }

    fn value(&self, entry: &Hash) -> Result<Bytes, NodesError> {
        let value = self.values.get(entry).ok_or(NodesError::Missing(*entry))?;
        Ok(value.clone())
    }
}
