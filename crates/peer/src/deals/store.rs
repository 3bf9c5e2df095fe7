//! How the records of deals lie in the store of the peer.
//!
//! All are under [`prefix`], which the peer itself passes over.
//!
//! | After the prefix | Value |
//! |---|---|
//! | 0 | number of the next record |
//! | 1, worker | [`Record`] |
//! | 2, deal | [`Claim`] |

use weir_identity::Hash;

use super::record::{Claim, Record};
use super::view::WorkerId;
use crate::effect::{Batch, Write};
use crate::error::RestoreError;
use crate::store::{DEALS, damaged};

const NEXT: u8 = 0;
const WORKER: u8 = 1;
const CLAIM: u8 = 2;

/// What the keys of all records of deals begin with.
pub fn prefix() -> Vec<u8> {
    vec![DEALS]
}

/// One entry of the store.
pub(super) enum Stored {
    Next(u64),
    Worker(Box<Record>),
    Claim(Box<Claim>),
}

/// Reads one entry under [`prefix`].
pub(super) fn read(key: &[u8], value: &[u8]) -> Result<Stored, RestoreError> {
    let broken = |error: &dyn ToString| damaged(key, &error.to_string());
    match key {
        [DEALS, NEXT] => {
            let next = value
                .try_into()
                .map_err(|_| damaged(key, "not a number of eight bytes"))?;
            Ok(Stored::Next(u64::from_be_bytes(next)))
        }
        [DEALS, WORKER, id @ ..] => {
            let record: Record = serde_ipld_dagcbor::from_slice(value).map_err(|e| broken(&e))?;
            let id = Hash::from_bytes(id).map_err(|e| broken(&e))?;
            if record.identity.worker == WorkerId(id) {
                Ok(Stored::Worker(Box::new(record)))
            } else {
                Err(damaged(key, "the record is of another worker"))
            }
        }
        [DEALS, CLAIM, deal @ ..] => {
            let claim: Claim = serde_ipld_dagcbor::from_slice(value).map_err(|e| broken(&e))?;
            if deal == claim.deal.to_be_bytes() {
                Ok(Stored::Claim(Box::new(claim)))
            } else {
                Err(damaged(key, "the record is of another deal"))
            }
        }
        _ => Err(damaged(key, "no record of a deal")),
    }
}

/// What a reconciler writes.
impl Batch {
    pub(super) fn put_next(&mut self, next: u64) {
        self.put(vec![DEALS, NEXT], next.to_be_bytes().to_vec());
    }

    pub(super) fn put_worker(&mut self, record: &Record) {
        self.put(worker_key(record.identity.worker), encoded(record));
    }

    pub(super) fn delete_worker(&mut self, worker: WorkerId) {
        let key = worker_key(worker);
        self.writes.push(Write::Delete { key });
    }

    pub(super) fn put_claim(&mut self, claim: &Claim) {
        self.put(claim_key(claim.deal), encoded(claim));
    }

    pub(super) fn delete_claim(&mut self, deal: u64) {
        let key = claim_key(deal);
        self.writes.push(Write::Delete { key });
    }
}

fn worker_key(worker: WorkerId) -> Vec<u8> {
    [&[DEALS, WORKER], worker.0.as_bytes().as_slice()].concat()
}

fn claim_key(deal: u64) -> Vec<u8> {
    [&[DEALS, CLAIM], deal.to_be_bytes().as_slice()].concat()
}

fn encoded(record: &impl serde::Serialize) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(record).expect("numbers, texts and bytes always encode")
}
