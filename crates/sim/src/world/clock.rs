//! Time goes on.

use weir_peer::{Event, Timestamp};

use super::node::Occupant;
use super::queue::Item;
use super::{NodeId, World};

impl World {
    /// Lets things happen for so many milliseconds.
    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now.plus(ms));
    }

    /// Lets everything happen that is due by then.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.queue.next_time().is_some_and(|time| time <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Lets things happen until nothing is under way: no frame, no call, no
    /// dial, no packet that waits for an answer, no peer that has more to do
    /// than fits into one turn. Gives up after so many milliseconds; true if
    /// it came to rest.
    pub fn run_until_quiet_within(&mut self, ms: u64) -> bool {
        let end = self.now.plus(ms);
        loop {
            if self.is_quiet() {
                return true;
            }
            match self.queue.next_time() {
                Some(time) if time <= end => self.step(),
                _ => break,
            }
        }
        self.now = self.now.max(end);
        false
    }

    /// Whether nothing but timers would change anything.
    fn is_quiet(&mut self) -> bool {
        if self.queue.under_way() > 0 {
            return false;
        }
        // Asking a peer costs more than a step, so it waits until the rest is quiet.
        for node in std::mem::take(&mut self.stirred) {
            let waits = self.nodes[node]
                .peer()
                .is_some_and(|peer| peer.is_busy() || peer.metrics().outgoing > 0);
            if waits {
                self.busy.insert(node);
            } else {
                self.busy.remove(&node);
            }
        }
        self.busy.is_empty()
    }

    /// The next thing happens.
    fn step(&mut self) {
        let Some((time, item)) = self.queue.pop() else {
            return;
        };
        self.now = self.now.max(time);
        match item {
            Item::Frame {
                from,
                to,
                connection,
                frame,
            } => self.frame_arrives(from, to, connection, frame),
            Item::DialEnds {
                from,
                life,
                target,
                peer,
            } => self.dial_ends(from, life, target, peer),
            Item::Close {
                node,
                other,
                connection,
            } => self.break_now(node, other, connection),
            Item::Break {
                node,
                other,
                connection,
            } => self.notice_break(node, other, connection),
            Item::CallEnds {
                node,
                life,
                call,
                outcome,
            } => {
                if self.nodes[node].life == life {
                    self.note(4, node, &call.0.to_le_bytes());
                    self.tell(
                        node,
                        Event::CallFinished {
                            call,
                            outcome,
                            execution: None,
                        },
                    );
                }
            }
            Item::Load { node, life, prefix } => {
                if self.nodes[node].life == life {
                    let disk = &self.nodes[node].disk;
                    let records = disk
                        .below(&prefix)
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    self.note(5, node, &prefix);
                    self.tell(
                        node,
                        Event::Loaded {
                            prefix,
                            records: Ok(records),
                        },
                    );
                }
            }
            Item::Timer { node, life } => {
                let record = &mut self.nodes[node];
                if record.life == life && record.timer == time {
                    record.timer = Timestamp::NEVER;
                    self.note(6, node, &[]);
                    self.tell(node, Event::Timer);
                }
            }
        }
    }

    pub(super) fn tell(&mut self, node: NodeId, event: Event) {
        let now = self.now;
        match &mut self.nodes[node].occupant {
            Occupant::Peer(peer) => {
                peer.handle(event, now);
                self.settle(node);
            }
            Occupant::Puppet(inbox) => {
                if let Event::Received { from, frame } = event {
                    inbox.push((from, frame));
                }
            }
            Occupant::Nobody => {}
        }
    }
}
