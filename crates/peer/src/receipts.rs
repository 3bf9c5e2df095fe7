//! Receipts of executions: what a driver tells of one, and the chains in which its receipts stand.
//!
//! Every receipt names the one before it, of its worker and of its service, so that none can be left out later. A
//! receipt and the ends of the chains are written with what the call changed in the state, and with the entry that holds
//! the receipt, or, while its particle can take no outcome, with the outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::{Hash, Keypair, PeerId, keccak256};
use weir_receipt::{Outcome, Receipt, ReceiptDomain, SignedReceipt};
use weir_receipt::{function_id, local_request_id, local_worker_id};

use crate::config::Employment;

/// What a driver says about an execution that everybody who repeats it will find the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The code, its configuration and the rules under which it ran.
    pub module_set: Hash,
    /// [`weir_receipt::args_hash`] of arguments and context.
    pub args: Hash,
    /// The root of the service's state before.
    pub pre_state: Hash,
    /// The root of the service's state afterwards.
    pub post_state: Hash,
    /// [`weir_receipt::content_hash`] of the DAG-CBOR of the value that the call gives, or of the message of its failure.
    pub result: Hash,
    /// The root of the recorded effects.
    pub effects: Hash,
    /// Fuel that was used; the limit on a trap.
    pub fuel: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// An execution and the service that it was of.
#[derive(Debug)]
pub(crate) struct Executed {
    pub service: Arc<str>,
    pub execution: Execution,
}

/// The end of a chain of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainEnd {
    /// The number of the next receipt.
    pub next: u64,
    /// The digest of the last one, zero if there is none.
    pub last: Hash,
}

impl ChainEnd {
    const START: ChainEnd = ChainEnd {
        next: 0,
        last: Hash::ZERO,
    };

    fn after(self, digest: Hash) -> Self {
        ChainEnd {
            next: self.next + 1,
            last: digest,
        }
    }
}

/// A chain: that of a worker, or of one of its services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainKey {
    pub worker: PeerId,
    pub service: Option<Arc<str>>,
}

/// The ends of all chains of this peer: two for a worker with one service, and one for each further service. They
/// outlive services, whose numbers go on when they come back: a number given twice would be evidence of fraud.
#[derive(Debug, Default)]
pub(crate) struct Chains(BTreeMap<ChainKey, ChainEnd>);

/// A receipt that no journal holds yet, and what becomes of the chains when one does.
pub(crate) struct Draft {
    pub receipt: SignedReceipt,
    pub ends: [(ChainKey, ChainEnd); 2],
}

impl Chains {
    pub(crate) fn restore(&mut self, key: ChainKey, end: ChainEnd) {
        self.0.insert(key, end);
    }

    /// Moves the ends of the chains behind the receipt.
    pub(crate) fn append(&mut self, ends: &[(ChainKey, ChainEnd); 2]) {
        self.0.extend(ends.iter().cloned());
    }

    /// Makes the next receipt of a worker.
    pub(crate) fn draft(&self, key: &Keypair, about: &About<'_>) -> Draft {
        let Executed { service, execution } = about.executed;
        let worker = ChainKey {
            worker: key.peer_id(),
            service: None,
        };
        let of_service = ChainKey {
            service: Some(service.clone()),
            ..worker
        };
        let end = |key| self.0.get(key).copied().unwrap_or(ChainEnd::START);
        let (market, deal_id, worker_id, epoch) = match about.employment {
            None => (
                ReceiptDomain::local(),
                0,
                local_worker_id(&key.address()),
                0,
            ),
            Some(employment) => (
                employment.market.clone(),
                employment.deal,
                employment.worker.0,
                u64::from(about.epoch),
            ),
        };
        let (of_worker, of_its_service) = (end(&worker), end(&of_service));
        let receipt = Receipt {
            version: Receipt::VERSION,
            deal_id,
            worker_id,
            service_id: keccak256(&[service.as_bytes()]),
            seq: of_worker.next,
            service_seq: of_its_service.next,
            module_set_hash: execution.module_set,
            function_id: function_id(about.function),
            args_hash: execution.args,
            pre_state_root: execution.pre_state,
            post_state_root: execution.post_state,
            result_hash: execution.result,
            host_log_hash: execution.effects,
            fuel: execution.fuel,
            outcome: execution.outcome,
            request_id: local_request_id(about.particle, about.step),
            prev_receipt: of_worker.last,
            prev_service_receipt: of_its_service.last,
            trace_commit: Hash::ZERO,
            epoch,
        };
        let receipt = receipt.sign(&market, key);
        let digest = Hash::from(*receipt.digest().as_bytes());
        Draft {
            receipt,
            ends: [
                (worker, of_worker.after(digest)),
                (of_service, of_its_service.after(digest)),
            ],
        }
    }
}

/// The call that a receipt is about.
pub(crate) struct About<'a> {
    pub executed: &'a Executed,
    pub function: &'a str,
    pub particle: &'a Hash,
    pub step: &'a [u8; 32],
    /// The deal that it was a part of.
    pub employment: Option<&'a Employment>,
    /// The epoch of the market.
    pub epoch: u32,
}
