//! `weir stake withdraw`: collateral comes home when its commitment is over, whatever the provider does.

use super::{Held, read};
use crate::args::Who;
use crate::command::provider::{usual, withdraw as take_credit};
use crate::failure::Failure;
use crate::market::{Context, Wallet, whole, worker_state, works};
use crate::output::Report;
use alloy_primitives::{Address, B256};
use serde::Serialize;
use weir_chain::{Call, ChainError, Directory};

#[derive(Serialize)]
struct Withdrawn {
    account: Address,
    token: Address,
    /// In the smallest unit.
    amount: String,
    /// What was done about commitments that are over.
    steps: Vec<Step>,
    /// Which of them wait, and for what.
    waits: Vec<Wait>,
    /// Absent if there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<B256>,
}

#[derive(Serialize)]
struct Step {
    what: &'static str,
    peer: Address,
    transaction: B256,
}

#[derive(Serialize)]
struct Wait {
    peer: Address,
    reason: String,
}

/// Ends what is over, as far as that goes now, and withdraws what is credited.
pub(super) async fn withdraw(who: &Who) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(who.account.as_deref(), &usual())?;
    let (account, token) = (wallet.account(), context.deployment.stake_token);
    let failed = |error| context.failed("the market cannot be read", &error);
    let mut withdrawn = Withdrawn {
        account,
        token,
        amount: "0".to_owned(),
        steps: Vec::new(),
        waits: Vec::new(),
        transaction: None,
    };
    let stakes = read(&context, account).await.map_err(failed)?;
    for held in &stakes.commitments {
        if held.state == "leaving" {
            release(&context, &wallet, held.peer, &mut withdrawn).await?;
        }
        end(&context, &wallet, held, &mut withdrawn).await?;
    }
    let credit = context.market().stake_credit(account).await;
    if !credit.map_err(failed)?.is_zero() {
        let call = context.deployment.withdraw_stake(account);
        let (hash, amount) = take_credit(&context, &wallet, token, &call).await?;
        withdrawn.amount = amount.to_string();
        withdrawn.transaction = Some(hash);
    }
    let text = text(&withdrawn);
    Ok(Report::new(&withdrawn, text))
}

/// Frees the units of workers that are over: a commitment ends without any.
async fn release(
    context: &Context,
    wallet: &Wallet,
    peer: Address,
    withdrawn: &mut Withdrawn,
) -> Result<(), Failure> {
    let failed = |error| context.failed("the market cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let works = works(context.market(), &directory, peer, epoch).await;
    for work in works.map_err(failed)? {
        if worker_state(&work.view, epoch) != "to release" {
            continue;
        }
        let call = context.deployment.release_worker(work.view.workerId);
        let transaction = wallet.send(&call).await?;
        withdrawn.steps.push(Step {
            what: "release a worker",
            peer,
            transaction,
        });
    }
    Ok(())
}

/// The next step to the end of a commitment, if it can be made now.
async fn end(
    context: &Context,
    wallet: &Wallet,
    held: &Held,
    withdrawn: &mut Withdrawn,
) -> Result<(), Failure> {
    let (peer, deployment) = (held.peer, &context.deployment);
    let (what, call): (_, Call) = match held.state {
        "over" | "failed" => (
            "ask for the end of the commitment",
            deployment.request_exit(peer),
        ),
        "leaving" => ("finish the commitment", deployment.finish_commitment(peer)),
        _ => return Ok(()),
    };
    // It is tried first: what the contract would refuse now is waited for.
    match context.client.gas_cost(wallet.account(), &call).await {
        Ok(_) => {
            let transaction = wallet.send(&call).await?;
            withdrawn.steps.push(Step {
                what,
                peer,
                transaction,
            });
            Ok(())
        }
        Err(ChainError::Revert { why, .. }) => {
            withdrawn.waits.push(Wait {
                peer,
                reason: why.words,
            });
            Ok(())
        }
        Err(error) => Err(context.failed("the chain cannot be asked", &error)),
    }
}

fn text(withdrawn: &Withdrawn) -> String {
    let mut lines = Vec::new();
    for step in &withdrawn.steps {
        lines.push(format!("done: {} (peer {})", step.what, step.peer));
    }
    for wait in &withdrawn.waits {
        lines.push(format!("peer {} waits: {}", wait.peer, wait.reason));
    }
    lines.push(match withdrawn.transaction {
        None => {
            "nothing to withdraw: collateral is credited when its commitment is finished".to_owned()
        }
        Some(_) => format!("{} stake came home", whole(&withdrawn.amount)),
    });
    lines.join("\n")
}
