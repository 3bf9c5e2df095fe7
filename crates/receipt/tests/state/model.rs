//! A tree is the map that it stands for, and its root and its nodes follow from the map alone.

use bytes::Bytes;
use proptest::prelude::*;
use weir_identity::{Hash, keccak256};
use weir_receipt::state::{
    KeyRange, Limits, MemoryNodes, Node, NodeKey, Nodes, Order, Root, Transaction, Tree,
};

use crate::support::{Model, Op, apply, apply_all, build, entries, history, key, op, run};

/// The bits of a key, as the document says.
fn bits(key: &[u8]) -> Vec<bool> {
    let byte = |byte: &u8| {
        let byte = *byte;
        std::iter::once(true).chain((0..8).map(move |bit| byte & 0x80 >> bit != 0))
    };
    key.iter().flat_map(byte).chain([false]).collect()
}

/// The topmost hash of these entries, as the document says.
fn top(entries: &[(&Vec<u8>, &Bytes)]) -> Hash {
    if let [(key, value)] = entries {
        let hash = keccak256(&[&[0], value]);
        let content: &[u8] = if value.len() <= 32 {
            value
        } else {
            hash.as_bytes()
        };
        return keccak256(&[
            &[1],
            &(key.len() as u16).to_be_bytes(),
            key,
            &(value.len() as u32).to_be_bytes(),
            content,
        ]);
    }
    let keys: Vec<Vec<bool>> = entries.iter().map(|(key, _)| bits(key)).collect();
    let parting = (0..=9 * 256).find(|bit| keys.iter().any(|key| key[*bit] != keys[0][*bit]));
    let parting = parting.expect("keys differ");
    let middle = keys.partition_point(|key| !key[parting]);
    let (left, right) = entries.split_at(middle);
    keccak256(&[
        &[2],
        &(parting as u16).to_be_bytes(),
        top(left).as_bytes(),
        top(right).as_bytes(),
    ])
}

/// The root hash of a map, as the document says.
fn root_of(model: &Model) -> Hash {
    let entries: Vec<(&Vec<u8>, &Bytes)> = model.iter().collect();
    let bytes: usize = entries
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    let top = if entries.is_empty() {
        Hash::ZERO
    } else {
        top(&entries)
    };
    keccak256(&[
        &[3],
        &(entries.len() as u64).to_be_bytes(),
        &(bytes as u64).to_be_bytes(),
        top.as_bytes(),
    ])
}

#[test]
fn the_root_of_the_empty_state_is_a_constant() {
    assert_eq!(Root::EMPTY.hash(), Root::EMPTY_HASH);
    assert_eq!(root_of(&Model::new()), Root::EMPTY_HASH);
    assert_eq!(Root::decode(&Root::EMPTY.encode()), Ok(Root::EMPTY));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_root_is_what_the_document_says(
        ops in proptest::collection::vec(op(), 0..60)
    ) {
        let mut model = Model::new();
        apply_all(&mut model, &ops);
        let root = build(&model).0;
        prop_assert_eq!(root.hash(), root_of(&model));
        prop_assert_eq!(Root::decode(&root.encode()), Ok(root));
    }

    #[test]
    fn any_history_gives_the_entries_the_root_and_the_nodes_of_the_map_that_it_ends_with(
        history in history()
    ) {
        let mut nodes = MemoryNodes::default();
        let mut root = Root::EMPTY;
        let mut model = Model::new();
        for ops in &history {
            let commit = run(Tree::new(root, &nodes), ops).unwrap();
            for (hash, bytes) in &commit.nodes {
                let node = Node::decode(bytes.clone()).unwrap();
                prop_assert_eq!(&node.encode(), bytes);
                prop_assert_eq!(node.verify(hash), Ok(()));
                let key = NodeKey { version: 0, hash: *hash };
                prop_assert!(nodes.node(&key).is_err(), "a node that was there is not new");
            }
            nodes.apply(&commit);
            root = commit.root;
            apply_all(&mut model, ops);
        }
        let (built, built_nodes) = build(&model);
        prop_assert_eq!(root, built);
        prop_assert_eq!(nodes.len(), built_nodes.len());
        prop_assert_eq!(nodes.values(), built_nodes.values());
        let tree = Tree::new(root, &nodes);
        prop_assert_eq!(root.entries(), model.len() as u64);
        let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
        prop_assert_eq!(root.bytes(), bytes as u64);
        let expected: Vec<(Vec<u8>, Bytes)> = model.clone().into_iter().collect();
        prop_assert_eq!(entries(&tree), expected);
        for (key, value) in &model {
            prop_assert_eq!(tree.get(key).unwrap(), Some(value.clone()));
        }
    }

    #[test]
    fn a_transaction_sees_its_own_writes_in_reads_and_in_ranges_of_both_orders(
        base in proptest::collection::vec(op(), 0..60),
        ops in proptest::collection::vec(op(), 0..30),
        start in key(),
        end in proptest::option::of(key()),
    ) {
        let mut model = Model::new();
        apply_all(&mut model, &base);
        let (root, nodes) = build(&model);
        let mut transaction = Transaction::new(Tree::new(root, &nodes), Limits::default());
        for op in &ops {
            let existed = match op {
                Op::Set(key, value) => transaction.set(key, value.clone()).unwrap(),
                Op::Delete(key) => transaction.delete(key).unwrap(),
            };
            let (Op::Set(key, _) | Op::Delete(key)) = op;
            prop_assert_eq!(existed, model.contains_key(key));
            apply(&mut model, op);
        }
        prop_assert_eq!(transaction.entries(), model.len() as u64);
        prop_assert_eq!(transaction.get(&start).unwrap(), model.get(&start).cloned());
        let range = KeyRange { start, end };
        let mut expected: Vec<(Vec<u8>, Bytes)> = model
            .iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for order in [Order::Ascending, Order::Descending] {
            let found: Result<Vec<_>, _> = transaction.range(&range, order).collect();
            prop_assert_eq!(&found.unwrap(), &expected);
            let keys: Result<Vec<_>, _> = transaction.keys(&range, order).collect();
            prop_assert!(keys.unwrap().iter().eq(expected.iter().map(|(key, _)| key)));
            expected.reverse();
        }
        let bytes = transaction.bytes();
        let commit = transaction.commit().unwrap();
        prop_assert_eq!(commit.root, build(&model).0);
        prop_assert_eq!(commit.root.bytes(), bytes);
    }

    #[test]
    fn ranges_of_a_tree_are_those_of_the_map(
        base in proptest::collection::vec(op(), 0..100),
        start in key(),
        end in proptest::option::of(key()),
    ) {
        let mut model = Model::new();
        apply_all(&mut model, &base);
        let (root, nodes) = build(&model);
        let tree = Tree::new(root, &nodes);
        let range = KeyRange { start, end };
        let mut expected: Vec<Vec<u8>> = model.into_keys().filter(|key| range.contains(key)).collect();
        for order in [Order::Ascending, Order::Descending] {
            let found: Result<Vec<_>, _> = tree.keys(&range, order).collect();
            prop_assert_eq!(&found.unwrap(), &expected);
            expected.reverse();
        }
    }
}
