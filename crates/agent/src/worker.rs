//! One worker on this machine: a task that does its jobs one after the other and has its node.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use weir_identity::Keypair;
use weir_node::{Node, NodeHandle};
use weir_peer::Employment;
use weir_peer::deals::{Code, DealTable, Job, PackageLimits, Work, WorkerIdentity};
use weir_receipt::EpochReceipts;

use crate::packages::{Failure, Packages};
use crate::receipts;
use crate::services::align;

/// The pause before a node is started again, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Order {
    Do(Job),
    Run(bool),
    Deals(Arc<DealTable>),
    /// Say what the receipts of an epoch come to that is over, and delete those of epochs before `keep_from`.
    Receipts {
        epoch: u32,
        keep_from: u32,
        reply: oneshot::Sender<Result<EpochReceipts, Failure>>,
    },
}

/// What waits for its turn.
#[derive(Debug)]
enum Duty {
    Job(Work),
    Receipts {
        epoch: u32,
        keep_from: u32,
        reply: oneshot::Sender<Result<EpochReceipts, Failure>>,
    },
}

/// What it answers to a job.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) worker: WorkerIdentity,
    pub(crate) work: Work,
    pub(crate) result: Result<(), Failure>,
}

/// What all workers of an agent share.
pub(crate) struct Premises {
    pub(crate) host: NodeHandle,
    pub(crate) key: Arc<Keypair>,
    pub(crate) folder: PathBuf,
    pub(crate) packages: Packages,
    pub(crate) market: weir_receipt::ReceiptDomain,
    pub(crate) answers: mpsc::UnboundedSender<Answer>,
}

/// One worker.
pub(crate) struct Worker {
    premises: Arc<Premises>,
    identity: WorkerIdentity,
    deal: u64,
    orders: mpsc::UnboundedReceiver<Order>,
    waiting: VecDeque<Duty>,
    limits: PackageLimits,
    /// Whether it is to answer calls.
    run: bool,
    /// It is there while it answers.
    node: Option<NodeHandle>,
    deals: Arc<DealTable>,
}

/// What woke the task.
enum Wake {
    Order(Option<Order>),
    Done(Result<(), Failure>),
    Start,
    Ended(String),
}

/// The job under way, or none if it answers by itself, and the doing.
type UnderWay = Option<(Option<Work>, Pursuit)>;

type Pursuit = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl Worker {
    /// Begins the task; it ends when the worker was removed or the sender is dropped.
    pub(crate) fn begin(
        premises: Arc<Premises>,
        identity: WorkerIdentity,
        deal: u64,
        deals: Arc<DealTable>,
    ) -> (mpsc::UnboundedSender<Order>, tokio::task::JoinHandle<()>) {
        let (tell, orders) = mpsc::unbounded_channel();
        let worker = Worker {
            premises,
            identity,
            deal,
            orders,
            waiting: VecDeque::new(),
            limits: PackageLimits::default(),
            run: false,
            node: None,
            deals,
        };
        (tell, tokio::spawn(worker.live()))
    }

    async fn live(mut self) {
        let mut under_way: UnderWay = None;
        let mut pause = PAUSE[0];
        let mut starts_at = Instant::now();
        loop {
            if under_way.is_none()
                && let Some(duty) = self.waiting.pop_front()
            {
                under_way = Some(match duty {
                    Duty::Job(work) => (Some(work), self.pursue(work)),
                    Duty::Receipts {
                        epoch,
                        keep_from,
                        reply,
                    } => (None, self.add_up(epoch, keep_from, reply)),
                });
            }
            // Services are not changed while the node comes or goes.
            let is_settled = under_way
                .as_ref()
                .is_none_or(|(work, _)| matches!(work, Some(Work::Fetch(_))));
            if is_settled && !self.run {
                self.stop().await;
            }
            let starts = is_settled && self.run && self.node.is_none();
            let wake = tokio::select! {
                biased;
                order = self.orders.recv() => Wake::Order(order),
                result = result_of(&mut under_way) => Wake::Done(result),
                reason = end_of(self.node.as_ref()) => Wake::Ended(reason),
                () = tokio::time::sleep_until(starts_at), if starts => Wake::Start,
            };
            match wake {
                Wake::Order(None) => break,
                Wake::Order(Some(Order::Run(run))) => {
                    self.run = run;
                    (pause, starts_at) = (PAUSE[0], Instant::now());
                }
                Wake::Order(Some(Order::Deals(deals))) => {
                    self.deals = deals;
                    self.tell_deals().await;
                }
                Wake::Order(Some(Order::Do(job))) => {
                    self.limits = job.limits;
                    let ends_all = job.work == Work::Remove;
                    let replaces = |under_way: &Option<Work>| {
                        let is_fetch = matches!(under_way, Some(Work::Fetch(_)));
                        ends_all || is_fetch && matches!(job.work, Work::Fetch(_))
                    };
                    if let Some((Some(work), _)) = under_way.take_if(|(work, _)| replaces(work)) {
                        self.answer(work, Err(Failure::for_now("something else was wanted")));
                    }
                    if ends_all {
                        self.waiting.clear();
                        self.run = false;
                        self.stop().await;
                    }
                    self.waiting.push_back(Duty::Job(job.work));
                }
                Wake::Order(Some(Order::Receipts {
                    epoch,
                    keep_from,
                    reply,
                })) => self.waiting.push_back(Duty::Receipts {
                    epoch,
                    keep_from,
                    reply,
                }),
                Wake::Done(result) => {
                    let Some((Some(work), _)) = under_way.take() else {
                        continue;
                    };
                    let is_over = work == Work::Remove && result.is_ok();
                    self.answer(work, result);
                    if is_over {
                        break;
                    }
                }
                Wake::Start => {
                    if let Err(error) = self.start().await {
                        let worker = self.identity.worker;
                        tracing::error!(%worker, reason = error.reason, "the worker cannot answer");
                        starts_at = Instant::now() + pause;
                        pause = pause.saturating_mul(2).min(PAUSE[1]);
                    }
                }
                Wake::Ended(reason) => {
                    let worker = self.identity.worker;
                    tracing::error!(%worker, reason, "the node of the worker has stopped, it is started again");
                    self.node = None;
                    starts_at = Instant::now() + pause;
                    pause = pause.saturating_mul(2).min(PAUSE[1]);
                }
            }
        }
        self.stop().await;
    }

    fn answer(&self, work: Work, result: Result<(), Failure>) {
        // The agent may have ended.
        let _ = self.premises.answers.send(Answer {
            worker: self.identity,
            work,
            result,
        });
    }

    fn pursue(&self, work: Work) -> Pursuit {
        let premises = self.premises.clone();
        let (deal, limits) = (self.deal, self.limits);
        match work {
            Work::Fetch(code) => Box::pin(async move {
                let got = premises.packages.get(deal, &code, limits).await;
                got.map(drop)
            }),
            Work::Install(code) => {
                let config = self.node_config(true);
                Box::pin(async move { prepare(&premises, config?, (deal, code), limits).await })
            }
            Work::Swap(code) => {
                if let Some(node) = self.node.clone() {
                    Box::pin(async move {
                        let package = premises.packages.get(deal, &code, limits).await?;
                        align(&node, &package).await
                    })
                } else {
                    let config = self.node_config(false);
                    Box::pin(async move { prepare(&premises, config?, (deal, code), limits).await })
                }
            }
            Work::Remove => {
                let folder = self.folder();
                Box::pin(async move {
                    let removed = tokio::task::spawn_blocking(move || remove(&folder)).await;
                    let removed = removed.map_err(|_| Failure::for_now("deleting it panicked"))?;
                    removed.map_err(Failure::for_now)
                })
            }
        }
    }

    /// Answers what the receipts of an epoch come to. A node that does not run is started for it, unreachable.
    fn add_up(
        &self,
        epoch: u32,
        keep_from: u32,
        reply: oneshot::Sender<Result<EpochReceipts, Failure>>,
    ) -> Pursuit {
        let (running, config) = (self.node.clone(), self.node_config(false));
        let deals = self.deals.clone();
        Box::pin(async move {
            let added = async {
                let node = match &running {
                    Some(node) => node.clone(),
                    None => Node::start(config?).await.map_err(Failure::for_now)?,
                };
                let added = closed(&node, deals, (epoch, keep_from)).await;
                if running.is_none() {
                    node.shutdown().await;
                }
                added
            };
            // Whoever asked may have gone.
            let _ = reply.send(added.await);
            Ok(())
        })
    }

    fn folder(&self) -> PathBuf {
        let identity = &self.identity;
        let name = format!("{}-{}", identity.worker, identity.incarnation);
        self.premises.folder.join(name)
    }

    fn node_config(&self, is_new: bool) -> Result<weir_node::NodeConfig, Failure> {
        let premises = &self.premises;
        if !is_new && !self.folder().exists() {
            // A new store would number the receipts anew, and two with one number are a proof against the worker.
            return Err(Failure::for_good("the folder of the worker is gone"));
        }
        let keypair = self
            .identity
            .keypair(&premises.key)
            .map_err(Failure::for_good)?;
        let employment = Employment {
            host: premises.host.peer_id(),
            deal: self.deal,
            worker: self.identity.worker,
            market: premises.market.clone(),
        };
        let mut config = premises
            .host
            .config()
            .worker(self.folder(), keypair, employment);
        config.keypair_is_new = is_new;
        Ok(config)
    }

    async fn start(&mut self) -> Result<(), Failure> {
        let mut config = self.node_config(false)?;
        config.relays = vec![self.premises.host.contact()];
        config.bootstrap = vec![self.premises.host.contact()];
        let node = Node::start(config).await.map_err(Failure::for_now)?;
        self.node = Some(node);
        self.tell_deals().await;
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.shutdown().await;
        }
    }

    async fn tell_deals(&self) {
        if let Some(node) = &self.node {
            // If it has stopped, it is told when it starts again.
            let _ = node.tell_deals(self.deals.clone()).await;
        }
    }
}

/// Makes the services of a worker whose node does not run.
async fn prepare(
    premises: &Premises,
    config: weir_node::NodeConfig,
    (deal, code): (u64, Code),
    limits: PackageLimits,
) -> Result<(), Failure> {
    let package = premises.packages.get(deal, &code, limits).await?;
    let node = Node::start(config).await.map_err(Failure::for_now)?;
    let made = align(&node, &package).await;
    node.shutdown().await;
    made
}

/// What the receipts of an epoch come to. Before they are read the node knows, for good, that a later one runs.
async fn closed(
    node: &NodeHandle,
    deals: Arc<DealTable>,
    (epoch, keep_from): (u32, u32),
) -> Result<EpochReceipts, Failure> {
    if deals.epoch <= epoch {
        return Err(Failure::for_now("its epoch is not over here"));
    }
    node.tell_deals(deals).await.map_err(Failure::for_now)?;
    let added = receipts::of_epoch(node, epoch).await?;
    receipts::forget_before(node, keep_from).await?;
    Ok(added)
}

fn remove(folder: &std::path::Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot delete {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

async fn result_of(under_way: &mut UnderWay) -> Result<(), Failure> {
    match under_way {
        Some((_, pursuit)) => pursuit.await,
        None => std::future::pending().await,
    }
}

async fn end_of(node: Option<&NodeHandle>) -> String {
    match node {
        Some(node) => node.wait_until_stopped().await.reason,
        None => std::future::pending().await,
    }
}
