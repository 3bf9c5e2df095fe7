//! Peers that tell each other everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_avm::{Avm, Waiting};
use weir_identity::{Hash, PeerId};

use super::{Contradiction, Review, entries, restore};
use crate::world::{NodeId, World};

/// What every peer knows after a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The hash of every entry, by author and index.
    pub entries: BTreeMap<(PeerId, u32), Hash>,
    /// Steps that are reached and not answered: whose turn it is, and the
    /// instruction. Sorted.
    pub waiting: Vec<(Arc<str>, String)>,
    /// The script has completed or failed as a whole.
    pub done: bool,
}

/// Somebody who is present.
struct Member {
    node: NodeId,
    id: PeerId,
    avm: Avm,
    done: bool,
}

impl Review {
    /// Lets the peers that have something of the particle meet, as their
    /// stores left them: each tells every other one all that it has, until
    /// nobody learns anything. They take the hops and freeze the streams that
    /// then are theirs, but make no calls. All must know the same in the end.
    pub fn meet(&self, world: &World) -> Result<Met, Contradiction> {
        let mut members = Vec::new();
        for node in self.nodes() {
            let avm = restore(world, node, &self.subject)?;
            members.extend(avm.map(|mut avm| Member {
                node,
                id: world.id(node),
                done: avm.drain().done,
                avm,
            }));
        }
        // Each round but the last adds an entry to somebody's log, and without calls there are not many.
        let mut known = 0;
        while known < total(&members) {
            known = total(&members);
            round(&mut members)?;
        }
        let mut all = members.iter().map(|member| (member.node, member.knows()));
        let Some((node, ours)) = all.next() else {
            return Ok(Met {
                entries: BTreeMap::new(),
                waiting: Vec::new(),
                done: false,
            });
        };
        for (other, theirs) in all {
            if theirs != ours {
                let what = difference(&ours, &theirs);
                return Err(Contradiction::Apart { node, other, what });
            }
        }
        Ok(ours)
    }
}

/// Entries in all logs, *start* included.
fn total(members: &[Member]) -> u64 {
    let lengths = members
        .iter()
        .map(|member| u64::from(member.avm.log().len()));
    lengths.sum()
}

/// Everybody tells everybody everything.
fn round(members: &mut [Member]) -> Result<(), Contradiction> {
    for from in 0..members.len() {
        for to in (0..members.len()).filter(|to| *to != from) {
            let (sender, receiver) = (members[from].id, members[to].id);
            // What it would sign at the next opportunity is signed now.
            members[from].avm.signed_log();
            let message = members[from].avm.everything_for(&receiver).message;
            members[to].hear(message, sender)?;
        }
    }
    Ok(())
}

impl Member {
    fn hear(&mut self, message: weir_avm::log::Message, from: PeerId) -> Result<(), Contradiction> {
        let node = self.node;
        let wrong = |why: String| Contradiction::Merge { node, why };
        let merged = self
            .avm
            .merge(message, from)
            .map_err(|error| wrong(error.to_string()))?;
        if let Some(refused) = merged.refused.first() {
            return Err(wrong(format!("it refuses {refused:?}")));
        }
        if merged.incomplete || !merged.wants.is_empty() {
            return Err(wrong(format!("it lacks {:?}", merged.wants)));
        }
        let effects = self.avm.drain();
        if let Some(offence) = effects.offences.first() {
            return Err(wrong(offence.message.clone()));
        }
        self.done = effects.done;
        Ok(())
    }

    fn knows(&self) -> Met {
        let waiting = self.avm.waiting().into_iter();
        let mut waiting: Vec<_> = waiting
            .map(|Waiting { peer, what, .. }| (peer, what))
            .collect();
        waiting.sort();
        Met {
            entries: entries(&self.avm),
            waiting,
            done: self.done,
        }
    }
}

/// What only one of two knows: `-` the first, `+` the second.
fn difference(ours: &Met, theirs: &Met) -> String {
    let only = |sign: &str, one: &Met, other: &Met| {
        let entries = one
            .entries
            .iter()
            .filter(|(place, hash)| other.entries.get(*place) != Some(*hash))
            .map(|((author, index), _)| format!("{sign} entry {index} of {author}"));
        let steps = one
            .waiting
            .iter()
            .filter(|step| !other.waiting.contains(step))
            .map(|(peer, what)| format!("{sign} `{what}` waits for {peer}"));
        let done = (one.done && !other.done).then(|| format!("{sign} it is done"));
        entries.chain(steps).chain(done).collect::<Vec<_>>()
    };
    let mut lines = only("-", ours, theirs);
    lines.extend(only("+", theirs, ours));
    lines.join(", ")
}
