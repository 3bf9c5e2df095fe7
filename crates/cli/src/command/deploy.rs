//! `weir deploy`: a deal for what is in the folder, up to the moment at which its workers answer.

mod bundle;
mod choice;
mod look;
mod plan;
mod probe;
mod upload;

use super::chain::asking;
use crate::args::{Deploy, Global};
use crate::consent::consent;
use crate::entrance;
use crate::failure::Failure;
use crate::market::{Account, Context, Deals, Known, Wallet};
use crate::output::{Output, Report};
use crate::project::current_folder;
use crate::session::Session;
use alloy_primitives::{B256, U256};
use bundle::bundle;
use plan::{Plan, Step};
use serde::Serialize;
use std::time::{Duration, Instant};
use upload::Upload;
use weir_chain::MarketEvent;
use weir_chain::bindings::Market::MarketEvents;
use weir_package::Built;

/// How long workers have to become active, without `--timeout`.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Serialize)]
struct Deployed {
    name: String,
    deal: u64,
    package: String,
    services: Vec<String>,
    /// Whether there was a deal of this name before.
    updated: bool,
    /// The epoch from which the code is the deal's.
    from_epoch: u32,
    /// Of a worker for an epoch, in the smallest unit.
    price: String,
    replicas: Vec<Replica>,
    /// Milliseconds.
    took_ms: u64,
}

#[derive(Serialize)]
struct Replica {
    name: String,
    peer: String,
}

/// Deploys and tells who answers.
pub(crate) fn run(args: &Deploy, global: &Global, output: &Output) -> Result<Report, Failure> {
    let begin = Instant::now();
    let (project, network) = entrance::here()?;
    let built = bundle(&current_folder()?)?;
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| built.root().name().to_owned());
    let context = Context::current()?;
    let plan = asking(Plan::make(&context, &project, (&name, &built), args))?;
    consent(args.yes, global, output, (&plan.text, "go on?"))?;
    // Nothing is spent if nobody can be reached.
    let session = Session::open(&project, &network, output)?;
    let courier = session.courier()?;
    let upload = Upload::new(courier.node(), &network, &built)?;
    let patience = global.timeout.unwrap_or(PATIENCE);
    let (deal, workers, hosts) = {
        let progress = output.progress("making the deal");
        asking(async {
            let wallet = context.wallet(None, &Account::Customer)?;
            let known = |deal| Known {
                name: name.clone(),
                market: context.deployment.market,
                deal,
                package: built.cid().to_string(),
                services: services(&built),
            };
            // As soon as there is a deal it has its name, so that whatever interrupts this is gone on with.
            let keep = |deal| Deals::load(&project)?.put(known(deal), &project);
            let deal = carry_out(&context, &wallet, &plan, &keep).await?;
            let served = upload.until_served(&context, (deal, plan.workers), patience, &progress);
            let (workers, hosts) = served.await?;
            Ok((deal, workers, hosts))
        })?
    };
    drop(courier);
    let place = (&session, &network.with(hosts));
    let replicas = probe::answering(place, (deal, workers), &plan, patience, output)?;
    let took = begin.elapsed();
    let deployed = Deployed {
        name,
        deal,
        package: built.cid().to_string(),
        services: services(&built),
        updated: plan.existing().is_some(),
        from_epoch: plan.from_epoch,
        price: plan.price.to_string(),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        replicas,
    };
    let names: Vec<&str> = deployed
        .replicas
        .iter()
        .map(|replica| &*replica.name)
        .collect();
    let text = format!(
        "{} {} is deal {deal}, answered by {} in {:.1} s{}",
        output.palette().check(),
        deployed.name,
        names.join(", "),
        took.as_secs_f64(),
        match plan.existing() {
            Some(_) => format!("; its new code is used from epoch {} on", plan.from_epoch),
            None => String::new(),
        }
    );
    let next = format!(
        "next: weir call {}.…, weir deal show {}",
        first(&built),
        deployed.name
    );
    Ok(Report::new(&deployed, text).then(next))
}

fn first(built: &Built) -> &str {
    let services = built.root().services();
    services
        .first()
        .map_or("SERVICE", weir_package::Service::name)
}

/// The names by which the services of a package are called.
fn services(built: &Built) -> Vec<String> {
    let services = built.root().services().iter();
    let names =
        services.flat_map(|service| std::iter::once(service.name()).chain(service.aliases()));
    names.map(str::to_owned).collect()
}

/// Sends what the plan says, and gives the number of the deal.
async fn carry_out(
    context: &Context,
    wallet: &Wallet,
    plan: &Plan,
    keep: &impl Fn(u64) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut deal = plan.existing().or(plan.resumed);
    if let Some(resumed) = plan.resumed {
        keep(resumed)?;
    }
    for step in &plan.steps {
        match step {
            Step::Faucet(amount) => faucet(context, wallet, *amount).await?,
            Step::Send(call) => {
                wallet.send(call).await?;
            }
            Step::Create(call) => {
                let hash = wallet.send(call).await?;
                let made = created(context, hash).await?;
                keep(made)?;
                deal = Some(made);
            }
            Step::Match(entries) => {
                let number = deal.unwrap_or_default();
                let call = context
                    .deployment
                    .match_deal(number, entries.clone(), Vec::new(), true);
                wallet.send(&call).await?;
            }
        }
    }
    let deal = deal.ok_or_else(|| Failure::internal("no deal was made", "the plan has none"))?;
    // New code has another package and perhaps other services.
    keep(deal)?;
    Ok(deal)
}

async fn faucet(context: &Context, wallet: &Wallet, amount: U256) -> Result<(), Failure> {
    let call = weir_chain::Call::faucet(context.deployment.pay_token, wallet.account(), amount);
    wallet.send(&call).await.map(drop)
}

/// The deal that a transaction created.
async fn created(context: &Context, hash: B256) -> Result<u64, Failure> {
    let what = "the deal that was made cannot be found";
    let events = context.client.events_of(&context.deployment, hash).await;
    let events = events.map_err(|error| context.failed(what, &error))?;
    let number = events.iter().find_map(|event| match event {
        MarketEvent::Market(MarketEvents::DealCreated(created)) => Some(created.dealId),
        _ => None,
    });
    number.ok_or_else(|| Failure::internal(what, format!("transaction {hash} has no such event")))
}

pub(super) use choice::{Chosen, choose_others};
