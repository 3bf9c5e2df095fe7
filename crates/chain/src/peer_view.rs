//! Everything that concerns one peer at one block, for whoever brings the peer to what the chain says.
//!
//! Nothing here depends on what was seen before: a view that was missed is made good by the next. What the contracts
//! store is asked of them; the CIDs of code, the capabilities of deals and the names of places are in events only, so
//! they come from an [`Index`], and the view is of the block that the index has reached.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};

use crate::bindings::Lens;
use crate::client::{MarketReader, MarketTime};
use crate::error::ChainError;
use crate::index::{DealFacts, Index};

/// All that concerns a peer, as of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// Block, time and epoch.
    pub time: MarketTime,
    /// Its provider, offer and units; none if it is not registered.
    pub listing: Option<Listing>,
    /// What it has promised last; none if it never did.
    pub commitment: Option<Commitment>,
    /// Its workers that are not over.
    pub workers: Vec<PeerWorker>,
    /// Its workers of the epoch before the running one, also those that are over since: the epoch is paid once the
    /// peer has committed their receipts.
    pub served: Vec<Served>,
    /// The workers of each deal that it serves, its own included, that are not over.
    pub members: BTreeMap<u64, Vec<Member>>,
}

/// A peer in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// The account that owns the peer.
    pub provider: Address,
    /// The number of its offer.
    pub offer: u64,
    /// Compute units.
    pub units: u16,
    /// Whether the offer is out of the market for now.
    pub paused: bool,
    /// The least price of a unit for an epoch, in the smallest unit of the token.
    pub min_price: u128,
    /// What the offer is paid in.
    pub token: Address,
    /// Protocol versions, both included.
    pub versions: (u16, u16),
}

/// The capacity that a peer has promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Its number.
    pub id: u64,
    /// Where it is.
    pub status: CommitmentStatus,
    /// Compute units.
    pub units: u16,
    /// First epoch that it covers; 0 without collateral.
    pub start_epoch: u32,
    /// First epoch that it does not cover.
    pub end_epoch: u32,
    /// The epoch in which its exit was asked for.
    pub exit_epoch: Option<u32>,
    /// The least price of a unit for an epoch.
    pub min_unit_price: u128,
    /// Whose collateral it is.
    pub staker: Address,
}

/// What a commitment has been through. Whether one that is active is over is a matter of its epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitmentStatus {
    /// It waits for its collateral.
    Offered,
    /// It has its collateral.
    Active,
    /// It lost half of its collateral.
    Failed,
    /// Its collateral went home.
    Finished,
    /// It was taken back.
    Cancelled,
}

/// A peer's part in a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerWorker {
    /// Itself, as all members see it.
    pub member: Member,
    /// Its deal.
    pub deal: DealTerms,
}

/// A worker in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Its name.
    pub worker: B256,
    /// Its deal.
    pub deal: u64,
    /// What the deal pays in.
    pub token: Address,
    /// What the epoch costs the deal, in the token's smallest unit.
    pub fee: u128,
}

/// A worker of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub worker: B256,
    /// Its peer.
    pub peer: Address,
    /// Where it is.
    pub status: WorkerStatus,
    /// The first of its compute units; it has [`DealTerms::units`] in a row.
    pub first_unit: u8,
    /// The address of the key that signs its receipts.
    pub key: Option<Address>,
    /// The first epoch in which it serves.
    pub join_epoch: Option<u32>,
    /// The first epoch that is not its own, if one is known: by notice, by the end of the deal or of the commitment.
    pub end_epoch: Option<u32>,
}

/// Where a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerStatus {
    /// It was chosen, and must be activated.
    Matched {
        /// The last epoch in which it can be.
        deadline: u32,
    },
    /// It serves.
    Active,
    /// It serves until its end, of which it was told.
    Notice,
}

/// Where a deal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DealStatus {
    /// It has fewer active workers than it needs, and pays none.
    Open,
    /// It pays its workers.
    Active,
    /// Its balance does not pay the next epoch.
    Unfunded,
    /// Its owner ended it; its workers serve until [`DealTerms::end_epoch`].
    Ended,
    /// It is over, and its rest was paid back.
    Closed,
}

/// Code of a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The bytes of the CID of the package.
    pub cid: Bytes,
    /// What its modules and their configuration hash to.
    pub module_set: B256,
}

/// What a deal asks and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealTerms {
    /// Its number.
    pub id: u64,
    /// The customer.
    pub owner: Address,
    /// Where it is.
    pub status: DealStatus,
    /// Of one worker for one epoch, in the smallest unit of the token: the latest, which may be announced only.
    pub price: u128,
    /// The same in the running epoch.
    pub price_now: u128,
    /// What it pays in.
    pub token: Address,
    /// Compute units of one worker.
    pub units: u8,
    /// For how many epochs the balance pays all active workers and one more.
    pub funded_epochs: u32,
    /// For how long a worker's commitment must last when it is matched.
    pub term_epochs: u16,
    /// Epochs from a notice to the end, counting the running one.
    pub notice_epochs: u8,
    /// With fewer active workers nothing is paid.
    pub min_workers: u16,
    /// How many workers it wants.
    pub target_workers: u16,
    /// How many it has: matched, active or under notice.
    pub live_workers: u16,
    /// How many workers of one provider it takes.
    pub provider_workers_max: u16,
    /// The least collateral of a unit.
    pub min_collateral: u128,
    /// The protocol version that workers must speak.
    pub version: u16,
    /// Whether providers may take places themselves.
    pub open: bool,
    /// What every worker's offer must have.
    pub capabilities: Vec<B256>,
    /// The root over the keys that may call; none for all.
    pub callers: Option<B256>,
    /// The first epoch after it, once it was ended.
    pub end_epoch: Option<u32>,
    /// Its code from `code_epoch` on.
    pub code: Code,
    /// The first epoch of `code`.
    pub code_epoch: u32,
    /// Its code before that, if it had another.
    pub former: Option<Code>,
}

/// "No end is known", as the market says it.
const NEVER: u32 = u32::MAX;

impl MarketReader<'_> {
    /// All that concerns a peer, as of the block that the index has reached.
    pub async fn peer_view(self, peer: Address, index: &Index) -> Result<PeerView, ChainError> {
        let market = self.at(BlockId::number(index.block()));
        let time = market.time().await?;
        let known = market.peers(&[peer]).await?;
        let known = known
            .first()
            .ok_or_else(|| absurd("no peer where one was asked for"))?;
        let listing = market.listing(known).await?;
        let places: BTreeSet<B256> = index.places_of(peer).map(|place| place.worker).collect();
        let places: Vec<B256> = places.into_iter().collect();
        let (mut workers, mut members) = (Vec::new(), BTreeMap::new());
        let mut served = Vec::new();
        for view in market.workers(&places, time.epoch).await? {
            let id = view.worker.dealId.to::<u64>();
            let before = time.epoch.saturating_sub(1);
            if has_served(&view, before) {
                served.push(Served {
                    worker: view.workerId,
                    deal: id,
                    token: market.deal(id).await?.deal.payToken,
                    fee: market.fee(&view, before).await?,
                });
            }
            let Some(member) = member(&view) else {
                continue;
            };
            let deal = market.terms(id, index).await?;
            if let Entry::Vacant(free) = members.entry(id) {
                let told = market.members(id, index, time.epoch).await?;
                ensure_all_told(&deal, &told)?;
                free.insert(told);
            }
            workers.push(PeerWorker { member, deal });
        }
        ensure_units_told(known, &workers)?;
        Ok(PeerView {
            time,
            listing,
            commitment: commitment(known),
            workers,
            served,
            members,
        })
    }

    /// The deals in which providers may take places themselves and that lack workers, as of the block that the index
    /// has reached. Reads all deals, a hundred at a time.
    pub async fn open_deals(self, index: &Index) -> Result<Vec<DealTerms>, ChainError> {
        let market = self.at(BlockId::number(index.block()));
        let mut found = Vec::new();
        let mut from = 1;
        loop {
            let page = market.deals(from, 100).await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            from = last.dealId.saturating_add(1);
            for view in &page {
                let deal = &view.deal;
                let lacks = deal.liveWorkers < deal.targetWorkers;
                if deal.openMatch && lacks && deal.endEpoch == 0 && !deal.closed {
                    found.push(terms(view, facts(index, view.dealId)?)?);
                }
            }
        }
    }

    async fn terms(self, deal: u64, index: &Index) -> Result<DealTerms, ChainError> {
        terms(&self.deal(deal).await?, facts(index, deal)?)
    }

    /// The workers of a deal that are not over.
    async fn members(
        self,
        deal: u64,
        index: &Index,
        epoch: u32,
    ) -> Result<Vec<Member>, ChainError> {
        let places: BTreeSet<B256> = index.places_in(deal).map(|place| place.worker).collect();
        let places: Vec<B256> = places.into_iter().collect();
        let views = self.workers(&places, epoch).await?;
        Ok(views.iter().filter_map(member).collect())
    }

    /// What an epoch of a worker costs its deal: one that was paid in advance, at its notice, the price of then.
    async fn fee(self, view: &Lens::WorkerView, epoch: u32) -> Result<u128, ChainError> {
        let worker = &view.worker;
        if worker.chargedUntil <= epoch && epoch < worker.prepaidUntil {
            return Ok(worker.noticePrice.to::<u128>());
        }
        self.price_of(worker.dealId.to(), epoch).await
    }

    async fn listing(self, known: &Lens::PeerView) -> Result<Option<Listing>, ChainError> {
        if known.peer.units == 0 {
            return Ok(None);
        }
        let number = known.peer.offerId.to::<u64>();
        let page = self.offers(number, 1).await?;
        let view = page
            .first()
            .ok_or_else(|| absurd("a peer of an offer that is not there"))?;
        Ok(Some(Listing {
            provider: known.peer.provider,
            offer: number,
            units: known.peer.units,
            paused: view.offer.paused,
            min_price: view.offer.minPrice.to::<u128>(),
            token: view.offer.payToken,
            versions: (view.offer.verMin, view.offer.verMax),
        }))
    }
}

fn absurd(what: &str) -> ChainError {
    ChainError::Absurd(what.to_owned())
}

/// That events told of all workers that a deal has. Whoever takes the word of an endpoint that keeps events back would
/// stop, and in the end delete, what is paid for.
fn ensure_all_told(deal: &DealTerms, told: &[Member]) -> Result<(), ChainError> {
    if told.len() == usize::from(deal.live_workers) {
        return Ok(());
    }
    Err(ChainError::MissingEvents(format!(
        "deal {} has {} workers, and they told of {}",
        deal.id,
        deal.live_workers,
        told.len()
    )))
}

/// The same of the workers of a peer: those that have its busy units.
fn ensure_units_told(known: &Lens::PeerView, workers: &[PeerWorker]) -> Result<(), ChainError> {
    let commitment = &known.commitment;
    if !matches!(commitment.status, 2 | 3) {
        return Ok(());
    }
    let busy = row(0, commitment.units) & !commitment.idleBits;
    let rows = workers
        .iter()
        .map(|worker| row(worker.member.first_unit, worker.deal.units.into()));
    let told = rows.fold(U256::ZERO, |told, row| told | row);
    if busy == told {
        return Ok(());
    }
    Err(ChainError::MissingEvents(format!(
        "{} compute units of peer {} are busy, and they told of workers with {}",
        busy.count_ones(),
        known.peerId,
        told.count_ones()
    )))
}

/// Units in a row, unit i at bit i; at most those of one word.
fn row(first: u8, count: u16) -> U256 {
    let ones = match count {
        256.. => U256::MAX,
        count => (U256::from(1) << usize::from(count)) - U256::from(1),
    };
    ones << usize::from(first)
}

fn facts(index: &Index, deal: u64) -> Result<&DealFacts, ChainError> {
    let facts = index.deal(deal);
    facts.ok_or_else(|| {
        ChainError::MissingEvents(format!("deal {deal} is there, and none told of it"))
    })
}

fn commitment(known: &Lens::PeerView) -> Option<Commitment> {
    let status = match known.commitment.status {
        1 => CommitmentStatus::Offered,
        2 => CommitmentStatus::Active,
        3 => CommitmentStatus::Failed,
        4 => CommitmentStatus::Finished,
        5 => CommitmentStatus::Cancelled,
        _ => return None,
    };
    let exit = known.commitment.exitEpoch;
    Some(Commitment {
        id: known.commitmentId.to::<u64>(),
        status,
        units: known.commitment.units,
        start_epoch: known.commitment.startEpoch,
        end_epoch: known.end,
        exit_epoch: (exit != 0).then_some(exit),
        min_unit_price: known.commitment.minDealPrice.to::<u128>(),
        staker: known.commitment.staker,
    })
}

/// Whether an epoch is the worker's, as far as is known now.
fn has_served(view: &Lens::WorkerView, epoch: u32) -> bool {
    let worker = &view.worker;
    let was_activated = matches!(worker.status, 2..=4) && worker.joinEpoch != 0;
    was_activated && worker.joinEpoch <= epoch && epoch < view.end
}

/// None if the place is free, or its worker over.
fn member(view: &Lens::WorkerView) -> Option<Member> {
    let deadline = view.worker.deadline;
    let status = match view.worker.status {
        1 => WorkerStatus::Matched { deadline },
        2 => WorkerStatus::Active,
        3 => WorkerStatus::Notice,
        _ => return None,
    };
    let serves = !matches!(status, WorkerStatus::Matched { .. });
    Some(Member {
        worker: view.workerId,
        peer: view.worker.peer,
        status,
        first_unit: view.worker.firstUnit,
        key: serves.then_some(view.worker.key),
        join_epoch: serves.then_some(view.worker.joinEpoch),
        // Before it is activated it has no commitment by which an end could be reckoned.
        end_epoch: (serves && view.end != NEVER).then_some(view.end),
    })
}

fn terms(view: &Lens::DealView, facts: &DealFacts) -> Result<DealTerms, ChainError> {
    let deal = &view.deal;
    let status = match view.status {
        5 => DealStatus::Closed,
        1..=4 if deal.endEpoch != 0 => DealStatus::Ended,
        1 => DealStatus::Open,
        2 => DealStatus::Active,
        3 => DealStatus::Unfunded,
        other => {
            return Err(ChainError::Absurd(format!(
                "deal {} in state {other}",
                view.dealId
            )));
        }
    };
    let latest = facts.versions.last();
    let latest = latest.filter(|latest| latest.module_set == deal.code.moduleSetHash);
    let latest = latest.ok_or_else(|| {
        let what = format!("deal {} has other code than they told of", view.dealId);
        ChainError::MissingEvents(what)
    })?;
    let code = |version: &crate::index::Version| Code {
        cid: version.cid.clone(),
        module_set: version.module_set,
    };
    // Code that was replaced before it became the deal's never was.
    let former = facts
        .versions
        .iter()
        .rfind(|version| version.from_epoch < latest.from_epoch);
    let price = deal.price.to::<u128>();
    let price_now = view.priceNow.to::<u128>();
    // While a lower price is announced the next epochs cost the higher one.
    let rate = price
        .max(price_now)
        .saturating_mul(u128::from(deal.activeWorkers) + 1);
    let funded = u128::try_from(view.balanceNow)
        .unwrap_or(u128::MAX)
        .checked_div(rate);
    Ok(DealTerms {
        id: view.dealId,
        owner: deal.owner,
        status,
        price,
        price_now,
        token: deal.payToken,
        units: deal.cuPerWorker,
        funded_epochs: u32::try_from(funded.unwrap_or_default()).unwrap_or(u32::MAX),
        term_epochs: deal.minTermEpochs,
        notice_epochs: deal.noticeEpochs,
        min_workers: deal.minWorkers,
        target_workers: deal.targetWorkers,
        live_workers: deal.liveWorkers,
        provider_workers_max: deal.maxPerProvider,
        min_collateral: deal.minCollateral.to::<u128>(),
        version: deal.verReq,
        open: deal.openMatch,
        capabilities: facts.capabilities.clone(),
        callers: (!deal.code.callersRoot.is_zero()).then_some(deal.code.callersRoot),
        end_epoch: (deal.endEpoch != 0).then_some(deal.endEpoch),
        code: code(latest),
        code_epoch: latest.from_epoch,
        former: former.map(code),
    })
}
