//! A receipt is held against the journal entry that it stands in.

use weir_identity::{Hash, Keypair, PeerId, Value, keccak256};
use weir_receipt::{
    Entry, EntryError, Outcome, Receipt, ReceiptDomain, SignedReceipt, content_hash, function_id,
    local_request_id, local_worker_id, state,
};

const STEP: [u8; 32] = [9; 32];

fn key(seed: u8) -> Keypair {
    Keypair::from_secret(&[seed; 32]).expect("a small number is a secret key")
}

fn receipt(particle: &Hash, result: &Value) -> Receipt {
    Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&key(1).address()),
        service_id: keccak256(&[b"greeter"]),
        seq: 0,
        service_seq: 0,
        module_set_hash: Hash::ZERO,
        function_id: function_id("hello"),
        args_hash: Hash::ZERO,
        pre_state_root: state::Root::EMPTY.hash(),
        post_state_root: state::Root::EMPTY.hash(),
        result_hash: content_hash(&result.to_dag_cbor()),
        host_log_hash: Hash::ZERO,
        fuel: 5,
        outcome: Outcome::Ok,
        request_id: local_request_id(particle, &STEP),
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    }
}

fn signed(receipt: Receipt) -> Vec<u8> {
    receipt.sign(&ReceiptDomain::local(), &key(1)).encode()
}

#[test]
fn a_receipt_holds_for_its_own_entry_and_for_no_other() {
    let particle = keccak256(&[b"particle"]);
    let other = keccak256(&[b"another"]);
    let author = key(1).peer_id();
    let stranger: PeerId = key(2).peer_id();
    let (result, wrong) = (Value::from("Hello"), Value::from("Bye"));
    let bytes = signed(receipt(&particle, &result));
    let entry = Entry {
        author: &author,
        particle: &particle,
        step: &STEP,
        function: "hello",
        succeeded: true,
        result: Some(&result),
    };
    let held = SignedReceipt::of_entry(&bytes, &entry).expect("it is its own");
    assert_eq!(held.receipt.fuel, 5);
    let unkept = Entry {
        result: None,
        ..entry
    };
    assert!(SignedReceipt::of_entry(&bytes, &unkept).is_ok());

    let refused =
        |entry: Entry<'_>| SignedReceipt::of_entry(&bytes, &entry).expect_err("another entry");
    let differs = EntryError::Differs;
    assert_eq!(
        refused(Entry {
            author: &stranger,
            ..entry
        }),
        EntryError::Signature
    );
    assert_eq!(
        refused(Entry {
            particle: &other,
            ..entry
        }),
        differs("request")
    );
    assert_eq!(
        refused(Entry {
            step: &[8; 32],
            ..entry
        }),
        differs("request")
    );
    assert_eq!(
        refused(Entry {
            function: "bye",
            ..entry
        }),
        differs("function")
    );
    assert_eq!(
        refused(Entry {
            succeeded: false,
            ..entry
        }),
        differs("outcome")
    );
    assert_eq!(
        refused(Entry {
            result: Some(&wrong),
            ..entry
        }),
        differs("result")
    );
    let foreign = Receipt {
        worker_id: Hash::ZERO,
        ..receipt(&particle, &result)
    };
    assert_eq!(
        SignedReceipt::of_entry(&signed(foreign), &entry),
        Err(differs("worker"))
    );
    assert!(matches!(
        SignedReceipt::of_entry(&bytes[1..], &entry),
        Err(EntryError::Malformed(_))
    ));
}
