//! A store that keeps old roots as the documentation says, and one that is damaged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use weir_receipt::state::{
    Commit, NODE_BYTES_MAX, Node, NodeKey, Nodes, NodesError, Root, StateError, Tree, Versions,
};

use crate::support::{Model, Op, apply_all, build, entries, op, run};

/// Nodes and values under the commits that made them.
#[derive(Default)]
struct Store {
    nodes: BTreeMap<NodeKey, Bytes>,
    values: BTreeMap<NodeKey, Bytes>,
    /// What each commit dropped, the oldest first.
    dropped: VecDeque<(Vec<NodeKey>, Vec<NodeKey>)>,
}

/// One root in a store.
#[derive(Clone, Copy)]
struct Kept {
    root: Root,
    versions: Versions,
}

/// The empty state, from which on commits have these numbers.
const fn before(next: u64) -> Kept {
    Kept {
        root: Root::EMPTY,
        versions: Versions { top: 0, next },
    }
}

/// What shows a root.
struct Shown<'a>(&'a Store, Versions);

impl Store {
    /// Writes what a commit made of this root, and says the new one.
    fn add(&mut self, before: Kept, commit: &Commit) -> Kept {
        let version = commit.version;
        assert_eq!(version, before.versions.next);
        for (all, new) in [
            (&mut self.nodes, &commit.nodes),
            (&mut self.values, &commit.values),
        ] {
            for (hash, bytes) in new {
                let hash = *hash;
                let replaced = all.insert(NodeKey { version, hash }, bytes.clone());
                assert_eq!(replaced, None);
            }
        }
        self.dropped
            .push_back((commit.dropped_nodes.clone(), commit.dropped_values.clone()));
        Kept {
            root: commit.root,
            versions: Versions {
                top: commit.top_version,
                next: version + 1,
            },
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((nodes, values)) = self.dropped.pop_front() {
            for key in nodes {
                self.nodes.remove(&key).expect("it is there");
            }
            for key in values {
                self.values.remove(&key).expect("it is there");
            }
        }
    }

    fn tree(&self, kept: Kept) -> Tree<Shown<'_>> {
        Tree::new(kept.root, Shown(self, kept.versions))
    }
}

impl Nodes for Shown<'_> {
    fn node(&self, key: &NodeKey) -> Result<Arc<Node>, NodesError> {
        let hash = key.hash;
        let bytes = self.0.nodes.get(key).ok_or(NodesError::Missing(*key))?;
        let node = Node::decode(bytes.clone());
        let node = node.map_err(|problem| NodesError::Damaged { hash, problem })?;
        Ok(Arc::new(node))
    }

    fn value(&self, key: &NodeKey) -> Result<Bytes, NodesError> {
        let value = self.0.values.get(key);
        value.cloned().ok_or(NodesError::Missing(*key))
    }

    fn versions(&self) -> Versions {
        self.1
    }
}

/// Few keys and values, so that states come back to what they were; enough of them for nodes below nodes.
fn again() -> impl Strategy<Value = Vec<Op>> {
    let key = (0u8..40).prop_map(|n| vec![b'k', n / 10, n]);
    let value = prop_oneof![Just(2usize), Just(90), Just(120), Just(300)];
    let value = value.prop_map(|len| vec![1; len].into());
    let op = (key, proptest::option::weighted(0.7, value)).prop_map(|(key, value)| match value {
        Some(value) => Op::Set(key, value),
        None => Op::Delete(key),
    });
    proptest::collection::vec(op, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn old_roots_can_be_read_until_they_are_forgotten_and_then_nothing_is_left_of_them(
        history in proptest::collection::vec(again(), 1..30),
        most in 0usize..5,
        first in prop_oneof![Just(1), Just((1 << 63) - 40)],
    ) {
        let mut store = Store::default();
        let mut roots = VecDeque::from([(before(first), Model::new())]);
        for ops in &history {
            let (kept, mut model) = roots.back().cloned().unwrap();
            let commit = run(store.tree(kept), ops).unwrap();
            for (_, bytes) in &commit.nodes {
                prop_assert!(bytes.len() <= NODE_BYTES_MAX);
                prop_assert_eq!(&Node::decode(bytes.clone()).unwrap().encode(), bytes);
            }
            let kept = store.add(kept, &commit);
            apply_all(&mut model, ops);
            roots.push_back((kept, model));
            if roots.len() > most + 1 {
                roots.pop_front();
                store.forget_oldest();
            }
            for (kept, model) in &roots {
                let tree = store.tree(*kept);
                tree.verify().unwrap();
                prop_assert!(entries(&tree).into_iter().eq(model.clone()));
            }
        }
        while roots.len() > 1 {
            roots.pop_front();
            store.forget_oldest();
        }
        let (kept, model) = roots.pop_front().unwrap();
        let (built, nodes) = build(&model);
        prop_assert_eq!(*store.tree(kept).root(), built);
        prop_assert_eq!(store.nodes.len(), nodes.len());
        prop_assert_eq!(store.values.len(), nodes.values());
    }

    #[test]
    fn verifying_finds_every_damaged_byte_and_reading_damage_does_not_panic(
        ops in proptest::collection::vec(op(), 1..60),
        at in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut store = Store::default();
        let commit = run(store.tree(before(1)), &ops).unwrap();
        let kept = store.add(before(1), &commit);
        let tree = store.tree(kept);
        tree.verify().unwrap();
        let both = store.nodes.len() + store.values.len();
        prop_assume!(both > 0);
        let mut all = store.nodes.values_mut().chain(store.values.values_mut());
        let bytes = all.nth(at.index(both)).unwrap();
        let mut wrong = bytes.to_vec();
        let byte = byte.index(wrong.len());
        wrong[byte] ^= flip;
        *bytes = wrong.into();
        let tree = store.tree(kept);
        prop_assert!(matches!(tree.verify(), Err(StateError::Nodes(_))));
        for op in &ops {
            let (Op::Set(key, _) | Op::Delete(key)) = op;
            let _ = tree.get(key);
        }
        let _ = run(tree, &ops);
    }
}

/// Sixteen half bytes with a light subtree of seven values apart below each.
#[test]
fn the_longest_versions_fit_into_the_fullest_node() {
    let key = |n: u8| [&[0x10 | (n / 7), n % 7][..], &[9; 3]].concat();
    let ops: Vec<Op> = (0..7 * 16)
        .map(|n| Op::Set(key(n), vec![n; 300].into()))
        .collect();
    let mut lengths = Vec::new();
    for next in [1, (1 << 63) - 1] {
        let store = Store::default();
        let commit = run(store.tree(before(next)), &ops).unwrap();
        for (hash, bytes) in &commit.nodes {
            assert!(bytes.len() <= NODE_BYTES_MAX);
            let node = Node::decode(bytes.clone()).unwrap();
            node.verify(hash).unwrap();
            assert_eq!(&node.encode(), bytes);
        }
        lengths.push(commit.nodes.iter().map(|(_, bytes)| bytes.len()).max());
    }
    assert_eq!(lengths[1].unwrap() - lengths[0].unwrap(), 7 * 16 * 8);
}
