//! A node in the market with its agent, a customer, and somebody who calls.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use weir_agent::{Agent, AgentConfig, AgentHandle, Standing};
use weir_chain::bindings::Audit::AuditEvents;
use weir_chain::bindings::Market::MarketEvents;
use weir_chain::bindings::{Audit, Market};
use weir_chain::{Cursor, Follower, MarketEvent, News, Sender, WorkerStatus, enter_market};
use weir_identity::{PeerId, Value};
use weir_node::NodeHandle;
use weir_package::{BlockStore, Built, Source};
use weir_peer::ParticleId;
use weir_receipt::SignedReceipt;

use super::chain::{self, Chain, TOKEN, Town, address, plan};
use super::nodes::{self, Folder};
use super::{PATIENCE, cid, config, entries, host, market, module_set};

/// The node of the stage.
pub const NODE: u8 = 20;

/// How the agent of a stage differs from that of others.
type Settings = Box<dyn Fn(&mut AgentConfig) + Send + Sync>;

/// A node in the market, and a customer.
pub struct Stage {
    pub town: Town,
    pub folder: Folder,
    pub host: NodeHandle,
    pub agent: AgentHandle,
    settings: Settings,
    pub provider: Sender,
    pub customer: Sender,
    pub caller: NodeHandle,
}

impl Stage {
    pub async fn new(chain: &Chain) -> Self {
        Self::with(chain, |_| ()).await
    }

    /// With an agent that keeps for so long what is over.
    pub async fn keeping(chain: &Chain, keep_ms: u64) -> Self {
        Self::with(chain, move |config| config.timing.keep_ms = keep_ms).await
    }

    /// With an agent that is set up otherwise.
    pub async fn with(
        chain: &Chain,
        settings: impl Fn(&mut AgentConfig) + Send + Sync + 'static,
    ) -> Self {
        let town = Town::found(&chain.url).await;
        let folder = Folder::new();
        let provider = town.person(10).await;
        let key = nodes::key(NODE);
        chain::fund(&town.client, address(&key)).await;
        let peers = [(&*key, 4)];
        enter_market((&town.client, &town.deployment), &provider, &plan(), &peers)
            .await
            .expect("it enters");
        town.pass(1).await;
        let customer = town.person(30).await;
        let host = host(&folder, NODE).await;
        let settings: Settings = Box::new(settings);
        let agent = agent(&town, &folder, &host, &settings).await;
        let caller = nodes::start(nodes::node(&folder, 50)).await;
        caller.connect(host.contact()).await.expect("it listens");
        Self {
            town,
            folder,
            host,
            agent,
            settings,
            provider,
            customer,
            caller,
        }
    }

    /// A deal for one worker that runs this package.
    pub fn input(&self, package: &Built) -> Market::DealInput {
        Market::DealInput {
            minWorkers: 1,
            targetWorkers: 1,
            cid: cid(package),
            moduleSetHash: module_set(package),
            ..self.town.order()
        }
    }

    /// Publishes a package and orders one worker for it, chosen by the customer, for this set of modules.
    pub async fn order(&self, package: &Built, module_set: B256) {
        self.order_at((1, 0), package, module_set).await;
    }

    /// The same for a deal that will have this number, with this unit of the node.
    pub async fn order_at(&self, (deal, unit): (u64, u8), package: &Built, module_set: B256) {
        self.publish(package);
        let input = Market::DealInput {
            moduleSetHash: module_set,
            ..self.input(package)
        };
        self.create(deal, input, 30 * TOKEN).await;
        self.choose(deal, unit, &format!("match {deal}")).await;
    }

    pub async fn create(&self, deal: u64, input: Market::DealInput, deposit: u128) {
        let create = self.town.deployment.create_deal(input, deposit);
        let created = self.customer.send(&format!("deal {deal}"), &create).await;
        created.expect("it is created");
    }

    /// The customer chooses the node, by a transaction of this name.
    pub async fn choose(&self, deal: u64, unit: u8, name: &str) {
        let entry = Market::Entry {
            peer: address(&nodes::key(NODE)),
            firstUnit: unit,
        };
        let call = self
            .town
            .deployment
            .match_deal(deal, vec![entry], Vec::new(), true);
        let matched = self.customer.send(name, &call).await;
        matched.expect("it fits");
    }

    /// The customer ends the deal, by a transaction of this name.
    pub async fn end(&self, name: &str) {
        let end = self.town.deployment.end_deal(1);
        let end = self.customer.send(name, &end).await;
        end.expect("it is the customer's");
    }

    /// Puts a package where the agent looks for it.
    pub fn publish(&self, package: &Built) {
        let mut store = weir_package::Folder::open(&source(&self.folder)).expect("it can be made");
        for block in package.blocks() {
            store.put(block).expect("there is room");
        }
    }

    /// Waits until it is so.
    pub async fn until(&self, mut is_so: impl AsyncFnMut(&Standing) -> bool) {
        let begin = Instant::now();
        loop {
            let standing = self.agent.standing().await.expect("it lives");
            if is_so(&standing).await {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the operator can read these words about a deal.
    pub async fn told(&self, words: &str) {
        self.until(async |standing| {
            let mut reasons = standing.report.deals.iter().flat_map(|deal| &deal.why);
            reasons.any(|why| why.contains(words))
        })
        .await;
    }

    /// Waits until the operator can read these words about the chain.
    pub async fn troubled(&self, words: &str) {
        self.until(async |standing| standing.troubles.iter().any(|why| why.contains(words)))
            .await;
    }

    /// Waits until nothing keeps the agent from the chain.
    pub async fn untroubled(&self) {
        self.until(async |standing| standing.troubles.is_empty())
            .await;
    }

    /// Waits until the match is given back, for a reason with these words that the operator can read.
    pub async fn declined(&self, words: &str) {
        let mut is_told = false;
        self.until(async |standing| {
            let mut reasons = standing.report.deals.iter().flat_map(|deal| &deal.why);
            is_told |= reasons.any(|why| why.contains(words));
            let deal = self.town.client.market(&self.town.deployment).deal(1).await;
            is_told && deal.expect("the chain answers").deal.liveWorkers == 0
        })
        .await;
    }

    /// Waits until nothing of the worker is left, on the chain and on the machine.
    pub async fn gone(&self) {
        let folder = market(&self.host);
        let empty = |name| entries(&folder.join(name)) == 0;
        self.until(async |_| {
            self.worker().await.is_none() && empty("workers") && empty("packages")
        })
        .await;
    }

    pub async fn worker(&self) -> Option<(WorkerStatus, Option<PeerId>)> {
        self.worker_of(1).await
    }

    /// Where the worker of a deal is, and what its peer is called once it is known.
    pub async fn worker_of(&self, deal: u64) -> Option<(WorkerStatus, Option<PeerId>)> {
        let index = self.town.index().await;
        let (client, market) = (&self.town.client, &self.town.deployment);
        let peer = address(&nodes::key(NODE));
        let view = client.market(market).peer_view(peer, &index).await;
        let view = view.expect("the chain answers");
        let mut workers = view.workers.iter();
        let member = workers.find(|worker| worker.deal.id == deal)?.member;
        let Some(activation) = index.activation(member.worker) else {
            return Some((member.status, None));
        };
        let key = client.worker_id(market, activation).await;
        Some((member.status, key.expect("the chain answers")))
    }

    /// Waits until the worker is active, and says what its peer is called.
    pub async fn active(&self) -> PeerId {
        self.active_in(1).await
    }

    pub async fn active_in(&self, deal: u64) -> PeerId {
        let mut found = None;
        self.until(async |_| {
            if let Some((WorkerStatus::Active, Some(peer))) = self.worker_of(deal).await {
                found = Some(peer);
            }
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }

    /// How many transactions of the node are in blocks.
    pub async fn sent(&self) -> u64 {
        let provider = self.town.client.provider();
        let count = provider.get_transaction_count(address(&nodes::key(NODE)));
        count.await.expect("the chain answers")
    }

    /// Waits until each transaction of the node has done something: none went out twice.
    pub async fn sent_once(&self) {
        self.until(async |_| self.sent().await == self.deeds().await)
            .await;
    }

    /// How many of them did something that events tell: taking up or giving back a place, or committing receipts.
    async fn deeds(&self) -> u64 {
        let cursor = Cursor::before(&self.town.deployment);
        let (client, market) = (self.town.client.clone(), self.town.deployment.clone());
        let mut follower = Follower::new(client, market, cursor);
        let mut deeds = BTreeSet::new();
        loop {
            match follower.next().await.expect("the chain answers") {
                News::Nothing => return deeds.len() as u64,
                News::RolledBack { to } => panic!("it goes back to {to}"),
                News::Blocks { events, .. } => {
                    let own = events.iter().filter(|happened| is_deed(&happened.event));
                    deeds.extend(own.map(|happened| happened.transaction));
                }
            }
        }
    }

    /// Calls the worker until it answers so.
    pub async fn until_answer(&self, worker: PeerId, expected: u64) {
        let begin = Instant::now();
        loop {
            let answer = self.call(worker).await;
            if answer == Value::from(expected) {
                return;
            }
            let standing = self.agent.standing().await;
            assert!(begin.elapsed() < PATIENCE, "{answer:?}, {standing:?}");
        }
    }

    /// What `double(21)` of the worker gives, or the error.
    pub async fn call(&self, worker: PeerId) -> Value {
        self.called(worker).await.0
    }

    /// The same with the receipt of the call.
    pub async fn receipt(&self, worker: PeerId) -> SignedReceipt {
        let (answer, particle) = self.called(worker).await;
        assert_eq!(answer, Value::from(42_u64));
        let export = self.caller.export(particle).await.expect("it is known");
        let story = weir_avm::trace(&export).expect("it is honest");
        let mut deeds = story.visits.iter().flat_map(|visit| &visit.deeds);
        let receipt = deeds.find_map(|deed| match &deed.what {
            weir_avm::What::Call { receipt, .. } => receipt.clone(),
            _ => None,
        });
        SignedReceipt::decode(&receipt.expect("a receipt")).expect("a valid one")
    }

    /// What the peer committed to for an epoch; waits for it.
    pub async fn committed(&self, epoch: u32) -> (B256, u128) {
        let audit = self.town.deployment.audit;
        let token = self.town.deployment.pay_token;
        let peer = address(&nodes::key(NODE));
        let question = Audit::getCommitCall { peer, token, epoch }.abi_encode();
        let mut committed = None;
        self.until(async |_| {
            let answer = self.town.client.ask(audit, question.clone().into());
            let answer = answer.await.expect("the chain answers");
            let found = Audit::getCommitCall::abi_decode_returns(&answer).expect("a commitment");
            if !found.root.is_zero() {
                committed = Some((found.root, found.feeSum.to()));
            }
            committed.is_some()
        })
        .await;
        committed.expect("it was waited for")
    }

    /// What could be claimed now for the node's worker in a deal, in the smallest unit.
    pub async fn claimable(&self, deal: u64, from: u32) -> u128 {
        let market = self.town.client.market(&self.town.deployment);
        let worker = market.worker_of(deal, address(&nodes::key(NODE))).await;
        let worker = worker.expect("the chain answers");
        let claimable = market.claimable(worker, from).await;
        claimable.expect("the chain answers").to()
    }

    /// The process ends without a word, `meanwhile` something happens, and it comes again.
    pub async fn restarted(&mut self, meanwhile: impl AsyncFnOnce(&Self)) {
        self.agent.shutdown().await;
        self.host.shutdown().await;
        meanwhile(self).await;
        self.host = host(&self.folder, NODE).await;
        self.agent = agent(&self.town, &self.folder, &self.host, &self.settings).await;
        let contact = self.host.contact();
        self.caller.connect(contact).await.expect("it listens");
    }

    async fn called(&self, worker: PeerId) -> (Value, ParticleId) {
        let host = self.host.peer_id();
        let script = format!(
            r#"(seq
                (call "{host}" ("op" "noop") [])
                (xor
                    (seq
                        (call "{worker}" ("doubler" "double") [21] x)
                        (call %init_peer_id% ("callbackSrv" "answer") [x]))
                    (call %init_peer_id% ("callbackSrv" "answer") [:error:])))"#
        );
        let submitted = self.caller.submit(nodes::request(&script)).await;
        let mut particle = submitted.expect("it is a script");
        let answer = nodes::callback(&mut particle).await.remove(0);
        (answer, particle.particle())
    }
}

/// An agent that finds packages in a folder, if its settings do not say otherwise.
async fn agent(
    town: &Town,
    folder: &Folder,
    host: &NodeHandle,
    settings: &Settings,
) -> AgentHandle {
    let mut config = config(town, host);
    let source = weir_package::Folder::open(&source(folder)).expect("it can be made");
    let sources: Vec<Arc<dyn Source>> = vec![Arc::new(source)];
    config.sources = sources;
    settings(&mut config);
    Agent::start(config).await.expect("it starts")
}

/// Whether something happened that only the node does.
fn is_deed(event: &MarketEvent) -> bool {
    match event {
        MarketEvent::Audit(AuditEvents::ReceiptsCommitted(_)) => true,
        MarketEvent::Market(event) => matches!(
            event,
            MarketEvents::WorkerActive(_)
                | MarketEvents::WorkerOver(_)
                | MarketEvents::MatchExpired(_)
        ),
        _ => false,
    }
}

fn source(folder: &Folder) -> PathBuf {
    folder.of(99)
}
