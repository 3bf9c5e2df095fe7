//! A tree with its nodes in memory and the map that it should be.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use weir_receipt::state::{
    Commit, Limits, MemoryNodes, Nodes, Root, StateError, Transaction, Tree,
};

pub type Model = BTreeMap<Vec<u8>, Bytes>;

#[derive(Clone, Debug)]
pub enum Op {
    Set(Vec<u8>, Bytes),
    Delete(Vec<u8>),
}

/// Keys that share prefixes, are prefixes of each other, and have all lengths.
pub fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x80), Just(0xff)], 0..5),
        3 => (0u16..400).prop_map(|n| format!("user/{n:03}").into_bytes()),
        2 => any::<[u8; 8]>().prop_map(|key| key.to_vec()),
        1 => (0usize..256).prop_map(|len| vec![7; len]),
    ]
}

pub fn value() -> impl Strategy<Value = Bytes> {
    let len = prop_oneof![4 => 0usize..40, 2 => 100usize..160, 1 => 200usize..3000];
    (len, any::<u8>()).prop_map(|(len, fill)| Bytes::from(vec![fill; len]))
}

pub fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (key(), value()).prop_map(|(key, value)| Op::Set(key, value)),
        2 => key().prop_map(Op::Delete),
    ]
}

/// Transactions, each a list of changes.
pub fn history() -> impl Strategy<Value = Vec<Vec<Op>>> {
    proptest::collection::vec(proptest::collection::vec(op(), 0..30), 0..12)
}

pub fn apply(model: &mut Model, op: &Op) {
    match op {
        Op::Set(key, value) => {
            model.insert(key.clone(), value.clone());
        }
        Op::Delete(key) => {
            model.remove(key);
        }
    }
}

pub fn apply_all(model: &mut Model, ops: &[Op]) {
    for op in ops {
        apply(model, op);
    }
}

pub fn run<N: Nodes>(tree: Tree<N>, ops: &[Op]) -> Result<Commit, StateError> {
    let mut transaction = Transaction::new(tree, Limits::default());
    for op in ops {
        match op {
            Op::Set(key, value) => transaction.set(key, value.clone())?,
            Op::Delete(key) => transaction.delete(key)?,
        };
    }
    transaction.commit()
}

/// The state of a model, made in one transaction.
pub fn build(model: &Model) -> (Root, MemoryNodes) {
    let mut nodes = MemoryNodes::default();
    let ops: Vec<Op> = model
        .iter()
        .map(|(key, value)| Op::Set(key.clone(), value.clone()))
        .collect();
    let commit = run(Tree::new(Root::EMPTY, &nodes), &ops).expect("nothing is missing");
    nodes.apply(&commit);
    (commit.root, nodes)
}

pub fn entries<N: Nodes>(tree: &Tree<N>) -> Vec<(Vec<u8>, Bytes)> {
    use weir_receipt::state::{KeyRange, Order};
    let range = tree.range(&KeyRange::all(), Order::Ascending);
    range.collect::<Result<_, _>>().expect("nothing is missing")
}
