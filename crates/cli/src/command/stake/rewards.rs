//! `weir stake rewards`: the staker's part of what deals pay.

use crate::args::Who;
use crate::command::provider::{take, usual};
use crate::failure::Failure;
use crate::market::{Context, Work, was_backed, whole, works};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, U256};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::bindings::Lens;
use weir_chain::{ChainError, Directory};

#[derive(Serialize)]
struct Rewards {
    account: Address,
    peers: Vec<Earning>,
    /// What can be taken home.
    credit: Vec<Amount>,
}

/// A peer that the account backs.
#[derive(Serialize)]
struct Earning {
    peer: Address,
    provider: Address,
    /// Of fees, after that of the market, in basis points.
    deal_share_bp: u16,
    /// What its workers earned and nobody has claimed, before the market's fee and all parts.
    claimable: Vec<Amount>,
}

#[derive(Serialize)]
struct Amount {
    token: Address,
    /// In the smallest unit.
    amount: String,
}

/// The peers that an account backs, with their workers.
struct Backing {
    peers: Vec<(Lens::PeerView, Vec<Work>)>,
    tokens: BTreeSet<Address>,
}

async fn read(context: &Context, account: Address) -> Result<Backing, ChainError> {
    let directory = Directory::read(&context.client, &context.deployment).await?;
    let market = context.market();
    let epoch = market.time().await?.epoch;
    let ids: Vec<Address> = directory.peers().collect();
    let mut peers = Vec::new();
    for view in market.peers(&ids).await? {
        if view.commitment.staker == account && was_backed(&view) {
            let works = works(market, &directory, view.peerId, epoch).await?;
            peers.push((view, works));
        }
    }
    let mut tokens = BTreeSet::from([context.deployment.pay_token]);
    let works = peers.iter().flat_map(|(_, works)| works);
    tokens.extend(works.map(|work| work.deal.deal.payToken));
    Ok(Backing { peers, tokens })
}

/// What is due, and what could be claimed.
pub(super) async fn show(who: &Who, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let account = context.account(who.account.as_deref(), &usual())?;
    let failed = |error| context.failed("the market cannot be read", &error);
    let backing = read(&context, account).await.map_err(failed)?;
    let mut credit = Vec::new();
    for token in &backing.tokens {
        let amount = context.market().pay_credit(*token, account).await;
        credit.push(Amount {
            token: *token,
            amount: amount.map_err(failed)?.to_string(),
        });
    }
    let peers = backing.peers.iter().map(|(view, works)| Earning {
        peer: view.peerId,
        provider: view.commitment.provider,
        deal_share_bp: view.commitment.stakerDealShareBp,
        claimable: claimable(works),
    });
    let rewards = Rewards {
        account,
        peers: peers.collect(),
        credit,
    };
    let report = Report::new(&rewards, text(&rewards, output));
    let earned = rewards.peers.iter().flat_map(|peer| &peer.claimable);
    let is_due = |amount: &Amount| amount.amount != "0";
    Ok(if earned.chain(&rewards.credit).any(is_due) {
        report.then("weir stake rewards --claim")
    } else {
        report
    })
}

fn claimable(works: &[Work]) -> Vec<Amount> {
    let mut sums: BTreeMap<Address, U256> = BTreeMap::new();
    for work in works {
        let sum = sums.entry(work.deal.deal.payToken).or_default();
        *sum = sum.saturating_add(work.claimable());
    }
    let amounts = sums.into_iter().map(|(token, sum)| Amount {
        token,
        amount: sum.to_string(),
    });
    amounts.collect()
}

fn text(rewards: &Rewards, output: &Output) -> String {
    let mut table = Table::new(&["PEER", "SHARE", "CLAIMABLE"].map(Column::Text));
    for peer in &rewards.peers {
        let amounts: Vec<String> = peer
            .claimable
            .iter()
            .map(|due| format!("{} of {}", whole(&due.amount), due.token))
            .collect();
        table.row([
            Cell::new(peer.peer.to_string()),
            format!("{} %", f64::from(peer.deal_share_bp) / 100.0).into(),
            amounts.join(", ").into(),
        ]);
    }
    let mut text = if rewards.peers.is_empty() {
        "no peers with collateral of this account\n".to_owned()
    } else {
        output.render(&table)
    };
    for credit in &rewards.credit {
        text.push_str(&format!(
            "\nto take home: {} of {}",
            whole(&credit.amount),
            credit.token
        ));
    }
    text
}

/// Claims what the workers of these peers earned, for all who have a part in it, and takes home what is due.
pub(super) async fn claim(who: &Who) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(who.account.as_deref(), &usual())?;
    let backing = read(&context, wallet.account()).await;
    let backing = backing.map_err(|error| context.failed("the market cannot be read", &error))?;
    let works = backing.peers.iter().flat_map(|(_, works)| works);
    take(&context, &wallet, works.collect(), backing.tokens).await
}
