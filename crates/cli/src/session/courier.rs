//! A second peer of a command, for much that is sent once: what passes through it is kept nowhere.
//!
//! A node keeps its particles until they expire, and the file of its store does not shrink. A package of 20 MB to three
//! hosts left hundreds of megabytes at the seat.

use super::{Session, contact};
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_node::{Node, NodeConfig, NodeHandle, keyfile};

/// A node with a key of its own, which ends and is deleted with this value.
pub(crate) struct Courier<'a> {
    session: &'a Session,
    node: NodeHandle,
    folder: PathBuf,
}

impl Session {
    /// A courier with the relay of this session. There is one at a time.
    pub(crate) fn courier(&self) -> Result<Courier<'_>, Failure> {
        let failed =
            |error: String| Failure::internal("a peer for the upload did not start", error);
        let folder = self.seat.aside.clone();
        // That of a command that was killed.
        delete(&folder).map_err(|error| failed(error.to_string()))?;
        let keypair = keyfile::generate().map_err(failed)?;
        let mut config = NodeConfig::new(folder.clone(), Arc::new(keypair));
        config.keypair_is_new = true;
        let relay = contact(&self.relay)?;
        config.relays = vec![relay.clone()];
        let node = self.runtime.block_on(async {
            let node = Node::start(config).await;
            let node = node.map_err(|error| failed(error.to_string()))?;
            let connected = node.connect(relay).await;
            connected.map_err(|error| failed(error.to_string()))?;
            Ok::<_, Failure>(node)
        })?;
        Ok(Courier {
            session: self,
            node,
            folder,
        })
    }
}

impl Courier<'_> {
    pub(crate) fn node(&self) -> &NodeHandle {
        &self.node
    }
}

impl Drop for Courier<'_> {
    fn drop(&mut self) {
        self.session.farewell(&self.node);
        // What cannot be deleted now is when there is a courier again.
        let _ = delete(&self.folder);
    }
}

fn delete(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
