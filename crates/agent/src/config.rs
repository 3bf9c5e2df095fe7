use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use weir_chain::{Client, Deployment, Terms};
use weir_identity::Keypair;
use weir_node::NodeHandle;
use weir_package::Source;
use weir_peer::deals::{Policy, Timing};

/// What an agent is told when it is started.
#[derive(Clone)]
pub struct AgentConfig {
    /// The node whose peer is in the market. It has to offer itself as a relay.
    pub host: NodeHandle,
    /// The folder for what the agent keeps. One agent at a time can use it.
    pub folder: PathBuf,
    /// The chain.
    pub client: Client,
    /// The market on it.
    pub deployment: Deployment,
    /// The key of the provider, with which places in open deals are claimed; without it none are. Everything else is
    /// sent by the peer's own account, which needs coins for gas.
    pub provider: Option<Arc<Keypair>>,
    /// What one transaction may cost.
    pub terms: Terms,
    /// Which deals are taken.
    pub policy: Policy,
    /// How long things take.
    pub timing: Timing,
    /// Where packages come from, the preferred one first. Behind them are, always, the other hosts of the deal and
    /// whoever brings blocks.
    pub sources: Vec<Arc<dyn Source>>,
    /// How long a block is waited for that comes from those.
    pub patience: Duration,
    /// How often the chain is asked for what is new.
    pub poll: Duration,
}

impl std::fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentConfig")
            .field("host", &self.host.peer_id())
            .field("folder", &self.folder)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
