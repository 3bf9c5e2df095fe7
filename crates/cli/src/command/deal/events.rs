//! What happened to a deal.

use std::collections::BTreeMap;

use super::About;
use crate::args::Which;
use crate::failure::Failure;
use crate::market::whole;
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, B256};
use serde::Serialize;
use weir_chain::bindings::Audit::AuditEvents;
use weir_chain::bindings::Market::MarketEvents;
use weir_chain::{Cursor, Follower, Happened, MarketEvent, News};

#[derive(Serialize)]
struct Event {
    block: u64,
    transaction: B256,
    what: String,
}

/// Its events, the oldest first.
pub(super) async fn events(which: &Which, output: &Output) -> Result<Report, Failure> {
    let about = About::read(which).await?;
    let context = &about.context;
    let (client, deployment) = (context.client.clone(), context.deployment.clone());
    let mut follower = Follower::new(client, deployment, Cursor::before(&context.deployment));
    let mut story = Story::of(about.deal, about.view.deal.payToken);
    let mut found: Vec<Event> = Vec::new();
    loop {
        let news = follower.next().await;
        match news.map_err(|error| context.failed("the events cannot be read", &error))? {
            News::Nothing => break,
            News::Blocks { events, .. } => {
                found.extend(events.iter().filter_map(|event| story.told(event)));
            }
            News::RolledBack { to } => found.retain(|event| event.block <= to),
        }
    }
    let mut table = Table::new(&["BLOCK", "WHAT"].map(Column::Text));
    for event in &found {
        table.row([Cell::new(event.block.to_string()), Cell::new(&*event.what)]);
    }
    Ok(Report::new(&found, output.render(&table)))
}

/// Which events are the deal's: some name its workers or their peers only.
struct Story {
    deal: u64,
    token: Address,
    /// By worker: its peer, and the epoch from which on it is paid.
    workers: BTreeMap<B256, (Address, u32)>,
}

impl Story {
    const fn of(deal: u64, token: Address) -> Self {
        Self {
            deal,
            token,
            workers: BTreeMap::new(),
        }
    }

    fn told(&mut self, happened: &Happened) -> Option<Event> {
        let what = match &happened.event {
            MarketEvent::Market(event) => self.of_market(event)?,
            MarketEvent::Audit(AuditEvents::ReceiptsCommitted(event)) => {
                let mut workers = self.workers.values();
                let served =
                    workers.any(|(peer, from)| *peer == event.peer && *from <= event.epoch);
                if !served || event.token != self.token {
                    return None;
                }
                format!(
                    "{} committed the receipts of epoch {}",
                    event.peer, event.epoch
                )
            }
            _ => return None,
        };
        Some(Event {
            block: happened.block,
            transaction: happened.transaction,
            what,
        })
    }

    fn of_market(&mut self, event: &MarketEvents) -> Option<String> {
        if let MarketEvents::WorkerActive(event) = event
            && event.dealId == self.deal
        {
            let work = (event.peer, event.joinEpoch);
            self.workers.insert(event.workerId, work);
        }
        let known = |worker: &B256| self.workers.get(worker).map(|(peer, _)| *peer);
        let (of, what) = match event {
            MarketEvents::WorkerExcluded(event) => {
                let peer = known(&event.workerId)?;
                let epoch = event.epoch;
                (
                    self.deal,
                    format!("{peer} has no receipts of epoch {epoch}, which is not paid"),
                )
            }
            MarketEvents::Claimed(event) => {
                let peer = known(&event.workerId)?;
                let (epochs, amount) =
                    (event.epochs.count_ones(), whole(&event.amount.to_string()));
                (
                    self.deal,
                    format!("{peer} was paid {amount} for {epochs} epochs"),
                )
            }
            MarketEvents::Refunded(event) => {
                let (epochs, amount) =
                    (event.epochs.count_ones(), whole(&event.amount.to_string()));
                (
                    event.dealId,
                    format!("{amount} for {epochs} epochs without proof came back"),
                )
            }
            MarketEvents::DealCreated(event) => (event.dealId, "it was made".to_owned()),
            MarketEvents::WorkerMatched(event) => {
                (event.dealId, format!("{} was given a place", event.peer))
            }
            MarketEvents::MatchExpired(event) => (
                event.dealId,
                format!("{} gave its place back, or did not take it up", event.peer),
            ),
            MarketEvents::WorkerActive(event) => (
                event.dealId,
                format!(
                    "{} serves, paid from epoch {} on",
                    event.peer, event.joinEpoch
                ),
            ),
            MarketEvents::WorkerLeaving(event) => (
                event.dealId,
                format!("a worker leaves with epoch {}", event.endEpoch),
            ),
            MarketEvents::WorkerRemoved(event) => (
                event.dealId,
                format!("a worker was given notice to epoch {}", event.endEpoch),
            ),
            MarketEvents::WorkerAbsent(event) => {
                (event.dealId, "a worker was reported absent".to_owned())
            }
            MarketEvents::WorkerOver(event) => (event.dealId, "a worker is over".to_owned()),
            MarketEvents::Settled(event) => {
                (event.dealId, format!("settled up to epoch {}", event.upTo))
            }
            MarketEvents::VersionSet(event) => (
                event.dealId,
                format!("new code from epoch {} on", event.fromEpoch),
            ),
            MarketEvents::PriceSet(event) => (
                event.dealId,
                format!(
                    "a worker costs {} tokens from epoch {} on",
                    whole(&event.price.to_string()),
                    event.fromEpoch
                ),
            ),
            MarketEvents::DealResized(event) => (
                event.dealId,
                format!(
                    "it wants {} workers, and pays with at least {}",
                    event.targetWorkers, event.minWorkers
                ),
            ),
            MarketEvents::WorkerKeyRotated(event) => (
                event.dealId,
                format!(
                    "a worker signs with another key from epoch {} on",
                    event.fromEpoch
                ),
            ),
            MarketEvents::DealEnded(event) => (event.dealId, "it was ended".to_owned()),
            MarketEvents::DealClosed(event) => (event.dealId, "it was closed".to_owned()),
            _ => return None,
        };
        (of == self.deal).then_some(what)
    }
}
