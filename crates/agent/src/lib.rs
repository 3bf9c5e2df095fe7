//! The market's side of a node: it follows the chain, keeps the workers of deals, and sends what they have to say there.
//!
//! What is to be done is decided by [`weir_peer::deals`], without input or output; this crate does it. A worker is a node
//! of its own in this process, with a key, a folder and a store of its own, and its host as its relay: whatever a peer
//! can do, a worker can, and nothing of one reaches another.
//!
//! ```text
//! FOLDER/market.json           how far the chain was followed, and what its events told
//! FOLDER/transactions/         what was sent, so that nothing is sent twice
//! FOLDER/packages/             blocks of packages
//! FOLDER/workers/NAME-LIFE/    a worker: store, components, blobs
//! ```
//! The records of the reconciler are in the store of the host.
//!
//! # Rooms
//! | Module | Is |
//! |---|---|
//! | `agent` | the task that owns the reconciler and does what it says |
//! | `watch` | follows the chain and tells what it says of this peer |
//! | `view` | from what the client reads to what the reconciler takes |
//! | `worker` | one worker on this machine: its jobs one after the other, its node |
//! | `services` | makes the services of a node those of a package |
//! | `packages` | gets packages, checks them, forgets them |
//! | `due` | which commitments to receipts the market waits for |
//! | `commitments` | gathers what workers signed in an epoch and sends the root |
//! | `receipts` | adds up the receipts of one worker, forgets old ones |
//! | `peers` | gets blocks from other hosts of a deal, and from whoever brings them |
//! | `exchange` | what others may have of the packages here, and what they may bring |
//! | `transactions` | sees to it that a decision gets to the chain |
//!
//! # Invariants
//! - Nothing is done before the record that calls for it is durable.
//! - A worker answers no call before all its services are there.
//! - A transaction has one key for ever, and is sent once under it. A commitment that is over is forgotten instead: the
//!   contract takes one only, and says whether it has it.
//! - No receipt is added to an epoch once its receipts were read: a worker's epoch goes up for good before that.
//! - Nobody can make this keep a block that it does not ask for.
//! - What the chain or a package says is checked before it is used, and nothing that it says makes this panic.

mod agent;
mod commitments;
mod config;
mod due;
mod error;
mod exchange;
mod handle;
mod packages;
mod peers;
mod receipts;
mod services;
mod transactions;
mod view;
mod watch;
mod worker;

pub use agent::{Agent, Starting};
pub use config::AgentConfig;
pub use error::AgentError;
pub use handle::{AgentHandle, Standing};
