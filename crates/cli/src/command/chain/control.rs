//! What only a development chain lets one do.

use super::account;
use crate::args::Token;
use crate::failure::Failure;
use crate::market::{Account, MarketFile, failed, sender, smallest};
use crate::output::Report;
use alloy_primitives::{Address, U256};
use serde::Serialize;
use std::time::Duration;
use weir_chain::{Call, ChainError, Client};

#[derive(Serialize)]
struct Given {
    account: Address,
    token: &'static str,
    /// In the smallest unit.
    amount: String,
}

/// Gives coins or tokens to an account.
pub(super) async fn faucet(to: &str, amount: &str, token: Token) -> Result<Report, Failure> {
    let account = account(to)?;
    let units = smallest(amount)?;
    let file = MarketFile::here()?;
    let client = file.client()?;
    let what = "the chain gives nothing";
    let given = match token {
        Token::Coin => give_coins(&client, account, units).await,
        Token::Stake => give(&client, file.deployment.stake_token, account, units).await?,
        Token::Pay => give(&client, file.deployment.pay_token, account, units).await?,
    };
    given.map_err(|error| failed(what, &error))?;
    let given = Given {
        account,
        token: token.name(),
        amount: units.to_string(),
    };
    let text = format!("{to} was given {amount} {}", token.name());
    Ok(Report::new(&given, text))
}

async fn give_coins(client: &Client, account: Address, amount: U256) -> Result<(), ChainError> {
    let coins = client.balance(account).await?.saturating_add(amount);
    client.set_coins(account, coins).await
}

/// The market pays for the gas, so that an account without coins can be given tokens.
async fn give(
    client: &Client,
    token: Address,
    account: Address,
    amount: U256,
) -> Result<Result<(), ChainError>, Failure> {
    let sender = sender(client, &Account::Market.key()?)?;
    let call = Call::faucet(token, account, amount);
    Ok(sender.send("faucet", &call).await.map(|_| ()))
}

#[derive(Serialize)]
struct Moment {
    block: u64,
    /// In seconds since 1970.
    time: u64,
    epoch: u32,
}

/// Moves the clock of the chain.
pub(super) async fn warp(time: Duration) -> Result<Report, Failure> {
    moved(async |client| client.warp(time).await).await
}

/// Makes blocks.
pub(super) async fn mine(blocks: u32) -> Result<Report, Failure> {
    moved(async |client| client.mine(blocks).await).await
}

async fn moved(
    work: impl AsyncFnOnce(&Client) -> Result<(), ChainError>,
) -> Result<Report, Failure> {
    let file = MarketFile::here()?;
    let client = file.client()?;
    let what = "the chain does not move";
    work(&client).await.map_err(|error| failed(what, &error))?;
    let time = client.market(&file.deployment).time().await;
    let time = time.map_err(|error| failed(what, &error))?;
    let moment = Moment {
        block: time.block,
        time: time.seconds,
        epoch: time.epoch,
    };
    let text = format!("block {}, epoch {}", moment.block, moment.epoch);
    Ok(Report::new(&moment, text))
}
