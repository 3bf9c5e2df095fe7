use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use serde_json::json;

use crate::node::{Node, account, number};
use crate::token::token;

pub async fn the_base_fee_follows_the_use_of_gas(node: &Node) {
    let base = |at: u64| async move {
        let params = json!([format!("{at:#x}"), false]);
        number(&node.get("eth_getBlockByNumber", params).await["baseFeePerGas"])
    };
    node.get("evm_mine", json!([])).await;
    assert_eq!(base(0).await, 1_000_000_000);
    // An empty block lowers it by an eighth.
    node.get("evm_mine", json!([])).await;
    assert_eq!(base(2).await, base(1).await - base(1).await / 8);
    let price = number(&node.get("eth_gasPrice", json!([])).await);
    let tip = number(&node.get("eth_maxPriorityFeePerGas", json!([])).await);
    assert!(price >= base(2).await - base(2).await / 8);
    assert!(price <= base(2).await + tip);
}

pub async fn the_history_of_fees_says_what_blocks_cost(node: &Node) {
    let client = node.client(0);
    let request = TransactionRequest::default()
        .to(account(1))
        .value(U256::from(1))
        .max_fee_per_gas(5_000_000_000)
        .max_priority_fee_per_gas(1_234);
    let sent = client.send_transaction(request).await.unwrap();
    sent.get_receipt().await.unwrap();
    let history = client.get_fee_history(2, 1.into(), &[0.0, 50.0]).await;
    let history = history.unwrap();
    assert_eq!(history.oldest_block, 0);
    assert_eq!(history.base_fee_per_gas.len(), 3);
    assert_eq!(history.base_fee_per_gas[0], 1_000_000_000);
    assert_eq!(history.gas_used_ratio.len(), 2);
    assert!((history.gas_used_ratio[1] - 21_000.0 / 30_000_000.0).abs() < 1e-9);
    assert_eq!(history.reward.unwrap()[1], [1_234, 1_234]);
}

pub async fn an_estimate_is_enough_and_not_much_more(node: &Node) {
    let client = node.client(0);
    let plain = TransactionRequest::default()
        .from(account(0))
        .to(Address::repeat_byte(1));
    assert_eq!(client.estimate_gas(plain).await.unwrap(), 21_000);
    let token = token(&client, account(0), 100).await;
    let transfer = token.transfer(account(1), U256::from(7)).from(account(0));
    let estimate = transfer.estimate_gas().await.unwrap();
    let sent = transfer.gas(estimate).send().await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert!(receipt.gas_used <= estimate);
    assert!(estimate < receipt.gas_used * 13 / 10, "{estimate}");
}

pub async fn a_transaction_below_the_base_fee_is_refused(node: &Node) {
    let client = node.client(0);
    let request = TransactionRequest::default()
        .to(account(1))
        .with_gas_limit(21_000)
        .max_fee_per_gas(1)
        .max_priority_fee_per_gas(1);
    let error = client.send_transaction(request).await.unwrap_err();
    let error = error.as_error_resp().unwrap().message.to_string();
    assert!(
        error.contains("max fee per gas less than block base fee"),
        "{error}"
    );
}
