//! What a peer is told when it is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_identity::{Keypair, PeerId};
use weir_receipt::ReceiptDomain;

use crate::deals::WorkerId;
use crate::limits::Limits;
use crate::reach::Contact;
use crate::shared::Shared;
use crate::time::Timestamp;

/// Everything a peer is told by its driver once.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// The key that names this peer and signs its journals.
    pub keypair: Arc<Keypair>,
    /// Network id. Particles of other networks are refused.
    pub network: Arc<str>,
    /// All bounds.
    pub limits: Arc<Limits>,
    /// Caches shared by all peers of a process.
    pub shared: Arc<Shared>,
    /// When the store was made, if the key is older than the store (a lost
    /// disk, a restored backup). Particles started before that are refused:
    /// this peer may have signed entries in them that it no longer knows.
    /// `None` if key and store were made together.
    pub store_born: Option<Timestamp>,
    /// A number that differs at every start (random in a node, seeded in a
    /// simulation). Packet numbers count from it, so that answers to packets
    /// of an earlier life are not mistaken for answers to new ones.
    pub token_seed: u64,
    /// Who may manage this peer beside itself.
    pub manager: Option<PeerId>,
    /// Where other peers can dial this one. Empty for a peer that can only
    /// be reached through its relays.
    pub addresses: Vec<Arc<str>>,
    /// Relays of this peer. It connects to them, asks them to hold what
    /// arrives for it, and names them in its reach record when it has no
    /// address of its own.
    pub relays: Vec<Contact>,
    /// Serve as a relay for those who ask.
    pub relay: bool,
    /// Version text that `peer.identify` reports.
    pub version: Arc<str>,
    /// Which calls are answered by whom.
    pub calls: CallPolicy,
    /// Of which particles the owner hears.
    pub reports: Reports,
    /// What it works for, if it is a worker: a peer of its own, with its own
    /// key, store and services, that has its host as its relay.
    pub employment: Option<Employment>,
}

/// What a worker works for.
#[derive(Debug, Clone)]
pub struct Employment {
    /// The peer on whose machine it lives.
    pub host: PeerId,
    /// Number of the deal.
    pub deal: u64,
    /// Its name on the chain.
    pub worker: WorkerId,
    /// The market in which its receipts are valid.
    pub market: ReceiptDomain,
}

impl PeerConfig {
    /// A peer with the given key and default limits, caches of its own, no
    /// addresses and no relays.
    pub fn new(keypair: Arc<Keypair>) -> Self {
        let limits = Arc::new(Limits::default());
        PeerConfig {
            keypair,
            network: Arc::from("local"),
            shared: Arc::new(Shared::new(&limits)),
            limits,
            store_born: None,
            token_seed: 0,
            manager: None,
            addresses: Vec::new(),
            relays: Vec::new(),
            relay: false,
            version: Arc::from(env!("CARGO_PKG_VERSION")),
            calls: CallPolicy::default(),
            reports: Reports::Own,
            employment: None,
        }
    }
}

/// Which calls are answered by whom.
///
/// The order is: `overridden`, host functions, the client functions given at
/// submit, registered services, and then, if `unknown_to_driver`, the driver.
#[derive(Debug, Clone, Default)]
pub struct CallPolicy {
    /// Names of the host services that answer (`op`, `peer`, …). `None`: all.
    pub natives: Option<BTreeSet<&'static str>>,
    /// (service, function) pairs that go to the driver before anything else.
    pub overridden: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Calls that nobody here knows go to the driver instead of failing with
    /// `NOT_FOUND`.
    pub unknown_to_driver: bool,
}

/// Of which particles the owner hears by [`crate::Effect::Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// Those that were submitted here.
    Own,
    /// All.
    All,
}
