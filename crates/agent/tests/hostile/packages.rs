//! Packages that no node can or should have.

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::U256;
use weir_chain::WorkerStatus;

use crate::sources::Wrong;
use crate::support::chain::Chain;
use crate::support::ledger::settled;
use crate::support::stage::Stage;
use crate::support::{module_set, package};

/// The customer ends the deal that nobody serves: it has everything back.
async fn all_is_home(stage: &Stage) {
    stage.gone().await;
    stage.end("end").await;
    let paid = settled(&stage.town, &[1], &stage.customer, &[&stage.provider]).await;
    assert_eq!(paid, U256::ZERO);
    // What it sent was the refusal.
    assert_eq!(stage.sent().await, 1);
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_too_large_is_declined_before_it_is_fetched() {
    let chain = Chain::embedded().await;
    let stage = Stage::with(&chain, |config| config.policy.package.bytes = 100).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    stage.declined("bytes, this node takes at most 100").await;
    all_is_home(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_too_many_services_is_declined() {
    let chain = Chain::embedded().await;
    let stage = Stage::with(&chain, |config| config.policy.package.services = 0).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    stage
        .declined("has 1 services, this node takes at most 0")
        .await;
    all_is_home(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_whose_bytes_are_others_everywhere_is_declined_in_time() {
    let chain = Chain::embedded().await;
    let stage = Stage::with(&chain, |config| {
        config.sources = vec![Arc::new(Wrong)];
        config.patience = Duration::from_millis(100);
    })
    .await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    stage
        .told("wrong: it sent bytes that are not those of the CID")
        .await;
    let Some((WorkerStatus::Matched { deadline }, _)) = stage.worker().await else {
        panic!("it is matched, and tries again");
    };
    let left = deadline - stage.town.epoch().await;
    stage.town.pass(u64::from(left)).await;
    stage
        .declined("it was not ready in time: no source has block")
        .await;
    all_is_home(&stage).await;
}
