use bytes::Bytes;
use weir_avm::log::{Log, LogIndex, Offence, Record, RestoreError};

use crate::group::{Group, SCRIPT, check, entries, key, start, tell_all};

pub(crate) fn restored(number: u8, records: &[Record]) -> Log {
    let kept = records
        .iter()
        .map(|record| Record::from_bytes(record.as_bytes().clone()));
    Log::restore(start(), SCRIPT.into(), key(number).peer_id(), kept).unwrap()
}

/// Everything about a log that is durable.
pub(crate) fn image(log: &mut Log) -> impl PartialEq + std::fmt::Debug + use<> {
    let order: Vec<_> = log
        .entries_from(LogIndex(0))
        .map(|(at, entry)| (log.author(entry.author), entry.index, log.is_cut(at)))
        .collect();
    let proofs: Vec<_> = log.equivocations().cloned().collect();
    let message = tell_all(log);
    (order, entries(log), proofs, message, log.silent())
}

#[test]
fn a_log_comes_back_from_its_records() {
    let mut group = Group::new(3);
    let mut records = Vec::new();
    for (from, to) in [(0, 1), (0, 2), (2, 1), (1, 0), (1, 2), (2, 1), (0, 1)] {
        group.say(from);
        group.tell(from, to);
        records.extend(group.logs[1].take_records());
    }
    group.say(1);
    group.sign(1);
    records.extend(group.logs[1].take_records());
    let author = group.logs[1].author_idx(&group.id(2)).unwrap();
    assert!(group.logs[1].cut(author, 1, Offence::Canon));
    records.extend(group.logs[1].take_records());
    let mut log = restored(1, &records);
    assert_eq!(image(&mut log), image(&mut group.logs[1]));
    assert_eq!(log.cut_of(author), group.logs[1].cut_of(author));
    check(&log);
    assert!(log.take_records().is_empty());
    // And goes on as the other would.
    let body = crate::group::call(&mut log, "next");
    let at = log.append(body).unwrap();
    let body = crate::group::call(&mut group.logs[1], "next");
    group.logs[1].append(body).unwrap();
    assert_eq!(
        log.entry(at).unwrap().entry.leaf(),
        group.logs[1].entry(at).unwrap().entry.leaf()
    );
}

#[test]
fn an_own_entry_is_recorded_before_the_head_over_it() {
    let mut group = Group::new(1);
    group.say(0);
    group.sign(0);
    let records = group.logs[0].take_records();
    let kinds: Vec<u8> = records.iter().map(|record| record.as_bytes()[0]).collect();
    assert_eq!(kinds, [0, 1, 2], "value, entry, head");
}

#[test]
fn a_prefix_of_the_records_is_a_log() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    for _ in 0..3 {
        group.say(1);
        group.tell(1, 0);
        group.say(0);
        group.tell(0, 1);
    }
    let records = group.logs[1].take_records();
    for len in 0..=records.len() {
        check(&restored(1, &records[..len]));
    }
}

#[test]
fn records_that_do_not_fit_are_refused() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    group.say(1);
    group.tell(1, 0);
    group.say(0);
    group.tell(0, 1);
    let records = group.logs[1].take_records();
    let restore = |records: Vec<Record>| {
        Log::restore(start(), SCRIPT.into(), key(1).peer_id(), records).map(|_| ())
    };
    let mut skipped = records.clone();
    skipped.remove(2);
    assert!(matches!(restore(skipped), Err(RestoreError::Record { .. })));
    for (number, record) in records.iter().enumerate() {
        let bytes = record.as_bytes();
        let short = Record::from_bytes(bytes.slice(..bytes.len() - 1));
        let mut broken = records[..number].to_vec();
        broken.push(short);
        assert!(
            matches!(restore(broken), Err(RestoreError::Record { number: n, .. }) if n == number)
        );
    }
    assert!(restore(vec![Record::from_bytes(Bytes::new())]).is_err());
    assert!(restore(vec![Record::from_bytes(Bytes::from_static(&[9]))]).is_err());
}
