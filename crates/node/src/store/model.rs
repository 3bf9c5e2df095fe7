//! Random changes of a store beside the same changes of maps in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use redb::backends::FileBackend;
use weir_disk::{JournalFiles, Journals};
use weir_identity::{Hash, keccak256};
use weir_marine::states::{Backing, StateWrite};
use weir_peer::{Batch, Write};

use super::{Birth, Durability, Medium, StateTable, Store, StoreError};
use crate::evidence::EvidenceWrite;

const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};

/// Small, so that much goes into the database while more is committed.
fn open(path: &Path) -> Result<Store, StoreError> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).expect("the folder exists");
    let medium = Medium {
        backend: || FileBackend::new(file),
        journals: Arc::new(JournalFiles::of(path)),
        buffer_bytes: 3_000,
    };
    Store::on(path, medium, Durability::Process, BIRTH)
}

/// Numbers that are the same for the same seed.
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    fn throw(&mut self, end: u64) -> u64 {
        self.thrown += 1;
        let hash = keccak256(&[&self.seed.to_be_bytes(), &self.thrown.to_be_bytes()]);
        u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("it has 32 bytes")) % end
    }

    /// One of few keys, some of which begin like others.
    fn key(&mut self) -> Vec<u8> {
        let length = 1 + self.throw(3);
        (0..length)
            .map(|_| [0, 1, 0xff][self.throw(3) as usize])
            .collect()
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the store should hold.
#[derive(Default, Clone)]
struct Model {
    records: Map,
    states: Map,
    evidence: BTreeMap<Hash, Vec<u8>>,
}

#[derive(Default)]
struct Changes {
    batch: Batch,
    states: Vec<StateWrite>,
    kept: Vec<EvidenceWrite>,
}

impl Model {
    fn change(&mut self, dice: &mut Dice, number: u64) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..=dice.throw(6) {
            let key = dice.key();
            let value = number.to_be_bytes().repeat(1 + dice.throw(20) as usize);
            match dice.throw(8) {
                0 | 1 => {
                    self.records.insert(key.clone(), value.clone());
                    changes.batch.writes.push(Write::Put { key, value });
                }
                2 => {
                    self.records.remove(&key);
                    changes.batch.writes.push(Write::Delete { key });
                }
                3 => {
                    self.records.retain(|other, _| !other.starts_with(&key));
                    changes
                        .batch
                        .writes
                        .push(Write::DeletePrefix { prefix: key });
                }
                4 => {
                    self.states.insert(key.clone(), value.clone());
                    let (key, value) = (key.into(), value.into());
                    changes.states.push(StateWrite::Put { key, value });
                }
                5 => {
                    let than = number.saturating_sub(dice.throw(30));
                    let is_older = |value: &Vec<u8>| StateWrite::is_older(value, than);
                    if self.states.get(&key).is_some_and(is_older) {
                        self.states.remove(&key);
                    }
                    let key = key.into();
                    changes.states.push(StateWrite::DeleteOlder { key, than });
                }
                6 => {
                    self.states.remove(&key);
                    changes.states.push(StateWrite::Delete { key: key.into() });
                }
                _ => {
                    let request = keccak256(&[&key]);
                    if dice.throw(3) == 0 {
                        self.evidence.remove(&request);
                        changes.kept.push(EvidenceWrite::Delete { request });
                    } else {
                        self.evidence.insert(request, value.clone());
                        let value = value.into();
                        changes.kept.push(EvidenceWrite::Put { request, value });
                    }
                }
            }
        }
        changes
    }

    fn compare(&self, store: &Arc<Store>, dice: &mut Dice) {
        let key = dice.key();
        let with = |map: &Map, from: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
            let found = map.iter().filter(|(other, _)| other.starts_with(&key));
            let found = found.filter(|(other, _)| other[..] >= *from);
            found
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let records = store.scan(&key).expect("it can be read");
        assert_eq!(records, with(&self.records, b""));
        let most = dice.throw(4) as usize;
        let page = store.page(&key, None, most).expect("it can be read");
        assert!(page.len() == most.min(records.len()) && records.starts_with(&page));

        let table = StateTable::of(store);
        let from = dice.key();
        let found = table.scan(&key, &from, 1_000).expect("it can be read");
        let found: Vec<_> = found
            .iter()
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect();
        assert_eq!(found, with(&self.states, &from));
        let one = table.get(&key).expect("it can be read");
        assert_eq!(
            one,
            self.states
                .get(&key)
                .map(|value| Bytes::copy_from_slice(value))
        );

        let request = keccak256(&[&key]);
        let kept = store.evidence(&request).expect("it can be read");
        assert_eq!(
            kept,
            self.evidence
                .get(&request)
                .map(|value| Bytes::copy_from_slice(value))
        );
    }
}

/// The file and its journals as they are at this moment, as a process leaves them that is killed.
fn copy(path: &Path, to: &Path) {
    let (from, journals) = (JournalFiles::of(path), JournalFiles::of(to));
    // First what is removed after the file has everything of it.
    for first in from.list().expect("it can be read") {
        fs::copy(from.path(first), journals.path(first)).expect("there is room");
    }
    fs::copy(path, to).expect("there is room");
}

#[test]
fn a_store_holds_what_maps_in_memory_hold_also_after_it_was_closed_or_left() {
    for seed in 0..20 {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut dice = Dice { seed, thrown: 0 };
        let mut path = folder.path().join("store");
        let mut store = Arc::new(open(&path).expect("it is new"));
        let mut model = Model::default();
        for number in 1..400 {
            let changes = model.change(&mut dice, number);
            store
                .commit_all(&changes.batch, &changes.states, &changes.kept)
                .expect("there is room");
            model.compare(&store, &mut dice);
            match dice.throw(60) {
                0 => {
                    drop(store);
                    let left = JournalFiles::of(&path).list().expect("it can be read");
                    assert!(left.is_empty(), "closing it removes the journal");
                    store = Arc::new(open(&path).expect("it is sound"));
                }
                1 => {
                    // While nothing is on its way into the database: a copy is not made at one moment.
                    store.rest();
                    let other = folder.path().join(format!("store-{number}"));
                    copy(&path, &other);
                    drop(store);
                    path = other;
                    store = Arc::new(open(&path).expect("it is sound"));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_journal_of_another_store_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let put = |value: &[u8]| Batch {
        writes: vec![Write::Put {
            key: b"key".to_vec(),
            value: value.to_vec(),
        }],
    };
    let store = open(&path).expect("it is new");
    store.commit(&put(b"of the one")).expect("there is room");
    let other = folder.path().join("other");
    copy(&path, &other);
    drop(store);
    // As the message of a damaged store proposes.
    fs::remove_file(&other).expect("it is there");
    let journals = JournalFiles::of(&other);
    let first = journals.list().expect("it can be read")[0];
    for _ in 0..2 {
        let error = open(&other).expect_err("something would be lost");
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        let journal = journals.path(first).display().to_string();
        assert!(error.to_string().starts_with(&journal), "{error}");
    }
    journals.remove(first).expect("it is there");
    let store = open(&other).expect("it is sound");
    assert!(store.scan(b"").expect("it can be read").is_empty());
}

#[test]
fn a_journal_that_was_damaged_or_lost_is_an_error_and_stays() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let put = |number: u8| Batch {
        writes: vec![Write::Put {
            key: vec![number],
            value: vec![number; 100],
        }],
    };
    let store = open(&path).expect("it is new");
    for number in 0..5 {
        store.commit(&put(number)).expect("there is room");
    }
    let left = folder.path().join("left");
    copy(&path, &left);
    drop(store);
    let journals = JournalFiles::of(&left);
    let first = journals.list().expect("it can be read")[0];
    let sound = journals.read(first).expect("it can be read");

    let refused = |name: u64, bytes: &[u8]| {
        for other in journals.list().expect("it can be read") {
            journals.remove(other).expect("it can be removed");
        }
        fs::write(journals.path(name), bytes).expect("there is room");
        let error = open(&left).expect_err("a commit is missing");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert_eq!(fs::read(journals.path(name)).expect("it stays"), bytes);
        let error = error.to_string();
        assert!(error.contains(".journal-"), "{error}");
        error
    };
    let mut turned = sound.clone();
    turned[60] ^= 1;
    let error = refused(first, &turned);
    assert!(error.contains("it cannot be read in its middle"), "{error}");
    let mut turned = sound.clone();
    turned[3] ^= 1;
    let error = refused(first, &turned);
    assert!(error.contains("from its beginning on"), "{error}");

    // The end of the last one is cut off: it was never acknowledged.
    for other in journals.list().expect("it can be read") {
        journals.remove(other).expect("it can be removed");
    }
    fs::write(journals.path(first), &sound[..sound.len() - 1]).expect("there is room");
    let store = open(&left).expect("it is sound");
    assert_eq!(store.scan(b"").expect("it can be read").len(), 4);
}

#[test]
fn a_journal_that_the_database_has_already_is_removed() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let put = |number: u8| Batch {
        writes: vec![Write::Put {
            key: vec![0],
            value: vec![number],
        }],
    };
    let store = open(&path).expect("it is new");
    for number in 0..5 {
        store.commit(&put(number)).expect("there is room");
    }
    let journals = JournalFiles::of(&path);
    let first = journals.list().expect("it can be read")[0];
    let journal = journals.read(first).expect("it can be read");
    drop(store);
    // As if the process had ended before the journal was removed.
    fs::write(journals.path(first), journal).expect("there is room");
    let store = open(&path).expect("it is sound");
    assert_eq!(
        store.scan(b"").expect("it can be read"),
        [(vec![0], vec![4])]
    );
    assert!(journals.list().expect("it can be read").is_empty());
    // Records go on with the numbers after it.
    store.commit(&put(5)).expect("there is room");
    drop(store);
    let store = open(&path).expect("it is sound");
    assert_eq!(
        store.scan(b"").expect("it can be read"),
        [(vec![0], vec![5])]
    );
}

#[test]
fn journals_stay_small_also_if_one_key_is_written_again_and_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let store = open(&path).expect("it is new");
    let journals = JournalFiles::of(&path);
    for number in 0..2_000_u32 {
        let write = Write::Put {
            key: vec![1],
            value: number.to_be_bytes().to_vec(),
        };
        let batch = Batch {
            writes: vec![write],
        };
        store.commit(&batch).expect("there is room");
        let names = journals.list().expect("it can be read");
        // One may go while it is looked at.
        let bytes = |first: &u64| fs::metadata(journals.path(*first)).map_or(0, |file| file.len());
        let all: u64 = names.iter().map(bytes).sum();
        assert!(all < 2 * 4 * 3_000 + 200, "{all} bytes after {number}");
    }
}
