//! A chain that takes back its last ten blocks, with what a node did in them.

use std::time::Duration;

use alloy::primitives::U256;
use serde_json::Value;
use weir_chain::WorkerStatus;
use weir_identity::{PeerId, Value as Answer};

use crate::sources::held;
use crate::support::chain::{Chain, TOKEN, Town};
use crate::support::ledger::settled;
use crate::support::stage::Stage;
use crate::support::{entries, market, module_set, package};

/// How deep the chain is reorganised.
const DEPTH: u64 = 10;

/// For how long what is over is kept, in the tests where it may come back.
const HOUR_MS: u64 = 3_600_000;

/// How long an answer is waited for that may not come.
const WAIT: Duration = Duration::from_secs(1);

/// A block to which the chain can go back.
struct Moment {
    block: u64,
    snapshot: Value,
}

impl Moment {
    async fn of(town: &Town) -> Self {
        Self {
            block: head(town).await,
            snapshot: town.control("evm_snapshot", ()).await,
        }
    }

    /// Takes back what happened since, ten blocks deep.
    async fn undo(self, town: &Town) {
        let more = self.block + DEPTH - head(town).await;
        let more = u32::try_from(more).expect("not much happened");
        town.client.mine(more).await.expect("it makes blocks");
        let back = town.control("evm_revert", (self.snapshot,)).await;
        assert_eq!(back, true);
    }
}

/// The chain gets as long as it was.
async fn goes_on(town: &Town) {
    let blocks = u32::try_from(DEPTH).expect("it is ten");
    town.client.mine(blocks).await.expect("it makes blocks");
}

async fn head(town: &Town) -> u64 {
    town.client.block_number().await.expect("it answers")
}

/// A worker that serves, and the moment before it was matched.
async fn served_since(stage: &Stage) -> (PeerId, Moment) {
    let package = package(2);
    stage.publish(&package);
    stage.create(1, stage.input(&package), 30 * TOKEN).await;
    let before = Moment::of(&stage.town).await;
    stage.choose(1, 0, "match").await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    (worker, before)
}

/// Whether the worker answers its host.
async fn answers(stage: &Stage, worker: PeerId) -> bool {
    let (function, args) = (("doubler", "double"), [Answer::from(21_u64)]);
    let asked = stage.host.ask_peer(worker, function, &args, WAIT);
    asked.await.is_ok()
}

/// The deal ends, and every token is somewhere. Says what the customer paid.
async fn ended(stage: &Stage, name: &str) -> U256 {
    stage.end(name).await;
    stage.town.pass(2).await;
    // Nothing is decided before the block in which the last transaction was, on either chain.
    goes_on(&stage.town).await;
    stage.until(async |_| stage.worker().await.is_none()).await;
    settled(&stage.town, &[1], &stage.customer, &[&stage.provider]).await
}

/// Nothing was sent twice, and when the deal is over nothing is left of its worker.
async fn well_ended(stage: &Stage) {
    stage.sent_once().await;
    ended(stage, "end").await;
    stage.gone().await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_is_taken_back_stops_its_worker_and_leaves_nothing() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let (worker, before) = served_since(&stage).await;
    assert!(answers(&stage, worker).await);
    before.undo(&stage.town).await;
    stage
        .told("it is stopped and kept for 64 more blocks")
        .await;
    stage.until(async |_| !answers(&stage, worker).await).await;
    assert_eq!(entries(&market(&stage.host).join("workers")), 1);
    stage.town.client.mine(64).await.expect("it makes blocks");
    stage.gone().await;
    assert_eq!(ended(&stage, "end").await, U256::ZERO);
    assert_eq!(stage.sent().await, 0, "what it sent was taken back");
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_is_taken_back_and_made_again_goes_on_with_the_same_worker() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let (worker, before) = served_since(&stage).await;
    before.undo(&stage.town).await;
    stage.told("it is stopped and kept for").await;
    stage.choose(1, 0, "match again").await;
    goes_on(&stage.town).await;
    assert_eq!(stage.active().await, worker);
    stage.until_answer(worker, 42).await;
    well_ended(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_that_is_taken_back_is_sent_again() {
    let chain = Chain::embedded().await;
    let package = package(2);
    let (stage, gate, _folder) = held(&chain, &package).await;
    let matched = Moment::of(&stage.town).await;
    gate.open();
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    matched.undo(&stage.town).await;
    stage.told("it is not active yet").await;
    let status = stage.worker().await;
    assert!(matches!(status, Some((WorkerStatus::Matched { .. }, _))));
    goes_on(&stage.town).await;
    assert_eq!(stage.active().await, worker);
    stage.until_answer(worker, 42).await;
    well_ended(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_taken_back_lets_the_same_worker_serve_again() {
    let chain = Chain::embedded().await;
    let stage = Stage::keeping(&chain, HOUR_MS).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    let serving = Moment::of(&stage.town).await;
    stage.end("end").await;
    stage.town.pass(2).await;
    stage.told("its data is kept for").await;
    stage.until(async |_| stage.worker().await.is_none()).await;
    serving.undo(&stage.town).await;
    stage.until_answer(worker, 42).await;
    let status = stage.worker().await;
    assert_eq!(status, Some((WorkerStatus::Active, Some(worker))));
    ended(&stage, "end again").await;
    stage.agent.shutdown().await;
}
