//! What a state costs: reads, writes and commits on trees of different sizes with their nodes in memory, and what a
//! call adds for its witness and its receipt.
//!
//! `cargo bench --profile release -p weir-receipt` prints one line for each figure of `docs/benchmarks.md`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_identity::{Hash, Keypair, keccak256};
use weir_receipt::state::{
    Commit, KeyRange, Limits, MemoryNodes, Nodes, Order, Recorder, Root, Transaction, Tree, Witness,
};
use weir_receipt::{
    Outcome, Receipt, ReceiptDomain, content_hash, function_id, local_request_id, local_worker_id,
};

fn key(n: u32) -> Vec<u8> {
    keccak256(&[&n.to_be_bytes()]).as_bytes()[..16].to_vec()
}

fn report(what: &str, figure: &str, goal: &str) {
    println!("bench: state: {what} | {figure} | {goal}");
}

fn micros(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_secs_f64() * 1e6)
}

/// The least of five means over `rounds` runs.
fn mean(rounds: u32, mut run: impl FnMut(u32)) -> Duration {
    let means = (0..5).map(|repeat| {
        let from = Instant::now();
        (0..rounds).for_each(|round| run(repeat * rounds + round));
        from.elapsed() / rounds
    });
    means.min().unwrap_or_default()
}

fn set<N: Nodes>(tree: Tree<N>, keys: impl IntoIterator<Item = u32>, value: &Bytes) -> Commit {
    let limits = Limits {
        changed_keys: 1 << 20,
        changed_bytes: 1 << 30,
        ..Limits::default()
    };
    let mut transaction = Transaction::new(tree, limits);
    for n in keys {
        transaction.set(&key(n), value.clone()).expect("it fits");
    }
    transaction.commit().expect("nothing is missing")
}

fn main() {
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        tree(size);
    }
    receipt();
}

fn tree(size: u32) {
    let mut nodes = MemoryNodes::default();
    let from = Instant::now();
    let value = Bytes::from(vec![7; 64]);
    let built = set(Tree::new(Root::EMPTY, &nodes), 0..size, &value);
    let took = from.elapsed() / size;
    nodes.apply(&built);
    let mut root = built.root;
    let stored: usize = built.nodes.iter().map(|(_, node)| node.len()).sum();
    report(
        &format!("{size} keys of 16 bytes with values of 64, built in one commit"),
        &format!(
            "{} per key, {} bytes stored per key",
            micros(took),
            stored / size as usize
        ),
        "",
    );
    let at = |round: u32| round.wrapping_mul(7_919) % size;
    let tree = Tree::new(root, &nodes);
    let took = mean(2_000, |round| {
        black_box(tree.get(&key(at(round))).expect("nothing is missing"));
    });
    report(&format!("get, {size} keys"), &micros(took), "");
    let took = mean(500, |round| {
        let range = KeyRange::starting_at(key(at(round)));
        let entries = tree.range(&range, Order::Ascending).take(100);
        black_box(entries.filter_map(Result::ok).count());
    });
    report(
        &format!("scan of 100 entries, {size} keys"),
        &micros(took),
        "",
    );
    let new_value = Bytes::from(vec![8; 64]);
    let mut written = 0;
    let took = mean(1_000, |round| {
        let value = Bytes::from(vec![round as u8; 64]);
        let commit = set(Tree::new(root, &nodes), [at(round)], &value);
        written += commit
            .nodes
            .iter()
            .map(|(_, node)| node.len())
            .sum::<usize>();
        nodes.apply(&commit);
        root = commit.root;
    });
    report(
        &format!("commit of one key, {size} keys, nodes decoded again"),
        &format!("{}, {} bytes of nodes", micros(took), written / 5_000),
        if size == 1_000_000 {
            "under 150 µs with the store"
        } else {
            ""
        },
    );
    let took = mean(500, |round| {
        let keys = (0..20).map(|n| at(round * 20 + n));
        black_box(set(Tree::new(root, &nodes), keys, &new_value));
    });
    report(
        &format!("commit of 20 keys, {size} keys"),
        &micros(took),
        "",
    );
    let keys = || (0..20).map(|n| at(n * 31));
    let recorder = Recorder::new(&nodes);
    let after = set(Tree::new(root, &recorder), keys(), &new_value).root;
    let witness = recorder.witness(&root).expect("nothing is missing");
    let took = mean(200, |_| {
        let recorder = Recorder::new(&nodes);
        black_box(set(Tree::new(root, &recorder), keys(), &new_value));
        black_box(recorder.witness(&root).expect("nothing is missing"));
    });
    report(
        &format!("commit of 20 keys and its witness, {size} keys"),
        &format!("{}, {} bytes", micros(took), witness.len()),
        if size == 1_000_000 { "5 to 10 KiB" } else { "" },
    );
    let took = mean(200, |_| {
        let witness = Witness::decode(witness.clone(), 1 << 20).expect("it was just made");
        let again = set(witness.tree(), keys(), &new_value).root;
        assert_eq!(again, after);
    });
    report(
        &format!("checking this witness and making the commit again, {size} keys"),
        &micros(took),
        "",
    );
}

fn receipt() {
    let signer = Keypair::from_secret(&[7; 32]).expect("a valid secret");
    let domain = ReceiptDomain::local();
    let make = |seq: u32| Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&signer.address()),
        service_id: Hash::ZERO,
        seq: seq.into(),
        service_seq: seq.into(),
        module_set_hash: Hash::ZERO,
        function_id: function_id("hello"),
        args_hash: content_hash(&[7; 300]),
        pre_state_root: Hash::ZERO,
        post_state_root: Hash::ZERO,
        result_hash: content_hash(&[7; 100]),
        host_log_hash: Hash::ZERO,
        fuel: 1,
        outcome: Outcome::Ok,
        request_id: local_request_id(&Hash::ZERO, &[0; 32]),
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    };
    let took = mean(2_000, |round| {
        black_box(make(round).digest(&domain));
    });
    report(
        "a receipt and its digest, without the signature",
        &micros(took),
        "under 10 µs",
    );
    let took = mean(2_000, |round| {
        black_box(make(round).sign(&domain, &signer).encode());
    });
    report("a signed receipt", &micros(took), "under 35 µs");
}
