//! Whoever follows an execution holds its receipt against the entry.

use weir_avm::log::{Body, CallEntry, Message, Outcome, Refusal};
use weir_identity::{Hash, Keypair, Value};
use weir_receipt::{
    Outcome as Executed, Receipt, ReceiptDomain, content_hash, function_id, local_request_id,
    local_worker_id,
};

use crate::group::{Group, call_entry, entries, key, sent, start};

/// What peer 1 says of its call that gave `result`.
pub(crate) fn receipt(call: &CallEntry, result: &Value) -> Receipt {
    Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&key(1).address()),
        service_id: Hash::ZERO,
        seq: 0,
        service_seq: 0,
        module_set_hash: Hash::ZERO,
        function_id: function_id(&call.function),
        args_hash: Hash::ZERO,
        pre_state_root: Hash::ZERO,
        post_state_root: Hash::ZERO,
        result_hash: content_hash(&result.to_dag_cbor()),
        host_log_hash: Hash::ZERO,
        fuel: 1,
        outcome: Executed::Ok,
        request_id: local_request_id(&start().id().0, &call.step.0),
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    }
}

/// Peer 1 makes a call, and its receipt with this change by this key; peer 0 gets the message.
fn told(change: impl FnOnce(&mut Receipt), by: &Keypair) -> (Group, Message) {
    let mut group = Group::new(2);
    group.tell(0, 1);
    let result = Value::from("done");
    let value = group.logs[1].store(result.clone());
    let mut call = call_entry("work", Outcome::Value(value));
    let mut receipt = receipt(&call, &result);
    change(&mut receipt);
    let signed = receipt.sign(&ReceiptDomain::local(), by);
    call.receipt = Some(signed.encode().into());
    group.logs[1].append(Body::Call(call)).unwrap();
    let message = group.message(1, 0).message;
    (group, message)
}

#[test]
fn an_entry_with_its_receipt_is_taken() {
    let (mut group, message) = told(|_| {}, &key(1));
    let received = group.deliver(&message, 1, 0);
    assert_eq!((received.count, received.refused.len()), (1, 0));
    assert!(entries(&group.logs[0]).contains_key(&group.id(1)));
}

#[test]
fn a_receipt_that_is_not_that_of_its_entry_is_refused_with_it() {
    let changes: [fn(&mut Receipt); 5] = [
        |it| it.function_id = function_id("other"),
        |it| it.outcome = Executed::Trap,
        |it| it.result_hash = Hash::ZERO,
        |it| it.worker_id = Hash::ZERO,
        |it| it.request_id = Hash::ZERO,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (mut group, message) = told(change, &key(1));
        let received = group.deliver(&message, 1, 0);
        assert_eq!(received.refused[0].why, Refusal::Receipt, "{number}");
        assert_eq!(received.count, 0, "{number}");
    }
    let (mut group, message) = told(|_| {}, &key(0));
    let received = group.deliver(&message, 1, 0);
    assert_eq!(received.refused[0].why, Refusal::Receipt, "signer");
}

#[test]
fn a_result_that_comes_later_is_held_against_the_receipt_then() {
    let (mut group, message) = told(|it| it.result_hash = Hash::ZERO, &key(1));
    let bare = Message {
        blobs: Vec::new(),
        ..message.clone()
    };
    let received = group.deliver(&bare, 1, 0);
    assert_eq!((received.parked, received.refused.len()), (1, 0));
    let blobs = Message {
        suffixes: Vec::new(),
        ..message
    };
    let sender = group.id(1);
    let received = group.logs[0].merge(sent(&blobs), sender).unwrap();
    assert_eq!(received.refused[0].why, Refusal::Receipt);
    assert!(!entries(&group.logs[0]).contains_key(&group.id(1)));
}
