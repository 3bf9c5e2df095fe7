//! The peer made real: `weir-peer` with sockets, a store on disk, running
//! components, metrics, and the local network of `weir up`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//! use weir_node::{Node, NodeConfig, Request, keyfile};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = std::path::PathBuf::from("state");
//! let key = keyfile::open_or_create(&folder.join("key.json"), None)?;
//! let mut config = NodeConfig::new(folder, Arc::new(key.keypair)).listening_on_loopback();
//! config.keypair_is_new = key.is_new;
//! let node = Node::start(config).await?;
//!
//! let script = r#"(call %init_peer_id% ("callbackSrv" "done") ["hello"])"#;
//! let mut particle = node.submit(Request::new(script, Duration::from_secs(10))).await?;
//! println!("{:?}", particle.next().await?.event);
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Node`] starts; [`NodeHandle`] is how the rest of a program talks to it.
//! - [`transport`] carries frames between peers, over libp2p.
//! - [`store`] keeps what a peer persists.
//! - [`components`] and the executor keep and run components.
//! - [`LocalNetwork`] is several nodes in one process.
//!
//! # Invariants
//! - What a particle means, who gets which message, and what is refused, is
//!   decided in `weir-peer`; nothing here looks into a frame or a record.
//! - Nothing is done before what stands in front of it is durable.
//! - Every queue has a limit with a name; where one is full, the error says so.
//! - Keys and other secrets appear in no log.

mod ask;
mod blocks;
mod clock;
pub mod components;
mod config;
mod content;
mod driver;
mod effects;
mod error;
mod evidence;
mod execution;
mod executor;
#[doc(hidden)]
pub mod fuzzing;
mod handle;
pub mod keyfile;
mod local;
mod metrics;
mod news;
mod node;
mod proofs;
pub mod store;
pub mod transport;

pub use ask::AskError;
pub use blocks::{BlockExchange, BlockRefused};
pub use config::{DriverLimits, NodeConfig};
pub use effects::{
    Argument, BlobLimits, EffectsConfig, EffectsConfigError, HttpLimits, LoneEffects, Parameter,
    Permit, Program, ProgramLimits, Whom,
};
pub use error::{DeployError, ExportFailure, RecordsFailure, StartError, Stopped, SubmitFailure};
pub use evidence::EvidenceConfig;
pub use executor::WASM;
pub use handle::{ConnectError, Deployed, Deployment, NodeHandle, Request};
pub use local::{LocalNetwork, LocalNetworkConfig, LocalPeer};
pub use news::{News, NewsEnd, Submitted};
pub use node::{Node, Starting};
