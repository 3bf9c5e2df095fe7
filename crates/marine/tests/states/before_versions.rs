//! A store from before there were versions of nodes.

use bytes::Bytes;

use crate::{Disk, Memory, Model, commit_of, put, read, records, states, tidy_all};

/// What is in `layout-2.txt`, written when nodes were found by their hash alone: commits at 1, 2, 3 and so on,
/// some of which bring nodes back that an earlier one had dropped.
fn commits() -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    let all = (0..32).map(|n| (vec![b'k', n / 16, n % 16], vec![n; 40]));
    let one = |n: u8, value: u8, len| vec![(vec![b'k', n / 16, n % 16], vec![value; len])];
    vec![
        all.collect(),
        one(3, 90, 40),
        one(20, 91, 300),
        one(3, 3, 40),
        one(20, 92, 20),
        one(20, 91, 300),
        one(7, 93, 200),
    ]
}

#[test]
fn a_store_from_before_there_were_versions_is_read_changed_and_forgotten() {
    let hex = |text: &str| Bytes::from(data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap());
    let stored = include_str!("layout-2.txt").lines();
    let stored = stored.map(|line| line.split_once(' ').unwrap());
    let memory = Memory::of(stored.map(|(k, v)| (hex(k), hex(v))).collect());
    let first = states(&memory, 1_000);
    let fresh = Memory::of(Disk::new());
    let again = states(&fresh, 1_000);
    let mut model = Model::new();
    let mut shown = Vec::new();
    for (changes, now) in commits().iter().zip(1..) {
        let writes = commit_of(&again, changes, now);
        put(&again, &fresh, writes);
        model.extend(changes.iter().cloned());
        let root = again.view("shop").unwrap().root();
        let old = first.at("shop", &root.hash()).unwrap();
        assert_eq!(read(&old.expect("it is kept")), model);
        shown.push((root, model.clone()));
    }
    assert_eq!(first.verify("shop").unwrap(), shown.last().unwrap().0);

    // What came back while nodes could be made again under their hash is not forgotten with what was before.
    let aside = Memory::of(memory.disk());
    let last = states(&aside, 0);
    tidy_all(&last, &aside, 10_000);
    assert_eq!(records(&aside.disk(), b"lr"), 0);
    last.verify("shop").unwrap();
    assert_eq!(read(&last.view("shop").unwrap()), model);

    // Old nodes below new ones, and old ones that come back.
    for (changes, now) in commits().iter().zip(8..).skip(1) {
        let writes = commit_of(&first, changes, now);
        put(&first, &memory, writes);
        model.extend(changes.iter().cloned());
        let root = first.verify("shop").unwrap();
        assert_eq!(read(&first.view("shop").unwrap()), model);
        for (root, model) in &shown {
            let old = first.at("shop", &root.hash()).unwrap();
            assert_eq!(&read(&old.expect("it is kept")), model);
        }
        shown.push((root, model.clone()));
    }
    tidy_all(&first, &memory, 10_000);
    assert_eq!(first.removed(), 0, "what was removed then is deleted now");
    first.verify("shop").unwrap();
    let fresh = Memory::of(Disk::new());
    let again = states(&fresh, 0);
    let all: Vec<_> = model.into_iter().collect();
    put(&again, &fresh, commit_of(&again, &all, 0));
    tidy_all(&again, &fresh, 1);
    let (found, expected) = (memory.disk(), fresh.disk());
    assert_eq!(records(&found, b"nvlr"), records(&expected, b"nvlr"));
    assert_eq!(found.len(), expected.len());

    put(&first, &memory, first.remove("shop").unwrap());
    tidy_all(&first, &memory, 10_000);
    assert_eq!(memory.disk(), Disk::new());
}
