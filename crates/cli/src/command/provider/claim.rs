//! Claiming what workers earned.

use super::{standing, usual};
use crate::args::Who;
use crate::failure::Failure;
use crate::market::{Context, Wallet, Work, whole};
use crate::output::Report;
use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::{Call, Deployment};

/// Workers in one claim.
const WORKERS_MAX: usize = 32;

#[derive(Serialize)]
struct Claimed {
    account: Address,
    transactions: Vec<B256>,
    tokens: Vec<Moved>,
}

/// What happened to one token.
#[derive(Serialize)]
struct Moved {
    token: Address,
    /// What the claims moved, before the market's fee and the staker's part, in the smallest unit.
    claimed: String,
    /// What went to the account.
    withdrawn: String,
}

/// The claims of what workers earned: as few transactions as it takes.
pub(super) fn claims<'a>(
    deployment: &Deployment,
    works: impl Iterator<Item = &'a Work>,
) -> Vec<Call> {
    let mut due: BTreeMap<u32, Vec<B256>> = BTreeMap::new();
    for work in works {
        for (from, _) in &work.claims {
            due.entry(*from).or_default().push(work.view.workerId);
        }
    }
    due.iter()
        .flat_map(|(from, workers)| workers.chunks(WORKERS_MAX).map(move |few| (*from, few)))
        .map(|(from, workers)| deployment.claim(workers.to_vec(), from))
        .collect()
}

/// Withdraws credit in a token that deals pay in; gives what came home.
pub(super) async fn withdraw_pay(
    context: &Context,
    wallet: &Wallet,
    token: Address,
) -> Result<(B256, U256), Failure> {
    let call = context.deployment.withdraw_pay(token, wallet.account());
    withdraw(context, wallet, token, &call).await
}

/// Withdraws credit; gives what came home.
pub(in crate::command) async fn withdraw(
    context: &Context,
    wallet: &Wallet,
    token: Address,
    call: &Call,
) -> Result<(B256, U256), Failure> {
    let has = async || {
        let has = context.market().tokens(token, wallet.account()).await;
        has.map_err(|error| context.failed("the balance cannot be read", &error))
    };
    let before = has().await?;
    let hash = wallet.send(call).await?;
    Ok((hash, has().await?.saturating_sub(before)))
}

pub(super) async fn claim(who: &Who) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(who.account.as_deref(), &usual())?;
    let standing = standing(&context, who).await?;
    let works = standing.peers.iter().flat_map(|peer| &peer.workers);
    let tokens = standing.pay.iter().map(|(token, _)| *token);
    take(&context, &wallet, works.collect(), tokens.collect()).await
}

/// Claims what these workers earned, and withdraws what the account has in these tokens then.
pub(in crate::command) async fn take(
    context: &Context,
    wallet: &Wallet,
    works: Vec<&Work>,
    tokens: BTreeSet<Address>,
) -> Result<Report, Failure> {
    let mut transactions = Vec::new();
    for call in claims(&context.deployment, works.iter().copied()) {
        transactions.push(wallet.send(&call).await?);
    }
    let mut moved = Vec::new();
    for token in tokens {
        let credit = context.market().pay_credit(token, wallet.account()).await;
        let credit = credit.map_err(|error| context.failed("the market cannot be read", &error))?;
        let claimed = works
            .iter()
            .filter(|work| work.deal.deal.payToken == token)
            .fold(U256::ZERO, |sum, work| sum.saturating_add(work.claimable()));
        let mut withdrawn = U256::ZERO;
        if !credit.is_zero() {
            let (hash, amount) = withdraw_pay(context, wallet, token).await?;
            transactions.push(hash);
            withdrawn = amount;
        }
        moved.push(Moved {
            token,
            claimed: claimed.to_string(),
            withdrawn: withdrawn.to_string(),
        });
    }
    let claimed = Claimed {
        account: wallet.account(),
        transactions,
        tokens: moved,
    };
    let text = if claimed.transactions.is_empty() {
        "nothing is due yet".to_owned()
    } else {
        let each = claimed.tokens.iter().map(Moved::text);
        each.collect::<Vec<_>>().join("\n")
    };
    Ok(Report::new(&claimed, text))
}

impl Moved {
    fn text(&self) -> String {
        let (claimed, withdrawn, token) =
            (whole(&self.claimed), whole(&self.withdrawn), self.token);
        if self.claimed == "0" {
            return format!("{withdrawn} of {token} came home, of what was claimed before");
        }
        format!(
            "claimed {claimed} of {token}, and {withdrawn} came home after the market's fee and the staker's part"
        )
    }
}
