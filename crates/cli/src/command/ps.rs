//! `weir ps`: the services of the network, and who answers for them.

use crate::entrance;
use crate::failure::Failure;
use crate::market::Deals;
use crate::output::{Cell, Column, Output, Report, Table};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Answering {
    service: String,
    /// `deal` or `static`.
    answers: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deal: Option<u64>,
    /// Names of peers that have it without a deal.
    peers: Vec<String>,
}

/// Lists them.
pub(crate) fn run(output: &Output) -> Result<Report, Failure> {
    let (project, network) = entrance::here()?;
    let deals = Deals::load(&project)?;
    let market = entrance::market(&project, &network)?;
    let dealt = |service: &str| market.and_then(|market| deals.of_service(market, service));
    let mut names: BTreeSet<String> = network
        .services
        .iter()
        .map(|service| service.name.clone())
        .collect();
    if let Some(market) = market {
        names.extend(deals.of(market).flat_map(|known| known.services.clone()));
    }
    let services: Vec<Answering> = names
        .into_iter()
        .map(|service| {
            let deal = dealt(&service).map(|known| known.deal);
            let mut known = network.services.iter();
            let known = known.find(|known| known.name == service);
            Answering {
                answers: if deal.is_some() { "deal" } else { "static" },
                deal,
                peers: known.map_or_else(Vec::new, |known| known.peers.clone()),
                service,
            }
        })
        .collect();
    let mut table = Table::new(&["SERVICE", "ANSWERS", "ON PEERS"].map(Column::Text));
    for service in &services {
        let answers = match service.deal {
            Some(deal) => format!("deal {deal}"),
            None => "what weir up put there".to_owned(),
        };
        table.row([
            Cell::new(&*service.service),
            answers.into(),
            service.peers.join(", ").into(),
        ]);
    }
    Ok(Report::new(&services, output.render(&table)))
}
