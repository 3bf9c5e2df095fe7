//! `weir market`: who offers what, at which price, and what would match.

mod prices;
mod simulate;

pub(super) use simulate::listed;

use super::chain::asking;
use crate::args::Market;
use crate::failure::Failure;
use crate::market::{Context, all_offers, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema;
use serde::Serialize;
use weir_chain::bindings::Lens;

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Market, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Market::Offers => (schema::MARKET_OFFERS, asking(offers(output))),
        Market::Providers => (schema::MARKET_PROVIDERS, asking(providers(output))),
        Market::Prices => (schema::MARKET_PRICES, asking(prices::prices(output))),
        Market::Simulate(args) => (
            schema::MARKET_SIMULATE,
            asking(simulate::simulate(args, output)),
        ),
    }
}

#[derive(Serialize)]
struct Offer {
    id: u64,
    provider: String,
    /// Of a unit for an epoch, in the token's smallest unit.
    min_price: String,
    token: String,
    versions: [u16; 2],
    paused: bool,
}

async fn read() -> Result<Vec<Offer>, Failure> {
    let context = Context::current()?;
    let offers = all_offers(context.market()).await;
    let offers = offers.map_err(|error| context.failed("the offers cannot be read", &error))?;
    Ok(offers.iter().map(offer).collect())
}

fn offer(view: &Lens::OfferView) -> Offer {
    let offer = &view.offer;
    Offer {
        id: view.offerId.to(),
        provider: offer.provider.to_string(),
        min_price: offer.minPrice.to_string(),
        token: offer.payToken.to_string(),
        versions: [offer.verMin, offer.verMax],
        paused: offer.paused,
    }
}

async fn offers(output: &Output) -> Result<Report, Failure> {
    let offers = read().await?;
    let columns = ["OFFER", "PROVIDER", "PRICE", "TOKEN", "VERSIONS", "STATE"].map(Column::Text);
    let mut table = Table::new(&columns);
    for offer in &offers {
        let [first, last] = offer.versions;
        table.row([
            Cell::new(offer.id.to_string()),
            Cell::new(&*offer.provider),
            whole(&offer.min_price).into(),
            Cell::new(&*offer.token),
            format!("{first} to {last}").into(),
            if offer.paused { "paused" } else { "open" }.into(),
        ]);
    }
    Ok(Report::new(&offers, output.render(&table)))
}

#[derive(Serialize)]
struct Provider {
    provider: String,
    offers: Vec<u64>,
}

async fn providers(output: &Output) -> Result<Report, Failure> {
    let mut providers: Vec<Provider> = Vec::new();
    for offer in read().await? {
        match providers
            .iter_mut()
            .find(|known| known.provider == offer.provider)
        {
            Some(known) => known.offers.push(offer.id),
            None => providers.push(Provider {
                provider: offer.provider,
                offers: vec![offer.id],
            }),
        }
    }
    let mut table = Table::new(&["PROVIDER", "OFFERS"].map(Column::Text));
    for provider in &providers {
        let offers: Vec<String> = provider.offers.iter().map(u64::to_string).collect();
        table.row([Cell::new(&*provider.provider), offers.join(", ").into()]);
    }
    Ok(Report::new(&providers, output.render(&table)))
}
