//! How much a service wrote since a commit.

use std::collections::VecDeque;

/// Marks in memory: what is said of a commit may be so many times less exact than the bound.
const MARKS: u64 = 8;

/// Counts the bytes that a service writes while it is in memory.
#[derive(Debug, Default)]
pub(super) struct Written {
    bytes: u64,
    /// Commits, and what had been written with them, oldest first; about `bound / MARKS` bytes between them.
    marks: VecDeque<(u64, u64)>,
}

impl Written {
    /// Commit `number` writes so many bytes. Nobody asks for more than `bound` of them.
    pub(super) fn add(&mut self, number: u64, bytes: u64, bound: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let last = self.marks.back().map_or(0, |(_, at)| *at);
        if self.bytes - last >= bound / MARKS {
            self.marks.push_back((number, self.bytes));
        }
        // Of those that are far enough back the last one is enough.
        while let Some((_, at)) = self.marks.get(1)
            && self.bytes - at >= bound
        {
            self.marks.pop_front();
        }
    }

    /// The last commit that is known to be followed by so many bytes. It may be a little before the last one that is.
    pub(super) fn commit_before(&self, bound: u64) -> Option<u64> {
        let (number, at) = self.marks.front()?;
        (self.bytes - at >= bound).then_some(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_before_so_many_bytes_is_found_with_few_marks() {
        let mut written = Written::default();
        for number in 1..=10_000 {
            let bytes = 1 + number % 7;
            written.add(number, bytes, 1_000);
            let after = |commit: u64| (commit + 1..=number).map(|number| 1 + number % 7).sum();
            match written.commit_before(1_000) {
                None => assert!(number < 300, "{number}"),
                Some(commit) => {
                    let after: u64 = after(commit);
                    assert!((1_000..=1_140).contains(&after), "{number}: {after}");
                }
            }
            assert!(written.marks.len() <= 10);
        }
        // One that is larger than the bound.
        written.add(10_001, 1 << 20, 1_000);
        assert!(written.commit_before(1_000) < Some(10_001));
        written.add(10_002, 1_000, 1_000);
        assert_eq!(written.commit_before(1_000), Some(10_001));
    }
}
