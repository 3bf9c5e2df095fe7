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
        let mut listed: Vec<ElementId> = match claim
            .base
            .and_then(|entry| self.authored.get(&(reached.peer, entry)))
        {
            Some(canon) => {
                let elements = self.canon_elements(self.canons[*canon as usize]);
                elements.iter().take(claim.kept as usize).copied().collect()
            }
            None => Vec::new(),
        };
        let old = listed.len();
        for key in claim.keys {
            match self.appends.get(key) {
                Some(id) if self.elements[*id as usize].stream == stream => listed.push(*id),
                _ => {
                    return Err(format!(
                        "it names {key}, which was not appended to its stream in its past"
                    ));
                }
            }
        }
        self.only_visible(reached.act, &listed[old..])?;
        self.all_mandatory(reached.act, stream, &listed)?;
        let follows = history.streams.entry(stream).or_default();
        for pair in listed[old.saturating_sub(1)..].windows(2) {
            follows.push(Follows {
                entry: claim.entry,
                before: pair[0],
                after: pair[1],
            });
        }
        Ok(())
    }

    fn only_visible(&self, canon: ActId, added: &[ElementId]) -> Result<(), String> {
        for id in added {
            let element = &self.elements[*id as usize];
            if !self
                .order
                .before(self.enter(element.act), self.enter(canon))
                && !self.siblings(element.act, canon)
            {
                return Err(format!(
                    "it lists {}, which stands after it in the script",
                    element.step
                ));
            }
        }
        Ok(())
    }

    fn all_mandatory(
        &self,
        canon: ActId,
        stream: StreamId,
        listed: &[ElementId],
    ) -> Result<(), String> {
        let known = &self.streams[stream as usize].elements;
        if known.len() == listed.len() {
            return Ok(());
        }
        let listed: FxHashSet<_> = listed.iter().copied().collect();
        for id in known.iter().filter(|id| !listed.contains(id)) {
            let element = &self.elements[*id as usize];
            if self
                .order
                .before(self.enter(element.act), self.enter(canon))
                && !self.siblings(element.act, canon)
            {
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
