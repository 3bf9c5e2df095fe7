//! Endpoints of the chain that fail, and a wallet that is empty.

use std::time::Duration;

use alloy::primitives::U256;
use serde_json::json;
use weir_chain::Client;

use crate::support::chain::liar::{Liar, Lie};
use crate::support::chain::{CHAIN_ID, Chain, TOKEN, address};
use crate::support::ledger::settled;
use crate::support::nodes;
use crate::support::stage::{NODE, Stage};
use crate::support::{module_set, package};

/// Time enough for an honest answer of this machine, and little enough to wait for one that never comes.
const DEADLINE: Duration = Duration::from_secs(1);

const SEND: &str = "eth_sendRawTransaction";

/// For how long what is over is kept: the receipts of the last epoch are still to be committed.
const HOUR_MS: u64 = 3_600_000;

/// A stage whose agent asks these endpoints.
pub async fn asking(chain: &Chain, urls: &[&str], keep_ms: u64) -> Stage {
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    Stage::with(chain, move |config| {
        let client = Client::with_deadline(&urls, CHAIN_ID, DEADLINE);
        config.client = client.expect("the URLs are good");
        config.timing.keep_ms = keep_ms;
    })
    .await
}

/// The deal is over and all of it is accounted for.
async fn well_ended(stage: &Stage) {
    stage.until(async |_| stage.worker().await.is_none()).await;
    stage.untroubled().await;
    stage.sent_once().await;
    let paid = settled(&stage.town, &[1], &stage.customer, &[&stage.provider]).await;
    assert!(paid >= U256::from(TOKEN), "the committed epoch: {paid}");
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_a_while_costs_a_deal_nothing() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let stage = asking(&chain, &[&liar.url], HOUR_MS).await;
    let package = package(2);

    // It stalls while the node is matched, and then does not say that it passed the activation on.
    liar.now(Lie::Stall(None));
    stage.order(&package, module_set(&package)).await;
    stage.troubled("no answer within 1000 ms").await;
    assert_eq!(stage.sent().await, 0);
    liar.now(Lie::Lose(SEND));
    let worker = stage.active().await;
    liar.now(Lie::Honest);
    stage.until_answer(worker, 42).await;

    // It is gone while an epoch ends: the worker answers, and the receipts are committed when it is back.
    liar.now(Lie::Drop(None));
    stage.troubled("no endpoint of the chain answers").await;
    let first = stage.town.epoch().await + 1;
    stage.town.pass(2).await;
    stage.until_answer(worker, 42).await;
    liar.now(Lie::Lose(SEND));
    stage.committed(first).await;
    liar.now(Lie::Honest);
    stage.untroubled().await;

    // It talks nonsense while the deal ends.
    liar.now(Lie::Babble);
    stage.troubled("its answer is no JSON-RPC").await;
    stage.end("end").await;
    stage.until_answer(worker, 42).await;
    stage.town.pass(2).await;
    liar.now(Lie::Honest);
    well_ended(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_endpoint_carries_a_deal_through() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Stall(None)).await;
    let stage = asking(&chain, &[&liar.url, &chain.url], HOUR_MS).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    liar.now(Lie::Lose(SEND));
    stage.until_answer(worker, 42).await;
    liar.now(Lie::Say("eth_chainId", json!("0x1")));
    let first = stage.town.epoch().await + 1;
    stage.town.pass(2).await;
    stage.committed(first).await;
    liar.now(Lie::Babble);
    stage.until_answer(worker, 42).await;
    stage.end("end").await;
    stage.town.pass(2).await;
    liar.now(Lie::Drop(None));
    well_ended(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_coins_says_so_and_goes_on_when_it_has_some() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let (client, node) = (&stage.town.client, address(&nodes::key(NODE)));
    let poor = client.set_coins(node, U256::ZERO).await;
    poor.expect("it is a development chain");
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    stage.troubled("send it some").await;
    stage.troubled(&node.to_string()).await;
    assert_eq!(stage.sent().await, 0);
    let rich = client.set_coins(node, U256::from(TOKEN)).await;
    rich.expect("it is a development chain");
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    stage.sent_once().await;
    stage.agent.shutdown().await;
}
