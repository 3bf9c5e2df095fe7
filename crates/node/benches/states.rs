//! What it costs to change, keep and read the states of services in the store of a node, and beside it what the
//! database under it takes for the same bytes without a journal.
//!
//! `cargo bench --profile release --workspace --bench states` prints one line for each figure of
//! `docs/benchmarks.md`.

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use redb::{Database, TableDefinition};
use weir_disk::Backend;
use weir_identity::keccak256;
use weir_marine::states::{StateWrite, Writes};
use weir_marine::{States, StatesConfig};
use weir_node::store::{Birth, Durability, StateTable, Store};
use weir_peer::Batch;
use weir_receipt::state::{Limits, Transaction, Tree};

/// As in the binary `weir`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERVICE: &str = "shop";
const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};
/// The table of the database alone.
const ALONE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("states");
/// Keys that are put in with one commit when the state is made.
const PORTION: u32 = 100_000;
/// How long a driver gathers before it writes.
const TURN: Duration = Duration::from_millis(5);
/// Updates between forgetting begins and the figures are taken.
const WARM: u32 = 2_000;

fn key(n: u32) -> Vec<u8> {
    keccak256(&[&n.to_be_bytes()]).as_bytes()[..16].to_vec()
}

fn report(what: &str, figure: &str, goal: &str) {
    println!("bench: states: {what} | {figure} | {goal}");
}

fn micros(duration: Duration) -> String {
    format!("{:.0} µs", duration.as_secs_f64() * 1e6)
}

fn open(path: &Path, durability: Durability, config: StatesConfig) -> (Arc<Store>, States) {
    let store = Store::open(path, durability, BIRTH).expect("the folder can be written");
    let store = Arc::new(store);
    let states = States::open(StateTable::of(&store), config).expect("it is sound");
    (store, states)
}

/// Old roots are kept for a thousand updates, if time is counted in them.
fn config() -> StatesConfig {
    StatesConfig {
        keep_roots_ms: 1_000,
        ..StatesConfig::default()
    }
}

fn update(states: &States, service: &str, keys: impl IntoIterator<Item = u32>, now: u32) -> Writes {
    let limits = Limits {
        changed_keys: 1 << 20,
        changed_bytes: 1 << 30,
        ..Limits::default()
    };
    let update = block_on(states.update(service)).expect("it can be read");
    let snapshot = update.snapshot();
    let tree = Tree::new(snapshot.root(), snapshot.nodes());
    let mut transaction = Transaction::new(tree, limits);
    for n in keys {
        let value = now.to_be_bytes().repeat(16);
        transaction.set(&key(n), value).expect("it fits");
    }
    let commit = transaction.commit().expect("it can be read");
    let writes = update.commit(commit, now.into(), |writes| writes);
    let writes = writes.expect("it can be read");
    writes.expect("it changes something")
}

fn write(store: &Store, states: &States, all: Vec<Writes>) {
    let writes = all.iter().flat_map(|writes| &writes.writes);
    store
        .commit_with(&Batch::default(), writes)
        .expect("the disk has room");
    for Writes { ticket, .. } in all {
        states.written(ticket);
    }
}

fn main() {
    for size in [10_000, 100_000, 1_000_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store");
        make(&path, size);
        changes(&path, size, Durability::Process);
        views(&path, size);
        changes(&path, size, Durability::Power);
    }
}

fn make(path: &Path, size: u32) {
    let (store, states) = open(path, Durability::Process, config());
    let from = Instant::now();
    for portion in 0..size.div_ceil(PORTION) {
        let keys = portion * PORTION..size.min((portion + 1) * PORTION);
        write(
            &store,
            &states,
            vec![update(&states, SERVICE, keys, portion)],
        );
    }
    report(
        &format!(
            "{size} keys of 16 bytes with values of 64, made in portions of {}",
            size.min(PORTION)
        ),
        &format!("{} per key", micros(from.elapsed() / size)),
        "",
    );
}

/// Forgets all that can be forgotten at this time, as a node does when nobody calls.
fn rest(store: &Store, states: &States, now_ms: u64) {
    loop {
        let all = states.tidy(now_ms);
        if all.is_empty() {
            return;
        }
        write(store, states, all);
    }
}

fn changes(path: &Path, size: u32, durability: Durability) {
    let at = |round: u32| round.wrapping_mul(7_919) % size;
    let rounds = match durability {
        Durability::Process => 20_000,
        Durability::Power => 200,
    };
    let how = match durability {
        Durability::Process => "process",
        Durability::Power => "power",
    };
    // Roots that are to be forgotten come with their time.
    let mut now = match durability {
        Durability::Process => 10 * WARM,
        Durability::Power => 10_000_000,
    };
    let (store, states) = open(path, durability, config());
    rest(&store, &states, u64::from(now) + 1_000_000);
    // What was before is in the database when the store is closed, and in nobody's way.
    drop((store, states));
    let (store, states) = open(path, durability, config());
    for _ in 0..WARM / 100 {
        let turn = (0..100).map(|_| {
            now += 1;
            update(&states, SERVICE, [at(now)], now)
        });
        write(&store, &states, turn.collect());
    }
    let (mut each, mut recorded) = (Vec::new(), Vec::new());
    let spent = cpu_seconds();
    for _ in 0..rounds {
        now += 1;
        let from = Instant::now();
        let writes = update(&states, SERVICE, [at(now)], now);
        let made = from.elapsed();
        recorded.push(writes.writes.clone());
        let from = Instant::now();
        write(&store, &states, vec![writes]);
        each.push(made + from.elapsed());
    }
    let mean = each.iter().sum::<Duration>() / rounds;
    each.sort_unstable();
    let part = |percent: usize| micros(each[each.len() * percent / 100]);
    let spent = cpu_seconds().zip(spent).map(|(now, then)| now - then);
    let spent = Duration::from_secs_f64(spent.unwrap_or_default().max(0.0)) / rounds;
    let bytes: usize = recorded.iter().flatten().map(put_bytes).sum();
    let peer = alone(path, size, &recorded, 1, durability);
    report(
        &format!("a change of one of {size} keys, written at once, {how}"),
        &format!(
            "{} (p50 {}, p99 {}, longest {}, {} of processor time), {} changes of the table, {} bytes",
            micros(mean),
            part(50),
            part(99),
            each.last().copied().map_or_else(String::new, micros),
            micros(spent),
            recorded.iter().flatten().count() / recorded.len(),
            bytes / recorded.len()
        ),
        match durability {
            Durability::Process => "under 150 µs",
            Durability::Power => "",
        },
    );
    report(
        "the same bytes put into the database alone",
        &micros(peer / rounds),
        "peer",
    );

    let (begin, mut count, mut turns, mut recorded) = (Instant::now(), 0, 0, Vec::new());
    let mut busy = Duration::ZERO;
    while begin.elapsed() < Duration::from_secs(2) {
        let from = Instant::now();
        let mut turn = Vec::new();
        while from.elapsed() < TURN {
            now += 1;
            turn.push(update(&states, SERVICE, [at(now)], now));
        }
        let gathered = from.elapsed();
        count += turn.len();
        turns += 1;
        if recorded.len() < 2_000 {
            recorded.extend(turn.iter().map(|writes| writes.writes.clone()));
        }
        let from = Instant::now();
        write(&store, &states, turn);
        busy += gathered + from.elapsed();
    }
    let together = count / turns;
    let peer = alone(path, size, &recorded, together, durability);
    report(
        &format!(
            "changes of one of {size} keys, written in turns of {} ms, {how}",
            TURN.as_millis()
        ),
        &format!(
            "{:.0}/s, {together} in a turn",
            count as f64 / busy.as_secs_f64()
        ),
        "at least 5,000/s",
    );
    report(
        "the same bytes put into the database alone, as many together",
        &format!("{:.0}/s", recorded.len() as f64 / peer.as_secs_f64()),
        "peer",
    );
}

fn put_bytes(write: &StateWrite) -> usize {
    match write {
        StateWrite::Put { key, value } => key.len() + value.len(),
        StateWrite::Delete { .. } | StateWrite::DeleteOlder { .. } => 0,
    }
}

/// How long it takes to make the same changes, `together` of the recorded ones at a time, in a database of about the
/// same size, without a journal: puts and removals without a look at what is removed.
fn alone(
    path: &Path,
    size: u32,
    recorded: &[Vec<StateWrite>],
    together: usize,
    durability: Durability,
) -> Duration {
    let aside = path.with_extension("alone");
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(true);
    let file = options.open(&aside).expect("the folder can be written");
    let backend = Backend::new(file, durability).expect("nobody has it");
    let database = Database::builder()
        .set_cache_size(32 << 20)
        .create_with_backend(backend)
        .expect("it is empty");
    let commit = |writes: &[StateWrite]| {
        let transaction = database.begin_write().expect("nobody writes");
        let mut table = transaction.open_table(ALONE).expect("it can be made");
        for write in writes {
            match write {
                StateWrite::Put { key, value } => table.insert(&key[..], &value[..]),
                StateWrite::Delete { key } | StateWrite::DeleteOlder { key, .. } => {
                    table.remove(&key[..])
                }
            }
            .expect("the disk has room");
        }
        drop(table);
        transaction.commit().expect("the disk has room");
    };
    // A state has a node for every four keys or so.
    let filling = (0..size / 4).map(|n| StateWrite::Put {
        key: [&[b'S'; 18][..], keccak256(&[&n.to_be_bytes()]).as_bytes()]
            .concat()
            .into(),
        value: vec![7; 470].into(),
    });
    commit(&filling.collect::<Vec<_>>());
    let batches: Vec<Vec<StateWrite>> = recorded.chunks(together).map(<[_]>::concat).collect();
    let from = Instant::now();
    for batch in &batches {
        commit(batch);
    }
    let took = from.elapsed();
    drop(database);
    std::fs::remove_file(&aside).expect("it is there");
    took
}

fn views(path: &Path, size: u32) {
    let (_store, states) = open(path, Durability::Process, config());
    let rounds = 100_000;
    let view = |round: u32| {
        let snapshot = states.view(SERVICE).expect("it can be read");
        let tree = Tree::new(snapshot.root(), snapshot.nodes());
        let found = tree.get(&key(round.wrapping_mul(7_919) % size));
        black_box(found.expect("it can be read").expect("it is there"));
    };
    let from = Instant::now();
    (0..rounds).for_each(view);
    let cold = from.elapsed() / rounds;
    let from = Instant::now();
    (0..rounds).for_each(view);
    report(
        &format!("a view and one of {size} keys read, random"),
        &format!(
            "{:.0}/s ({:.1} µs), {:.1} µs before anything is in memory",
            f64::from(rounds) / from.elapsed().as_secs_f64(),
            (from.elapsed() / rounds).as_secs_f64() * 1e6,
            cold.as_secs_f64() * 1e6
        ),
        "",
    );
}

/// Processor time of this process, where the system tells it.
fn cpu_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
