//! Folds: chains of bodies linked by `next`, and batches of streams.

use weir_air::NodeId;

use super::failure::{self, Cause as Why, code};
use super::machine::{Machine, Task};
use super::program::{Arg, Op, Over};
use super::state::{
    ActId, Cause, Datum, ElementId, Flow, FrameId, List, NONE, Outcome, StreamFold,
};

impl Machine {
    pub(super) fn fold(&mut self, act: ActId, over: &Over, body: NodeId) {
        match over {
            Over::Value(arg) => self.fold_value(act, arg, body),
            Over::Stream(place) => {
                let frame = self.acts[act as usize].frame;
                let stream = self.stream_at(frame, *place);
                self.folds.push(StreamFold::default());
                self.acts[act as usize].data = self.folds.len() as u32 - 1;
                self.streams[stream as usize].folds.push(act);
                for index in 0..self.streams[stream as usize].elements.len() {
                    let element = self.streams[stream as usize].elements[index];
                    let appended = self.enter(self.elements[element as usize].act);
                    if self.order.before(appended, self.acts[act as usize].exit) {
                        self.gather(act, element);
                    }
                }
            }
        }
    }

    fn fold_value(&mut self, act: ActId, arg: &Arg, body: NodeId) {
        let mut at = self.reading(act);
        let datum = match self.datum(&mut at, arg) {
            Ok(datum) => datum,
            Err(stop) => return self.stop(act, stop),
        };
        let list = match datum {
            Datum::One(val) => {
                if val.value.as_array().is_none() {
                    let text = format!(
                        "fold iterates over {}, which is no array",
                        failure::shown(&val.value)
                    );
                    return self.fail(act, &Why::new(code::NOT_ARRAY, text));
                }
                List::Array {
                    value: val.value,
                    tetraplet: val.tetraplet,
                }
            }
            Datum::Canon(canon) => List::Canon(canon),
            Datum::CanonMap(canon) => List::Pairs(self.last_pairs(canon)),
        };
        let flow = self.acts[act as usize].flow;
        let cause = if at.definite {
            flow.cause
        } else {
            Cause::Step(act)
        };
        let flow = Flow {
            cause,
            support: at.support,
            last: flow.last,
        };
        let chain = self.new_chain(act, list, false, at.support);
        if self.chain_length(chain) == 0 {
            return self.complete(act, flow);
        }
        let from = self.acts[act as usize].frame;
        let Some(frame) = self.new_frame(chain, 0, from, None) else {
            return;
        };
        self.tasks.push(Task::Start {
            node: body,
            frame,
            parent: act,
            flow,
        });
    }

    /// The last pair of each key, in the order of these pairs.
    fn last_pairs(&self, canon: u32) -> Box<[ElementId]> {
        let elements = self.canon_elements(self.canons[canon as usize]);
        let mut seen = std::collections::HashSet::new();
        let mut pairs: Vec<ElementId> = elements
            .iter()
            .rev()
            .filter(|id| {
                let key = self.elements[**id as usize].key.as_ref();
                seen.insert(key.map(weir_identity::Value::to_json))
            })
            .copied()
            .collect();
        pairs.reverse();
        pairs.into()
    }

    pub(super) fn next(&mut self, act: ActId, up: u32, in_last: bool, arm: bool) {
        let record = &self.acts[act as usize];
        let (here, flow) = (record.frame, record.flow);
        let frame = self.frame_above(here, up);
        let (chain, index) = (
            self.frames[frame as usize].chain,
            self.frames[frame as usize].index,
        );
        if in_last {
            return self.report(
                "`next` inside the last instruction of its fold would repeat it for ever".into(),
            );
        }
        let Op::Fold { body, last, .. } = self
            .program
            .node(self.acts[self.chains[chain as usize].fold as usize].node)
            .op
        else {
            return;
        };
        if (index as usize) + 1 < self.chain_length(chain) {
            let caller = (frame != here).then_some(here);
            let Some(frame) = self.new_frame(chain, index + 1, here, caller) else {
                return;
            };
            self.tasks.push(Task::Start {
                node: body,
                frame,
                parent: act,
                flow,
            });
        } else if let Some(last) = last {
            if self.through_batch(here, frame) {
                return self.report(
                    "`next` inside a fold over a stream came to the last instruction of an outer fold, which each batch would start".into(),
                );
            }
            if std::mem::replace(&mut self.frames[frame as usize].last_started, true) {
                return self.report(
                    "the last instruction of a fold was reached twice for one element".into(),
                );
            }
            self.tasks.push(Task::Start {
                node: last,
                frame,
                parent: act,
                flow,
            });
        } else if !self.chains[chain as usize].batch && !arm {
            self.complete(act, flow);
        }
    }

    /// A fold sees an element that it has not visited.
    pub(super) fn gather(&mut self, act: ActId, element: ElementId) {
        let cause = self.elements[element as usize].cause;
        let fold = &mut self.folds[self.acts[act as usize].data as usize];
        let next = fold.pending.len();
        let batch = cause.map_or(next, |cause| *fold.batches.entry(cause).or_insert(next));
        if batch == next {
            fold.pending.push(Vec::new());
        }
        fold.pending[batch].push(element);
        if !std::mem::replace(&mut fold.queued, true) {
            let (acts, order) = (&self.acts, &self.order);
            self.ready_folds.push(act, |a, b| {
                order.before(acts[a as usize].enter, acts[b as usize].enter)
            });
        }
    }

    /// Starts a chain for each batch that has gathered.
    pub(super) fn start_batches(&mut self, act: ActId) {
        let record = &self.acts[act as usize];
        let (node, flow, data, from) = (record.node, record.flow, record.data, record.frame);
        let Op::Fold { body, .. } = self.program.node(node).op else {
            return;
        };
        let fold = &mut self.folds[data as usize];
        fold.queued = false;
        fold.batches.clear();
        let mut batches = std::mem::take(&mut fold.pending);
        let mut starts = Vec::with_capacity(batches.len());
        // First, so that what it ends with does not depend on what else is here.
        let is_own = |batch: &Vec<ElementId>| {
            batch
                .first()
                .is_some_and(|id| self.elements[*id as usize].cause == Some(flow.cause))
        };
        if let Some(own) = batches.iter().position(is_own) {
            batches[..=own].rotate_right(1);
        }
        let own = batches.first().is_some_and(is_own);
        for (index, mut batch) in batches.into_iter().enumerate() {
            batch.sort_by(|a, b| {
                let (a, b) = (
                    self.enter(self.elements[*a as usize].act),
                    self.enter(self.elements[*b as usize].act),
                );
                self.order.before(b, a).cmp(&self.order.before(a, b))
            });
            let support = batch.iter().fold(flow.support, |s, e| {
                s.and(self.elements[*e as usize].support, self.base)
            });
            let chain = self.new_chain(act, List::Batch(batch.into()), true, support);
            if index == 0 && own {
                self.folds[data as usize].own.get_or_insert(chain);
            }
            let Some(frame) = self.new_frame(chain, 0, from, None) else {
                break;
            };
            let flow = Flow {
                cause: Cause::Chain(chain),
                support,
                last: flow.last,
            };
            starts.push(Task::Start {
                node: body,
                frame,
                parent: act,
                flow,
            });
        }
        self.tasks.extend(starts.into_iter().rev());
    }

    /// The first complete chain completes a stream fold. A chain that ended
    /// because values did not fit counts as complete, one that ended in a
    /// failed call or `fail` does not.
    pub(super) fn chain_ended(&mut self, act: ActId, outcome: Outcome) {
        let record = &self.acts[act as usize];
        debug_assert_ne!(record.data, NONE, "a stream fold has its state");
        let (data, before) = (record.data as usize, record.flow.last);
        let (Outcome::Complete(flow) | Outcome::Failed(_, flow)) = outcome;
        let fold = &mut self.folds[data];
        if fold.own.is_some_and(|own| flow.cause == Cause::Chain(own)) {
            fold.last = Some(flow.last);
        }
        if let Outcome::Failed(id, _) = outcome
            && self.failures[id as usize].grave
        {
            return;
        }
        if !std::mem::replace(&mut fold.complete, true) {
            let last = fold.last.unwrap_or(before);
            self.complete(
                act,
                Flow {
                    cause: Cause::Step(act),
                    support: flow.support,
                    last,
                },
            );
        }
    }

    /// Whether a batch of a stream lies between two frames: then what comes
    /// first there depends on the order of arrival.
    fn through_batch(&self, inner: FrameId, outer: FrameId) -> bool {
        let mut frame = inner;
        while frame != outer {
            let record = &self.frames[frame as usize];
            if record.chain == NONE {
                return false;
            }
            if self.chains[record.chain as usize].batch {
                return true;
            }
            frame = record.parent;
        }
        false
    }
}
