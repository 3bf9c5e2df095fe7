//! The money of a deal.

use super::{About, state};
use crate::args::Which;
use crate::failure::Failure;
use crate::market::{Wallet, smallest, whole};
use crate::output::Report;
use alloy_primitives::{B256, U256};
use serde::Serialize;
use weir_chain::bindings::Lens;

#[derive(Serialize)]
struct Money {
    deal: u64,
    state: &'static str,
    /// All amounts are in the smallest unit of the token.
    balance: String,
    escrow: String,
    /// Of all active workers for the running epoch.
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
        let rate = U256::from(about.view.priceNow).saturating_mul(U256::from(deal.activeWorkers));
        Self {
            deal: about.deal,
            state: state(&about.view),
            balance: about.view.balanceNow.to_string(),
            escrow: deal.escrow.to_string(),
            per_epoch: rate.to_string(),
            epochs: lasts(&about.view, about.epoch).map(|epochs| epochs.to_string()),
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
    let hash = pay_in(&about, &wallet, smallest(amount)?).await?;
    about.again().await?;
    let money = Money::of(&about, Some(hash));
    let text = format!(
        "{amount} tokens were paid in. {}",
        money.text(&about.title())
    );
    Ok(Report::new(&money, text))
}

/// Lets the market take an amount, in the smallest unit, and pays it into a deal.
pub(super) async fn pay_in(about: &About, wallet: &Wallet, units: U256) -> Result<B256, Failure> {
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
    wallet.send(&call).await
}

/// For how many epochs after the running one a balance pays the active workers, if there are any: first at the price of
/// now, then at one that was announced.
fn lasts(view: &Lens::DealView, epoch: u32) -> Option<U256> {
    let deal = &view.deal;
    let rate = |price| U256::from(price).saturating_mul(U256::from(deal.activeWorkers));
    let (now, then) = (rate(view.priceNow), rate(deal.price));
    let first = U256::from(deal.priceEpoch.saturating_sub(epoch.saturating_add(1)));
    let before = view.balanceNow.checked_div(now)?.min(first);
    if before < first {
        return Some(before);
    }
    let left = view.balanceNow.saturating_sub(now.saturating_mul(first));
    Some(first.saturating_add(left.checked_div(then)?))
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

#[cfg(test)]
mod tests {
    use super::lasts;
    use alloy_primitives::{U256, Uint};
    use weir_chain::bindings::Lens;

    #[test]
    fn a_balance_lasts_at_the_price_of_each_epoch() {
        let check = |balance: u64, (now, then): (u64, u64), from: u32, epochs: Option<u64>| {
            let view = Lens::DealView {
                balanceNow: U256::from(balance),
                priceNow: Uint::from(now),
                deal: Lens::Deal {
                    activeWorkers: 2,
                    price: Uint::from(then),
                    priceEpoch: from,
                    ..Lens::Deal::default()
                },
                ..Lens::DealView::default()
            };
            assert_eq!(
                lasts(&view, 10),
                epochs.map(U256::from),
                "{balance} {now} {then} {from}"
            );
        };
        check(100, (5, 5), 0, Some(10));
        check(109, (5, 5), 3, Some(10));
        // A raise from the next epoch on.
        check(100, (5, 10), 11, Some(5));
        // A reduction after two more epochs.
        check(100, (10, 5), 13, Some(2 + 6));
        check(30, (10, 5), 13, Some(1));
        check(100, (0, 0), 0, None);
    }
}
