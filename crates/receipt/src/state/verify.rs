use std::sync::Arc;

use bytes::Bytes;
use weir_identity::Hash;

use super::error::{NodesError, StateError};
use super::hashing::{Hasher, Held};
use super::key::{KeyRange, bit, first_difference};
use super::node::Node;
use super::nodes::{NodeKey, Nodes, Versions, Visit};
use super::scan::Order;
use super::tree::Tree;
use crate::wire::Malformed;

impl<N: Nodes> Tree<N> {
    /// Reads the whole tree and hashes everything in it: nodes, values, and what the root says of their number.
    ///
    /// For states that come from somebody else and for stores in doubt. Takes about four permutations for each entry
    /// and those of the values, hence some microseconds per entry; and as much memory as one path.
    pub fn verify(&self) -> Result<(), StateError> {
        let tree = Tree::new(*self.root(), Checked(self.nodes()));
        let (mut entries, mut bytes) = (0u64, 0u64);
        let mut spine = Spine::default();
        for entry in tree.range(&KeyRange::all(), Order::Ascending) {
            let (key, value) = entry?;
            entries += 1;
            bytes += (key.len() + value.len()) as u64;
            spine
                .add(key, &value)
                .map_err(|problem| self.wrong(problem))?;
        }
        let found = (entries, bytes, spine.top());
        let root = self.root();
        if found == (root.entries, root.bytes, root.top) {
            Ok(())
        } else {
            Err(self.wrong(Malformed("not the entries of the root")))
        }
    }

    fn wrong(&self, problem: Malformed) -> StateError {
        let hash = self.root().top;
        NodesError::Damaged { hash, problem }.into()
    }
}

/// Nodes that are hashed when they are fetched.
struct Checked<'a, N>(&'a N);

impl<N: Nodes> Nodes for Checked<'_, N> {
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        let node = self.0.node(key)?;
        match node.verify(&key.hash) {
            Ok(()) => Ok(node),
            Err(problem) => Err(NodesError::Damaged {
                hash: key.hash,
                problem,
            }),
        }
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        self.0.value(key)
    }

    fn versions(&self) -> Versions {
        self.0.versions()
    }

    fn visited(&self, visit: Visit<'_>) {
        self.0.visited(visit);
    }
}

/// The tree over ascending entries, made from left to right: the branches whose right side is not complete.
#[derive(Default)]
struct Spine {
    open: Vec<(u16, Hash)>,
    /// The last key, and the hash of what is complete to the right of the last branch.
    last: Option<(Vec<u8>, Hash)>,
    hasher: Hasher,
}

impl Spine {
    fn add(&mut self, key: Vec<u8>, value: &[u8]) -> Result<(), Malformed> {
        let hash = self.hasher.entry(&key, Held::Value(value));
        if let Some((last, mut left)) = self.last.take() {
            let parting = first_difference(&last, &key)
                .filter(|parting| bit(&key, *parting))
                .ok_or(Malformed("the keys do not ascend"))?;
            while let Some((bit, outer)) = self.open.pop_if(|(bit, _)| *bit > parting) {
                left = self.hasher.branch(bit, outer, left);
            }
            self.open.push((parting, left));
        }
        self.last = Some((key, hash));
        Ok(())
    }

    fn top(mut self) -> Hash {
        let Some((_, mut hash)) = self.last else {
            return Hash::ZERO;
        };
        while let Some((bit, left)) = self.open.pop() {
            hash = self.hasher.branch(bit, left, hash);
        }
        hash
    }
}
