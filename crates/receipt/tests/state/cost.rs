//! What a change costs: permutations and bytes, on a tree of a million keys and on one that somebody made deep.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use expect_test::expect;
use weir_identity::keccak256;
use weir_receipt::state::{
    Commit, Limits, MemoryNodes, NODE_BYTES_MAX, Recorder, Root, Transaction, Tree, Witness,
};

use crate::support::{Op, run};

const KEYS: u32 = 1_000_000;

fn random(n: u32) -> Vec<u8> {
    keccak256(&[&n.to_be_bytes()]).as_bytes()[..16].to_vec()
}

/// The even ones of two million random keys.
static RANDOM: LazyLock<(Root, MemoryNodes)> = LazyLock::new(|| filled(KEYS, |n| random(2 * n)));

fn filled(keys: u32, key: impl Fn(u32) -> Vec<u8>) -> (Root, MemoryNodes) {
    let mut nodes = MemoryNodes::default();
    let mut root = Root::EMPTY;
    let limits = Limits {
        changed_keys: KEYS.into(),
        changed_bytes: 1 << 30,
        ..Limits::default()
    };
    let mut transaction = Transaction::new(Tree::new(root, &nodes), limits);
    for n in 0..keys {
        let value = Bytes::copy_from_slice(&[n.to_be_bytes(); 8].concat());
        transaction.set(&key(n), value).unwrap();
    }
    let commit = transaction.commit().unwrap();
    nodes.apply(&commit);
    root = commit.root;
    (root, nodes)
}

struct Spread {
    total: u64,
    most: u64,
    count: u64,
}

impl Spread {
    const NONE: Self = Self {
        total: 0,
        most: 0,
        count: 0,
    };

    fn add(&mut self, number: u64) {
        self.total += number;
        self.most = self.most.max(number);
        self.count += 1;
    }

    fn text(&self) -> String {
        let tenths = self.total * 10 / self.count;
        format!("mean {}.{}, most {}", tenths / 10, tenths % 10, self.most)
    }
}

/// Changes of one key, each on the same tree.
fn spread(root: Root, nodes: &MemoryNodes, ops: impl Iterator<Item = Op>) -> (Spread, Spread) {
    let (mut permutations, mut bytes) = (Spread::NONE, Spread::NONE);
    for op in ops {
        let commit: Commit = run(Tree::new(root, nodes), &[op]).unwrap();
        permutations.add(commit.permutations);
        bytes.add(commit.nodes.iter().map(|(_, node)| node.len() as u64).sum());
    }
    (permutations, bytes)
}

#[test]
fn one_key_among_a_million_costs_at_most_forty_permutations() {
    let mut text = String::new();
    for (name, keys, key) in [
        ("random", KEYS, random as fn(u32) -> Vec<u8>),
        ("decimal", KEYS / 10, |n| {
            format!("user/{n:07}/name").into_bytes()
        }),
        ("u64", KEYS / 10, |n| u64::from(n).to_be_bytes().to_vec()),
    ] {
        // The keys that are there have even numbers.
        let other;
        let (root, nodes) = if name == "random" {
            &*RANDOM
        } else {
            other = filled(keys, |n| key(2 * n));
            &other
        };
        let old = (0..keys).step_by(53).map(|n| 2 * n);
        let new = old.clone().map(|n| n + 1);
        let value = Bytes::from_static(&[9; 32]);
        let set = |n| Op::Set(key(n), value.clone());
        for (what, (permutations, bytes)) in [
            ("replace", spread(*root, nodes, old.clone().map(set))),
            ("insert", spread(*root, nodes, new.map(set))),
            (
                "delete",
                spread(*root, nodes, old.map(|n| Op::Delete(key(n)))),
            ),
        ] {
            assert!(
                permutations.most <= 40,
                "{name} {what}: {}",
                permutations.most
            );
            writeln!(
                text,
                "{keys} {name} keys, {what}: permutations {}; bytes of nodes {}",
                permutations.text(),
                bytes.text()
            )
            .unwrap();
        }
    }
    expect![[r#"
        1000000 random keys, replace: permutations mean 23.6, most 32; bytes of nodes mean 5496.0, most 7076
        1000000 random keys, insert: permutations mean 23.7, most 32; bytes of nodes mean 5498.4, most 7328
        1000000 random keys, delete: permutations mean 21.6, most 30; bytes of nodes mean 5412.0, most 6992
        100000 decimal keys, replace: permutations mean 21.5, most 24; bytes of nodes mean 5743.0, most 5743
        100000 decimal keys, insert: permutations mean 23.5, most 26; bytes of nodes mean 5820.0, most 5820
        100000 decimal keys, delete: permutations mean 19.5, most 22; bytes of nodes mean 5666.0, most 5666
        100000 u64 keys, replace: permutations mean 19.9, most 20; bytes of nodes mean 3818.0, most 3838
        100000 u64 keys, insert: permutations mean 21.9, most 22; bytes of nodes mean 3889.0, most 3909
        100000 u64 keys, delete: permutations mean 17.9, most 18; bytes of nodes mean 3743.0, most 3763
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_witness_of_twenty_keys_is_small() {
    let (root, nodes) = &*RANDOM;
    let root = *root;
    let recorder = Recorder::new(nodes);
    let mut transaction = Transaction::new(Tree::new(root, &recorder), Limits::default());
    for n in 0..20 {
        let key = random(n * 99_998);
        transaction.get(&key).unwrap();
        transaction.set(&key, Bytes::from_static(&[9; 32])).unwrap();
    }
    let after = transaction.commit().unwrap().root;
    let bytes = recorder.witness(&root).unwrap();
    let proof = Tree::new(root, nodes).prove(&random(10)).unwrap();
    let absence = Tree::new(root, nodes).prove(&random(11)).unwrap();
    expect!["twenty keys: 11185 bytes; one key: 728; an absent key: 728"].assert_eq(&format!(
        "twenty keys: {} bytes; one key: {}; an absent key: {}",
        bytes.len(),
        proof.len(),
        absence.len()
    ));
    let witness = Witness::decode(bytes, 1 << 20).unwrap();
    let ops: Vec<Op> = (0..20)
        .map(|n| Op::Set(random(n * 99_998), Bytes::from_static(&[9; 32])))
        .collect();
    assert_eq!(run(witness.tree(), &ops).unwrap().root, after);
}

/// The keys that part from `victim` in each of its bits: the longest path that anybody can make.
fn deepest(victim: &[u8]) -> Vec<Vec<u8>> {
    let mut keys = vec![victim.to_vec()];
    for (at, byte) in victim.iter().enumerate() {
        keys.push(victim[..at].to_vec());
        for bit in 0..8 {
            let mut key = victim[..at].to_vec();
            key.push(byte ^ 1 << bit);
            keys.push(key);
        }
    }
    keys
}

#[test]
fn the_worst_keys_make_a_path_of_a_bounded_length() {
    let victim: Vec<u8> = (0..=255).collect();
    let ops: Vec<Op> = deepest(&victim)
        .into_iter()
        .map(|key| Op::Set(key, Bytes::from_static(b"x")))
        .collect();
    assert_eq!(ops.len(), 1 + 9 * 256);
    let mut nodes = MemoryNodes::default();
    let built = run(Tree::new(Root::EMPTY, &nodes), &ops).unwrap();
    nodes.apply(&built);
    let set = Op::Set(victim, Bytes::from_static(b"y"));
    let commit = run(Tree::new(built.root, &nodes), &[set]).unwrap();
    assert!(
        commit
            .nodes
            .iter()
            .all(|(_, node)| node.len() <= NODE_BYTES_MAX)
    );
    let bytes: usize = commit.nodes.iter().map(|(_, node)| node.len()).sum();
    expect!["5771 permutations, 512 nodes, 159459 bytes"].assert_eq(&format!(
        "{} permutations, {} nodes, {bytes} bytes",
        commit.permutations,
        commit.nodes.len()
    ));
}
