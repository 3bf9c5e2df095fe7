//! Prices that no one in their senses would ask or pay.

use alloy::primitives::{U256, Uint};
use weir_chain::bindings::Market;

use crate::support::chain::Chain;
use crate::support::ledger::settled;
use crate::support::package;
use crate::support::stage::Stage;

/// The largest that a contract can count.
const LARGEST: u128 = (1 << 96) - 1;

/// For how long what is over is kept: the receipts of the last epoch are still to be committed.
const HOUR_MS: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn of_workers_whose_fees_are_more_than_the_contract_can_count_those_are_paid_that_it_can() {
    let chain = Chain::embedded().await;
    let stage = Stage::keeping(&chain, HOUR_MS).await;
    let package = package(2);
    stage.publish(&package);
    for deal in [1, 2] {
        let input = Market::DealInput {
            price: Uint::from(LARGEST),
            ..stage.input(&package)
        };
        stage.create(deal, input, 2 * LARGEST).await;
        let unit = u8::try_from(deal).expect("it is small");
        stage.choose(deal, unit, &format!("match {deal}")).await;
    }
    for deal in [1, 2] {
        let worker = stage.active_in(deal).await;
        stage.until_answer(worker, 42).await;
    }
    let first = stage.town.epoch().await + 1;
    stage.town.pass(2).await;
    assert_eq!(stage.committed(first).await.1, LARGEST);
    let market = stage.town.deployment.clone();
    for deal in [1, 2] {
        let end = market.end_deal(deal);
        let ended = stage.customer.send(&format!("end {deal}"), &end).await;
        ended.expect("it is the customer's");
    }
    stage.town.pass(4).await;
    let claimable = [
        stage.claimable(1, first).await,
        stage.claimable(2, first).await,
    ];
    assert_eq!(
        claimable.iter().filter(|due| **due >= LARGEST).count(),
        1,
        "{claimable:?}"
    );
    for deal in [1, 2] {
        stage
            .until(async |_| stage.worker_of(deal).await.is_none())
            .await;
    }
    let (town, customer) = (&stage.town, &stage.customer);
    let paid = settled(town, &[1, 2], customer, &[&stage.provider]).await;
    assert!(paid >= U256::from(LARGEST) && paid < U256::from(LARGEST) * U256::from(3));
    stage.agent.shutdown().await;
}
