//! One market on one chain: where its contracts are, and how it is put there.

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolConstructor};
use serde::{Deserialize, Serialize};

use crate::bindings::{
    Audit, Capacity, DevDeployment, Lens, Market, MarketDesk, Params, Registry, TestToken,
};
use crate::call::Call;
use crate::client::Client;
use crate::error::ChainError;
use crate::sender::Sender;

/// Where the contracts of a market are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Number of the chain, as EIP-155 has it.
    pub chain_id: u64,
    /// The block in which the market began: there are no events of it before.
    pub first_block: u64,
    /// Parameters.
    pub params: Address,
    /// Providers, offers and peers.
    pub registry: Address,
    /// Commitments and collateral.
    pub capacity: Address,
    /// Deals.
    pub market: Address,
    /// Commitments to receipts.
    pub audit: Address,
    /// Pages for clients.
    pub lens: Address,
    /// The token of collateral.
    pub stake_token: Address,
    /// A token that deals pay in.
    pub pay_token: Address,
}

impl Deployment {
    /// The contracts whose events tell what happens in the market.
    pub fn emitters(&self) -> [Address; 4] {
        [self.registry, self.capacity, self.market, self.audit]
    }
}

/// Puts a market for development on a chain, as `contracts/deployment.md` says: eleven transactions of an account.
/// An account that was interrupted goes on where it was: each transaction has a key of its own.
pub async fn deploy_for_development(
    client: &Client,
    sender: &Sender,
    epoch_seconds: u32,
) -> Result<Deployment, ChainError> {
    let create = async |name: &str, code: &Bytes, arguments: Vec<u8>| {
        let code: Bytes = [&code[..], &arguments].concat().into();
        let call = Call::create(format!("the creation of {name}"), code);
        let receipt = sender.send(&format!("deploy/{name}"), &call).await?;
        let address = receipt.contract_address;
        address.ok_or_else(|| ChainError::Absurd(format!("the creation of {name} created nothing")))
    };
    let token = |name: &str, symbol: &str| {
        let (name, symbol) = (name.to_owned(), symbol.to_owned());
        TestToken::constructorCall { name, symbol }.abi_encode()
    };
    let stake_token = create(
        "TestToken STAKE",
        &TestToken::BYTECODE,
        token("Weir Stake", "STAKE"),
    )
    .await?;
    let pay_token = create(
        "TestToken PAY",
        &TestToken::BYTECODE,
        token("Weir Pay", "PAY"),
    )
    .await?;
    let code = create("Params", &Params::BYTECODE, Vec::new()).await?;
    let arguments = DevDeployment::constructorCall {
        code,
        genesis: 0,
        epochLen: epoch_seconds,
    };
    let development = create(
        "DevDeployment",
        &DevDeployment::BYTECODE,
        arguments.abi_encode(),
    )
    .await?;
    let contract = DevDeployment::new(development, client.provider());
    let params = contract.PARAMS().call().await?;
    let registry = Registry::constructorCall { params }.abi_encode();
    let registry = create("Registry", &Registry::BYTECODE, registry).await?;
    let capacity = Capacity::constructorCall {
        params,
        stake: stake_token,
    }
    .abi_encode();
    let capacity = create("Capacity", &Capacity::BYTECODE, capacity).await?;
    let desk = MarketDesk::constructorCall { params }.abi_encode();
    let desk = create("MarketDesk", &MarketDesk::BYTECODE, desk).await?;
    let market = Market::constructorCall { params, desk }.abi_encode();
    let market = create("Market", &Market::BYTECODE, market).await?;
    let audit = Audit::constructorCall { params }.abi_encode();
    let audit = create("Audit", &Audit::BYTECODE, audit).await?;
    let modules = DevDeployment::deployModulesCall {
        code: [registry, capacity, market, audit],
        payToken: pay_token,
    };
    let modules = Call::to(
        "the start of the modules",
        development,
        modules.abi_encode(),
    );
    let started = sender.send("deploy/modules", &modules).await?;
    let lens = Lens::constructorCall { params }.abi_encode();
    let lens = create("Lens", &Lens::BYTECODE, lens).await?;
    Ok(Deployment {
        chain_id: client.chain_id(),
        first_block: started.block_number.unwrap_or_default(),
        params,
        registry: contract.registry().call().await?,
        capacity: contract.capacity().call().await?,
        market: contract.market().call().await?,
        audit: contract.audit().call().await?,
        lens,
        stake_token,
        pay_token,
    })
}

impl Call {
    /// Test tokens for an account, in the token's smallest unit.
    pub fn faucet(token: Address, to: Address, amount: U256) -> Self {
        let data = TestToken::faucetCall { to, amount }.abi_encode();
        Self::to("the request for test tokens", token, data)
    }
}
