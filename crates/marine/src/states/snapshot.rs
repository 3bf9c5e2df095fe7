//! A root that stays readable while somebody holds it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use weir_receipt::state::{Node, NodeKey, Nodes, NodesError, Root, Versions};

use super::Shared;
use super::layout::{Kind, VersionedRoot, stored};
use super::life::{Inner, Life};
use crate::world::{SharedNodes, StateAt};

/// The state of a service after one of its commits. It does not change, and while it or its
/// [nodes](Snapshot::nodes) are held nothing of it is deleted.
#[derive(Clone)]
pub struct Snapshot {
    root: Root,
    nodes: Arc<HeldNodes>,
}

impl Snapshot {
    /// Holds the root of commit `number`.
    pub(super) fn hold(
        shared: &Arc<Shared>,
        life: &Arc<Life>,
        inner: &mut Inner,
        number: u64,
        root: VersionedRoot,
    ) -> Self {
        inner.hold(number);
        let nodes = HeldNodes {
            shared: shared.clone(),
            life: life.clone(),
            number,
            top_version: root.top_version,
            cached: true,
        };
        Self {
            root: root.root,
            nodes: Arc::new(nodes),
        }
    }

    /// The same, read from the store alone.
    pub(super) fn uncached(&self) -> Self {
        let from = &self.nodes;
        from.life.lock().hold(from.number);
        let nodes = HeldNodes {
            shared: from.shared.clone(),
            life: from.life.clone(),
            number: from.number,
            top_version: from.top_version,
            cached: false,
        };
        Self {
            root: self.root,
            nodes: Arc::new(nodes),
        }
    }

    /// The root.
    pub fn root(&self) -> Root {
        self.root
    }

    /// Where the nodes are.
    pub fn nodes(&self) -> SharedNodes {
        self.nodes.clone()
    }

    /// As a call takes it, with the limits of [`StatesConfig`](super::StatesConfig).
    pub fn state_at(&self) -> StateAt {
        StateAt {
            root: self.root,
            nodes: self.nodes.clone(),
            limits: self.nodes.shared.config.limits,
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("root", &self.root)
            .field("number", &self.nodes.number)
            .finish_non_exhaustive()
    }
}

struct HeldNodes {
    shared: Arc<Shared>,
    life: Arc<Life>,
    number: u64,
    top_version: u64,
    /// Whether nodes come from and go to the memory that all services share.
    cached: bool,
}

impl HeldNodes {
    fn read(&self, kind: Kind, key: &NodeKey) -> Result<Bytes, NodesError> {
        let found = self
            .life
            .read(&*self.shared.backing, &self.life.id.key(kind, key));
        let found = found.map_err(|error| NodesError::Store(error.0))?;
        found
            .and_then(|bytes| stored(key, &bytes))
            .ok_or(NodesError::Missing(*key))
    }
}

impl Nodes for HeldNodes {
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        let cached = (self.life.id, *key);
        if self.cached
            && let Some(node) = self.shared.nodes.get(&cached)
        {
            return Ok(node);
        }
        let bytes = self.read(Kind::Node, key)?;
        let node = Node::decode(bytes).map_err(|problem| NodesError::Damaged {
            hash: key.hash,
            problem,
        })?;
        let node = Arc::new(node);
        if self.cached {
            self.shared.nodes.insert(cached, node.clone());
        }
        Ok(node)
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        self.read(Kind::Value, key)
    }

    fn versions(&self) -> Versions {
        Versions {
            top: self.top_version,
            next: self.number + 1,
        }
    }
}

impl Drop for HeldNodes {
    fn drop(&mut self) {
        self.life.lock().release(self.number);
    }
}
