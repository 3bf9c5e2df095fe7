//! Deals and their workers.

use super::{About, state};
use crate::args::Which;
use crate::entrance;
use crate::failure::Failure;
use crate::market::{Account, Context, Deals, is_live, worker_state, workers_of};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, B256};
use serde::Serialize;
use weir_chain::{Directory, Index};
use weir_identity::Cid;

#[derive(Serialize)]
struct Line {
    deal: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: &'static str,
    owner: Address,
    active_workers: u16,
    target_workers: u16,
    /// Of a worker for the running epoch, in the smallest unit.
    price: String,
    /// In the smallest unit.
    balance: String,
}

/// The deals of the account, or all.
pub(super) async fn list(all: bool, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let account = context.account(None, &Account::Customer)?;
    let deals = entrance::project().and_then(|project| Deals::load(&project))?;
    let mut lines: Vec<Line> = Vec::new();
    let mut from = 1;
    loop {
        let page = context.market().deals(from, 100).await;
        let page = page.map_err(|error| context.failed("the deals cannot be read", &error))?;
        let Some(last) = page.last() else {
            break;
        };
        from = last.dealId.saturating_add(1);
        let shown = page.iter().filter(|view| all || view.deal.owner == account);
        lines.extend(shown.map(|view| {
            let mut known = deals.of(context.deployment.market);
            let known = known.find(|known| known.deal == view.dealId);
            Line {
                deal: view.dealId,
                name: known.map(|known| known.name.clone()),
                state: state(view),
                owner: view.deal.owner,
                active_workers: view.deal.activeWorkers,
                target_workers: view.deal.targetWorkers,
                price: view.priceNow.to_string(),
                balance: view.balanceNow.to_string(),
            }
        }));
    }
    let columns = ["DEAL", "NAME", "STATE", "WORKERS", "PRICE", "BALANCE"].map(Column::Text);
    let mut table = Table::new(&columns);
    for line in &lines {
        table.row([
            Cell::new(line.deal.to_string()),
            Cell::new(line.name.as_deref().unwrap_or_default()),
            line.state.into(),
            format!("{} of {}", line.active_workers, line.target_workers).into(),
            crate::market::whole(&line.price).into(),
            crate::market::whole(&line.balance).into(),
        ]);
    }
    let text = if lines.is_empty() {
        "no deals; weir deploy makes one".to_owned()
    } else {
        output.render(&table)
    };
    Ok(Report::new(&lines, text))
}

#[derive(Serialize)]
struct Shown {
    deal: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: &'static str,
    owner: Address,
    package: String,
    /// Of a worker for the running epoch, in the smallest unit.
    price: String,
    /// A price that was announced, and its first epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_price_epoch: Option<u32>,
    /// With fewer nobody is paid.
    min_workers: u16,
    /// How many it wants.
    target_workers: u16,
    /// In the smallest unit.
    balance: String,
    /// Set apart for epochs that are neither paid nor paid back.
    escrow: String,
    workers: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_epoch: Option<u32>,
}

#[derive(Serialize)]
struct Place {
    worker: B256,
    peer: Address,
    state: &'static str,
    units: [u8; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_epoch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// One deal.
pub(super) async fn show(which: &Which, output: &Output) -> Result<Report, Failure> {
    let about = About::read(which).await?;
    shown(&about, output).await
}

pub(super) async fn shown(about: &About, output: &Output) -> Result<Report, Failure> {
    let context = &about.context;
    let failed = |error| context.failed("the deal cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let index = directory.index();
    let workers = workers(about, index).await?;
    let deal = &about.view.deal;
    let facts = index.deal(about.deal);
    let package = facts.and_then(|facts| facts.versions.last());
    let package = package.map(|version| match Cid::from_bytes(&version.cid) {
        Ok(cid) => cid.to_string(),
        Err(_) => version.cid.to_string(),
    });
    let is_announced = about.view.priceNow != deal.price;
    let shown = Shown {
        deal: about.deal,
        name: about.name.clone(),
        state: state(&about.view),
        owner: deal.owner,
        package: package.unwrap_or_default(),
        price: about.view.priceNow.to_string(),
        next_price: is_announced.then(|| deal.price.to_string()),
        next_price_epoch: is_announced.then_some(deal.priceEpoch),
        min_workers: deal.minWorkers,
        target_workers: deal.targetWorkers,
        balance: about.view.balanceNow.to_string(),
        escrow: deal.escrow.to_string(),
        workers,
        end_epoch: (deal.endEpoch != 0).then_some(deal.endEpoch),
    };
    let columns = [
        Column::Text("PEER"),
        Column::Text("STATE"),
        Column::Text("UNITS"),
        Column::Id("WORKER"),
    ];
    let mut table = Table::new(&columns);
    for worker in &shown.workers {
        let [first, last] = worker.units;
        table.row([
            Cell::new(worker.peer.to_string()),
            worker.state.into(),
            format!("{first} to {last}").into(),
            Cell::new(worker.id.as_deref().unwrap_or_default()),
        ]);
    }
    let text = format!(
        "{}: {}{}\npackage {}\n{} workers wanted\n{} tokens for a worker and an epoch{}, {} in its balance, {} set apart\n\n{}",
        output.palette().bold(&about.title()),
        shown.state,
        shown.end_epoch.map_or_else(String::new, |end| format!(
            ", its workers serve until epoch {end}"
        )),
        shown.package,
        shown.target_workers,
        crate::market::whole(&shown.price),
        match (&shown.next_price, shown.next_price_epoch) {
            (Some(price), Some(from)) =>
                format!(" ({} from epoch {from} on)", crate::market::whole(price)),
            _ => String::new(),
        },
        crate::market::whole(&shown.balance),
        crate::market::whole(&shown.escrow),
        output.render(&table),
    );
    Ok(Report::new(&shown, text))
}

/// The workers of a deal that are not over.
async fn workers(about: &About, index: &Index) -> Result<Vec<Place>, Failure> {
    let context = &about.context;
    let failed = |error| context.failed("the workers cannot be read", &error);
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let views = workers_of(context, index, about.deal)
        .await
        .map_err(failed)?;
    let mut found = Vec::new();
    for view in views.iter().filter(|view| is_live(view)) {
        let id = match index.activation(view.workerId) {
            Some(activation) => {
                let id = context.client.worker_id(&context.deployment, activation);
                id.await.map_err(failed)?
            }
            None => None,
        };
        let first = view.worker.firstUnit;
        let units = about.view.deal.cuPerWorker;
        found.push(Place {
            worker: view.workerId,
            peer: view.worker.peer,
            state: worker_state(view, epoch),
            units: [first, first.saturating_add(units.saturating_sub(1))],
            joined_epoch: (view.worker.joinEpoch != 0).then_some(view.worker.joinEpoch),
            id: id.map(|id| id.to_string()),
        });
    }
    Ok(found)
}
