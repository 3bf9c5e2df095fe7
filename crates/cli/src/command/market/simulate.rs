//! Which peers would match a deal, and why others would not.

use crate::args::Simulate;
use crate::code::Code;
use crate::failure::Failure;
use crate::market::{Asked, Context, Taken, all_offers, first_free, smallest, token, why_not};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, B256};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::bindings::{Lens, Market};
use weir_chain::{ChainError, Directory, matching_rule};

#[derive(Serialize)]
struct Match {
    offer: u64,
    provider: Address,
    peer: Address,
    matches: bool,
    /// The number of the rule that keeps it out; 0 if it matches.
    rule: u8,
    reason: &'static str,
}

#[derive(Serialize)]
struct Simulated {
    /// How many workers the deal still wants.
    wanted: u16,
    /// How many of them it would get.
    matched: usize,
    peers: Vec<Match>,
}

pub(super) async fn simulate(args: &Simulate, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let simulated = if let Some(deal) = args.deal {
        of_deal(&context, deal).await?
    } else {
        let asked = asked(args, &context)?;
        let peers = of_terms(&context, &asked).await;
        let failed = |error: &ChainError| context.failed("the market cannot be read", error);
        Simulated::of(asked.workers, peers.map_err(|error| failed(&error))?)
    };
    let mut table = Table::new(&["OFFER", "PEER", "MATCHES", "REASON"].map(Column::Text));
    for found in &simulated.peers {
        table.row([
            Cell::new(found.offer.to_string()),
            found.peer.to_string().into(),
            if found.matches { "yes" } else { "no" }.into(),
            if found.matches { "" } else { found.reason }.into(),
        ]);
    }
    let text = format!(
        "{}\n{} of {} workers",
        output.render(&table),
        simulated.matched,
        simulated.wanted
    );
    Ok(Report::new(&simulated, text))
}

impl Simulated {
    fn of(wanted: u16, peers: Vec<Match>) -> Self {
        let fit = peers.iter().filter(|peer| peer.matches).count();
        Self {
            wanted,
            matched: fit.min(usize::from(wanted)),
            peers,
        }
    }
}

fn asked(args: &Simulate, context: &Context) -> Result<Asked, Failure> {
    let capabilities = args.capability.iter().map(|text| {
        text.parse::<B256>().map_err(|_| {
            Failure::new(Code::Usage, format!("`{text}` is no capability"))
                .cause("its id has 0x and 64 hexadecimal digits")
        })
    });
    Ok(Asked {
        price: smallest(args.price.as_deref().unwrap_or("0"))?,
        token: token(&context.deployment, &args.token)?,
        units: args.units,
        version: args.protocol,
        term: u32::from(args.term),
        collateral: smallest(&args.collateral)?,
        capabilities: capabilities.collect::<Result<_, Failure>>()?,
        workers: args.workers,
        of_provider: args.per_provider,
    })
}

/// The peers of the market with their offers, in the order of the offers.
pub(in crate::command) async fn listed(
    context: &Context,
    directory: &Directory,
) -> Result<Vec<(Lens::OfferView, Lens::PeerView)>, ChainError> {
    let market = context.market();
    let offers = all_offers(market).await?;
    let ids: Vec<Address> = directory.peers().collect();
    let peers = market.peers(&ids).await?;
    let mut listed = Vec::new();
    for offer in offers {
        for peer in &peers {
            if peer.peer.units != 0 && peer.peer.offerId == offer.offerId {
                listed.push((offer.clone(), peer.clone()));
            }
        }
    }
    Ok(listed)
}

fn verdict((offer, peer): &(Lens::OfferView, Lens::PeerView), rule: u8) -> Match {
    Match {
        offer: offer.offerId.to(),
        provider: offer.offer.provider,
        peer: peer.peerId,
        matches: rule == 0,
        rule,
        reason: matching_rule(rule),
    }
}

/// For a deal that is not there: whoever matches is taken, and the next are judged as if it were.
async fn of_terms(context: &Context, asked: &Asked) -> Result<Vec<Match>, ChainError> {
    let directory = Directory::read(&context.client, &context.deployment).await?;
    let epoch = context.market().time().await?.epoch;
    let (mut all, mut by_provider) = (0_u16, BTreeMap::<Address, u16>::new());
    let mut found = Vec::new();
    for pair in listed(context, &directory).await? {
        let (offer, peer) = &pair;
        let has: BTreeSet<B256> = directory.capabilities(offer.offerId.to()).collect();
        let own = by_provider.entry(offer.offer.provider).or_default();
        let taken = Taken {
            all,
            of_provider: *own,
        };
        let rule = why_not(asked, offer, (peer, &has), (epoch, taken));
        if rule == 0 {
            (all, *own) = (all.saturating_add(1), own.saturating_add(1));
        }
        found.push(verdict(&pair, rule));
    }
    Ok(found)
}

/// For a deal that is there: the contract says it, of each peer by itself.
async fn of_deal(context: &Context, deal: u64) -> Result<Simulated, Failure> {
    let failed = |error: &ChainError| context.failed("the market cannot be asked", error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(|error| failed(&error))?;
    let market = context.market();
    let view = market.deal(deal).await.map_err(|error| failed(&error))?;
    let facts = directory.index().deal(deal).ok_or_else(|| {
        Failure::new(Code::NoSuchDeal, format!("there is no deal {deal}"))
            .cause("no event of the market tells of it")
    })?;
    let mut found = Vec::new();
    let listed = listed(context, &directory).await;
    for pair in listed.map_err(|error| failed(&error))? {
        let (_, peer) = &pair;
        let first = first_free(peer.commitment.idleBits, view.deal.cuPerWorker);
        let entry = Market::Entry {
            peer: peer.peerId,
            firstUnit: first.unwrap_or_default(),
        };
        let rule = market.match_reason(deal, entry, facts.capabilities.clone());
        let rule = rule.await.map_err(|error| failed(&error))?;
        found.push(verdict(&pair, rule));
    }
    let wanted = view
        .deal
        .targetWorkers
        .saturating_sub(view.deal.liveWorkers);
    Ok(Simulated::of(wanted, found))
}
