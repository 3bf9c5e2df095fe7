//! Which peers get a place in a deal.

use crate::code::Code;
use crate::command::market::listed;
use crate::failure::Failure;
use crate::market::{Asked, Context, Taken, first_free, is_live, why_not};
use alloy_primitives::{Address, B256, U256};
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::bindings::{Lens, Market};
use weir_chain::{ChainError, Directory, matching_rule};

/// A peer that fits.
#[derive(Debug, Clone)]
pub(in crate::command) struct Chosen {
    peer: Address,
    first_unit: u8,
    /// The least price of a worker for an epoch, in the smallest unit.
    pub(super) price: U256,
}

impl Chosen {
    /// As the contract is told.
    pub(in crate::command) fn entry(&self) -> Market::Entry {
        Market::Entry {
            peer: self.peer,
            firstUnit: self.first_unit,
        }
    }
}

/// The cheapest peers that match, at most as many as are asked for.
pub(in crate::command) struct Choice {
    pub(in crate::command) chosen: Vec<Chosen>,
    wanted: u16,
    /// By which rules others do not, and how many.
    reasons: BTreeMap<u8, usize>,
}

impl Choice {
    /// All that are wanted, or why there are fewer.
    pub(in crate::command) fn all(self) -> Result<Vec<Chosen>, Failure> {
        if self.chosen.len() == usize::from(self.wanted) {
            return Ok(self.chosen);
        }
        let (wanted, found) = (self.wanted, self.chosen.len());
        let what = format!("{wanted} workers are wanted, and {found} peers match");
        let failure = Failure::new(Code::TooFewPeers, what)
            .fix("weir market simulate says of each peer why it does not match; ask for less, pay more, or allow more workers of one provider");
        let most = self.reasons.iter().max_by_key(|(_, count)| **count);
        Err(match most {
            Some((rule, count)) => {
                failure.cause(format!("{count} do not, because {}", matching_rule(*rule)))
            }
            None => failure.cause("there are no others in the market"),
        })
    }
}

/// Who has had to do with a deal.
#[derive(Default)]
pub(super) struct Acquainted {
    /// Those that have a place now.
    serving: BTreeSet<Address>,
    /// Those that had one: whoever left, or was given notice, comes after all others.
    former: BTreeSet<Address>,
}

impl Acquainted {
    fn of(workers: &[Lens::WorkerView]) -> Self {
        let (live, over): (Vec<_>, Vec<_>) = workers.iter().partition(|view| is_live(view));
        let peers = |views: Vec<&Lens::WorkerView>| {
            let peers = views.into_iter().map(|view| view.worker.peer);
            peers.collect()
        };
        Self {
            serving: peers(live),
            former: peers(over),
        }
    }
}

/// Other peers for places of a deal that is there, and the capabilities that it requires.
pub(in crate::command) async fn choose_others(
    context: &Context,
    directory: &Directory,
    (number, deal): (u64, &Lens::Deal),
    (workers, places): (&[Lens::WorkerView], u16),
) -> Result<(Choice, Vec<B256>), Failure> {
    let facts = directory.index().deal(number);
    let capabilities = facts.map_or_else(Vec::new, |facts| facts.capabilities.clone());
    let asked = Asked::of(deal, capabilities, places);
    let choice = choose(context, directory, &asked, &Acquainted::of(workers)).await?;
    Ok((choice, asked.capabilities))
}

/// Chooses.
pub(super) async fn choose(
    context: &Context,
    directory: &Directory,
    asked: &Asked,
    known: &Acquainted,
) -> Result<Choice, Failure> {
    let Acquainted { serving, former } = known;
    let failed = |error: ChainError| context.failed("the market cannot be read", &error);
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let mut peers = listed(context, directory).await.map_err(failed)?;
    peers.sort_by_key(|pair| {
        (
            former.contains(&pair.1.peerId),
            price(pair, asked.units),
            pair.0.offerId,
            pair.1.peerId,
        )
    });
    let mut by_provider = BTreeMap::<Address, u16>::new();
    for (_, peer) in peers
        .iter()
        .filter(|(_, peer)| serving.contains(&peer.peerId))
    {
        *by_provider.entry(peer.peer.provider).or_default() += 1;
    }
    let mut choice = Choice {
        chosen: Vec::new(),
        wanted: asked.workers,
        reasons: BTreeMap::new(),
    };
    for pair in &peers {
        let (offer, peer) = pair;
        if serving.contains(&peer.peerId) || choice.chosen.len() >= usize::from(asked.workers) {
            continue;
        }
        let has: BTreeSet<B256> = directory.capabilities(offer.offerId.to()).collect();
        let own = by_provider.entry(offer.offer.provider).or_default();
        let taken = Taken {
            all: 0,
            of_provider: *own,
        };
        let rule = why_not(asked, offer, (peer, &has), (epoch, taken));
        match first_free(peer.commitment.idleBits, asked.units) {
            Some(first_unit) if rule == 0 => {
                *own = own.saturating_add(1);
                choice.chosen.push(Chosen {
                    peer: peer.peerId,
                    first_unit,
                    price: price(pair, asked.units),
                });
            }
            _ => *choice.reasons.entry(rule).or_default() += 1,
        }
    }
    Ok(choice)
}

/// The least for which a peer takes a worker of so many units.
fn price((offer, peer): &(Lens::OfferView, Lens::PeerView), units: u8) -> U256 {
    let of_unit = U256::from(offer.offer.minPrice).max(U256::from(peer.commitment.minDealPrice));
    of_unit.saturating_mul(U256::from(units))
}
