//! Starts a node.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use weir_identity::{Cid, keccak256};
use weir_marine::{Marine, Module, States};
use weir_peer::{Peer, PeerConfig, Service, store::COLD};

use crate::clock;
use crate::components::Components;
use crate::config::NodeConfig;
use crate::driver::{Driver, Parts};
use crate::effects::Effects;
use crate::error::{StartError, panicked};
use crate::evidence::Keeper;
use crate::executor::{Executor, WASM};
use crate::handle::NodeHandle;
use crate::keyfile::random;
use crate::metrics::{self, Meters};
use crate::proofs::Proofs;
use crate::store::{Birth, Durability, StateTable, Store, StoreError};
use crate::transport::Transport;

const STORE_FILE: &str = "store.redb";
const COMPONENTS_FOLDER: &str = "components";

/// A node that starts. The body of an `async fn` is compiled by everyone who waits for it, and below this one lies the
/// whole network; so it is compiled here, once.
pub type Starting = Pin<Box<dyn Future<Output = Result<NodeHandle, StartError>> + Send>>;

/// A peer with sockets, a store and Wasm.
#[derive(Debug)]
pub struct Node;

impl Node {
    /// Opens the folder, restores the peer from it, loads the components of
    /// its services, and begins to listen. When this returns, the node works.
    pub fn start(config: NodeConfig) -> Starting {
        Box::pin(Self::start_on(config, Store::open))
    }

    /// Starts with the store that `open` gives.
    pub(crate) async fn start_on(
        config: NodeConfig,
        open: impl FnOnce(&Path, Durability, Birth) -> Result<Store, StoreError> + Send + 'static,
    ) -> Result<NodeHandle, StartError> {
        let template = Arc::new(config.clone());
        let folder = |source| StartError::Folder {
            path: config.folder.clone(),
            source,
        };
        std::fs::create_dir_all(&config.folder).map_err(folder)?;
        let components = Components::open(&config.folder.join(COMPONENTS_FOLDER))?;
        let (store, records) = {
            let path = config.folder.join(STORE_FILE);
            let birth = Birth {
                at_ms: clock::now().ms(),
                with_key: config.keypair_is_new,
            };
            let durability = config.durability;
            blocking(move || {
                let store = open(&path, durability, birth)?;
                let records = store.scan_before(&[COLD])?;
                Ok::<_, StartError>((store, records))
            })
            .await?
        };
        let transport =
            Transport::start(&config.keypair, &config.listen, config.transport.clone()).await?;
        let peer = Peer::restore(
            peer_config(&config, &store, &transport)?,
            records,
            clock::now(),
        )?;

        // The same after a crash, so that an effect that is tried again has the same key.
        let salt = keccak256(&[b"weir/salt", &config.keypair.secret()[..]]);
        let (finish, finished) = mpsc::unbounded_channel();
        let store = Arc::new(store);
        let states = States::open(StateTable::of(&store), config.states)?;
        let evidence = store.evidence_index()?;
        let proven = evidence.iter().map(|indexed| indexed.component).collect();
        let keeper = Keeper::restore(config.evidence, evidence);
        let proofs = Proofs::new(
            &store,
            states.clone(),
            components.clone(),
            config.marine.clone(),
        );
        let effects = Effects::new(
            config.effects.clone(),
            &config.folder,
            config.keypair.clone(),
        );
        let effects = Arc::new(effects.map_err(StartError::Effects)?);
        let blobs = effects.blobs().clone();
        let mut executor = Executor::new(
            config.calls.clone(),
            *salt.as_bytes(),
            states.clone(),
            effects,
            finish,
        );
        for (blueprint, module) in modules(&peer, &config, &components, proven).await {
            if let Err(reason) = &module {
                tracing::error!(%blueprint, reason, "a component cannot be loaded, its services will fail");
            }
            executor.install(blueprint, module);
        }

        let (commands, orders) = mpsc::channel(config.driver.commands.max(1));
        let (addresses, listening) = watch::channel(transport.addresses().to_vec());
        let (stopped, is_stopped) = watch::channel(None);
        let meters = Arc::new(Meters::default());
        let component_bytes = config.driver.component_bytes;
        let driver = Driver::new(Parts {
            peer,
            keypair: config.keypair.clone(),
            peer_limits: config.limits.clone(),
            store,
            states,
            keeper,
            proofs: proofs.clone(),
            transport,
            executor,
            limits: config.driver,
            meters: meters.clone(),
            commands: orders,
            finished,
            addresses,
            announce: config.announce,
        });
        let mut handle = NodeHandle {
            peer: config.keypair.peer_id(),
            commands,
            addresses: listening,
            stopped: is_stopped,
            metrics: None,
            marine: config.marine,
            components,
            proofs,
            component_bytes,
            blobs,
            config: template,
        };
        if let Some(address) = config.metrics {
            let bound = metrics::serve(address, handle.clone(), meters).await;
            handle.metrics = Some(bound.map_err(|reason| StartError::Metrics { address, reason })?);
        }
        tokio::spawn(async move {
            let run = AssertUnwindSafe(driver.run(stopped.clone())).catch_unwind();
            if run.await.is_err() {
                stopped.send_replace(Some(panicked("driver")));
            }
        });
        for contact in config.bootstrap {
            // The driver has only just begun; if it is gone already, the handle says why.
            let _ = handle.keep(contact).await;
        }
        tracing::info!(peer = %handle.peer, addresses = ?handle.addresses(), "the node works");
        Ok(handle)
    }
}

fn peer_config(
    config: &NodeConfig,
    store: &Store,
    transport: &Transport,
) -> Result<PeerConfig, StartError> {
    let mut seed = [0; 8];
    random(&mut seed).map_err(StartError::Randomness)?;
    let birth = store.birth();
    let told = config.announce.as_deref().unwrap_or(transport.addresses());
    Ok(PeerConfig {
        network: config.network.clone(),
        limits: config.limits.clone(),
        shared: config.shared.clone(),
        store_born: (!birth.with_key).then_some(weir_peer::Timestamp(birth.at_ms)),
        // Half of the range, so that the numbers that count from it do not overflow.
        token_seed: u64::from_le_bytes(seed) >> 1,
        manager: config.manager,
        addresses: told
            .iter()
            .map(|address| Arc::from(address.to_string()))
            .collect(),
        relays: config.relays.clone(),
        relay: config.relay,
        employment: config.employment.clone(),
        ..PeerConfig::new(config.keypair.clone())
    })
}

/// The modules of all services, by blueprint. Other components are deleted, but those of calls of which evidence is
/// kept.
async fn modules(
    peer: &Peer,
    config: &NodeConfig,
    components: &Components,
    proven: BTreeSet<Cid>,
) -> Vec<(Arc<str>, Result<Module, String>)> {
    let is_wasm = |service: &&Service| &*service.kind == WASM;
    let mut blueprints: Vec<Arc<str>> = peer
        .services()
        .iter()
        .filter(is_wasm)
        .map(|s| s.blueprint.clone())
        .collect();
    blueprints.sort();
    blueprints.dedup();
    let (marine, components) = (config.marine.clone(), components.clone());
    blocking(move || {
        // What is left over from removed services and from a crash.
        let is_used = |cid: &Cid| {
            let name = cid.to_string();
            proven.contains(cid) || blueprints.iter().any(|blueprint| **blueprint == name)
        };
        if let Err(error) = components.retain(is_used) {
            tracing::warn!(%error, "cannot tidy up the components");
        }
        let load = |blueprint: Arc<str>| {
            let module = load(marine.as_ref(), &components, &blueprint);
            (blueprint, module)
        };
        blueprints.into_iter().map(load).collect()
    })
    .await
}

fn load(
    marine: Option<&Marine>,
    components: &Components,
    blueprint: &str,
) -> Result<Module, String> {
    let marine = marine.ok_or("this node runs no components")?;
    let cid: Cid = blueprint
        .parse()
        .map_err(|_| "its blueprint is not the CID of a component")?;
    let bytes = components.read(&cid).map_err(|error| error.to_string())?;
    let source = Arc::new(components.clone());
    let module = marine.load_from(&bytes, source);
    module.map_err(|error| error.to_string())
}

/// Runs what blocks on a thread for that, and passes its panic on.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
