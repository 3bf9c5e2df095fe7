use alloy::primitives::{U256, keccak256};
use alloy::providers::Provider as _;
use alloy::rpc::types::Filter;
use futures_next::next;
use serde_json::{Value, json};

use crate::node::{Node, account};
use crate::token::token;

/// The next item of a subscription.
pub mod futures_next {
    use alloy::pubsub::Subscription;
    use serde::de::DeserializeOwned;

    use crate::node::PATIENCE;

    pub async fn next<T: DeserializeOwned + Send + 'static>(from: &mut Subscription<T>) -> T {
        let item = tokio::time::timeout(PATIENCE, from.recv()).await;
        item.expect("it comes in time").expect("it goes on")
    }
}

pub async fn logs_are_found_by_address_and_topics(node: &Node) {
    let client = node.client(0);
    let one = token(&client, account(0), 100).await;
    let other = token(&client, account(0), 100).await;
    for (token, to, amount) in [(&one, 1, 1), (&other, 1, 2), (&one, 2, 3)] {
        let sent = token.transfer(account(to), U256::from(amount)).send().await;
        sent.unwrap().get_receipt().await.unwrap();
    }
    let amounts = |filter: Filter| {
        let client = client.clone();
        async move {
            let logs = client.get_logs(&filter).await.unwrap();
            let amounts = logs.iter().map(|log| {
                assert!(!log.removed);
                assert!(log.block_number.is_some() && log.transaction_hash.is_some());
                U256::from_be_slice(&log.data().data).to::<u64>()
            });
            amounts.collect::<Vec<_>>()
        }
    };
    let all = || Filter::new().from_block(0);
    let transfer = keccak256("Transfer(address,address,uint256)");
    assert_eq!(amounts(all()).await, [100, 100, 1, 2, 3]);
    assert_eq!(amounts(all().address(*one.address())).await, [100, 1, 3]);
    let both = vec![*one.address(), *other.address()];
    assert_eq!(amounts(all().address(both)).await.len(), 5);
    let to_one = all()
        .event_signature(transfer)
        .topic2(account(1).into_word());
    assert_eq!(amounts(to_one).await, [1, 2]);
    let to_either = vec![account(1).into_word(), account(2).into_word()];
    assert_eq!(amounts(all().topic2(to_either)).await, [1, 2, 3]);
    let from_nobody = all().topic1(account(1).into_word());
    assert!(amounts(from_nobody).await.is_empty());
    assert_eq!(amounts(Filter::new()).await, [3]);
    assert_eq!(amounts(Filter::new().select(5_u64..=6)).await, [1, 2]);
    let block = client.get_block_by_number(7.into()).await.unwrap().unwrap();
    let at_hash = Filter::new().at_block_hash(block.header.hash);
    assert_eq!(amounts(at_hash).await, [3]);
}

pub async fn filters_hold_what_happened(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let blocks = node.get("eth_newBlockFilter", json!([])).await;
    let waiting = node.get("eth_newPendingTransactionFilter", json!([])).await;
    let filter = json!({ "address": token.address() });
    let logs = node.get("eth_newFilter", json!([filter])).await;
    let sent = token
        .transfer(account(1), U256::from(4))
        .send()
        .await
        .unwrap();
    let receipt = sent.get_receipt().await.unwrap();

    let changes = |id: Value| node.get("eth_getFilterChanges", json!([id]));
    assert_eq!(changes(blocks.clone()).await, json!([receipt.block_hash]));
    assert_eq!(changes(waiting).await, json!([receipt.transaction_hash]));
    let found = changes(logs.clone()).await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["transactionHash"], json!(receipt.transaction_hash));
    assert_eq!(changes(blocks.clone()).await, json!([]));
    assert_eq!(changes(logs.clone()).await, json!([]));
    let gone = node.get("eth_uninstallFilter", json!([blocks])).await;
    assert_eq!(gone, true);
    let gone = node.get("eth_uninstallFilter", json!([blocks])).await;
    assert_eq!(gone, false);
    let error = node.refused("eth_getFilterChanges", json!([blocks])).await;
    assert!(error.contains("filter not found"), "{error}");
}

pub async fn subscriptions_deliver_what_happens(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let watcher = node.watcher().await;
    let mut heads = watcher.subscribe_blocks().await.unwrap();
    let mut waiting = watcher.subscribe_pending_transactions().await.unwrap();
    let to_one = Filter::new()
        .address(*token.address())
        .topic2(account(1).into_word());
    let mut logs = watcher.subscribe_logs(&to_one).await.unwrap();
    for (to, amount) in [(2, 5), (1, 6)] {
        let transfer = token.transfer(account(to), U256::from(amount));
        let receipt = transfer.send().await.unwrap().get_receipt().await.unwrap();
        let head = next(&mut heads).await;
        assert_eq!(Some(head.hash), receipt.block_hash);
        assert_eq!(head.inner.hash_slow(), head.hash);
        assert_eq!(next(&mut waiting).await, receipt.transaction_hash);
        if to == 1 {
            let log = next(&mut logs).await;
            assert_eq!(log.transaction_hash, Some(receipt.transaction_hash));
            assert_eq!(U256::from_be_slice(&log.data().data), U256::from(6));
        }
    }
    // What is unsubscribed is silent; the connection goes on.
    watcher.unsubscribe(*heads.local_id()).await.unwrap();
    assert_eq!(watcher.get_chain_id().await.unwrap(), 31_337);
}
