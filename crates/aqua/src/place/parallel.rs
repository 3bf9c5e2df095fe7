//! What runs beside something else.

use std::ops::Range;

use crate::ir::{FrameId, Op};

use super::facts::{Fact, First};
use super::failure::{Item, rethrow, sequence};
use super::route::{How, Leg, Position};
use super::walk::{Around, Rest, Walk, append_ops};

/// An arm in its place.
struct Arm {
    item: Box<Item>,
    fact: Fact,
    end: Position,
    /// Whether its results were brought to where they are used.
    joined: bool,
}

impl Walk {
    #[inline(never)]
    pub(super) fn par(&mut self, arms: &[Op], index: u32, around: Around, out: &mut Vec<Item>) {
        let fact = self.facts.of[index as usize];
        let start = self.at;
        let target = around.target.filter(|_| fact.fails);
        // Does it matter where the other arms end?
        let mut others = around.rest;
        let mut next = index + 1;
        for _ in arms {
            let arm = self.facts.of[next as usize];
            let goes_on = arm.completes
                && (!arm.moves
                    || self
                        .wanted_at(&arm, next, Some(fact.end), around.rest)
                        .is_some());
            if goes_on {
                others = Rest::NOTHING;
            }
            next = arm.end;
        }
        let mut placed = Vec::with_capacity(arms.len());
        let mut next = index + 1;
        for arm in arms {
            self.at = start;
            let arm = self.arm(
                arm,
                next,
                Some(fact.end),
                others,
                Around { target, ..around },
            );
            next = arm.fact.end;
            placed.push(arm);
        }
        self.at = start;
        self.after_par(placed, index, target, around, out);
    }

    #[inline(never)]
    fn after_par(
        &mut self,
        mut arms: Vec<Arm>,
        index: u32,
        target: Option<Position>,
        around: Around,
        out: &mut Vec<Item>,
    ) {
        let end = self.facts.of[index as usize].end;
        self.after_arms(&mut arms, index..end, around);
        let fails = self.fail_together(&mut arms, target, around);
        out.push(Item {
            op: Op::Par(arms.into_iter().map(|arm| arm.item.op).collect()),
            fails,
        });
    }

    /// What runs beside the rest of the program: that goes on where it was.
    #[inline(never)]
    pub(super) fn detach(&mut self, body: &Op, index: u32, around: Around, out: &mut Vec<Item>) {
        let start = self.at;
        let inside = Around {
            target: None,
            ..around
        };
        let arm = self.arm(body, index + 1, None, Rest::NOTHING, inside);
        self.at = start;
        out.push(Item::safe(Op::Detach(Box::new(arm.item.op))));
    }

    /// Places an arm of a `par` that ends at `end`, or what is detached. Its
    /// results are brought to who reads them, be it what comes after all arms
    /// or a later arm.
    fn arm(&mut self, op: &Op, index: u32, end: Option<u32>, other: Rest, around: Around) -> Arm {
        let fact = self.facts.of[index as usize];
        let wanted_at = self.wanted_at(&fact, index, end, around.rest);
        let rest = match wanted_at {
            Some(frame) => Rest {
                first: Some(First::Step(frame)),
                certain: true,
                fails: false,
                around: around.frame,
            },
            None => other,
        };
        let item = self.whole(op, index, Around { rest, ..around });
        self.after_arm(item, index, wanted_at)
    }

    #[inline(never)]
    fn after_arm(&mut self, mut item: Box<Item>, index: u32, wanted_at: Option<FrameId>) -> Arm {
        let fact = self.facts.of[index as usize];
        let mut joined = false;
        if fact.completes && fact.moves {
            self.tell_readers(index, wanted_at, &mut item.op);
        }
        if let Some(frame) = wanted_at.filter(|_| fact.completes && fact.moves) {
            append_ops(&mut item.op, self.enter(frame).into_iter());
            self.at = Position::at(frame);
            joined = true;
        }
        Arm {
            item,
            fact,
            end: self.at,
            joined,
        }
    }

    /// The frame where the results of an arm are used, if they are.
    fn wanted_at(&self, fact: &Fact, index: u32, end: Option<u32>, rest: Rest) -> Option<FrameId> {
        // Rounds start where the fold was entered.
        for outer in self.loops.iter().rev() {
            if let Some(stream) = outer.stream {
                let writes = &self.facts.writes[stream.0 as usize];
                let first = writes.partition_point(|write| *write < index);
                if writes.get(first).is_some_and(|write| *write < fact.end) {
                    return Some(self.map.nameable(outer.entry.frame, index));
                }
            }
        }
        match end {
            Some(end) if fact.wanted > end => self.meeting(rest, end),
            None if fact.wanted > fact.end => {
                let first = self.facts.readers.get(&index).and_then(|all| all.first());
                match first {
                    Some(reader) => Some(self.map.nameable(*reader, fact.end)),
                    None => self.meeting(rest, fact.end),
                }
            }
            _ => None,
        }
    }

    /// The hops to the peer of a frame, that one included.
    pub(super) fn enter(&self, frame: FrameId) -> Vec<Op> {
        let peer = self.map.peer(frame);
        let mut way: Vec<Op> = self.map.route(self.at, frame).iter().map(Leg::op).collect();
        if self.at.how != How::At || self.map.peer(self.at.frame) != peer {
            way.push(Op::Hop(peer.clone()));
        }
        way
    }

    /// Brings the results of an arm to those who wait for them elsewhere than at `joined`.
    fn tell_readers(&self, index: u32, joined: Option<FrameId>, op: &mut Op) {
        let end = self.facts.of[index as usize].end;
        let Some(readers) = self.facts.readers.get(&index) else {
            return;
        };
        for reader in readers {
            let reader = self.map.nameable(*reader, end);
            let told = joined.is_some_and(|joined| self.map.peer(reader) == self.map.peer(joined));
            if told {
                continue;
            }
            let way = self.enter(reader);
            if !way.is_empty() {
                let visit = Op::Detach(Box::new(sequence(way)));
                append_ops(op, [visit].into_iter());
            }
        }
    }

    /// Goes on after the arms: where their results are brought, or else where
    /// one of them certainly is done.
    fn after_arms(&mut self, arms: &mut [Arm], points: Range<u32>, around: Around) {
        let start = self.at;
        let done = |arm: &Arm| arm.fact.completes;
        if let Some(joined) = arms.iter().find(|arm| arm.joined && done(arm)) {
            let frame = joined.end;
            let stayed = arms.iter().any(|arm| done(arm) && !arm.fact.moves);
            if !stayed {
                self.at = frame;
            } else if self.map.is_like(start, Position::near(frame.frame)) {
                self.at = Position::near(frame.frame);
            }
            return;
        }
        let mut stayed = arms
            .iter()
            .filter(|arm| done(arm) && arm.end.frame == start.frame);
        if let Some(arm) = stayed.next() {
            self.at = arm.end;
            return;
        }
        let ends: Vec<(Position, &mut Op)> = arms
            .iter_mut()
            .filter(|arm| arm.fact.completes)
            .map(|arm| (arm.end, &mut arm.item.op))
            .collect();
        if !ends.is_empty() {
            self.join(ends, points, around);
        }
    }

    /// All arms failed: who notices has to know of all of them.
    fn fail_together(
        &mut self,
        arms: &mut Vec<Arm>,
        target: Option<Position>,
        around: Around,
    ) -> Option<Position> {
        let target = target?;
        let mut common = arms[0].item.fails?;
        if arms.iter().all(|arm| {
            arm.item
                .fails
                .is_some_and(|fails| fails.frame == common.frame)
        }) {
            for fails in arms.iter().filter_map(|arm| arm.item.fails) {
                common = common.or(fails.how);
            }
            return Some(common);
        }
        let meeting = if self.map.is_nowhere(target.frame) {
            around.frame
        } else {
            target.frame
        };
        let peer = self.map.peer(meeting).clone();
        for arm in arms {
            let Some(fails) = arm.item.fails else {
                continue;
            };
            let mut way: Vec<Op> = self.map.route(fails, meeting).iter().map(Leg::op).collect();
            if fails != Position::at(meeting) {
                way.push(Op::Hop(peer.clone()));
            }
            if !way.is_empty() {
                let op = std::mem::replace(&mut arm.item.op, Op::Null);
                arm.item.op = rethrow(op, way.into_iter());
            }
        }
        Some(Position::at(meeting))
    }
}
