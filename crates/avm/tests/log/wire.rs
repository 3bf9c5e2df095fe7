use weir_avm::log::{Body, CanonEntry, Malformed, Message, MessageLimits, Outcome, StepId, Want};
use weir_identity::Value;
use weir_receipt::ReceiptDomain;

use crate::group::{Group, call_entry, key, observer, sent};

/// A message in which everything occurs.
pub(crate) fn everything() -> Message {
    let mut group = Group::new(3);
    group.tell(0, 1);
    group.say(0);
    group.say(1);
    let log = &mut group.logs[1];
    let same = log.store(Value::from("said 1"));
    let message = log.store(Value::from("it broke"));
    let mut bodies = vec![
        Body::Call(call_entry("same value", Outcome::Value(same))),
        Body::Call(call_entry("failed", Outcome::Failed { code: -7, message })),
        Body::Call(call_entry("unused", Outcome::Unused(Value::Null.cid()))),
        Body::Hops(vec![StepId([1; 32]), StepId([2; 32])]),
        Body::Seen,
        Body::Other {
            kind: Body::ATTESTATION,
            bytes: b"attested".as_slice().into(),
        },
        Body::Canon(CanonEntry {
            step: StepId([3; 32]),
            base: None,
            kept: 0,
            keys: vec![StepId([4; 32]), StepId([1; 32])],
        }),
        Body::Canon(CanonEntry {
            step: StepId([5; 32]),
            base: Some(7),
            kept: 2,
            keys: vec![StepId([3; 32]), StepId([4; 32])],
        }),
    ];
    let mut receipt = call_entry("receipt", Outcome::Value(same));
    let about = crate::receipts::receipt(&receipt, &Value::from("said 1"));
    let signed = about.sign(&ReceiptDomain::local(), &key(1));
    receipt.receipt = Some(signed.encode().into());
    bodies.push(Body::Call(receipt));
    for body in bodies {
        log.append(body).unwrap();
    }
    group.tell(1, 0);
    let mut message = group.everything(0);
    message.wants = vec![
        Want::Start,
        Want::Journal {
            author: key(7).peer_id(),
            from: 3,
        },
        Want::Blob(Value::from("wanted").cid()),
    ];
    message
}

#[test]
fn every_kind_of_entry_arrives_as_it_was_sent() {
    let message = sent(&everything());
    let received = observer().merge(message, key(0).peer_id()).unwrap();
    assert_eq!(
        (received.count, received.refused.len(), received.parked),
        (12, 0, 0)
    );
}

#[test]
fn five_hundred_small_calls_take_less_than_60_kb() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    for i in 0..500u64 {
        let log = &mut group.logs[1];
        let value = log.store(Value::from(format!("result number {i}")));
        let body = Body::Call(call_entry(&i.to_string(), Outcome::Value(value)));
        log.append(body).unwrap();
    }
    let bytes = group.message(1, 0).message.encode().len();
    assert!(bytes < 60_000, "{bytes}");
}

#[test]
fn what_is_over_a_limit_is_refused_without_reading_on() {
    let bytes = everything().encode();
    let default = MessageLimits::default();
    for limits in [
        MessageLimits {
            bytes: bytes.len() - 1,
            ..default
        },
        MessageLimits {
            suffixes: 1,
            ..default
        },
        MessageLimits {
            entries: 11,
            ..default
        },
        MessageLimits {
            steps: 5,
            ..default
        },
        MessageLimits {
            blobs: 2,
            ..default
        },
        MessageLimits {
            wants: 2,
            ..default
        },
    ] {
        let refused = Message::decode(&bytes, &limits).unwrap_err();
        assert!(
            refused.to_string().contains("limit"),
            "{limits:?}: {refused}"
        );
    }
    let exact = MessageLimits {
        bytes: bytes.len(),
        suffixes: 2,
        entries: 12,
        steps: 6,
        blobs: 3,
        ..default
    };
    assert!(Message::decode(&bytes, &exact).is_ok());
}

#[test]
fn a_length_that_is_not_there_is_refused_at_once() {
    let mut bytes = everything().encode();
    bytes.truncate(34);
    // A script of four gigabytes.
    bytes[33] = 0;
    bytes.extend([1, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    let refused = Message::decode(&bytes, &MessageLimits::default());
    assert_eq!(refused, Err(Malformed("truncated")));
}

#[test]
fn every_prefix_of_a_message_is_refused() {
    let bytes = everything().encode();
    for len in 0..bytes.len() {
        assert!(
            Message::decode(&bytes[..len], &MessageLimits::default()).is_err(),
            "{len}"
        );
    }
    let mut long = bytes;
    long.push(0);
    assert!(Message::decode(&long, &MessageLimits::default()).is_err());
}

#[test]
fn every_flipped_bit_is_refused_or_changes_nothing() {
    let message = everything();
    let mut honest = observer();
    honest.merge(message.clone(), key(0).peer_id()).unwrap();
    let honest = crate::group::entries(&honest);
    let bytes = message.encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let Ok(message) = Message::decode(&changed, &MessageLimits::default()) else {
            continue;
        };
        let mut log = observer();
        if log.merge(message, key(0).peer_id()).is_err() {
            continue;
        }
        crate::group::check(&log);
        for (author, leaves) in crate::group::entries(&log) {
            assert_eq!(honest[&author][..leaves.len()], leaves[..], "byte {at}");
        }
    }
}
