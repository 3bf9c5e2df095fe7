//! What the market says of this peer at one block.
//!
//! Where a client finds in the contracts what is not plain there:
//!
//! | Field | Is |
//! |---|---|
//! | [`WorkerView::end_epoch`] | `end` of the lens's worker, which heeds deal and commitment; none if it is the largest number |
//! | [`DealView::funded_epochs`] | what the balance is once settled, divided by the price of all active workers and one more |
//! | [`DealView::former`] | `formerModuleSetHash` while `versionEpoch` is not past; the CIDs are in `DealCreated` and `VersionSet` only |
//! | [`DealView::status`] | that of the lens, but *ended* as soon as the owner ended it: its workers have an end, and no match can be activated |
//! | [`super::Member::worker`] | the signer of the activation, from its transaction: the contract keeps the account |

use std::fmt;

use serde::{Deserialize, Serialize};
use weir_identity::{Address, Cid, Hash};

use super::table::Subnet;
use crate::time::Timestamp;

/// A peer's part in a deal, as the chain names it: the hash of deal, peer, and how often the peer joined again. A match
/// that lapses gives the name free, so the same one may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub Hash);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Everything on the chain that concerns this peer, as of one block.
///
/// What is not in it is not there: a view that could not be read whole must not be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketView {
    /// Number of the block.
    pub block: u64,
    /// The chain's time at this block.
    pub time: Timestamp,
    /// The running epoch.
    pub epoch: u32,
    /// When the running epoch ends, in the chain's time.
    pub epoch_end: Timestamp,
    /// The capacity that this peer has staked; none if it is not registered, or without a live commitment.
    pub commitment: Option<Commitment>,
    /// Its workers. One whose time is over may be left out.
    pub workers: Vec<WorkerView>,
    /// Deals in which it may claim a place.
    pub open: Vec<DealView>,
    /// The members of deals that this peer is asked about: at least of those that it serves.
    pub subnets: Vec<Subnet>,
}

/// What a peer has staked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Compute units.
    pub units: u16,
    /// First epoch that it does not cover.
    pub end_epoch: u32,
    /// Whether it is active, and the peer's offer not paused: whether the peer can be matched.
    pub matchable: bool,
}

/// Code as a deal names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code {
    /// The package.
    pub package: Cid,
    /// What the modules of the package and their configuration must hash to.
    pub module_set: Hash,
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
    /// Its owner ended it; its workers have their notice.
    Ended,
}

/// A deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealView {
    /// Number of the deal.
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
    /// For how many epochs the balance pays all its active workers and one more.
    pub funded_epochs: u32,
    /// How long a worker's commitment must last when it is matched.
    pub term_epochs: u16,
    /// What every worker's offer must have.
    pub capabilities: Vec<Hash>,
    /// Its code from `code_epoch` on.
    pub code: Code,
    /// The first epoch of `code`.
    pub code_epoch: u32,
    /// Its code before that, if it had another.
    pub former: Option<Code>,
}

impl DealView {
    /// The code of an epoch.
    pub fn code_at(&self, epoch: u32) -> Code {
        match self.former {
            Some(former) if epoch < self.code_epoch => former,
            _ => self.code,
        }
    }

    /// Whether a worker may execute this code in an epoch. In the first epoch of new code the former one may be too.
    pub fn permits(&self, code: &Code, epoch: u32) -> bool {
        *code == self.code_at(epoch)
            || epoch == self.code_epoch && self.former.as_ref() == Some(code)
    }

    /// The price of one unit, rounded down.
    pub fn unit_price(&self) -> u128 {
        self.price / u128::from(self.units.max(1))
    }
}

/// Where a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerStatus {
    /// The peer has been chosen and has to activate the worker.
    Matched {
        /// The last epoch in which it can.
        deadline: u32,
    },
    /// It serves.
    Active,
    /// It serves until its end, of which it has been told.
    Notice,
    /// It was released.
    Over,
}

/// A worker of this peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// Its name.
    pub id: WorkerId,
    /// Where it is.
    pub status: WorkerStatus,
    /// Its deal.
    pub deal: DealView,
    /// The first of its compute units.
    pub first_unit: u8,
    /// The key that it was activated with.
    pub key: Option<Address>,
    /// The first epoch that is not the worker's, if one is known: by notice, by the end of the deal or of the
    /// commitment.
    pub end_epoch: Option<u32>,
}
