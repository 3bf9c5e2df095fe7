//! The account that a command acts for, and how it sends.

use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use weir_chain::{Call, ChainError, Client, FolderJournal, Journal, JournalError, Sender, Terms};
use weir_identity::Keypair;

use crate::code::Code;
use crate::failure::Failure;

/// How often a transaction is signed anew because another program sent from the account: on the chain of the local
/// network a node and a command may. Elsewhere an endpoint that lags behind can look like that, so the user decides.
const TRIES: usize = 5;

/// An account whose key is here. While it is, no other command sends from the account.
pub(crate) struct Wallet {
    sender: Sender,
    journal: Arc<FolderJournal>,
    is_local: bool,
}

impl Wallet {
    pub(super) fn open(
        client: &Client,
        key: &Keypair,
        (folder, terms): (PathBuf, Terms),
        is_local: bool,
    ) -> Result<Self, Failure> {
        let journal = FolderJournal::open(&folder).map_err(|error| match error {
            JournalError::Busy(lock) => Failure::new(
                Code::AccountBusy,
                "another command sends transactions of this account",
            )
            .cause(format!("it holds {}", lock.display()))
            .fix("wait until it has ended"),
            JournalError::Unusable(why) => {
                let what = format!("cannot keep transactions in {}", folder.display());
                Failure::new(Code::FileUnwritable, what).cause(why)
            }
        })?;
        let journal = Arc::new(journal);
        let kept: Arc<dyn Journal> = Arc::<FolderJournal>::clone(&journal);
        let sender = Sender::new(client.clone(), key, kept, terms);
        let sender =
            sender.map_err(|error| super::failed("nothing can be sent to the chain", &error))?;
        Ok(Self {
            sender,
            journal,
            is_local,
        })
    }

    /// The account.
    pub(crate) fn account(&self) -> Address {
        self.sender.account()
    }

    /// Sends a transaction and waits until it is in a block.
    ///
    /// If the same was begun by a command that was interrupted, it goes on with that. Whether it is needed at all, the
    /// caller has learnt from the chain.
    pub(crate) async fn send(&self, call: &Call) -> Result<B256, Failure> {
        let failed = |error: &ChainError| self.failed(call, error);
        for attempt in 1.. {
            let key = self
                .key(call)
                .map_err(|error| failed(&ChainError::Journal(error)))?;
            match self.sender.send(&key, call).await {
                Ok(receipt) => return Ok(receipt.transaction_hash),
                Err(ChainError::NonceTaken { .. }) if self.is_local && attempt < TRIES => {
                    let forgotten = self.journal.forget(&key);
                    forgotten.map_err(|error| failed(&ChainError::Journal(error)))?;
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(Failure::internal("a transaction was not sent", &call.what))
    }

    /// The key of this very call: that of the one which is under way, or the next.
    fn key(&self, call: &Call) -> Result<String, String> {
        let mut number = 0_u64;
        loop {
            let key = format!("{}/{}/{number}", call.what, call.hash());
            match self.journal.load(&key)? {
                Some(sent) if sent.outcome.is_some() => number = number.saturating_add(1),
                _ => return Ok(key),
            }
        }
    }

    fn failed(&self, call: &Call, error: &ChainError) -> Failure {
        super::failed_at(
            self.is_local,
            format!("{} did not happen", call.what),
            error,
        )
    }
}
