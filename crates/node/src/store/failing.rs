//! A disk that begins to fail, for tests: what was acknowledged stays.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::FileBackend;
use weir_identity::Keypair;
use weir_peer::{Batch, Write};

use super::{Birth, Durability, Store, StoreError};
use crate::{Node, NodeConfig, Request, SubmitFailure};

const BIRTH: Birth = Birth {
    at_ms: 0,
    with_key: true,
};

/// A file to which nothing can be written from some moment on.
#[derive(Debug)]
struct Failing {
    file: FileBackend,
    broken: Arc<AtomicBool>,
}

impl Failing {
    fn check(&self) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is broken"));
        }
        Ok(())
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// A store on a disk that breaks when `broken` is set.
fn open(
    path: &Path,
    broken: &Arc<AtomicBool>,
    durability: Durability,
    birth: Birth,
) -> Result<Store, StoreError> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).expect("the folder exists");
    let broken = broken.clone();
    let backend = || {
        let file = FileBackend::new(file)?;
        Ok(Failing { file, broken })
    };
    Store::on(path, backend, durability, birth)
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
    let broken = Arc::new(AtomicBool::new(false));
    let store = open(&path, &broken, Durability::Power, BIRTH).expect("it is new");
    for number in 0..3 {
        store.commit(&put(number)).expect("the disk works");
    }
    broken.store(true, Ordering::SeqCst);
    // Also when the disk recovers: nobody knows what became of the first of them.
    for still_broken in [true, true, false] {
        broken.store(still_broken, Ordering::SeqCst);
        let error = store.commit(&put(3)).expect_err("it cannot be written");
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    }
    broken.store(true, Ordering::SeqCst);
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
        let broken = Arc::new(AtomicBool::new(false));
        let breaks = broken.clone();
        let node = Node::start_on(config(), move |path, durability, birth| {
            open(path, &breaks, durability, birth)
        });
        let node = node.await.expect("the disk works");
        let ask = || {
            let script = r#"(call %init_peer_id% ("op" "identity") [1] x)"#;
            let mut ask = Request::new(script, Duration::from_secs(600));
            ask.keep = true;
            ask
        };
        let acknowledged = node.submit(ask()).await.expect("the disk works").particle();
        broken.store(true, Ordering::SeqCst);
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
