//! The chain inside `weir up`, with a market on it and a provider for each peer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use futures::future::{join_all, try_join_all};
use weir_agent::{Agent, AgentConfig, AgentHandle};
use weir_chain::{
    Call, ChainError, Client, MemoryJournal, ProviderPlan, Sender, Terms, deploy_for_development,
    enter_market,
};
use weir_devchain::{Config, DevChain, Server};
use weir_identity::Keypair;
use weir_node::LocalPeer;
use weir_peer::deals::{Policy, Timing};

use super::{Account, Deals, MarketFile, failed};
use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;
use crate::remedy;

/// The number of the chain, the usual one of development chains.
const CHAIN_ID: u64 = 31_337;

/// The usual port of a chain's JSON-RPC.
const PORT: u16 = 8545;

/// Length of an epoch, in seconds.
const EPOCH_SECONDS: u32 = 60;

/// Compute units of each peer.
const UNITS: u16 = 32;

/// After so long without a transaction the chain has a block nevertheless.
const IDLE: Duration = Duration::from_secs(12);

/// For how many epochs they are promised: 45 days.
const EPOCHS: u16 = u16::MAX;

/// The least price of a unit for an epoch: a thousandth of a token.
const PRICE: u128 = 1_000_000_000_000_000;

/// How many places in open deals each peer claims at once.
const CLAIMS: usize = 4;

/// How often a node asks its chain, which is in the same process.
const POLL: Duration = Duration::from_millis(50);

/// How long a node waits for a block of a package.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the chain is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In this process, at the usual port, or another one if that is taken.
    Usual,
    /// In this process, at this port.
    Port(u16),
    /// In another one, with its JSON-RPC at this URL.
    Elsewhere(String),
}

/// A chain with a market on it.
pub(crate) struct LocalMarket {
    /// What runs in this process, if the chain does.
    inside: Option<Inside>,
    client: Client,
    file: MarketFile,
    agents: Vec<AgentHandle>,
}

struct Inside {
    server: Server,
    /// Dropped last: requests may be under way.
    _chain: DevChain,
}

impl LocalMarket {
    /// Starts the chain, puts a market on it unless there is one, and lets a provider enter for each peer.
    pub(crate) async fn start(
        project: &Project,
        place: Place,
        peers: &[LocalPeer],
    ) -> Result<Self, Failure> {
        let accounts = accounts(peers)?;
        let (url, inside) = match place {
            Place::Elsewhere(url) => (url, None),
            place => {
                let chain = open(project, &accounts)?;
                let server = serve(&chain, &place).await?;
                let url = server.url();
                let inside = Inside {
                    server,
                    _chain: chain,
                };
                (url, Some(inside))
            }
        };
        let client = Client::new(std::slice::from_ref(&url), CHAIN_ID)
            .map_err(|error| failed("the chain cannot be asked", &error))?;
        for (account, coins) in accounts {
            // Whoever was not there when the chain began has no coins yet.
            give_coins(&client, account, coins)
                .await
                .map_err(|error| failed("the chain gives no coins", &error))?;
        }
        let file = found(project, &url, &client).await?;
        file.write(project)?;
        let entering = peers
            .iter()
            .map(|peer| enter(&client, &file, &peer.name, &peer.keypair));
        try_join_all(entering).await?;
        begin(&client, &file, peers).await?;
        Ok(Self {
            inside,
            client,
            file,
            agents: Vec::new(),
        })
    }

    /// Lets the peers follow the market, and take deals.
    pub(crate) async fn follow(mut self, peers: &[LocalPeer]) -> Result<Self, Failure> {
        let agents = peers
            .iter()
            .map(|peer| follow(&self.client, &self.file, peer));
        self.agents = try_join_all(agents).await?;
        Ok(self)
    }

    /// Where it is.
    pub(crate) fn file(&self) -> &MarketFile {
        &self.file
    }

    /// Ends it. What happened on it stays.
    pub(crate) async fn stop(self) {
        join_all(self.agents.iter().map(AgentHandle::shutdown)).await;
        if let Some(inside) = self.inside {
            inside.server.stop().await;
        }
    }
}

/// Those who have coins: the market, the customer, and a provider and a peer for each node.
fn accounts(peers: &[LocalPeer]) -> Result<Vec<(Address, U256)>, Failure> {
    let providers = peers
        .iter()
        .map(|peer| Account::Provider(peer.name.clone()));
    let named = [Account::Market, Account::Customer]
        .into_iter()
        .chain(providers);
    let named: Vec<Address> = named
        .map(|account| account.address())
        .collect::<Result<_, _>>()?;
    let peers = peers.iter().map(|peer| address(&peer.keypair));
    let all = named.into_iter().chain(peers);
    Ok(all.map(|account| (account, Account::coins())).collect())
}

fn address(key: &Keypair) -> Address {
    Address::from(key.address().to_bytes())
}

/// Opens the chain of the project, or makes it.
fn open(project: &Project, accounts: &[(Address, U256)]) -> Result<DevChain, Failure> {
    let chain = DevChain::open(Config {
        path: Some(project.state().join("chain.redb")),
        chain_id: CHAIN_ID,
        accounts: accounts.to_vec(),
        // Peers see that an epoch has ended when there is a block after it.
        idle: Some(IDLE),
        ..Config::default()
    });
    chain.map_err(|error| {
        Failure::new(
            Code::NetworkFailed,
            "the chain of the network did not start",
        )
        .fix(remedy::of_chain(&error))
        .cause(error)
    })
}

async fn give_coins(client: &Client, account: Address, coins: U256) -> Result<(), ChainError> {
    if client.balance(account).await?.is_zero() {
        client.set_coins(account, coins).await?;
    }
    Ok(())
}

async fn serve(chain: &DevChain, place: &Place) -> Result<Server, Failure> {
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let served = match place {
        Place::Port(port) => chain.serve(at(*port)).await,
        Place::Usual | Place::Elsewhere(_) => match chain.serve(at(PORT)).await {
            Ok(server) => Ok(server),
            Err(_) => chain.serve(at(0)).await,
        },
    };
    served.map_err(|error| {
        Failure::new(
            Code::NetworkFailed,
            "the chain of the network cannot be reached",
        )
        .cause(error)
        .fix("choose another port with --chain-port")
    })
}

/// The market that is on the chain already, or a new one.
async fn found(project: &Project, url: &str, client: &Client) -> Result<MarketFile, Failure> {
    let what = "the market cannot be put on the chain";
    if let Some(file) = MarketFile::find(project)? {
        let code = client.has_code(file.deployment.market).await;
        if code.map_err(|error| failed(what, &error))? {
            return Ok(MarketFile::new(url.to_owned(), file.deployment));
        }
    }
    let sender = sender(client, &Account::Market.key()?)?;
    let deployment = deploy_for_development(client, &sender, EPOCH_SECONDS).await;
    let deployment = deployment.map_err(|error| failed(what, &error))?;
    // It may be where one of another chain was.
    Deals::load(project)?.clear(deployment.market, project)?;
    Ok(MarketFile::new(url.to_owned(), deployment))
}

/// Lets the provider of a peer enter the market, with collateral from the faucet.
async fn enter(
    client: &Client,
    file: &MarketFile,
    name: &str,
    node: &Keypair,
) -> Result<(), Failure> {
    let account = Account::Provider(name.to_owned());
    let sender = sender(client, &account.key()?)?;
    let plan = ProviderPlan {
        metadata: Bytes::from(account.to_string().into_bytes()),
        min_price: PRICE,
        versions: (1, 1),
        capabilities: Vec::new(),
        epochs: EPOCHS,
    };
    let entering = async {
        let market = client.market(&file.deployment);
        let collateral = market.collateral(u64::from(UNITS)).await?;
        let (token, address) = (file.deployment.stake_token, sender.account());
        if !market.is_provider(address).await? && market.tokens(token, address).await? < collateral
        {
            sender
                .send("faucet", &Call::faucet(token, address, collateral))
                .await?;
        }
        enter_market((client, &file.deployment), &sender, &plan, &[(node, UNITS)]).await
    };
    let entered: Result<_, ChainError> = entering.await;
    entered.map_err(|error| failed(format!("{account} cannot enter the market"), &error))?;
    Ok(())
}

/// Lets the commitments begin that were made just now, so that peers can be matched: the chain goes to the next epoch.
async fn begin(client: &Client, file: &MarketFile, peers: &[LocalPeer]) -> Result<(), Failure> {
    let begun = async {
        let market = client.market(&file.deployment);
        let ids: Vec<Address> = peers.iter().map(|peer| address(&peer.keypair)).collect();
        let time = market.time().await?;
        let waits = market.peers(&ids).await?;
        if waits
            .iter()
            .any(|peer| peer.commitment.startEpoch > time.epoch)
        {
            let left = time.next_epoch.saturating_sub(time.seconds);
            client.warp(Duration::from_secs(left)).await?;
        }
        Ok(())
    };
    let begun: Result<(), ChainError> = begun.await;
    begun.map_err(|error| failed("the market does not begin", &error))
}

/// Lets a peer follow the market: it takes deals that pay what its offer asks.
async fn follow(
    client: &Client,
    file: &MarketFile,
    peer: &LocalPeer,
) -> Result<AgentHandle, Failure> {
    let token = weir_identity::Address::from(file.deployment.pay_token.into_array());
    let config = AgentConfig {
        host: peer.node.clone(),
        folder: peer.node.config().folder.join("market"),
        client: client.clone(),
        deployment: file.deployment.clone(),
        provider: Some(Arc::new(Account::Provider(peer.name.clone()).key()?)),
        terms: terms(),
        policy: Policy {
            prices: BTreeMap::from([(token, PRICE)]),
            claims: CLAIMS,
            ..Policy::default()
        },
        timing: Timing {
            // An epoch is a minute here, and a match has to be taken up within few.
            decline_ms: 10_000,
            repeat_ms: 10_000,
            ..Timing::default()
        },
        // Whoever deploys brings its package.
        sources: Vec::new(),
        patience: PATIENCE,
        poll: POLL,
    };
    Agent::start(config).await.map_err(|error| {
        let what = format!("peer {} cannot follow the market", peer.name);
        Failure::new(Code::NetworkFailed, what)
            .fix(remedy::of_agent(&error))
            .cause(error)
    })
}

/// What a transaction on the development chain may cost: its coins are worth nothing.
fn terms() -> Terms {
    Terms {
        gas_cap: U256::MAX,
        patience: Duration::from_secs(20),
        ..Terms::default()
    }
}

/// A sender for an account of the development chain. What it sent and did not see is forgotten with the process; the
/// chain tells what is there.
pub(crate) fn sender(client: &Client, key: &Keypair) -> Result<Sender, Failure> {
    let journal = Arc::new(MemoryJournal::default());
    Sender::new(client.clone(), key, journal, terms())
        .map_err(|error| failed("nothing can be sent to the chain", &error))
}
