//! Chains for tests, and people on them.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod liar;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, Uint};
use alloy::providers::Provider;
use alloy::rpc::json_rpc::RpcSend;
use serde_json::Value;
use weir_chain::bindings::Market;
use weir_chain::bindings::Market::MarketEvents;
use weir_chain::{
    Call, Client, Cursor, Deployment, Follower, Index, MarketEvent, MemoryJournal, News,
    ProviderPlan, Sender, Terms, deploy_for_development,
};
use weir_devchain::{Config, DevChain, Server};
use weir_identity::Keypair;

/// The number of the chains of tests.
pub(crate) const CHAIN_ID: u64 = 31_337;

/// A chain that runs until it is dropped.
pub(crate) struct Chain {
    pub(crate) url: String,
    process: Option<Child>,
    embedded: Option<(DevChain, Server)>,
}

impl Chain {
    /// A chain of this process.
    pub(crate) async fn embedded() -> Self {
        Self::of(Config::default()).await
    }

    /// The same with another number.
    pub(crate) async fn numbered(chain_id: u64) -> Self {
        let config = Config {
            chain_id,
            ..Config::default()
        };
        Self::of(config).await
    }

    async fn of(config: Config) -> Self {
        let chain = DevChain::open(config).expect("it needs nothing");
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await;
        let server = server.expect("there is a free port");
        Self {
            url: server.url(),
            process: None,
            embedded: Some((chain, server)),
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A real anvil, which `npm ci` in `contracts` installs. Without it the test says so and is left out, unless
/// `WEIR_ANVIL_REQUIRED` is set.
pub(crate) fn anvil() -> Option<Chain> {
    let Some(path) = program() else {
        let missing = "anvil is not there: run `npm ci` in contracts, or set WEIR_ANVIL";
        assert!(
            std::env::var_os("WEIR_ANVIL_REQUIRED").is_none(),
            "{missing}"
        );
        println!("left out: {missing}");
        return None;
    };
    let mut process = Command::new(path)
        .args([
            "--port",
            "0",
            "--chain-id",
            "31337",
            "--mnemonic-seed-unsafe",
            "7",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("anvil can be started");
    let output = process.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(output).lines();
    let url = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(format!("http://{}", line.strip_prefix("Listening on ")?)))
        .expect("anvil says where it listens");
    // It writes more, and must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Some(Chain {
        url,
        process: Some(process),
        embedded: None,
    })
}

/// The program itself: what npm puts into `.bin` is a script that starts it, and would leave it behind when it is killed.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WEIR_ANVIL") {
        return Some(PathBuf::from(named)).filter(|path| path.exists());
    }
    let packages = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts/node_modules/@foundry-rs"
    );
    let packages = std::fs::read_dir(packages).ok()?;
    packages
        .filter_map(|package| Some(package.ok()?.path().join("bin/anvil")))
        .find(|path| path.exists())
}

/// A market on a chain, with a time that the test moves.
pub(crate) struct Town {
    pub(crate) client: Client,
    pub(crate) deployment: Deployment,
}

pub(crate) const EPOCH: u64 = 60;

/// A token, in its smallest unit.
pub(crate) const TOKEN: u128 = 1_000_000_000_000_000_000;

/// What the providers of the tests offer.
pub(crate) fn plan() -> ProviderPlan {
    ProviderPlan {
        metadata: Bytes::from_static(b"a provider"),
        min_price: TOKEN,
        versions: (1, 3),
        capabilities: Vec::new(),
        epochs: 20,
    }
}

pub(crate) fn key(number: u8) -> Keypair {
    Keypair::from_secret(&[number; 32]).expect("it is a secret")
}

pub(crate) fn address(key: &Keypair) -> Address {
    Address::from(*key.address().as_bytes())
}

pub(crate) fn terms() -> Terms {
    Terms {
        gas_cap: U256::from(10).pow(U256::from(19)),
        patience: Duration::from_secs(20),
        ..Terms::default()
    }
}

impl Town {
    pub(crate) async fn found(url: &str) -> Self {
        let client = Client::new(&[url.to_owned()], CHAIN_ID).expect("the URL is good");
        fund(&client, address(&key(1))).await;
        let deployer = sender(&client, &key(1));
        let deployment = deploy_for_development(&client, &deployer, EPOCH as u32).await;
        Self {
            client,
            deployment: deployment.expect("the market can be deployed"),
        }
    }

    /// Somebody with coins and tokens, who lets the market take what it needs.
    pub(crate) async fn person(&self, number: u8) -> Sender {
        let key = key(number);
        let account = address(&key);
        fund(&self.client, account).await;
        let sender = sender(&self.client, &key);
        let much = U256::from(10).pow(U256::from(30));
        let (stake, pay) = (self.deployment.stake_token, self.deployment.pay_token);
        for (name, call) in [
            ("faucet/stake", Call::faucet(stake, account, much)),
            ("faucet/pay", Call::faucet(pay, account, much)),
            (
                "approve/pay",
                self.deployment
                    .approve(pay, self.deployment.market, U256::MAX),
            ),
        ] {
            sender.send(name, &call).await.expect("it is for everybody");
        }
        sender
    }

    /// A deal for three workers, filled by its owner.
    pub(crate) fn order(&self) -> Market::DealInput {
        Market::DealInput {
            payToken: self.deployment.pay_token,
            price: Uint::from(TOKEN),
            cuPerWorker: 1,
            minWorkers: 3,
            targetWorkers: 3,
            maxPerProvider: 1,
            noticeEpochs: 1,
            minTermEpochs: 0,
            minCollateral: Uint::ZERO,
            verReq: 2,
            openMatch: false,
            caps: Vec::new(),
            accessKind: 0,
            accessList: Vec::new(),
            callersRoot: B256::ZERO,
            cid: Bytes::from_static(&[1, 0x55, 0x12, 0x20, 7]),
            moduleSetHash: B256::repeat_byte(9),
        }
    }

    /// What the events up to now tell.
    pub(crate) async fn index(&self) -> Index {
        self.index_without(|_| false).await
    }

    /// The same without some events of the market.
    pub(crate) async fn index_without(&self, keeps_back: fn(&MarketEvents) -> bool) -> Index {
        let cursor = Cursor::before(&self.deployment);
        let mut follower = Follower::new(self.client.clone(), self.deployment.clone(), cursor);
        let mut index = Index::default();
        loop {
            let mut news = follower.next().await.expect("the chain answers");
            if let News::Blocks { events, .. } = &mut news {
                events.retain(|happened| match &happened.event {
                    MarketEvent::Market(event) => !keeps_back(event),
                    _ => true,
                });
            }
            match news {
                News::Nothing => return index,
                news => index.learn(&news),
            }
        }
    }

    /// Lets whole epochs pass.
    pub(crate) async fn pass(&self, epochs: u64) {
        let time = self
            .client
            .market(&self.deployment)
            .time()
            .await
            .expect("it has a time");
        let at = time.next_epoch + (epochs - 1) * EPOCH;
        self.control("evm_setNextBlockTimestamp", (at,)).await;
        self.client.mine(1).await.expect("a block can be made");
    }

    /// Whether each transaction makes a block.
    pub(crate) async fn blocks_by_themselves(&self, they_are: bool) {
        self.control("evm_setAutomine", (they_are,)).await;
    }

    /// What only development chains do.
    pub(crate) async fn control<P: RpcSend + 'static>(
        &self,
        method: &'static str,
        params: P,
    ) -> Value {
        let answer = self
            .client
            .provider()
            .raw_request(method.into(), params)
            .await;
        answer.expect("a development chain can do that")
    }

    pub(crate) async fn epoch(&self) -> u32 {
        let time = self.client.market(&self.deployment).time().await;
        time.expect("it has a time").epoch
    }
}

pub(crate) fn sender(client: &Client, key: &Keypair) -> Sender {
    let journal = Arc::new(MemoryJournal::default());
    Sender::new(client.clone(), key, journal, terms()).expect("the key is good")
}

pub(crate) async fn fund(client: &Client, account: Address) {
    let coins = format!("{:#x}", U256::from(10).pow(U256::from(20)));
    let provider = client.provider();
    let funded: Result<serde_json::Value, _> = provider
        .raw_request("anvil_setBalance".into(), (account, coins))
        .await;
    funded.expect("a development chain gives coins");
}
