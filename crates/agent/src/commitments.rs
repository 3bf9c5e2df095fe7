//! Commits to the receipts of an epoch that is over, so that it is paid.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use weir_chain::{ChainError, Deployment, FolderJournal, Journal, Sender, Served};
use weir_identity::Hash;
use weir_receipt::{EpochReceipts, PeerCommitment, WorkerLeaf};

use crate::due::Due;
use crate::packages::Failure;
use crate::worker::Order;

/// The pause before it is tried again, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// The most workers that a commitment can leave out.
const MISSING: usize = 16;

/// The most fees of an epoch that the contract can count.
const FEES_MAX: u128 = (1 << 96) - 1;

/// How the names of commitments begin in the journal.
const NAMES: &str = "receipts/";

/// The commitments of one peer.
pub(crate) struct Commitments {
    desk: Arc<Desk>,
    running: BTreeMap<(u32, Address), JoinHandle<()>>,
    /// Those that find out what became of what an earlier process sent.
    resumed: Vec<JoinHandle<()>>,
}

struct Desk {
    deployment: Deployment,
    journal: Arc<FolderJournal>,
    peer: Arc<Sender>,
    /// What keeps commitments from the chain.
    troubles: Mutex<BTreeMap<(u32, Address), String>>,
}

/// A worker of the epoch, and where it is asked; none if its data is not here.
type Place = (Served, Option<mpsc::UnboundedSender<Order>>);

/// One commitment on its way.
struct Task {
    desk: Arc<Desk>,
    epoch: u32,
    token: Address,
    keep_from: u32,
    places: Vec<Place>,
    /// Until then a worker whose receipts cannot be read is waited for. Then the others go without it.
    patience: Instant,
    /// After that it is too late.
    closes: Instant,
}

impl Commitments {
    /// Finds out what became of those that were sent before, beside everything else.
    pub(crate) fn new(
        deployment: Deployment,
        journal: Arc<FolderJournal>,
        peer: Arc<Sender>,
    ) -> Self {
        let desk = Arc::new(Desk {
            deployment,
            journal,
            peer,
            troubles: Mutex::default(),
        });
        let mut resumed = Vec::new();
        match desk.journal.open() {
            Ok(open) => {
                for (name, _) in open.into_iter().filter(|(name, _)| name.starts_with(NAMES)) {
                    let desk = desk.clone();
                    resumed.push(tokio::spawn(async move {
                        // What is due is tried again anyhow.
                        let _ = desk.resume(&name).await;
                    }));
                }
            }
            Err(error) => tracing::warn!(error, "the journal of transactions cannot be read"),
        }
        Self {
            desk,
            running: BTreeMap::new(),
            resumed,
        }
    }

    /// Takes what is due now. `places` has where the workers are asked whose data is here.
    pub(crate) fn see_to(
        &mut self,
        due: &Due,
        places: &BTreeMap<B256, mpsc::UnboundedSender<Order>>,
    ) {
        self.running.retain(|_, task| !task.is_finished());
        let now = Instant::now();
        for (token, served) in &due.tokens {
            let key = (due.epoch, *token);
            if self.running.contains_key(&key) {
                continue;
            }
            let task = Task {
                desk: self.desk.clone(),
                epoch: due.epoch,
                token: *token,
                keep_from: due.keep_from,
                places: served
                    .iter()
                    .map(|served| (*served, places.get(&served.worker).cloned()))
                    .collect(),
                patience: now + due.left.saturating_sub(due.window / 2),
                closes: now + due.left,
            };
            self.running.insert(key, tokio::spawn(task.run()));
        }
    }

    /// Ends all that is under way, so that nobody uses the journal any more. What was signed is gone on with later.
    pub(crate) async fn end(self) {
        for task in self.running.into_values().chain(self.resumed) {
            task.abort();
            // It was ended, or had panicked, which the log says.
            let _ = task.await;
        }
    }

    /// What keeps commitments from the chain.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let troubles = self.desk.troubles.lock();
        let troubles = troubles.unwrap_or_else(PoisonError::into_inner);
        troubles.values().cloned().collect()
    }
}

/// What came of an attempt.
enum Attempt {
    /// It is on the chain, or can never be.
    Over,
    /// It is to be tried again.
    Again(String),
}

impl Task {
    async fn run(self) {
        let key = (self.epoch, self.token);
        let mut pause = PAUSE[0];
        while let Attempt::Again(reason) = self.attempt().await {
            if Instant::now() >= self.closes {
                tracing::error!(
                    epoch = self.epoch,
                    token = %self.token,
                    reason,
                    "the receipts were not committed in time: the workers of this epoch are not paid"
                );
                break;
            }
            tracing::warn!(epoch = self.epoch, token = %self.token, reason, "the receipts are not committed yet");
            let text = format!(
                "the receipts of epoch {} are not committed yet: {reason}",
                self.epoch
            );
            self.desk.lock().insert(key, text);
            tokio::time::sleep_until((Instant::now() + pause).min(self.closes)).await;
            pause = pause.saturating_mul(2).min(PAUSE[1]);
        }
        self.desk.lock().remove(&key);
    }

    async fn attempt(&self) -> Attempt {
        let name = format!("{NAMES}{}/{}", self.token, self.epoch);
        // A crash may have left it.
        match self.desk.resume(&name).await {
            Some(Ok(())) => return Attempt::Over,
            Some(Err(reason)) => return Attempt::Again(reason),
            None => {}
        }
        let (leaves, missing) = self.gather().await;
        let mut may_come = missing.iter().filter(|(_, why)| !why.permanent);
        if let Some((_, why)) = may_come.next()
            && Instant::now() < self.patience
        {
            return Attempt::Again(why.reason.clone());
        }
        for (served, why) in &missing {
            let (worker, deal, epoch) = (served.worker, served.deal, self.epoch);
            tracing::error!(%worker, deal, epoch, reason = why.reason, "the worker is not paid for the epoch");
        }
        if leaves.is_empty() {
            return Attempt::Over;
        }
        if missing.len() > MISSING {
            return Attempt::Again(format!(
                "the receipts of {} workers are not here, and at most {MISSING} can be left out",
                missing.len()
            ));
        }
        let made = match PeerCommitment::over(&leaves) {
            Ok(made) => made,
            Err(error) => return Attempt::Again(error.to_string()),
        };
        let call = self.desk.deployment.commit_receipts(
            self.desk.peer.account(),
            self.epoch,
            self.token,
            (B256::from(made.root.to_bytes()), made.fees),
            missing.iter().map(|(served, _)| served.worker).collect(),
        );
        let sent = self.desk.peer.send(&name, &call).await.map(drop);
        self.desk.ended(&name, sent)
    }

    /// The leaves of workers, and those without one with the reason.
    async fn gather(&self) -> (Vec<WorkerLeaf>, Vec<(Served, Failure)>) {
        let (mut leaves, mut missing) = (Vec::new(), Vec::new());
        let mut fees = 0_u128;
        let asked = self
            .places
            .iter()
            .map(|(served, place)| (served, self.ask(place.as_ref())));
        // All are asked before the first is waited for.
        for (served, answer) in asked.collect::<Vec<_>>() {
            let answer = match answer {
                None => Err(Failure::for_good("its data is not here")),
                Some(answer) => answer
                    .await
                    .unwrap_or_else(|_| Err(Failure::for_good("it was removed meanwhile"))),
            };
            let with = fees.saturating_add(served.fee);
            match answer {
                Ok(_) if with > FEES_MAX => {
                    let why =
                        "with its fee those of the epoch are more than the contract can count";
                    missing.push((*served, Failure::for_good(why)));
                }
                Ok(receipts) => {
                    fees = with;
                    leaves.push(WorkerLeaf {
                        worker: Hash::new(served.worker.0),
                        receipts,
                        // Nobody listens for them yet.
                        heartbeats: 0,
                        fee: served.fee,
                    });
                }
                Err(why) => missing.push((*served, why)),
            }
        }
        (leaves, missing)
    }

    fn ask(
        &self,
        place: Option<&mpsc::UnboundedSender<Order>>,
    ) -> Option<oneshot::Receiver<Result<EpochReceipts, Failure>>> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Receipts {
            epoch: self.epoch,
            keep_from: self.keep_from,
            reply,
        };
        place?.send(order).ok()?;
        Some(answer)
    }
}

impl Desk {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(u32, Address), String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with what was sent under a name; none if nothing was, or it failed and another has to be made.
    async fn resume(&self, name: &str) -> Option<Result<(), String>> {
        let resumed = self.peer.resume(name).await;
        let attempt = match resumed {
            Ok(None) => return None,
            Ok(Some(_)) => self.ended(name, Ok(())),
            Err(error) => {
                let failed = matches!(error, ChainError::Failed { .. });
                match self.ended(name, Err(error)) {
                    Attempt::Again(_) if failed => return None,
                    attempt => attempt,
                }
            }
        };
        Some(match attempt {
            Attempt::Over => Ok(()),
            Attempt::Again(reason) => Err(reason),
        })
    }

    /// Lets go of what is over. The chain tells what is committed, so nothing is kept about it.
    fn ended(&self, name: &str, sent: Result<(), ChainError>) -> Attempt {
        let attempt = match sent {
            Ok(()) => Attempt::Over,
            Err(ChainError::Failed { why, .. } | ChainError::Revert { why, .. })
                if matches!(&*why.name, "Twice" | "Closed") =>
            {
                Attempt::Over
            }
            Err(error @ (ChainError::Failed { .. } | ChainError::Revert { .. })) => {
                Attempt::Again(error.to_string())
            }
            // What was signed may still enter a block.
            Err(error) => return Attempt::Again(error.to_string()),
        };
        if let Err(error) = self.journal.forget(name) {
            tracing::warn!(error, "a transaction that is over stays in the journal");
        }
        attempt
    }
}
