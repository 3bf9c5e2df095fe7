//! What a peer commits to when an epoch is over: one root over all receipts that its workers signed in it.
//!
//! A worker's receipts are the leaves of a tree with sums of fuel ([`ReceiptTree`]), each worker with its fee is a leaf
//! of the peer's tree with sums of fees ([`PeerCommitment`]), one for each payment token. With the sums a point on the
//! line of all fees, drawn later, belongs to one receipt.
//!
//! Both trees are filled up with leaves of zeros to a power of two. Integers are big endian:
//!
//! ```text
//! receipt      = keccak256(0x00 ‖ digest ‖ attestations ‖ u64 fuel)
//! of receipts  = keccak256(0x01 ‖ left ‖ u64 fuel ‖ u64 attested ‖ right ‖ u64 fuel ‖ u64 attested)
//! worker       = keccak256(0x02 ‖ worker id ‖ root ‖ u64 fuel ‖ u64 attested ‖ u64 first seq ‖ u32 count ‖ last digest
//!                          ‖ u48 heartbeats ‖ u96 fee)
//! of workers   = keccak256(0x03 ‖ left ‖ u96 fee ‖ right ‖ u96 fee)
//! ```
//! A single leaf is the root, and without a receipt the root is zero. `attestations` is zero where nobody attested, and
//! the fuel counts as attested otherwise.

use weir_identity::{Hash, keccak256};

use crate::receipt::SignedReceipt;

/// Nodes of a tree, from which those above follow.
trait Node: Clone {
    /// The leaf that stands where there is none.
    const ABSENT: Self;

    /// The node above two; none if a sum is too large.
    fn above(left: &Self, right: &Self) -> Option<Self>;
}

/// A tree of which only the right edge is kept: full subtrees whose sizes are the bits of the number of leaves.
#[derive(Debug, Clone)]
struct Edge<N>(Vec<Option<N>>);

impl<N: Node> Edge<N> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// None if a sum is too large.
    fn push(&mut self, leaf: N) -> Option<()> {
        let mut node = leaf;
        for level in &mut self.0 {
            let Some(left) = level.take() else {
                *level = Some(node);
                return Some(());
            };
            node = N::above(&left, &node)?;
        }
        self.0.push(Some(node));
        Some(())
    }

    /// The root of what was pushed, filled up; none if a sum is too large.
    fn root(self) -> Option<N> {
        let height = self.0.len();
        let mut absent = N::ABSENT;
        let mut right: Option<N> = None;
        for (level, left) in self.0.into_iter().enumerate() {
            let is_top = level + 1 == height;
            right = match (left, right) {
                (Some(root), None) if is_top => return Some(root),
                (Some(left), None) => Some(N::above(&left, &absent)?),
                (Some(left), Some(right)) => Some(N::above(&left, &right)?),
                (None, Some(left)) => Some(N::above(&left, &absent)?),
                (None, None) => None,
            };
            absent = N::above(&absent, &absent)?;
        }
        Some(right.unwrap_or(N::ABSENT))
    }
}

/// A node over receipts.
#[derive(Debug, Clone)]
struct OverReceipts {
    hash: Hash,
    fuel: u64,
    attested: u64,
}

impl Node for OverReceipts {
    const ABSENT: Self = Self {
        hash: Hash::ZERO,
        fuel: 0,
        attested: 0,
    };

    fn above(left: &Self, right: &Self) -> Option<Self> {
        let hash = keccak256(&[
            &[1],
            left.hash.as_bytes(),
            &left.fuel.to_be_bytes(),
            &left.attested.to_be_bytes(),
            right.hash.as_bytes(),
            &right.fuel.to_be_bytes(),
            &right.attested.to_be_bytes(),
        ]);
        Some(Self {
            hash,
            fuel: left.fuel.checked_add(right.fuel)?,
            attested: left.attested.checked_add(right.attested)?,
        })
    }
}

/// A node over workers.
#[derive(Debug, Clone)]
struct OverWorkers {
    hash: Hash,
    fee: u128,
}

impl Node for OverWorkers {
    const ABSENT: Self = Self {
        hash: Hash::ZERO,
        fee: 0,
    };

    fn above(left: &Self, right: &Self) -> Option<Self> {
        let hash = keccak256(&[
            &[3],
            left.hash.as_bytes(),
            &u96(left.fee)?,
            right.hash.as_bytes(),
            &u96(right.fee)?,
        ]);
        Some(Self {
            hash,
            fee: left.fee.checked_add(right.fee)?,
        })
    }
}

fn u96(value: u128) -> Option<[u8; 12]> {
    match value.to_be_bytes() {
        [0, 0, 0, 0, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Why receipts cannot be committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitmentError {
    /// A receipt is of another worker or epoch than the first one.
    #[error("receipt {seq} is of another {what} than those before it")]
    Other {
        /// Number of the receipt.
        seq: u64,
        /// What differs.
        what: &'static str,
    },
    /// A receipt is not the one after the last.
    #[error("receipt {seq} does not follow the one before it: one is missing or was changed")]
    Gap {
        /// Number of the receipt.
        seq: u64,
    },
    /// There are more receipts than have numbers in a leaf.
    #[error("more than {} receipts in one epoch", u32::MAX)]
    TooMany,
    /// Fuel or fees of more than their field can hold.
    #[error("the sum of fuel or fees is too large")]
    Overflow,
    /// More bits than there are heartbeats in an epoch.
    #[error("more heartbeats than an epoch has")]
    Heartbeats,
}

/// The receipts of one worker in one epoch, taken one after the other. It needs the memory of a hash for each level.
#[derive(Debug, Clone)]
pub struct ReceiptTree {
    edge: Edge<OverReceipts>,
    first: Option<(Hash, u64)>,
    made: EpochReceipts,
}

/// What a tree of receipts comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EpochReceipts {
    /// The root of the tree; zero without receipts.
    pub root: Hash,
    /// The fuel of all.
    pub fuel: u64,
    /// The fuel of those that somebody attested.
    pub attested: u64,
    /// The number of the first receipt; 0 without one.
    pub first_seq: u64,
    /// How many.
    pub count: u32,
    /// The digest of the last one; zero without one.
    pub last: Hash,
}

impl Default for ReceiptTree {
    fn default() -> Self {
        Self::new()
    }
}

impl ReceiptTree {
    /// A tree without receipts.
    pub fn new() -> Self {
        Self {
            edge: Edge::new(),
            first: None,
            made: EpochReceipts::default(),
        }
    }

    /// Takes the next receipt. Nobody has attested it.
    ///
    /// # Errors
    /// It is of another worker or epoch than the others, or not the one after the last.
    pub fn push(&mut self, signed: &SignedReceipt) -> Result<(), CommitmentError> {
        let receipt = &signed.receipt;
        let seq = receipt.seq;
        let (worker, epoch) = *self.first.get_or_insert((receipt.worker_id, receipt.epoch));
        let other = |what| CommitmentError::Other { seq, what };
        if receipt.worker_id != worker {
            return Err(other("worker"));
        }
        if receipt.epoch != epoch {
            return Err(other("epoch"));
        }
        let made = &mut self.made;
        if made.count == 0 {
            made.first_seq = seq;
        } else if seq.checked_sub(made.first_seq) != Some(made.count.into())
            || receipt.prev_receipt != made.last
        {
            return Err(CommitmentError::Gap { seq });
        }
        made.count = made.count.checked_add(1).ok_or(CommitmentError::TooMany)?;
        made.last = Hash::from(*signed.digest().as_bytes());
        let leaf = keccak256(&[
            &[0],
            made.last.as_bytes(),
            Hash::ZERO.as_bytes(),
            &receipt.fuel.to_be_bytes(),
        ]);
        let leaf = OverReceipts {
            hash: leaf,
            fuel: receipt.fuel,
            attested: 0,
        };
        self.edge.push(leaf).ok_or(CommitmentError::Overflow)
    }

    /// What the receipts come to.
    ///
    /// # Errors
    /// The sum of their fuel is too large.
    pub fn finish(self) -> Result<EpochReceipts, CommitmentError> {
        let root = self.edge.root().ok_or(CommitmentError::Overflow)?;
        Ok(EpochReceipts {
            root: root.hash,
            fuel: root.fuel,
            attested: root.attested,
            ..self.made
        })
    }
}

/// A worker in its peer's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLeaf {
    /// The worker.
    pub worker: Hash,
    /// What it signed in the epoch.
    pub receipts: EpochReceipts,
    /// The slots of the epoch in which others saw it alive, one bit for each of 48.
    pub heartbeats: u64,
    /// What the epoch costs the deal, in the smallest unit of the token.
    pub fee: u128,
}

impl WorkerLeaf {
    fn node(&self) -> Result<OverWorkers, CommitmentError> {
        let receipts = &self.receipts;
        let [0, 0, heartbeats @ ..] = self.heartbeats.to_be_bytes() else {
            return Err(CommitmentError::Heartbeats);
        };
        let hash = keccak256(&[
            &[2],
            self.worker.as_bytes(),
            receipts.root.as_bytes(),
            &receipts.fuel.to_be_bytes(),
            &receipts.attested.to_be_bytes(),
            &receipts.first_seq.to_be_bytes(),
            &receipts.count.to_be_bytes(),
            receipts.last.as_bytes(),
            &heartbeats,
            &u96(self.fee).ok_or(CommitmentError::Overflow)?,
        ]);
        Ok(OverWorkers {
            hash,
            fee: self.fee,
        })
    }
}

/// What a peer commits to for one epoch and token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCommitment {
    /// The root over its workers; zero without one.
    pub root: Hash,
    /// The sum of their fees.
    pub fees: u128,
}

impl PeerCommitment {
    /// Over these workers, in the order of their ids.
    ///
    /// # Errors
    /// A fee or their sum needs more than 96 bits, or a worker has bits for heartbeats beyond the 48.
    pub fn over(workers: &[WorkerLeaf]) -> Result<Self, CommitmentError> {
        let mut ordered: Vec<&WorkerLeaf> = workers.iter().collect();
        ordered.sort_by_key(|leaf| leaf.worker);
        let mut edge = Edge::new();
        for leaf in ordered {
            let node = leaf.node()?;
            edge.push(node).ok_or(CommitmentError::Overflow)?;
        }
        let root = edge.root().ok_or(CommitmentError::Overflow)?;
        u96(root.fee).ok_or(CommitmentError::Overflow)?;
        Ok(Self {
            root: root.hash,
            fees: root.fee,
        })
    }
}
