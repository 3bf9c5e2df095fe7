//! What a chain is made of, and its bounds.

use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::{Address, U256};

/// When blocks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// As soon as there is a transaction that can be executed. Transactions that arrive together share a block.
    Instant,
    /// At each of these intervals, also without transactions.
    Every(Duration),
    /// Only by `evm_mine`.
    OnDemand,
}

/// How a chain is opened.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that holds the chain; `None` keeps it in memory. A file that exists must hold a chain of `chain_id`,
    /// and `accounts` and `genesis_timestamp` are not looked at then.
    pub path: Option<PathBuf>,
    /// The number that transactions are signed for.
    pub chain_id: u64,
    /// Accounts that have money at block 0, in wei. `eth_accounts` answers with them.
    pub accounts: Vec<(Address, U256)>,
    /// When blocks are made.
    pub mining: Mining,
    /// With [`Mining::Instant`], after so long without one a block is made without transactions, so that the time of the
    /// chain goes on; `None` for never.
    pub idle: Option<Duration>,
    /// The time of block 0, in seconds since 1970; `None` for that of the clock.
    pub genesis_timestamp: Option<u64>,
    /// The base fee of block 0, in wei for a unit of gas.
    pub base_fee: u64,
    /// Gas that a block can use.
    pub gas_limit: u64,
    /// Names by which clients may reach the server, besides those of this machine: `name:port`, or `name:*`. Requests
    /// to other names are refused, so that no page of a stranger gets here through a name that leads here.
    pub hosts: Vec<String>,
    /// Origins of pages whose scripts may use the server, besides those of this machine and extensions of the browser:
    /// `https://wallet.example`.
    pub origins: Vec<String>,
    /// Bounds on what others ask for.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: None,
            chain_id: 31_337,
            accounts: Vec::new(),
            mining: Mining::Instant,
            idle: None,
            genesis_timestamp: None,
            base_fee: 1_000_000_000,
            gas_limit: 30_000_000,
            hosts: Vec::new(),
            origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what others ask for. An error that comes of one names it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Blocks whose state can be asked for and reverted to, counted from the newest. All blocks, receipts and logs
    /// are kept.
    pub state_history_blocks: u64,
    /// Transactions that wait.
    pub pool_transactions: usize,
    /// Transactions of one sender that wait.
    pub sender_transactions: usize,
    /// Bytes of a transaction, as it is sent.
    pub transaction_bytes: usize,
    /// Blocks that one request for logs looks through.
    pub log_blocks: u64,
    /// Logs that one answer holds.
    pub log_results: usize,
    /// Filters that are installed at one time.
    pub filters: usize,
    /// Changes that a filter holds until somebody asks for them. A filter with more is removed.
    pub filter_changes: usize,
    /// Seconds after which a filter is removed that nobody asked.
    pub filter_idle_seconds: u64,
    /// Snapshots that are held at one time.
    pub snapshots: usize,
    /// Blocks that one request mines.
    pub mine_blocks: u64,
    /// Bytes of a request over HTTP or WebSocket, a batch counting as one.
    pub request_bytes: u32,
    /// Bytes of an answer.
    pub response_bytes: u32,
    /// Requests in a batch.
    pub batch: u32,
    /// Connections at one time.
    pub connections: u32,
    /// Subscriptions of one connection.
    pub subscriptions: u32,
    /// Transactions that are on their way into the pool.
    pub arriving: usize,
    /// Events that a subscription may be behind. One that is further behind ends, with an error.
    pub subscription_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            state_history_blocks: 8_192,
            pool_transactions: 16_384,
            sender_transactions: 4_096,
            transaction_bytes: 128 << 10,
            log_blocks: 100_000,
            log_results: 20_000,
            filters: 1_024,
            filter_changes: 20_000,
            filter_idle_seconds: 300,
            snapshots: 1_024,
            mine_blocks: 10_000,
            request_bytes: 5 << 20,
            response_bytes: 64 << 20,
            batch: 1_000,
            connections: 256,
            subscriptions: 64,
            arriving: 8_192,
            subscription_events: 4_096,
        }
    }
}
