//! What this peer is to add itself, and what is still open.

use std::sync::Arc;

use weir_identity::{Cid, Hash, Value};

use super::machine::Machine;
use super::program::{Op, Output};
use super::state::{ActId, Args, Canon, ElementId, OwnCanon, Peer, StreamId, Work};

/// Something that this peer is to do.
#[derive(Debug)]
pub(crate) enum Own {
    Call {
        step: Hash,
        service: Arc<str>,
        function: Arc<str>,
        args: Args,
    },
    /// Take a canon: `base` and `kept` refer to the own canon before.
    Canon {
        step: Hash,
        base: Option<u32>,
        kept: u32,
        keys: Vec<Hash>,
    },
    Hop {
        step: Hash,
        /// How many entries of the log suffice to come there.
        since: u32,
    },
}

/// What is known of a call of this peer, to make its entry from.
#[derive(Debug)]
pub(crate) struct OpenCall {
    pub service: Arc<str>,
    pub function: Arc<str>,
    pub args: Cid,
    pub tetraplets: Cid,
    pub unused: bool,
}

impl Machine {
    /// The first own call or canon in script order that may be made now.
    pub fn take_own(&mut self) -> Option<Own> {
        loop {
            let (acts, order) = (&self.acts, &self.order);
            let before =
                |a: u32, b: u32| order.before(acts[a as usize].enter, acts[b as usize].enter);
            let act = self.ready_own.pop(before)?;
            let index = self.acts[act as usize].data;
            let reached = &mut self.reached[index as usize];
            if reached.answered {
                continue;
            }
            let step = reached.step;
            match &mut reached.work {
                Work::Call {
                    service,
                    function,
                    args: Some(args),
                    requested,
                } => {
                    *requested = true;
                    let args = (**args).clone();
                    return Some(Own::Call {
                        step,
                        service: service.clone(),
                        function: function.clone(),
                        args,
                    });
                }
                Work::Call { .. } => {}
                Work::Canon { stream } => {
                    let stream = *stream;
                    if let Op::Canon { hop: true, .. } =
                        self.program.node(self.acts[act as usize].node).op
                    {
                        let since = self.acts[act as usize].flow.support.since;
                        return Some(Own::Hop { step, since });
                    }
                    return Some(self.own_canon(act, step, stream));
                }
            }
        }
    }

    /// What this peer sees of a stream where a canon stands, as a difference
    /// to its canon before.
    fn own_canon(&self, act: ActId, step: Hash, stream: u32) -> Own {
        let record = &self.streams[stream as usize];
        let here = self.enter(act);
        let visible = |id: u32| {
            self.order
                .before(self.enter(self.elements[id as usize].act), here)
        };
        let base = record.own.map(|own| (own, self.canons[own.canon as usize]));
        let all = record.last.is_none_or(visible);
        // What the canon before holds need not be looked at again.
        let whole = base.filter(|(own, canon)| {
            own.whole && (all || self.order.before(self.enter(canon.act), here))
        });
        let known = whole.map_or(0, |(_, canon)| canon.length as usize);
        let elements = &record.elements;
        let more = elements[known..].iter().take_while(|id| visible(**id));
        let end = if all {
            elements.len()
        } else {
            known + more.count()
        };
        if self.first_from(stream, end).is_some_and(visible) {
            let seen: Vec<u32> = elements.iter().copied().filter(|id| visible(*id)).collect();
            return self.difference(step, base, &seen);
        }
        let Some((own, canon)) = whole.filter(|_| all || known > 0) else {
            return self.difference(step, base, &elements[..end]);
        };
        Own::Canon {
            step,
            base: Some(own.entry),
            kept: canon.length,
            keys: elements[known..end]
                .iter()
                .map(|id| self.elements[*id as usize].step)
                .collect(),
        }
    }

    /// Of the elements that arrived at place `from` or later, the one that
    /// stands first in script order.
    pub(super) fn first_from(&self, stream: StreamId, from: usize) -> Option<ElementId> {
        let stream = &self.streams[stream as usize];
        let at = stream
            .firsts
            .partition_point(|place| (*place as usize) < from);
        let place = stream.firsts.get(at)?;
        Some(stream.elements[*place as usize])
    }

    fn difference(&self, step: Hash, base: Option<(OwnCanon, Canon)>, seen: &[u32]) -> Own {
        let (entry, kept) = base.map_or((None, 0), |(own, canon)| {
            let kept = self
                .canon_elements(canon)
                .iter()
                .zip(seen)
                .take_while(|(a, b)| a == b)
                .count();
            if kept == 0 {
                (None, 0)
            } else {
                (Some(own.entry), kept)
            }
        });
        let keys = seen[kept..]
            .iter()
            .map(|id| self.elements[*id as usize].step)
            .collect();
        Own::Canon {
            step,
            base: entry,
            kept: kept as u32,
            keys,
        }
    }

    /// An own call that was requested and not answered.
    pub fn open_call(&self, step: &Hash) -> Option<OpenCall> {
        let reached = &self.reached[*self.steps.get(step)? as usize];
        if reached.answered || self.me != Some(reached.peer) {
            return None;
        }
        let Work::Call {
            service,
            function,
            args: Some(args),
            requested: true,
        } = &reached.work
        else {
            return None;
        };
        let Op::Call { output, .. } = &self.program.node(self.acts[reached.act as usize].node).op
        else {
            return None;
        };
        Some(OpenCall {
            service: service.clone(),
            function: function.clone(),
            args: args.cid,
            tetraplets: args.tetraplets_cid,
            unused: matches!(output, Output::None),
        })
    }

    /// The instruction of a step that was reached.
    pub fn instruction_of(&self, step: &Hash) -> Option<String> {
        let reached = &self.reached[*self.steps.get(step)? as usize];
        let node = self.acts[reached.act as usize].node;
        Some(weir_air::instruction_text(self.program.script(), node))
    }

    /// The arguments of a call that was reached, if all are known.
    pub fn arguments_of(&self, step: &Hash) -> Option<Vec<Value>> {
        match &self.reached[*self.steps.get(step)? as usize].work {
            Work::Call { args, .. } => Some(args.as_ref()?.values.clone()),
            Work::Canon { .. } => None,
        }
    }

    /// Steps that are reached and unanswered: peer, instruction and step.
    pub fn waiting(&self) -> Vec<(Arc<str>, String, Hash)> {
        let mut open: Vec<u32> = self.open.iter().copied().collect();
        open.sort_unstable();
        open.into_iter()
            .map(|index| {
                let reached = &self.reached[index as usize];
                let text = weir_air::instruction_text(
                    self.program.script(),
                    self.acts[reached.act as usize].node,
                );
                (self.peer_text(reached.peer).clone(), text, reached.step)
            })
            .collect()
    }

    /// Whether a reached step of somebody else is unanswered at `peer`.
    pub fn unanswered(&self) -> impl Iterator<Item = Peer> + '_ {
        self.open
            .iter()
            .map(|index| self.reached[*index as usize].peer)
            .filter(|peer| self.me != Some(*peer))
    }
}
