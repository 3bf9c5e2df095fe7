//! Peers begin, crash, and come back.

use std::sync::Arc;

use weir_identity::{Hash, Keypair, keccak256};
use weir_peer::{ParticleId, Peer, PeerConfig, Submit, SubmitError, Timestamp, store};

use super::node::{Node, Occupant};
use super::{NodeId, Spec, World};

impl World {
    /// The key of a peer, derived from its name alone.
    pub fn key_of(name: &str) -> Keypair {
        let secret: Hash = keccak256(&[b"weir/sim/peer:", name.as_bytes()]);
        Keypair::from_secret(secret.as_bytes())
            .expect("all but a 2^-127 part of all hashes are secret keys")
    }

    /// Starts a peer.
    pub fn add(&mut self, spec: Spec) -> NodeId {
        let id = self.nodes.len();
        let keypair = Arc::new(World::key_of(&spec.name));
        let mut config = PeerConfig::new(keypair.clone());
        config.network = self.network.clone();
        config.limits = self.limits.clone();
        config.shared = self.shared.clone();
        config.relay = spec.relay;
        config.calls = spec.calls;
        config.reports = spec.reports;
        config.relays = spec
            .relays
            .iter()
            .map(|relay| self.contact(*relay))
            .collect();
        if spec.address {
            let address: Arc<str> = format!("/sim/{}", spec.name).into();
            self.by_address.insert(address.clone(), id);
            config.addresses = vec![address];
        }
        self.by_id.insert(keypair.peer_id(), id);
        self.nodes.push(Node::new(spec.name, config));
        self.boot(id);
        id
    }

    /// Adds an end of the network that no peer lives behind: what is sent to
    /// it can be read, and anything can be sent in its name.
    pub fn add_puppet(&mut self, name: &str) -> NodeId {
        let id = self.add(Spec::new(name));
        self.vacate(id);
        self.nodes[id].occupant = Occupant::Puppet(Vec::new());
        id
    }

    /// Works with a peer directly and carries out what it wants afterwards.
    /// `None` if it has crashed.
    pub fn with_peer<T>(
        &mut self,
        node: NodeId,
        work: impl FnOnce(&mut Peer, Timestamp) -> T,
    ) -> Option<T> {
        let now = self.now;
        let result = self.nodes[node].peer_mut().map(|peer| work(peer, now));
        self.settle(node);
        result
    }

    /// Starts a particle at a peer. `None` if the peer has crashed.
    pub fn submit(
        &mut self,
        node: NodeId,
        submit: Submit,
    ) -> Option<Result<ParticleId, SubmitError>> {
        self.with_peer(node, |peer, now| peer.submit(submit, now))
    }

    /// Tells a peer where another one can be dialled.
    pub fn introduce(&mut self, node: NodeId, other: NodeId) {
        let contact = self.contact(other);
        self.with_peer(node, |peer, now| peer.add_contact(contact, now));
    }

    /// Tells every peer where all the others can be dialled.
    pub fn introduce_all(&mut self) {
        for node in 0..self.nodes.len() {
            for other in (0..self.nodes.len()).filter(|other| *other != node) {
                self.introduce(node, other);
            }
        }
    }

    /// Stops a peer at once: what it did not persist is lost.
    pub fn crash(&mut self, node: NodeId) {
        if self.nodes[node].peer().is_none() {
            return;
        }
        self.note(1, node, &[]);
        self.vacate(node);
        self.nodes[node].occupant = Occupant::Nobody;
        self.nodes[node].crashes += 1;
    }

    /// Lets a peer crash just before its `effects`-th effect from now on; with
    /// 0 before the next one. One that is down has no effects: nothing changes,
    /// also not for its next life.
    pub fn crash_after(&mut self, node: NodeId, effects: u64) {
        if self.is_up(node) {
            self.nodes[node].crash_in = Some(effects);
        }
    }

    /// Takes back [`World::crash_after`], if it has not happened yet.
    pub fn cancel_crash(&mut self, node: NodeId) {
        self.nodes[node].crash_in = None;
    }

    /// How often a peer has crashed.
    pub fn crashes(&self, node: NodeId) -> u32 {
        self.nodes[node].crashes
    }

    /// Effects that were carried out for a peer so far, in all its lives.
    pub fn effects_performed(&self, node: NodeId) -> u64 {
        self.nodes[node].performed
    }

    /// Whether a peer is alive.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.nodes[node].peer().is_some()
    }

    /// Starts a crashed peer again, from its disk.
    pub fn restart(&mut self, node: NodeId) {
        if matches!(self.nodes[node].occupant, Occupant::Nobody) {
            self.note(2, node, &[]);
            self.boot(node);
        }
    }

    /// Starts a crashed peer again, with an empty disk.
    pub fn restart_without_disk(&mut self, node: NodeId) {
        if matches!(self.nodes[node].occupant, Occupant::Nobody) {
            self.note(3, node, &[]);
            self.nodes[node].disk.wipe();
            self.nodes[node].config.store_born = Some(self.now);
            self.boot(node);
        }
    }

    fn boot(&mut self, node: NodeId) {
        let token_seed = self.rng.bits() >> 1;
        let now = self.now;
        let Node { config, disk, .. } = &mut self.nodes[node];
        config.token_seed = token_seed;
        // As a node does: what is needed only on demand stays on the disk.
        let hot = disk
            .records()
            .filter(|(key, _)| key.first().is_none_or(|table| *table < store::COLD));
        let records = hot.map(|(key, value)| (key.clone(), value.clone()));
        let peer = Peer::restore(config.clone(), records, now)
            .unwrap_or_else(|error| panic!("a peer does not understand its own records: {error}"));
        self.nodes[node].occupant = Occupant::Peer(Box::new(peer));
        self.settle(node);
    }
}
