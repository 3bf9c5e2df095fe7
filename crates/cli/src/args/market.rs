//! Options of the commands about markets.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Market {
    /// The offers, with price, token and protocol versions
    Offers,
    /// Who is in the market
    Providers,
    /// What a unit costs for an epoch, and how many units are free
    Prices,
    /// Which peers would match a deal, and why others would not
    #[command(
        after_help = "The rules are those of the market's contract, in its order. With --deal it is asked about a deal that is\n\
            there; without, the terms are compared with offers and commitments, and peers are taken in the order of\n\
            the list until the deal has its workers."
    )]
    Simulate(Simulate),
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// A deal that is there, by its number
    #[arg(long, value_name = "N", conflicts_with_all = ["price", "units", "workers", "capability", "token", "term", "per_provider", "collateral", "protocol"])]
    pub(crate) deal: Option<u64>,
    /// What a worker is paid for an epoch, in whole tokens
    #[arg(long, required_unless_present = "deal")]
    pub(crate) price: Option<String>,
    /// Compute units of a worker
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) units: u8,
    /// How many workers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) workers: u16,
    /// What every peer must have: 0x and 64 hexadecimal digits; can be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) capability: Vec<String>,
    /// What is paid in: pay, or the address of a token
    #[arg(long, default_value = "pay")]
    pub(crate) token: String,
    /// For how many epochs a peer must be committed
    #[arg(long, value_name = "EPOCHS", default_value_t = 1)]
    pub(crate) term: u16,
    /// The most workers of one provider
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) per_provider: u16,
    /// The least collateral of a worker, in whole stake tokens
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    pub(crate) collateral: String,
    /// The version of the protocol
    #[arg(long, value_name = "VERSION", default_value_t = 1)]
    pub(crate) protocol: u16,
}

/// Whose part in the market.
#[derive(Args, Debug)]
pub(crate) struct Who {
    /// The account: an address, or a name of the local network (provider-a); that of the context by default
    #[arg(long = "as", value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Provider {
    /// Write a provider.toml to begin with
    Init(Init),
    /// What differs between provider.toml and the chain, and what it costs
    Plan(Apply),
    /// Bring the chain to what provider.toml says: registration, offers, peers, commitments, collateral
    #[command(
        after_help = "Each step is left out if the chain shows it done, so the same command goes on after an interruption. Peers and\n\
            offers that the file does not name stay as they are; weir provider exit takes them out."
    )]
    Apply {
        #[command(flatten)]
        plan: Apply,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a node agree to be a provider's, where the key of the node is
    Consent(Asked),
    /// Offers, peers, commitments, workers, and what they earned
    Status(Who),
    /// The offers of the provider
    Offers(Who),
    /// What its peers have promised, with collateral and end
    Commitments(Who),
    /// Claim what workers earned, and withdraw it
    Claim(Who),
    /// Leave the market, and take collateral and pay home
    #[command(
        after_help = "Does what can be done now, and says for the rest which epoch it waits for. The same command goes on then."
    )]
    Exit(Exit),
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Where
    #[arg(long, value_name = "FILE", default_value = "provider.toml")]
    pub(crate) file: PathBuf,
    /// Who the provider is, for everybody to read
    #[arg(long, default_value = "a provider")]
    pub(crate) name: String,
    /// The key file of a peer; can be repeated
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// Compute units of each peer
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) units: u16,
    /// The least price of a unit for an epoch, in whole tokens; weir market prices shows those of others
    #[arg(long, default_value = "0.001")]
    pub(crate) price: String,
    /// For how many epochs each peer is promised
    #[arg(long, default_value_t = 365)]
    pub(crate) epochs: u16,
}

#[derive(Args, Debug)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) who: Who,
    /// What the provider wants to have
    #[arg(long, value_name = "FILE", default_value = "provider.toml")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Asked {
    /// The account of the provider
    #[arg(long = "for", value_name = "ACCOUNT")]
    pub(crate) provider: String,
    /// The key file of the node
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Exit {
    #[command(flatten)]
    pub(crate) who: Who,
    /// Only this peer, by its address; can be repeated. The others stay
    #[arg(long = "peer", value_name = "ADDRESS")]
    pub(crate) peers: Vec<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Wait until all is done, which may take long
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stake {
    /// What the account has as collateral and as credit
    #[command(visible_alias = "list")]
    Ls(Who),
    /// Back peers with collateral, if their commitments name this account or anyone
    Add(AddStake),
    /// Take home the collateral that is credited
    Withdraw(Who),
    /// What the account has of the fees of deals on peers that it backs
    Rewards {
        #[command(flatten)]
        who: Who,
        /// Claim what their workers earned, and take home what is due
        #[arg(long)]
        claim: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AddStake {
    /// The peers, by their addresses
    #[arg(value_name = "PEER", required = true)]
    pub(crate) peers: Vec<String>,
    #[command(flatten)]
    pub(crate) who: Who,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Context {
    /// The contexts, and which one is used here
    #[command(visible_alias = "list")]
    Ls,
    /// Where the market of a context is, whose key acts in it, and what it may spend
    Show {
        /// The context; the one that is used here by default
        name: Option<String>,
    },
    /// Use a context in this folder
    Use {
        /// `local` is the network of the folder
        name: String,
    },
    /// Add a context: a market on any EVM chain
    Add(AddContext),
    /// Forget a context; its key file and its transactions stay
    Rm {
        /// The context
        name: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AddContext {
    /// Its name
    pub(crate) name: String,
    /// An endpoint of the chain (JSON-RPC over HTTP); can be repeated, the preferred one first
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) rpc: Vec<String>,
    /// Where the contracts are, as JSON: a deployment, or the market.json of a local network
    #[arg(long, value_name = "FILE")]
    pub(crate) market: PathBuf,
    /// The key file of the account that acts
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A peer of the network, as a multiaddress that ends in /p2p/ID; can be repeated, the preferred one first
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) peer: Vec<String>,
    /// The most coins for the gas of one transaction; 0.1 without it
    #[arg(long, value_name = "COINS")]
    pub(crate) gas_cap: Option<String>,
    /// The most of a token in one transaction, as stake=100, pay=20 or 0x…=5; can be repeated
    #[arg(long, value_name = "TOKEN=AMOUNT")]
    pub(crate) token_cap: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Wallet {
    /// What the account has
    Balance(Who),
    /// Send tokens or coins
    Send(Send),
    /// Make a key file
    New {
        /// Where
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a key file of a secret key, which is read from standard input
    Import {
        /// Where
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Send {
    /// An address, or a name of the local network (customer, provider-a)
    pub(crate) to: String,
    /// How much, in whole coins or tokens
    pub(crate) amount: String,
    /// Of what: coin, stake, pay, or the address of a token
    #[arg(long, default_value = "pay")]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) who: Who,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
