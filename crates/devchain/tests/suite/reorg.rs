use alloy::primitives::U256;
use alloy::providers::Provider as _;
use alloy::rpc::types::Filter;
use serde_json::json;

use crate::logs::futures_next::next;
use crate::node::{Node, account, ether};
use crate::token::token;

pub async fn going_back_takes_blocks_state_and_nonces_along(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let start = client.get_block_number().await.unwrap();
    let hash = client.get_block_by_number(start.into()).await.unwrap();
    let snapshot = node.get("evm_snapshot", json!([])).await;
    node.get("anvil_setBalance", json!([account(2), "0x7"]))
        .await;
    let mut last = None;
    for _ in 0..3 {
        let sent = token.transfer(account(1), U256::from(10)).send().await;
        last = Some(sent.unwrap().get_receipt().await.unwrap().transaction_hash);
    }
    let later = node.get("evm_snapshot", json!([])).await;
    assert_eq!(node.get("evm_revert", json!([snapshot])).await, true);

    assert_eq!(client.get_block_number().await.unwrap(), start);
    let same = client.get_block_by_number(start.into()).await.unwrap();
    assert_eq!(same, hash);
    let balance = token.balanceOf(account(0)).call().await.unwrap();
    assert_eq!(balance, U256::from(100));
    assert_eq!(client.get_balance(account(2)).await.unwrap(), ether(10_000));
    let nonce = client.get_transaction_count(account(0)).await.unwrap();
    assert_eq!(nonce, 2);
    let gone = client.get_transaction_receipt(last.unwrap()).await.unwrap();
    assert!(gone.is_none());
    // Anvil makes an error of it, and goes forward to the later one.
    let again = node.ask("evm_revert", json!([snapshot])).await;
    assert_ne!(again, Ok(json!(true)));
    if node.is_embedded() {
        assert_eq!(node.get("evm_revert", json!([later])).await, false);
    }

    // The chain goes on in another way.
    let fresh = node.client(0);
    let token = crate::token::Token::new(*token.address(), fresh.clone());
    let sent = token.transfer(account(1), U256::from(1)).send().await;
    let receipt = sent.unwrap().get_receipt().await.unwrap();
    assert_eq!(receipt.block_number, Some(start + 1));
    let balance = token.balanceOf(account(0)).call().await.unwrap();
    assert_eq!(balance, U256::from(99));
}

pub async fn removed_logs_reach_filters_and_subscriptions(node: &Node) {
    if !node.is_embedded() {
        eprintln!("skipped: anvil 1.7 goes back without a word to filters and subscriptions");
        return;
    }
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let filter = json!({ "address": token.address() });
    let filter = node.get("eth_newFilter", json!([filter])).await;
    let watcher = node.watcher().await;
    let wanted = Filter::new().address(*token.address());
    let mut logs = watcher.subscribe_logs(&wanted).await.unwrap();
    let snapshot = node.get("evm_snapshot", json!([])).await;
    for amount in [1, 2] {
        let sent = token.transfer(account(1), U256::from(amount)).send().await;
        sent.unwrap().get_receipt().await.unwrap();
    }
    assert_eq!(node.get("evm_revert", json!([snapshot])).await, true);

    let mut seen = Vec::new();
    for _ in 0..4 {
        let log = next(&mut logs).await;
        let amount = U256::from_be_slice(&log.data().data).to::<u64>();
        seen.push((amount, log.removed));
    }
    assert_eq!(seen, [(1, false), (2, false), (2, true), (1, true)]);
    let changes = node.get("eth_getFilterChanges", json!([filter])).await;
    let removed = changes.as_array().unwrap().iter();
    let removed: Vec<_> = removed.map(|log| log["removed"].as_bool()).collect();
    assert_eq!(removed, [Some(false), Some(false), Some(true), Some(true)]);
}
