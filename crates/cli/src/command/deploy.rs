//! `weir deploy`: a deal for what is in the folder, up to the moment at which its workers answer.

mod bundle;
mod choice;
mod plan;
mod probe;

use super::chain::asking;
use crate::args::{Deploy, Global};
use crate::code::Code;
use crate::consent::consent;
use crate::failure::Failure;
use crate::market::{Account, Context, Deals, Known, Wallet};
use crate::output::{Output, Report};
use crate::project::{Project, current_folder};
use alloy_primitives::{B256, U256};
use bundle::bundle;
use plan::{Plan, Step};
use serde::Serialize;
use std::time::{Duration, Instant};
use weir_chain::MarketEvent;
use weir_chain::bindings::Market::MarketEvents;
use weir_package::{BlockStore, Built, Folder};

/// How long workers have to become active, without `--timeout`.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked whether they are.
const LOOK: Duration = Duration::from_millis(50);

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
    let project = Project::here()?;
    let built = bundle(&current_folder()?)?;
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| built.root().name().to_owned());
    let context = Context::current()?;
    if !context.is_local() {
        return Err(Failure::new(
            Code::Usage,
            "weir deploy works with the local network only, so far",
        )
        .cause("nodes elsewhere have no place from which they could get the package")
        .fix("weir context use local"));
    }
    let plan = asking(Plan::make(&context, &project, (&name, &built), args))?;
    consent(args.yes, global, output, (&plan.text, "go on?"))?;
    upload(&project, &built)?;
    let patience = global.timeout.unwrap_or(PATIENCE);
    let (deal, workers) = {
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
            progress.say(format!("waiting for the workers of deal {deal}"));
            let workers = active(&context, deal, plan.workers, patience).await?;
            Ok((deal, workers))
        })?
    };
    let replicas = probe::answering(&project, (deal, workers), &plan, patience, output)?;
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

/// Puts the blocks where the nodes of the network look for them.
fn upload(project: &Project, built: &Built) -> Result<(), Failure> {
    let folder = project.packages();
    let unwritable = |error: weir_package::StoreError| {
        let what = format!("cannot keep the package in {}", folder.display());
        Failure::new(Code::FileUnwritable, what).cause(error)
    };
    let mut store = Folder::open(&folder).map_err(unwritable)?;
    for block in built.blocks() {
        store.put(block).map_err(unwritable)?;
    }
    Ok(())
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

/// Waits until so many workers of a deal are active, or as many as it wants, and says how many.
pub(super) async fn active(
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

pub(super) use choice::{Chosen, choose_others};
