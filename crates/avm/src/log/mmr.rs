//! The Merkle mountain range over the entries of a journal.
//!
//! ```text
//! leaf(entry)        = keccak256(0x00 ‖ entry bytes)
//! node(left, right)  = keccak256(0x01 ‖ left ‖ right)
//! root(n leaves)     = the perfect subtrees ("peaks") of the binary digits of n, highest first,
//!                      bagged from the right: r = last peak; r = node(peak, r) for each peak before it
//! ```
//! That is the Merkle tree hash of RFC 9162, section 2.1, with keccak-256, so [`verify`] is the
//! inclusion check of its section 2.1.3.2 and any contract library for such trees can do it. An
//! empty journal has no root.
//!
//! Cost: an append hashes one leaf and one inner node (amortised), a root log₂ n nodes, a proof
//! log₂ n nodes. All nodes are kept (64 bytes per entry), so that root and proofs exist for every
//! shorter length as well: a journal that was signed at length 5 is still provable there at 500.

use weir_identity::{Hash, keccak256};

/// The hash of one entry as a leaf of its journal.
pub fn leaf_hash(entry_bytes: &[u8]) -> Hash {
    keccak256(&[&[0x00], entry_bytes])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    keccak256(&[&[0x01], left.as_bytes(), right.as_bytes()])
}

/// A growing Merkle mountain range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mmr {
    /// `levels[h][i]` is the root of the perfect subtree over leaves `i << h .. (i + 1) << h`.
    levels: Vec<Vec<Hash>>,
}

impl Mmr {
    /// A range without leaves.
    pub fn new() -> Mmr {
        Mmr::default()
    }

    /// Number of leaves.
    pub fn len(&self) -> u32 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u32)
    }

    /// True without leaves.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The leaf at `index`.
    pub fn leaf(&self, index: u32) -> Option<Hash> {
        self.levels.first()?.get(index as usize).copied()
    }

    /// Appends a leaf hash (see [`leaf_hash`]).
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[height];
            level.push(node);
            if level.len() % 2 == 1 {
                return;
            }
            node = node_hash(&level[level.len() - 2], &level[level.len() - 1]);
        }
    }

    /// Removes all leaves from `len` on.
    pub fn truncate(&mut self, len: u32) {
        for (height, level) in self.levels.iter_mut().enumerate() {
            level.truncate((len >> height) as usize);
        }
        while self.levels.last().is_some_and(Vec::is_empty) {
            self.levels.pop();
        }
    }

    /// The root of the first `len` leaves; none if `len` is 0 or more than there are.
    pub fn root_at(&self, len: u32) -> Option<Hash> {
        if len == 0 || len > self.len() {
            return None;
        }
        self.bag(len, len.trailing_zeros(), u32::BITS)
    }

    /// The root of all leaves.
    pub fn root(&self) -> Option<Hash> {
        self.root_at(self.len())
    }

    /// Bags the peaks of `len` leaves whose heights lie in `from..to`.
    fn bag(&self, len: u32, from: u32, to: u32) -> Option<Hash> {
        let mut root: Option<Hash> = None;
        for height in from..to.min(self.levels.len() as u32) {
            if let Some(peak) = self.peak(len, height) {
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
            }
        }
        root
    }

    /// The peak of this height in a range of `len` leaves, if its digit is set.
    fn peak(&self, len: u32, height: u32) -> Option<Hash> {
        let count = len >> height;
        if count & 1 == 0 {
            return None;
        }
        self.levels
            .get(height as usize)?
            .get(count as usize - 1)
            .copied()
    }

    /// The proof that the leaf at `index` is in the range of the first `len` leaves: sibling
    /// hashes from the leaf upward. None if `index >= len` or there are fewer leaves.
    pub fn proof(&self, index: u32, len: u32) -> Option<Vec<Hash>> {
        if index >= len || len > self.len() {
            return None;
        }
        // The mountain that holds the leaf is the one whose digit is the highest in which index
        // and len differ.
        let mountain = (index ^ len).ilog2();
        let mut path = Vec::new();
        for height in 0..mountain {
            let sibling = (index >> height) ^ 1;
            path.push(*self.levels.get(height as usize)?.get(sibling as usize)?);
        }
        path.extend(self.bag(len, 0, mountain));
        for height in mountain + 1..self.levels.len() as u32 {
            path.extend(self.peak(len, height));
        }
        Some(path)
    }

    /// The part of a range that adds leaves to the first `from` leaves of this one, for checking
    /// a root before deciding whether to keep them.
    pub fn extension(&self, from: u32) -> Extension<'_> {
        debug_assert!(from <= self.len());
        Extension {
            base: self,
            from,
            levels: Vec::new(),
        }
    }

    /// Adds the nodes that an [`Extension`] of this range computed. Leaves that are here already
    /// are taken to be the same.
    pub fn adopt(&mut self, nodes: ExtensionNodes) {
        for (height, level) in nodes.levels.into_iter().enumerate() {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let start = (nodes.from >> height) as usize;
            let held = self.levels[height].len();
            self.levels[height].extend(level.into_iter().skip(held - start));
        }
        while self.levels.last().is_some_and(Vec::is_empty) {
            self.levels.pop();
        }
    }
}

/// Leaves added to a prefix of an [`Mmr`] without changing it.
#[derive(Debug)]
pub struct Extension<'a> {
    base: &'a Mmr,
    from: u32,
    /// `levels[h]` starts at node `from >> h`.
    levels: Vec<Vec<Hash>>,
}

/// What an [`Extension`] computed, free of its base.
#[derive(Clone, Debug)]
pub struct ExtensionNodes {
    from: u32,
    levels: Vec<Vec<Hash>>,
}

impl Extension<'_> {
    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            self.levels[height].push(node);
            let index = (self.from >> height) as usize + self.levels[height].len() - 1;
            if index.is_multiple_of(2) {
                return;
            }
            let left = self
                .node(height, index - 1)
                .expect("a left sibling is older");
            node = node_hash(&left, &node);
        }
    }

    /// Number of leaves, those of the prefix included.
    pub fn len(&self) -> u32 {
        self.from + self.levels.first().map_or(0, |leaves| leaves.len() as u32)
    }

    /// True without leaves.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn node(&self, height: usize, index: usize) -> Option<Hash> {
        let start = (self.from >> height) as usize;
        match index.checked_sub(start) {
            None => self.base.levels.get(height)?.get(index).copied(),
            Some(i) => self.levels.get(height)?.get(i).copied(),
        }
    }

    /// The root of prefix and added leaves; none without leaves.
    pub fn root(&self) -> Option<Hash> {
        let len = self.len();
        let mut root: Option<Hash> = None;
        for height in 0..u32::BITS - len.leading_zeros() {
            let count = (len >> height) as usize;
            if count % 2 == 1 {
                let peak = self.node(height as usize, count - 1)?;
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
            }
        }
        root
    }

    /// Detaches the computed nodes from the base, for [`Mmr::adopt`].
    pub fn into_nodes(self) -> ExtensionNodes {
        ExtensionNodes {
            from: self.from,
            levels: self.levels,
        }
    }
}

/// Checks a proof made by [`Mmr::proof`]: that `leaf` is at `index` in the range of `len` leaves
/// with this root (RFC 9162, section 2.1.3.2).
pub fn verify(leaf: &Hash, index: u32, len: u32, path: &[Hash], root: &Hash) -> bool {
    if index >= len {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, len - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn range(leaves: &[Hash]) -> Mmr {
        let mut mmr = Mmr::new();
        for leaf in leaves {
            mmr.push(*leaf);
        }
        mmr
    }

    /// The recursive definition of RFC 9162, section 2.1.1.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        if let [leaf] = leaves {
            return *leaf;
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        node_hash(&tree_hash(left), &tree_hash(right))
    }

    #[test]
    fn roots_follow_rfc_9162_at_every_length() {
        let leaves = leaves(70);
        let mmr = range(&leaves);
        assert_eq!(mmr.root_at(0), None);
        for len in 1..=70 {
            assert_eq!(
                mmr.root_at(len),
                Some(tree_hash(&leaves[..len as usize])),
                "length {len}"
            );
        }
        assert_eq!(mmr.root_at(71), None);
    }

    #[test]
    fn a_proof_holds_for_its_leaf_place_and_length_only() {
        let leaves = leaves(40);
        let mmr = range(&leaves);
        for len in 1..=40u32 {
            let root = mmr.root_at(len).unwrap();
            for index in 0..len {
                let path = mmr.proof(index, len).unwrap();
                assert!(path.len() <= 6);
                let leaf = leaves[index as usize];
                assert!(verify(&leaf, index, len, &path, &root));
                for other in 0..len {
                    assert_eq!(verify(&leaf, other, len, &path, &root), other == index);
                    assert_eq!(
                        verify(&leaves[other as usize], index, len, &path, &root),
                        other == index
                    );
                }
                let mut long = path.clone();
                long.push(root);
                assert!(!verify(&leaf, index, len, &long, &root));
                if let Some((_, short)) = path.split_last() {
                    assert!(!verify(&leaf, index, len, short, &root));
                }
            }
            assert_eq!(mmr.proof(len, len), None);
        }
    }

    #[test]
    fn an_extension_gives_the_root_and_nodes_of_the_longer_range() {
        let all = leaves(33);
        for held in 0..=33u32 {
            for from in 0..=held {
                let mut mmr = range(&all[..held as usize]);
                let mut extension = mmr.extension(from);
                all[from as usize..]
                    .iter()
                    .for_each(|leaf| extension.push(*leaf));
                assert_eq!(extension.root(), Some(tree_hash(&all)));
                let nodes = extension.into_nodes();
                mmr.adopt(nodes);
                assert_eq!(mmr, range(&all));
            }
        }
    }

    #[test]
    fn truncating_gives_the_shorter_range() {
        let all = leaves(20);
        for len in 0..=20u32 {
            let mut mmr = range(&all);
            mmr.truncate(len);
            assert_eq!(mmr, range(&all[..len as usize]));
        }
    }
}
