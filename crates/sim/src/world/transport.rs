//! Connections between nodes, and the frames on them.
//!
//! Each end of a connection has its own belief in it. An end that crashed
//! believes in nothing; the other one goes on until it notices, or until a
//! new connection replaces the old one.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::PeerId;
use weir_peer::wire::Frame;
use weir_peer::{Contact, Event, Timestamp};

use super::node::{Link, Occupant};
use super::queue::Item;
use super::{NodeId, World};

/// How long it takes until a dial into nowhere fails.
const DIAL_TIMEOUT_MS: u64 = 5_000;

impl World {
    /// Where a node can be dialled.
    pub fn contact(&self, node: NodeId) -> Contact {
        let config = &self.nodes[node].config;
        Contact {
            peer: config.keypair.peer_id(),
            addresses: config.addresses.clone(),
        }
    }

    /// Nothing gets through between two nodes any more. Connections break
    /// when their ends notice.
    pub fn cut(&mut self, a: NodeId, b: NodeId) {
        if !self.cuts.insert(pair(a, b)) {
            return;
        }
        for (node, other) in [(a, b), (b, a)] {
            if let Some(link) = self.nodes[node].links.get(&other).copied() {
                self.break_later(node, other, link.connection);
            }
        }
    }

    /// Cuts every pair of which one is in `group` and the other is not.
    pub fn partition(&mut self, group: &[NodeId]) {
        for a in group {
            for b in (0..self.nodes.len()).filter(|b| !group.contains(b)) {
                self.cut(*a, b);
            }
        }
    }

    /// Undoes a cut.
    pub fn heal(&mut self, a: NodeId, b: NodeId) {
        self.cuts.remove(&pair(a, b));
    }

    /// Undoes all cuts.
    pub fn heal_all(&mut self) {
        self.cuts.clear();
    }

    /// Connects two nodes at once, without a dial.
    pub fn connect(&mut self, a: NodeId, b: NodeId) {
        let alive = |node: NodeId| !matches!(self.nodes[node].occupant, Occupant::Nobody);
        if a == b || !alive(a) || !alive(b) || self.is_cut(a, b) || self.are_connected(a, b) {
            return;
        }
        self.connections += 1;
        let connection = self.connections;
        for (node, other) in [(a, b), (b, a)] {
            if self.nodes[node].links.remove(&other).is_some() {
                let peer = self.id(other);
                self.tell(node, Event::Disconnected { peer });
            }
        }
        let link = Link {
            connection,
            last_arrival: self.now,
        };
        // Both ends exist before the first is told, for its first frame needs the other.
        self.nodes[a].links.insert(b, link);
        self.nodes[b].links.insert(a, link);
        for (node, other) in [(a, b), (b, a)] {
            self.note(7, node, &connection.to_le_bytes());
            let peer = self.id(other);
            self.tell(node, Event::Connected { peer });
        }
    }

    /// Whether both ends believe in one connection.
    pub fn are_connected(&self, a: NodeId, b: NodeId) -> bool {
        let connection = |node: NodeId, other| {
            self.nodes[node]
                .links
                .get(other)
                .map(|l: &Link| l.connection)
        };
        connection(a, &b).is_some() && connection(a, &b) == connection(b, &a)
    }

    /// Sends a frame from a puppet.
    pub fn send_as(&mut self, puppet: NodeId, to: NodeId, frame: &Bytes) {
        let to = self.id(to);
        self.send(puppet, &to, frame);
    }

    fn is_cut(&self, a: NodeId, b: NodeId) -> bool {
        self.cuts.contains(&pair(a, b))
    }

    pub(super) fn send(&mut self, from: NodeId, to: &PeerId, frame: &Bytes) {
        let Some(to) = self.by_id.get(to).copied() else {
            return;
        };
        self.traffic.frames += 1;
        self.traffic.bytes += frame.len() as u64;
        let decoded = Frame::decode(frame, usize::MAX);
        if matches!(decoded, Ok(Frame::Packet(_))) {
            self.traffic.messages += 1;
            self.traffic.message_bytes += frame.len() as u64;
        }
        if let (Some(ledger), Ok(decoded)) = (&mut self.ledger, decoded) {
            let me = self.nodes[from].config.keypair.peer_id();
            ledger.observe(from, &me, decoded);
        }
        let copies = 1 + u8::from(self.rng.per_mille(self.weather.duplication));
        for _ in 0..copies {
            let lost = self.rng.per_mille(self.weather.loss);
            let mut at = self.now.plus(self.rng.within(&self.weather.latency_ms));
            let in_order = self.weather.in_order;
            let cut = self.is_cut(from, to);
            let Some(link) = self.nodes[from].links.get_mut(&to) else {
                self.traffic.lost += 1;
                continue;
            };
            if lost || cut {
                self.traffic.lost += 1;
                continue;
            }
            if in_order {
                at = at.max(link.last_arrival);
                link.last_arrival = at;
            }
            let connection = link.connection;
            self.queue.push(
                at,
                Item::Frame {
                    from,
                    to,
                    connection,
                    frame: frame.clone(),
                },
            );
        }
    }

    pub(super) fn frame_arrives(
        &mut self,
        from: NodeId,
        to: NodeId,
        connection: u64,
        frame: Bytes,
    ) {
        let believed = self.nodes[to]
            .links
            .get(&from)
            .is_some_and(|link| link.connection == connection);
        if !believed || self.is_cut(from, to) {
            self.traffic.lost += 1;
            return;
        }
        self.traffic.arrived += 1;
        self.note(8, to, &frame);
        let from = self.id(from);
        self.tell(to, Event::Received { from, frame });
    }

    pub(super) fn dial(&mut self, from: NodeId, peer: PeerId, addresses: &[Arc<str>]) {
        let life = self.nodes[from].life;
        let found = addresses
            .iter()
            .find_map(|address| self.by_address.get(address).copied());
        // Somebody else at the address cannot prove to be the peer.
        let target = found.filter(|node| self.id(*node) == peer);
        let cut = target.is_some_and(|target| self.is_cut(from, target));
        let ms = if cut {
            DIAL_TIMEOUT_MS
        } else {
            self.rng.within(&self.weather.latency_ms)
        };
        self.queue.push(
            self.now.plus(ms),
            Item::DialEnds {
                from,
                life,
                target,
                peer,
            },
        );
    }

    pub(super) fn dial_ends(
        &mut self,
        from: NodeId,
        life: u32,
        target: Option<NodeId>,
        peer: PeerId,
    ) {
        if self.nodes[from].life != life {
            return;
        }
        if let Some(target) = target {
            self.connect(from, target);
        }
        if !target.is_some_and(|target| self.are_connected(from, target)) {
            self.note(9, from, &[]);
            self.tell(from, Event::DialFailed { peer });
        }
    }

    pub(super) fn hang_up(&mut self, node: NodeId, peer: &PeerId) {
        let Some(other) = self.by_id.get(peer).copied() else {
            return;
        };
        let Some(link) = self.nodes[node].links.get(&other).copied() else {
            return;
        };
        let connection = link.connection;
        let ms = self.rng.within(&self.weather.latency_ms);
        // Told later even to the one who asked: it has effects left to be carried out.
        self.queue.push(
            self.now,
            Item::Close {
                node,
                other,
                connection,
            },
        );
        self.queue.push(
            self.now.plus(ms),
            Item::Close {
                node: other,
                other: node,
                connection,
            },
        );
    }

    /// A node's connections end with it; the others notice later.
    pub(super) fn vacate(&mut self, node: NodeId) {
        let record = &mut self.nodes[node];
        record.life += 1;
        record.timer = Timestamp::NEVER;
        record.crash_in = None;
        record.occupant = Occupant::Nobody;
        for (other, link) in std::mem::take(&mut record.links) {
            self.break_later(other, node, link.connection);
        }
        self.stirred.insert(node);
    }

    fn break_later(&mut self, node: NodeId, other: NodeId, connection: u64) {
        let ms = self.rng.within(&self.weather.notice_ms);
        self.queue.push(
            self.now.plus(ms),
            Item::Break {
                node,
                other,
                connection,
            },
        );
    }

    /// A connection that was cut and healed in time does not break.
    pub(super) fn notice_break(&mut self, node: NodeId, other: NodeId, connection: u64) {
        let whole = !self.is_cut(node, other)
            && self.nodes[other]
                .links
                .get(&node)
                .is_some_and(|link| link.connection == connection);
        if !whole {
            self.break_now(node, other, connection);
        }
    }

    pub(super) fn break_now(&mut self, node: NodeId, other: NodeId, connection: u64) {
        let links = &mut self.nodes[node].links;
        if links
            .get(&other)
            .is_some_and(|link| link.connection == connection)
        {
            links.remove(&other);
            self.note(10, node, &connection.to_le_bytes());
            let peer = self.id(other);
            self.tell(node, Event::Disconnected { peer });
        }
    }
}

fn pair(a: NodeId, b: NodeId) -> (NodeId, NodeId) {
    (a.min(b), a.max(b))
}
