//! One suffix of a journal before it is taken: how it fits what is held, and whether its author
//! signed it.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, Hash, PeerId};

use super::mmr::ExtensionNodes;
use super::{Blob, Entry, Journal, Log, Refusal, Suffix};

/// A suffix that is not part of the log, on its way in or parked.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) sender: PeerId,
    pub(super) suffix: Suffix,
    /// Leaf hashes of its entries, once they were needed.
    leaves: Vec<Hash>,
    signature_checked: bool,
    /// The receipts in its entries are those of the entries.
    pub(super) receipts_checked: bool,
    /// Values that came with it, kept while it is parked.
    pub(super) blobs: FxHashMap<Cid, Blob>,
    /// Where it stands in the queue of parked suffixes, if it was parked before.
    pub(super) ticket: Option<u64>,
}

/// Something that is not here and has to be before a suffix can be taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missing {
    /// A journal up to this length, with this entry at the end if that is known.
    Entries {
        author: PeerId,
        length: u32,
        leaf: Option<Hash>,
    },
    /// What an author signed instead of the entries that are here, where this many branches do not
    /// have it.
    Branch { author: PeerId, branches: usize },
    /// A value.
    Blob(Cid),
}

/// How a suffix fits what is held.
#[derive(Debug)]
pub(super) enum Fit {
    /// Nothing in it is new.
    Known,
    /// It continues, or repeats and continues, the main journal.
    Extends(ExtensionNodes),
    /// It continues a branch.
    ExtendsBranch { branch: u32, nodes: ExtensionNodes },
    /// It contradicts what is held from `fork` on.
    NewBranch {
        base: Option<u32>,
        fork: u32,
        nodes: ExtensionNodes,
    },
    /// It cannot be checked yet.
    Waits(Missing),
    /// It is wrong.
    Refused(Refusal),
}

impl Pending {
    pub(super) fn new(sender: PeerId, suffix: Suffix, trusted: bool) -> Pending {
        Pending {
            sender,
            suffix,
            leaves: Vec::new(),
            signature_checked: trusted,
            receipts_checked: trusted,
            blobs: FxHashMap::default(),
            ticket: None,
        }
    }

    pub(super) fn author(&self) -> PeerId {
        self.suffix.head.head.author
    }

    pub(super) fn length(&self) -> u32 {
        self.suffix.head.head.length
    }

    /// Whether the author signed the head.
    pub(super) fn check_signature(&mut self) -> Result<(), Refusal> {
        if !self.signature_checked {
            self.suffix.head.verify().map_err(|_| Refusal::Signature)?;
            self.signature_checked = true;
        }
        Ok(())
    }

    /// The leaf at this index of the journal, if it lies in the suffix and was computed.
    pub(super) fn leaf(&self, index: u32) -> Option<Hash> {
        let at = index.checked_sub(self.suffix.from())?;
        self.leaves.get(at as usize).copied()
    }

    /// Length of the journal up to each entry of the suffix, and the leaf there.
    pub(super) fn brought(&self) -> impl Iterator<Item = (u32, Hash)> {
        // In this order, because there can be no index after the last.
        let leaves = self.leaves.iter().zip(self.suffix.from()..);
        leaves.map(|(leaf, index)| (index.saturating_add(1), *leaf))
    }

    /// The first index at which a range differs from the suffix, both taken as far as they go.
    fn differs(&self, range: &super::mmr::Mmr, from: u32) -> Option<u32> {
        (from..range.len().min(self.length())).find(|index| range.leaf(*index) != self.leaf(*index))
    }
}

impl Log {
    /// Finds out how a suffix fits. Checks its signature unless it is known.
    pub(super) fn inspect(&self, pending: &mut Pending) -> Fit {
        let author = pending.author();
        let empty = Journal::new(author);
        let journal = self
            .authors
            .get(&author)
            .map_or(&empty, |idx| &self.journals[idx.0 as usize]);
        let (from, length) = (pending.suffix.from(), pending.length());
        let root = Some(pending.suffix.head.head.root);
        if (journal.signed_len() >= length && journal.mmr.root_at(length) == root)
            || journal
                .branches
                .iter()
                .any(|branch| branch.mmr.root_at(length) == root)
        {
            return Fit::Known;
        }
        if let Err(refusal) = pending.check_signature() {
            return Fit::Refused(refusal);
        }
        let first = u32::from(author == self.start.initiator);
        if from < first {
            return Fit::Refused(Refusal::Start);
        }
        if pending
            .suffix
            .entries
            .iter()
            .flat_map(|e| &e.learnt)
            .any(|l| l.author == author)
        {
            return Fit::Refused(Refusal::LearntFromItself);
        }
        self.hash_entries(pending);
        if from > journal.longest() {
            return Fit::Waits(Missing::Entries {
                author,
                length: from,
                leaf: None,
            });
        }
        let ranges = std::iter::once(None).chain((0..journal.branches.len() as u32).map(Some));
        for base in ranges.filter(|base| journal.range(*base).len() >= from) {
            let mut extension = journal.range(base).extension(from);
            pending.leaves.iter().for_each(|leaf| extension.push(*leaf));
            if extension.root() == root {
                let nodes = extension.into_nodes();
                return self.fit_on(journal, pending, base, nodes);
            }
        }
        if from == first {
            return Fit::Refused(Refusal::Root);
        }
        Fit::Waits(Missing::Branch {
            author,
            branches: journal.branches.len(),
        })
    }

    /// Computes the leaf hashes of a suffix, unless that was done before.
    pub(super) fn hash_entries(&self, pending: &mut Pending) {
        if pending.leaves.is_empty() {
            let journal = self.author_idx(&pending.author());
            let journal = journal.map(|idx| &self.journals[idx.0 as usize]);
            pending.leaves = leaves(journal, &pending.suffix);
        }
    }

    fn fit_on(
        &self,
        journal: &Journal,
        pending: &Pending,
        base: Option<u32>,
        nodes: ExtensionNodes,
    ) -> Fit {
        let from = pending.suffix.from();
        let Some(fork) = pending.differs(journal.range(base), from) else {
            return match base {
                None => Fit::Extends(nodes),
                Some(branch) => Fit::ExtendsBranch { branch, nodes },
            };
        };
        let same = journal.branches.iter().position(|branch| {
            base.is_none() && branch.fork == fork && pending.differs(&branch.mmr, fork).is_none()
        });
        if let Some(branch) = same {
            return Fit::ExtendsBranch {
                branch: branch as u32,
                nodes,
            };
        }
        if journal.branches.len() >= self.limits.all_branches_per_author() {
            return Fit::Refused(Refusal::Branches);
        }
        Fit::NewBranch { base, fork, nodes }
    }
}

/// The leaf hashes of a suffix; those of entries that are held are not computed again.
fn leaves(journal: Option<&Journal>, suffix: &Suffix) -> Vec<Hash> {
    let known = |index: u32, entry: &Arc<Entry>| {
        let journal = journal?;
        let held = journal.entries.get(index as usize)?;
        if held.entry == *entry {
            journal.mmr.leaf(index)
        } else {
            None
        }
    };
    // In this order, because there can be no index after the last.
    let entries = suffix.entries.iter().zip(suffix.from()..);
    entries
        .map(|(entry, index)| known(index, entry).unwrap_or_else(|| entry.leaf()))
        .collect()
}
