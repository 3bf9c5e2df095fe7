//! From what the client reads to what the reconciler takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address as ChainAddress, B256, Bytes};
use weir_chain::{
    Code as ChainCode, CommitmentStatus, DealStatus as ChainStatus, DealTerms, Index,
    Member as ChainMember, PeerView, WorkerStatus as ChainWorkerStatus,
};
use weir_identity::{Address, Cid, Hash, PeerId};
use weir_peer::Timestamp;
use weir_peer::deals::{
    Code, Commitment, DealStatus, DealView, MarketView, Member, Subnet, WorkerId, WorkerStatus,
    WorkerView,
};

/// What the market says of a peer. `keys` has the names of the keys of workers.
pub(crate) fn market(
    seen: &PeerView,
    open: &[DealTerms],
    index: &Index,
    keys: &BTreeMap<B256, PeerId>,
) -> MarketView {
    let time = &seen.time;
    let workers = seen.workers.iter().map(|worker| WorkerView {
        id: worker_id(worker.member.worker),
        status: status(worker.member.status),
        deal: deal(&worker.deal),
        first_unit: worker.member.first_unit,
        key: worker.member.key.map(address),
        end_epoch: worker.member.end_epoch,
    });
    let subnets = seen.workers.iter().map(|worker| {
        let members = seen.members.get(&worker.deal.id);
        subnet(
            &worker.deal,
            members.map_or(&[], Vec::as_slice),
            seen,
            index,
            keys,
        )
    });
    MarketView {
        block: time.block,
        time: seconds(time.seconds),
        epoch: time.epoch,
        epoch_end: seconds(time.next_epoch),
        commitment: commitment(seen),
        workers: workers.collect(),
        open: open.iter().map(deal).collect(),
        subnets: subnets.collect(),
    }
}

fn commitment(seen: &PeerView) -> Option<Commitment> {
    let listing = seen.listing?;
    let commitment = seen.commitment?;
    let is_live =
        commitment.status == CommitmentStatus::Active && commitment.end_epoch > seen.time.epoch;
    is_live.then_some(Commitment {
        units: commitment.units,
        end_epoch: commitment.end_epoch,
        matchable: !listing.paused && commitment.start_epoch <= seen.time.epoch,
    })
}

fn deal(terms: &DealTerms) -> DealView {
    DealView {
        id: terms.id,
        owner: address(terms.owner),
        status: match terms.status {
            ChainStatus::Open => DealStatus::Open,
            ChainStatus::Active => DealStatus::Active,
            ChainStatus::Unfunded => DealStatus::Unfunded,
            ChainStatus::Ended | ChainStatus::Closed => DealStatus::Ended,
        },
        price: terms.price,
        price_now: terms.price_now,
        token: address(terms.token),
        units: terms.units,
        funded_epochs: terms.funded_epochs,
        term_epochs: terms.term_epochs,
        capabilities: terms.capabilities.iter().copied().map(hash).collect(),
        code: code(&terms.code),
        code_epoch: terms.code_epoch,
        former: terms.former.as_ref().map(code),
    }
}

fn code(code: &ChainCode) -> Code {
    Code {
        package: package(&code.cid),
        module_set: hash(code.module_set),
    }
}

/// The package that a deal names. Bytes that are no CID stand for a package that nobody can have: a CID of raw bytes,
/// which the fetch refuses for good.
pub(crate) fn package(cid: &Bytes) -> Cid {
    Cid::from_bytes(cid).unwrap_or_else(|_| Cid::of_raw(cid))
}

fn subnet(
    deal: &DealTerms,
    members: &[ChainMember],
    seen: &PeerView,
    index: &Index,
    keys: &BTreeMap<B256, PeerId>,
) -> Subnet {
    let places = index.places_in(deal.id).map(|place| place.block);
    let ids = members.iter();
    let activations = ids.filter_map(|member| Some(index.activation(member.worker)?.block));
    let member = |member: &ChainMember| {
        // Whoever is matched was registered, which an event told with its key.
        let host = index.peer_id(member.peer)?;
        let units = member.first_unit..member.first_unit.saturating_add(deal.units);
        Some(Member {
            id: worker_id(member.worker),
            host,
            worker: member.key.and_then(|_| keys.get(&member.worker).copied()),
            units: units
                .map(|unit| Arc::from(format!("{}/{unit}", member.peer)))
                .collect(),
        })
    };
    Subnet {
        deal: deal.id,
        block: seen.time.block,
        changed_block: places.chain(activations).max().unwrap_or_default(),
        package: package(&deal.code.cid),
        members: members.iter().filter_map(member).collect(),
    }
}

fn status(status: ChainWorkerStatus) -> WorkerStatus {
    match status {
        ChainWorkerStatus::Matched { deadline } => WorkerStatus::Matched { deadline },
        ChainWorkerStatus::Active => WorkerStatus::Active,
        ChainWorkerStatus::Notice => WorkerStatus::Notice,
    }
}

fn seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

fn worker_id(id: B256) -> WorkerId {
    WorkerId(hash(id))
}

fn hash(hash: B256) -> Hash {
    Hash::from(hash.0)
}

fn address(address: ChainAddress) -> Address {
    Address::from(address.into_array())
}

/// The account of a peer.
pub(crate) fn account(peer: &PeerId) -> ChainAddress {
    ChainAddress::from(peer.address().to_bytes())
}
