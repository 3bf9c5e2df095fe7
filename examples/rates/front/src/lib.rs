//! The part of `rates` that understands rates and remembers them. It reaches no server: the part `fetcher` does that for
//! it, and what comes back is read here, where nothing but the state can be touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_guest::context;
use weir_guest::state::{Error, Item, Map};

use exports::weir::rates::api::{Guest, Rate};
use weir::rates::feed;

weir_guest::generate!({ path: "wit", world: "front" });

/// The rates of the European Central Bank, from a server that needs no key.
const SOURCE: &str = "https://api.frankfurter.dev/v1";

/// How many rates of a pair are remembered.
const HISTORY_MAX: usize = 100;

/// Rates by base, quote and the time when they were fetched.
const RATES: Map<(String, String, u64), Price> = Map::new("rates");

/// Where rates come from, and who may change it.
const CHOICE: Item<Choice> = Item::new("source");

#[derive(Serialize, Deserialize)]
struct Price {
    price: f64,
    day: String,
}

#[derive(Serialize, Deserialize)]
struct Choice {
    url: String,
    keeper: String,
}

/// What the server says, as far as it matters.
#[derive(Deserialize)]
struct Answer {
    base: String,
    date: String,
    rates: BTreeMap<String, f64>,
}

struct Front;

impl Guest for Front {
    fn refresh(base: String, quote: String) -> Result<Rate, String> {
        check(&base, &quote)?;
        let url = format!("{}/latest?base={base}&symbols={quote}", source()?);
        let body = feed::get(&url).map_err(|why| format!("{url}: {why}"))?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))?;
        let price = answer.rates.get(&quote).copied();
        let price = price.filter(|price| answer.base == base && *price > 0.0);
        let price = price.ok_or_else(|| format!("{url} has no rate of {base} in {quote}"))?;
        let day = answer.date;
        let key = (base, quote, context::get().timestamp_ms);
        RATES.set(&key, &Price { price, day: day.clone() })?;
        forget_old(&key)?;
        Ok(rate((key, Price { price, day })))
    }

    fn get(base: String, quote: String) -> Result<Rate, String> {
        let last = newest_first(&base, &quote, 1)?.pop();
        last.ok_or_else(|| format!("no rate of {base} in {quote} was fetched yet; refresh does it"))
    }

    fn history(base: String, quote: String, limit: u32) -> Result<Vec<Rate>, String> {
        newest_first(&base, &quote, limit as usize)
    }

    fn source() -> Result<String, String> {
        source()
    }

    fn use_source(url: String) -> Result<(), String> {
        let caller = context::get().initiator;
        if let Some(choice) = CHOICE.get()?
            && choice.keeper != caller
        {
            return Err(format!("only {} may change the source", choice.keeper));
        }
        let url = url.trim_end_matches('/').to_owned();
        CHOICE.set(&Choice { url, keeper: caller })?;
        Ok(())
    }
}

export!(Front);

fn source() -> Result<String, String> {
    let choice = CHOICE.get()?;
    Ok(choice.map_or_else(|| SOURCE.to_owned(), |choice| choice.url))
}

/// Currencies are three capital letters, and nothing else becomes a part of a URL.
fn check(base: &str, quote: &str) -> Result<(), String> {
    for name in [base, quote] {
        if name.len() != 3 || !name.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(format!("`{name}` is no currency; EUR and USD are"));
        }
    }
    Ok(())
}

fn newest_first(base: &str, quote: &str, limit: usize) -> Result<Vec<Rate>, String> {
    let pair = (base.to_owned(), quote.to_owned());
    let entries = RATES.beginning_with(&pair).descending();
    let rates: Result<_, Error> = entries.take(limit).map(|entry| entry.map(rate)).collect();
    Ok(rates?)
}

fn rate(((base, quote, fetched_ms), Price { price, day }): ((String, String, u64), Price)) -> Rate {
    Rate {
        base,
        quote,
        price,
        day,
        fetched_ms,
    }
}

/// Makes room for rates that come after the one of this key.
fn forget_old((base, quote, _): &(String, String, u64)) -> Result<(), Error> {
    let of = |fetched_ms| (base.clone(), quote.clone(), fetched_ms);
    let newest_first = RATES.keys(of(0)..=of(u64::MAX)).descending();
    for old in newest_first.skip(HISTORY_MAX).collect::<Vec<_>>() {
        RATES.remove(&old?)?;
    }
    Ok(())
}
