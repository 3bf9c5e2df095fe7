use alloy::primitives::{Address, U256};
use alloy::providers::Provider as _;
use alloy::sol;
use alloy::sol_types::SolValue as _;

use crate::node::{Node, account};
use crate::token::create;

sol! {
    #[sol(rpc)]
    interface Deployment {
        function PARAMS() external view returns (address);
        function registry() external view returns (address);
        function capacity() external view returns (address);
        function market() external view returns (address);
        function audit() external view returns (address);
        function deployModules(address[4] code, address pay) external;
    }
}

/// The table of `contracts/deployment.md`.
pub async fn the_market_is_deployed_as_its_page_says(node: &Node) {
    let client = node.client(0);
    let named = |name: &str, symbol: &str| (name.to_owned(), symbol.to_owned()).abi_encode_params();
    let stake = create(&client, "TestToken", named("Weir Stake", "STAKE")).await;
    let pay = create(&client, "TestToken", named("Weir Pay", "PAY")).await;
    let code = create(&client, "Params", Vec::new()).await;
    let arguments = (code, U256::ZERO, U256::from(60)).abi_encode_params();
    let deployment = create(&client, "DevDeployment", arguments).await;
    let deployment = Deployment::new(deployment, client.clone());
    let params = deployment.PARAMS().call().await.unwrap();
    let one = params.abi_encode();
    let registry = create(&client, "Registry", one.clone()).await;
    let arguments = (params, stake).abi_encode_params();
    let capacity = create(&client, "Capacity", arguments).await;
    let desk = create(&client, "MarketDesk", one.clone()).await;
    let market = create(&client, "Market", (params, desk).abi_encode_params()).await;
    let audit = create(&client, "Audit", one.clone()).await;
    let sent = deployment.deployModules([registry, capacity, market, audit], pay);
    let receipt = sent.send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status(), "{receipt:?}");
    let lens = create(&client, "Lens", one).await;

    let modules = [
        deployment.registry().call().await.unwrap(),
        deployment.capacity().call().await.unwrap(),
        deployment.market().call().await.unwrap(),
        deployment.audit().call().await.unwrap(),
        lens,
    ];
    for module in modules {
        assert_ne!(module, Address::ZERO);
        assert!(!client.get_code_at(module).await.unwrap().is_empty());
    }
    let nonce = client.get_transaction_count(account(0)).await.unwrap();
    assert_eq!(nonce, 11);
}
