//! The calls of services that wait for the driver.
//!
//! Functions that exclude each other would wait for one another in the driver,
//! in places that other calls need. So only a few calls of them are given out
//! at a time, for each service, and the others wait beside the queue. Together
//! they count as one that is executed; when all places are taken, a service
//! gets further ones only in its turn, after those have ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::PeerId;

use crate::queue::FairQueue;

/// Exclusive calls of one service that are given out: one is executed, and the
/// others are at hand when it ends, so that the service does not stand still
/// for the way through the peer.
const GIVEN_OUT: usize = 4;

/// A service whose calls exclude each other: its id and which registration it is of. A later one of the same id waits
/// for none of an earlier one.
pub(crate) type LaneKey = (Arc<str>, u64);

/// Waiting calls, initiators taking turns.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    /// What may be given out.
    ready: FairQueue<Waiting<T>>,
    exclusive: BTreeMap<LaneKey, Lane<T>>,
    /// Waiting calls in all.
    len: usize,
    len_of: BTreeMap<PeerId, usize>,
    /// Calls in the driver that nothing there keeps waiting.
    executing: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    initiator: PeerId,
    lane: Option<LaneKey>,
    call: T,
}

/// The exclusive calls of a service.
#[derive(Debug)]
struct Lane<T> {
    /// In the driver.
    running: usize,
    /// Among those that may be given out.
    ready: usize,
    /// Their turn has not come; empty unless the others are as many as may be.
    behind: FairQueue<Waiting<T>>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Lanes {
            ready: FairQueue::default(),
            exclusive: BTreeMap::new(),
            len: 0,
            len_of: BTreeMap::new(),
            executing: 0,
        }
    }
}

impl<T> Lanes<T> {
    /// Waiting calls.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Waiting calls of an initiator.
    pub(crate) fn len_of(&self, initiator: &PeerId) -> usize {
        self.len_of.get(initiator).copied().unwrap_or(0)
    }

    /// Calls that are being executed: of exclusive ones that are given out, one for each service.
    pub(crate) fn executing(&self) -> usize {
        self.executing
    }

    /// Takes a call; `lane` is its service if the function excludes others of that service.
    pub(crate) fn push(&mut self, initiator: PeerId, lane: Option<LaneKey>, call: T) {
        self.len += 1;
        *self.len_of.entry(initiator).or_default() += 1;
        let waiting = Waiting {
            initiator,
            lane,
            call,
        };
        let Some(key) = &waiting.lane else {
            return self.ready.push(initiator, waiting);
        };
        let lane = self.exclusive.entry(key.clone()).or_insert_with(|| Lane {
            running: 0,
            ready: 0,
            behind: FairQueue::default(),
        });
        if lane.running + lane.ready < GIVEN_OUT {
            lane.ready += 1;
            self.ready.push(initiator, waiting);
        } else {
            lane.behind.push(initiator, waiting);
        }
    }

    /// The call whose turn it is, which is given out from now until [`Lanes::end`] is told its lane.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let Waiting {
            initiator,
            lane,
            call,
        } = self.ready.pop()?;
        self.len -= 1;
        if let Some(count) = self.len_of.get_mut(&initiator) {
            *count -= 1;
            if *count == 0 {
                self.len_of.remove(&initiator);
            }
        }
        let lane = lane.and_then(|key| self.exclusive.get_mut(&key));
        let executed = lane.is_none_or(|lane| {
            lane.ready -= 1;
            lane.running += 1;
            lane.running == 1
        });
        self.executing += usize::from(executed);
        Some(call)
    }

    /// A call that was given out is over.
    pub(crate) fn end(&mut self, lane: Option<&LaneKey>) {
        let Some(key) = lane else {
            self.executing -= 1;
            return;
        };
        let Some(lane) = self.exclusive.get_mut(key) else {
            return;
        };
        lane.running -= 1;
        self.executing -= usize::from(lane.running == 0);
        if let Some(next) = lane.behind.pop() {
            lane.ready += 1;
            self.ready.push(next.initiator, next);
        } else if lane.running + lane.ready == 0 {
            self.exclusive.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer_id;

    fn push(lanes: &mut Lanes<&'static str>, lane: Option<&str>, call: &'static str) {
        lanes.push(
            peer_id(call.as_bytes()[0]),
            lane.map(|id| (Arc::from(id), 1)),
            call,
        );
    }

    fn all(lanes: &mut Lanes<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| lanes.pop()).collect()
    }

    #[test]
    fn exclusive_calls_are_given_out_a_few_at_a_time_and_others_pass_them() {
        let mut lanes = Lanes::default();
        for call in ["a1", "a2", "a3", "a4", "a5", "a6", "b1", "b2"] {
            push(&mut lanes, Some("s"), call);
        }
        push(&mut lanes, None, "a view");
        push(&mut lanes, Some("t"), "another service");
        assert_eq!(lanes.len(), 10);
        assert_eq!(lanes.len_of(&peer_id(b'a')), 8);
        let given_out = ["a1", "a2", "a3", "a4", "a view", "another service"];
        assert_eq!(all(&mut lanes), given_out);
        assert_eq!(lanes.executing(), 3, "one of each service, and the view");
        assert_eq!(lanes.len(), 4);

        // Each that ends makes room for one, initiators taking turns.
        let service = (Arc::from("s"), 1);
        for next in ["a5", "b1", "a6", "b2"] {
            lanes.end(Some(&service));
            assert_eq!(all(&mut lanes), [next]);
            assert_eq!(lanes.executing(), 3);
        }
        push(&mut lanes, Some("s"), "a7");
        assert!(all(&mut lanes).is_empty());
        for _ in 0..5 {
            lanes.end(Some(&service));
            all(&mut lanes);
        }
        assert_eq!(lanes.executing(), 2);
        lanes.end(None);
        lanes.end(Some(&(Arc::from("t"), 1)));
        assert_eq!((lanes.executing(), lanes.len()), (0, 0));
        assert!(lanes.exclusive.is_empty() && lanes.len_of.is_empty());
    }
}
