//! The key of a worker.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_identity::{Keypair, ParseError, PeerId, keccak256};

use super::view::WorkerId;
use crate::time::Timestamp;

/// What goes before the secret, so that nothing else hashes to the same key.
const CONTEXT: &[u8] = b"weir/worker-key/1";

/// Which worker, in which of its lives on this machine.
///
/// Its key follows from the key of the host and from this, so it is never lost, and a crash cannot make a second one. A
/// worker whose name comes again after its data was deleted has another key: a worker numbers its receipts, and two
/// receipts of one key with one number are a proof against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerIdentity {
    /// The worker's name on the chain.
    pub worker: WorkerId,
    /// Counts the records of this store.
    pub incarnation: u64,
    /// When the record was made: tells the lives apart that a lost store would count alike.
    pub born: Timestamp,
    /// The name of its key.
    pub peer: PeerId,
}

impl WorkerIdentity {
    /// A new one on the host with this key.
    ///
    /// # Errors
    /// The hash is no secret of the curve, which happens once in 2^128 times.
    pub(super) fn new(
        host: &Keypair,
        worker: WorkerId,
        incarnation: u64,
        born: Timestamp,
    ) -> Result<Self, ParseError> {
        let peer = derive(host, worker, incarnation, born)?.peer_id();
        Ok(WorkerIdentity {
            worker,
            incarnation,
            born,
            peer,
        })
    }

    /// The key, on the host with this key.
    pub fn keypair(&self, host: &Keypair) -> Result<Arc<Keypair>, ParseError> {
        derive(host, self.worker, self.incarnation, self.born).map(Arc::new)
    }
}

fn derive(
    host: &Keypair,
    worker: WorkerId,
    incarnation: u64,
    born: Timestamp,
) -> Result<Keypair, ParseError> {
    let secret = host.secret();
    let parts: [&[u8]; 5] = [
        CONTEXT,
        &secret[..],
        worker.0.as_bytes(),
        &incarnation.to_be_bytes(),
        &born.ms().to_be_bytes(),
    ];
    Keypair::from_secret(&keccak256(&parts).to_bytes())
}
