//! One participant of a Weir network as a state machine without I/O, clock or
//! randomness.
//!
//! A [`Peer`] is told what happened ([`Peer::handle`]) and when, and says what
//! is to be done ([`Peer::drain`]). `weir-node` does it with sockets, a store
//! and Wasm; `weir-sim` does it for thousands of peers in virtual time. Both
//! run the same code, so a distributed bug found under a seed is a bug found.
//!
//! ```
//! use std::sync::Arc;
//! use weir_identity::Keypair;
//! use weir_peer::{Effect, Peer, PeerConfig, Submit, Timestamp};
//!
//! let key = Arc::new(Keypair::from_secret(&[7; 32]).unwrap());
//! let now = Timestamp(1_700_000_000_000);
//! let mut peer = Peer::new(PeerConfig::new(key), now).unwrap();
//! let particle = peer
//!     .submit(
//!         Submit {
//!             script: Arc::from(r#"(call %init_peer_id% ("math" "add") [1 2] sum)"#),
//!             nonce: [0; 16],
//!             ttl_ms: 10_000,
//!             timestamp: None,
//!             client: None,
//!             keep: false,
//!         },
//!         now,
//!     )
//!     .unwrap();
//! let effects = peer.drain();
//! assert!(matches!(effects[0], Effect::Persist(_)));
//! assert!(peer.log(&particle).is_some());
//! ```
//!
//! # What a driver does
//! 1. Makes the peer with [`Peer::restore`] from its store (or [`Peer::new`]).
//! 2. Handles events, one or several, then drains, and performs the effects in
//!    order. A [`Effect::Persist`] is durable before anything after it is done.
//! 3. Gives a [`Event::Timer`] at the moment that [`Effect::SetTimer`] names.
//!
//! # Rooms
//! | Module | Is |
//! |---|---|
//! | [`wire`] | frames of `/weir/particle/1` |
//! | `network` | neighbours, routes, relaying, packets until they are answered |
//! | `intake` | checks from the envelope to the particle engine |
//! | `lifecycle`, `particle` | particles: begin, eviction, replay, end |
//! | `calls`, [`native`] | calls: host functions, services, deadlines, intents |
//! | [`deals`] | what the market wants of this peer: beside the peer, not inside |
//! | [`store`] | keys and values in the driver's store |
//! | [`Limits`] | every bound by name |
//!
//! # What it never does
//! It never waits, spawns, reads a clock or draws a number. It never panics on
//! input. It never drops something in silence: what is refused is answered, and
//! what fails is reported or counted in [`Metrics`].

mod calls;
mod config;
pub mod deals;
mod effect;
mod engine;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod intake;
mod lifecycle;
mod limits;
mod metrics;
pub mod native;
mod network;
mod particle;
mod peer;
mod queue;
mod reach;
mod receipts;
mod services;
mod shared;
pub mod store;
#[cfg(test)]
mod testing;
mod time;
mod timers;
mod turns;
pub mod wire;

pub use config::{CallPolicy, Employment, PeerConfig, Reports};
pub use effect::{
    Batch, Call, CallContext, CallId, Effect, ParticleEvent, ParticleId, ScriptError, Tetraplet,
    Waiting, Write,
};
pub use error::{Refusal, RestoreError, ServiceError, SubmitError};
pub use event::{CallOutcome, ClientFunctions, Event, StoredRecord, Submit};
pub use limits::Limits;
pub use metrics::Metrics;
pub use peer::Peer;
pub use reach::{CONTEXT as REACH_CONTEXT, Contact, Reach, ReachError};
pub use receipts::Execution;
pub use services::{Service, ServiceChange, ServiceTable};
pub use shared::Shared;
pub use time::Timestamp;
