//! Nodes in a market, and packages for them.

#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "../../../chain/tests/support/mod.rs"]
pub mod chain;
pub mod ledger;
#[path = "../../../node/tests/support/mod.rs"]
pub mod nodes;
pub mod stage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use chain::{TOKEN, Town, terms};
use nodes::Folder;
use weir_agent::{Agent, AgentConfig, AgentHandle};
use weir_node::NodeHandle;
use weir_package::{Builder, Built, Grants, Source};
use weir_peer::deals::{Policy, Timing};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A node that can have workers.
pub async fn host(folder: &Folder, seed: u8) -> NodeHandle {
    let mut config = nodes::with_wasm(nodes::node(folder, seed));
    config.relay = true;
    nodes::start(config).await
}

/// What follows the market for a node, and takes deals that pay a token.
pub async fn agent(
    town: &Town,
    host: &NodeHandle,
    keep_ms: u64,
    (sources, patience): (Vec<Arc<dyn Source>>, Duration),
) -> AgentHandle {
    let mut config = config(town, host);
    config.timing.keep_ms = keep_ms;
    (config.sources, config.patience) = (sources, patience);
    Agent::start(config).await.expect("it starts")
}

/// How it is set up: it keeps nothing of what is over, and has no packages.
pub fn config(town: &Town, host: &NodeHandle) -> AgentConfig {
    let token = weir_identity::Address::from(town.deployment.pay_token.into_array());
    AgentConfig {
        host: host.clone(),
        folder: market(host),
        client: town.client.clone(),
        deployment: town.deployment.clone(),
        provider: None,
        terms: terms(),
        policy: Policy {
            prices: BTreeMap::from([(token, TOKEN)]),
            ..Policy::default()
        },
        timing: Timing {
            keep_ms: 0,
            retry_ms: 50,
            ..Timing::default()
        },
        sources: Vec::new(),
        patience: Duration::from_secs(30),
        poll: Duration::from_millis(20),
    }
}

/// What the agent of a node keeps.
pub fn market(host: &NodeHandle) -> PathBuf {
    host.config().folder.join("market")
}

/// A package whose service multiplies by a factor.
pub fn package(factor: u32) -> Built {
    let service = nodes::multiplier(factor);
    let mut package = Builder::new("doubler", "1.0.0");
    package
        .service(&service.id, service.component, Grants::default(), [])
        .expect("it is a service");
    package.build().expect("it is a package")
}

pub fn cid(package: &Built) -> Bytes {
    Bytes::copy_from_slice(&package.cid().to_bytes())
}

pub fn module_set(package: &Built) -> B256 {
    B256::from(package.root().module_set_hash().to_bytes())
}

pub fn entries(path: &Path) -> usize {
    std::fs::read_dir(path).map_or(0, Iterator::count)
}
