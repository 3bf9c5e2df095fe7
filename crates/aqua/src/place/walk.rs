//! The walk through the program that puts hops before steps.

use crate::ir::{FrameId, Op, Program, VarId};

use super::facts::{Facts, First};
use super::failure::{Item, settle, settle_at, settle_into};
use super::route::{How, Leg, Map, Position};

/// What comes after an operation, as far as it matters for where to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// The next step.
    pub first: Option<First>,
    /// Whether it is certain that this step is next.
    pub certain: bool,
    /// Whether something there can fail.
    pub fails: bool,
    /// The frame in which it stands.
    pub around: FrameId,
}

impl Rest {
    pub(super) const NOTHING: Self = Self {
        first: None,
        certain: false,
        fails: false,
        around: FrameId::ROOT,
    };
}

/// What is around an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// What comes after it.
    pub rest: Rest,
    /// The innermost `on`.
    pub frame: FrameId,
    /// Where its failures have to be told; nothing if it does not matter.
    pub target: Option<Position>,
}

/// A fold around an operation.
#[derive(Debug)]
pub(super) struct Loop {
    pub item: VarId,
    /// The number of the fold.
    pub index: u32,
    /// Where the fold was entered.
    pub entry: Position,
    /// Where each round starts.
    pub start: Position,
    /// Where rounds fail.
    pub fails: Option<Position>,
    /// Whether it waits for ever after the last round.
    pub never: bool,
    /// The stream that it iterates over.
    pub stream: Option<VarId>,
}

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Walk {
    pub map: Map,
    pub facts: Facts,
    pub loops: Vec<Loop>,
    /// Where the particle is.
    pub at: Position,
}

impl Walk {
    /// Places a whole program.
    pub(super) fn run(program: &Program) -> Program {
        let facts = Facts::of(program);
        let mut walk = Self {
            map: Map::new(program.frames.clone(), facts.extents.clone()),
            facts,
            loops: Vec::new(),
            at: Position::at(FrameId::ROOT),
        };
        let around = Around {
            rest: Rest::NOTHING,
            frame: FrameId::ROOT,
            target: None,
        };
        let body = walk.whole(&program.body, 0, around).op;
        Program {
            body,
            frames: walk.map.into_frames(),
            variables: program.variables.clone(),
        }
    }

    /// Places an operation and makes one of what comes out.
    pub(super) fn whole(&mut self, op: &Op, index: u32, around: Around) -> Item {
        let items = self.items(op, index, around);
        settle(&mut self.map, items, around.target, index)
    }

    pub(super) fn items(&mut self, op: &Op, index: u32, around: Around) -> Vec<Item> {
        let mut items = Vec::new();
        self.place(op, index, around, &mut items);
        items
    }

    /// Places the operation with that number and adds it to `out`, hops included.
    fn place(&mut self, op: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        match op {
            Op::Seq(children) => self.seq(children, index, around, out),
            Op::Par(arms) => {
                let item = self.par(arms, index, around);
                out.push(item);
            }
            Op::Detach(body) => {
                let item = self.detach(body, index, around);
                out.push(item);
            }
            Op::Xor(left, right) => {
                let item = self.xor(left, right, index, around);
                out.push(item);
            }
            Op::Match { body, .. } => {
                let item = self.matching(op, body, index, around);
                out.push(item);
            }
            Op::Fold { item, body, .. } => self.fold(op, *item, body, index, around, out),
            Op::Next(item) => self.next(*item, out),
            Op::New(variables, body) => {
                let item = self.new_variables(variables, body, index, around);
                out.push(item);
            }
            Op::Call { frame, .. } | Op::Canon { frame, .. } => self.step(op, *frame, out),
            Op::On {
                frame,
                body,
                to_relay,
                ..
            } => self.on(*frame, body, *to_relay, index, around, out),
            Op::Null => {}
            _ => out.push(Item {
                op: op.clone(),
                fails: self.facts.of[index as usize].fails.then_some(self.at),
            }),
        }
    }

    /// Goes to the peer of a step.
    fn step(&mut self, op: &Op, frame: FrameId, out: &mut Vec<Item>) {
        let way = self.map.route(self.at, frame);
        push_hops(&way, out);
        self.at = Position::at(frame);
        out.push(Item {
            op: op.clone(),
            fails: Some(self.at),
        });
    }

    fn seq(&mut self, children: &[Op], index: u32, around: Around, out: &mut Vec<Item>) {
        let mut starts = Vec::with_capacity(children.len());
        let mut next = index + 1;
        for _ in children {
            starts.push(next);
            next = self.facts.of[next as usize].end;
        }
        // What comes after each child, the last first.
        let mut rests = vec![around.rest; children.len()];
        for child in (1..children.len()).rev() {
            let fact = self.facts.of[starts[child] as usize];
            let mut rest = rests[child];
            if fact.first.is_some() {
                rest.first = fact.first;
                rest.certain = fact.certain;
                rest.around = around.frame;
            }
            rest.fails |= fact.fails;
            rests[child - 1] = rest;
        }
        for ((child, start), rest) in children.iter().zip(starts).zip(rests) {
            self.place(child, start, Around { rest, ..around }, out);
        }
    }

    fn xor(&mut self, left: &Op, right: &Op, index: u32, around: Around) -> Item {
        let left_index = index + 1;
        let left_fact = self.facts.of[left_index as usize];
        let right_index = left_fact.end;
        let right_fact = self.facts.of[right_index as usize];
        let start = self.at;

        let told = match right_fact.first {
            Some(First::Step(frame)) if right_fact.certain => {
                Position::near(self.map.nameable(frame, left_index))
            }
            _ => start.or(How::Near),
        };
        let matters = right_fact.first.is_some()
            || around.rest.first.is_some()
            || around.target.is_some() && (right_fact.fails || around.rest.fails);
        let left_around = Around {
            target: matters.then_some(told),
            ..around
        };
        let mut left = self.whole(left, left_index, left_around);
        let left_end = left_fact.completes.then_some(self.at);

        self.at = left.fails.unwrap_or(start);
        let mut right = self.whole(right, right_index, around);
        let right_end = right_fact.completes.then_some(self.at);

        match (left_end, right_end) {
            (Some(left_end), Some(right_end)) => {
                let ends = vec![(left_end, &mut left.op), (right_end, &mut right.op)];
                self.join(ends, index..right_fact.end, around);
            }
            (Some(end), None) | (None, Some(end)) => self.at = end,
            (None, None) => {}
        }
        Item {
            op: Op::Xor(Box::new(left.op), Box::new(right.op)),
            fails: right.fails,
        }
    }

    /// Lets branches of which one is taken end in one position. They begin and
    /// end at those points.
    pub(super) fn join(
        &mut self,
        ends: Vec<(Position, &mut Op)>,
        points: std::ops::Range<u32>,
        around: Around,
    ) {
        let mut merged = Some(ends[0].0);
        for (end, _) in &ends[1..] {
            merged = merged.and_then(|merged| self.map.merge(merged, *end, points.start));
        }
        if let Some(position) = merged {
            self.at = position;
            return;
        }
        let next = match self.meeting(around.rest, points.end) {
            Some(frame) => Position::near(frame),
            None => match around.target {
                Some(target) if around.rest.fails => target,
                _ => {
                    self.at = ends[0].0;
                    return;
                }
            },
        };
        for (end, op) in ends {
            let way = self.map.approach(end, next);
            append(op, &way);
        }
        self.at = next;
    }

    /// Where everything that comes before `rest` can meet: the frame of the next
    /// step if that is certain, else the one around it.
    pub(super) fn meeting(&self, rest: Rest, point: u32) -> Option<FrameId> {
        let frame = match rest.first? {
            _ if !rest.certain => rest.around,
            First::Step(frame) => frame,
            First::Next(item) => self.enclosing(item).start.frame,
        };
        Some(self.map.nameable(frame, point))
    }

    pub(super) fn enclosing(&self, item: VarId) -> &Loop {
        let mut loops = self.loops.iter().rev();
        loops
            .find(|outer| outer.item == item)
            .expect("`next` stands in a fold of its item")
    }

    fn matching(&mut self, op: &Op, body: &Op, index: u32, around: Around) -> Item {
        let start = self.at;
        let target = around.target.map(|_| start.or(How::Near));
        let items = self.items(body, index + 1, Around { target, ..around });
        let body = settle_at(&mut self.map, items, target);
        let fails = body.fails.map_or(start, |fails| start.or(fails.how));
        let Op::Match {
            equal, left, right, ..
        } = op
        else {
            unreachable!("the caller has matched it");
        };
        Item {
            op: Op::Match {
                equal: *equal,
                left: left.clone(),
                right: right.clone(),
                body: Box::new(body.op),
            },
            fails: Some(fails),
        }
    }

    fn new_variables(
        &mut self,
        variables: &[VarId],
        body: &Op,
        index: u32,
        around: Around,
    ) -> Item {
        let end = self.facts.of[index as usize].end;
        let completes = self.facts.of[index as usize].completes;
        let mut item = self.whole(body, index + 1, around);
        if let Some(fails) = item.fails {
            item.fails = self.map.blurred(fails, end);
            if item.fails.is_none() {
                item.fails = Some(fails);
                item = settle_at(&mut self.map, vec![item], around.target);
            }
        }
        if completes {
            let (way, at) = self.map.leave(self.at, end);
            append(&mut item.op, &way);
            self.at = at;
        }
        item.op = Op::New(variables.to_vec(), Box::new(item.op));
        item
    }

    fn on(
        &mut self,
        frame: FrameId,
        body: &Op,
        to_relay: bool,
        index: u32,
        around: Around,
        out: &mut Vec<Item>,
    ) {
        let fact = self.facts.of[index as usize + 1];
        let target = self.target_inside(frame, around);
        let relay = if to_relay && fact.moves && fact.completes {
            self.map.relay(frame)
        } else {
            None
        };
        let rest = relay.map_or(around.rest, |relay| Rest {
            first: Some(First::Step(relay)),
            certain: true,
            fails: false,
            around: frame,
        });
        let inside = Around {
            rest,
            frame,
            target,
        };
        let mut items = self.items(body, index + 1, inside);
        if let Some(relay) = relay {
            items.extend(self.enter(relay).into_iter().map(Item::safe));
            self.at = Position::at(relay);
        }
        // What comes before the particle leaves fails outside.
        let outside = items
            .iter()
            .take_while(|item| {
                item.fails
                    .is_none_or(|fails| !self.map.is_inside(fails.frame, frame))
            })
            .count();
        let rest = items.split_off(outside);
        out.append(&mut items);
        settle_into(&mut self.map, rest, target, index, out);
    }

    /// What fails in an `on` first gets to where its own steps fail, so that all
    /// of it has the same way back.
    fn target_inside(&mut self, frame: FrameId, around: Around) -> Option<Position> {
        let target = around.target?;
        if self.map.is_inside(target.frame, frame) {
            return Some(target);
        }
        Some(match self.map.relay(frame) {
            Some(relay) if relay == frame => Position::near(frame),
            Some(relay) => Position::before(relay),
            None => target,
        })
    }
}

pub(super) fn push_hops(way: &[Leg], out: &mut Vec<Item>) {
    out.extend(way.iter().map(|leg| Item::safe(leg.op())));
}

/// Lets hops follow an operation.
pub(super) fn append(op: &mut Op, way: &[Leg]) {
    append_ops(op, way.iter().map(Leg::op));
}

pub(super) fn append_ops(op: &mut Op, more: impl ExactSizeIterator<Item = Op>) {
    if more.len() == 0 {
        return;
    }
    let first = std::mem::replace(op, Op::Null);
    let mut ops = vec![first];
    ops.extend(more);
    *op = super::failure::sequence(ops);
}
