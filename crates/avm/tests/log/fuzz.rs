//! Every decoder against its corpus and mutations of it. `cargo fuzz` runs the same functions.
//!
//! `WRITE_CORPUS=1 cargo test -p weir-avm --test log corpus` writes the corpus anew.

use std::path::PathBuf;

use weir_avm::log::{Log, Record};

use crate::group::{Group, key, new_log, start};
use crate::targets;

const MUTATIONS: u32 = 10_000;

fn corpus(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).join(name)
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
pub(crate) fn contradiction() -> (Log, Vec<Record>) {
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
    seeds.extend(crate::export::seeds());
    let names = [
        "value",
        "failed",
        "unused",
        "hops",
        "seen",
        "other",
        "canon",
        "canon-on-base",
        "receipt",
    ];
    let entries = message
        .suffixes
        .iter()
        .find(|suffix| suffix.entries.len() > 2)
        .unwrap();
    for (name, entry) in names.into_iter().zip(entries.entries.iter().skip(1)) {
        seeds.push(("entry", name, entry.to_bytes()));
    }
    seeds
}

#[test]
fn the_corpus_is_what_the_encoders_write() {
    let seeds = seeds().into_iter();
    weir_fuzzing::check_corpus(
        seeds.map(|(target, name, bytes)| (corpus(target).join(name), bytes)),
    );
}

#[test]
fn no_bytes_make_the_message_decoder_or_merging_panic() {
    weir_fuzzing::run(corpus("message"), MUTATIONS, 1, targets::message);
}

#[test]
fn no_bytes_make_the_entry_decoder_panic() {
    weir_fuzzing::run(corpus("entry"), MUTATIONS, 2, targets::entry);
}

#[test]
fn no_bytes_make_the_start_decoder_panic() {
    weir_fuzzing::run(corpus("start"), MUTATIONS, 3, targets::start);
}

#[test]
fn no_bytes_make_the_equivocation_decoder_panic() {
    weir_fuzzing::run(corpus("equivocation"), MUTATIONS, 4, targets::equivocation);
}

#[test]
fn no_records_make_restoring_panic() {
    weir_fuzzing::run(corpus("records"), MUTATIONS, 5, targets::records);
}

#[test]
fn no_text_makes_reading_or_auditing_an_export_panic() {
    weir_fuzzing::run(corpus("export"), MUTATIONS, 6, targets::export);
}
