//! Endpoints that say what is not so.

use serde_json::{Value, json};
use weir_identity::PeerId;

use crate::endpoints::asking;
use crate::support::chain::Chain;
use crate::support::chain::liar::{Liar, Lie};
use crate::support::stage::Stage;
use crate::support::{entries, market, module_set, package};

/// Another chain than that of the market.
const OTHER: u64 = 1;

/// A worker that serves in deal 1.
async fn serving(stage: &Stage) -> PeerId {
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    worker
}

/// The worker is there and answers, and nothing was sent that it does not need.
async fn is_untouched(stage: &Stage, worker: PeerId) {
    stage.until_answer(worker, 42).await;
    assert_eq!(entries(&market(&stage.host).join("workers")), 1);
    stage.sent_once().await;
}

/// More blocks than a reorganisation is followed.
async fn many_blocks(stage: &Stage) {
    let mined = stage.town.client.mine(80).await;
    mined.expect("it makes blocks");
}

/// The deal ends, and nothing is left of its worker.
async fn over(stage: &Stage) {
    stage.end("end").await;
    stage.town.pass(2).await;
    stage.gone().await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_to_the_operator_and_costs_no_worker() {
    let chain = Chain::embedded().await;
    let other = Chain::numbered(OTHER).await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let stage = asking(&chain, &[&liar.url], 0).await;
    let worker = serving(&stage).await;
    many_blocks(&stage).await;
    let say = |method, what: Value| Lie::Say(method, what);
    let lies = [
        (
            Lie::Elsewhere(other.url.clone()),
            "it serves chain 1, not 31337",
        ),
        (
            say("eth_blockNumber", json!("0x1")),
            "its last block went back from",
        ),
        (
            say("eth_blockNumber", json!("0xffffffffffffffff")),
            "which no chain has reached",
        ),
        (
            say("eth_getBlockByNumber", Value::Null),
            "reorganised by more than 64 blocks",
        ),
        (
            say("eth_call", json!("0x")),
            "the chain says what cannot be",
        ),
        (
            say("eth_call", json!(format!("0x{}", "00".repeat(2048)))),
            "the chain says what cannot be",
        ),
        (
            say("eth_call", json!(format!("0x{}", "ff".repeat(2048)))),
            "the chain says what cannot be",
        ),
    ];
    for (lie, words) in lies {
        liar.now(lie);
        many_blocks(&stage).await;
        stage.troubled(words).await;
        is_untouched(&stage, worker).await;
        liar.now(Lie::Honest);
        stage.untroubled().await;
        is_untouched(&stage, worker).await;
    }
    over(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_while_another_chain_answers() {
    let chain = Chain::embedded().await;
    let other = Chain::numbered(OTHER).await;
    let liar = Liar::before(&chain.url, Lie::Elsewhere(other.url.clone())).await;
    let stage = asking(&chain, &[&liar.url], 0).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    stage.troubled("it serves chain 1, not 31337").await;
    assert_eq!(
        entries(&market(&stage.host).join("transactions")),
        1,
        "the lock"
    );
    liar.now(Lie::Honest);
    let worker = stage.active().await;
    is_untouched(&stage, worker).await;
    stage.agent.shutdown().await;
}

/// The agent begins anew with an endpoint that keeps all events back: nothing would tell of its worker.
async fn began_without_events(stage: &mut Stage, liar: &Liar) {
    let keep_back = async |stage: &Stage| {
        liar.now(Lie::Say("eth_getLogs", json!([])));
        many_blocks(stage).await;
    };
    stage.restarted(keep_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_kept_back_are_missed_and_read_again() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let mut stage = asking(&chain, &[&liar.url], 0).await;
    let worker = serving(&stage).await;
    began_without_events(&mut stage, &liar).await;
    stage
        .troubled("are busy, and they told of workers with 0")
        .await;
    many_blocks(&stage).await;
    is_untouched(&stage, worker).await;
    liar.now(Lie::Honest);
    stage.untroubled().await;
    is_untouched(&stage, worker).await;
    over(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_endpoint_tells_what_the_first_keeps_back() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let mut stage = asking(&chain, &[&liar.url, &chain.url], 0).await;
    let worker = serving(&stage).await;
    began_without_events(&mut stage, &liar).await;
    is_untouched(&stage, worker).await;
    over(&stage).await;
}
