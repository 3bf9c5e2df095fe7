//! The ERC-20 token of the contracts.

use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::{DynProvider, Provider as _};
use alloy::rpc::types::TransactionRequest;
use alloy::sol;
use alloy::sol_types::SolValue as _;
use serde_json::Value;

sol! {
    #[sol(rpc)]
    interface Token {
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        event Transfer(address indexed from, address indexed to, uint256 value);
        function faucet(address to, uint256 amount) external;
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address of) external view returns (uint256);
    }
}

/// The creation code of a contract.
pub fn creation(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/../../contracts/artifacts/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("it is part of the repository");
    let artifact: Value = serde_json::from_str(&text).expect("it is JSON");
    let code = artifact["bytecode"].as_str().expect("it has code");
    code.parse::<Bytes>().expect("it is hexadecimal").to_vec()
}

/// Creates a contract; its address.
pub async fn create(client: &DynProvider, name: &str, arguments: Vec<u8>) -> Address {
    let mut code = creation(name);
    code.extend(arguments);
    let request = TransactionRequest::default()
        .into_create()
        .input(Bytes::from(code).into());
    let sent = client.send_transaction(request).await.expect(name);
    let receipt = sent.get_receipt().await.expect("it is mined");
    assert!(receipt.status(), "{name}: {receipt:?}");
    receipt.contract_address.expect("it creates a contract")
}

/// A token of which an account has some.
pub async fn token(
    client: &DynProvider,
    owner: Address,
    amount: u64,
) -> Token::TokenInstance<DynProvider> {
    let arguments = ("Test".to_owned(), "TEST".to_owned()).abi_encode_params();
    let address = create(client, "TestToken", arguments).await;
    let token = Token::new(address, client.clone());
    let sent = token.faucet(owner, U256::from(amount)).send().await;
    let receipt = sent.expect("it is taken").get_receipt().await;
    assert!(receipt.expect("it is mined").status());
    token
}
