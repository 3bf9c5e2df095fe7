//! One author's journal as it is held here.

use std::sync::Arc;

use weir_identity::{Hash, PeerId, Signature};

use super::evidence::Cut;
use super::mmr::Mmr;
use super::{AuthorIdx, Entry, Head, LogIndex, SignedHead, SignedLeaf};

/// An entry that is held, with its `learnt` resolved to journals here.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) entry: Arc<Entry>,
    pub(super) links: Box<[Link]>,
    /// Where it stands in the order of arrival; nowhere if it is on a branch.
    pub(super) at: Option<LogIndex>,
}

/// A `learnt` item, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) author: AuthorIdx,
    /// The branch on which the named entry lies, if it is not in the main journal.
    pub(super) branch: Option<u32>,
    pub(super) length: u32,
}

/// A branch, to be read.
pub(crate) struct BranchRef<'a, E> {
    /// Index of the first entry that differs from the journal.
    pub(crate) fork: u32,
    /// Over the whole of it.
    pub(crate) head: &'a SignedHead,
    /// The entries from the fork on with their leaf hashes.
    pub(crate) entries: E,
}

/// A journal. `main` is the one that is evaluated: what came first, if the author contradicted
/// itself. The others are kept as branches, because honest peers may build on them.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    pub(super) author: PeerId,
    pub(super) entries: Vec<Held>,
    pub(super) mmr: Mmr,
    /// The newest signed head over `entries`. Only this peer's own journal can be longer.
    pub(super) head: Option<SignedHead>,
    /// Length and signature of the signed heads before it, ascending: where a message can end.
    older: Vec<(u32, Signature)>,
    pub(super) cut: Option<Cut>,
    pub(super) branches: Vec<Branch>,
}

/// Entries that contradict the main journal from `fork` on.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) fork: u32,
    /// The entries from `fork` on.
    pub(super) entries: Vec<Held>,
    /// Over the whole journal as this branch has it.
    pub(super) mmr: Mmr,
    pub(super) head: SignedHead,
}

impl Journal {
    pub(super) fn new(author: PeerId) -> Journal {
        Journal {
            author,
            entries: Vec::new(),
            mmr: Mmr::new(),
            head: None,
            older: Vec::new(),
            cut: None,
            branches: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Puts a head over more of the main journal in the place of the newest.
    pub(super) fn set_head(&mut self, head: SignedHead) {
        if let Some(before) = self.head.replace(head) {
            self.older.push((before.head.length, before.signature));
        }
    }

    /// Length of the shortest signed head over at least this many entries.
    pub(super) fn head_over(&self, length: u32) -> Option<u32> {
        let at = self.older.partition_point(|(older, _)| *older < length);
        match self.older.get(at) {
            Some((older, _)) => Some(*older),
            None => Some(self.signed_len()).filter(|signed| *signed >= length),
        }
    }

    /// The signed head of this length.
    pub(super) fn head_at(&self, length: u32) -> Option<SignedHead> {
        let newest = self.head?;
        if newest.head.length == length {
            return Some(newest);
        }
        let at = self
            .older
            .binary_search_by_key(&length, |(older, _)| *older);
        let (_, signature) = self.older[at.ok()?];
        let root = self.mmr.root_at(length)?;
        let head = Head {
            length,
            root,
            ..newest.head
        };
        Some(SignedHead { head, signature })
    }

    /// Length of the main journal or of its longest branch.
    pub(super) fn longest(&self) -> u32 {
        self.branches
            .iter()
            .map(|branch| branch.mmr.len())
            .fold(self.len(), u32::max)
    }

    /// Entries under a signed head.
    pub(super) fn signed_len(&self) -> u32 {
        self.head.as_ref().map_or(0, |head| head.head.length)
    }

    /// Entries that take part in evaluation.
    pub(super) fn live_len(&self) -> u32 {
        self.cut
            .as_ref()
            .map_or(self.len(), |cut| cut.index.min(self.len()))
    }

    /// Whether the main journal has this leaf at `length - 1`.
    pub(super) fn has(&self, length: u32, leaf: &Hash) -> bool {
        length > 0 && self.mmr.leaf(length - 1).as_ref() == Some(leaf)
    }

    /// Which branch has this leaf at `length - 1`.
    pub(super) fn branch_with(&self, length: u32, leaf: &Hash) -> Option<u32> {
        let index = length.checked_sub(1)?;
        let has = |branch: &Branch| branch.mmr.leaf(index).as_ref() == Some(leaf);
        self.branches
            .iter()
            .position(has)
            .map(|branch| branch as u32)
    }

    /// The range of the main journal or of a branch.
    pub(super) fn range(&self, branch: Option<u32>) -> &Mmr {
        match branch {
            None => &self.mmr,
            Some(branch) => &self.branches[branch as usize].mmr,
        }
    }

    /// The proof that the author signed the entry at `index` of the main journal; none if it has
    /// not.
    pub(super) fn signed_leaf(&self, index: u32) -> Option<SignedLeaf> {
        let entry = &self.entries.get(index as usize)?.entry;
        signed_leaf(self.head.as_ref()?, &self.mmr, entry, index)
    }

    /// The same for the first entry of a branch.
    pub(super) fn signed_fork(&self, branch: u32) -> Option<SignedLeaf> {
        let branch = self.branches.get(branch as usize)?;
        signed_leaf(
            &branch.head,
            &branch.mmr,
            &branch.entries.first()?.entry,
            branch.fork,
        )
    }
}

fn signed_leaf(head: &SignedHead, mmr: &Mmr, entry: &Entry, index: u32) -> Option<SignedLeaf> {
    Some(SignedLeaf {
        length: head.head.length,
        root: head.head.root,
        signature: head.signature,
        entry: entry.to_bytes().into(),
        path: mmr.proof(index, head.head.length)?,
    })
}
