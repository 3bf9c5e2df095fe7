//! Sources of packages that tests hold in their hands.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use weir_identity::Cid;
use weir_package::{Answer, BlockStore, Built, Folder, Source};

use crate::support::chain::Chain;
use crate::support::stage::Stage;
use crate::support::{PATIENCE, module_set};

/// Gives the root of a package at once, and everything else when the gate is open.
pub struct Gate {
    folder: Folder,
    root: Cid,
    asked: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A closed one, in a folder that is made.
    fn before(package: &Built, folder: &Path) -> Arc<Self> {
        let mut folder = Folder::open(folder).expect("it can be made");
        for block in package.blocks() {
            folder.put(block).expect("there is room");
        }
        Arc::new(Self {
            folder,
            root: package.cid(),
            asked: watch::Sender::new(false),
            open: watch::Sender::new(false),
        })
    }

    /// Waits until somebody stands before it.
    pub async fn asked(&self) {
        let mut asked = self.asked.subscribe();
        let asked = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked)).await;
        asked.expect("it is asked in time").expect("it lives");
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// A stage whose node is matched for this package and stands before a gate, which is in the folder.
pub async fn held(chain: &Chain, package: &Built) -> (Stage, Arc<Gate>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let gate = Gate::before(package, folder.path());
    let source = gate.clone();
    let stage = Stage::with(chain, move |config| config.sources = vec![source.clone()]).await;
    stage.order(package, module_set(package)).await;
    gate.asked().await;
    (stage, gate, folder)
}

impl Source for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn ask<'a>(&'a self, cid: &'a Cid, bytes_max: usize) -> Answer<'a> {
        Box::pin(async move {
            if *cid != self.root {
                self.asked.send_replace(true);
                let mut open = self.open.subscribe();
                open.wait_for(|open| *open).await.expect("it lives");
            }
            self.folder.ask(cid, bytes_max).await
        })
    }
}

/// Has the same bytes for everything.
pub struct Wrong;

impl Source for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn ask<'a>(&'a self, _: &'a Cid, _: usize) -> Answer<'a> {
        Box::pin(async { Ok(Bytes::from_static(b"other bytes")) })
    }
}
