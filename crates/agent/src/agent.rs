//! The task that owns the reconciler and does what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use weir_chain::{Call, Deployment, FolderJournal, Journal, Sender};

use weir_identity::{Address, Cid, Keypair};
use weir_node::{NodeHandle, Stopped};
use weir_peer::Timestamp;
use weir_peer::deals::{
    DealTable, Effect, Event, Intent, Job, Phase, Reconciler, Subject, TransactionKey, Work,
    WorkerIdentity, prefix,
};

use crate::commitments::Commitments;
use crate::config::AgentConfig;
use crate::due::Due;
use crate::error::AgentError;
use crate::handle::{AgentHandle, Command, Standing};
use crate::packages::Packages;
use crate::transactions::{From, Settled, Transactions};
use crate::view::account;
use crate::watch::{Told, Watch};
use crate::worker::{Answer, Order, Premises, Worker};

/// Requests of handles that wait. Further ones wait outside.
const COMMANDS: usize = 64;

/// An agent that starts. It is compiled here, and not by everyone who waits for it.
pub type Starting = Pin<Box<dyn Future<Output = Result<AgentHandle, AgentError>> + Send>>;

/// Follows the market for one node. See the crate.
pub struct Agent {
    host: NodeHandle,
    key: Arc<Keypair>,
    deployment: Deployment,
    reconciler: Reconciler,
    premises: Arc<Premises>,
    transactions: Transactions,
    commitments: Commitments,
    workers: BTreeMap<WorkerIdentity, Post>,
    table: Arc<DealTable>,
    /// The running epoch as of the last view.
    epoch: u32,
    /// Why the chain cannot be read.
    trouble: Option<String>,
    timer: Option<Timestamp>,
    told: watch::Receiver<Told>,
    answers: mpsc::UnboundedReceiver<Answer>,
    settled: mpsc::UnboundedReceiver<Settled>,
    commands: mpsc::Receiver<Command>,
}

/// Where a worker gets its orders.
struct Post {
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

/// What woke the agent.
enum Wake {
    Told(bool),
    Answer(Answer),
    Settled(Settled),
    Command(Option<Command>),
    Timer,
    HostStopped,
}

impl Agent {
    /// Restores what the agent knew, and begins to follow the chain. Workers that answered, answer again.
    pub fn start(config: AgentConfig) -> Starting {
        Box::pin(Self::begin(config))
    }

    async fn begin(config: AgentConfig) -> Result<AgentHandle, AgentError> {
        let folder = |path: &Path| -> Result<(), AgentError> {
            std::fs::create_dir_all(path).map_err(|source| AgentError::Folder {
                path: path.to_owned(),
                source,
            })
        };
        folder(&config.folder)?;
        let workers = config.folder.join("workers");
        folder(&workers)?;
        let host = config.host.clone();
        let key = host.config().keypair.clone();
        let journal = FolderJournal::open(&config.folder.join("transactions"));
        let journal = Arc::new(journal?);
        let sender = |key: &Keypair| {
            let kept: Arc<dyn Journal> = Arc::<FolderJournal>::clone(&journal);
            Sender::new(config.client.clone(), key, kept, config.terms.clone())
        };
        let provider = config.provider.as_deref().map(sender).transpose()?;
        let peer = Arc::new(sender(&key)?);
        let records = host.records(prefix()).await?;
        let open = config.policy.claims > 0 && config.provider.is_some();
        let mut policy = config.policy;
        if !open {
            policy.claims = 0;
        }
        let reconciler = Reconciler::restore(key.clone(), policy, config.timing, records)?;
        let (answer, answers) = mpsc::unbounded_channel();
        let (settle, settled) = mpsc::unbounded_channel();
        let (tell, told) = watch::channel(Told::default());
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (stopped, is_stopped) = watch::channel(false);
        let packages = config.folder.join("packages");
        let packages = Packages::open(&packages, config.sources, host.clone(), config.patience)?;
        host.offer_blocks(Some(packages.exchange())).await?;
        let audit = Address::from(config.deployment.audit.into_array());
        let agent = Agent {
            key: key.clone(),
            premises: Arc::new(Premises {
                host: host.clone(),
                key,
                folder: workers,
                packages,
                market: weir_receipt::ReceiptDomain::new(config.deployment.chain_id, audit),
                answers: answer,
            }),
            commitments: Commitments::new(config.deployment.clone(), journal.clone(), peer.clone()),
            transactions: Transactions::new(
                config.client.clone(),
                journal,
                (peer, provider),
                settle,
            ),
            deployment: config.deployment.clone(),
            reconciler,
            workers: BTreeMap::new(),
            table: Arc::default(),
            epoch: 0,
            trouble: None,
            timer: None,
            told,
            answers,
            settled,
            commands: orders,
            host: host.clone(),
        };
        let watch = Watch {
            client: config.client,
            deployment: config.deployment,
            peer: account(&host.peer_id()),
            open,
            poll: config.poll,
            file: config.folder.join("market.json"),
        };
        tokio::spawn(watch.run(tell));
        tokio::spawn(async move {
            agent.run().await;
            stopped.send_replace(true);
        });
        Ok(AgentHandle {
            commands,
            stopped: is_stopped,
        })
    }

    async fn run(mut self) {
        if let Err(stopped) = self.turns().await {
            tracing::warn!(%stopped, "the deals of the node are not followed any more");
        }
        // A host that has stopped answers nobody.
        let _ = self.host.offer_blocks(None).await;
        for (_, post) in std::mem::take(&mut self.workers) {
            drop(post.orders);
            // A task that panicked has nothing left to close.
            let _ = post.task.await;
        }
        self.commitments.end().await;
    }

    async fn turns(&mut self) -> Result<(), Stopped> {
        self.take(Event::Started).await?;
        // What a crash has left.
        self.tidy();
        loop {
            let timer = self.timer.map(|at| Duration::from_millis(at.since(now())));
            let wake = tokio::select! {
                command = self.commands.recv() => Wake::Command(command),
                changed = self.told.changed() => Wake::Told(changed.is_ok()),
                Some(answer) = self.answers.recv() => Wake::Answer(answer),
                Some(settled) = self.settled.recv() => Wake::Settled(settled),
                () = due(timer) => Wake::Timer,
                _ = self.host.wait_until_stopped() => Wake::HostStopped,
            };
            match wake {
                Wake::Command(None | Some(Command::Stop)) | Wake::HostStopped => return Ok(()),
                Wake::Command(Some(Command::Standing(reply))) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(self.standing());
                }
                Wake::Command(Some(Command::Leave(deal))) => {
                    self.take(Event::Leave { deal }).await?;
                }
                Wake::Command(Some(Command::Policy(policy))) => {
                    self.take(Event::Policy(policy)).await?;
                }
                Wake::Told(false) => {
                    tracing::error!("whoever follows the chain has panicked");
                    return Ok(());
                }
                Wake::Told(true) => {
                    let told = self.told.borrow_and_update().clone();
                    self.take_told(told).await?;
                }
                Wake::Answer(answer) => self.take_answer(answer).await?,
                Wake::Settled((key, outcome)) => {
                    self.transactions.ended(&key);
                    self.take(Event::Transaction { key, outcome }).await?;
                    self.transactions.forget(&key);
                }
                Wake::Timer => {
                    self.timer = None;
                    self.take(Event::Timer).await?;
                }
            }
        }
    }

    async fn take_told(&mut self, told: Told) -> Result<(), Stopped> {
        match told {
            Told::Nothing => {}
            Told::View(view, due) => {
                self.trouble = None;
                self.epoch = view.epoch;
                self.take(Event::View(view)).await?;
                if let Some(due) = due {
                    self.commit(&due);
                }
            }
            Told::Trouble(why) => {
                if self.trouble.replace(why.clone()).as_ref() != Some(&why) {
                    tracing::warn!(why, "the chain cannot be followed for now");
                }
            }
        }
        Ok(())
    }

    /// Commits to what the workers of an epoch signed in it. They were told before that it is over.
    fn commit(&mut self, due: &Due) {
        let mut places = BTreeMap::new();
        for served in due.tokens.values().flatten() {
            if let Some((worker, deal)) = self.installed(&served.worker.0) {
                places.insert(served.worker, self.post(worker, deal).orders.clone());
            }
        }
        self.commitments.see_to(due, &places);
    }

    async fn take_answer(&mut self, answer: Answer) -> Result<(), Stopped> {
        let Answer {
            worker,
            work,
            result,
        } = answer;
        let done = result.is_ok();
        let event = match result {
            Ok(()) => Event::Done { worker, work },
            Err(failure) => Event::Failed {
                worker,
                work,
                reason: failure.reason,
                permanent: failure.permanent,
            },
        };
        if work == Work::Remove && done {
            self.workers.remove(&worker);
        }
        self.take(event).await?;
        if done && matches!(work, Work::Remove | Work::Swap(_)) {
            self.tidy();
        }
        Ok(())
    }

    /// Deletes, beside everything else, what no worker needs.
    fn tidy(&self) {
        let packages = self.premises.packages.clone();
        tokio::task::spawn_blocking(move || packages.tidy());
    }

    /// The packages that workers have or are about to have.
    fn packages(&self) -> BTreeSet<Cid> {
        let records = self.reconciler.records();
        let codes = records.flat_map(|record| match &record.phase {
            Phase::Absent | Phase::Removing => Vec::new(),
            Phase::Fetching { code } | Phase::Installing { code } => vec![code.package],
            Phase::Installed { code, coming } => {
                let coming = coming.iter().map(|coming| coming.code.package);
                std::iter::once(code.package).chain(coming).collect()
            }
        });
        codes.collect()
    }

    /// Tells the reconciler, and does what it says.
    async fn take(&mut self, event: Event) -> Result<(), Stopped> {
        let effects = self.reconciler.handle(event, now());
        let table = self.reconciler.table();
        self.premises.packages.need(self.packages(), &table);
        for effect in effects {
            self.perform(effect).await?;
        }
        if table != *self.table {
            self.table = Arc::new(table);
            self.host.tell_deals(self.table.clone()).await?;
            for post in self.workers.values() {
                // One that has ended was removed.
                let _ = post.orders.send(Order::Deals(self.table.clone()));
            }
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), Stopped> {
        match effect {
            Effect::Persist(batch) => self.host.write(batch).await?,
            Effect::Do(job) => self.order(job.worker, job.deal, Order::Do(job)),
            Effect::Run { worker, run } => {
                if let Some(deal) = self.deal_of(&worker) {
                    self.order(worker, deal, Order::Run(run));
                }
            }
            Effect::Submit {
                key,
                intent,
                until_epoch,
            } => {
                let lapsed = until_epoch.is_some_and(|until| self.epoch > until);
                if let Some((from, call)) = self.call(&key, &intent) {
                    self.transactions.submit(key, from, call, lapsed);
                } else {
                    tracing::error!(?key, ?intent, "there is no such worker");
                }
            }
            Effect::Abandon { key } => {
                let from = match key.subject {
                    Subject::Worker(_) => From::Peer,
                    Subject::Deal(_) => From::Provider,
                };
                self.transactions.abandon(key, from);
            }
            Effect::SetTimer { at } => self.timer = Some(at),
        }
        Ok(())
    }

    /// Where a worker gets its orders.
    fn post(&mut self, worker: WorkerIdentity, deal: u64) -> &Post {
        self.workers.entry(worker).or_insert_with(|| {
            let (orders, task) =
                Worker::begin(self.premises.clone(), worker, deal, self.table.clone());
            Post { orders, task }
        })
    }

    /// The worker of this name, if its data is here, and its deal.
    fn installed(&self, worker: &[u8; 32]) -> Option<(WorkerIdentity, u64)> {
        let mut records = self.reconciler.records();
        let found = records.find(|record| {
            record.identity.worker.0.as_bytes() == worker
                && matches!(record.phase, Phase::Installed { .. })
        });
        found.map(|record| (record.identity, record.deal))
    }

    fn deal_of(&self, worker: &WorkerIdentity) -> Option<u64> {
        let mut records = self.reconciler.records();
        let record = records.find(|record| record.identity == *worker);
        record.map(|record| record.deal)
    }

    fn order(&mut self, worker: WorkerIdentity, deal: u64, order: Order) {
        let post = self.post(worker, deal);
        if let Err(mpsc::error::SendError(Order::Do(Job { work, .. }))) = post.orders.send(order) {
            // It panicked. The job is answered, and the next order finds a new task.
            self.workers.remove(&worker);
            let failure = crate::packages::Failure::for_now(
                "the task of the worker panicked; this is a defect of Weir, and the log says where it is",
            );
            let _ = self.premises.answers.send(Answer {
                worker,
                work,
                result: Err(failure),
            });
        }
    }

    /// What is to be sent, and by whom.
    fn call(&self, key: &TransactionKey, intent: &Intent) -> Option<(From, Call)> {
        let market = &self.deployment;
        let id = |worker: &weir_peer::deals::WorkerId| worker.0.to_bytes().into();
        Some(match intent {
            Intent::Activate { worker, identity } => {
                let mut records = self.reconciler.records();
                let record = records.find(|record| {
                    record.identity.peer == *identity
                        && record.identity.incarnation == key.incarnation
                })?;
                let keypair = record.identity.keypair(&self.key).ok()?;
                let signature = market.worker_signature(id(worker), &keypair);
                let call = market.activate_worker(id(worker), account(identity), signature);
                (From::Peer, call)
            }
            Intent::Decline { worker } => (From::Peer, market.decline(id(worker))),
            Intent::Leave { worker } => (From::Peer, market.leave_deal(id(worker))),
            Intent::Release { worker } => (From::Peer, market.release_worker(id(worker))),
            Intent::Claim {
                deal,
                first_unit,
                capabilities,
            } => {
                let capabilities = capabilities.iter();
                let capabilities = capabilities.map(|id| id.to_bytes().into()).collect();
                let peer = account(&self.host.peer_id());
                let call = market.claim_deal(*deal, peer, *first_unit, capabilities);
                (From::Provider, call)
            }
        })
    }

    fn standing(&self) -> Standing {
        let mut troubles = self.transactions.troubles();
        troubles.extend(self.commitments.troubles());
        troubles.extend(self.trouble.clone());
        Standing {
            report: self.reconciler.report(now()),
            troubles,
        }
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("host", &self.host.peer_id())
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}

async fn due(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_millis();
    Timestamp(u64::try_from(ms).unwrap_or(u64::MAX))
}
