//! What an auditor asks of a canon: that it holds what it had to hold, nothing
//! that it could not, and agrees in order with its author's other canons.

use rustc_hash::{FxHashMap, FxHashSet};
use weir_identity::Hash;

use super::machine::Machine;
use super::program::{Op, Over};
use super::state::{ActId, ElementId, NONE, StreamId, Work};

/// The canons of one author: which element directly follows which, by stream
/// and by the entry that says so.
///
/// An honest author lists, in every canon of a stream, the elements that it
/// sees in the order in which it learnt them. So there is one order that all
/// its canons follow: "follows" has no cycle.
#[derive(Debug, Default)]
pub(crate) struct CanonHistory {
    streams: FxHashMap<StreamId, Vec<Follows>>,
    /// By entry: how many elements a canon has that holds exactly the first
    /// elements of its stream as they arrived in the audit.
    whole: FxHashMap<u32, u32>,
}

#[derive(Debug, Clone, Copy)]
struct Follows {
    entry: u32,
    before: ElementId,
    after: ElementId,
}

/// A canon as its entry describes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub entry: u32,
    pub base: Option<u32>,
    pub kept: u32,
    pub keys: &'a [Hash],
}

impl Machine {
    /// Checks a canon before it is learnt, on a machine that has learnt
    /// exactly the past of its entry.
    pub fn check_canon(
        &self,
        history: &mut CanonHistory,
        step: &Hash,
        claim: Claim<'_>,
    ) -> Result<(), String> {
        // A step that is not reached is an offence that learning will find.
        let Some(reached) = self
            .steps
            .get(step)
            .map(|index| &self.reached[*index as usize])
        else {
            return Ok(());
        };
        let Work::Canon { stream } = reached.work else {
            return Ok(());
        };
        let canon = reached.act;
        let base = claim
            .base
            .and_then(|entry| self.authored.get(&(reached.peer, entry)))
            .map(|canon| self.canons[*canon as usize]);
        let kept = base.map_or(&[][..], |base| {
            let elements = self.canon_elements(base);
            &elements[..elements.len().min(claim.kept as usize)]
        });
        let mut added: Vec<ElementId> = Vec::with_capacity(claim.keys.len());
        for key in claim.keys {
            match self.appends.get(key) {
                Some(id) if self.elements[*id as usize].stream == stream => added.push(*id),
                _ => {
                    return Err(format!(
                        "it names {key}, which was not appended to its stream in its past"
                    ));
                }
            }
        }
        self.only_visible(canon, &added)?;
        // What stands before the canon before stands before this one too, if
        // that canon does.
        if base.is_some_and(|base| !self.order.before(self.enter(base.act), self.enter(canon))) {
            self.only_visible(canon, kept)?;
        }
        let arrived = &self.streams[stream as usize].elements;
        let whole = claim
            .base
            .map_or(0, |entry| history.whole.get(&entry).copied().unwrap_or(0));
        let length = kept.len() + added.len();
        if whole as usize >= kept.len()
            && arrived
                .get(kept.len()..)
                .is_some_and(|rest| rest.starts_with(&added))
        {
            history.whole.insert(claim.entry, length as u32);
            let first = self.first_from(stream, length);
            if first.is_some_and(|first| self.stands_before(first, canon)) {
                self.none_mandatory(canon, arrived[length..].iter())?;
            }
        } else if arrived.len() != length {
            let listed: FxHashSet<_> = kept.iter().chain(&added).copied().collect();
            self.none_mandatory(canon, arrived.iter().filter(|id| !listed.contains(id)))?;
        }
        let follows = history.streams.entry(stream).or_default();
        let mut before = kept.last().copied();
        for after in added {
            if let Some(before) = before {
                follows.push(Follows {
                    entry: claim.entry,
                    before,
                    after,
                });
            }
            before = Some(after);
        }
        Ok(())
    }

    fn stands_before(&self, element: ElementId, canon: ActId) -> bool {
        let appended = self.elements[element as usize].act;
        self.order.before(self.enter(appended), self.enter(canon))
    }

    fn only_visible(&self, canon: ActId, listed: &[ElementId]) -> Result<(), String> {
        for id in listed {
            let element = &self.elements[*id as usize];
            if !self.stands_before(*id, canon) && !self.siblings(element.act, canon) {
                return Err(format!(
                    "it lists {}, which stands after it in the script",
                    element.step
                ));
            }
        }
        Ok(())
    }

    /// The canon may leave all of these out.
    fn none_mandatory<'a>(
        &self,
        canon: ActId,
        left_out: impl Iterator<Item = &'a ElementId>,
    ) -> Result<(), String> {
        for id in left_out {
            let element = &self.elements[*id as usize];
            if self.stands_before(*id, canon) && !self.siblings(element.act, canon) {
                return Err(format!(
                    "it leaves out {}, which its author knew",
                    element.step
                ));
            }
        }
        Ok(())
    }

    /// Whether two activations stand in different chains of one stream fold:
    /// then their order is the author's choice.
    fn siblings(&self, a: ActId, b: ActId) -> bool {
        let up = |act: ActId| self.acts[act as usize].parent;
        let mut above: FxHashMap<ActId, ActId> = FxHashMap::default();
        let (mut child, mut parent) = (b, up(b));
        while parent != NONE {
            above.insert(parent, child);
            (child, parent) = (parent, up(parent));
        }
        let (mut child, mut parent) = (a, up(a));
        while parent != NONE {
            if let Some(other) = above.get(&parent) {
                let node = self.acts[parent as usize].node;
                return *other != child
                    && matches!(
                        self.program.node(node).op,
                        Op::Fold {
                            over: Over::Stream(_),
                            ..
                        }
                    );
            }
            (child, parent) = (parent, up(parent));
        }
        false
    }
}

impl CanonHistory {
    /// The first entry whose canon contradicts the ones before it.
    pub(crate) fn contradiction(&self) -> Option<u32> {
        let wrong = self.streams.values().filter(|follows| has_cycle(follows));
        wrong
            .filter_map(|follows| {
                let entries: Vec<u32> = follows.iter().map(|pair| pair.entry).collect();
                let (mut low, mut high) = (0, follows.len());
                while low < high {
                    let middle = low.midpoint(high);
                    if has_cycle(&follows[..=middle]) {
                        high = middle;
                    } else {
                        low = middle + 1;
                    }
                }
                entries.get(low).copied()
            })
            .min()
    }
}

/// Whether no order of the elements agrees with all pairs (Kahn 1962).
fn has_cycle(follows: &[Follows]) -> bool {
    let mut after: FxHashMap<ElementId, Vec<ElementId>> = FxHashMap::default();
    let mut open: FxHashMap<ElementId, u32> = FxHashMap::default();
    for pair in follows {
        after.entry(pair.before).or_default().push(pair.after);
        open.entry(pair.before).or_insert(0);
        *open.entry(pair.after).or_insert(0) += 1;
    }
    let mut free: Vec<ElementId> = open
        .iter()
        .filter(|(_, before)| **before == 0)
        .map(|(id, _)| *id)
        .collect();
    let mut placed = 0;
    while let Some(id) = free.pop() {
        placed += 1;
        for next in after.get(&id).into_iter().flatten() {
            if let Some(before) = open.get_mut(next) {
                *before -= 1;
                if *before == 0 {
                    free.push(*next);
                }
            }
        }
    }
    placed < open.len()
}
