//! What a unit costs for an epoch, by token.

use crate::failure::Failure;
use crate::market::{Context, all_offers, free_units, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, U256};
use serde::Serialize;
use std::collections::BTreeMap;
use weir_chain::{ChainError, Directory};

#[derive(Serialize)]
struct Price {
    token: Address,
    /// Of a unit for an epoch, in the token's smallest unit.
    lowest: String,
    /// That of the offer in the middle; the lower one of two.
    median: String,
    highest: String,
    /// Open offers.
    offers: usize,
    /// Units behind them that no deal has.
    free_units: usize,
}

pub(super) async fn prices(output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let prices = read(&context).await;
    let prices = prices.map_err(|error| context.failed("the offers cannot be read", &error))?;
    let columns = [
        "TOKEN",
        "LOWEST",
        "MEDIAN",
        "HIGHEST",
        "OFFERS",
        "FREE UNITS",
    ];
    let mut table = Table::new(&columns.map(Column::Text));
    for price in &prices {
        table.row([
            Cell::new(price.token.to_string()),
            whole(&price.lowest).into(),
            whole(&price.median).into(),
            whole(&price.highest).into(),
            price.offers.to_string().into(),
            price.free_units.to_string().into(),
        ]);
    }
    let text = if prices.is_empty() {
        "no open offers".to_owned()
    } else {
        output.render(&table)
    };
    Ok(Report::new(&prices, text))
}

async fn read(context: &Context) -> Result<Vec<Price>, ChainError> {
    let market = context.market();
    let directory = Directory::read(&context.client, &context.deployment).await?;
    let epoch = market.time().await?.epoch;
    let ids: Vec<Address> = directory.peers().collect();
    let mut free: BTreeMap<u64, usize> = BTreeMap::new();
    for view in market.peers(&ids).await? {
        let units = free.entry(view.peer.offerId.to()).or_default();
        *units = units.saturating_add(free_units(&view, epoch));
    }
    let mut open: BTreeMap<Address, Vec<(U256, usize)>> = BTreeMap::new();
    for view in all_offers(market).await? {
        if view.offer.paused {
            continue;
        }
        let units = free.get(&view.offerId.to()).copied().unwrap_or_default();
        let price = U256::from(view.offer.minPrice);
        open.entry(view.offer.payToken)
            .or_default()
            .push((price, units));
    }
    let prices = open.into_iter().filter_map(|(token, mut offers)| {
        offers.sort();
        let (lowest, highest) = (offers.first()?.0, offers.last()?.0);
        let median = offers.get((offers.len() - 1) / 2)?.0;
        Some(Price {
            token,
            lowest: lowest.to_string(),
            median: median.to_string(),
            highest: highest.to_string(),
            offers: offers.len(),
            free_units: offers.iter().map(|(_, units)| units).sum(),
        })
    });
    Ok(prices.collect())
}
