//! What one author's suffixes are to each other: which continue its journal and which contradict
//! it, so that all of them can be taken together.

use std::collections::BTreeMap;

use weir_identity::PeerId;

use super::Log;
use super::closure::Candidate;
use super::intake::{Fit, Pending};

impl Log {
    /// Orders candidates: those of one author together, in the order in which the authors first
    /// occur, the shorter first. Of those that continue the journal but contradict another, the
    /// first continues it and the others become branches. Defers what can only be looked at once
    /// another one is taken or not.
    pub(super) fn line_up(
        &self,
        candidates: Vec<Candidate>,
        deferred: &mut Vec<Pending>,
    ) -> Vec<Candidate> {
        let mut kept: Vec<Candidate> = Vec::with_capacity(candidates.len());
        let mut lines = Lines::default();
        for mut candidate in sorted(candidates) {
            let author = candidate.pending.author();
            if lines.author != Some(author) {
                lines = Lines::of(author);
            }
            make_branch(&mut candidate, &kept, &lines.main);
            let here = kept.len();
            match &candidate.fit {
                Fit::Extends(_) => lines.main.push(here),
                Fit::ExtendsBranch { branch, .. } => {
                    let shorter = *lines.continued.entry(*branch).or_insert(here);
                    if shorter != here {
                        deferred.push(replace_shorter(&mut kept, shorter, candidate));
                        continue;
                    }
                }
                Fit::NewBranch { .. } => {
                    let longer = lines
                        .new
                        .iter()
                        .copied()
                        .find(|shorter| continues(&kept[*shorter], &candidate));
                    if let Some(shorter) = longer {
                        candidate.only_if_named = kept[shorter].only_if_named;
                        deferred.push(replace_shorter(&mut kept, shorter, candidate));
                        continue;
                    }
                    let branches = self.branch_count(&author) + lines.new.len();
                    if branches >= self.limits.all_branches_per_author() {
                        deferred.push(candidate.pending);
                        continue;
                    }
                    candidate.only_if_named = branches >= self.limits.branches_per_author;
                    lines.new.push(here);
                }
                Fit::Known | Fit::Waits(_) | Fit::Refused(_) => {}
            }
            kept.push(candidate);
        }
        kept
    }

    fn branch_count(&self, author: &PeerId) -> usize {
        self.author_idx(author)
            .map_or(0, |idx| self.journals[idx.0 as usize].branches.len())
    }
}

/// Where the candidates of one author stand that were kept.
#[derive(Default)]
struct Lines {
    author: Option<PeerId>,
    /// Those that continue the journal, the shorter first, without contradiction.
    main: Vec<usize>,
    /// Those that continue a branch.
    continued: BTreeMap<u32, usize>,
    /// Those that are branches.
    new: Vec<usize>,
}

impl Lines {
    fn of(author: PeerId) -> Lines {
        Lines {
            author: Some(author),
            ..Lines::default()
        }
    }
}

fn sorted(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut rank: BTreeMap<PeerId, usize> = BTreeMap::new();
    for candidate in &candidates {
        let next = rank.len();
        rank.entry(candidate.pending.author()).or_insert(next);
    }
    candidates.sort_by_key(|c| (rank[&c.pending.author()], c.pending.length()));
    candidates
}

/// Makes a branch of a candidate that would continue the journal, but contradicts what does.
fn make_branch(candidate: &mut Candidate, kept: &[Candidate], main: &[usize]) {
    if !matches!(candidate.fit, Fit::Extends(_)) {
        return;
    }
    let Some(longest) = main.last().map(|main| &kept[*main].pending) else {
        return;
    };
    let pending = &candidate.pending;
    let fork = (candidate.new_from..longest.length())
        .find(|index| longest.leaf(*index) != pending.leaf(*index));
    let Some(fork) = fork else { return };
    candidate.instead_of = main
        .iter()
        .copied()
        .find(|main| kept[*main].pending.length() > fork);
    candidate.new_from = fork;
    if let Fit::Extends(nodes) = std::mem::replace(&mut candidate.fit, Fit::Known) {
        candidate.fit = Fit::NewBranch {
            base: None,
            fork,
            nodes,
        };
    }
}

/// Whether a branch is the same as a shorter one, only further.
fn continues(shorter: &Candidate, longer: &Candidate) -> bool {
    let bases = |candidate: &Candidate| match &candidate.fit {
        Fit::NewBranch { base, fork, .. } => Some((*base, *fork)),
        _ => None,
    };
    bases(shorter) == bases(longer)
        && (shorter.new_from..shorter.pending.length())
            .all(|index| shorter.pending.leaf(index) == longer.pending.leaf(index))
}

/// Puts the longer one in the place of the shorter, which is returned: it is part of the longer
/// one, unless that cannot be taken.
fn replace_shorter(kept: &mut [Candidate], shorter: usize, longer: Candidate) -> Pending {
    std::mem::replace(&mut kept[shorter], longer).pending
}
