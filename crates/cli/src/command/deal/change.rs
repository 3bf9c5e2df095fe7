//! Another number of workers, and another price.

use super::About;
use super::money::pay_in;
use super::show::shown;
use crate::args::{Global, Which};
use crate::code::Code;
use crate::command::deploy::{Chosen, PATIENCE, choose_others};
use crate::consent::consent;
use crate::failure::Failure;
use crate::market::{Account, Context, per_day, smallest, staying, whole, workers_of};
use crate::output::{Output, Report};
use alloy_primitives::{Address, U256, Uint};
use std::time::{Duration, Instant};
use weir_chain::bindings::Lens;
use weir_chain::{Call, ChainError, Directory};

/// The pause between two looks at the deal.
const LOOK: Duration = Duration::from_millis(20);

/// What a deal is to become.
struct Change {
    call: Call,
    /// For people, without what follows from it.
    text: String,
    /// The deal as it is then.
    deal: Lens::Deal,
    /// What its balance must be for that, in the smallest unit.
    covers: U256,
    /// Whether nothing is done if there are too few peers for its free places.
    fills: bool,
}

/// Lets a deal have another number of workers.
pub(super) async fn resize(
    which: &Which,
    (workers, min): (u16, Option<u16>),
    asked: (bool, &Global),
    output: &Output,
) -> Result<Report, Failure> {
    let about = About::read(which).await?;
    ensure_changeable(&about)?;
    let (title, now) = (about.title(), &about.view.deal);
    let least = min.unwrap_or(now.minWorkers.min(workers));
    if least > workers {
        let what = format!("at least {least} of {workers} workers cannot be");
        return Err(Failure::new(Code::Usage, what).fix("--min is at most --workers"));
    }
    if least > now.minWorkers && now.liveWorkers > 0 {
        let what = format!("the least number of workers of {title} cannot rise now");
        let cause = format!(
            "it is {}, and those that are there would not be paid any more",
            now.minWorkers
        );
        return Err(Failure::new(Code::Unchangeable, what)
            .cause(cause)
            .fix("leave --min out, or make another deal with weir deploy"));
    }
    // What is due from the next epoch on: a lower price may be announced.
    let price = U256::from(now.price.max(about.view.priceNow));
    let covers = if workers > now.targetWorkers {
        deposit(&about, price, workers).await?
    } else {
        U256::ZERO
    };
    let seconds = epoch_seconds(&about).await?;
    let daily = |workers: u16| {
        let rate = price.saturating_mul(U256::from(workers));
        whole(&per_day(rate, seconds).to_string())
    };
    let mut text = format!(
        "{title}: {workers} workers instead of {}\n  {} tokens a day instead of {}",
        now.targetWorkers,
        daily(workers),
        daily(now.targetWorkers)
    );
    if workers < now.liveWorkers {
        text.push_str(&format!(
            "\n  it has {}, of which none loses its place: weir deal replace gives notice to one",
            now.liveWorkers
        ));
    }
    let deal = Lens::Deal {
        minWorkers: least,
        targetWorkers: workers,
        ..now.clone()
    };
    let deployment = &about.context.deployment;
    let change = Change {
        call: deployment.resize_deal(about.deal, (least, workers)),
        text,
        deal,
        covers,
        fills: true,
    };
    carry_out(about, change, asked, output).await
}

/// Lets a deal pay another price.
pub(super) async fn price(
    which: &Which,
    price: &str,
    asked: (bool, &Global),
    output: &Output,
) -> Result<Report, Failure> {
    let about = About::read(which).await?;
    ensure_changeable(&about)?;
    let (title, now, epoch) = (about.title(), &about.view.deal, about.epoch);
    let (wanted, old) = (smallest(price)?, U256::from(now.price));
    let no_price = |cause: &str| {
        let what = format!("{price} cannot be the price of {title}");
        Failure::new(Code::Usage, what).cause(cause)
    };
    if wanted == old {
        return Err(no_price("it is that already"));
    }
    let units = u128::try_from(wanted).ok();
    let units = units.filter(|units| (1..1 << 96).contains(units));
    let units = units.ok_or_else(|| no_price("a contract counts from 1 unit to 2^96 - 1"))?;
    let lasts = about.context.market().price_epochs().await;
    let lasts = lasts.map_err(|error| about.context.failed("the market cannot be read", &error))?;
    let until = now.priceEpoch.saturating_add(lasts);
    if now.priceEpoch != 0 && epoch < until {
        let what = format!("the price of {title} was changed not long ago");
        return Err(Failure::new(Code::Unchangeable, what)
            .cause(format!(
                "it lasts at least until epoch {until}, now is {epoch}"
            ))
            .fix("wait until then"));
    }
    let (from, covers) = if wanted < old {
        (
            epoch.saturating_add(u32::from(now.noticeEpochs)),
            U256::ZERO,
        )
    } else {
        let covers = deposit(&about, wanted, now.targetWorkers).await?;
        (epoch.saturating_add(1), covers)
    };
    let seconds = epoch_seconds(&about).await?;
    let daily = |price: U256| {
        let rate = price.saturating_mul(U256::from(now.targetWorkers));
        whole(&per_day(rate, seconds).to_string())
    };
    let mut text = format!(
        "{title}: {} tokens for a worker and an epoch instead of {}, from epoch {from} on (now is {epoch})\n  {} tokens a day instead of {}, with {} workers\n  it can be changed again from epoch {} on",
        whole(&units.to_string()),
        whole(&old.to_string()),
        daily(wanted),
        daily(old),
        now.targetWorkers,
        from.saturating_add(lasts)
    );
    if wanted < old {
        text.push_str(&format!(
            "\n  workers may leave until epoch {from}, at the price of now"
        ));
    }
    let deal = Lens::Deal {
        price: Uint::from(units),
        ..now.clone()
    };
    let deployment = &about.context.deployment;
    let change = Change {
        call: deployment.set_price(about.deal, units),
        text,
        deal,
        covers,
        fills: false,
    };
    carry_out(about, change, asked, output).await
}

/// Says what will happen, and does it: money, the change, peers for free places, until they serve.
async fn carry_out(
    mut about: About,
    change: Change,
    (yes, global): (bool, &Global),
    output: &Output,
) -> Result<Report, Failure> {
    let context = &about.context;
    let failed = |error| context.failed("the market cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let there = workers_of(context, directory.index(), about.deal).await;
    let there = there.map_err(failed)?;
    let mut text = change.text;
    let deal = &change.deal;
    let free = deal.targetWorkers.saturating_sub(deal.liveWorkers);
    let places = if deal.openMatch { 0 } else { free };
    let (known, wanted) = ((about.deal, deal), (&*there, places));
    let (choice, capabilities) = choose_others(context, &directory, known, wanted).await?;
    let chosen = if change.fills {
        choice.all()?
    } else {
        choice.chosen
    };
    if deal.openMatch && free > 0 {
        text.push_str(&format!(
            "\n  {free} free places are left to any providers that fit"
        ));
    } else if places > 0 {
        text.push_str(&format!(
            "\n  {} of {places} free places are given to the cheapest peers that fit",
            chosen.len()
        ));
    }
    let lacks = change.covers.saturating_sub(about.view.balanceNow);
    if !lacks.is_zero() {
        text.push_str(&format!(
            "\n  {} tokens are paid in, which the market asks for",
            whole(&lacks.to_string())
        ));
    }
    consent(yes, global, output, (&text, "go on?"))?;
    let wallet = about.wallet()?;
    if !lacks.is_zero() {
        ensure_money_helps(&about, &change.call).await?;
        pay_in(&about, &wallet, lacks).await?;
    }
    wallet.send(&change.call).await?;
    if !chosen.is_empty() {
        let entries = chosen.iter().map(Chosen::entry).collect();
        let call = context
            .deployment
            .match_deal(about.deal, entries, capabilities, true);
        wallet.send(&call).await?;
        let all = staying(&there).saturating_add(u16::try_from(chosen.len()).unwrap_or(places));
        let progress = output.progress("waiting for the new workers");
        active(context, about.deal, all, global.timeout.unwrap_or(PATIENCE)).await?;
        drop(progress);
    }
    about.again().await?;
    shown(&about, output).await
}

/// Before anything is paid in: whether it is for money alone that the contract refuses a change, if it does.
async fn ensure_money_helps(about: &About, call: &Call) -> Result<(), Failure> {
    let (context, owner) = (&about.context, about.view.deal.owner);
    match context.client.gas_cost(owner, call).await {
        Err(ChainError::Revert { why, .. }) if why.name == "DepositTooSmall" => Ok(()),
        Err(error) => Err(context.failed("the deal cannot be changed", &error)),
        Ok(_) => Ok(()),
    }
}

/// Before anything is paid in: whether the account may change the deal.
fn ensure_changeable(about: &About) -> Result<(), Failure> {
    let (title, deal) = (about.title(), &about.view.deal);
    let failure = || Failure::new(Code::Unchangeable, format!("{title} cannot be changed"));
    if deal.endEpoch != 0 {
        return Err(failure()
            .cause("it was ended")
            .fix("weir deploy makes another"));
    }
    let account: Address = about.context.account(None, &Account::Customer)?;
    if deal.owner != account {
        return Err(failure()
            .cause(format!("it is {}'s, this account is {account}", deal.owner))
            .fix("use the account of its owner: weir context"));
    }
    Ok(())
}

/// The least balance for so many workers at a price, which a new deal needs as well. If the balance is not enough, an
/// epoch more than that is paid in: one may begin meanwhile.
async fn deposit(about: &About, price: U256, workers: u16) -> Result<U256, Failure> {
    let least = about.context.market().min_deposit_epochs().await;
    let least = least.map_err(|error| about.context.failed("the market cannot be read", &error))?;
    let rate = price.saturating_mul(U256::from(workers));
    let covers = rate.saturating_mul(U256::from(least));
    Ok(if about.view.balanceNow >= covers {
        covers
    } else {
        covers.saturating_add(rate)
    })
}

async fn epoch_seconds(about: &About) -> Result<u64, Failure> {
    let seconds = about.context.market().epoch_seconds().await;
    let seconds = seconds.map_err(|error| about.context.failed("the time cannot be read", &error));
    Ok(u64::from(seconds?))
}

/// Waits until so many workers of a deal are active, or as many as it wants, and says how many.
async fn active(
    context: &Context,
    deal: u64,
    wanted: u16,
    patience: Duration,
) -> Result<u16, Failure> {
    let begin = Instant::now();
    loop {
        let view = context.market().deal(deal).await;
        let view = view.map_err(|error| context.failed("the deal cannot be read", &error))?;
        let active = view.deal.activeWorkers;
        if active >= wanted.min(view.deal.targetWorkers) {
            return Ok(active);
        }
        if begin.elapsed() >= patience {
            let what = format!("{active} of {wanted} workers of deal {deal} are active");
            return Err(Failure::new(Code::NotServed, what)
                .cause(format!(
                    "the others were not ready within {}",
                    humantime::format_duration(patience)
                ))
                .fix(format!(
                    "look at it with weir deal show {deal}, or end it with weir deal stop {deal}"
                )));
        }
        tokio::time::sleep(LOOK).await;
    }
}
