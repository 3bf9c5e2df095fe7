//! Compiled code that outlives the process.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{run, show};
use weir_marine::{CacheConfig, Marine, MarineConfig};

fn marine(folder: &Path, secret: u8) -> Marine {
    Marine::new(MarineConfig {
        slots: 1,
        cache: Some(CacheConfig {
            folder: folder.to_owned(),
            secret: [secret; 32],
            bytes_max: 64 << 20,
        }),
        ..MarineConfig::default()
    })
    .expect("the engine can be set up")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect()
}

#[test]
fn a_component_compiled_once_is_taken_from_the_cache() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let component = run("");
    let first = marine(folder.path(), 1).load(&component).expect("accepted");
    let [entry] = &entries(folder.path())[..] else {
        panic!("one entry")
    };
    let written = fs::metadata(entry).expect("exists").len();

    let second = marine(folder.path(), 1).load(&component).expect("accepted");
    assert_eq!(second.cid(), first.cid());
    assert_eq!(show(&second, "run", "[]"), "null");
    assert_eq!(fs::metadata(entry).expect("exists").len(), written);
}

#[test]
fn damaged_code_is_compiled_anew() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let component = run("");
    marine(folder.path(), 1).load(&component).expect("accepted");
    let entry = entries(folder.path()).pop().expect("one entry");
    let honest = fs::read(&entry).expect("exists");

    let mut forged = honest.clone();
    let middle = forged.len() / 2;
    forged[middle] ^= 1;
    for damage in [&forged[..], &honest[..middle], b"", b"weir-cw1"] {
        fs::write(&entry, damage).expect("can be overwritten");
        let module = marine(folder.path(), 1).load(&component).expect("accepted");
        assert_eq!(show(&module, "run", "[]"), "null");
        assert_eq!(fs::read(&entry).expect("exists").len(), honest.len());
    }
}

#[test]
fn code_of_another_node_is_not_executed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let component = run("");
    marine(folder.path(), 1).load(&component).expect("accepted");
    let entry = entries(folder.path()).pop().expect("one entry");
    let theirs = fs::read(&entry).expect("exists");
    marine(folder.path(), 2).load(&component).expect("accepted");
    assert_ne!(fs::read(&entry).expect("exists"), theirs, "it was replaced");
}

#[test]
fn a_component_that_is_not_accepted_leaves_no_entry() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let empty = wat::parse_str("(component)").expect("valid");
    marine(folder.path(), 1)
        .load(&empty)
        .expect_err("it has no functions");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_component_in_use_is_loaded_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let marine = marine(folder.path(), 1);
    let component = run("");
    let first = marine.load(&component).expect("accepted");
    fs::remove_file(entries(folder.path()).pop().expect("one entry")).expect("can be removed");
    let second = marine.load(&component).expect("accepted");
    assert_eq!(first.cid(), second.cid());
    assert!(
        entries(folder.path()).is_empty(),
        "nothing was compiled again"
    );
}
