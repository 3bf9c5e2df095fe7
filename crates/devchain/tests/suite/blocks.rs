use alloy::consensus::Transaction as _;
use alloy::eips::{BlockId, BlockNumberOrTag, Encodable2718 as _};
use alloy::network::{EthereumWallet, NetworkTransactionBuilder as _, TransactionBuilder as _};
use alloy::primitives::{B256, U256};
use alloy::providers::Provider as _;
use alloy::rpc::types::{AccessList, TransactionRequest};
use serde_json::json;

use crate::node::{Node, account, ether, number, signer};

fn payment(wei: u64) -> TransactionRequest {
    TransactionRequest::default()
        .to(account(1))
        .value(U256::from(wei))
}

pub async fn a_transfer_is_in_a_block_with_its_receipt(node: &Node) {
    let client = node.client(0);
    let before = client.get_balance(account(0)).await.unwrap();
    let sent = client.send_transaction(payment(5)).await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(receipt.gas_used, 21_000);
    assert_eq!((receipt.from, receipt.to), (account(0), Some(account(1))));
    assert_eq!(receipt.block_number, Some(1));
    assert_eq!(receipt.transaction_index, Some(0));
    assert_eq!(receipt.contract_address, None);
    let paid = U256::from(receipt.effective_gas_price) * U256::from(21_000) + U256::from(5);
    let after = client.get_balance(account(0)).await.unwrap();
    assert_eq!(before - after, paid);
    let got = client.get_balance(account(1)).await.unwrap();
    assert_eq!(got, ether(10_000) + U256::from(5));

    let hash = receipt.transaction_hash;
    let found = client.get_transaction_by_hash(hash).await.unwrap().unwrap();
    assert_eq!(found.block_hash, receipt.block_hash);
    assert_eq!(found.inner.signer(), account(0));
    assert_eq!(found.inner.value(), U256::from(5));
    let raw = client.get_raw_transaction_by_hash(hash).await.unwrap();
    assert_eq!(raw.unwrap(), found.inner.encoded_2718());
    for place in [
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x1", "0x0"]),
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([receipt.block_hash, "0x0"]),
        ),
    ] {
        let found = node.get(place.0, place.1).await;
        assert_eq!(found["hash"], json!(hash), "{}", place.0);
    }
    let receipts = client.get_block_receipts(BlockId::latest()).await.unwrap();
    assert_eq!(receipts.unwrap(), [receipt]);
}

pub async fn blocks_hash_to_what_they_say_and_hang_together(node: &Node) {
    let client = node.client(0);
    for wei in 1..4 {
        let sent = client.send_transaction(payment(wei)).await.unwrap();
        sent.get_receipt().await.unwrap();
    }
    let mut parent = None;
    for at in 0..4 {
        let block = client.get_block_by_number(at.into()).full().await.unwrap();
        let block = block.unwrap();
        // What a light client would check: the hash of the header, and the roots in it.
        assert_eq!(block.header.inner.hash_slow(), block.header.hash, "{at}");
        let block = block.map_transactions(|tx| tx.inner.into_inner());
        let root = block.calculate_transactions_root().unwrap();
        assert_eq!(root, block.header.transactions_root);
        let receipts = client.get_block_receipts(at.into()).await.unwrap();
        let receipts = receipts.unwrap().into_iter();
        let receipts: Vec<_> = receipts
            .map(|one| one.into_primitives_receipt().inner)
            .collect();
        let root = alloy::consensus::proofs::calculate_receipt_root(&receipts);
        assert_eq!(root, block.header.receipts_root);
        if let Some(parent) = parent {
            assert_eq!(block.header.parent_hash, parent);
        }
        parent = Some(block.header.hash);
    }
}

pub async fn tags_numbers_and_hashes_find_the_same_block(node: &Node) {
    let client = node.client(0);
    let sent = client.send_transaction(payment(1)).await.unwrap();
    sent.get_receipt().await.unwrap();
    let block = client.get_block_by_number(BlockNumberOrTag::Latest);
    let block = block.await.unwrap().unwrap();
    assert_eq!(block.number(), 1);
    let by_hash = client.get_block_by_hash(block.header.hash).await.unwrap();
    assert_eq!(by_hash.unwrap(), block);
    let earliest = node.get("eth_getBlockByNumber", json!(["earliest", false]));
    assert_eq!(number(&earliest.await["number"]), 0);
    let pending = node.get("eth_getBlockByNumber", json!(["pending", false]));
    assert_eq!(number(&pending.await["number"]), 2);
    let at = |block: serde_json::Value| async move {
        let params = json!([account(1), block]);
        let balance = node.get("eth_getBalance", params).await;
        balance.as_str().unwrap().parse::<U256>().unwrap() - ether(10_000)
    };
    assert_eq!(at(json!("earliest")).await, U256::ZERO);
    assert_eq!(at(json!("0x0")).await, U256::ZERO);
    for newest in [
        json!("latest"),
        json!("pending"),
        json!("0x1"),
        json!({ "blockNumber": "0x1" }),
        json!({ "blockHash": block.header.hash }),
    ] {
        assert_eq!(at(newest.clone()).await, U256::from(1), "{newest}");
    }
    let count = node.get("eth_getBlockTransactionCountByNumber", json!(["0x1"]));
    assert_eq!(number(&count.await), 1);
    let params = json!([block.header.hash]);
    let count = node.get("eth_getBlockTransactionCountByHash", params);
    assert_eq!(number(&count.await), 1);
}

pub async fn what_does_not_exist_is_null(node: &Node) {
    let nothing = B256::repeat_byte(9);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x64", false])),
        ("eth_getBlockByHash", json!([nothing, false])),
        ("eth_getTransactionByHash", json!([nothing])),
        ("eth_getTransactionReceipt", json!([nothing])),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["latest", "0x0"]),
        ),
    ] {
        assert!(node.get(method, params).await.is_null(), "{method}");
    }
    let error = node
        .ask("eth_getBalance", json!([account(0), "0x64"]))
        .await;
    error.expect_err("there is no such block");
    let error = node.ask("eth_noSuchThing", json!([])).await.unwrap_err();
    assert_eq!(error["code"], -32_601);
}

pub async fn all_types_of_transactions_are_taken(node: &Node) {
    let client = node.client(0);
    let wallet = EthereumWallet::new(signer(0));
    let plain = || payment(1).nonce(0).with_chain_id(31_337).gas_limit(60_000);
    let legacy = plain().gas_price(3_000_000_000);
    let listed = legacy.clone().nonce(1).access_list(AccessList::default());
    let dynamic = plain()
        .nonce(2)
        .max_fee_per_gas(3_000_000_000)
        .max_priority_fee_per_gas(1);
    for (kind, request) in [(0, legacy), (1, listed), (2, dynamic)] {
        let envelope = request.build(&wallet).await.unwrap();
        let sent = client.send_raw_transaction(&envelope.encoded_2718()).await;
        let receipt = sent.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status());
        let found = client.get_transaction_by_hash(receipt.transaction_hash);
        let found = serde_json::to_value(found.await.unwrap().unwrap()).unwrap();
        assert_eq!(number(&found["type"]), kind);
        let receipt = serde_json::to_value(receipt).unwrap();
        assert_eq!(number(&receipt["type"]), kind);
    }
}
