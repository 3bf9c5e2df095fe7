//! What only development chains offer: the clock, blocks on demand, coins for nothing.

use std::time::Duration;

use alloy::primitives::{Address, U256};
use alloy::providers::Provider;

use crate::client::Client;
use crate::error::ChainError;
use crate::reply::Reply;

impl Client {
    /// Moves the clock of the chain, and makes a block at the new time.
    pub fn warp(&self, time: Duration) -> Reply<'_, ()> {
        Box::pin(async move {
            self.control("evm_increaseTime", (time.as_secs(),)).await?;
            self.mine(1).await
        })
    }

    /// Makes blocks.
    pub fn mine(&self, blocks: u32) -> Reply<'_, ()> {
        Box::pin(async move { self.control("anvil_mine", (U256::from(blocks),)).await })
    }

    /// Gives an account coins, in wei, instead of those that it has.
    pub fn set_coins(&self, account: Address, coins: U256) -> Reply<'_, ()> {
        Box::pin(async move { self.control("anvil_setBalance", (account, coins)).await })
    }

    async fn control(
        &self,
        method: &'static str,
        params: impl alloy::rpc::json_rpc::RpcSend,
    ) -> Result<(), ChainError> {
        let answer: serde_json::Value = self.provider().raw_request(method.into(), params).await?;
        tracing::debug!(method, %answer, "the chain was moved");
        Ok(())
    }
}
