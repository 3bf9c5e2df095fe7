//! The targets: plain functions over bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_avm::log::{
    AuthorIdx, Entry, Equivocation, Log, LogIndex, Message, MessageLimits, Record, Start,
    StartLimits,
};
use weir_avm::{Export, audit};
use weir_identity::{Cid, Keypair};

/// What decodes encodes to the same bytes, and what is merged leaves a sound log.
pub fn message(bytes: &[u8]) {
    let Ok(message) = Message::decode(bytes, &MessageLimits::default()) else {
        return;
    };
    assert_eq!(message.encode(), bytes);
    let mut log =
        Log::observer(particle(), SCRIPT.into()).expect("the script is the one that start names");
    let _ = log.merge(message, key(0).peer_id());
    check(&log);
}

/// What decodes encodes to the same bytes.
pub fn entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
}

/// What decodes encodes to the same bytes.
pub fn start(bytes: &[u8]) {
    if let Ok(start) = Start::from_bytes(bytes) {
        assert_eq!(start.to_bytes(), bytes);
    }
}

/// What decodes encodes to the same bytes; verifying does not panic.
pub fn equivocation(bytes: &[u8]) {
    if let Ok(proof) = Equivocation::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        let _ = proof.verify();
    }
}

/// Records, each behind its length in two bytes.
pub fn records(bytes: &[u8]) {
    let mut rest = bytes;
    let mut records = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (record, tail) = tail.split_at(tail.len().min(u16::from_be_bytes(*length).into()));
        records.push(Record::from_bytes(Bytes::copy_from_slice(record)));
        rest = tail;
    }
    if let Ok(log) = Log::restore(particle(), SCRIPT.into(), key(1).peer_id(), records) {
        check(&log);
    }
}

/// What parses prints again as it was; auditing does not panic.
pub fn export(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(export) = Export::parse(text) {
        assert_eq!(export.to_json(), text);
        let _ = audit(&export);
    }
}

pub const SCRIPT: &str = "(null)";

/// The key of peer `number`, always the same.
pub fn key(number: u8) -> Keypair {
    Keypair::from_secret(&[number + 1; 32]).expect("a small number is a secret key")
}

/// The particle whose initiator is peer 0.
pub fn particle() -> Arc<Start> {
    Arc::new(Start {
        network: "test".into(),
        nonce: [7; 16],
        script: Cid::of_raw(SCRIPT.as_bytes()),
        timestamp_ms: 1_700_000_000_000,
        ttl_ms: 60_000,
        // Vectors and corpora hold these bytes, whatever the defaults become.
        limits: StartLimits {
            elements: 1_000_000,
            activations: 50_000_000,
            depth: 1_000_000,
            value_bytes: 64 << 20,
        },
        rules: 1,
        initiator: key(0).peer_id(),
        reach: None,
        authorisation: None,
    })
}

/// Checks what must hold of every log: the order is causal, each value is here.
pub fn check(log: &Log) {
    let mut lengths: BTreeMap<AuthorIdx, u32> = BTreeMap::new();
    for (at, entry) in log.entries_from(LogIndex(0)) {
        for (author, length) in log.learnt(at) {
            assert!(
                lengths.get(&author).is_some_and(|known| *known >= length),
                "{at:?} too early"
            );
        }
        let known = lengths.entry(entry.author).or_default();
        assert_eq!(*known, entry.index);
        *known += 1;
        assert_eq!(log.position(entry.author, entry.index), Some(at));
        assert_eq!(
            log.leaf(entry.author, entry.index),
            Some(entry.entry.leaf())
        );
        assert!(entry.entry.blob().is_none_or(|cid| log.blob(cid).is_some()));
    }
}
