use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::commit::Commit;
use super::error::NodesError;
use super::node::Node;

/// What a store keeps a node or a value under.
///
/// The hash says which it is. The version says which commit made it, so that a store can keep together what was
/// made together; by hashes alone everything would be everywhere. Nothing that is hashed depends on versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// The number of the commit that made it ([`Versions::next`]); less than 2^63.
    pub version: u64,
    /// Of a node the hash of its topmost branch or entry, of a value the hash of its entry.
    pub hash: Hash,
}

/// The versions of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// That of the topmost node.
    pub top: u64,
    /// That of what the next commit makes.
    pub next: u64,
}

/// Where the nodes and values of a tree are.
///
/// What comes from here is trusted: a tree does not hash what it reads from its own store. What others send is a
/// [`Witness`](super::Witness), which was hashed; [`Node::verify`] is for a store in doubt, and says nothing of the
/// versions in a node.
pub trait Nodes {
    /// The node under this key. Worth a cache: the upper nodes of a tree are in the path of every key.
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError>;

    /// The value under this key, if it is kept apart ([`Commit::values`]).
    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError>;

    /// The versions of the tree whose nodes these are. Whoever finds nodes by their hashes alone has no use for them,
    /// and leaves them at 0; whoever wraps other nodes passes them on.
    fn versions(&self) -> Versions {
        Versions::default()
    }

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

/// What points to nodes passes everything on.
macro_rules! pass_on {
    ($pointer:ty) => {
        impl<T: Nodes + ?Sized> Nodes for $pointer {
            fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
                (**self).node(key)
            }

            fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
                (**self).value(key)
            }

            fn versions(&self) -> Versions {
                (**self).versions()
            }

            fn visited(&self, visit: Visit<'_>) {
                (**self).visited(visit);
            }
        }
    };
}

pass_on!(&T);
pass_on!(Arc<T>);

/// Nodes in memory, decoded and found by their hashes: for tests, simulations and small states.
#[derive(Debug, Default)]
pub struct MemoryNodes {
    nodes: HashMap<Hash, Arc<Node>>,
    values: HashMap<Hash, Bytes>,
}

impl MemoryNodes {
    /// Adds what is new and removes what the old root alone needed, so that only the new root can be read.
    pub fn apply(&mut self, commit: &Commit) {
        self.add(commit);
        for key in &commit.dropped_nodes {
            self.nodes.remove(&key.hash);
        }
        for key in &commit.dropped_values {
            self.values.remove(&key.hash);
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
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        let node = self.nodes.get(&key.hash);
        node.cloned().ok_or(NodesError::Missing(*key))
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        let value = self.values.get(&key.hash);
        value.cloned().ok_or(NodesError::Missing(*key))
    }
}
