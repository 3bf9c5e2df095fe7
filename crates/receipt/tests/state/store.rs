//! A store that keeps old roots as the documentation says, and one that is damaged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use weir_identity::Hash;
use weir_receipt::state::{Commit, Node, Nodes, NodesError, Root, StateError, Tree};

use crate::support::{Model, Op, apply_all, build, entries, op, run};

/// Nodes and values with the commit that they were born in.
#[derive(Default)]
struct Versions {
    nodes: BTreeMap<Hash, (u64, Bytes)>,
    values: BTreeMap<Hash, (u64, Bytes)>,
    /// What each commit dropped, the oldest first.
    dropped: VecDeque<(u64, Vec<Hash>, Vec<Hash>)>,
}

impl Versions {
    fn add(&mut self, number: u64, commit: &Commit) {
        for (hash, bytes) in &commit.nodes {
            self.nodes.insert(*hash, (number, bytes.clone()));
        }
        for (hash, bytes) in &commit.values {
            self.values.insert(*hash, (number, bytes.clone()));
        }
        self.dropped.push_back((
            number,
            commit.dropped_nodes.clone(),
            commit.dropped_values.clone(),
        ));
    }

    fn forget_oldest(&mut self) {
        if let Some((number, nodes, values)) = self.dropped.pop_front() {
            for hash in nodes {
                if self.nodes[&hash].0 < number {
                    self.nodes.remove(&hash);
                }
            }
            for hash in values {
                if self.values[&hash].0 < number {
                    self.values.remove(&hash);
                }
            }
        }
    }
}

impl Nodes for Versions {
    fn node(&self, hash: &Hash) -> Result<Arc<Node>, NodesError> {
        let (_, bytes) = self.nodes.get(hash).ok_or(NodesError::Missing(*hash))?;
        let node = Node::decode(bytes.clone()).map_err(|problem| NodesError::Damaged {
            hash: *hash,
            problem,
        })?;
        Ok(Arc::new(node))
    }

    fn value(&self, entry: &Hash) -> Result<Bytes, NodesError> {
        let value = self.values.get(entry).ok_or(NodesError::Missing(*entry))?;
        Ok(value.1.clone())
    }
}

/// Few keys and values, so that states come back to what they were.
fn again() -> impl Strategy<Value = Vec<Op>> {
    let key = (0u8..12).prop_map(|n| vec![b'k', n / 4, n]);
    let value = prop_oneof![Just(2usize), Just(90), Just(300)].prop_map(|len| vec![1; len].into());
    let op = (key, proptest::option::of(value)).prop_map(|(key, value)| match value {
        Some(value) => Op::Set(key, value),
        None => Op::Delete(key),
    });
    proptest::collection::vec(op, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn old_roots_can_be_read_until_they_are_forgotten_and_then_nothing_is_left_of_them(
        history in proptest::collection::vec(again(), 1..30),
        kept in 0usize..5,
    ) {
        let mut store = Versions::default();
        let mut roots = VecDeque::from([(Root::EMPTY, Model::new())]);
        for (ops, number) in history.iter().zip(1..) {
            let (root, mut model) = roots.back().cloned().unwrap();
            let commit = run(Tree::new(root, &store), ops).unwrap();
            store.add(number, &commit);
            apply_all(&mut model, ops);
            roots.push_back((commit.root, model));
            if roots.len() > kept + 1 {
                roots.pop_front();
                store.forget_oldest();
            }
            for (root, model) in &roots {
                let tree = Tree::new(*root, &store);
                tree.verify().unwrap();
                prop_assert!(entries(&tree).into_iter().eq(model.clone()));
            }
        }
        while roots.len() > 1 {
            roots.pop_front();
            store.forget_oldest();
        }
        let (root, model) = roots.pop_front().unwrap();
        let (built, nodes) = build(&model);
        prop_assert_eq!(root, built);
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
        let mut store = Versions::default();
        let commit = run(Tree::new(Root::EMPTY, &store), &ops).unwrap();
        store.add(1, &commit);
        let tree = Tree::new(commit.root, &store);
        tree.verify().unwrap();
        let both = store.nodes.len() + store.values.len();
        prop_assume!(both > 0);
        let mut all = store.nodes.values_mut().chain(store.values.values_mut());
        let (_, bytes) = all.nth(at.index(both)).unwrap();
        let mut wrong = bytes.to_vec();
        let byte = byte.index(wrong.len());
        wrong[byte] ^= flip;
        *bytes = wrong.into();
        let tree = Tree::new(commit.root, &store);
        prop_assert!(matches!(tree.verify(), Err(StateError::Nodes(_))));
        for op in &ops {
            let (Op::Set(key, _) | Op::Delete(key)) = op;
            let _ = tree.get(key);
        }
        let _ = run(tree, &ops);
    }
}
