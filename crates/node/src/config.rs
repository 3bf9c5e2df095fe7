//! What a node is told when it is started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use weir_identity::{Keypair, PeerId};
use weir_marine::Marine;
use weir_peer::{Contact, Employment, Limits, Shared};

use crate::effects::EffectsConfig;
use crate::evidence::EvidenceConfig;
use crate::store::Durability;
use crate::transport::{Multiaddr, TransportLimits};

/// Everything about a node. [`NodeConfig::new`] gives a client: it listens
/// nowhere, runs no components and relays for nobody.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The folder for the store and the components. One node at a time can
    /// use it.
    pub folder: PathBuf,
    /// The key of the peer.
    pub keypair: Arc<Keypair>,
    /// The key was made together with this folder: nothing can have been
    /// signed with it that the store does not know. Otherwise a new store
    /// takes no part in particles that are older than itself.
    pub keypair_is_new: bool,
    /// Network id. Particles of other networks are refused.
    pub network: Arc<str>,
    /// Where to listen; port 0 lets the system choose.
    pub listen: Vec<Multiaddr>,
    /// The addresses to tell others instead of those that are listened on.
    pub announce: Option<Vec<Multiaddr>>,
    /// Peers to stay connected with.
    pub bootstrap: Vec<Contact>,
    /// Peers that hold what arrives for this one while it cannot be reached.
    pub relays: Vec<Contact>,
    /// Whether to relay for others.
    pub relay: bool,
    /// Who may manage the peer beside itself.
    pub manager: Option<PeerId>,
    /// What acknowledged data survives.
    pub durability: Durability,
    /// Bounds of the peer.
    pub limits: Arc<Limits>,
    /// Caches that nodes of one process share.
    pub shared: Arc<Shared>,
    /// Bounds of the connections.
    pub transport: TransportLimits,
    /// Bounds of the node itself.
    pub driver: DriverLimits,
    /// The runtime for components, which nodes of one process share. Without
    /// one, services cannot be deployed.
    pub marine: Option<Marine>,
    /// Bounds of one call of a component. Its wall-clock limit is also at
    /// most what is left until the call's deadline.
    pub calls: weir_marine::Limits,
    /// Bounds of the states of services.
    pub states: weir_marine::StatesConfig,
    /// How much is kept of calls, for those who want to execute them again.
    /// For calls that know the state, the state that they found has to be kept
    /// as long.
    pub evidence: EvidenceConfig,
    /// What services may do outside, as far as this node allows it.
    pub effects: EffectsConfig,
    /// Where to offer metrics, on a loopback address; none for nowhere.
    pub metrics: Option<SocketAddr>,
    /// What the peer works for, if it is the worker of a deal.
    pub employment: Option<Employment>,
}

impl NodeConfig {
    /// A client with default limits.
    pub fn new(folder: PathBuf, keypair: Arc<Keypair>) -> Self {
        let limits = Arc::new(Limits::default());
        NodeConfig {
            folder,
            keypair,
            keypair_is_new: false,
            network: Arc::from("local"),
            listen: Vec::new(),
            announce: None,
            bootstrap: Vec::new(),
            relays: Vec::new(),
            relay: false,
            manager: None,
            durability: Durability::Process,
            shared: Arc::new(Shared::new(&limits)),
            limits,
            transport: TransportLimits::default(),
            driver: DriverLimits::default(),
            marine: None,
            calls: weir_marine::Limits::default(),
            states: weir_marine::StatesConfig {
                keep_roots_ms: EvidenceConfig::default().keep_ms,
                ..weir_marine::StatesConfig::default()
            },
            evidence: EvidenceConfig::default(),
            effects: EffectsConfig::default(),
            metrics: None,
            employment: None,
        }
    }

    /// The worker of a deal on a node with this configuration: a peer with a key, a folder and a store of its own. It
    /// has the runtime, the bounds and the permissions of its host, listens nowhere, and nobody reaches it until it is
    /// given relays.
    ///
    /// What it signs, money depends on, and a number given twice is a proof against it: so its store is to survive the
    /// loss of power whatever its host's does.
    #[must_use]
    pub fn worker(&self, folder: PathBuf, keypair: Arc<Keypair>, employment: Employment) -> Self {
        NodeConfig {
            network: self.network.clone(),
            durability: Durability::Power,
            shared: self.shared.clone(),
            limits: self.limits.clone(),
            transport: self.transport.clone(),
            driver: self.driver.clone(),
            marine: self.marine.clone(),
            calls: self.calls.clone(),
            states: self.states,
            evidence: self.evidence,
            effects: self.effects.clone(),
            employment: Some(employment),
            ..NodeConfig::new(folder, keypair)
        }
    }

    /// Listens on loopback, TCP and QUIC, on ports that the system chooses.
    #[must_use]
    pub fn listening_on_loopback(mut self) -> Self {
        self.listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"]
            .map(|address| address.parse().expect("these are addresses"))
            .to_vec();
        self
    }
}

/// The bounds of a node beside those of its peer and its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverLimits {
    /// Requests of handles that wait for the node. Further ones wait outside.
    pub commands: usize,
    /// News about one particle that its submitter has not taken yet. At the
    /// limit the news end with a note that some are missing.
    pub news: usize,
    /// Frames that are taken from the network at one time.
    pub frames_per_turn: usize,
    /// How long events are handled before what they call for is written and
    /// sent, in microseconds.
    pub turn_us: u64,
    /// Things to do that wait for the disk. At the limit nothing more is
    /// taken from the network.
    pub waiting: usize,
    /// Bytes of one component.
    pub component_bytes: usize,
}

impl Default for DriverLimits {
    fn default() -> Self {
        DriverLimits {
            commands: 1024,
            news: 65_536,
            frames_per_turn: 256,
            turn_us: 5_000,
            waiting: 16_384,
            component_bytes: 32 << 20,
        }
    }
}
