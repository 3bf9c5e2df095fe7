//! Failures: where they happen, and how they get to who handles them.
//!
//! A peer on which a step fails goes on with the handler itself. The handler is
//! placed for one position, so all failures that it sees must come from there.
//! A run of operations that fail elsewhere is wrapped: its failures make the
//! hops to that position and fail again.

use crate::ir::{Base, Op};

use super::route::{Leg, Map, Position};

/// An operation in its place.
#[derive(Debug)]
pub(super) struct Item {
    pub op: Op,
    /// Where the particle is when it fails, if it can.
    pub fails: Option<Position>,
}

impl Item {
    pub(super) fn safe(op: Op) -> Self {
        Self { op, fails: None }
    }
}

/// Operations one after the other.
pub(super) fn sequence(ops: Vec<Op>) -> Op {
    let mut flat = Vec::with_capacity(ops.len());
    for op in ops {
        match op {
            Op::Seq(inner) => flat.extend(inner),
            Op::Null => {}
            op => flat.push(op),
        }
    }
    match flat.len() {
        0 => Op::Null,
        1 => flat.pop().expect("there is one"),
        _ => Op::Seq(flat),
    }
}

/// Where all of them fail, if it is one place. What is only known after `point`
/// may not be known to all of them.
fn common(map: &mut Map, items: &[Item], point: u32) -> Result<Option<Position>, ()> {
    let mut common: Option<Position> = None;
    for fails in items.iter().filter_map(|item| item.fails) {
        common = Some(match common {
            None => fails,
            Some(before) => map.merge(before, fails, point).ok_or(())?,
        });
    }
    Ok(common)
}

/// Makes one operation of several that fails in one place, if it fails.
/// Unless that is so already, the place is the target.
pub(super) fn settle(
    map: &mut Map,
    items: Vec<Item>,
    target: Option<Position>,
    point: u32,
) -> Item {
    match common(map, &items, point) {
        _ if target.is_none() => Item::safe(join(items)),
        Ok(fails) => Item {
            op: join(items),
            fails,
        },
        Err(()) => settle_at(map, items, target),
    }
}

/// Adds the operations to others; as one if they fail in different places.
pub(super) fn settle_into(
    map: &mut Map,
    items: Vec<Item>,
    target: Option<Position>,
    point: u32,
    out: &mut Vec<Item>,
) {
    if target.is_none() || common(map, &items, point).is_ok() {
        out.extend(items);
    } else {
        let item = settle_at(map, items, target);
        out.push(item);
    }
}

/// Makes one operation of several that fails at the target, if it fails.
pub(super) fn settle_at(map: &mut Map, items: Vec<Item>, target: Option<Position>) -> Item {
    let Some(target) = target else {
        return Item::safe(join(items));
    };
    let mut ops = Vec::new();
    let mut run = Run::default();
    let mut fails = None;
    let mut last: Option<(Position, Vec<Leg>)> = None;
    for item in items {
        let Some(position) = item.fails else {
            run.safe.push(item.op);
            continue;
        };
        let way = match last.take() {
            Some((before, way)) if before == position => way,
            _ => map.approach(position, target),
        };
        let then = if position.frame == target.frame && way.is_empty() {
            position
        } else {
            target
        };
        fails = Some(fails.map_or(then, |before: Position| before.or(then.how)));
        if way != run.way {
            run.end(&mut ops);
            run.way.clone_from(&way);
        }
        run.ops.append(&mut run.safe);
        run.ops.push(item.op);
        last = Some((position, way));
    }
    run.end(&mut ops);
    ops.append(&mut run.safe);
    Item {
        op: sequence(ops),
        fails,
    }
}

/// Operations with the same way back.
#[derive(Default)]
struct Run {
    ops: Vec<Op>,
    /// What follows and cannot fail: it may as well stand outside.
    safe: Vec<Op>,
    way: Vec<Leg>,
}

impl Run {
    fn end(&mut self, out: &mut Vec<Op>) {
        let ops = std::mem::take(&mut self.ops);
        if self.way.is_empty() {
            out.extend(ops);
        } else if !ops.is_empty() {
            out.push(rethrow(sequence(ops), self.way.iter().map(Leg::op)));
        }
    }
}

/// The operation; if it fails, the hops, and the same failure.
pub(super) fn rethrow(op: Op, hops: impl Iterator<Item = Op>) -> Op {
    let mut back: Vec<Op> = hops.collect();
    back.push(Op::Fail(Base::Error.into()));
    Op::Xor(Box::new(op), Box::new(sequence(back)))
}

fn join(items: Vec<Item>) -> Op {
    sequence(items.into_iter().map(|item| item.op).collect())
}
