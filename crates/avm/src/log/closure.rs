//! Which suffixes can be taken together: the largest set that, with what is held, contains
//! everything that its entries name.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, Hash, PeerId};

use super::intake::{Fit, Missing, Pending};
use super::journal::Link;
use super::{Blob, Learnt, Log};

/// A suffix that fits, with the index of its first new entry.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) pending: Pending,
    pub(super) fit: Fit,
    pub(super) new_from: u32,
    /// Index of the first entry that must be in the record, so that the suffix fits again before
    /// anything else of the record is taken.
    pub(super) recorded_from: u32,
    /// The candidate that makes this one a branch: it holds the entries before the fork and
    /// another one at it.
    pub(super) instead_of: Option<usize>,
    /// It is a branch beyond those that are kept of themselves.
    pub(super) only_if_named: bool,
}

/// An entry of a candidate that names an entry of another candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dependency {
    /// Index, in its journal, of the entry that names.
    pub(super) entry: u32,
    /// The other candidate.
    pub(super) on: usize,
    /// Length of the other journal that is needed.
    pub(super) length: u32,
}

/// The outcome for each candidate.
#[derive(Debug, Default)]
pub(super) struct Closure {
    pub(super) accepted: Vec<bool>,
    pub(super) dependencies: Vec<Vec<Dependency>>,
    /// What a candidate that is not accepted lacks. Empty if it is not accepted for another
    /// reason: the candidate that makes it a branch is not, or nobody needs it and its author's
    /// journal is cut or has branches enough.
    pub(super) missing: Vec<Vec<Missing>>,
}

impl Log {
    pub(super) fn close(&self, candidates: &[Candidate], blobs: &FxHashMap<Cid, Blob>) -> Closure {
        let mut by_author: BTreeMap<PeerId, Vec<usize>> = BTreeMap::new();
        for (i, candidate) in candidates.iter().enumerate() {
            by_author
                .entry(candidate.pending.author())
                .or_default()
                .push(i);
        }
        let mut closure = Closure {
            accepted: vec![true; candidates.len()],
            ..Closure::default()
        };
        for candidate in candidates {
            let (dependencies, missing) = self.needs(candidate, candidates, &by_author, blobs);
            closure.dependencies.push(dependencies);
            closure.missing.push(missing);
        }
        remove_open(candidates, &mut closure);
        self.remove_needless(candidates, &mut closure);
        closure
    }

    fn needs(
        &self,
        candidate: &Candidate,
        candidates: &[Candidate],
        by_author: &BTreeMap<PeerId, Vec<usize>>,
        blobs: &FxHashMap<Cid, Blob>,
    ) -> (Vec<Dependency>, Vec<Missing>) {
        let (mut dependencies, mut missing) = (Vec::new(), Vec::new());
        let pending = &candidate.pending;
        let skipped = (candidate.new_from - pending.suffix.from()) as usize;
        for (index, entry) in
            (candidate.new_from..).zip(pending.suffix.entries.iter().skip(skipped))
        {
            for learnt in &entry.learnt {
                if self.resolve(learnt).is_some() {
                    continue;
                }
                let others = by_author.get(&learnt.author).map_or(&[][..], Vec::as_slice);
                let on = others.iter().copied().find(|i| {
                    leaf_at(&candidates[*i].pending, learnt.length) == Some(learnt.entry)
                });
                match on {
                    Some(on) => {
                        dependencies.push(Dependency {
                            entry: index,
                            on,
                            length: learnt.length,
                        });
                    }
                    None => missing.push(Missing::Entries {
                        author: learnt.author,
                        length: learnt.length,
                        leaf: Some(learnt.entry),
                    }),
                }
            }
            if let Some(cid) = entry.blob()
                && !self.blobs.contains_key(cid)
                && !blobs.contains_key(cid)
                && !pending.blobs.contains_key(cid)
            {
                missing.push(Missing::Blob(*cid));
            }
        }
        (dependencies, missing)
    }

    /// The held entry that a `learnt` item names.
    pub(super) fn resolve(&self, learnt: &Learnt) -> Option<Link> {
        let author = self.author_idx(&learnt.author)?;
        let journal = &self.journals[author.0 as usize];
        let branch = if journal.has(learnt.length, &learnt.entry) {
            None
        } else {
            Some(journal.branch_with(learnt.length, &learnt.entry)?)
        };
        Some(Link {
            author,
            branch,
            length: learnt.length,
        })
    }

    /// Of a journal that is cut or has branches enough, no more is taken than others have named.
    fn remove_needless(&self, candidates: &[Candidate], closure: &mut Closure) {
        let only_if_named = |candidate: &Candidate| {
            let idx = self.author_idx(&candidate.pending.author());
            candidate.only_if_named
                || idx.is_some_and(|idx| self.journals[idx.0 as usize].cut.is_some())
        };
        if !candidates.iter().any(only_if_named) {
            return;
        }
        let mut needed: Vec<bool> = candidates.iter().map(|c| !only_if_named(c)).collect();
        let mut work: Vec<usize> = (0..candidates.len())
            .filter(|i| needed[*i] && closure.accepted[*i])
            .collect();
        while let Some(i) = work.pop() {
            let named = closure.dependencies[i].iter().map(|named| named.on);
            for on in named.chain(candidates[i].instead_of) {
                if !std::mem::replace(&mut needed[on], true) {
                    work.push(on);
                }
            }
        }
        for (accepted, needed) in closure.accepted.iter_mut().zip(needed) {
            *accepted &= needed;
        }
    }
}

/// Removes what lacks something, and then what named that.
fn remove_open(candidates: &[Candidate], closure: &mut Closure) {
    let mut dependents: Vec<Vec<(usize, Option<u32>)>> = vec![Vec::new(); candidates.len()];
    for (i, dependencies) in closure.dependencies.iter().enumerate() {
        for dependency in dependencies {
            dependents[dependency.on].push((i, Some(dependency.length)));
        }
        if let Some(main) = candidates[i].instead_of {
            dependents[main].push((i, None));
        }
    }
    let mut work: Vec<usize> = (0..candidates.len())
        .filter(|i| !closure.missing[*i].is_empty())
        .collect();
    while let Some(i) = work.pop() {
        if !std::mem::replace(&mut closure.accepted[i], false) {
            continue;
        }
        let pending = &candidates[i].pending;
        for (dependent, length) in std::mem::take(&mut dependents[i]) {
            closure.missing[dependent].extend(length.map(|length| Missing::Entries {
                author: pending.author(),
                length,
                leaf: leaf_at(pending, length),
            }));
            work.push(dependent);
        }
    }
}

/// The leaf at the end of the first `length` entries, if it lies in the suffix.
fn leaf_at(pending: &Pending, length: u32) -> Option<Hash> {
    pending.leaf(length.checked_sub(1)?)
}
