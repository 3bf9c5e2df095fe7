//! The matching filter of the market for a deal that is not there yet: the same rules, in the same order, from what
//! the chain says of offers and peers.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use weir_chain::bindings::Lens;

/// What a deal would ask.
pub(crate) struct Asked {
    /// Of a worker for an epoch, in the smallest unit of the token.
    pub(crate) price: U256,
    pub(crate) token: Address,
    /// Compute units of a worker.
    pub(crate) units: u8,
    /// The protocol version.
    pub(crate) version: u16,
    /// For how many epochs a peer must be committed.
    pub(crate) term: u32,
    /// The least collateral of a worker.
    pub(crate) collateral: U256,
    pub(crate) capabilities: Vec<B256>,
    /// How many workers it wants.
    pub(crate) workers: u16,
    /// How many of one provider it takes.
    pub(crate) of_provider: u16,
}

impl Asked {
    /// What a deal that is there asks of so many more workers.
    pub(crate) fn of(deal: &Lens::Deal, capabilities: Vec<B256>, workers: u16) -> Self {
        Self {
            price: U256::from(deal.price),
            token: deal.payToken,
            units: deal.cuPerWorker,
            version: deal.verReq,
            term: u32::from(deal.minTermEpochs),
            collateral: U256::from(deal.minCollateral),
            capabilities,
            workers,
            of_provider: deal.maxPerProvider,
        }
    }
}

/// How many workers the deal would have already: all, and of the provider in question.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) all: u16,
    pub(crate) of_provider: u16,
}

/// The number of the rule that keeps a peer out, as [`weir_chain::matching_rule`] words it; 0 if it would match.
pub(crate) fn why_not(
    asked: &Asked,
    offer: &Lens::OfferView,
    (peer, has): (&Lens::PeerView, &BTreeSet<B256>),
    (epoch, taken): (u32, Taken),
) -> u8 {
    let (terms, commitment) = (&offer.offer, &peer.commitment);
    let units = U256::from(asked.units);
    if terms.paused || peer.peer.units == 0 {
        return 1;
    }
    if asked.price < U256::from(terms.minPrice).saturating_mul(units) {
        return 3;
    }
    if terms.payToken != asked.token {
        return 4;
    }
    if asked.version < terms.verMin || asked.version > terms.verMax {
        return 5;
    }
    if !asked.capabilities.iter().all(|wanted| has.contains(wanted)) {
        return 6;
    }
    if taken.all >= asked.workers {
        return 12;
    }
    if taken.of_provider >= asked.of_provider {
        return 11;
    }
    let covers = commitment.status == 2
        && commitment.startEpoch <= epoch
        && epoch < peer.end
        && epoch.saturating_add(asked.term) <= peer.end;
    if !covers {
        return 7;
    }
    if first_free(commitment.idleBits, asked.units).is_none() {
        return 8;
    }
    let left = U256::from(commitment.collateralPerUnit)
        .saturating_mul(U256::from(commitment.units))
        .saturating_sub(U256::from(commitment.slashed));
    let share = left
        .saturating_mul(units)
        .checked_div(U256::from(commitment.units))
        .unwrap_or_default();
    if !asked.collateral.is_zero() && share < asked.collateral {
        return 9;
    }
    if asked.price < U256::from(commitment.minDealPrice).saturating_mul(units) {
        return 13;
    }
    0
}

/// The first of so many free units in a row.
pub(crate) fn first_free(idle: U256, units: u8) -> Option<u8> {
    let units = usize::from(units);
    let last = 256_usize.checked_sub(units)?;
    let first = (0..=last).find(|first| (*first..first + units).all(|unit| idle.bit(unit)))?;
    (units > 0).then(|| u8::try_from(first).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::first_free;
    use alloy_primitives::U256;

    #[test]
    fn a_worker_needs_units_in_a_row() {
        let free = |bits: u64, units| first_free(U256::from(bits), units);
        assert_eq!(free(0b1111, 4), Some(0));
        assert_eq!(free(0b1110_1100, 3), Some(5));
        assert_eq!(free(0b1110_1100, 2), Some(2));
        assert_eq!(free(0b0101, 2), None);
        assert_eq!(free(0, 1), None);
        assert_eq!(free(1, 0), None, "a worker has at least one");
        assert_eq!(first_free(U256::MAX, 255), Some(0));
        assert_eq!(first_free(U256::from(1) << 255, 1), Some(255));
    }
}
