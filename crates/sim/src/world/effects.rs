//! Carries out what peers want.

use weir_peer::{Effect, Timestamp};

use super::queue::Item;
use super::{Execution, NodeId, Reply, Report, World};

impl World {
    /// Carries out all that a peer wants, in its order, unless it crashes in
    /// between.
    pub(super) fn settle(&mut self, node: NodeId) {
        self.stirred.insert(node);
        let effects = self.nodes[node]
            .peer_mut()
            .map(weir_peer::Peer::drain)
            .unwrap_or_default();
        for effect in effects {
            if self.nodes[node].crash_in == Some(0) {
                self.nodes[node].crash_in = None;
                self.crash(node);
                return;
            }
            if let Some(left) = &mut self.nodes[node].crash_in {
                *left -= 1;
            }
            self.nodes[node].performed += 1;
            self.perform(node, effect);
        }
    }

    fn perform(&mut self, node: NodeId, effect: Effect) {
        let life = self.nodes[node].life;
        match effect {
            Effect::Persist(batch) => self.nodes[node].disk.apply(batch),
            Effect::Load { prefix } => self.queue.push(self.now, Item::Load { node, life, prefix }),
            Effect::Send { to, frame } => self.send(node, &to, &frame),
            Effect::Dial { peer, addresses } => self.dial(node, peer, &addresses),
            Effect::Disconnect { peer, .. } => self.hang_up(node, &peer),
            Effect::Call(call) => {
                let Reply { outcome, after_ms } = (self.services)(node, &call);
                let item = Item::CallEnds {
                    node,
                    life,
                    call: call.id,
                    outcome,
                };
                self.queue.push(self.now.plus(after_ms), item);
                self.executions.push(Execution {
                    at: node,
                    when: self.now,
                    call: *call,
                });
            }
            // The answer that may still come is ignored by the peer.
            Effect::CancelCall(_) => {}
            Effect::SetTimer { at } => self.set_timer(node, at),
            Effect::Report { particle, event } => {
                self.reports.push(Report {
                    at: node,
                    when: self.now,
                    particle,
                    event,
                });
            }
        }
    }

    fn set_timer(&mut self, node: NodeId, at: Timestamp) {
        let at = at.max(self.now);
        let record = &mut self.nodes[node];
        if record.timer != at {
            record.timer = at;
            if at != Timestamp::NEVER {
                self.queue.push(
                    at,
                    Item::Timer {
                        node,
                        life: record.life,
                    },
                );
            }
        }
    }
}
