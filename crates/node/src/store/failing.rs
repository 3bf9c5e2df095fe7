//! A disk that begins to fail, for tests: what was acknowledged stays.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use weir_disk::{Cut, CutJournals};
use weir_identity::{Keypair, keccak256};
use weir_marine::{States, StatesConfig};
use weir_peer::{Batch, Write};
use weir_receipt::state::{Transaction, Tree};

use super::{Birth, Durability, Medium, StateTable, Store, StoreError};
use crate::{Node, NodeConfig, Request, SubmitFailure};

const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};

/// Nothing fails.
const WORKS: usize = usize::MAX;

/// A store that can be written as often as `left` says, and of whose last write so many sectors are written.
fn open(
    path: &Path,
    left: &Arc<AtomicUsize>,
    sectors: usize,
    durability: Durability,
    birth: Birth,
) -> Result<Store, StoreError> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).expect("the folder exists");
    let medium = Medium {
        backend: || Cut::new(file, left.clone(), sectors),
        journals: Arc::new(CutJournals::new(path, left.clone(), sectors)),
        // So that the database is written as well.
        buffer_bytes: 20_000,
    };
    Store::on(path, medium, durability, birth)
}

fn put(number: u8) -> Batch {
    let write = Write::Put {
        key: vec![number],
        value: vec![number; 1000],
    };
    Batch {
        writes: vec![write],
    }
}

#[test]
fn a_commit_that_cannot_be_written_is_an_error_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let left = Arc::new(AtomicUsize::new(WORKS));
    let store = open(&path, &left, 0, Durability::Power, BIRTH).expect("it is new");
    for number in 0..3 {
        store.commit(&put(number)).expect("the disk works");
    }
    // Also when the disk recovers: nobody knows what became of the first of them.
    for works in [0, 0, WORKS] {
        left.store(works, Ordering::SeqCst);
        let error = store.commit(&put(3)).expect_err("it cannot be written");
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    }
    left.store(0, Ordering::SeqCst);
    drop(store);
    let store = Store::open(&path, Durability::Process, BIRTH).expect("it is sound");
    let keys: Vec<_> = store.scan(&[]).expect("it can be read");
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [[0], [1], [2]]);
}

#[tokio::test]
async fn a_submit_that_waits_for_a_broken_disk_hears_why_the_node_stops() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let config = || {
            let keypair = Keypair::from_secret(&[1; 32]).expect("a small number is a secret key");
            let mut config = NodeConfig::new(folder.path().to_owned(), Arc::new(keypair));
            config.keypair_is_new = true;
            config.durability = durability;
            config
        };
        let left = Arc::new(AtomicUsize::new(WORKS));
        let breaks = left.clone();
        let node = Node::start_on(config(), move |path, durability, birth| {
            // An odd number: what was not synced stays as well, as after the end of a process.
            open(path, &breaks, 1, durability, birth)
        });
        let node = node.await.expect("the disk works");
        let ask = || {
            let script = r#"(call %init_peer_id% ("op" "identity") [1] x)"#;
            let mut ask = Request::new(script, Duration::from_secs(600));
            ask.keep = true;
            ask
        };
        let acknowledged = node.submit(ask()).await.expect("the disk works").particle();
        left.store(0, Ordering::SeqCst);
        let submitted = tokio::time::timeout(Duration::from_secs(30), node.submit(ask())).await;
        let error = submitted
            .expect("it is answered")
            .expect_err("it is not kept");
        let SubmitFailure::Stopped(stopped) = error else {
            panic!("{error}");
        };
        assert!(
            stopped.reason.contains("cannot read or write"),
            "{durability:?}: {stopped}"
        );

        let node = Node::start(config()).await.expect("the store is sound");
        node.export(acknowledged)
            .await
            .expect("what was acknowledged is there");
        node.shutdown().await;
    }
}

/// The same number for the same point, less than `end`.
fn random(point: u64, end: usize) -> usize {
    let hash = keccak256(&[b"cut", &point.to_be_bytes()]);
    let number = hash.as_bytes()[..4].iter().rev();
    number.fold(0, |number, byte| number << 8 | usize::from(*byte)) % end
}

/// Commits a state with its number and others, until nothing can be written; the number of the last one that was
/// acknowledged.
fn fill(store: &Store, states: &States, mut number: u64) -> u64 {
    loop {
        let update = block_on(states.update("shop")).expect("it can be read");
        let state = update.snapshot().state_at();
        let mut transaction = Transaction::new(Tree::new(state.root, state.nodes), state.limits);
        let next = (number + 1).to_be_bytes();
        let mut set = |key: &[u8]| transaction.set(key, next.repeat(20)).expect("it fits");
        set(b"number");
        for other in 0..3 {
            set(&[other, next[7] % 50]);
        }
        let commit = transaction.commit().expect("it can be read");
        let writes = update.commit(commit, number, |writes| writes);
        let writes = writes
            .expect("it can be read")
            .expect("it changes something");
        let batch = Batch {
            writes: vec![Write::Put {
                key: vec![1],
                value: next.to_vec(),
            }],
        };
        if let Err(error) = store.commit_with(&batch, &writes.writes) {
            assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
            drop(writes);
            let error = states.view("shop").expect_err("nobody builds on it");
            assert!(
                error.to_string().contains("could not be written"),
                "{error}"
            );
            return number;
        }
        states.written(writes.ticket);
        number += 1;
    }
}

#[test]
fn no_acknowledged_state_is_lost_when_writing_ends_at_any_of_a_thousand_random_operations() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let config = StatesConfig {
        keep_roots_ms: 3,
        ..StatesConfig::default()
    };
    let (mut acknowledged, mut lives_with_commits) = (0, 0);
    for point in 0..1_000 {
        // Enough to open it; then it ends at another operation each time.
        let left = Arc::new(AtomicUsize::new(WORKS));
        let sectors = random(point << 1 | 1, 9);
        // Now and then the first who opens it does not get to its end.
        let few = match point % 3 {
            0 => random(point << 2, 30),
            _ => WORKS,
        };
        let mut opened = [few, WORKS].into_iter().map(|operations| {
            left.store(operations, Ordering::SeqCst);
            open(&path, &left, sectors, Durability::Power, BIRTH)
        });
        let store = opened.next().and_then(|first| match first {
            Err(StoreError::Damaged { .. }) | Ok(_) => Some(first),
            Err(_) => opened.next(),
        });
        let store = store.expect("there are two").expect("it is sound");
        left.store(WORKS, Ordering::SeqCst);
        let store = Arc::new(store);
        let states = States::open(StateTable::of(&store), config).expect("it is sound");

        states.verify("shop").expect("it is whole");
        let snapshot = states.view("shop").expect("it can be read");
        let number = Tree::new(snapshot.root(), snapshot.nodes()).get(b"number");
        let number = number.expect("it can be read").map_or(0, |value| {
            u64::from_be_bytes(*value.first_chunk().expect("8 bytes"))
        });
        assert!(
            (acknowledged..=acknowledged + 1).contains(&number),
            "point {point}: {number} is there, {acknowledged} was acknowledged"
        );
        let beside = store.scan(&[1]).expect("it can be read");
        let beside = beside.first().map_or(&[0; 8][..], |(_, value)| value);
        assert_eq!(beside, number.to_be_bytes(), "both are written or none");
        drop(snapshot);

        left.store(random(point << 1, 120), Ordering::SeqCst);
        acknowledged = fill(&store, &states, number);
        lives_with_commits += u32::from(acknowledged > number);
    }
    assert!(lives_with_commits > 500, "{lives_with_commits}");
}
