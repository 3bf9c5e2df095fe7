//! Effects of components that are called without a network.

use std::io;
use std::sync::Arc;

use tempfile::TempDir;
use weir_identity::Keypair;
use weir_marine::{CallContext, Effector, Module};

use super::{Effects, EffectsConfig, ServiceEffects};

/// Performs effects as a node with this file of its operator would, without the node: for whoever tries a component.
///
/// The key with which it signs is a new one, and blobs are in a new folder that goes when this is dropped.
pub struct LoneEffects {
    effects: Arc<Effects>,
    /// Where blobs and running programs are.
    folder: TempDir,
}

impl LoneEffects {
    /// Effects that this file allows. Needs a runtime of tokio with time and I/O when they are performed.
    pub fn new(config: EffectsConfig) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-").tempdir()?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let keypair = Keypair::from_secret(&secret).map_err(io::Error::other)?;
        Ok(Self {
            effects: Arc::new(Effects::new(config, folder.path(), Arc::new(keypair))?),
            folder,
        })
    }

    /// Those of a component under the name of its service, as far as its manifest asks for them.
    pub fn of(&self, service: &str, module: &Module) -> Arc<dyn Effector> {
        Arc::new(ServiceEffects {
            effects: Arc::clone(&self.effects),
            service: service.into(),
            module: module.clone(),
            terms: None,
            worker: self.effects.keypair.peer_id(),
        })
    }

    /// The circumstances of a call with effects: each is a request of its own, so that nobody outside takes one for a
    /// repetition of another. The peer is the one that signs.
    pub fn circumstances(&self, service: &str, timestamp_ms: u64) -> io::Result<CallContext> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let peer = self.effects.keypair.peer_id().to_string();
        Ok(CallContext {
            request: weir_identity::keccak256(&[b"weir/lone-request/1", &salt]).to_string(),
            initiator: peer.clone(),
            host: peer.clone(),
            worker: peer,
            service: service.to_owned(),
            timestamp_ms,
            salt,
            ..CallContext::default()
        })
    }
}

impl std::fmt::Debug for LoneEffects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoneEffects")
            .field("folder", &self.folder.path())
            .finish_non_exhaustive()
    }
}
