//! Whether a receipt is that of the journal entry that holds it.

use weir_identity::{Hash, PeerId, Value};

use crate::call::{content_hash, function_id, local_request_id, local_worker_id};
use crate::receipt::{Outcome, SignedReceipt};
use crate::wire::Malformed;

/// What the entry of a call says.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Whose journal it stands in.
    pub author: &'a PeerId,
    /// The particle.
    pub particle: &'a Hash,
    /// The step of the particle.
    pub step: &'a [u8; 32],
    /// The function that was called.
    pub function: &'a str,
    /// Whether the call gave a value.
    pub succeeded: bool,
    /// That value, or what the function said of its failure; none if the journal does not hold it.
    pub result: Option<&'a Value>,
}

/// Why a receipt is not that of an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It cannot be read.
    #[error("the receipt cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// The author of the entry did not sign it.
    #[error("the receipt is not signed by the author of the entry")]
    Signature,
    /// It is about something else.
    #[error("the receipt is about another {0} than the entry")]
    Differs(&'static str),
}

impl SignedReceipt {
    /// Reads the receipt in an entry and compares the two. Of a receipt without a market, worker and request are
    /// compared as well; in a market their names are given out by contracts.
    ///
    /// That the result follows from the arguments is not checked: for that the call has to be executed again.
    pub fn of_entry(bytes: &[u8], entry: &Entry<'_>) -> Result<Self, EntryError> {
        let signed = Self::decode(bytes)?;
        let signer = signed.signer().map_err(|_| EntryError::Signature)?;
        if signer.peer_id() != *entry.author {
            return Err(EntryError::Signature);
        }
        let receipt = &signed.receipt;
        let same = |holds: bool, what| {
            if holds {
                Ok(())
            } else {
                Err(EntryError::Differs(what))
            }
        };
        let function = function_id(entry.function);
        same(receipt.function_id == function, "function")?;
        let succeeded = receipt.outcome == Outcome::Ok;
        same(succeeded == entry.succeeded, "outcome")?;
        if let Some(result) = entry.result {
            let result = content_hash(&result.to_dag_cbor());
            same(receipt.result_hash == result, "result")?;
        }
        if receipt.deal_id == 0 {
            // Which key a worker of a deal has only its market knows.
            let worker = local_worker_id(&signer.address());
            same(receipt.worker_id == worker, "worker")?;
        }
        let request = local_request_id(entry.particle, entry.step);
        same(receipt.request_id == request, "request")?;
        Ok(signed)
    }
}
