//! Folds: what has to hold between one round and the next.
//!
//! The body is placed once, but its hops are made in each round, so each round
//! has to start in the same position, or in one from where the same hops lead on.

use crate::ir::{Base, FrameId, Op, VarId};

use super::facts::First;
use super::failure::{Item, settle_at};
use super::route::{How, Leg, Position};
use super::walk::{Around, Loop, Rest, Walk, append, push_hops};

impl Walk {
    #[inline(never)]
    pub(super) fn fold(
        &mut self,
        op: &Op,
        item: VarId,
        body: &Op,
        index: u32,
        around: Around,
        out: &mut Vec<Item>,
    ) {
        let Op::Fold {
            iterable, never, ..
        } = op
        else {
            unreachable!("the caller has matched it");
        };
        let fact = self.facts.of[index as usize];
        let body_fact = self.facts.of[index as usize + 1];
        let entry = self.at;
        // The iterable itself is read where the fold is entered.
        let own = super::facts::can_fail(iterable);
        let start = match body_fact.first {
            Some(First::Step(frame)) if body_fact.moves => self.start(frame, index, out),
            Some(First::Next(outer)) if body_fact.moves && outer != item => {
                let frame = self.enclosing(outer).start.frame;
                self.start(frame, index, out)
            }
            _ => entry.or(How::Near),
        };
        let target = match around.target {
            Some(_) if own => Some(start),
            target => target,
        };
        let stream = match iterable.base {
            Base::Variable(variable) if !self.facts.writes[variable.0 as usize].is_empty() => {
                Some(variable)
            }
            _ => None,
        };
        self.loops.push(Loop {
            item,
            index,
            entry,
            start,
            fails: target.filter(|_| body_fact.fails),
            never: *never,
            stream,
        });
        self.at = start;
        let rest = if *never {
            around.rest
        } else {
            Rest {
                first: Some(First::Next(item)),
                certain: true,
                fails: false,
                around: around.frame,
            }
        };
        let inside = Around {
            rest,
            target,
            ..around
        };
        let items = self.items(body, index + 1, inside);
        let mut body = settle_at(&mut self.map, items, target);
        if *never {
            if body_fact.completes {
                let (way, at) = self.map.leave(self.at, fact.end);
                append(&mut body.op, &way);
                self.at = at;
            }
        } else {
            if body_fact.completes {
                let way = self.way_to_round(start, fact.end);
                append(&mut body.op, &way);
            }
            self.at = start;
        }
        self.loops.pop();
        let mut fails = body.fails;
        if own && target.is_some() {
            fails = Some(start);
        }
        out.push(Item {
            op: Op::Fold {
                item,
                iterable: iterable.clone(),
                body: Box::new(body.op),
                never: *never,
            },
            fails,
        });
    }

    /// Goes as far towards the first step of a body as is possible without what
    /// is only known inside. The position in which rounds start.
    fn start(&mut self, first: FrameId, index: u32, out: &mut Vec<Item>) -> Position {
        let way = self.map.route(self.at, first);
        let known = way
            .iter()
            .take_while(|leg| self.map.can_pass(leg, index))
            .count();
        if known == way.len()
            && self.map.is_known(first, index)
            && self.map.approach(self.at, Position::near(first)) == way
        {
            push_hops(&way, out);
            return Position::near(first);
        }
        for last in way[..known].iter().rev() {
            if let Some(start) = self.map.after(last, index)
                && self.map.is_known(start, index)
            {
                // A relay that every round passes itself is not entered before.
                let again = self.map.route(Position::near(start), first);
                let start = if again.first().is_some_and(|leg| leg.via == last.via) {
                    Position::before(start)
                } else {
                    Position::near(start)
                };
                push_hops(&self.map.approach(self.at, start), out);
                return start;
            }
        }
        self.at.or(How::Near)
    }

    /// The hops after which a round can start.
    fn way_to_round(&mut self, start: Position, point: u32) -> Vec<Leg> {
        let (way, outside) = self.map.leave(self.at, point);
        if self.map.is_like(outside, start) {
            return way;
        }
        self.map.approach(self.at, start)
    }

    #[inline(never)]
    pub(super) fn next(&mut self, item: VarId, out: &mut Vec<Item>) {
        let around = self.enclosing(item);
        let (start, index, fails, never) = (around.start, around.index, around.fails, around.never);
        let way = self.way_to_round(start, index);
        push_hops(&way, out);
        if !never {
            self.at = start;
        }
        out.push(Item {
            op: Op::Next(item),
            fails,
        });
    }
}
