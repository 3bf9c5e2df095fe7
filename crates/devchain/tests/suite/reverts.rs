use alloy::primitives::{Bytes, U256};
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::{SolCall as _, SolError as _};
use serde_json::{Value, json};

use crate::node::{Node, account};
use crate::token::{Token, token};

pub async fn a_call_that_reverts_answers_with_the_data(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let call = Token::transferCall {
        to: account(1),
        amount: U256::from(101),
    };
    let expected = Token::ERC20InsufficientBalance {
        sender: account(0),
        balance: U256::from(100),
        needed: U256::from(101),
    };
    let request = json!({
        "from": account(0),
        "to": token.address(),
        "data": Bytes::from(call.abi_encode()),
    });
    for method in ["eth_call", "eth_estimateGas"] {
        let error = node.ask(method, json!([request])).await.expect_err(method);
        assert_eq!(error["code"], 3, "{method}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("execution reverted"), "{message}");
        let data = Bytes::from(expected.abi_encode());
        assert_eq!(error["data"], json!(data), "{method}");
    }
    // What alloy makes of it.
    let error = token.transfer(account(1), U256::from(101)).call().await;
    let error = error.unwrap_err();
    let decoded = error.as_decoded_error::<Token::ERC20InsufficientBalance>();
    assert_eq!(decoded.unwrap().needed, U256::from(101));
}

pub async fn a_transaction_that_reverts_has_a_receipt_that_says_so(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let transfer = token.transfer(account(1), U256::from(101)).gas(100_000);
    let receipt = transfer.send().await.unwrap().get_receipt().await.unwrap();
    assert!(!receipt.status());
    assert!(receipt.gas_used < 100_000 && receipt.gas_used > 21_000);
    assert!(receipt.inner.logs().is_empty());
    let balance = token.balanceOf(account(0)).call().await.unwrap();
    assert_eq!(balance, U256::from(100));
}

pub async fn old_states_can_be_called(node: &Node) {
    let client = node.client(0);
    let token = token(&client, account(0), 100).await;
    let start = client.get_block_number().await.unwrap();
    for _ in 0..5 {
        let sent = token.transfer(account(1), U256::from(10)).send().await;
        sent.unwrap().get_receipt().await.unwrap();
    }
    for sent in 0..=5 {
        let block = (start + sent).into();
        let balance = token.balanceOf(account(0)).block(block).call().await;
        assert_eq!(balance.unwrap(), U256::from(100 - sent * 10), "{sent}");
    }
    let nonce = client
        .get_transaction_count(account(0))
        .block_id(start.into());
    assert_eq!(nonce.await.unwrap(), 2);
    let code = || client.get_code_at(*token.address());
    assert!(!code().await.unwrap().is_empty());
    assert!(code().block_id(0.into()).await.unwrap().is_empty());
}

pub async fn a_call_can_pretend(node: &Node) {
    let client = node.client(0);
    let pays = TransactionRequest::default()
        .from(alloy::primitives::Address::repeat_byte(7))
        .to(account(1))
        .value(U256::from(1));
    let request = serde_json::to_value(&pays).unwrap();
    let error = node.refused("eth_call", json!([request, "latest"])).await;
    assert!(
        error.to_lowercase().contains("insufficient funds"),
        "{error}"
    );
    let address = pays.from.unwrap().to_string();
    let overrides = json!({ address: { "balance": "0x64" } });
    let answer = node
        .get("eth_call", json!([request, "latest", overrides]))
        .await;
    assert_eq!(answer, "0x");

    // Code that returns slot 0.
    let code = "0x60005460005260206000f3";
    let at = alloy::primitives::Address::repeat_byte(8);
    let slot = |value: u8| format!("0x{}{value:02x}", "00".repeat(31));
    let call = json!({ "to": at });
    for field in ["state", "stateDiff"] {
        let account: Value = json!({ "code": code, field: { slot(0): slot(42) } });
        let overrides = json!({ at.to_string(): account });
        let answer = node
            .get("eth_call", json!([call, "latest", overrides]))
            .await;
        assert_eq!(answer, json!(slot(42)), "{field}");
    }
    assert!(client.get_code_at(at).await.unwrap().is_empty());
}
