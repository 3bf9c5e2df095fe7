//! Choices that follow from a seed.

/// A stream of choices. The same seed gives the same on every machine.
#[derive(Debug, Clone)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The stream of that seed.
    pub fn new(seed: u64) -> Self {
        // Spread, because neighbouring seeds would begin alike; never 0, where xorshift stays.
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// A number from 0 to `limit - 1`, by xorshift64*, where `limit` is from 1 to 2^32. The slight bias does not
    /// matter here.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        ((self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % limit as u64) as usize
    }

    /// One of the items, of which there must be some.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
