//! What was acknowledged survives `kill -9`.
//!
//! The test starts its own binary as a child, which commits without end and
//! says after each commit how far it got, and kills it at some point.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use weir_node::store::{Birth, Durability, Store};
use weir_peer::{Batch, Write};

/// Names the store for the child.
const STORE: &str = "WEIR_TEST_STORE";
const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};

fn open(path: &Path) -> Store {
    Store::open(path, Durability::Process, BIRTH).expect("the store is sound")
}

/// Two keys that must be there together, and one that is removed again.
fn batch(number: u64) -> Batch {
    let key = |table: u8, number: u64| [&[table][..], &number.to_be_bytes()].concat();
    let value = number.to_be_bytes().repeat(200);
    let mut writes = vec![
        Write::Put {
            key: key(1, number),
            value: value.clone(),
        },
        Write::Put {
            key: key(2, number),
            value,
        },
        Write::Put {
            key: key(3, number),
            value: Vec::new(),
        },
    ];
    if let Some(former) = number.checked_sub(1) {
        writes.push(Write::Delete {
            key: key(3, former),
        });
    }
    Batch { writes }
}

/// Not a test of its own: what the child does.
#[test]
fn child_that_commits_without_end() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let store = open(Path::new(&path));
    let begin = store.scan(&[1]).expect("it can be read").len() as u64;
    let mut stdout = std::io::stdout();
    for number in begin.. {
        store.commit(&batch(number)).expect("the disk has room");
        writeln!(stdout, "committed {number}")
            .and_then(|()| stdout.flush())
            .expect("somebody listens");
    }
}

#[test]
fn acknowledged_commits_survive_kill_9() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("store");
    let mut acknowledged = None;
    for lives in 1..=5_u64 {
        let mut child = Command::new(std::env::current_exe().expect("this binary exists"))
            .args(["--exact", "child_that_commits_without_end", "--nocapture"])
            .env(STORE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let numbers = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
        let mut numbers =
            numbers.inspect(|number: &u64| acknowledged = acknowledged.max(Some(*number)));
        numbers
            .nth(20 * lives as usize)
            .expect("the child works until it is killed");
        child.kill().expect("the child is ours");
        // What it said before it died counts as well.
        let _ = numbers.last();
        child.wait().expect("the child is ours");

        let store = open(&path);
        let [first, second, third] =
            [1, 2, 3].map(|table| store.scan(&[table]).expect("it can be read"));
        let committed = first.len() as u64;
        assert!(
            Some(committed - 1) >= acknowledged,
            "{committed} commits, {acknowledged:?} acknowledged"
        );
        assert_eq!(first.len(), second.len(), "a commit is all or nothing");
        assert_eq!(third.len(), 1, "a commit is all or nothing");
        for (number, (_, value)) in first.iter().enumerate() {
            assert_eq!(value, &(number as u64).to_be_bytes().repeat(200));
        }
    }
}

#[test]
fn what_an_interrupted_creation_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("store");
    let aside = format!("store.{}.new", std::process::id());
    std::fs::write(folder.path().join(aside), [0; 4096]).expect("there is room");
    drop(open(&path));
    let store = open(&path);
    store.commit(&batch(1)).expect("there is room");
    drop(store);
    let files = std::fs::read_dir(folder.path()).expect("it exists");
    let names: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
    assert_eq!(names, ["store"], "nothing is left but the store");
}
