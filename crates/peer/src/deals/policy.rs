//! What an operator decides: which deals this peer takes, and how it goes about them.

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::{Address, Cid, Hash};

use super::effect::PackageLimits;

/// Which deals this peer takes. The default takes none, because it accepts no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The least price of one compute unit for one epoch, for each token that is accepted, in its smallest unit.
    pub prices: BTreeMap<Address, u128>,
    /// What this machine can do.
    pub capabilities: BTreeSet<Hash>,
    /// Whose deals.
    pub customers: Rule<Address>,
    /// Which code.
    pub packages: Rule<Cid>,
    /// Most workers at once.
    pub workers: usize,
    /// Most compute units at once; those of the commitment, if they are fewer.
    pub units: u32,
    /// For how many epochs a deal must be funded to be taken.
    pub funded_epochs: u32,
    /// What becomes of a worker whose deal has no funds.
    pub unfunded: Unfunded,
    /// After how many epochs without funds a worker leaves; `None`: never.
    pub leave_unfunded_epochs: Option<u32>,
    /// How many claims of places in open deals may be under way; 0 looks for no work.
    pub claims: usize,
    /// What a package may be.
    pub package: PackageLimits,
    /// Most workers whose time is over and whose data is still kept. Of more, the oldest goes first.
    pub kept_workers: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            prices: BTreeMap::new(),
            capabilities: BTreeSet::new(),
            customers: Rule::All,
            packages: Rule::All,
            workers: 64,
            units: u32::MAX,
            funded_epochs: 1,
            unfunded: Unfunded::Stop,
            leave_unfunded_epochs: Some(3),
            claims: 0,
            package: PackageLimits::default(),
            kept_workers: 64,
        }
    }
}

/// Who or what is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule<T> {
    /// Everyone.
    All,
    /// Those named.
    Only(BTreeSet<T>),
    /// All but those named.
    Except(BTreeSet<T>),
}

impl<T: Ord> Rule<T> {
    /// Whether this one is.
    pub fn admits(&self, one: &T) -> bool {
        match self {
            Rule::All => true,
            Rule::Only(named) => named.contains(one),
            Rule::Except(named) => !named.contains(one),
        }
    }
}

/// What becomes of a worker whose deal has no funds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfunded {
    /// It does not answer until there are funds.
    Stop,
    /// It goes on.
    Serve,
}

/// How long things take, in milliseconds and blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// After how many blocks what a view shows is not expected to be undone.
    pub reorg_blocks: u64,
    /// How long the data of a worker is kept when its time is over. The receipts of its last epoch are committed in the
    /// next one, and the others are asked for as long as evidence is taken.
    pub keep_ms: u64,
    /// First pause after a failure; it doubles.
    pub retry_ms: u64,
    /// Longest pause after a failure.
    pub retry_max_ms: u64,
    /// After how long a transaction without an outcome is given out again.
    pub repeat_ms: u64,
    /// How long before a match lapses a worker that is not ready is declined.
    pub decline_ms: u64,
    /// How long a deal is left alone in which a claim failed.
    pub claim_pause_ms: u64,
    /// How old a view may be before the status says so.
    pub stale_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        const HOUR: u64 = 3_600_000;
        Timing {
            reorg_blocks: 64,
            keep_ms: 7 * 24 * HOUR,
            retry_ms: 5_000,
            retry_max_ms: 900_000,
            repeat_ms: 60_000,
            decline_ms: 120_000,
            claim_pause_ms: 600_000,
            stale_ms: 120_000,
        }
    }
}

impl Timing {
    /// The pause after so many failures in a row.
    pub(super) fn pause_ms(&self, failures: u32) -> u64 {
        let doublings = failures.saturating_sub(1).min(32);
        self.retry_ms
            .saturating_mul(1 << doublings)
            .min(self.retry_max_ms)
    }
}
