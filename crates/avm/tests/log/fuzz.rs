//! Fuzz targets: plain functions, fed with a committed corpus and mutations of it.
//!
//! `WRITE_CORPUS=1 cargo test -p weir-avm --test log corpus` writes the corpus anew.

use std::path::PathBuf;

use bytes::Bytes;
use weir_avm::log::{Entry, Equivocation, Log, Message, MessageLimits, Record, Start};

use crate::group::{Group, SCRIPT, check, key, new_log, observer, start};

const MUTATIONS: u32 = 10_000;

fn corpus(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).join(name)
}

fn fuzz_message(bytes: &[u8]) {
    let Ok(message) = Message::decode(bytes, &MessageLimits::default()) else { return };
    assert_eq!(message.encode(), bytes);
    let mut log = observer();
    let _ = log.merge(message, key(0).peer_id());
    check(&log);
}

fn fuzz_entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
}

fn fuzz_start(bytes: &[u8]) {
    if let Ok(start) = Start::from_bytes(bytes) {
        assert_eq!(start.to_bytes(), bytes);
    }
}

fn fuzz_equivocation(bytes: &[u8]) {
    if let Ok(proof) = Equivocation::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        let _ = proof.verify();
    }
}

/// Records, each behind its length in two bytes.
fn fuzz_records(bytes: &[u8]) {
    let mut rest = bytes;
    let mut records = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (record, tail) = tail.split_at(tail.len().min(u16::from_be_bytes(*length).into()));
        records.push(Record::from_bytes(Bytes::copy_from_slice(record)));
        rest = tail;
    }
    if let Ok(log) = Log::restore(start(), SCRIPT.into(), key(1).peer_id(), records) {
        check(&log);
    }
}

fn records_file(records: &[Record]) -> Vec<u8> {
    let mut file = Vec::new();
    for record in records {
        file.extend((record.as_bytes().len() as u16).to_be_bytes());
        file.extend(record.as_bytes());
    }
    file
}

/// Peer 1 says two different things about one index.
fn contradiction() -> (Log, Vec<Record>) {
    let mut group = Group::new(2);
    group.tell(0, 1);
    let mut twin = new_log(1);
    let first = group.everything(0);
    twin.merge(first, key(0).peer_id()).unwrap();
    group.say(1);
    group.tell(1, 0);
    let body = crate::group::call(&mut twin, "another");
    twin.append(body).unwrap();
    twin.sign(&key(1)).unwrap();
    let message = crate::group::tell_all(&mut twin);
    group.logs[0].merge(message, key(1).peer_id()).unwrap();
    let records = group.logs[1].take_records();
    (group.logs.swap_remove(0), records)
}

fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let message = crate::wire::everything();
    let (mut witness, records) = contradiction();
    let branches = crate::group::tell_all(&mut witness);
    let proof = witness.equivocations().next().unwrap().to_bytes();
    let mut seeds = vec![
        ("message", "everything", message.encode()),
        ("message", "branches", branches.encode()),
        ("equivocation", "two-entries", proof),
        ("start", "plain", start().to_bytes()),
        ("records", "own", records_file(&records)),
        ("records", "foreign", records_file(&witness.take_records())),
    ];
    let names =
        ["value", "failed", "unused", "hops", "seen", "other", "canon", "canon-on-base", "receipt"];
    let entries = message.suffixes.iter().find(|suffix| suffix.entries.len() > 2).unwrap();
    for (name, entry) in names.into_iter().zip(entries.entries.iter().skip(1)) {
        seeds.push(("entry", name, entry.to_bytes()));
    }
    seeds
}

#[test]
fn the_corpus_is_what_the_encoders_write() {
    for (target, name, bytes) in seeds() {
        let file = corpus(target).join(name);
        if std::env::var_os("WRITE_CORPUS").is_some() {
            std::fs::create_dir_all(corpus(target)).unwrap();
            std::fs::write(&file, &bytes).unwrap();
        }
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{target}/{name}");
    }
}

#[test]
fn no_bytes_make_the_message_decoder_or_merging_panic() {
    weir_fuzzing::run(corpus("message"), MUTATIONS, 1, fuzz_message);
}

#[test]
fn no_bytes_make_the_entry_decoder_panic() {
    weir_fuzzing::run(corpus("entry"), MUTATIONS, 2, fuzz_entry);
}

#[test]
fn no_bytes_make_the_start_decoder_panic() {
    weir_fuzzing::run(corpus("start"), MUTATIONS, 3, fuzz_start);
}

#[test]
fn no_bytes_make_the_equivocation_decoder_panic() {
    weir_fuzzing::run(corpus("equivocation"), MUTATIONS, 4, fuzz_equivocation);
}

#[test]
fn no_records_make_restoring_panic() {
    weir_fuzzing::run(corpus("records"), MUTATIONS, 5, fuzz_records);
}
