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
    #[inline(never)]
    pub(super) fn whole(&mut self, op: &Op, index: u32, around: Around) -> Box<Item> {
        let items = self.items(op, index, around);
        self.settled(items, around.target, index)
    }

    #[inline(never)]
    fn settled(&mut self, items: Vec<Item>, target: Option<Position>, point: u32) -> Box<Item> {
        Box::new(settle(&mut self.map, items, target, point))
    }

    #[inline(never)]
    pub(super) fn items(&mut self, op: &Op, index: u32, around: Around) -> Vec<Item> {
        let mut items = Vec::new();
        self.place(op, index, around, &mut items);
        items
    }

    /// Places the operation with that number and adds it to `out`, hops included.
    fn place(&mut self, op: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        match op {
            Op::Seq(children) => self.seq(children, index, around, out),
            Op::Par(arms) => self.par(arms, index, around, out),
            Op::Detach(body) => self.detach(body, index, around, out),
            Op::Xor(left, right) => self.xor(left, right, index, around, out),
            Op::Match { body, .. } => self.matching(op, body, index, around, out),
            Op::Fold { item, body, .. } => self.fold(op, *item, body, index, around, out),
            Op::Next(item) => self.next(*item, out),
            Op::New(variables, body) => self.new_variables(variables, body, index, around, out),
            Op::Call { frame, .. } | Op::Canon { frame, .. } => self.step(op, *frame, out),
            Op::On { frame, body, .. } => self.on(*frame, body, index, around, out),
            Op::Null => {}
            _ => self.stay(op, index, out),
        }
    }

    /// Adds what runs anywhere.
    #[inline(never)]
    fn stay(&self, op: &Op, index: u32, out: &mut Vec<Item>) {
        out.push(Item {
            op: op.clone(),
            fails: self.facts.of[index as usize].fails.then_some(self.at),
        });
    }

    /// Goes to the peer of a step.
    #[inline(never)]
    fn step(&mut self, op: &Op, frame: FrameId, out: &mut Vec<Item>) {
        let way = self.map.route(self.at, frame);
        push_hops(&way, out);
        self.at = Position::at(frame);
        out.push(Item {
            op: op.clone(),
            fails: Some(self.at),
        });
    }

    #[inline(never)]
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

    #[inline(never)]
    fn xor(&mut self, left: &Op, right: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        let start = self.at;
        let left_around = Around {
            target: self.handler(index, around),
            ..around
        };
        let left = self.whole(left, index + 1, left_around);
        let left_end = self.at;
        self.at = left.fails.unwrap_or(start);
        let right_index = self.facts.of[index as usize + 1].end;
        let right = self.whole(right, right_index, around);
        self.after_xor(left, left_end, right, index, around, out);
    }

    /// Where the handler of a `try` expects failures; nowhere if that does not matter.
    #[inline(never)]
    fn handler(&mut self, index: u32, around: Around) -> Option<Position> {
        let left = index as usize + 1;
        let right = self.facts.of[self.facts.of[left].end as usize];
        let matters = right.first.is_some()
            || around.rest.first.is_some()
            || around.target.is_some() && (right.fails || around.rest.fails);
        matters.then(|| match right.first {
            Some(First::Step(frame)) if right.certain => {
                Position::near(self.map.nameable(frame, left as u32))
            }
            _ => self.at.or(How::Near),
        })
    }

    #[inline(never)]
    #[allow(
        clippy::boxed_local,
        reason = "unboxed they would lie on the stack of `xor`"
    )]
    fn after_xor(
        &mut self,
        mut left: Box<Item>,
        left_end: Position,
        mut right: Box<Item>,
        index: u32,
        around: Around,
        out: &mut Vec<Item>,
    ) {
        let left_fact = self.facts.of[index as usize + 1];
        let right_fact = self.facts.of[left_fact.end as usize];
        match (left_fact.completes, right_fact.completes) {
            (true, true) => {
                let ends = vec![(left_end, &mut left.op), (self.at, &mut right.op)];
                self.join(ends, index..right_fact.end, around);
            }
            (true, false) => self.at = left_end,
            (false, _) => {}
        }
        out.push(Item {
            op: Op::Xor(Box::new(left.op), Box::new(right.op)),
            fails: right.fails,
        });
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

    #[inline(never)]
    fn matching(&mut self, op: &Op, body: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        let start = self.at;
        let target = around.target.map(|_| start.or(How::Near));
        let items = self.items(body, index + 1, Around { target, ..around });
        self.after_match(op, items, start, target, out);
    }

    #[inline(never)]
    fn after_match(
        &mut self,
        op: &Op,
        items: Vec<Item>,
        start: Position,
        target: Option<Position>,
        out: &mut Vec<Item>,
    ) {
        let body = settle_at(&mut self.map, items, target);
        let fails = body.fails.map_or(start, |fails| start.or(fails.how));
        let Op::Match {
            equal, left, right, ..
        } = op
        else {
            unreachable!("the caller has matched it");
        };
        out.push(Item {
            op: Op::Match {
                equal: *equal,
                left: left.clone(),
                right: right.clone(),
                body: Box::new(body.op),
            },
            fails: Some(fails),
        });
    }

    #[inline(never)]
    fn new_variables(
        &mut self,
        variables: &[VarId],
        body: &Op,
        index: u32,
        around: Around,
        out: &mut Vec<Item>,
    ) {
        let item = self.whole(body, index + 1, around);
        self.after_new(variables, *item, index, around.target, out);
    }

    #[inline(never)]
    fn after_new(
        &mut self,
        variables: &[VarId],
        mut item: Item,
        index: u32,
        target: Option<Position>,
        out: &mut Vec<Item>,
    ) {
        let fact = self.facts.of[index as usize];
        if let Some(fails) = item.fails {
            item.fails = self.map.blurred(fails, fact.end);
            if item.fails.is_none() {
                item.fails = Some(fails);
                item = settle_at(&mut self.map, vec![item], target);
            }
        }
        if fact.completes {
            let (way, at) = self.map.leave(self.at, fact.end);
            append(&mut item.op, &way);
            self.at = at;
        }
        item.op = Op::New(variables.to_vec(), Box::new(item.op));
        out.push(item);
    }

    #[inline(never)]
    fn on(&mut self, frame: FrameId, body: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        let target = self.target_inside(frame, around);
        let inside = Around {
            frame,
            target,
            ..around
        };
        let items = self.items(body, index + 1, inside);
        self.after_on(frame, items, target, index, out);
    }

    #[inline(never)]
    fn after_on(
        &mut self,
        frame: FrameId,
        mut items: Vec<Item>,
        target: Option<Position>,
        index: u32,
        out: &mut Vec<Item>,
    ) {
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
