//! Where a provider stands: its offers, peers, commitments, workers, and what is due to it.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use weir_chain::bindings::Lens;
use weir_chain::{ChainError, Directory, MarketReader, MarketTime};

use super::Context;

/// "No end is known", as the market says it.
pub(crate) const NEVER: u32 = u32::MAX;

/// Epochs that one claim looks at.
const CLAIM_EPOCHS: u32 = 512;

/// Everything of one provider, as of now.
pub(crate) struct Standing {
    pub(crate) time: MarketTime,
    /// How long an epoch is.
    pub(crate) epoch_seconds: u32,
    /// How many epochs after its end an epoch can be claimed.
    pub(crate) maturity: u32,
    pub(crate) account: Address,
    pub(crate) directory: Directory,
    /// What it says that it is.
    pub(crate) description: Option<String>,
    pub(crate) offers: Vec<Lens::OfferView>,
    pub(crate) peers: Vec<Peer>,
    /// What of its pay can be withdrawn, by token.
    pub(crate) pay: Vec<(Address, U256)>,
    /// What of collateral can be withdrawn.
    pub(crate) stake: U256,
}

/// A peer with its latest commitment and all workers that it ever was.
pub(crate) struct Peer {
    pub(crate) view: Lens::PeerView,
    pub(crate) workers: Vec<Work>,
}

/// A worker.
pub(crate) struct Work {
    pub(crate) view: Lens::WorkerView,
    pub(crate) deal: Lens::DealView,
    /// What claims would move now: the first epoch of each, and its amount, fee included.
    pub(crate) claims: Vec<(u32, U256)>,
}

impl Work {
    pub(crate) fn claimable(&self) -> U256 {
        self.claims
            .iter()
            .fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
    }

    /// Whether it was never taken up or never served.
    fn never_served(&self) -> bool {
        self.view.worker.joinEpoch == 0
    }

    /// The first epoch in which all that it can earn can be claimed; none if its end is unknown.
    pub(crate) fn paid_from(&self, maturity: u32) -> Option<u32> {
        let knows_end = !self.never_served() && self.view.end != NEVER;
        knows_end.then(|| self.view.end.saturating_add(maturity))
    }
}

impl Peer {
    /// The collateral that is left of its commitment, while the contract holds it.
    pub(crate) fn collateral(&self) -> U256 {
        collateral(&self.view)
    }
}

/// The collateral that is left of a peer's commitment, while the contract holds it.
pub(crate) fn collateral(view: &Lens::PeerView) -> U256 {
    let commitment = &view.commitment;
    match commitment.status {
        2 | 3 => pledge(commitment).saturating_sub(U256::from(commitment.slashed)),
        _ => U256::ZERO,
    }
}

/// The collateral that a commitment is to be backed with, or was.
pub(crate) fn pledge(commitment: &Lens::Commitment) -> U256 {
    U256::from(commitment.collateralPerUnit).saturating_mul(U256::from(commitment.units))
}

/// Whether the staker of a peer's commitment deposited its collateral, now or before it ended.
pub(crate) fn was_backed(view: &Lens::PeerView) -> bool {
    matches!(view.commitment.status, 2..=4)
}

/// Units of a peer that no deal has and that a deal could have now.
pub(crate) fn free_units(view: &Lens::PeerView, epoch: u32) -> usize {
    let commitment = &view.commitment;
    let serves = commitment.status == 2 && commitment.startEpoch <= epoch && epoch < view.end;
    if serves {
        commitment.idleBits.count_ones()
    } else {
        0
    }
}

/// The word for the state of a commitment.
pub(crate) fn commitment_state(view: &Lens::PeerView, epoch: u32) -> &'static str {
    let commitment = &view.commitment;
    match commitment.status {
        1 => "offered",
        2 | 3 if commitment.exitEpoch != 0 => "leaving",
        2 if epoch < commitment.startEpoch => "begins",
        2 if epoch >= view.end => "over",
        2 => "active",
        3 => "failed",
        4 => "finished",
        5 => "cancelled",
        _ => "none",
    }
}

/// The word for the state of a worker.
pub(crate) fn worker_state(view: &Lens::WorkerView, epoch: u32) -> &'static str {
    match view.worker.status {
        1 => "matched",
        2 | 3 if epoch >= view.end => "to release",
        2 => "active",
        3 => "notice",
        4 => "over",
        _ => "none",
    }
}

impl Standing {
    /// Reads it from the chain.
    pub(crate) async fn read(context: &Context, account: Address) -> Result<Self, ChainError> {
        let directory = Directory::read(&context.client, &context.deployment).await?;
        let market = context.market();
        let time = market.time().await?;
        let offers = all_offers(market).await?;
        let offers: Vec<_> = offers
            .into_iter()
            .filter(|view| view.offer.provider == account)
            .collect();
        let ids: Vec<Address> = directory.peers_of(account).collect();
        let mut peers = Vec::new();
        for view in market.peers(&ids).await? {
            if view.peer.provider == account {
                let workers = works(market, &directory, view.peerId, time.epoch).await?;
                peers.push(Peer { view, workers });
            }
        }
        let mut tokens = BTreeSet::from([context.deployment.pay_token]);
        tokens.extend(offers.iter().map(|view| view.offer.payToken));
        let works = peers.iter().flat_map(|peer| &peer.workers);
        tokens.extend(works.map(|work| work.deal.deal.payToken));
        let mut pay = Vec::new();
        for token in tokens {
            pay.push((token, market.pay_credit(token, account).await?));
        }
        let description = directory.description(account);
        let description = description.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Ok(Self {
            time,
            epoch_seconds: market.epoch_seconds().await?,
            maturity: market.maturity().await?,
            account,
            directory,
            description,
            offers,
            peers,
            pay,
            stake: market.stake_credit(account).await?,
        })
    }

    /// Whether it is, or was, in the market at all.
    pub(crate) fn is_known(&self) -> bool {
        self.description.is_some() || !self.offers.is_empty() || !self.peers.is_empty()
    }

    /// How long until an epoch begins.
    pub(crate) fn seconds_until(&self, epoch: u32) -> u64 {
        let more = epoch.saturating_sub(self.time.epoch);
        if more == 0 {
            return 0;
        }
        let first = self.time.next_epoch.saturating_sub(self.time.seconds);
        let others = u64::from(more - 1).saturating_mul(u64::from(self.epoch_seconds));
        first.saturating_add(others)
    }
}

/// All offers of a market, a page at a time.
pub(crate) async fn all_offers(
    market: MarketReader<'_>,
) -> Result<Vec<Lens::OfferView>, ChainError> {
    let mut offers: Vec<Lens::OfferView> = Vec::new();
    loop {
        let last = offers.last().map_or(0, |view| view.offerId.to::<u64>());
        let page = market.offers(last.saturating_add(1), 100).await?;
        if page.is_empty() {
            return Ok(offers);
        }
        offers.extend(page);
    }
}

/// The workers that a peer is and was.
pub(crate) async fn works(
    market: MarketReader<'_>,
    directory: &Directory,
    peer: Address,
    epoch: u32,
) -> Result<Vec<Work>, ChainError> {
    let places: BTreeSet<_> = directory
        .index()
        .places_of(peer)
        .map(|place| place.worker)
        .collect();
    let places: Vec<_> = places.into_iter().collect();
    let mut found = Vec::new();
    for view in market.workers(&places, epoch).await? {
        // A match that was not taken up leaves nothing behind.
        if view.worker.status == 0 {
            continue;
        }
        let deal = market.deal(view.worker.dealId.to::<u64>()).await?;
        let mut claims = Vec::new();
        if view.worker.joinEpoch != 0 {
            let mut from = view.worker.joinEpoch & !0xff;
            while from <= epoch && from < view.end {
                let amount = market.claimable(view.workerId, from).await?;
                if !amount.is_zero() {
                    claims.push((from, amount));
                }
                from = from.saturating_add(CLAIM_EPOCHS);
            }
        }
        found.push(Work { view, deal, claims });
    }
    Ok(found)
}
