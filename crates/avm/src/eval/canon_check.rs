//! What an auditor asks of a canon: that it holds what it had to hold, nothing
//! that it could not, and agrees in order with its author's other canons.

use rustc_hash::{FxHashMap, FxHashSet};
use weir_identity::Hash;

use super::machine::Machine;
use super::program::{Op, Over};
use super::state::{ActId, ElementId, NONE, StreamId, Work};

/// The canons of one author, as far as they were checked.
#[derive(Debug, Default)]
pub(crate) struct CanonHistory {
    /// For each stream its elements in the order in which the author saw them.
    streams: FxHashMap<StreamId, Arrival>,
}

#[derive(Debug, Default)]
struct Arrival {
    order: Vec<ElementId>,
    places: FxHashMap<ElementId, usize>,
}

/// A canon as its entry describes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
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
        history.streams.entry(stream).or_default().add(&listed, old)
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

impl Arrival {
    fn add(&mut self, listed: &[ElementId], old: usize) -> Result<(), String> {
        if old == self.order.len() && listed[old..].iter().all(|id| !self.places.contains_key(id)) {
            for id in &listed[old..] {
                if self.places.insert(*id, self.order.len()).is_some() {
                    return Err("it lists an element twice".into());
                }
                self.order.push(*id);
            }
            return Ok(());
        }
        let mut seen = FxHashSet::default();
        if !listed.iter().all(|id| seen.insert(*id)) {
            return Err("it lists an element twice".into());
        }
        let known: Vec<usize> = listed
            .iter()
            .filter_map(|id| self.places.get(id).copied())
            .collect();
        if !known.is_sorted() {
            return Err(
                "it contradicts an earlier canon of its author in the order of elements".into(),
            );
        }
        let mut merged = Vec::with_capacity(self.order.len() + listed.len());
        let mut rest = self.order.iter().copied().peekable();
        for id in listed {
            if self.places.contains_key(id) {
                while let Some(next) = rest.next() {
                    merged.push(next);
                    if next == *id {
                        break;
                    }
                }
            } else {
                merged.push(*id);
            }
        }
        merged.extend(rest);
        self.places = merged
            .iter()
            .enumerate()
            .map(|(place, id)| (*id, place))
            .collect();
        self.order = merged;
        Ok(())
    }
}
