//! A priority queue of activations in script order.

/// A binary heap whose comparison needs the machine's order, and so is passed
/// to each operation. Order maintenance moves tags but never swaps two places,
/// so the heap stays valid between operations.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: Vec<u32>,
}

impl Queue {
    pub fn push(&mut self, item: u32, before: impl Fn(u32, u32) -> bool) {
        self.heap.push(item);
        let mut child = self.heap.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if !before(self.heap[child], self.heap[parent]) {
                break;
            }
            self.heap.swap(child, parent);
            child = parent;
        }
    }

    pub fn pop(&mut self, before: impl Fn(u32, u32) -> bool) -> Option<u32> {
        if self.heap.is_empty() {
            return None;
        }
        let first = self.heap.swap_remove(0);
        let mut parent = 0;
        loop {
            let left = 2 * parent + 1;
            if left >= self.heap.len() {
                break;
            }
            let right = left + 1;
            let least = if right < self.heap.len() && before(self.heap[right], self.heap[left]) {
                right
            } else {
                left
            };
            if !before(self.heap[least], self.heap[parent]) {
                break;
            }
            self.heap.swap(least, parent);
            parent = least;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order() {
        let mut queue = Queue::default();
        for item in [5, 3, 9, 1, 7, 1, 8, 2] {
            queue.push(item, |a, b| a < b);
        }
        let drained: Vec<_> = std::iter::from_fn(|| queue.pop(|a, b| a < b)).collect();
        assert_eq!(drained, [1, 1, 2, 3, 5, 7, 8, 9]);
    }
}
