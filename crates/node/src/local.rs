//! Several nodes in one process: the network of `weir up`.
//!
//! ```text
//! FOLDER/peers/a/key.json     the key, for its owner alone; sealed if there is a passphrase
//!                store.redb   what the peer keeps; while it runs, a journal beside it
//!                components/  what its services execute
//! FOLDER/compiled/            compiled code, shared
//! ```
//! Each node locks its store, so a folder serves one network at a time. After
//! the end of the process, however it came, the same peers with the same
//! services come back; only their ports differ.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;
use weir_identity::{Cid, Hash, Keypair, keccak256};
use weir_marine::{CacheConfig, CompilerProcess, Marine, MarineConfig};
use weir_peer::{Limits, Shared};

use crate::config::NodeConfig;
use crate::effects::EffectsConfig;
use crate::error::{DeployError, StartError};
use crate::evidence::EvidenceConfig;
use crate::handle::{Deployed, Deployment, NodeHandle};
use crate::keyfile;
use crate::node::Node;
use crate::store::Durability;

/// Most bytes of compiled code that are kept.
const COMPILED_BYTES_MAX: u64 = 1 << 30;

/// What the network is to be like.
#[derive(Debug, Clone)]
pub struct LocalNetworkConfig {
    /// Where its state is.
    pub folder: PathBuf,
    /// How many peers it has, at least one.
    pub peers: usize,
    /// What runs on all of them.
    pub services: Vec<Deployment>,
    /// What acknowledged data survives.
    pub durability: Durability,
    /// Whether each peer offers metrics on a port of its own.
    pub metrics: bool,
    /// Bounds of each peer.
    pub limits: Limits,
    /// What services may do outside, on each peer.
    pub effects: EffectsConfig,
    /// How much is kept of calls, on each peer, and for how long with the states that they found.
    pub evidence: EvidenceConfig,
    /// Where components are compiled that come in; without it in this process.
    pub compiler: Option<CompilerProcess>,
}

impl LocalNetworkConfig {
    /// Three peers without services.
    pub fn new(folder: PathBuf) -> Self {
        LocalNetworkConfig {
            folder,
            peers: 3,
            services: Vec::new(),
            durability: Durability::Process,
            metrics: true,
            limits: Limits::default(),
            effects: EffectsConfig::default(),
            evidence: EvidenceConfig::default(),
            compiler: None,
        }
    }
}

/// A running local network.
#[derive(Debug)]
pub struct LocalNetwork {
    peers: Vec<LocalPeer>,
}

/// One peer of it.
#[derive(Debug, Clone)]
pub struct LocalPeer {
    /// `a`, `b`, …
    pub name: String,
    /// The node.
    pub node: NodeHandle,
    /// Its key.
    pub keypair: Arc<Keypair>,
    /// Its services.
    pub services: Vec<Deployed>,
}

impl LocalNetwork {
    /// Starts all peers, connects each with each, and deploys the services.
    /// When this returns, calls work.
    pub async fn start(config: LocalNetworkConfig) -> Result<Self, StartError> {
        let count = config.peers.max(1);
        let keys = (0..count)
            .map(|index| Key::open(&config, index))
            .collect::<Result<Vec<_>, _>>()?;
        let marine = marine(&config, &keys)?;
        let limits = Arc::new(config.limits.clone());
        let shared = Arc::new(Shared::new(&limits));
        let started = keys.into_iter().map(|key| {
            let folder = key.folder.clone();
            let keypair = Arc::new(key.keypair);
            let mut node = NodeConfig::new(folder, Arc::clone(&keypair)).listening_on_loopback();
            node.keypair_is_new = key.is_new;
            node.relay = true;
            node.durability = config.durability;
            node.limits = limits.clone();
            node.shared = shared.clone();
            node.marine = Some(marine.clone());
            node.effects = config.effects.clone();
            node.evidence = config.evidence;
            node.states.keep_roots_ms = config.evidence.keep_ms;
            node.metrics = config.metrics.then(|| ([127, 0, 0, 1], 0).into());
            let services = &config.services;
            async move {
                let node = Node::start(node).await?;
                match deploy(&node, services).await {
                    Ok(services) => Ok(LocalPeer {
                        name: key.name,
                        node,
                        keypair,
                        services,
                    }),
                    Err(error) => {
                        node.shutdown().await;
                        Err(error)
                    }
                }
            }
        });
        let mut peers = Vec::with_capacity(count);
        let mut failed: Option<StartError> = None;
        for started in join_all(started).await {
            match started {
                Ok(peer) => peers.push(peer),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            // Those that did start would go on without anybody who could stop them.
            LocalNetwork { peers }.shutdown().await;
            return Err(error);
        }
        connect(&peers).await;
        Ok(LocalNetwork { peers })
    }

    /// The peers, by name.
    pub fn peers(&self) -> &[LocalPeer] {
        &self.peers
    }

    /// Gives a service another component on all peers, one after the other, and
    /// says whether it is another one. It answers all the time.
    ///
    /// A component that the first peer does not take changes nothing.
    pub async fn replace(&mut self, deployment: &Deployment) -> Result<bool, DeployError> {
        let blueprint = Cid::of_raw(&deployment.component).to_string();
        let mut replaced = false;
        for peer in &mut self.peers {
            let there = |deployed: &&mut Deployed| deployed.service.id == deployment.id;
            let deployed = peer.services.iter_mut().find(there);
            if let Some(deployed) = deployed
                && *deployed.service.blueprint != *blueprint
            {
                *deployed = peer.node.replace(deployment.clone()).await?;
                replaced = true;
            }
        }
        Ok(replaced)
    }

    /// Waits until a node has stopped by itself, and says which and why.
    pub async fn failed(&self) -> (String, crate::Stopped) {
        let each = self.peers.iter().map(|peer| {
            Box::pin(async { (peer.name.clone(), peer.node.wait_until_stopped().await) })
        });
        futures::future::select_all(each).await.0
    }

    /// Stops all peers and closes their stores.
    pub async fn shutdown(self) {
        join_all(self.peers.iter().map(|peer| peer.node.shutdown())).await;
    }
}

/// The key of one peer and where it lives.
struct Key {
    name: String,
    folder: PathBuf,
    keypair: Keypair,
    is_new: bool,
}

impl Key {
    fn open(config: &LocalNetworkConfig, index: usize) -> Result<Self, StartError> {
        let name = name(index);
        let folder = config.folder.join("peers").join(&name);
        let passphrase = keyfile::passphrase()?;
        let passphrase = passphrase.as_ref().map(|text| text.as_str());
        let found = keyfile::open_or_create(&folder.join("key.json"), passphrase)?;
        Ok(Key {
            name,
            folder,
            keypair: found.keypair,
            is_new: found.is_new,
        })
    }
}

/// `a` to `z`, then `a1` to `z1`, and so on.
fn name(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

fn marine(config: &LocalNetworkConfig, keys: &[Key]) -> Result<Marine, StartError> {
    let secret: Hash = match keys.first() {
        Some(key) => keccak256(&[b"weir/compiled", &key.keypair.secret()[..]]),
        None => Hash::from([0; 32]),
    };
    let cache = CacheConfig {
        folder: config.folder.join("compiled"),
        secret: *secret.as_bytes(),
        bytes_max: COMPILED_BYTES_MAX,
    };
    Ok(Marine::new(MarineConfig {
        cache: Some(cache),
        compiler: config.compiler.clone(),
        ..MarineConfig::default()
    })?)
}

/// Makes sure that the node has these services, of these components.
async fn deploy(node: &NodeHandle, wanted: &[Deployment]) -> Result<Vec<Deployed>, StartError> {
    for deployment in wanted {
        let failed = |source: DeployError| StartError::Deploy {
            service: deployment.id.to_string(),
            source: Box::new(source),
        };
        let blueprint = Cid::of_raw(&deployment.component).to_string();
        let services = node
            .services()
            .await
            .map_err(|stopped| failed(stopped.into()))?;
        match services
            .iter()
            .find(|deployed| deployed.service.id == deployment.id)
        {
            Some(deployed)
                if *deployed.service.blueprint == *blueprint && !deployed.signatures.is_empty() =>
            {
                continue;
            }
            Some(_) => node.replace(deployment.clone()).await.map_err(failed)?,
            None => node.deploy(deployment.clone()).await.map_err(failed)?,
        };
    }
    node.services().await.map_err(|stopped| StartError::Deploy {
        service: String::new(),
        source: Box::new(stopped.into()),
    })
}

/// Connects each with each, now and whenever a connection is lost.
async fn connect(peers: &[LocalPeer]) {
    let pairs = peers
        .iter()
        .enumerate()
        .flat_map(|(index, to)| peers.iter().skip(index + 1).map(move |from| (from, to)));
    let connected = pairs.map(|(from, to)| async move {
        if let Err(error) = from.node.connect(to.node.contact()).await {
            tracing::warn!(from = %from.name, to = %to.name, %error, "not connected yet");
        }
        // If the node is gone, its own error says so.
        let _ = from.node.keep(to.node.contact()).await;
    });
    join_all(connected).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_letters_and_never_repeat() {
        let names: Vec<String> = (0..100).map(super::name).collect();
        assert_eq!(names[..3], ["a", "b", "c"]);
        assert_eq!(names[26], "a1");
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }
}
