use alloy::eips::Encodable2718 as _;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder as _, TransactionBuilder as _};
use alloy::primitives::{Bytes, U256};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use serde_json::json;

use crate::node::{Node, account, number, signer};

fn payment(nonce: u64) -> TransactionRequest {
    TransactionRequest::default()
        .to(account(1))
        .value(U256::from(1))
        .nonce(nonce)
        .with_chain_id(31_337)
        .gas_limit(21_000)
        .max_fee_per_gas(5_000_000_000)
        .max_priority_fee_per_gas(1_000_000)
}

async fn signed(request: TransactionRequest, key: PrivateKeySigner) -> Bytes {
    let envelope = request.build(&EthereumWallet::new(key)).await.unwrap();
    envelope.encoded_2718().into()
}

async fn nonce(node: &Node, block: &str) -> u64 {
    number(
        &node
            .get("eth_getTransactionCount", json!([account(0), block]))
            .await,
    )
}

pub async fn a_gap_waits_for_what_is_missing(node: &Node) {
    let late = signed(payment(1), signer(0)).await;
    let hash = node.get("eth_sendRawTransaction", json!([late])).await;
    let waiting = node.get("eth_getTransactionByHash", json!([hash])).await;
    assert!(waiting["blockHash"].is_null(), "{waiting}");
    assert!(
        node.get("eth_getTransactionReceipt", json!([hash]))
            .await
            .is_null()
    );
    assert_eq!(nonce(node, "latest").await, 0);
    assert_eq!(nonce(node, "pending").await, 0);
    let status = node.get("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x0", "queued": "0x1" }));

    let early = signed(payment(0), signer(0)).await;
    node.get("eth_sendRawTransaction", json!([early])).await;
    node.get("evm_mine", json!([])).await;
    assert_eq!(nonce(node, "latest").await, 2);
    let receipt = node.get("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
}

pub async fn a_used_nonce_is_too_low(node: &Node) {
    let first = signed(payment(0), signer(0)).await;
    node.get("eth_sendRawTransaction", json!([first])).await;
    node.get("evm_mine", json!([])).await;
    let again = signed(payment(0).value(U256::from(2)), signer(0)).await;
    let error = node.refused("eth_sendRawTransaction", json!([again])).await;
    assert!(error.contains("nonce too low"), "{error}");
}

pub async fn a_replacement_must_pay_more(node: &Node) {
    node.get("evm_setAutomine", json!([false])).await;
    let first = signed(payment(0), signer(0)).await;
    let first = node.get("eth_sendRawTransaction", json!([first])).await;
    let same = payment(0).value(U256::from(2));
    let same = signed(same, signer(0)).await;
    let error = node.refused("eth_sendRawTransaction", json!([same])).await;
    assert!(
        error.contains("replacement transaction underpriced"),
        "{error}"
    );
    let more = payment(0)
        .value(U256::from(3))
        .max_fee_per_gas(6_000_000_000)
        .max_priority_fee_per_gas(2_000_000);
    let more = signed(more, signer(0)).await;
    let more = node.get("eth_sendRawTransaction", json!([more])).await;
    assert_eq!(nonce(node, "pending").await, 1);
    node.get("evm_mine", json!([])).await;
    assert!(
        node.get("eth_getTransactionByHash", json!([first]))
            .await
            .is_null()
    );
    let receipt = node.get("eth_getTransactionReceipt", json!([more])).await;
    assert_eq!(receipt["status"], "0x1");
}

pub async fn strangers_and_paupers_are_refused(node: &Node) {
    let send = |request, key| async move {
        let raw = signed(request, key).await;
        node.refused("eth_sendRawTransaction", json!([raw])).await
    };
    let error = send(payment(0).with_chain_id(1), signer(0)).await;
    assert!(error.to_lowercase().contains("chain id"), "{error}");
    let pauper = PrivateKeySigner::from_slice(&[5; 32]).unwrap();
    let error = send(payment(0), pauper).await;
    assert!(
        error.to_lowercase().contains("insufficient funds"),
        "{error}"
    );
    let error = send(payment(0).gas_limit(20_999), signer(0)).await;
    assert!(error.contains("intrinsic gas too low"), "{error}");
    let error = send(payment(0).gas_limit(40_000_000), signer(0)).await;
    assert!(
        error.contains("gas limit") || error.contains("gas_limit"),
        "{error}"
    );
    let error = node
        .refused("eth_sendRawTransaction", json!(["0x02c0"]))
        .await;
    assert!(error.contains("ecode"), "{error}");
}
