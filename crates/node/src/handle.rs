//! How the rest of a program talks to a node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use weir_avm::Export;
use weir_identity::{Cid, PeerId};
use weir_marine::{Grants, Marine, Mode, Module};
use weir_peer::deals::DealTable;
use weir_peer::{
    Batch, ClientFunctions, Contact, Metrics, ParticleId, Service, ServiceError, StoredRecord,
    Submit, SubmitError,
};

use crate::blocks::BlockExchange;
use crate::components::Components;
use crate::config::NodeConfig;
use crate::effects::Blobs;
use crate::error::{DeployError, ExportFailure, RecordsFailure, Stopped, SubmitFailure};
use crate::executor::{WASM, blueprint, interface};
use crate::keyfile::random;
use crate::news::Submitted;
use crate::proofs::Proofs;
use crate::transport::Multiaddr;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// A particle to start.
#[derive(Debug, Clone)]
pub struct Request {
    /// AIR text.
    pub script: Arc<str>,
    /// Time to live.
    pub ttl: Duration,
    /// What the submitter answers; see [`ClientFunctions`].
    pub client: Option<ClientFunctions>,
    /// Keep the log after expiry, until [`NodeHandle::forget`].
    pub keep: bool,
}

impl Request {
    /// A script that asks nothing of its submitter but to be told results.
    pub fn new(script: impl Into<Arc<str>>, ttl: Duration) -> Self {
        Request {
            script: script.into(),
            ttl,
            client: Some(ClientFunctions::default()),
            keep: false,
        }
    }
}

/// A service to deploy.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its id, unique on the peer.
    pub id: Arc<str>,
    /// Further names.
    pub aliases: Vec<Arc<str>>,
    /// The bytes of the component.
    pub component: Vec<u8>,
    /// What the service may use, if that is to be less than what its manifest asks for and the operator allows.
    pub grants: Option<Grants>,
}

/// A deployed service.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// As the peer knows it.
    pub service: Service,
    /// Its functions with their types, as WIT writes them.
    pub signatures: Vec<String>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The peer was not reached.
    #[error("peer {peer} was not reached: {reason}")]
    Unreachable {
        /// Which peer.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// The node does not work any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Hears whether a change of the services was made.
pub(crate) type Done = oneshot::Sender<Result<(), ServiceError>>;

/// A part of what the store has under a prefix.
#[derive(Debug)]
pub(crate) struct RecordsPage {
    pub(crate) prefix: Vec<u8>,
    /// The key behind which it begins.
    pub(crate) after: Option<Vec<u8>>,
    /// How many records at most.
    pub(crate) most: usize,
}

/// What handles ask of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Submit(Box<Submit>, oneshot::Sender<Result<Submitted, SubmitError>>),
    Register(Box<(Service, Module)>, Done),
    Replace(Box<(Service, Module)>, Done),
    Remove(Arc<str>, Done),
    Services(oneshot::Sender<Vec<Deployed>>),
    Connect(Contact, oneshot::Sender<Result<(), String>>),
    Keep(Contact),
    Nudge(ParticleId),
    Export(ParticleId, oneshot::Sender<Result<Export, ExportFailure>>),
    Forget(ParticleId, oneshot::Sender<()>),
    Metrics(oneshot::Sender<Metrics>),
    Deals(Arc<DealTable>),
    Blocks(Option<Arc<dyn BlockExchange>>),
    Records(
        RecordsPage,
        oneshot::Sender<Result<Vec<StoredRecord>, String>>,
    ),
    Write(Batch, oneshot::Sender<()>),
    Stop,
}

/// A running node. Cheap to clone; the node runs until [`NodeHandle::shutdown`]
/// or until its store fails.
#[derive(Debug, Clone)]
pub struct NodeHandle {
    pub(crate) peer: PeerId,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) addresses: watch::Receiver<Vec<Multiaddr>>,
    pub(crate) stopped: watch::Receiver<Option<String>>,
    pub(crate) metrics: Option<std::net::SocketAddr>,
    pub(crate) marine: Option<Marine>,
    pub(crate) components: Components,
    pub(crate) proofs: Proofs,
    pub(crate) component_bytes: usize,
    pub(crate) blobs: Blobs,
    pub(crate) config: Arc<NodeConfig>,
}

impl NodeHandle {
    /// Who this is.
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// Where the node listens, without the part that names the peer.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.addresses.borrow().clone()
    }

    /// The node as others need it to reach it.
    pub fn contact(&self) -> Contact {
        let addresses = self
            .addresses
            .borrow()
            .iter()
            .map(|address| Arc::from(address.to_string()))
            .collect();
        Contact {
            peer: self.peer,
            addresses,
        }
    }

    /// What it was started with.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Where metrics are offered.
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.metrics
    }

    /// Starts a particle. When this returns, it survives what the store's
    /// durability promises.
    pub async fn submit(&self, request: Request) -> Result<Submitted, SubmitFailure> {
        let mut nonce = [0; 16];
        random(&mut nonce).map_err(SubmitFailure::Randomness)?;
        let submit = Submit {
            script: request.script,
            nonce,
            ttl_ms: u64::try_from(request.ttl.as_millis()).unwrap_or(u64::MAX),
            timestamp: None,
            client: request.client,
            keep: request.keep,
        };
        let answer = self
            .ask(|reply| Command::Submit(Box::new(submit), reply))
            .await?;
        Ok(answer?)
    }

    /// Makes a service of a component: checks it, compiles it, keeps its
    /// bytes, and registers it. Compiling a component that was not seen before
    /// takes in the order of a second.
    pub async fn deploy(&self, deployment: Deployment) -> Result<Deployed, DeployError> {
        self.install(deployment, Command::Register).await
    }

    /// Gives a service that is there another component, in the same way. It
    /// answers all the time: calls that have begun end with the old one, later
    /// ones are executed by the new one. Its state stays as it is.
    pub async fn replace(&self, deployment: Deployment) -> Result<Deployed, DeployError> {
        self.install(deployment, Command::Replace).await
    }

    async fn install(
        &self,
        deployment: Deployment,
        command: fn(Box<(Service, Module)>, Done) -> Command,
    ) -> Result<Deployed, DeployError> {
        let Deployment {
            id,
            aliases,
            component,
            grants,
        } = deployment;
        let (bytes, limit) = (component.len(), self.component_bytes);
        if bytes > limit {
            return Err(DeployError::TooLarge { bytes, limit });
        }
        let marine = self.marine.clone().ok_or(DeployError::NoRuntime)?;
        let components = self.components.clone();
        let source = Arc::new(components.clone());
        let work = move || {
            let module = marine.load_from(&component, source)?;
            Ok::<_, weir_marine::Error>((module, component))
        };
        let (module, component) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| self.stopped())??;
        let _change = self.components.change().await;
        tokio::task::spawn_blocking(move || components.keep(&component))
            .await
            .map_err(|_| self.stopped())??;
        let service = Service {
            id,
            kind: Arc::from(WASM),
            blueprint: blueprint(&module.cid()),
            interface: interface(module.functions()),
            owner: self.peer,
            aliases: aliases.into_iter().collect(),
            // What a call makes of the state is written with its outcome, or neither is. Effects are another matter.
            idempotent: !module.has_effects(),
            exclusive: changing(&module),
            terms: grants.map(|grants| grants.to_value()),
        };
        let deployed = Deployed {
            service: service.clone(),
            signatures: signatures(&module),
        };
        self.ask(|reply| command(Box::new((service, module)), reply))
            .await??;
        Ok(deployed)
    }

    /// Removes a service and its aliases, and its component if no other
    /// service and no evidence of a call needs it.
    pub async fn remove(&self, service: &str) -> Result<(), DeployError> {
        let _change = self.components.change().await;
        self.ask(|reply| Command::Remove(Arc::from(service), reply))
            .await??;
        if let Err(error) = self.blobs.forget(service).await {
            tracing::warn!(
                ?error,
                service,
                "cannot delete the blobs of a service that was removed"
            );
        }
        let services = self.services().await?;
        let (components, proofs) = (self.components.clone(), self.proofs.clone());
        let tidy = move || {
            let Some(proven) = proofs.components() else {
                return;
            };
            let is_used = |cid: &Cid| {
                let name = cid.to_string();
                let mut services = services.iter();
                proven.contains(cid)
                    || services.any(|deployed| *deployed.service.blueprint == *name)
            };
            // The service is gone; what stays behind is deleted at the next start.
            if let Err(error) = components.retain(is_used) {
                tracing::warn!(%error, "cannot tidy up the components");
            }
        };
        if tokio::task::spawn_blocking(tidy).await.is_err() {
            tracing::warn!("tidying up the components panicked");
        }
        Ok(())
    }

    /// All services, by id.
    pub async fn services(&self) -> Result<Vec<Deployed>, Stopped> {
        self.ask(Command::Services).await
    }

    /// Connects to a peer.
    pub async fn connect(&self, contact: Contact) -> Result<(), ConnectError> {
        let peer = contact.peer;
        let unreachable = |reason| ConnectError::Unreachable { peer, reason };
        let connected = self.ask(|reply| Command::Connect(contact, reply));
        match tokio::time::timeout(CONNECT, connected).await {
            Ok(answer) => answer?.map_err(unreachable),
            Err(_) => Err(unreachable(format!("no answer in {} s", CONNECT.as_secs()))),
        }
    }

    /// Stays connected with a peer from now on.
    pub async fn keep(&self, contact: Contact) -> Result<(), Stopped> {
        self.tell(Command::Keep(contact)).await
    }

    /// Asks those whom a particle waits for what they know, now and not only
    /// when a peer does that by itself, after seconds.
    pub async fn nudge(&self, particle: ParticleId) -> Result<(), Stopped> {
        self.tell(Command::Nudge(particle)).await
    }

    /// The signed log of a particle that is running here or was submitted with
    /// [`Request::keep`].
    pub async fn export(&self, particle: ParticleId) -> Result<Export, ExportFailure> {
        self.ask(|reply| Command::Export(particle, reply)).await?
    }

    /// Deletes the kept log of a particle, or, while it runs, does not keep it.
    pub async fn forget(&self, particle: ParticleId) -> Result<(), Stopped> {
        self.ask(|reply| Command::Forget(particle, reply)).await
    }

    /// Counters and sizes of the peer.
    pub async fn metrics(&self) -> Result<Metrics, Stopped> {
        self.ask(Command::Metrics).await
    }

    /// Tells the peer what the market says of deals, in place of what it was told before.
    pub async fn tell_deals(&self, deals: Arc<DealTable>) -> Result<(), Stopped> {
        self.tell(Command::Deals(deals)).await
    }

    /// Lets the host service `blocks` answer for these packages; none for no packages.
    pub async fn offer_blocks(
        &self,
        exchange: Option<Arc<dyn BlockExchange>>,
    ) -> Result<(), Stopped> {
        self.tell(Command::Blocks(exchange)).await
    }

    /// What stands in the store under a prefix that the peer passes over ([`weir_peer::deals::prefix`]).
    ///
    /// # Errors
    /// The node has stopped, or the store cannot be read, which its text says.
    pub async fn records(&self, prefix: Vec<u8>) -> Result<Vec<StoredRecord>, RecordsFailure> {
        self.records_after(prefix, None, usize::MAX).await
    }

    /// The same from behind a key on, at most so many: for what is too much to be read at one time. What the peer wrote
    /// for all that was asked or told before is in it.
    ///
    /// # Errors
    /// As [`Self::records`].
    pub async fn records_after(
        &self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Vec<StoredRecord>, RecordsFailure> {
        let page = RecordsPage {
            prefix,
            after,
            most,
        };
        let read = self.ask(|reply| Command::Records(page, reply)).await?;
        read.map_err(RecordsFailure::Unreadable)
    }

    /// Writes records under such a prefix, all or none. They are durable when this returns.
    pub async fn write(&self, batch: Batch) -> Result<(), Stopped> {
        self.ask(|reply| Command::Write(batch, reply)).await
    }

    /// Stops the node and waits until its store is closed.
    pub async fn shutdown(&self) {
        // If it has stopped already, there is nothing to tell.
        let _ = self.tell(Command::Stop).await;
        self.wait_until_stopped().await;
    }

    /// Waits until the node has stopped, for whatever reason.
    pub async fn wait_until_stopped(&self) -> Stopped {
        // An error means that the node is gone without a word, which counts as well.
        let _ = self.stopped.clone().wait_for(Option::is_some).await;
        self.stopped()
    }

    async fn tell(&self, command: Command) -> Result<(), Stopped> {
        self.commands
            .send(command)
            .await
            .map_err(|_| self.stopped())
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await?;
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.wait_until_stopped().await),
        }
    }

    fn stopped(&self) -> Stopped {
        let reason = self.stopped.borrow().clone();
        Stopped {
            reason: reason.unwrap_or_else(|| "it is stopping".to_owned()),
        }
    }
}

/// The functions that change the state: one after the other, in the order in which they got their turn.
fn changing(module: &Module) -> BTreeSet<Arc<str>> {
    let functions = module.functions().iter();
    let changing = functions.filter(|function| function.mode() == Mode::Update);
    changing
        .map(|function| Arc::from(function.name()))
        .collect()
}

pub(crate) fn signatures(module: &Module) -> Vec<String> {
    module
        .functions()
        .iter()
        .map(weir_marine::Function::signature)
        .collect()
}
