//! `weir stake`: collateral, for whoever deposited it.

mod add;
mod rewards;
mod withdraw;

use super::provider::usual;
use crate::args::{Global, Stake, Who};
use crate::command::chain::asking;
use crate::failure::Failure;
use crate::market::{Context, collateral, commitment_state, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema;
use alloy_primitives::Address;
use serde::Serialize;
use weir_chain::{ChainError, Directory};

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Stake,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Stake::Ls(who) => (schema::STAKE_LS, asking(list(who, output))),
        Stake::Add(args) => (schema::STAKE_ADD, asking(add::add(args, global, output))),
        Stake::Rewards { who, claim: false } => {
            (schema::STAKE_REWARDS, asking(rewards::show(who, output)))
        }
        Stake::Rewards { who, claim: true } => (schema::STAKE_CLAIM, asking(rewards::claim(who))),
        Stake::Withdraw(who) => (schema::STAKE_WITHDRAW, asking(withdraw::withdraw(who))),
    }
}

#[derive(Serialize)]
struct Stakes {
    account: Address,
    token: Address,
    /// In the smallest unit.
    balance: String,
    credit: String,
    commitments: Vec<Held>,
}

#[derive(Serialize)]
struct Held {
    commitment: u64,
    peer: Address,
    provider: Address,
    state: &'static str,
    units: u16,
    /// First epoch that it does not cover.
    end_epoch: u32,
    /// What the contract holds, in the smallest unit.
    collateral: String,
    slashed: String,
}

async fn read(context: &Context, account: Address) -> Result<Stakes, ChainError> {
    let directory = Directory::read(&context.client, &context.deployment).await?;
    let market = context.market();
    let epoch = market.time().await?.epoch;
    let peers: Vec<Address> = directory.peers().collect();
    let views = market.peers(&peers).await?;
    let own = views
        .iter()
        .filter(|view| view.commitment.staker == account);
    let token = context.deployment.stake_token;
    Ok(Stakes {
        account,
        token,
        balance: market.tokens(token, account).await?.to_string(),
        credit: market.stake_credit(account).await?.to_string(),
        commitments: own
            .map(|view| Held {
                commitment: view.commitmentId.to(),
                peer: view.peerId,
                provider: view.commitment.provider,
                state: commitment_state(view, epoch),
                units: view.commitment.units,
                end_epoch: view.end,
                collateral: collateral(view).to_string(),
                slashed: view.commitment.slashed.to_string(),
            })
            .collect(),
    })
}

async fn list(who: &Who, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let account = context.account(who.account.as_deref(), &usual())?;
    let stakes = read(&context, account).await;
    let stakes = stakes.map_err(|error| context.failed("the market cannot be read", &error))?;
    let columns = [
        "COMMITMENT",
        "PEER",
        "UNITS",
        "STATE",
        "END",
        "COLLATERAL",
        "SLASHED",
    ];
    let mut table = Table::new(&columns.map(Column::Text));
    for held in &stakes.commitments {
        table.row([
            Cell::new(held.commitment.to_string()),
            held.peer.to_string().into(),
            held.units.to_string().into(),
            held.state.into(),
            held.end_epoch.to_string().into(),
            whole(&held.collateral).into(),
            whole(&held.slashed).into(),
        ]);
    }
    let mut text = if stakes.commitments.is_empty() {
        "no commitments with collateral of this account\n".to_owned()
    } else {
        output.render(&table)
    };
    text.push_str(&format!(
        "\nto withdraw: {}; the account has {}",
        whole(&stakes.credit),
        whole(&stakes.balance)
    ));
    Ok(Report::new(&stakes, text))
}
