//! How packages get to nodes: from whoever brings them, and from the other hosts of a deal.

mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use support::chain::{self, Chain, TOKEN, Town, address, plan};
use support::nodes::{self, Folder};
use support::{PATIENCE, cid, host, module_set, package};
use tokio::sync::watch;
use weir_agent::AgentHandle;
use weir_chain::bindings::Market;
use weir_chain::{WorkerStatus, enter_market};
use weir_identity::{Cid, Value};
use weir_node::{AskError, BlockExchange, BlockRefused, NodeHandle};
use weir_package::{Block, BlockStore, Builder, Built, Grants, Source};

/// The most bytes of a block.
const BLOCK_BYTES_MAX: usize = 256 << 10;

/// Long enough for anything that is to happen while a block is waited for.
const WAIT: Duration = Duration::from_secs(60);

/// The nodes of the tests, all of one provider.
const NODES: [u8; 2] = [20, 21];

/// A market with two nodes, which know each other, and a customer.
struct Stage {
    /// It ends when this is dropped.
    _chain: Chain,
    town: Town,
    folder: Folder,
    hosts: Vec<NodeHandle>,
    customer: weir_chain::Sender,
    caller: NodeHandle,
}

impl Stage {
    async fn new() -> Self {
        let chain = Chain::embedded().await;
        let town = Town::found(&chain.url).await;
        let folder = Folder::new();
        let provider = town.person(10).await;
        let keys = NODES.map(nodes::key);
        for key in &keys {
            chain::fund(&town.client, address(key)).await;
        }
        let peers = keys.each_ref().map(|key| (&**key, 4));
        enter_market((&town.client, &town.deployment), &provider, &plan(), &peers)
            .await
            .expect("it enters");
        town.pass(1).await;
        let customer = town.person(30).await;
        let hosts = vec![host(&folder, NODES[0]).await, host(&folder, NODES[1]).await];
        let caller = nodes::start(nodes::node(&folder, 50)).await;
        hosts[0]
            .connect(hosts[1].contact())
            .await
            .expect("it listens");
        for host in &hosts {
            caller.connect(host.contact()).await.expect("it listens");
        }
        Self {
            _chain: chain,
            town,
            folder,
            hosts,
            customer,
            caller,
        }
    }

    /// Lets a node follow the market, with what lies in a folder.
    async fn agent(&self, index: usize, has: &[&Block], patience: Duration) -> AgentHandle {
        let folder = self.folder.of(90 + NODES[index]);
        let mut source = weir_package::Folder::open(&folder).expect("it can be made");
        for block in has {
            source.put(block).expect("there is room");
        }
        let sources: Vec<Arc<dyn Source>> = vec![Arc::new(source)];
        support::agent(&self.town, &self.hosts[index], 0, (sources, patience)).await
    }

    /// Orders a worker on each of the first nodes.
    async fn order(&self, package: &Built, workers: u16) {
        let market = &self.town.deployment;
        let input = Market::DealInput {
            minWorkers: 1,
            targetWorkers: workers,
            maxPerProvider: 2,
            cid: cid(package),
            moduleSetHash: module_set(package),
            ..self.town.order()
        };
        let deal = market.create_deal(input, 30 * TOKEN);
        let created = self.customer.send("deal", &deal).await;
        created.expect("it is created");
        let nodes = NODES.iter().take(usize::from(workers));
        let entries = nodes.map(|node| Market::Entry {
            peer: address(&nodes::key(*node)),
            firstUnit: 0,
        });
        let matched = market.match_deal(1, entries.collect(), Vec::new(), true);
        let matched = self.customer.send("match", &matched).await;
        matched.expect("they fit");
    }

    async fn status(&self, index: usize) -> Option<WorkerStatus> {
        let chain = self.town.index().await;
        let market = self.town.client.market(&self.town.deployment);
        let peer = address(&nodes::key(NODES[index]));
        let view = market.peer_view(peer, &chain).await;
        let view = view.expect("the chain answers");
        Some(view.workers.first()?.member.status)
    }

    async fn until_active(&self, index: usize, agent: &AgentHandle) {
        let begin = Instant::now();
        while self.status(index).await != Some(WorkerStatus::Active) {
            let standing = agent.standing().await;
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
        }
    }

    /// Calls a function of `blocks` on a node.
    async fn ask(&self, index: usize, function: &str, args: &[Value]) -> Result<Value, AskError> {
        let peer = self.hosts[index].peer_id();
        self.caller
            .ask_peer(peer, ("blocks", function), args, WAIT)
            .await
    }

    /// The same, where it fails.
    async fn refused(&self, index: usize, function: &str, args: &[Value]) -> String {
        let refused = self.ask(index, function, args).await;
        refused.expect_err("it is refused").to_string()
    }

    /// Waits until a node asks for a block.
    async fn until_wanted(&self, index: usize, cid: Cid) {
        let begin = Instant::now();
        loop {
            let wants = self.ask(index, "wants", &[]).await.expect("it answers");
            let wants = wants.as_array().expect("a list");
            if wants.contains(&Value::from(cid.to_string())) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{wants:?}");
        }
    }

    /// Brings what a node asks for until it has the package.
    async fn bring(&self, index: usize, blocks: &[&Block], package: Cid) {
        let begin = Instant::now();
        while self
            .ask(index, "has", &[text(package)])
            .await
            .expect("it answers")
            != Value::from(true)
        {
            for block in blocks {
                // It is refused while it is not asked for.
                let _ = self
                    .ask(index, "put", &put(block.cid(), block.bytes()))
                    .await;
            }
            assert!(begin.elapsed() < PATIENCE);
        }
    }
}

fn text(cid: Cid) -> Value {
    Value::from(cid.to_string())
}

fn put(cid: Cid, bytes: &[u8]) -> [Value; 2] {
    [text(cid), Value::from(BASE64URL_NOPAD.encode(bytes))]
}

/// A package of several chunks: beside its component it has a long file.
fn large() -> Built {
    let service = nodes::multiplier(2);
    let mut package = Builder::new("large", "1.0.0");
    package
        .service(&service.id, service.component, Grants::default(), [])
        .expect("it is a service");
    let line = |number: u32| format!("-- line {number} of a long file\n");
    let file: String = (0..40_000).map(line).collect();
    package.aqua("long.aqua", file).expect("it is a file");
    package.build().expect("it is a package")
}

fn blocks(package: &Built) -> Vec<&Block> {
    package.blocks().iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_one_host_of_a_deal_has_reaches_the_other() {
    let stage = Stage::new().await;
    let package = large();
    let has = stage.agent(0, &blocks(&package), WAIT).await;
    let lacks = stage.agent(1, &[], WAIT).await;
    stage.order(&package, 2).await;
    stage.until_active(0, &has).await;
    stage.until_active(1, &lacks).await;
    let whole = stage.ask(1, "has", &[text(package.cid())]).await;
    assert_eq!(whole.expect("it answers"), Value::from(true));
    has.shutdown().await;
    lacks.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_taken_only_while_it_is_asked_for() {
    let stage = Stage::new().await;
    let package = package(2);
    let root = package.cid();
    let of = |cid: Cid| {
        let block = package.blocks().iter().find(|block| block.cid() == cid);
        block.expect("it is in the package").bytes()
    };
    let component = package.root().services()[0].component().block();

    // Without an agent there are no packages.
    let nobody = stage.refused(0, "wants", &[]).await;
    assert!(nobody.contains("keeps no packages"), "{nobody}");
    let agent = stage.agent(0, &[], WAIT).await;
    let wants = stage.ask(0, "wants", &[]).await.expect("it answers");
    assert_eq!(wants, Value::from(Vec::new()));
    let unasked = stage.refused(0, "put", &put(root, of(root))).await;
    assert!(
        unasked.contains(&format!("nothing here asks for {root}")),
        "{unasked}"
    );

    stage.order(&package, 1).await;
    stage.until_wanted(0, root).await;
    let early = stage
        .refused(0, "put", &put(component, of(component)))
        .await;
    assert!(early.contains("nothing here asks for"), "{early}");
    let other = stage.refused(0, "put", &put(root, of(component))).await;
    assert!(other.contains("these are not the bytes of"), "{other}");
    let much = vec![0; BLOCK_BYTES_MAX + 1];
    let large = stage.refused(0, "put", &put(root, &much)).await;
    assert!(large.contains("262145 bytes for"), "{large}");
    let malformed = [text(root), Value::from("not base64!")];
    let malformed = stage.refused(0, "put", &malformed).await;
    assert!(malformed.contains("ARG_TYPE"), "{malformed}");
    let absent = stage.refused(0, "get", &[text(root)]).await;
    assert!(
        absent.contains(&format!("block {root} is not here")),
        "{absent}"
    );

    // What is asked for is taken, and given on.
    let whole = [text(root)];
    stage
        .ask(0, "put", &put(root, of(root)))
        .await
        .expect("it is wanted");
    stage.until_wanted(0, component).await;
    let partly = stage.ask(0, "has", &whole).await.expect("it answers");
    assert_eq!(partly, Value::from(false));
    let bytes = put(component, of(component));
    stage.ask(0, "put", &bytes).await.expect("it is wanted");
    stage.until_active(0, &agent).await;
    let all = stage.ask(0, "has", &whole).await.expect("it answers");
    assert_eq!(all, Value::from(true));
    let got = stage.ask(0, "get", &[text(component)]).await;
    assert_eq!(got.expect("it is here"), bytes[1]);
    let again = stage.refused(0, "put", &bytes).await;
    assert!(again.contains("nothing here asks for"), "{again}");
    agent.shutdown().await;
    let gone = stage.refused(0, "wants", &[]).await;
    assert!(gone.contains("keeps no packages"), "{gone}");
}

/// A host that has only the root of a package, and tells when it is asked for more.
#[derive(Debug)]
struct Failing {
    root: Block,
    asked: watch::Sender<bool>,
    /// What it says of all other blocks; nothing: it does not answer.
    lie: Option<&'static [u8]>,
    /// Comes to an end with the test.
    end: Mutex<Receiver<()>>,
}

impl BlockExchange for Failing {
    fn get(&self, cid: &Cid) -> Result<Option<bytes::Bytes>, String> {
        if *cid == self.root.cid() {
            return Ok(Some(self.root.bytes().clone()));
        }
        self.asked.send_replace(true);
        if self.lie.is_none() {
            let end = self.end.lock().expect("nobody has panicked");
            end.recv().expect_err("nothing is sent");
        }
        Ok(self.lie.map(bytes::Bytes::from_static))
    }

    fn has(&self, _: &Cid) -> Result<bool, String> {
        Ok(false)
    }

    fn wants(&self) -> Vec<Cid> {
        Vec::new()
    }

    fn put(&self, cid: &Cid, _: bytes::Bytes) -> Result<(), BlockRefused> {
        Err(BlockRefused::Unwanted { cid: *cid })
    }
}

impl Failing {
    /// Does not answer before the sender is dropped, if it has no lie to tell.
    fn new(
        package: &Built,
        lie: Option<&'static [u8]>,
    ) -> (Arc<Self>, watch::Receiver<bool>, Sender<()>) {
        let root = package
            .blocks()
            .iter()
            .find(|block| block.cid() == package.cid());
        let (asked, is_asked) = watch::channel(false);
        let (end, ends) = channel();
        let failing = Self {
            root: root.expect("it is in the package").clone(),
            asked,
            lie,
            end: Mutex::new(ends),
        };
        (Arc::new(failing), is_asked, end)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_away_in_the_middle_does_not_keep_a_package_away() {
    let stage = Stage::new().await;
    let package = large();
    let (failing, mut asked, end) = Failing::new(&package, None);
    stage.hosts[0]
        .offer_blocks(Some(failing))
        .await
        .expect("it works");
    // The one that asks is the second of the deal; the first one is no node of Weir's.
    let agent = stage.agent(1, &[], WAIT).await;
    stage.order(&package, 2).await;
    let is_asked = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked)).await;
    is_asked.expect("it is asked in time").expect("it lives");
    let gone = stage.hosts[0].clone();
    let ended = tokio::spawn(async move { gone.shutdown().await });
    stage.bring(1, &blocks(&package), package.cid()).await;
    stage.until_active(1, &agent).await;
    drop(end);
    ended.await.expect("it stops");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_lies_does_not_keep_a_package_away() {
    let stage = Stage::new().await;
    let package = large();
    let (failing, mut asked, _) = Failing::new(&package, Some(b"other bytes"));
    stage.hosts[0]
        .offer_blocks(Some(failing))
        .await
        .expect("it works");
    let agent = stage.agent(1, &[], WAIT).await;
    stage.order(&package, 2).await;
    let is_asked = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked)).await;
    is_asked.expect("it is asked in time").expect("it lives");
    stage.bring(1, &blocks(&package), package.cid()).await;
    stage.until_active(1, &agent).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_nobody_has_is_given_up_in_time_and_the_operator_reads_why() {
    let stage = Stage::new().await;
    let agent = stage.agent(0, &[], Duration::from_millis(100)).await;
    stage.order(&package(2), 1).await;
    let begin = Instant::now();
    let reads = async |words: &str| {
        loop {
            let standing = agent.standing().await.expect("it lives");
            let mut reasons = standing.report.deals.iter().flat_map(|deal| &deal.why);
            if reasons.any(|why| why.contains(words)) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{standing:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    reads("peers: nobody brought it within 0.1 s").await;
    let Some(WorkerStatus::Matched { deadline }) = stage.status(0).await else {
        panic!("it is matched");
    };
    let market = stage.town.client.market(&stage.town.deployment);
    let epoch = market.time().await.expect("the chain answers").epoch;
    stage.town.pass(u64::from(deadline - epoch)).await;
    reads("it was not ready in time: no source has block").await;
    while stage.status(0).await.is_some() {
        assert!(begin.elapsed() < PATIENCE);
    }
    agent.shutdown().await;
}
