//! The state of services on a node, and in its store over `kill -9`.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use support::{Folder, callback, node, request, start, with_wasm};
use weir_identity::keccak256;
use weir_marine::states::Backing;
use weir_marine::{Manifest, States, StatesConfig, compose};
use weir_node::store::{Birth, Durability, StateTable, Store};
use weir_node::{Deployment, NodeHandle};
use weir_peer::{Batch, Limits, Write};
use weir_receipt::state::{Transaction, Tree};

const ADD: &str = r#"(seq (call %init_peer_id% ("counter" "add") [] n) (call %init_peer_id% ("callbackSrv" "done") [n]))"#;

async fn add(node: &NodeHandle) -> i64 {
    let mut particle = node.submit(request(ADD)).await.unwrap();
    let args = callback(&mut particle).await;
    args[0].as_i64().expect("a number")
}

#[tokio::test]
async fn a_service_keeps_its_state_over_calls_and_restarts_and_loses_it_when_removed() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = Folder::new();
        let config = || {
            let mut config = with_wasm(node(&folder, 1));
            config.durability = durability;
            config
        };
        let node = start(config()).await;
        node.deploy(support::counter()).await.unwrap();
        let together = futures::future::join_all((0..40).map(|_| add(&node))).await;
        let found: BTreeSet<i64> = together.into_iter().collect();
        assert_eq!(found, (1..=40).collect(), "one after the other, none lost");
        node.shutdown().await;

        let node = start(config()).await;
        assert_eq!(add(&node).await, 41);
        node.remove("counter").await.unwrap();
        node.deploy(support::counter()).await.unwrap();
        assert_eq!(add(&node).await, 1, "a new service begins empty");
        node.shutdown().await;
        let node = start(config()).await;
        assert_eq!(add(&node).await, 2);
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_service_that_a_script_removes_loses_its_state() {
    let folder = Folder::new();
    let node = start(with_wasm(node(&folder, 1))).await;
    node.deploy(support::counter()).await.unwrap();
    // Some are still running when it is removed; what they make of the state goes with it.
    let running = futures::future::join_all((0..20).map(|_| node.submit(request(ADD)))).await;
    assert_eq!(add(&node).await, 21);
    drop(running);
    let remove = r#"(seq (call %init_peer_id% ("srv" "remove") ["counter"]) (call %init_peer_id% ("callbackSrv" "done") ["gone"]))"#;
    let running = futures::future::join_all((0..20).map(|_| node.submit(request(ADD)))).await;
    let mut particle = node.submit(request(remove)).await.unwrap();
    assert_eq!(callback(&mut particle).await[0].as_str(), Some("gone"));
    drop(running);
    node.deploy(support::counter()).await.unwrap();
    assert_eq!(add(&node).await, 1, "a new service begins empty");
    node.shutdown().await;
    let node = start(with_wasm(support::node(&folder, 1))).await;
    assert_eq!(add(&node).await, 2);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_for_each_other_leave_room_for_what_only_looks() {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "spin") (loop (br 0))) (func (export "look") (result i32) (i32.const 7)))
            (core instance $i (instantiate $m))
            (func (export "spin") (canon lift (core func $i "spin")))
            (func (export "look") (result u32) (canon lift (core func $i "look"))))"#,
    );
    let manifest = Manifest::from_toml(
        r#"
        service = { name = "slow", version = "1.0.0" }
        part = [{ name = "slow", component = "slow.wasm", facade = true }]
        functions.spin = { mode = "update", fuel = 1_000_000_000_000_000 }
        functions.look = { mode = "view" }
        "#,
    );
    let parts = [("slow".to_owned(), component.expect("it is WebAssembly"))];
    let composed = compose(&manifest.expect("it is valid"), &parts.into());
    let deployment = Deployment {
        id: Arc::from("slow"),
        aliases: Vec::new(),
        component: composed.expect("there is one part").component,
        grants: None,
    };

    let folder = Folder::new();
    let mut config = with_wasm(node(&folder, 1));
    config.limits = Arc::new(Limits {
        calls: 2,
        ..Limits::default()
    });
    // A change ends when its particle expires, and whoever looks does not wait so long.
    config.calls.fuel = u64::MAX / 2;
    config.calls.wall_ms = 3_600_000;
    let node = start(config).await;
    node.deploy(deployment).await.unwrap();
    let spin = r#"(call %init_peer_id% ("slow" "spin") [])"#;
    let spinning = futures::future::join_all((0..20).map(|_| node.submit(request(spin)))).await;
    let look = r#"(seq (call %init_peer_id% ("slow" "look") [] n) (call %init_peer_id% ("callbackSrv" "done") [n]))"#;
    let mut look = request(look);
    look.ttl = Duration::from_secs(20);
    let mut particle = node.submit(look).await.unwrap();
    assert_eq!(callback(&mut particle).await[0].as_i64(), Some(7));
    drop(spinning);
    node.shutdown().await;
}

/// Lists of old nodes in the store of a node that is shut down.
fn old_lists(folder: &Folder) -> usize {
    let path = folder.of(1).join("store.redb");
    let store = Store::open(&path, Durability::Process, BIRTH).expect("the store is sound");
    let store = Arc::new(store);
    let keys = StateTable::of(&store).keys(b"S", b"S", 10_000);
    let keys = keys.expect("it can be read");
    keys.iter().filter(|key| key[17] == b'l').count()
}

#[tokio::test]
async fn a_node_forgets_old_roots_of_services_that_nobody_calls_any_more() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = Folder::new();
        let config = |keep_roots_ms| {
            let mut config = with_wasm(node(&folder, 1));
            config.durability = durability;
            config.states.keep_roots_ms = keep_roots_ms;
            config
        };
        let node = start(config(3_600_000)).await;
        node.deploy(support::counter()).await.unwrap();
        for _ in 0..5 {
            add(&node).await;
        }
        node.shutdown().await;
        assert_eq!(old_lists(&folder), 5, "it is not their time");

        let node = start(config(0)).await;
        node.services().await.unwrap();
        node.shutdown().await;
        assert_eq!(old_lists(&folder), 0);
        let node = start(config(0)).await;
        assert_eq!(add(&node).await, 6);
        node.shutdown().await;
    }
}

/// Names the store for the child.
const STORE: &str = "WEIR_TEST_STORE";
const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};
const SERVICES: [&str; 3] = ["counter", "shop", "cellar"];
const KILLS: u64 = 1_000;

fn open(path: &Path) -> (Arc<Store>, States) {
    let store = Store::open(path, Durability::Process, BIRTH).expect("the store is sound");
    let store = Arc::new(store);
    let config = StatesConfig {
        keep_roots_ms: 5,
        ..StatesConfig::default()
    };
    let states = States::open(StateTable::of(&store), config).expect("it is sound");
    (store, states)
}

/// The number that every commit of the child writes into the state, and beside it.
fn number(states: &States, service: &str) -> u64 {
    let snapshot = states.view(service).expect("it can be read");
    let tree = Tree::new(snapshot.root(), snapshot.nodes());
    let found = tree.get(b"number").expect("it can be read");
    found.map_or(0, |value| {
        u64::from_be_bytes(value[..].try_into().expect("8 bytes"))
    })
}

/// Commits number `number` of a service, in which other keys come, change and go.
fn commit(store: &Store, states: &States, service: &str, number: u64) {
    let update = block_on(states.update(service)).expect("it can be read");
    let snapshot = update.snapshot().state_at();
    let mut transaction =
        Transaction::new(Tree::new(snapshot.root, snapshot.nodes), snapshot.limits);
    let value = number.to_be_bytes();
    transaction.set(b"number", value.to_vec()).expect("it fits");
    for other in 0..number % 7 {
        let key = [b"other", &(number * other % 300).to_be_bytes()[..]].concat();
        if number.is_multiple_of(3) {
            transaction.delete(&key).expect("it can be read");
        } else {
            transaction
                .set(&key, value.repeat(1 + number as usize % 40))
                .expect("it fits");
        }
    }
    let made = transaction.commit().expect("it can be read");
    let batch = Batch {
        writes: vec![Write::Put {
            key: service.into(),
            value: value.to_vec(),
        }],
    };
    let writes = update
        .commit(made, number, |writes| writes)
        .expect("it can be read");
    let writes = writes.expect("it changes something");
    store
        .commit_with(&batch, &writes.writes)
        .expect("the disk has room");
    states.written(writes.ticket);
}

/// Not a test of its own: what the child does.
#[test]
fn child_that_changes_states_without_end() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let (store, states) = open(Path::new(&path));
    let mut stdout = std::io::stdout();
    let begin = SERVICES
        .map(|service| number(&states, service))
        .into_iter()
        .max();
    for next in begin.unwrap_or(0) + 1.. {
        let service = SERVICES[next as usize % 3];
        commit(&store, &states, service, next);
        writeln!(stdout, "committed {next}")
            .and_then(|()| stdout.flush())
            .expect("somebody listens");
    }
}

/// The same number for the same life.
fn random(life: u64) -> usize {
    let hash = keccak256(&[b"kill", &life.to_be_bytes()]);
    usize::from(hash.as_bytes()[0])
}

#[test]
fn states_that_were_acknowledged_survive_kill_9_a_thousand_times() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let mut acknowledged = 0;
    for life in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this binary exists"))
            .args([
                "--exact",
                "child_that_changes_states_without_end",
                "--nocapture",
            ])
            .env(STORE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let numbers = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
        let mut numbers = numbers.inspect(|number: &u64| acknowledged = acknowledged.max(*number));
        numbers
            .nth(random(life) % 61)
            .expect("the child works until it is killed");
        child.kill().expect("the child is ours");
        // What it said before it died counts as well.
        let _ = numbers.last();
        child.wait().expect("the child is ours");

        let (store, states) = open(&path);
        let found = SERVICES.map(|service| number(&states, service));
        let last = found.into_iter().max().unwrap_or(0);
        assert!(
            last >= acknowledged,
            "{found:?}, {acknowledged} was acknowledged"
        );
        for (service, number) in SERVICES.into_iter().zip(found) {
            assert!(number + 3 > last, "{found:?}: none in between is missing");
            states.verify(service).expect("it is whole");
            let beside = store.scan(service.as_bytes()).expect("it can be read");
            let beside = beside.first().map_or(0, |(_, value)| {
                u64::from_be_bytes(value[..].try_into().expect("8 bytes"))
            });
            assert_eq!(beside, number, "both are written or none");
        }
    }
}
