//! Order maintenance: a list in which "does `a` stand before `b`?" is answered
//! by comparing two integers, whatever was inserted in between.
//!
//! Script order of activations is asked for at every canon, fold and request;
//! comparing paths would cost the depth of a `next` chain each time. Tags are
//! 62-bit; when a gap is full, the smallest surrounding range that is sparse
//! enough is spread out evenly (Bender, Cole, Demaine, Farach-Colton, Zito:
//! "Two simplified algorithms for maintaining order in a list", 2002), which
//! costs O(log n) amortised for an insertion.

/// A place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(u32);

#[derive(Debug)]
struct Item {
    tag: u64,
    previous: u32,
    next: u32,
}

/// The list. It always holds its two ends.
#[derive(Debug)]
pub(crate) struct Order {
    items: Vec<Item>,
}

const TAG_BITS: u32 = 62;
/// A range of 2^i tags may hold (2/OVERFLOW)^i items.
const OVERFLOW: f64 = 1.4;

impl Order {
    pub fn new() -> Self {
        let first = Item {
            tag: 0,
            previous: 0,
            next: 1,
        };
        let last = Item {
            tag: (1 << TAG_BITS) - 1,
            previous: 0,
            next: 1,
        };
        Order {
            items: vec![first, last],
        }
    }

    /// The place after all others.
    pub const END: Place = Place(1);

    pub fn before(&self, a: Place, b: Place) -> bool {
        self.tag(a) < self.tag(b)
    }

    /// Inserts a new place directly before `at`.
    pub fn insert_before(&mut self, at: Place) -> Place {
        let mut previous = self.items[at.0 as usize].previous;
        let mut low = self.items[previous as usize].tag;
        let mut high = self.tag(at);
        if high - low < 2 {
            self.spread(at);
            previous = self.items[at.0 as usize].previous;
            low = self.items[previous as usize].tag;
            high = self.tag(at);
        }
        let place = self.items.len() as u32;
        self.items.push(Item {
            tag: low + (high - low) / 2,
            previous,
            next: at.0,
        });
        self.items[previous as usize].next = place;
        self.items[at.0 as usize].previous = place;
        Place(place)
    }

    fn tag(&self, place: Place) -> u64 {
        self.items[place.0 as usize].tag
    }

    /// Makes room around `at`.
    fn spread(&mut self, at: Place) {
        let middle = self.tag(at);
        let (mut first, mut last) = (at.0, at.0);
        let mut count = 1_u64;
        let mut capacity = 1.0_f64;
        for bits in 1..=TAG_BITS {
            capacity *= 2.0 / OVERFLOW;
            let size = 1_u64 << bits;
            let low = middle & !(size - 1);
            let high = low + (size - 1);
            while first != 0 && self.items[self.items[first as usize].previous as usize].tag >= low
            {
                first = self.items[first as usize].previous;
                count += 1;
            }
            while last != 1 && self.items[self.items[last as usize].next as usize].tag <= high {
                last = self.items[last as usize].next;
                count += 1;
            }
            let sparse = (count as f64) < capacity && size / count >= 4;
            if sparse || bits == TAG_BITS {
                let gap = size / count;
                let mut item = first;
                for index in 0..count {
                    self.items[item as usize].tag = low + gap * index + gap / 2;
                    item = self.items[item as usize].next;
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(order: &Order, expected: &[Place]) {
        for pair in expected.windows(2) {
            assert!(order.before(pair[0], pair[1]));
        }
    }

    #[test]
    fn appending_at_the_end_keeps_the_order() {
        let mut order = Order::new();
        let places: Vec<_> = (0..50_000)
            .map(|_| order.insert_before(Order::END))
            .collect();
        check(&order, &places);
    }

    #[test]
    fn inserting_at_the_front_keeps_the_order() {
        let mut order = Order::new();
        let mut places = vec![order.insert_before(Order::END)];
        for _ in 0..50_000 {
            places.push(order.insert_before(places[places.len() - 1]));
        }
        places.reverse();
        check(&order, &places);
    }

    #[test]
    fn nested_pairs_keep_the_order() {
        let mut order = Order::new();
        let (mut enters, mut exits) = (Vec::new(), vec![Order::END]);
        for _ in 0..50_000 {
            let outer = exits[exits.len() - 1];
            enters.push(order.insert_before(outer));
            exits.push(order.insert_before(outer));
        }
        exits.reverse();
        enters.extend(exits);
        check(&order, &enters);
    }
}
