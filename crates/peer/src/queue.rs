//! A queue that serves initiators in turn.

use std::collections::{BTreeMap, VecDeque};

use weir_identity::PeerId;

/// Items by initiator; whoever asks for much waits behind himself only.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    queues: BTreeMap<PeerId, VecDeque<T>>,
    turns: VecDeque<PeerId>,
    len: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        FairQueue {
            queues: BTreeMap::new(),
            turns: VecDeque::new(),
            len: 0,
        }
    }
}

impl<T> FairQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn len_of(&self, initiator: &PeerId) -> usize {
        self.queues.get(initiator).map_or(0, VecDeque::len)
    }

    pub(crate) fn push(&mut self, initiator: PeerId, item: T) {
        let queue = self.queues.entry(initiator).or_default();
        if queue.is_empty() {
            self.turns.push_back(initiator);
        }
        queue.push_back(item);
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let initiator = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&initiator)?;
        let item = queue.pop_front()?;
        self.len -= 1;
        if queue.is_empty() {
            self.queues.remove(&initiator);
        } else {
            self.turns.push_back(initiator);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer_id;

    #[test]
    fn initiators_take_turns_whatever_the_length_of_their_queues() {
        let mut queue = FairQueue::default();
        for item in ["a1", "a2", "a3", "b1", "c1", "c2"] {
            queue.push(peer_id(item.as_bytes()[0]), item);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["a1", "b1", "c1", "a2", "c2", "a3"]);
        assert_eq!(queue.len(), 0);
    }
}
