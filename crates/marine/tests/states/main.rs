//! The states of services in a store: against a model, over crashes, and without a trace of what is forgotten.

mod before_versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use weir_identity::{Hash, keccak256};
use weir_marine::states::{Backing, BackingError, Record, Snapshot, StateWrite, Writes};
use weir_marine::{States, StatesConfig, StatesError};
use weir_receipt::state::{Commit, KeyRange, Order, Root, Transaction, Tree};

type Disk = BTreeMap<Bytes, Bytes>;
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store in memory that may refuse to be read.
#[derive(Default)]
struct Memory {
    disk: Mutex<Disk>,
    broken: Mutex<bool>,
    reads: Mutex<usize>,
}

impl Memory {
    fn of(disk: Disk) -> Arc<Self> {
        Arc::new(Self {
            disk: Mutex::new(disk),
            broken: Mutex::default(),
            reads: Mutex::default(),
        })
    }

    fn disk(&self) -> Disk {
        self.disk.lock().unwrap().clone()
    }

    fn apply(&self, writes: &[StateWrite]) {
        apply(&mut self.disk.lock().unwrap(), writes);
    }

    fn check(&self) -> Result<(), BackingError> {
        *self.reads.lock().unwrap() += 1;
        if *self.broken.lock().unwrap() {
            return Err(BackingError::new("the disk is broken"));
        }
        Ok(())
    }
}

fn apply(disk: &mut Disk, writes: &[StateWrite]) {
    for write in writes {
        match write {
            StateWrite::Put { key, value } => {
                disk.insert(key.clone(), value.clone());
            }
            StateWrite::Delete { key } => {
                disk.remove(key);
            }
            StateWrite::DeleteOlder { key, than } => {
                if disk
                    .get(key)
                    .is_some_and(|value| StateWrite::is_older(value, *than))
                {
                    disk.remove(key);
                }
            }
        }
    }
}

impl Backing for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        self.check()?;
        Ok(self.disk.lock().unwrap().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Record>, BackingError> {
        self.check()?;
        let disk = self.disk.lock().unwrap();
        let from = Bytes::copy_from_slice(from.max(prefix));
        let found = disk.range(from..);
        let found = found.take_while(|(key, _)| key.starts_with(prefix));
        let found = found.take(limit);
        Ok(found.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn keys(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Bytes>, BackingError> {
        let found = self.scan(prefix, from, limit)?;
        Ok(found.into_iter().map(|(key, _)| key).collect())
    }
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 += 1;
        let hash = keccak256(&[&self.0.to_be_bytes()]);
        let number = u64::from_be_bytes(hash.as_bytes()[..8].try_into().unwrap());
        (number % end as u64) as usize
    }
}

fn change(snapshot: &Snapshot, model: &mut Model, random: &mut Random, changes: usize) -> Commit {
    let tree = Tree::new(snapshot.root(), snapshot.nodes());
    let mut transaction = Transaction::new(tree, snapshot.state_at().limits);
    for _ in 0..changes {
        let key = vec![b'k', random.below(16) as u8, random.below(16) as u8];
        if random.below(3) == 0 {
            transaction.delete(&key).unwrap();
            model.remove(&key);
        } else {
            // Few values, so that states and nodes come back; some are kept apart, and there are nodes below nodes.
            let value = vec![random.below(3) as u8; [0, 90, 120, 300][random.below(4)]];
            transaction.set(&key, value.clone()).unwrap();
            model.insert(key, value);
        }
    }
    transaction.commit().unwrap()
}

fn read(snapshot: &Snapshot) -> Model {
    let tree = Tree::new(snapshot.root(), snapshot.nodes());
    let entries = tree.range(&KeyRange::all(), Order::Ascending);
    entries
        .map(|entry| entry.unwrap())
        .map(|(key, value)| (key, value.to_vec()))
        .collect()
}

fn commit(
    states: &States,
    service: &str,
    model: &mut Model,
    random: &mut Random,
    now: u64,
) -> Option<Writes> {
    let changes = 1 + random.below(12);
    let update = block_on(states.update(service)).unwrap();
    let made = change(update.snapshot(), model, random, changes);
    update.commit(made, now, |writes| writes).unwrap()
}

/// Commits these changes of the shop, and says what that writes.
fn commit_of(states: &States, changes: &[(Vec<u8>, Vec<u8>)], now: u64) -> Option<Writes> {
    let update = block_on(states.update("shop")).unwrap();
    let tree = Tree::new(update.snapshot().root(), update.snapshot().nodes());
    let mut transaction = Transaction::new(tree, StatesConfig::default().limits);
    for (key, value) in changes {
        transaction.set(key, value.clone()).unwrap();
    }
    let made = transaction.commit().unwrap();
    update.commit(made, now, |writes| writes).unwrap()
}

fn put(states: &States, memory: &Memory, writes: Option<Writes>) {
    if let Some(Writes { writes, ticket }) = writes {
        memory.apply(&writes);
        states.written(ticket);
    }
}

/// Forgets everything that may be forgotten at this time.
fn tidy_all(states: &States, memory: &Memory, now: u64) {
    while states.tidy_at().is_some_and(|at| at <= now) {
        for writes in states.tidy(now) {
            put(states, memory, Some(writes));
        }
    }
}

fn config(keep_roots_ms: u64) -> StatesConfig {
    StatesConfig {
        keep_roots_ms,
        // Small, so that much is read from the store and services are forgotten.
        cache_bytes: 16 << 10,
        services: 1,
        ..StatesConfig::default()
    }
}

fn states(memory: &Arc<Memory>, keep_roots_ms: u64) -> States {
    States::open(memory.clone(), config(keep_roots_ms)).unwrap()
}

const SERVICES: [&str; 3] = ["counter", "shop", "k"];

/// What stands behind the id of a state, and behind the version if there is one: the kind and what it is known by.
fn what(key: &Bytes) -> Option<&[u8]> {
    match (key.first(), key.get(17)) {
        (Some(b'S'), Some(b'c')) => key.get(26..),
        (Some(b'S'), _) => key.get(17..),
        _ => None,
    }
}

/// What the store has of these kinds.
fn records(disk: &Disk, kinds: &[u8]) -> usize {
    let found = disk.keys().filter_map(what);
    found.filter(|what| kinds.contains(&what[0])).count()
}

#[test]
fn every_root_that_is_kept_or_held_reads_as_the_model_says() {
    for seed in 0..12 {
        let mut random = Random(seed << 32);
        let memory = Memory::of(Disk::new());
        let states = states(&memory, 20);
        let mut models: [Model; 3] = Default::default();
        // When each root was replaced, and what it showed.
        let mut old: [Vec<(Hash, Option<u64>, Model)>; 3] = Default::default();
        let mut held: Vec<(Snapshot, Model)> = Vec::new();
        let mut on_the_way = Vec::new();
        for now in 0..300 {
            let which = random.below(3);
            let (service, model) = (SERVICES[which], &mut models[which]);
            let before = states.view(service).unwrap();
            assert_eq!(&read(&before), &*model, "seed {seed}, {now}");
            let snapshot = (before.clone(), model.clone());
            on_the_way.push(commit(&states, service, model, &mut random, now));
            if before.root() != states.view(service).unwrap().root() {
                old[which].push((before.root().hash(), Some(now), snapshot.1.clone()));
            }
            drop(before);
            if random.below(4) == 0 {
                held.push(snapshot);
            }
            if random.below(6) == 0 && !held.is_empty() {
                let (snapshot, model) = held.swap_remove(random.below(held.len()));
                assert_eq!(read(&snapshot), model, "seed {seed}, {now}");
            }
            if random.below(3) == 0 {
                for writes in on_the_way.drain(..) {
                    put(&states, &memory, writes);
                }
            }
            let Some((root, replaced, model)) =
                (!old[which].is_empty()).then(|| &old[which][random.below(old[which].len())])
            else {
                continue;
            };
            let found = states.at(service, root).unwrap();
            if replaced.is_none_or(|replaced| now < replaced + 20) {
                assert!(found.is_some(), "seed {seed}, {now}: it is kept");
            }
            if let Some(found) = found {
                assert_eq!(&read(&found), model, "seed {seed}, {now}");
            }
        }
        for (snapshot, model) in held {
            assert_eq!(read(&snapshot), model, "seed {seed}");
        }
    }
}

#[test]
fn after_a_crash_the_last_persisted_commit_and_all_kept_roots_are_there() {
    for seed in 0..4 {
        let mut random = Random(seed << 32 | 1 << 20);
        let memory = Memory::of(Disk::new());
        let first = states(&memory, 15);
        let mut model = Model::new();
        let mut shown = vec![(Root::EMPTY, Model::new(), 0)];
        for now in 0..120 {
            let writes = commit(&first, "shop", &mut model, &mut random, now);
            let changed = writes.is_some();
            put(&first, &memory, writes);
            if changed {
                let root = first.view("shop").unwrap().root();
                shown.push((root, model.clone(), now));
            }
            // As if the process had ended here.
            let again = states(&Memory::of(memory.disk()), 15);
            let last = again.view("shop").unwrap();
            assert_eq!(last.root(), shown.last().unwrap().0);
            assert_eq!(again.verify("shop").unwrap(), last.root());
            assert_eq!(read(&last), model);
            for pair in shown.windows(2) {
                let ((root, model, _), (_, _, replaced)) = (&pair[0], &pair[1]);
                let found = again.at("shop", &root.hash()).unwrap();
                assert!(found.is_some() || now >= replaced + 15, "it is kept");
                if let Some(found) = found {
                    assert_eq!(&read(&found), model);
                }
            }
        }
    }
}

#[test]
fn nothing_is_left_of_what_is_forgotten() {
    for seed in 0..8 {
        let mut random = Random(seed << 32 | 2 << 20);
        let memory = Memory::of(Disk::new());
        let mut model = Model::new();
        let mut states = states(&memory, 10);
        for now in 0..150 {
            let writes = commit(&states, "shop", &mut model, &mut random, now);
            put(&states, &memory, writes);
            if random.below(40) == 0 {
                states = States::open(memory.clone(), config(10)).unwrap();
            }
        }
        tidy_all(&states, &memory, 1_000);
        // The same map made at once has the same nodes.
        let fresh = Memory::of(Disk::new());
        let other = States::open(fresh.clone(), config(10)).unwrap();
        let update = block_on(other.update("shop")).unwrap();
        let root = update.snapshot().root();
        let tree = Tree::new(root, update.snapshot().nodes());
        let mut transaction = Transaction::new(tree, StatesConfig::default().limits);
        for (key, value) in &model {
            transaction.set(key, value.clone()).unwrap();
        }
        let made = transaction.commit().unwrap();
        put(
            &other,
            &fresh,
            update.commit(made, 0, |writes| writes).unwrap(),
        );
        let (found, expected) = (memory.disk(), fresh.disk());
        assert_eq!(
            states.verify("shop").unwrap(),
            other.verify("shop").unwrap()
        );
        let made = |disk: &Disk| -> BTreeSet<Vec<u8>> {
            let found = disk.keys().filter_map(what);
            let found = found.filter(|what| b"nv".contains(&what[0]));
            found.map(<[u8]>::to_vec).collect()
        };
        assert_eq!(made(&found), made(&expected), "seed {seed}");
        assert_eq!(records(&found, b"nv"), made(&found).len(), "seed {seed}");
        assert!(records(&found, b"n") > 10, "nodes below nodes");
        assert_eq!(records(&found, b"lr"), 0, "seed {seed}");

        // And nothing at all of what is removed, not even after a restart in the middle.
        put(&states, &memory, states.remove("shop").unwrap());
        assert_eq!(states.view("shop").unwrap().root(), Root::EMPTY);
        for writes in states.tidy(1_000) {
            put(&states, &memory, Some(writes));
        }
        let states = States::open(memory.clone(), config(10)).unwrap();
        assert_eq!(states.view("shop").unwrap().root(), Root::EMPTY);
        tidy_all(&states, &memory, 1_000);
        assert_eq!(memory.disk(), Disk::new(), "seed {seed}");
        assert_eq!(states.removed(), 0);
    }
}

#[test]
fn old_roots_go_before_their_time_when_much_was_written_after_them() {
    let bound = 200_000;
    let memory = Memory::of(Disk::new());
    let config = StatesConfig {
        keep_roots_bytes: bound,
        ..config(1_000_000)
    };
    let states = States::open(memory.clone(), config).unwrap();
    let mut roots = Vec::new();
    let mut largest = 0;
    for now in 0..300_u64 {
        // The same 20 keys again and again.
        let key = vec![(now % 20) as u8];
        let writes = commit_of(&states, &[(key, vec![now as u8; 5_000])], now);
        put(&states, &memory, writes);
        roots.push(states.view("shop").unwrap().root());
        let disk = memory.disk();
        let bytes: usize = disk
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        largest = largest.max(bytes);
    }
    let state = 20 * 5_100;
    let expected = state + bound as usize;
    assert!(
        (expected / 2..expected * 5 / 4).contains(&largest),
        "{largest} bytes"
    );
    let kept = |root: &Root| states.at("shop", &root.hash()).unwrap().is_some();
    let kept: Vec<bool> = roots.iter().map(kept).collect();
    let first = kept.iter().position(|kept| *kept).expect("some are kept");
    assert!(kept[first..].iter().all(|kept| *kept));
    assert!((30..45).contains(&(300 - first)), "{first}");
    // The held ones stay.
    let held = states.at("shop", &roots[first].hash()).unwrap().unwrap();
    for now in 300..400 {
        let writes = commit_of(&states, &[(vec![0], vec![now as u8; 5_000])], now);
        put(&states, &memory, writes);
    }
    assert_eq!(read(&held).len(), 20);
}

#[test]
fn what_is_old_goes_at_its_time_also_if_nothing_more_is_committed() {
    let mut random = Random(13);
    let memory = Memory::of(Disk::new());
    let mut states = states(&memory, 10);
    assert_eq!(
        states.tidy_at(),
        Some(0),
        "what the store holds is not known"
    );
    assert!(states.tidy(0).is_empty());
    assert_eq!(states.tidy_at(), None);

    let mut models: [Model; 3] = Default::default();
    for now in 100..160 {
        let which = random.below(3);
        let writes = commit(
            &states,
            SERVICES[which],
            &mut models[which],
            &mut random,
            now,
        );
        put(&states, &memory, writes);
    }
    assert!(records(&memory.disk(), b"l") > 3);
    let before = memory.disk();
    let at = states.tidy_at().expect("roots are old");
    assert!(states.tidy(at - 1).is_empty(), "it is not their time");
    assert_eq!(memory.disk(), before);

    // Only at the times that are named, once in this process and once more in the next.
    let mut now = 160;
    for process in 0..2 {
        let held = states.view("shop").unwrap();
        let showed = read(&held);
        let writes = commit(&states, "shop", &mut models[1], &mut random, now);
        put(&states, &memory, writes);
        let mut times = 0;
        while let Some(at) = states.tidy_at()
            && times < 100
        {
            now = now.max(at);
            for writes in states.tidy(now) {
                put(&states, &memory, Some(writes));
            }
            times += 1;
        }
        assert_eq!(times, 100, "it waits for what is held");
        assert!(now < 200_000, "and rests meanwhile");
        assert_eq!(records(&memory.disk(), b"l"), 1);
        assert_eq!(read(&held), showed);
        drop(held);
        if process == 0 {
            states = States::open(memory.clone(), config(10)).unwrap();
        }
    }
    while let Some(at) = states.tidy_at() {
        now = now.max(at);
        for writes in states.tidy(now) {
            put(&states, &memory, Some(writes));
        }
    }
    assert_eq!(records(&memory.disk(), b"lr"), 0);
    for (service, model) in SERVICES.iter().zip(&models) {
        assert_eq!(&read(&states.view(service).unwrap()), model);
        states.verify(service).unwrap();
    }
    let reads = *memory.reads.lock().unwrap();
    assert!(states.tidy(now + 1_000_000).is_empty());
    assert_eq!(states.tidy_at(), None);
    assert_eq!(
        *memory.reads.lock().unwrap(),
        reads,
        "nothing is looked for"
    );
}

#[test]
fn a_service_deployed_again_begins_empty_while_the_old_one_can_still_be_read() {
    let mut random = Random(7);
    let memory = Memory::of(Disk::new());
    let states = states(&memory, 0);
    let mut model = Model::new();
    put(
        &states,
        &memory,
        commit(&states, "shop", &mut model, &mut random, 0),
    );
    let held = states.view("shop").unwrap();
    let running = block_on(states.update("shop")).unwrap();
    let made = change(running.snapshot(), &mut model.clone(), &mut random, 9);
    let removal = states.remove("shop").unwrap();
    let refused = running.commit(made, 1, |writes| writes).unwrap_err();
    assert!(matches!(refused, StatesError::Removed), "{refused}");

    // Not yet in the store, and yet it counts.
    let mut second = Model::new();
    let later = commit(&states, "shop", &mut second, &mut random, 2);
    put(&states, &memory, removal);
    put(&states, &memory, later);
    for now in 3..40 {
        put(
            &states,
            &memory,
            commit(&states, "shop", &mut second, &mut random, now),
        );
        assert_eq!(read(&held), model);
    }
    drop(held);
    tidy_all(&states, &memory, 100);
    let ids: BTreeSet<Bytes> = memory
        .disk()
        .keys()
        .filter(|key| key[0] == b'S')
        .map(|key| key.slice(1..17))
        .collect();
    assert_eq!(ids.len(), 1, "the old state is gone");
    let again = States::open(memory.clone(), config(0)).unwrap();
    assert_eq!(read(&again.view("shop").unwrap()), second);
    again.verify("shop").unwrap();
}

#[test]
fn a_service_deployed_again_after_it_was_deleted_does_not_see_what_memory_kept_of_it() {
    let memory = Memory::of(Disk::new());
    let states = States::open(memory.clone(), StatesConfig::default()).unwrap();
    let long = (b"long".to_vec(), vec![7; 300]);
    let short = (b"short".to_vec(), vec![7; 3]);
    // The same state with the same number, made in another order.
    for order in [[&long, &short], [&short, &long]] {
        for (change, now) in order.into_iter().zip(1..) {
            put(
                &states,
                &memory,
                commit_of(&states, std::slice::from_ref(change), now),
            );
        }
        let shown = read(&states.view("shop").unwrap());
        assert_eq!(shown, Model::from([long.clone(), short.clone()]));
        put(&states, &memory, states.remove("shop").unwrap());
        tidy_all(&states, &memory, 1_000_000);
        assert_eq!(memory.disk(), Disk::new());
    }
}

#[test]
fn writers_come_in_the_order_of_asking_and_one_that_gives_up_is_passed_over() {
    let memory = Memory::of(Disk::new());
    let states = states(&memory, 0);
    let first = block_on(states.update("shop")).unwrap();
    let mut second = Box::pin(states.update("shop"));
    let mut third = Box::pin(states.update("shop"));
    let mut fourth = Box::pin(states.update("shop"));
    assert!(second.as_mut().now_or_never().is_none());
    assert!(third.as_mut().now_or_never().is_none());
    assert!(fourth.as_mut().now_or_never().is_none());
    assert!(
        states.update("other").now_or_never().is_some(),
        "another service"
    );
    drop(third);
    drop(first);
    assert!(fourth.as_mut().now_or_never().is_none());
    drop(second.as_mut().now_or_never().expect("its turn").unwrap());
    assert!(fourth.as_mut().now_or_never().is_some());
}

#[test]
fn writers_wait_while_too_much_is_not_written() {
    let memory = Memory::of(Disk::new());
    let config = StatesConfig {
        unwritten_bytes: 1_000,
        ..config(0)
    };
    let states = States::open(memory.clone(), config).unwrap();
    let mut random = Random(3);
    let mut model = Model::new();
    let mut on_the_way = Vec::new();
    while states.unwritten_bytes() < 1_000 {
        on_the_way.push(commit(&states, "shop", &mut model, &mut random, 0));
    }
    let mut waiting = Box::pin(states.update("other"));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(
        read(&states.view("shop").unwrap()),
        model,
        "views do not wait"
    );
    for writes in on_the_way {
        put(&states, &memory, writes);
    }
    assert_eq!(states.unwritten_bytes(), 0);
    assert!(waiting.as_mut().now_or_never().is_some());
}

#[test]
fn a_state_whose_writes_were_lost_is_not_built_upon() {
    let memory = Memory::of(Disk::new());
    let states = states(&memory, 0);
    let (mut random, mut model) = (Random(5), Model::new());
    put(
        &states,
        &memory,
        commit(&states, "shop", &mut model, &mut random, 0),
    );
    let lost = commit(&states, "shop", &mut model.clone(), &mut random, 1);
    drop(lost);
    let error = states.view("shop").unwrap_err();
    assert!(matches!(error, StatesError::Lost), "{error}");
    assert!(block_on(states.update("shop")).is_err());
    assert!(states.view("other").is_ok());
    assert_eq!(states.unwritten_bytes(), 0);
    let again = States::open(memory, config(0)).unwrap();
    assert_eq!(read(&again.view("shop").unwrap()), model);
}

#[test]
fn damage_and_a_failing_store_are_found_and_named() {
    let memory = Memory::of(Disk::new());
    let first = states(&memory, 0);
    let (mut random, mut model) = (Random(11), Model::new());
    for now in 0..20 {
        put(
            &first,
            &memory,
            commit(&first, "shop", &mut model, &mut random, now),
        );
    }
    first.verify("shop").unwrap();
    let whole = memory.disk();
    let stored: Vec<Bytes> = whole
        .keys()
        .filter(|key| what(key).is_some_and(|what| b"nv".contains(&what[0])))
        .cloned()
        .collect();
    let (mut found, mut tried) = (0, 0);
    for key in stored {
        for damage in 0..2 {
            let mut disk = whole.clone();
            let mut value = disk[&key].to_vec();
            if damage == 0 {
                disk.remove(&key);
            } else {
                *value.last_mut().unwrap() ^= 1;
                disk.insert(key.clone(), value.into());
            }
            tried += 1;
            found += usize::from(states(&Memory::of(disk), 0).verify("shop").is_err());
        }
    }
    // What only the root before needs is not looked at.
    let needed = records(&whole, b"nv") - dropped(&whole);
    assert!(tried > 10);
    assert_eq!(found, 2 * needed);

    *memory.broken.lock().unwrap() = true;
    let error = States::open(memory.clone(), config(0)).unwrap_err();
    assert!(error.to_string().contains("the disk is broken"), "{error}");
    let error = first.verify("shop").unwrap_err();
    assert!(error.to_string().contains("the disk is broken"), "{error}");
}

/// How many records are in lists of what old roots alone need.
fn dropped(disk: &Disk) -> usize {
    let lists = disk
        .iter()
        .filter(|(key, _)| key[0] == b'S' && key[17] == b'l');
    lists.map(|(_, list)| (list.len() - 40) / 41).sum()
}
