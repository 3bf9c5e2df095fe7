//! Bytes of a corpus and mutations of them: nothing may panic, and what is accepted has one form. `cargo fuzz` runs
//! the same functions.

#[path = "fuzz_targets/targets.rs"]
mod targets;

use std::path::PathBuf;

use bytes::Bytes;
use weir_identity::{Hash, keccak256};
use weir_receipt::state::{KeyRange, Order, Recorder, Root, Tree};
use weir_receipt::{
    Effect, EvidenceError, Outcome, Receipt, ReceiptDomain, Transcript, TranscriptLimits,
    function_id, local_worker_id,
};

const ITERATIONS: u32 = 10_000;

fn corpus(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/corpus", name]
        .iter()
        .collect()
}

fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (root, nodes, encoded) = targets::sample();
    let tree = Tree::new(root, &nodes);
    let mut seeds = Vec::new();
    let mut by_size = encoded;
    by_size.sort_by_key(Bytes::len);
    let (smallest, largest) = (by_size.first(), by_size.last());
    for (name, node) in [("smallest", smallest), ("largest", largest)] {
        seeds.push(("node", name, node.expect("there are nodes").to_vec()));
    }
    let range = KeyRange::prefix("user/2");
    let nothing = Recorder::new(&nodes);
    let empty = Tree::new(Root::EMPTY, &nodes);
    for (name, witness) in [
        ("present", tree.prove(b"user/07")),
        ("absent", tree.prove(b"user/")),
        ("range", tree.prove_range(&range, Order::Ascending, 20)),
        (
            "whole",
            tree.prove_range(&KeyRange::all(), Order::Descending, 60),
        ),
        (
            "nothing",
            Ok(nothing.witness(&root).expect("nothing is read")),
        ),
        ("empty", empty.prove(b"x")),
    ] {
        seeds.push(("witness", name, witness.expect("nothing is missing")));
    }
    let key = targets::key();
    let receipt = Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&key.address()),
        service_id: Hash::ZERO,
        seq: 1,
        service_seq: 1,
        module_set_hash: keccak256(&[b"code"]),
        function_id: function_id("hello"),
        args_hash: keccak256(&[b"args"]),
        pre_state_root: Root::EMPTY.hash(),
        post_state_root: root.hash(),
        result_hash: keccak256(&[b"result"]),
        host_log_hash: Hash::ZERO,
        fuel: 1000,
        outcome: Outcome::GuestError,
        request_id: Hash::ZERO,
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    };
    let signed = receipt.sign(&ReceiptDomain::local(), &key);
    seeds.push(("signed", "local", signed.encode()));
    let mut transcript = Transcript::default();
    seeds.push(("transcript", "empty", transcript.encode()));
    for (function, answer) in [("now", "1"), ("resolution", "2"), ("now", "3")] {
        let effect = Effect {
            interface: "wasi:clocks/wall-clock@0.2.0".into(),
            function: function.into(),
            request: keccak256(&[]),
            answer: Bytes::from_static(answer.as_bytes()),
        };
        transcript
            .push(effect, &TranscriptLimits::default())
            .expect("it fits");
    }
    seeds.push(("transcript", "clock", transcript.encode()));
    seeds.push(("evidence", "sample", targets::sample_evidence().encode()));
    seeds
}

/// `WRITE_CORPUS=1` writes it.
#[test]
fn the_corpus_is_what_the_encoders_write() {
    let seeds = seeds().into_iter();
    weir_fuzzing::check_corpus(
        seeds.map(|(target, name, bytes)| (corpus(target).join(name), bytes)),
    );
}

#[test]
fn no_bytes_make_the_node_decoder_panic() {
    weir_fuzzing::run(corpus("node"), ITERATIONS, 1, targets::node);
}

#[test]
fn no_bytes_make_a_witness_panic_when_it_is_read_or_used() {
    weir_fuzzing::run(corpus("witness"), ITERATIONS, 2, targets::witness);
}

#[test]
fn no_bytes_make_the_receipt_decoder_panic() {
    weir_fuzzing::run(corpus("signed"), ITERATIONS, 3, targets::signed);
}

#[test]
fn no_bytes_make_the_evidence_decoder_panic() {
    weir_fuzzing::run(corpus("evidence"), ITERATIONS, 5, targets::evidence);
}

#[test]
fn evidence_is_held_against_its_receipt() {
    let evidence = targets::sample_evidence();
    let checked = evidence.check().expect("it is that of the receipt");
    assert!(checked.witness.is_some());
    let mut other = evidence;
    other.material.service = "other".to_owned();
    assert!(matches!(
        other.check(),
        Err(EvidenceError::Differs("a service"))
    ));
}

#[test]
fn no_bytes_make_the_transcript_decoder_panic() {
    weir_fuzzing::run(corpus("transcript"), ITERATIONS, 4, targets::transcript);
}
