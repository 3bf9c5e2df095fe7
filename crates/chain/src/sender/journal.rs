//! What is kept of transactions, so that none is sent twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use super::Fees;

/// A transaction under its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// The hash of contract and data: the key stands for no other.
    pub call: B256,
    /// What it does, for messages.
    pub what: String,
    /// Its place among those of the account.
    pub nonce: u64,
    /// The most gas that it may use.
    pub gas: u64,
    /// The signed forms that left; they differ in what they pay for gas, and one of them at most enters a block.
    pub attempts: Vec<Attempt>,
    /// What became of it, as far as known.
    pub outcome: Option<Outcome>,
}

/// A signed form of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Bytes,
    /// What it pays for gas.
    pub fees: Fees,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The form that entered a block.
    pub hash: B256,
    /// The block.
    pub block: u64,
    /// Whether it did what it should.
    pub succeeded: bool,
}

/// Where transactions are kept. What [`Self::store`] has taken must survive a crash before it returns.
pub trait Journal: Send + Sync {
    /// The transaction under a key.
    fn load(&self, key: &str) -> Result<Option<Sent>, String>;
    /// Keeps a transaction under its key, in place of what was there.
    fn store(&self, key: &str, sent: &Sent) -> Result<(), String>;
    /// Those of which no outcome is known.
    fn open(&self) -> Result<Vec<(String, Sent)>, String>;
}

/// A journal that a crash forgets: for tests, and for chains that the same crash forgets.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<BTreeMap<String, Sent>>);

impl Journal for MemoryJournal {
    fn load(&self, key: &str) -> Result<Option<Sent>, String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(key).cloned())
    }

    fn store(&self, key: &str, sent: &Sent) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key.to_owned(), sent.clone());
        Ok(())
    }

    fn open(&self) -> Result<Vec<(String, Sent)>, String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = kept.iter().filter(|(_, sent)| sent.outcome.is_none());
        Ok(open
            .map(|(key, sent)| (key.clone(), sent.clone()))
            .collect())
    }
}
