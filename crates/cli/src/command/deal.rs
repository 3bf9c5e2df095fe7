//! `weir deal`: deals, looked at, paid for, changed and ended.

mod change;
mod events;
mod money;
mod places;
mod show;
mod stop;

use super::chain::asking;
use crate::args::{Deal, Global, Which};
use crate::code::Code;
use crate::entrance;
use crate::failure::Failure;
use crate::market::{Account, Context, Deals, Wallet};
use crate::output::{Output, Report};
use crate::schema;
use alloy_primitives::U256;
use weir_chain::bindings::Lens;

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Deal,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Deal::Ls { all } => (schema::DEAL_LS, asking(show::list(*all, output))),
        Deal::Show(which) => (schema::DEAL_SHOW, asking(show::show(which, output))),
        Deal::Fund { which, amount } => (schema::DEAL_MONEY, asking(money::fund(which, amount))),
        Deal::Withdraw { which, amount } => {
            (schema::DEAL_MONEY, asking(money::withdraw(which, amount)))
        }
        Deal::Cost(which) => (schema::DEAL_MONEY, asking(money::cost(which))),
        Deal::Replace { which, peer } => (
            schema::DEAL_SHOW,
            asking(places::replace(which, peer, output)),
        ),
        Deal::Resize {
            which,
            workers,
            min,
            yes,
        } => (
            schema::DEAL_SHOW,
            asking(change::resize(
                which,
                (*workers, *min),
                (*yes, global),
                output,
            )),
        ),
        Deal::Price { which, price, yes } => (
            schema::DEAL_SHOW,
            asking(change::price(which, price, (*yes, global), output)),
        ),
        Deal::Stop { which, yes } => (
            schema::DEAL_STOP,
            asking(stop::stop(which, *yes, global, output)),
        ),
        Deal::Events(which) => (schema::DEAL_EVENTS, asking(events::events(which, output))),
    }
}

/// A deal that a command is about.
struct About {
    context: Context,
    deal: u64,
    /// Its name here, if it has one.
    name: Option<String>,
    view: Lens::DealView,
    /// Of when it was read.
    epoch: u32,
}

impl About {
    async fn read(which: &Which) -> Result<Self, Failure> {
        let context = Context::current()?;
        let market = context.deployment.market;
        let deals = entrance::project().and_then(|project| Deals::load(&project))?;
        let named = deals.named(market, &which.deal);
        let deal = match (named, which.deal.parse::<u64>()) {
            (Some(known), _) => known.deal,
            (None, Ok(number)) => number,
            (None, Err(_)) => {
                let known: Vec<&str> = deals.of(market).map(|known| &*known.name).collect();
                let cause = if known.is_empty() {
                    "no deal was made from here".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                };
                let what = format!("there is no deal {:?} here", which.deal);
                return Err(Failure::new(Code::NoSuchDeal, what)
                    .cause(cause)
                    .fix("name one of them, or give its number; weir deal ls lists them"));
            }
        };
        let name = deals.of(market).find(|known| known.deal == deal);
        let name = name.map(|known| known.name.clone());
        let view = context.market().deal(deal).await;
        let view = view.map_err(|error| context.failed("the deal cannot be read", &error))?;
        if view.status == 0 {
            return Err(
                Failure::new(Code::NoSuchDeal, format!("there is no deal {deal}"))
                    .cause("the market has none of this number")
                    .fix("weir deal ls --all lists them"),
            );
        }
        let time = context.market().time().await;
        let time = time.map_err(|error| context.failed("the time cannot be read", &error))?;
        Ok(Self {
            context,
            deal,
            name,
            view,
            epoch: time.epoch,
        })
    }

    async fn again(&mut self) -> Result<(), Failure> {
        let view = self.context.market().deal(self.deal).await;
        let failed = |error| self.context.failed("the deal cannot be read", &error);
        self.view = view.map_err(failed)?;
        self.epoch = self.context.market().time().await.map_err(failed)?.epoch;
        Ok(())
    }

    /// Withdraws what is credited to the account in the deal's token, and says how much that was.
    async fn take_home(&self, wallet: &Wallet) -> Result<U256, Failure> {
        let (context, token) = (&self.context, self.view.deal.payToken);
        let credit = context.market().pay_credit(token, wallet.account()).await;
        let credit = credit.map_err(|error| context.failed("the credit cannot be read", &error))?;
        if !credit.is_zero() {
            let call = context.deployment.withdraw_pay(token, wallet.account());
            wallet.send(&call).await?;
        }
        Ok(credit)
    }

    fn wallet(&self) -> Result<Wallet, Failure> {
        self.context.wallet(None, &Account::Customer)
    }

    fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}, deal {}", self.deal),
            None => format!("deal {}", self.deal),
        }
    }
}

/// Where a deal is, in a word.
fn state(view: &Lens::DealView) -> &'static str {
    match view.status {
        5 => "closed",
        _ if view.deal.endEpoch != 0 => "ended",
        1 => "open",
        2 => "active",
        3 => "without funds",
        _ => "unknown",
    }
}
