//! Providers and customers that do not keep to anything, and two nodes that want the same.

use std::sync::Arc;

use alloy::primitives::{Address, U256};
use serde_json::json;
use weir_agent::{Agent, AgentHandle};
use weir_chain::bindings::Market;
use weir_chain::{Client, Sender, WorkerStatus, enter_market};

use crate::sources::held;
use crate::support::chain::liar::{Liar, Lie};
use crate::support::chain::{CHAIN_ID, Chain, TOKEN, Town, address, fund, key, plan};
use crate::support::ledger::{exited, settled};
use crate::support::nodes::{self, Folder};
use crate::support::stage::{NODE, Stage};
use crate::support::{config, host, package};

/// A node that is in the market and never runs.
const SLEEPER: u8 = 21;

/// Another provider, with that node.
async fn sleeper(town: &Town) -> Sender {
    let provider = town.person(11).await;
    let peers = [(&key(SLEEPER), 4)];
    enter_market((&town.client, &town.deployment), &provider, &plan(), &peers)
        .await
        .expect("it enters");
    town.pass(1).await;
    provider
}

/// Orders one worker from the node that never runs.
async fn ordered_from_sleeper(stage: &Stage) {
    let package = package(2);
    stage.publish(&package);
    stage.create(1, stage.input(&package), 30 * TOKEN).await;
    let entry = Market::Entry {
        peer: address(&key(SLEEPER)),
        firstUnit: 0,
    };
    let market = &stage.town.deployment;
    let call = market.match_deal(1, vec![entry], Vec::new(), true);
    let matched = stage.customer.send("match the sleeper", &call).await;
    matched.expect("it fits");
}

/// Frees the place of the node that never runs. Anybody may, once its time is over.
async fn released(stage: &Stage) {
    let market = &stage.town.deployment;
    let reader = stage.town.client.market(market);
    let worker = reader.worker_of(1, address(&key(SLEEPER))).await;
    let release = market.release_worker(worker.expect("it has a place"));
    let released = stage.customer.send("release", &release).await;
    released.expect("its time is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_activates_is_replaced() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let asleep = sleeper(&stage.town).await;
    ordered_from_sleeper(&stage).await;
    // It has this epoch and the two after it.
    stage.town.pass(3).await;
    released(&stage).await;
    stage.choose(1, 0, "match another").await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    stage.end("end").await;
    stage.town.pass(2).await;
    stage.gone().await;
    let providers = [&stage.provider, &asleep];
    let (town, customer) = (&stage.town, &stage.customer);
    settled(town, &[1], customer, &providers).await;
    exited(town, &asleep, address(&key(SLEEPER))).await;
    exited(town, &stage.provider, address(&nodes::key(NODE))).await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_provider_never_activates_gets_all_of_its_money_back() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let asleep = sleeper(&stage.town).await;
    ordered_from_sleeper(&stage).await;
    // A match of a deal that has ended can be released at once.
    stage.end("end").await;
    released(&stage).await;
    let providers = [&stage.provider, &asleep];
    let paid = settled(&stage.town, &[1], &stage.customer, &providers).await;
    assert_eq!(paid, U256::ZERO);
    exited(&stage.town, &asleep, address(&key(SLEEPER))).await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_that_ends_in_the_middle_of_the_installation_leaves_nothing() {
    let chain = Chain::embedded().await;
    let package = package(2);
    let (stage, gate, _folder) = held(&chain, &package).await;
    stage.end("end").await;
    stage.gone().await;
    gate.open();
    let free = free_units(&stage.town, address(&nodes::key(NODE))).await;
    assert_eq!(free, 4);
    let paid = settled(&stage.town, &[1], &stage.customer, &[&stage.provider]).await;
    assert_eq!(paid, U256::ZERO);
    // What comes late changes nothing.
    stage.gone().await;
    assert_eq!(stage.sent().await, 1, "its place was given back, once");
    exited(&stage.town, &stage.provider, address(&nodes::key(NODE))).await;
    stage.agent.shutdown().await;
}

async fn free_units(town: &Town, peer: Address) -> usize {
    let reader = town.client.market(&town.deployment);
    let known = reader.peers(&[peer]).await.expect("it is read");
    known[0].commitment.idleBits.count_ones()
}

/// A node of a provider of its own, whose agent looks for work.
struct Rival {
    provider: Sender,
    /// The numbers of the provider's key and of the node's.
    keys: (u8, u8),
}

impl Rival {
    async fn enter(town: &Town, keys: (u8, u8)) -> Self {
        let provider = town.person(keys.0).await;
        let node = nodes::key(keys.1);
        fund(&town.client, address(&node)).await;
        let peers = [(&*node, 4)];
        enter_market((&town.client, &town.deployment), &provider, &plan(), &peers)
            .await
            .expect("it enters");
        Self { provider, keys }
    }

    /// Its agent, which asks this endpoint.
    async fn agent(&self, town: &Town, folder: &Folder, url: &str) -> AgentHandle {
        let host = host(folder, self.keys.1).await;
        let mut config = config(town, &host);
        let client = Client::new(&[url.to_owned()], CHAIN_ID);
        config.client = client.expect("the URL is good");
        let packages = weir_package::Folder::open(&folder.of(99)).expect("it can be made");
        config.sources = vec![Arc::new(packages)];
        config.provider = Some(Arc::new(key(self.keys.0)));
        config.policy.claims = 1;
        Agent::start(config).await.expect("it starts")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_claim_one_place_one_gets_it_and_the_other_lets_go() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let town = &stage.town;
    let rivals = [
        Rival::enter(town, (11, 21)).await,
        Rival::enter(town, (12, 22)).await,
    ];
    town.pass(1).await;
    let package = package(2);
    stage.publish(&package);
    let input = Market::DealInput {
        openMatch: true,
        ..stage.input(&package)
    };
    stage.create(1, input, 30 * TOKEN).await;

    // Both have signed their claims before either is passed on, and both are in the next block.
    let liar = Liar::before(&chain.url, Lie::Drop(Some("eth_sendRawTransaction"))).await;
    let agents = [
        rivals[0].agent(town, &stage.folder, &liar.url).await,
        rivals[1].agent(town, &stage.folder, &liar.url).await,
    ];
    for agent in &agents {
        stage
            .until(async |_| {
                let standing = agent.standing().await.expect("it lives");
                !standing.troubles.is_empty()
            })
            .await;
    }
    town.blocks_by_themselves(false).await;
    liar.now(Lie::Honest);
    stage
        .until(async |_| town.control("txpool_status", ()).await["pending"] == json!("0x2"))
        .await;
    town.blocks_by_themselves(true).await;
    town.client.mine(1).await.expect("it makes blocks");

    let peers = rivals
        .each_ref()
        .map(|rival| address(&nodes::key(rival.keys.1)));
    let mut winner = None;
    stage
        .until(async |_| {
            for (number, peer) in peers.iter().enumerate() {
                if status(town, *peer).await == Some(WorkerStatus::Active) {
                    winner = Some(number);
                }
            }
            winner.is_some()
        })
        .await;
    let winner = winner.expect("it was waited for");
    let loser = &agents[1 - winner];
    stage
        .until(async |_| {
            let standing = loser.standing().await.expect("it lives");
            let mut lines = standing.report.deals.iter();
            let words = "the deal has all the workers that it wants";
            let knows = |why: &String| why.contains(words);
            standing.troubles.is_empty()
                && lines.any(|line| line.state == "claim failed" && line.why.iter().any(knows))
        })
        .await;
    assert_eq!(free_units(town, peers[winner]).await, 3);
    assert_eq!(free_units(town, peers[1 - winner]).await, 4);

    stage.end("end").await;
    town.pass(2).await;
    stage
        .until(async |_| status(town, peers[winner]).await.is_none())
        .await;
    let providers = [&stage.provider, &rivals[0].provider, &rivals[1].provider];
    settled(town, &[1], &stage.customer, &providers).await;
    for (rival, peer) in rivals.iter().zip(peers) {
        exited(town, &rival.provider, peer).await;
    }
    for agent in agents {
        agent.shutdown().await;
    }
    stage.agent.shutdown().await;
}

/// Where the worker of a peer is.
async fn status(town: &Town, peer: Address) -> Option<WorkerStatus> {
    let index = town.index().await;
    let view = town.client.market(&town.deployment).peer_view(peer, &index);
    let view = view.await.expect("the chain answers");
    Some(view.workers.first()?.member.status)
}
