//! What is recorded of each worker and claim.

use serde::{Deserialize, Serialize};

use super::effect::Intent;
use super::identity::WorkerIdentity;
use super::view::Code;
use crate::time::Timestamp;

/// One worker, from the first view that shows it until nothing of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which worker, and its key.
    pub identity: WorkerIdentity,
    /// Its deal.
    pub deal: u64,
    /// Its compute units.
    pub units: u8,
    /// How it stands with the market.
    pub stand: Stand,
    /// What this machine has of it.
    pub phase: Phase,
    /// Whether it answers calls, as far as is known.
    pub running: bool,
    /// Whether it has served: its data is worth keeping.
    pub served: bool,
    /// The operator wants it to be left.
    pub leaving: bool,
    /// Its code will never be served here.
    pub refused: bool,
    /// Since which epoch its deal has no funds.
    pub unfunded_since: Option<u32>,
    /// Its transactions.
    pub chain: Transactions,
    /// Failures of the present work in a row.
    pub failures: u32,
    /// The present work is not tried before.
    pub retry_at: Timestamp,
    /// The last thing that went wrong.
    pub trouble: Option<String>,
}

/// How a worker stands with the market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stand {
    /// It is, or is to be, served.
    Wanted,
    /// It is given back: a match is declined, a place is left.
    Declined {
        /// Why.
        reason: String,
    },
    /// The chain does not show it any more. If that stays so, it was not there.
    Missing {
        /// Number of the block that did not show it first.
        block: u64,
        /// When that was.
        since: Timestamp,
    },
    /// Its time is over.
    Over {
        /// Until when its data is kept.
        keep_until: Timestamp,
    },
}

/// What this machine has of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing.
    Absent,
    /// The package is on its way.
    Fetching {
        /// Which.
        code: Code,
    },
    /// The package is here, the services are being made.
    Installing {
        /// Of what.
        code: Code,
    },
    /// All services are there.
    Installed {
        /// Of what.
        code: Code,
        /// What is to replace it.
        coming: Option<Coming>,
    },
    /// All that was here is being deleted.
    Removing,
}

/// Code that replaces other code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming {
    /// Which.
    pub code: Code,
    /// Whether the package is here.
    pub fetched: bool,
    /// Whether services are being replaced. What has begun is finished before something else begins.
    pub swapping: bool,
    /// It will never be installed, for this reason.
    pub hopeless: Option<String>,
}

/// The transactions of one record, one at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transactions {
    /// How many were decided.
    pub decided: u32,
    /// The one without an outcome.
    pub pending: Option<Pending>,
    /// Nothing is decided from a view of an earlier block: it does not show what the last one did.
    pub after_block: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Nothing is decided before.
    pub retry_at: Timestamp,
}

/// A transaction that was decided and has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number.
    pub number: u32,
    /// What it does.
    pub intent: Intent,
    /// The last epoch in which it is of use.
    pub until_epoch: Option<u32>,
    /// It is of no use any more.
    pub abandoned: bool,
}

/// A place in an open deal that this peer has asked for, or will not ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The deal.
    pub deal: u64,
    /// Which record.
    pub incarnation: u64,
    /// The first of its units.
    pub first_unit: u8,
    /// How many.
    pub units: u8,
    /// Its transaction.
    pub chain: Transactions,
    /// It was mined in this block, so that the worker should be seen.
    pub mined: Option<u64>,
    /// It failed, or its worker was given back; the deal is left alone until then.
    pub failed_until: Option<Timestamp>,
    /// Code that this peer can not serve: the deal is left alone as long as it has it.
    pub hopeless: Option<Code>,
    /// Why it failed.
    pub trouble: Option<String>,
}

impl Claim {
    /// Whether it holds its units.
    pub(super) fn is_open(&self) -> bool {
        self.failed_until.is_none()
    }
}
