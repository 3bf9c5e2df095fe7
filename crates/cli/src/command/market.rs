//! `weir market`: who offers what.

use super::chain::asking;
use crate::args::Market;
use crate::failure::Failure;
use crate::market::{MarketFile, failed, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema;
use serde::Serialize;
use weir_chain::bindings::Lens;

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Market, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Market::Offers => (schema::MARKET_OFFERS, asking(offers(output))),
        Market::Providers => (schema::MARKET_PROVIDERS, asking(providers(output))),
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

/// The most offers that are listed.
const OFFERS_MAX: usize = 10_000;

async fn all_offers(output: &Output) -> Result<Vec<Offer>, Failure> {
    let file = MarketFile::here()?;
    let client = file.client()?;
    let market = client.market(&file.deployment);
    let mut offers: Vec<Offer> = Vec::new();
    while offers.len() < OFFERS_MAX {
        let next = offers.last().map_or(1, |offer| offer.id + 1);
        let page = market.offers(next, 100).await;
        let page = page.map_err(|error| failed("the offers cannot be read", &error))?;
        if page.is_empty() {
            break;
        }
        offers.extend(page.iter().map(offer));
    }
    if offers.len() >= OFFERS_MAX {
        output.warn(format!(
            "there may be more: the first {} are listed",
            offers.len()
        ));
    }
    Ok(offers)
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
    let offers = all_offers(output).await?;
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
    for offer in all_offers(output).await? {
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
