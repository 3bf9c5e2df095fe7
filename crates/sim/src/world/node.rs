//! One place of the network.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::PeerId;
use weir_peer::{CallPolicy, Peer, PeerConfig, Reports, Timestamp};

use super::NodeId;
use crate::disk::Disk;

/// What a new peer is like.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, from which its key follows.
    pub name: Arc<str>,
    /// Whether others can dial it.
    pub address: bool,
    /// Whether it relays for others.
    pub relay: bool,
    /// Its own relays.
    pub relays: Vec<NodeId>,
    /// Who answers its calls.
    pub calls: CallPolicy,
    /// Of which particles it reports.
    pub reports: Reports,
}

impl Spec {
    /// A peer that can be dialled, relays for nobody, gives every call that
    /// it does not know to the driver, and reports of all particles.
    pub fn new(name: &str) -> Self {
        Spec {
            name: Arc::from(name),
            address: true,
            relay: false,
            relays: Vec::new(),
            calls: CallPolicy {
                unknown_to_driver: true,
                ..CallPolicy::default()
            },
            reports: Reports::All,
        }
    }

    /// A peer that cannot be dialled and has these relays.
    pub fn client(name: &str, relays: &[NodeId]) -> Self {
        Spec {
            address: false,
            relays: relays.to_vec(),
            ..Spec::new(name)
        }
    }

    /// A peer that relays for others.
    pub fn relay(name: &str) -> Self {
        Spec {
            relay: true,
            ..Spec::new(name)
        }
    }
}

/// Who lives at a node.
#[derive(Debug)]
pub(super) enum Occupant {
    Peer(Box<Peer>),
    /// Received frames and their senders.
    Puppet(Vec<(PeerId, Bytes)>),
    /// A crashed peer.
    Nobody,
}

/// The end of a connection, as this side believes it to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) connection: u64,
    /// When the last frame of this direction arrives at the other side.
    pub(super) last_arrival: Timestamp,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    pub(super) config: PeerConfig,
    pub(super) occupant: Occupant,
    pub(super) disk: Disk,
    pub(super) links: BTreeMap<NodeId, Link>,
    /// When the timer fires that counts.
    pub(super) timer: Timestamp,
    /// What belongs to an earlier life is ignored.
    pub(super) life: u32,
    pub(super) performed: u64,
    pub(super) crashes: u32,
    /// Effects until the crash that was ordered.
    pub(super) crash_in: Option<u64>,
}

impl Node {
    pub(super) fn new(name: Arc<str>, config: PeerConfig) -> Self {
        Node {
            name,
            config,
            occupant: Occupant::Nobody,
            disk: Disk::default(),
            links: BTreeMap::new(),
            timer: Timestamp::NEVER,
            life: 0,
            performed: 0,
            crashes: 0,
            crash_in: None,
        }
    }

    pub(super) fn peer(&self) -> Option<&Peer> {
        match &self.occupant {
            Occupant::Peer(peer) => Some(peer),
            _ => None,
        }
    }

    pub(super) fn peer_mut(&mut self) -> Option<&mut Peer> {
        match &mut self.occupant {
            Occupant::Peer(peer) => Some(peer),
            _ => None,
        }
    }
}
