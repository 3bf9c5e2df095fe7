//! A node in the market: from a match to the end, with real calls.

mod support;

use std::time::Duration;

use alloy::primitives::B256;
use support::chain::{Chain, TOKEN, anvil};
use support::nodes;
use support::stage::Stage;
use support::{PATIENCE, cid, entries, market, module_set, package};
use weir_identity::Hash;
use weir_package::{Builder, Grants};
use weir_receipt::{PeerCommitment, ReceiptTree, WorkerLeaf};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_from_its_match_to_the_end_of_its_deal() {
    from_match_to_end(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_a_worker_serves_from_its_match_to_the_end_of_its_deal() {
    if let Some(chain) = anvil() {
        from_match_to_end(&chain).await;
    }
}

async fn from_match_to_end(chain: &Chain) {
    let mut stage = Stage::new(chain).await;
    let first = package(2);
    stage.order(&first, module_set(&first)).await;
    let worker = stage.active().await;
    assert_ne!(worker, stage.host.peer_id(), "it has a key of its own");
    stage.until_answer(worker, 42).await;

    // What Aqua's subnet sees.
    let script = format!(
        r#"(seq
            (call "{}" ("subnet" "resolve") ["1"] found)
            (call %init_peer_id% ("callbackSrv" "found") [found]))"#,
        stage.host.peer_id()
    );
    let submitted = stage.caller.submit(nodes::request(&script)).await;
    let found = nodes::callback(&mut submitted.expect("a script"))
        .await
        .remove(0);
    let found = serde_json::to_value(&found).expect("it is a value");
    assert_eq!(found["success"], true, "{found}");
    assert_eq!(found["workers"][0]["worker_id"][0], worker.to_string());

    // The process ends without a word and comes again: the same worker answers.
    stage.restarted(async |_| ()).await;
    stage.until_answer(worker, 42).await;

    // New code, from the next epoch on.
    let next = package(3);
    stage.publish(&next);
    let market = stage.town.deployment.clone();
    let set = market.set_version(1, cid(&next), module_set(&next));
    stage.customer.send("version", &set).await.expect("it may");
    stage.town.pass(1).await;
    stage.until_answer(worker, 63).await;

    // The end: the units are free again, and nothing is left.
    let end = stage.customer.send("end", &market.end_deal(1)).await;
    end.expect("it is the customer's");
    stage.town.pass(2).await;
    stage.gone().await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_paid_when_the_receipts_of_its_calls_are_committed() {
    epochs_are_paid(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_an_epoch_is_paid_when_the_receipts_of_its_calls_are_committed() {
    if let Some(chain) = anvil() {
        epochs_are_paid(&chain).await;
    }
}

async fn epochs_are_paid(chain: &Chain) {
    let mut stage = Stage::keeping(chain, 3_600_000).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    // It is paid from the epoch after its activation on.
    let first = stage.town.epoch().await + 1;
    stage.town.pass(1).await;
    let begin = std::time::Instant::now();
    let mut tree = ReceiptTree::new();
    let mut id = Hash::ZERO;
    let mut calls = 0;
    while calls < 5 {
        let receipt = stage.receipt(worker).await;
        assert!(begin.elapsed() < PATIENCE);
        // The node sees a moment later that the epoch has begun.
        if receipt.receipt.epoch == u64::from(first) {
            tree.push(&receipt).expect("they follow each other");
            id = receipt.receipt.worker_id;
            calls += 1;
        }
    }
    stage.town.pass(1).await;
    let leaf = WorkerLeaf {
        worker: id,
        receipts: tree.finish().expect("it is not much"),
        heartbeats: 0,
        fee: TOKEN,
    };
    let expected = PeerCommitment::over(&[leaf]).expect("it is not much");
    let committed = stage.committed(first).await;
    let root = B256::from(expected.root.to_bytes());
    assert_eq!(committed, (root, TOKEN));

    // An epoch that ends while the node is down is committed when it comes again, also if nobody called.
    stage
        .restarted(async |stage| stage.town.pass(1).await)
        .await;
    stage.committed(first + 1).await;

    // The last one is committed after the end, when the worker has left.
    let end = stage.town.deployment.end_deal(1);
    let end = stage.customer.send("end", &end).await;
    end.expect("it is the customer's");
    stage.town.pass(1).await;
    stage.committed(first + 2).await;
    stage.town.pass(4).await;
    assert_eq!(stage.claimable(1, first).await, 3 * TOKEN);
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_data_is_lost_is_left_out_and_others_are_paid() {
    let chain = Chain::embedded().await;
    let mut stage = Stage::new(&chain).await;
    let package = package(2);
    stage.order_at((1, 0), &package, module_set(&package)).await;
    stage.active_in(1).await;
    let folders = market(&stage.host).join("workers");
    let lost = std::fs::read_dir(&folders).expect("it is there").next();
    let lost = lost.expect("a worker").expect("it can be read").path();
    stage.order_at((2, 1), &package, module_set(&package)).await;
    stage.active_in(2).await;
    let first = stage.town.epoch().await + 1;
    stage.town.pass(1).await;
    let lose = async |stage: &Stage| {
        std::fs::remove_dir_all(&lost).expect("it is there");
        stage.town.pass(1).await;
    };
    stage.restarted(lose).await;
    assert_eq!(stage.committed(first).await.1, TOKEN);
    stage.town.pass(4).await;
    assert_eq!(stage.claimable(1, first).await, 0);
    assert_eq!(stage.claimable(2, first).await, TOKEN);
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_not_what_the_deal_says_is_declined() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    stage.order(&package(2), B256::repeat_byte(9)).await;
    stage.declined("and the deal says").await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_wants_what_the_operator_does_not_grant_is_declined() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let grants = serde_json::json!({
        "weir:host/state@0.1": {},
        "weir:host/http@0.1": {"hosts": ["api.example.org"]},
    });
    let grants = serde_json::from_value(grants).expect("it is a value");
    let service = nodes::multiplier(2);
    let mut asking = Builder::new("doubler", "1.0.0");
    let grants = Grants::from_value(&grants).expect("they are grants");
    asking
        .service(&service.id, service.component, grants, [])
        .expect("it is a service");
    let asking = asking.build().expect("it is a package");
    stage.order(&asking, module_set(&asking)).await;
    stage
        .declined("weir:host/http@0.1, which this node does not grant")
        .await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_leaves_nothing_in_the_journal() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    // It answers once the node has seen that, and so heard of its transaction.
    stage.until_answer(worker, 42).await;
    let folder = market(&stage.host).join("transactions");
    let begin = std::time::Instant::now();
    // The lock is all that stays.
    while entries(&folder) > 1 {
        assert!(begin.elapsed() < PATIENCE, "{} files", entries(&folder));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.agent.shutdown().await;
}
