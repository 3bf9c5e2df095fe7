//! A node in the market: from a match to the end, with real calls.

mod support;

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::B256;
use alloy::sol_types::SolCall;
use support::chain::{self, Chain, TOKEN, Town, address, anvil, plan};
use support::nodes::{self, Folder};
use support::{PATIENCE, cid, entries, host, market, module_set, package};
use weir_agent::AgentHandle;
use weir_chain::bindings::{Audit, Market};
use weir_chain::{Sender, WorkerStatus, enter_market};
use weir_identity::{Hash, PeerId, Value};
use weir_node::NodeHandle;
use weir_package::{BlockStore, Builder, Built, Grants, Source};
use weir_peer::ParticleId;
use weir_receipt::{PeerCommitment, ReceiptTree, SignedReceipt, WorkerLeaf};

const NODE: u8 = 20;

/// A node in the market, and a customer.
struct Stage {
    town: Town,
    folder: Folder,
    host: NodeHandle,
    agent: AgentHandle,
    /// How long it keeps what is over, in milliseconds.
    keep_ms: u64,
    customer: Sender,
    caller: NodeHandle,
}

impl Stage {
    async fn new(chain: &Chain) -> Self {
        Self::keeping(chain, 0).await
    }

    async fn keeping(chain: &Chain, keep_ms: u64) -> Self {
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
        let agent = agent(&town, &folder, &host, keep_ms).await;
        let caller = nodes::start(nodes::node(&folder, 50)).await;
        caller.connect(host.contact()).await.expect("it listens");
        Self {
            town,
            folder,
            host,
            agent,
            keep_ms,
            customer,
            caller,
        }
    }

    /// Publishes a package and orders one worker for it, chosen by the customer, for this set of modules.
    async fn order(&self, package: &Built, module_set: B256) {
        self.order_at((1, 0), package, module_set).await;
    }

    /// The same for a deal that will have this number, with this unit of the node.
    async fn order_at(&self, (deal, unit): (u64, u8), package: &Built, module_set: B256) {
        publish(&self.folder, package);
        let market = &self.town.deployment;
        let input = Market::DealInput {
            minWorkers: 1,
            targetWorkers: 1,
            cid: cid(package),
            moduleSetHash: module_set,
            ..self.town.order()
        };
        let create = market.create_deal(input, 30 * TOKEN);
        let created = self.customer.send(&format!("deal {deal}"), &create).await;
        created.expect("it is created");
        let entry = Market::Entry {
            peer: address(&nodes::key(NODE)),
            firstUnit: unit,
        };
        let matched = market.match_deal(deal, vec![entry], Vec::new(), true);
        let matched = self.customer.send(&format!("match {deal}"), &matched).await;
        matched.expect("it fits");
    }

    /// Waits until the match is given back, for a reason with these words that the operator can read.
    async fn declined(&self, words: &str) {
        let begin = std::time::Instant::now();
        loop {
            let standing = self.agent.standing().await.expect("it lives");
            let mut reasons = standing.report.deals.iter().flat_map(|deal| &deal.why);
            let is_told = reasons.any(|why| why.contains(words));
            let deal = self.town.client.market(&self.town.deployment).deal(1).await;
            let is_free = deal.expect("the chain answers").deal.liveWorkers == 0;
            if is_told && is_free {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn worker(&self) -> Option<(WorkerStatus, PeerId)> {
        self.worker_of(1).await
    }

    async fn worker_of(&self, deal: u64) -> Option<(WorkerStatus, PeerId)> {
        let index = self.town.index().await;
        let (client, market) = (&self.town.client, &self.town.deployment);
        let peer = address(&nodes::key(NODE));
        let view = client.market(market).peer_view(peer, &index).await;
        let view = view.expect("the chain answers");
        let mut workers = view.workers.iter();
        let member = workers.find(|worker| worker.deal.id == deal)?.member;
        let activation = index.activation(member.worker)?;
        let key = client.worker_id(market, activation).await;
        Some((member.status, key.expect("the chain answers")?))
    }

    /// Waits until the worker is active, and says what its peer is called.
    async fn active(&self) -> PeerId {
        self.active_in(1).await
    }

    async fn active_in(&self, deal: u64) -> PeerId {
        let begin = std::time::Instant::now();
        loop {
            if let Some((WorkerStatus::Active, peer)) = self.worker_of(deal).await {
                return peer;
            }
            let standing = self.agent.standing().await;
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Calls the worker until it answers so.
    async fn until_answer(&self, worker: PeerId, expected: u64) {
        let begin = std::time::Instant::now();
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
    async fn call(&self, worker: PeerId) -> Value {
        self.called(worker).await.0
    }

    /// The same with the receipt of the call.
    async fn receipt(&self, worker: PeerId) -> SignedReceipt {
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
    async fn committed(&self, epoch: u32) -> (B256, u128) {
        let audit = self.town.deployment.audit;
        let token = self.town.deployment.pay_token;
        let peer = address(&nodes::key(NODE));
        let question = Audit::getCommitCall { peer, token, epoch };
        let begin = std::time::Instant::now();
        loop {
            let answer = self.town.client.ask(audit, question.abi_encode().into());
            let answer = answer.await.expect("the chain answers");
            let found = Audit::getCommitCall::abi_decode_returns(&answer).expect("a commitment");
            if !found.root.is_zero() {
                return (found.root, found.feeSum.to());
            }
            let standing = self.agent.standing().await;
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What could be claimed now for the node's worker in a deal, in the smallest unit.
    async fn claimable(&self, deal: u64, from: u32) -> u128 {
        let market = self.town.client.market(&self.town.deployment);
        let worker = market.worker_of(deal, address(&nodes::key(NODE))).await;
        let worker = worker.expect("the chain answers");
        let claimable = market.claimable(worker, from).await;
        claimable.expect("the chain answers").to()
    }

    /// The process ends without a word, `meanwhile` something happens, and it comes again.
    async fn restarted(&mut self, meanwhile: impl AsyncFnOnce(&Self)) {
        self.agent.shutdown().await;
        self.host.shutdown().await;
        meanwhile(self).await;
        self.host = host(&self.folder, NODE).await;
        self.agent = agent(&self.town, &self.folder, &self.host, self.keep_ms).await;
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

/// An agent that finds packages in a folder.
async fn agent(town: &Town, folder: &Folder, host: &NodeHandle, keep_ms: u64) -> AgentHandle {
    let source = weir_package::Folder::open(&source(folder)).expect("it can be made");
    let sources: Vec<Arc<dyn Source>> = vec![Arc::new(source)];
    support::agent(town, host, keep_ms, (sources, Duration::from_secs(30))).await
}

fn source(folder: &Folder) -> std::path::PathBuf {
    folder.of(99)
}

fn publish(folder: &Folder, package: &Built) {
    let mut store = weir_package::Folder::open(&source(folder)).expect("it can be made");
    for block in package.blocks() {
        store.put(block).expect("there is room");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_from_its_match_to_the_end_of_its_deal() {
    from_match_to_end(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_a_worker_serves_from_its_match_to_the_end_of_its_deal() {
    if let Some(chain) = anvil() {
        from_match_to_end(&chain).await;
    }
}

async fn from_match_to_end(chain: &Chain) {
    let mut stage = Stage::new(chain).await;
    let first = package(2);
    stage.order(&first, module_set(&first)).await;
    let worker = stage.active().await;
    assert_ne!(worker, stage.host.peer_id(), "it has a key of its own");
    stage.until_answer(worker, 42).await;

    // What Aqua's subnet sees.
    let script = format!(
        r#"(seq
            (call "{}" ("subnet" "resolve") ["1"] found)
            (call %init_peer_id% ("callbackSrv" "found") [found]))"#,
        stage.host.peer_id()
    );
    let submitted = stage.caller.submit(nodes::request(&script)).await;
    let found = nodes::callback(&mut submitted.expect("a script"))
        .await
        .remove(0);
    let found = serde_json::to_value(&found).expect("it is a value");
    assert_eq!(found["success"], true, "{found}");
    assert_eq!(found["workers"][0]["worker_id"][0], worker.to_string());

    // The process ends without a word and comes again: the same worker answers.
    stage.restarted(async |_| ()).await;
    stage.until_answer(worker, 42).await;

    // New code, from the next epoch on.
    let next = package(3);
    publish(&stage.folder, &next);
    let market = stage.town.deployment.clone();
    let set = market.set_version(1, cid(&next), module_set(&next));
    stage.customer.send("version", &set).await.expect("it may");
    stage.town.pass(1).await;
    stage.until_answer(worker, 63).await;

    // The end: the units are free again, and nothing is left.
    let end = stage.customer.send("end", &market.end_deal(1)).await;
    end.expect("it is the customer's");
    stage.town.pass(2).await;
    let begin = std::time::Instant::now();
    let folder = support::market(&stage.host);
    while stage.worker().await.is_some()
        || entries(&folder.join("workers")) > 0
        || entries(&folder.join("packages")) > 0
    {
        let standing = stage.agent.standing().await;
        assert!(begin.elapsed() < PATIENCE, "{standing:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_paid_when_the_receipts_of_its_calls_are_committed() {
    epochs_are_paid(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_an_epoch_is_paid_when_the_receipts_of_its_calls_are_committed() {
    if let Some(chain) = anvil() {
        epochs_are_paid(&chain).await;
    }
}

async fn epochs_are_paid(chain: &Chain) {
    let mut stage = Stage::keeping(chain, 3_600_000).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    stage.until_answer(worker, 42).await;
    // It is paid from the epoch after its activation on.
    let first = stage.town.epoch().await + 1;
    stage.town.pass(1).await;
    let begin = std::time::Instant::now();
    let mut tree = ReceiptTree::new();
    let mut id = Hash::ZERO;
    let mut calls = 0;
    while calls < 5 {
        let receipt = stage.receipt(worker).await;
        assert!(begin.elapsed() < PATIENCE);
        // The node sees a moment later that the epoch has begun.
        if receipt.receipt.epoch == u64::from(first) {
            tree.push(&receipt).expect("they follow each other");
            id = receipt.receipt.worker_id;
            calls += 1;
        }
    }
    stage.town.pass(1).await;
    let leaf = WorkerLeaf {
        worker: id,
        receipts: tree.finish().expect("it is not much"),
        heartbeats: 0,
        fee: TOKEN,
    };
    let expected = PeerCommitment::over(&[leaf]).expect("it is not much");
    let committed = stage.committed(first).await;
    let root = B256::from(expected.root.to_bytes());
    assert_eq!(committed, (root, TOKEN));

    // An epoch that ends while the node is down is committed when it comes again, also if nobody called.
    stage
        .restarted(async |stage| stage.town.pass(1).await)
        .await;
    stage.committed(first + 1).await;

    // The last one is committed after the end, when the worker has left.
    let end = stage.town.deployment.end_deal(1);
    let end = stage.customer.send("end", &end).await;
    end.expect("it is the customer's");
    stage.town.pass(1).await;
    stage.committed(first + 2).await;
    stage.town.pass(4).await;
    assert_eq!(stage.claimable(1, first).await, 3 * TOKEN);
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_data_is_lost_is_left_out_and_others_are_paid() {
    let chain = Chain::embedded().await;
    let mut stage = Stage::new(&chain).await;
    let package = package(2);
    stage.order_at((1, 0), &package, module_set(&package)).await;
    stage.active_in(1).await;
    let folders = market(&stage.host).join("workers");
    let lost = std::fs::read_dir(&folders).expect("it is there").next();
    let lost = lost.expect("a worker").expect("it can be read").path();
    stage.order_at((2, 1), &package, module_set(&package)).await;
    stage.active_in(2).await;
    let first = stage.town.epoch().await + 1;
    stage.town.pass(1).await;
    let lose = async |stage: &Stage| {
        std::fs::remove_dir_all(&lost).expect("it is there");
        stage.town.pass(1).await;
    };
    stage.restarted(lose).await;
    assert_eq!(stage.committed(first).await.1, TOKEN);
    stage.town.pass(4).await;
    assert_eq!(stage.claimable(1, first).await, 0);
    assert_eq!(stage.claimable(2, first).await, TOKEN);
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_not_what_the_deal_says_is_declined() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    stage.order(&package(2), B256::repeat_byte(9)).await;
    stage.declined("and the deal says").await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_wants_what_the_operator_does_not_grant_is_declined() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let grants = serde_json::json!({
        "weir:host/state@0.1": {},
        "weir:host/http@0.1": {"hosts": ["api.example.org"]},
    });
    let grants = serde_json::from_value(grants).expect("it is a value");
    let service = nodes::multiplier(2);
    let mut asking = Builder::new("doubler", "1.0.0");
    let grants = Grants::from_value(&grants).expect("they are grants");
    asking
        .service(&service.id, service.component, grants, [])
        .expect("it is a service");
    let asking = asking.build().expect("it is a package");
    stage.order(&asking, module_set(&asking)).await;
    stage
        .declined("weir:host/http@0.1, which this node does not grant")
        .await;
    stage.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_leaves_nothing_in_the_journal() {
    let chain = Chain::embedded().await;
    let stage = Stage::new(&chain).await;
    let package = package(2);
    stage.order(&package, module_set(&package)).await;
    let worker = stage.active().await;
    // It answers once the node has seen that, and so heard of its transaction.
    stage.until_answer(worker, 42).await;
    let folder = market(&stage.host).join("transactions");
    let begin = std::time::Instant::now();
    // The lock is all that stays.
    while entries(&folder) > 1 {
        assert!(begin.elapsed() < PATIENCE, "{} files", entries(&folder));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.agent.shutdown().await;
}
