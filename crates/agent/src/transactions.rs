//! Sees to it that what was decided gets to the chain.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use weir_chain::{Call, ChainError, Client, FolderJournal, Journal, Sender};
use weir_peer::deals::{Outcome, Subject, TransactionKey};

/// The pause before it is tried again, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// What became of a transaction.
pub(crate) type Settled = (TransactionKey, Outcome);

/// The transactions of one agent.
pub(crate) struct Transactions {
    shop: Arc<Shop>,
    tell: mpsc::UnboundedSender<Settled>,
    running: BTreeMap<TransactionKey, AbortHandle>,
}

struct Shop {
    client: Client,
    journal: Arc<FolderJournal>,
    /// Of the peer's account.
    peer: Arc<Sender>,
    /// Of the provider's.
    provider: Option<Sender>,
    /// What keeps transactions from the chain.
    troubles: Mutex<BTreeMap<TransactionKey, String>>,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The account of the peer.
    Peer,
    /// The account of the provider.
    Provider,
}

impl Transactions {
    pub(crate) fn new(
        client: Client,
        journal: Arc<FolderJournal>,
        (peer, provider): (Arc<Sender>, Option<Sender>),
        tell: mpsc::UnboundedSender<Settled>,
    ) -> Self {
        Self {
            shop: Arc::new(Shop {
                client,
                journal,
                peer,
                provider,
                troubles: Mutex::default(),
            }),
            tell,
            running: BTreeMap::new(),
        }
    }

    /// Sends, unless that is under way. `lapsed` says that nobody needs it any more if it has not left yet.
    pub(crate) fn submit(&mut self, key: TransactionKey, from: From, call: Call, lapsed: bool) {
        let (shop, name) = (self.shop.clone(), name(&key));
        self.begin(key, async move {
            if lapsed && matches!(shop.journal.load(&name), Ok(None)) {
                return lost("its time was over before it could be sent");
            }
            shop.see_to(&key, &name, from, Some(&call)).await
        });
    }

    /// Finds out what became of a transaction that is not needed any more. What has been signed may be in a block, so it
    /// goes on; what has not is lost.
    pub(crate) fn abandon(&mut self, key: TransactionKey, from: From) {
        let (shop, name) = (self.shop.clone(), name(&key));
        if matches!(shop.journal.load(&name), Ok(None))
            && let Some(task) = self.running.remove(&key)
        {
            task.abort();
        }
        self.begin(
            key,
            async move { shop.see_to(&key, &name, from, None).await },
        );
    }

    /// To be called when an outcome was told.
    pub(crate) fn ended(&mut self, key: &TransactionKey) {
        self.running.remove(key);
        self.shop.clear(key);
    }

    /// To be called when it is durable that an outcome was told: the key does not come again.
    pub(crate) fn forget(&self, key: &TransactionKey) {
        if let Err(error) = self.shop.journal.forget(&name(key)) {
            tracing::warn!(error, "a transaction that is over stays in the journal");
        }
    }

    /// What keeps transactions from the chain.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let troubles = self.shop.troubles.lock();
        let troubles = troubles.unwrap_or_else(PoisonError::into_inner);
        troubles.values().cloned().collect()
    }

    fn begin(&mut self, key: TransactionKey, work: impl Future<Output = Outcome> + Send + 'static) {
        if self.running.contains_key(&key) {
            return;
        }
        let tell = self.tell.clone();
        let task = tokio::spawn(async move {
            let outcome = work.await;
            // The agent may have ended.
            let _ = tell.send((key, outcome));
        });
        self.running.insert(key, task.abort_handle());
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

impl Shop {
    /// Tries until it is known what became of it. Without a call only what was sent before is followed.
    async fn see_to(
        &self,
        key: &TransactionKey,
        name: &str,
        from: From,
        call: Option<&Call>,
    ) -> Outcome {
        let sender = match (from, &self.provider) {
            (From::Peer, _) => &*self.peer,
            (From::Provider, Some(provider)) => provider,
            (From::Provider, None) => return lost("this node has no key of its provider"),
        };
        let mut pause = PAUSE[0];
        loop {
            let sent = match call {
                Some(call) => sender.send(name, call).await.map(Some),
                None => sender.resume(name).await,
            };
            match sent {
                Ok(Some(receipt)) => {
                    let block = receipt.block_number.unwrap_or_default();
                    return Outcome::Mined { block };
                }
                Ok(None) => return lost("it was never sent"),
                Err(error @ ChainError::Failed { .. }) => {
                    let kept = self.journal.load(name).ok().flatten();
                    let block = kept.and_then(|sent| Some(sent.outcome?.block));
                    return Outcome::Reverted {
                        block: block.unwrap_or_default(),
                        reason: error.to_string(),
                    };
                }
                Err(error @ ChainError::Revert { .. }) => {
                    if let Ok(block) = self.client.block_number().await {
                        let reason = error.to_string();
                        return Outcome::Reverted { block, reason };
                    }
                }
                Err(error @ (ChainError::NonceTaken { .. } | ChainError::KeyReused { .. })) => {
                    return lost(&error.to_string());
                }
                Err(error) => {
                    tracing::warn!(transaction = name, %error, "not on the chain yet");
                    let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
                    troubles.insert(*key, error.to_string());
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE[1]);
        }
    }

    fn clear(&self, key: &TransactionKey) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.remove(key);
    }
}

fn lost(reason: &str) -> Outcome {
    Outcome::Lost {
        reason: reason.to_owned(),
    }
}

/// The name of a transaction in the journal.
fn name(key: &TransactionKey) -> String {
    let subject = match key.subject {
        Subject::Worker(worker) => format!("worker/{worker}"),
        Subject::Deal(deal) => format!("deal/{deal}"),
    };
    format!("{subject}/{}/{}", key.incarnation, key.number)
}
