//! The flow of control: how the end of an activation moves its parent.

use weir_air::NodeId;

use super::machine::{Delivery, Machine, Notice, Task};
use super::program::{Op, Over};
use super::state::{ActId, Cause, Flow, NONE, Outcome, Sides, Slot};

impl Machine {
    /// Tells the parent how an activation ended.
    pub(super) fn settle(&mut self, act: ActId, outcome: Outcome) {
        let record = &mut self.acts[act as usize];
        debug_assert!(!record.settled, "an activation ends once");
        if record.settled {
            return;
        }
        record.settled = true;
        let (node, frame, parent) = (record.node, record.frame, record.parent);
        if parent == NONE {
            if let Outcome::Failed(id, flow) = outcome {
                let failure = &self.failures[id as usize];
                self.errors.push(Notice {
                    code: failure.code,
                    message: failure.message.to_string(),
                });
                // No step is left that would carry the news to who started it.
                if self.me.is_some_and(|me| me != self.init) {
                    self.deliveries.push(Delivery {
                        peer: self.init,
                        support: flow.support,
                    });
                }
            }
            self.outcome = Some(outcome);
            return;
        }
        let parent_node = self.acts[parent as usize].node;
        let program = self.program.clone();
        match &program.node(parent_node).op {
            Op::Seq(left, right) if *left == node => match outcome {
                Outcome::Complete(flow) => {
                    self.tasks.push(Task::Start {
                        node: *right,
                        frame,
                        parent,
                        flow,
                    });
                }
                Outcome::Failed(_, flow) => {
                    self.exclude(*right, frame, flow.support);
                    self.tasks.push(Task::Settle(parent, outcome));
                }
            },
            Op::Xor { left, right, error } if *left == node => match outcome {
                Outcome::Complete(flow) => {
                    self.exclude(*right, frame, flow.support);
                    self.tasks.push(Task::Settle(parent, outcome));
                }
                Outcome::Failed(id, flow) => {
                    let slot = self.frames[frame as usize].slots + error;
                    self.slots[slot as usize] = Slot::Error(id);
                    self.tasks.push(Task::Start {
                        node: *right,
                        frame,
                        parent,
                        flow,
                    });
                }
            },
            Op::Par(left, _) => self.side_ended(parent, *left == node, outcome),
            Op::Fold {
                over: Over::Stream(_),
                ..
            } => self.chain_ended(parent, outcome),
            _ => self.tasks.push(Task::Settle(parent, outcome)),
        }
    }

    pub(super) fn start_par(&mut self, act: ActId, left: NodeId) {
        let record = &self.acts[act as usize];
        let (frame, flow) = (record.frame, record.flow);
        let sides = Sides {
            left: None,
            right: None,
            right_flow: flow,
            started: false,
        };
        self.sides.push(sides);
        self.acts[act as usize].data = self.sides.len() as u32 - 1;
        self.tasks.push(Task::Decide(act));
        self.tasks.push(Task::Right(act));
        self.tasks.push(Task::Start {
            node: left,
            frame,
            parent: act,
            flow,
        });
    }

    /// Starts the right side, after the left has run as far as it goes without
    /// waiting: what failed there by then is what `%last_error%` shows here.
    pub(super) fn start_right(&mut self, act: ActId) {
        let record = &self.acts[act as usize];
        let (node, frame, mut flow) = (record.node, record.frame, record.flow);
        let Op::Par(_, right) = self.program.node(node).op else {
            return;
        };
        let sides = &mut self.sides[record.data as usize];
        if let Some(ended) = sides.left.and_then(|left| at_once(left, flow.cause)) {
            flow.last = ended.last;
        }
        sides.right_flow = flow;
        self.tasks.push(Task::Start {
            node: right,
            frame,
            parent: act,
            flow,
        });
    }

    pub(super) fn decide(&mut self, act: ActId) {
        let data = self.acts[act as usize].data as usize;
        self.sides[data].started = true;
        self.join(act);
    }

    fn side_ended(&mut self, act: ActId, left: bool, outcome: Outcome) {
        let sides = &mut self.sides[self.acts[act as usize].data as usize];
        if left {
            sides.left = Some(outcome);
        } else {
            sides.right = Some(outcome);
        }
        if sides.started {
            self.join(act);
        }
    }

    /// Completes a `par` with its first complete side, fails it when both failed.
    fn join(&mut self, act: ActId) {
        let record = &self.acts[act as usize];
        if record.settled {
            return;
        }
        let entry = record.flow;
        let sides = self.sides[record.data as usize];
        let right_at_once = sides.right.and_then(|side| at_once(side, entry.cause));
        let last = right_at_once.map_or(sides.right_flow.last, |flow| flow.last);
        let complete = |side: Option<Outcome>| match side {
            Some(Outcome::Complete(flow)) => Some(flow),
            _ => None,
        };
        let done = match (complete(sides.left), complete(sides.right)) {
            (Some(left), _) if left.cause == entry.cause => Some(left),
            (_, Some(right)) if right.cause == entry.cause => Some(right),
            (left, right) => left.or(right),
        };
        if let Some(flow) = done {
            let cause = if flow.cause == entry.cause {
                entry.cause
            } else {
                Cause::Step(act)
            };
            self.complete(
                act,
                Flow {
                    cause,
                    support: flow.support,
                    last,
                },
            );
        } else if let (Some(Outcome::Failed(_, left)), Some(Outcome::Failed(id, right))) =
            (sides.left, sides.right)
        {
            let support = left.support.and(right.support, self.base);
            let at_once = left.cause == entry.cause && right.cause == entry.cause;
            let cause = if at_once {
                entry.cause
            } else {
                Cause::Step(act)
            };
            let last = if self.failures[id as usize].last.is_some() {
                id
            } else {
                last
            };
            self.tasks.push(Task::Settle(
                act,
                Outcome::Failed(
                    id,
                    Flow {
                        cause,
                        support,
                        last,
                    },
                ),
            ));
        }
    }
}

/// The point where a side ended, if it got there without waiting.
fn at_once(side: Outcome, cause: Cause) -> Option<Flow> {
    let (Outcome::Complete(flow) | Outcome::Failed(_, flow)) = side;
    (flow.cause == cause).then_some(flow)
}
