//! A development chain in process: revm with blocks, receipts, logs, fees, control of time, persistence, and JSON-RPC
//! over HTTP and WebSocket at one port, for `alloy`, `cast`, `ethers`, `viem` and wallets.
//!
//! ```no_run
//! use weir_devchain::{Config, DevChain};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let chain = DevChain::open(Config {
//!     path: Some("chain".into()),
//!     ..Config::default()
//! })?;
//! let server = chain.serve(([127, 0, 0, 1], 8545).into()).await?;
//! println!("{}", server.url());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Chain`] is the chain itself, without threads, sockets and clock. [`DevChain`] adds the clock and a thread that
//! makes the blocks, [`Server`] the socket.
//!
//! The rules are those of Cancun, without blobs: transactions of types 0, 1 and 2. A block is one write to the store.
//! What was answered survives the end of the process at any moment, also by `kill -9`, but not a loss of power. All
//! blocks, receipts and logs are kept; states are kept as what undoes each block, for
//! [as many blocks](Limits::state_history_blocks) as the limits say. The newest state is held in memory.
//!
//! What differs from a chain with peers: there are no forks, so the newest block is final. Blocks of one second have the
//! same time. The `stateRoot` of a header is a hash over what the blocks changed, not the root of a tree, so there is no
//! `eth_getProof`. A transaction whose fee is below the base fee is refused instead of waiting for blocks that nobody
//! makes. `evm_revert` goes back in the way of a reorganisation: filters and subscriptions deliver the logs of the
//! blocks that are gone as removed.

mod block;
mod chain;
mod changes;
mod config;
mod error;
mod event;
mod execute;
mod filters;
mod overlay;
mod pool;
mod sealer;
mod server;
mod state;
mod store;
mod transaction;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

pub use block::{Block, Place};
pub use chain::{Chain, View};
pub use changes::Account;
pub use config::{Config, Limits, Mining};
pub use error::{Error, Refusal, StoreError};
pub use event::Event;
pub use filters::{Filters, Happened, Watched};
pub use pool::{Pool, Waiting};
pub use server::{ServeError, Server};
pub use transaction::Signed;

use sealer::{Order, Shared};

/// A server that starts. It is compiled here, and not by everyone who waits for it.
pub type Serving = Pin<Box<dyn Future<Output = Result<Server, ServeError>> + Send>>;

/// A chain with a clock and a thread that makes its blocks.
#[derive(Debug)]
pub struct DevChain {
    shared: Arc<Shared>,
    sealer: Option<JoinHandle<()>>,
}

impl DevChain {
    /// Opens the chain of the configuration, or makes one.
    ///
    /// Reads the whole file to see that it is sound.
    pub fn open(config: Config) -> Result<Self, StoreError> {
        let (orders, arriving) = mpsc::sync_channel(config.limits.arriving);
        let shared = Arc::new(Shared::open(config, orders)?);
        let path = shared.path();
        let sealing = shared.clone();
        let sealer = std::thread::Builder::new()
            .name("devchain".to_owned())
            .spawn(move || sealer::run(&sealing, &arriving))
            .map_err(|error| StoreError::Open {
                path,
                what: format!("no thread can be started: {error}"),
            })?;
        Ok(DevChain {
            shared,
            sealer: Some(sealer),
        })
    }

    /// Answers requests over HTTP and WebSocket at an address; port 0 is a free one. Needs a tokio runtime.
    pub fn serve(&self, address: SocketAddr) -> Serving {
        Box::pin(Server::start(self.shared.clone(), address))
    }

    /// Looks at the chain, or asks it for something, at the time of the clock. Others wait meanwhile.
    pub fn with<T>(&self, ask: impl FnOnce(&mut Chain, u64) -> T) -> T {
        self.shared.change(ask)
    }
}

impl Drop for DevChain {
    fn drop(&mut self) {
        self.shared.order(Order::Stop);
        if let Some(sealer) = self.sealer.take() {
            // It has nothing to say; what it was doing is finished.
            let _ = sealer.join();
        }
    }
}
