//! Which peers get a place in a deal.

use crate::code::Code;
use crate::command::market::listed;
use crate::failure::Failure;
use crate::market::{Asked, Context, Taken, first_free, why_not};
use alloy_primitives::{Address, B256, U256};
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::{ChainError, Directory, matching_rule};

/// A peer that fits.
#[derive(Debug, Clone)]
pub(in crate::command) struct Chosen {
    pub(in crate::command) peer: Address,
    pub(in crate::command) first_unit: u8,
    /// The least price of a worker for an epoch, in the smallest unit.
    pub(in crate::command) price: U256,
}

/// The cheapest peers that would match, as many as are asked for. `price` is the most that a worker may cost.
pub(in crate::command) async fn choose(
    context: &Context,
    asked: &Asked,
    except: &BTreeSet<Address>,
) -> Result<Vec<Chosen>, Failure> {
    let failed = |error: ChainError| context.failed("the market cannot be read", &error);
    let directory = Directory::read(&context.client, &context.deployment).await;
    let directory = directory.map_err(failed)?;
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let mut peers = listed(context, &directory).await.map_err(failed)?;
    let units = U256::from(asked.units);
    let price = |(offer, peer): &(_, _)| {
        let offer: &weir_chain::bindings::Lens::OfferView = offer;
        let peer: &weir_chain::bindings::Lens::PeerView = peer;
        let least = U256::from(offer.offer.minPrice).max(U256::from(peer.commitment.minDealPrice));
        least.saturating_mul(units)
    };
    peers.sort_by_key(|pair| (price(pair), pair.0.offerId, pair.1.peerId));
    let (mut chosen, mut by_provider) = (Vec::new(), BTreeMap::<Address, u16>::new());
    let mut reasons: BTreeMap<u8, usize> = BTreeMap::new();
    for pair in &peers {
        let (offer, peer) = pair;
        if except.contains(&peer.peerId) || chosen.len() >= usize::from(asked.workers) {
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
                chosen.push(Chosen {
                    peer: peer.peerId,
                    first_unit,
                    price: price(pair),
                });
            }
            _ => *reasons.entry(rule).or_default() += 1,
        }
    }
    if chosen.len() == usize::from(asked.workers) {
        return Ok(chosen);
    }
    let what = format!(
        "{} workers are wanted, and {} peers match",
        asked.workers,
        chosen.len()
    );
    let failure = Failure::new(Code::TooFewPeers, what)
        .fix("weir market simulate says of each peer why it does not match; ask for less, pay more, or allow more workers of one provider");
    Err(match reasons.iter().max_by_key(|(_, count)| **count) {
        Some((rule, count)) => {
            failure.cause(format!("{count} do not, because {}", matching_rule(*rule)))
        }
        None => failure.cause("there are no others in the market"),
    })
}
