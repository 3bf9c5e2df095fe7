//! What a reconciler wants done, and what it is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_identity::{Hash, PeerId};

use super::identity::WorkerIdentity;
use super::policy::Policy;
use super::view::{Code, MarketView, WorkerId};
use crate::effect::Batch;
use crate::time::Timestamp;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The process began; given once, after [`super::Reconciler::restore`].
    Started,
    /// What the market says at a block. An earlier block than that of the last view means that the chain was
    /// reorganised: a driver that asks several nodes must not go back to one that is behind.
    View(Arc<MarketView>),
    /// A job is done.
    Done {
        /// Of which worker.
        worker: WorkerIdentity,
        /// What.
        work: Work,
    },
    /// A job could not be done, and all is as it was before it was first given out. A job that was done before a crash
    /// and is given out again afterwards is [`Event::Done`]: only the driver can know.
    Failed {
        /// Of which worker.
        worker: WorkerIdentity,
        /// What.
        work: Work,
        /// What went wrong, for people.
        reason: String,
        /// Whether trying again is of no use: the package is not what the deal says, or will never be taken.
        permanent: bool,
    },
    /// What became of a transaction.
    Transaction {
        /// Which.
        key: TransactionKey,
        /// What became of it.
        outcome: Outcome,
    },
    /// The operator leaves a deal.
    Leave {
        /// Which.
        deal: u64,
    },
    /// The operator decides otherwise from now on. Workers that are there stay.
    Policy(Box<Policy>),
    /// The time of the last [`Effect::SetTimer`] has come.
    Timer,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write one transaction to the store. It is durable before anything after it is done.
    Persist(Batch),
    /// Work on this machine; answer with [`Event::Done`] or [`Event::Failed`].
    Do(Job),
    /// Let an installed worker answer calls, or not. Not answered. Told again after a start.
    Run {
        /// Which.
        worker: WorkerIdentity,
        /// Whether it answers.
        run: bool,
    },
    /// See to it that this is on the chain, at most once for each key, whatever it costs in attempts; answer with
    /// [`Event::Transaction`]. The same key comes always with the same content, also after a crash.
    Submit {
        /// Names the transaction.
        key: TransactionKey,
        /// What it does.
        intent: Intent,
        /// The last epoch in which it is of use; after it the answer is [`Outcome::Lost`].
        until_epoch: Option<u32>,
    },
    /// A transaction is of no more use: withdraw it if that is possible, and answer like for any other. The driver
    /// may not know it, if a crash came before it was given out; then it is [`Outcome::Lost`].
    Abandon {
        /// Which.
        key: TransactionKey,
    },
    /// Give [`Event::Timer`] at or after `at`. Replaces the moment of the earlier one.
    SetTimer {
        /// When.
        at: Timestamp,
    },
}

/// What a package may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageLimits {
    /// Bytes of all its parts.
    pub bytes: u64,
    /// Services in it.
    pub services: u32,
}

impl Default for PackageLimits {
    fn default() -> Self {
        PackageLimits {
            bytes: 256 << 20,
            services: 64,
        }
    }
}

/// Work for a worker on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Whose. The jobs of a worker come one after the other, but for two: [`Work::Remove`] may come at any time, and
    /// a fetch while another is under way, when the deal names other code meanwhile.
    pub worker: WorkerIdentity,
    /// Its deal.
    pub deal: u64,
    /// What.
    pub work: Work,
    /// What a package may be.
    pub limits: PackageLimits,
}

/// What is to be done for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Get the package and everything that it names from peers, and check that it is what the deal says.
    Fetch(Code),
    /// Make the worker with its own key, store and services, all of them or none. It does not answer yet.
    Install(Code),
    /// Replace the services by those of this code, all of them or none, without a failed call: calls under way end as
    /// they are, and the state of services that stay, stays.
    Swap(Code),
    /// End whatever is under way for the worker and delete all that it has: key, services, data, packages that no
    /// other worker has.
    Remove,
}

/// Names a transaction, always the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionKey {
    /// What it is about.
    pub subject: Subject,
    /// Which record of the subject: see [`WorkerIdentity::incarnation`].
    pub incarnation: u64,
    /// Which transaction of the record.
    pub number: u32,
}

/// What a transaction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A worker of this peer.
    Worker(WorkerId),
    /// A deal in which a place is claimed.
    Deal(u64),
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Activate a worker, with a signature by its key.
    Activate {
        /// Which.
        worker: WorkerId,
        /// The name of its key; the account is [`PeerId::address`].
        identity: PeerId,
    },
    /// Give a match back.
    Decline {
        /// Which.
        worker: WorkerId,
    },
    /// Give notice.
    Leave {
        /// Which worker.
        worker: WorkerId,
    },
    /// Free the units of a worker whose end has come, or of a match that lapsed.
    Release {
        /// Which.
        worker: WorkerId,
    },
    /// Claim a place in an open deal. Only the provider's key may.
    Claim {
        /// The deal.
        deal: u64,
        /// The first of the units.
        first_unit: u8,
        /// What the deal needs, as it was created.
        capabilities: Vec<Hash>,
    },
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is part of a block.
    Mined {
        /// Number of the block.
        block: u64,
    },
    /// It failed, when it was tried or in a block.
    Reverted {
        /// Number of the block as of which that was so.
        block: u64,
        /// The error.
        reason: String,
    },
    /// It is not part of the chain and will not become so: it was withdrawn, or its time is over.
    Lost {
        /// Why.
        reason: String,
    },
}
