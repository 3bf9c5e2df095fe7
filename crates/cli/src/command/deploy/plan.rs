//! What a deployment will do and cost, before anything is done.

use super::choice::{Acquainted, Chosen, choose, choose_others};
use crate::args::Deploy;
use crate::code::Code;
use crate::failure::Failure;
use crate::market::{
    Account, Asked, Context, Deals, Known, per_day, smallest, staying, whole, workers_of,
};
use crate::project::Project;
use alloy_primitives::{B256, Bytes, U256, Uint};
use std::collections::BTreeSet;
use weir_chain::bindings::{Lens, Market};
use weir_chain::{Call, ChainError, Directory};
use weir_package::Built;

/// The protocol version that this program speaks.
const VERSION: u16 = 1;

/// One thing to do.
pub(super) enum Step {
    /// Test tokens, which only the local network gives.
    Faucet(U256),
    /// A transaction.
    Send(Call),
    /// The creation of the deal.
    Create(Call),
    /// The choice of its workers.
    Match(Vec<Market::Entry>),
}

/// What is to be done, in this order.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// For people.
    pub(super) text: String,
    /// Of a worker for an epoch, in the smallest unit.
    pub(super) price: U256,
    /// The epoch from which the code is the deal's.
    pub(super) from_epoch: u32,
    /// The services that workers must have when they are asked.
    pub(super) services: Vec<String>,
    /// How many workers the deal has in the end.
    pub(super) workers: u16,
    /// A deal that an earlier command made before it was interrupted.
    pub(super) resumed: Option<u64>,
    deal: Option<u64>,
}

impl Plan {
    /// The deal that has the name already.
    pub(super) fn existing(&self) -> Option<u64> {
        self.deal
    }

    pub(super) async fn make(
        context: &Context,
        project: &Project,
        (name, built): (&str, &Built),
        args: &Deploy,
    ) -> Result<Self, Failure> {
        let failed = |error: ChainError| context.failed("the market cannot be read", &error);
        let deals = Deals::load(project)?;
        if let Some(known) = deals.named(context.deployment.market, name) {
            let view = context.market().deal(known.deal).await.map_err(failed)?;
            let runs = view.status != 0 && view.deal.endEpoch == 0 && !view.deal.closed;
            if runs {
                return Self::update(context, known, built, &view.deal).await;
            }
        }
        let resumed = unfinished(context, &deals, built).await?;
        Self::create(context, (name, built), args, resumed).await
    }

    /// New code for a deal that runs, and other peers for the places that are free.
    async fn update(
        context: &Context,
        known: &Known,
        built: &Built,
        now: &Lens::Deal,
    ) -> Result<Self, Failure> {
        let failed = |error: ChainError| context.failed("the market cannot be read", &error);
        let time = context.market().time().await.map_err(failed)?;
        let (cid, module_set) = code(built);
        let is_same =
            now.code.moduleSetHash == module_set && known.package == built.cid().to_string();
        let mut steps = Vec::new();
        let mut text = format!("{}, deal {}, ", known.name, known.deal);
        let mut from_epoch = time.epoch;
        if is_same {
            text.push_str("has this code already");
        } else {
            from_epoch = time.epoch.saturating_add(1);
            let call = context.deployment.set_version(known.deal, cid, module_set);
            steps.push(Step::Send(call));
            text.push_str(&format!(
                "gets package {} from epoch {from_epoch} on",
                built.cid()
            ));
        }
        let directory = Directory::read(&context.client, &context.deployment).await;
        let directory = directory.map_err(failed)?;
        let there = workers_of(context, directory.index(), known.deal).await;
        let there = there.map_err(failed)?;
        let mut workers = staying(&there);
        let free = now.targetWorkers.saturating_sub(now.liveWorkers);
        if free > 0 && !now.openMatch {
            let (about, places) = ((known.deal, now), (&*there, free));
            let choice = choose_others(context, &directory, about, places).await?;
            // Those that there are: the others serve meanwhile.
            let chosen = choice.0.chosen;
            let found = u16::try_from(chosen.len()).unwrap_or(free);
            workers = workers.saturating_add(found);
            text.push_str(&format!(
                "; {found} of {free} free places are given to other peers"
            ));
            if found > 0 {
                steps.push(Step::Match(chosen.iter().map(Chosen::entry).collect()));
            }
        }
        Ok(Self {
            steps,
            text,
            price: U256::from(now.price),
            from_epoch,
            services: Vec::new(),
            workers,
            resumed: None,
            deal: Some(known.deal),
        })
    }

    async fn create(
        context: &Context,
        (name, built): (&str, &Built),
        args: &Deploy,
        resumed: Option<u64>,
    ) -> Result<Self, Failure> {
        let failed = |error: ChainError| context.failed("the market cannot be read", &error);
        let (market, deployment) = (context.market(), &context.deployment);
        let time = market.time().await.map_err(failed)?;
        let epoch_seconds = u64::from(market.epoch_seconds().await.map_err(failed)?.max(1));
        let asked = Asked {
            price: match &args.price {
                Some(price) => smallest(price)?,
                None => U256::MAX,
            },
            token: deployment.pay_token,
            units: args.units,
            version: VERSION,
            term: 0,
            collateral: U256::ZERO,
            capabilities: Vec::new(),
            workers: args.workers,
            of_provider: args.per_provider,
        };
        let directory = Directory::read(&context.client, &context.deployment).await;
        let directory = directory.map_err(failed)?;
        let chosen = choose(context, &directory, &asked, &Acquainted::default())
            .await?
            .all()?;
        let price = match &args.price {
            Some(_) => asked.price,
            None => chosen
                .iter()
                .map(|chosen| chosen.price)
                .max()
                .unwrap_or_default(),
        };
        let least = market.min_deposit_epochs().await.map_err(failed)?;
        let epochs = args.duration.as_secs().div_ceil(epoch_seconds).max(1);
        let epochs = u128::from(epochs).max(least);
        let rate = price.saturating_mul(U256::from(args.workers));
        let deposit = rate.saturating_mul(U256::from(epochs));
        // A contract counts prices in 96 bits and balances in 112.
        let counted = |units: U256, bits: u32| {
            let counted = u128::try_from(units).ok();
            counted.filter(|units| units >> bits == 0).ok_or_else(|| {
                let what = "the deal would cost more than a contract can count";
                Failure::new(Code::Usage, what).fix("a lower --price, or a shorter --for")
            })
        };
        let (price_units, deposit_units) = (counted(price, 96)?, counted(deposit, 112)?);
        let (cid, module_set) = code(built);
        let input = Market::DealInput {
            payToken: deployment.pay_token,
            price: Uint::from(price_units),
            cuPerWorker: args.units,
            minWorkers: 1,
            targetWorkers: args.workers,
            maxPerProvider: args.per_provider,
            noticeEpochs: 1,
            minTermEpochs: 0,
            minCollateral: Uint::ZERO,
            verReq: VERSION,
            openMatch: args.open,
            caps: Vec::new(),
            accessKind: 0,
            accessList: Vec::new(),
            callersRoot: B256::ZERO,
            cid,
            moduleSetHash: module_set,
        };
        let account = context.account(None, &Account::Customer)?;
        let mut steps = Vec::new();
        let entries = chosen.iter().map(Chosen::entry);
        if resumed.is_some() {
            let steps = if args.open {
                Vec::new()
            } else {
                vec![Step::Match(entries.collect())]
            };
            return Ok(Self {
                steps,
                text: format!("{name}: goes on with a deal that was made and has no workers yet"),
                price,
                from_epoch: time.epoch,
                services: names(built),
                workers: args.workers,
                resumed,
                deal: None,
            });
        }
        let has = market
            .tokens(deployment.pay_token, account)
            .await
            .map_err(failed)?;
        let lacks = deposit.saturating_sub(has);
        if !lacks.is_zero() && !context.is_local() {
            let what = format!("the deposit is more than {account} has");
            let (deposit, has) = (whole(&deposit.to_string()), whole(&has.to_string()));
            return Err(Failure::new(Code::ChainRefused, what)
                .cause(format!(
                    "it is {deposit} of {}, and there are {has}",
                    deployment.pay_token
                ))
                .fix("deploy for a shorter time with --for, to fewer --workers, or get tokens"));
        }
        if !lacks.is_zero() {
            steps.push(Step::Faucet(lacks));
        }
        let allowed = market
            .allowance(deployment.pay_token, (account, deployment.market))
            .await;
        if allowed.map_err(failed)? < deposit {
            let call = deployment.approve(deployment.pay_token, deployment.market, deposit);
            steps.push(Step::Send(call));
        }
        steps.push(Step::Create(deployment.create_deal(input, deposit_units)));
        if !args.open {
            steps.push(Step::Match(entries.collect()));
        }
        let shown = |amount: U256| whole(&amount.to_string());
        let text = format!(
            "{name}: package {} of {} bytes\n  {} workers of {} unit{}, {}\n  {} tokens a day ({} for a worker and an epoch of {})\n  {} tokens are deposited, for {}{}",
            built.cid(),
            built.root().size(),
            args.workers,
            args.units,
            if args.units == 1 { "" } else { "s" },
            if args.open {
                "taken by any providers that fit"
            } else {
                "on the cheapest peers"
            },
            shown(per_day(rate, epoch_seconds)),
            shown(price),
            humantime::format_duration(std::time::Duration::from_secs(epoch_seconds)),
            shown(deposit),
            humantime::format_duration(std::time::Duration::from_secs(
                u64::try_from(epochs)
                    .unwrap_or(u64::MAX)
                    .saturating_mul(epoch_seconds)
            )),
            if lacks.is_zero() {
                String::new()
            } else {
                format!("; {} of them come from the faucet", shown(lacks))
            },
        );
        Ok(Self {
            steps,
            text,
            price,
            from_epoch: time.epoch,
            services: names(built),
            workers: args.workers,
            resumed: None,
            deal: None,
        })
    }
}

/// A deal of the account for this code that nothing here knows and that has no workers: a command made it and was
/// interrupted before it could note that.
async fn unfinished(
    context: &Context,
    deals: &Deals,
    built: &Built,
) -> Result<Option<u64>, Failure> {
    let account = context.account(None, &Account::Customer)?;
    let known: BTreeSet<u64> = deals
        .of(context.deployment.market)
        .map(|known| known.deal)
        .collect();
    let (_, module_set) = code(built);
    let mut from = 1;
    loop {
        let page = context.market().deals(from, 100).await;
        let page = page.map_err(|error| context.failed("the deals cannot be read", &error))?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        from = last.dealId.saturating_add(1);
        let found = page.iter().find(|view| {
            view.deal.owner == account
                && view.deal.code.moduleSetHash == module_set
                && view.deal.liveWorkers == 0
                && view.deal.endEpoch == 0
                && !known.contains(&view.dealId)
        });
        if let Some(found) = found {
            return Ok(Some(found.dealId));
        }
    }
}

fn names(built: &Built) -> Vec<String> {
    let services = built.root().services().iter();
    services.map(|service| service.name().to_owned()).collect()
}

/// The code of a package, as deals name it.
fn code(built: &Built) -> (Bytes, B256) {
    let cid = Bytes::copy_from_slice(&built.cid().to_bytes());
    (cid, B256::from(built.root().module_set_hash().to_bytes()))
}
