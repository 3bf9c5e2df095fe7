//! The money of a deal.

use super::{About, state};
use crate::args::Which;
use crate::failure::Failure;
use crate::market::{smallest, whole};
use crate::output::Report;
use alloy_primitives::{B256, U256};
use serde::Serialize;

#[derive(Serialize)]
struct Money {
    deal: u64,
    state: &'static str,
    /// All amounts are in the smallest unit of the token.
    balance: String,
    escrow: String,
    /// Of all active workers for an epoch.
    per_epoch: String,
    /// For how many epochs the balance lasts; absent without active workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<B256>,
}

impl Money {
    fn of(about: &About, transaction: Option<B256>) -> Self {
        let deal = &about.view.deal;
        let rate = U256::from(deal.price).saturating_mul(U256::from(deal.activeWorkers));
        let balance = about.view.balanceNow;
        Self {
            deal: about.deal,
            state: state(&about.view),
            balance: balance.to_string(),
            escrow: deal.escrow.to_string(),
            per_epoch: rate.to_string(),
            epochs: balance.checked_div(rate).map(|epochs| epochs.to_string()),
            transaction,
        }
    }

    fn text(&self, title: &str) -> String {
        let lasts = match &self.epochs {
            Some(epochs) => format!("which lasts for {epochs} epochs"),
            None => "and no worker is active".to_owned(),
        };
        format!(
            "{title}: {} tokens in its balance, {lasts}; {} for an epoch; {} set apart for epochs that are not claimed yet",
            whole(&self.balance),
            whole(&self.per_epoch),
            whole(&self.escrow)
        )
    }
}

/// What it costs, and how long it lasts.
pub(super) async fn cost(which: &Which) -> Result<Report, Failure> {
    let about = About::read(which).await?;
    let money = Money::of(&about, None);
    let text = money.text(&about.title());
    Ok(Report::new(&money, text))
}

/// Pays into a deal.
pub(super) async fn fund(which: &Which, amount: &str) -> Result<Report, Failure> {
    let mut about = About::read(which).await?;
    let wallet = about.wallet()?;
    let units = smallest(amount)?;
    let token = about.view.deal.payToken;
    let deployment = &about.context.deployment;
    let parties = (wallet.account(), deployment.market);
    let allowed = about.context.market().allowance(token, parties).await;
    let failed = |error| about.context.failed("the allowance cannot be read", &error);
    if allowed.map_err(failed)? < units {
        let approval = deployment.approve(token, deployment.market, units);
        wallet.send(&approval).await?;
    }
    let call = deployment.top_up(about.deal, token, narrow(units)?);
    let hash = wallet.send(&call).await?;
    about.again().await?;
    let money = Money::of(&about, Some(hash));
    let text = format!(
        "{amount} tokens were paid in. {}",
        money.text(&about.title())
    );
    Ok(Report::new(&money, text))
}

/// Takes back what a deal does not need.
pub(super) async fn withdraw(which: &Which, amount: &str) -> Result<Report, Failure> {
    let mut about = About::read(which).await?;
    let wallet = about.wallet()?;
    let deployment = &about.context.deployment;
    let units = narrow(smallest(amount)?)?;
    let hash = wallet
        .send(&deployment.withdraw_free(about.deal, units))
        .await?;
    about.take_home(&wallet).await?;
    about.again().await?;
    let money = Money::of(&about, Some(hash));
    let text = format!("{amount} tokens came home. {}", money.text(&about.title()));
    Ok(Report::new(&money, text))
}

fn narrow(units: U256) -> Result<u128, Failure> {
    units.try_into().map_err(|_| {
        Failure::new(
            crate::code::Code::Usage,
            "that is more than a deal can hold",
        )
        .fix("a smaller amount")
    })
}
