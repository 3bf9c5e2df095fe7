//! The way from one place to another, and which places can be named where.

use hashbrown::HashMap;

use crate::ir::{Base, Frame, FrameId, Frames, Op, Value, Via};

use super::facts::Extent;

/// Where the particle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The place.
    pub frame: FrameId,
    /// How close to its peer.
    pub how: How,
}

/// How close the particle is to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// There.
    At,
    /// There, or at the last relay before it, or at a peer behind the same relays.
    Near,
    /// Anywhere from where the peer can be reached directly: it has to be passed
    /// to get to any other.
    Before,
}

impl Position {
    pub(super) fn at(frame: FrameId) -> Self {
        let how = How::At;
        Self { frame, how }
    }

    pub(super) fn near(frame: FrameId) -> Self {
        let how = How::Near;
        Self { frame, how }
    }

    pub(super) fn before(frame: FrameId) -> Self {
        let how = How::Before;
        Self { frame, how }
    }

    /// What holds of the particle if it may also be less close.
    pub(super) fn or(self, how: How) -> Self {
        Self {
            how: self.how.max(how),
            ..self
        }
    }
}

/// A hop of a route.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// Which peers.
    pub via: Via,
    /// Whether a collection is passed from its last element to its first.
    pub reversed: bool,
    /// Of which frame it is a relay, and which of its relays.
    relay_of: (FrameId, usize),
}

/// Legs are equal if the hops are.
impl PartialEq for Leg {
    fn eq(&self, other: &Self) -> bool {
        self.via == other.via && self.reversed == other.reversed
    }
}

impl Leg {
    /// A hop to the peer of a frame.
    fn to(frame: FrameId, peer: &Value) -> Self {
        Self {
            via: Via {
                value: peer.clone(),
                many: false,
            },
            reversed: false,
            relay_of: (frame, usize::MAX),
        }
    }

    pub(super) fn op(&self) -> Op {
        if self.via.many {
            Op::HopEach {
                peers: self.via.value.clone(),
                reversed: self.reversed,
            }
        } else {
            Op::Hop(self.via.value.clone())
        }
    }
}

/// What is known of a frame.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// How many frames are around it.
    depth: u32,
    /// Where the variables of its relays can be read.
    via: Extent,
    /// Where all its variables can be read, and those of the frames around it.
    all: Extent,
}

/// All frames, with what routing needs of them.
#[derive(Debug)]
pub(super) struct Map {
    frames: Frames,
    known: Vec<Known>,
    /// Where each variable can be read.
    extents: Vec<Extent>,
}

impl Map {
    /// `extents` tells for each variable where it can be read.
    pub(super) fn new(frames: Frames, extents: Vec<Extent>) -> Self {
        let mut map = Self {
            frames,
            known: Vec::new(),
            extents,
        };
        map.learn();
        map
    }

    pub(super) fn into_frames(self) -> Frames {
        self.frames
    }

    pub(super) fn peer(&self, frame: FrameId) -> &Value {
        &self.frames.get(frame).peer
    }

    /// Learns of the frames that were made since.
    fn learn(&mut self) {
        for index in self.known.len()..self.frames.len() {
            let frame = self.frames.get(FrameId(index as u32));
            let extent = |value| extent(&self.extents, value);
            let peer = extent(&frame.peer);
            let via = frame
                .via
                .iter()
                .fold(Extent::EVERYWHERE, |all, via| all.and(extent(&via.value)));
            let known = match frame.parent.map(|parent| self.known[parent.0 as usize]) {
                Some(parent) => Known {
                    depth: parent.depth + 1,
                    via,
                    all: parent.all.and(peer).and(via),
                },
                // The relay of the initiator is fetched before anything moves.
                None => Known {
                    depth: 0,
                    via: Extent::EVERYWHERE,
                    all: Extent::EVERYWHERE,
                },
            };
            self.known.push(known);
        }
    }

    fn intern(&mut self, frame: Frame) -> FrameId {
        let id = self.frames.intern(frame);
        self.learn();
        id
    }

    fn known(&self, frame: FrameId) -> Known {
        self.known[frame.0 as usize]
    }

    fn parent(&self, frame: FrameId) -> Option<FrameId> {
        self.frames.get(frame).parent
    }

    /// Whether a frame is `around` or somewhere in it.
    pub(super) fn is_inside(&self, mut frame: FrameId, around: FrameId) -> bool {
        let depth = self.known(around).depth;
        while self.known(frame).depth > depth {
            frame = self.parent(frame).expect("the depth is not 0");
        }
        frame == around
    }

    /// The hops that a step in `to` needs, without that to its own peer.
    pub(super) fn route(&self, from: Position, to: FrameId) -> Vec<Leg> {
        if from.frame == to || self.is_same_peer(from.frame, to) {
            return Vec::new();
        }
        self.path(from, to).legs
    }

    /// The hops after which the particle is at least as close as `to`, if that
    /// does not say that it is there.
    pub(super) fn approach(&self, from: Position, to: Position) -> Vec<Leg> {
        let to = match to.how {
            How::Before => return self.route(from, to.frame),
            _ => to.frame,
        };
        let peer = self.peer(to);
        if from.frame == to && from.how != How::Before
            || from == Position::at(from.frame) && self.is_same_peer(from.frame, to)
        {
            return Vec::new();
        }
        if self.is_same_peer(from.frame, to) {
            return vec![Leg::to(to, peer)];
        }
        let Path {
            mut legs, ended, ..
        } = self.path(from, to);
        if ended {
            legs.push(Leg::to(to, peer));
        }
        legs
    }

    fn is_same_peer(&self, left: FrameId, right: FrameId) -> bool {
        self.peer(left) == self.peer(right) && !self.is_nowhere(left)
    }

    /// The path between places of different peers.
    fn path(&self, from: Position, to: FrameId) -> Path<'_> {
        let start = self.peer(from.frame);
        let mut path = Path::new(start, self.peer(to));
        let (back, forth) = self.apart(from.frame, to);
        // Out of a frame, or back into it, only its last relay is passed.
        if back.is_empty() {
            self.pass_last(&mut path, from.frame);
        }
        for id in back {
            for (index, via) in self.frames.get(id).via.iter().enumerate().rev() {
                path.push(via, true, (id, index));
            }
        }
        let enters = forth.is_empty();
        for id in forth.into_iter().rev() {
            for (index, via) in self.frames.get(id).via.iter().enumerate() {
                path.push(via, false, (id, index));
            }
        }
        if enters {
            self.pass_last(&mut path, to);
        }
        let passed = match from.how {
            How::At => None,
            How::Near => path.start_again.take(),
            How::Before => Some(Leg::to(from.frame, start)),
        };
        path.legs.splice(0..0, passed);
        path
    }

    fn pass_last<'a>(&'a self, path: &mut Path<'a>, id: FrameId) {
        let relays = &self.frames.get(id).via;
        if let Some((last, before)) = relays.split_last() {
            let relay_of = (id, before.len());
            if last.many {
                // The last of a collection has no name of its own.
                path.push(last, true, relay_of);
            }
            path.push(last, false, relay_of);
        }
    }

    /// The frames around the one that are not around the other, from inner to outer.
    fn apart(&self, left: FrameId, right: FrameId) -> (Vec<FrameId>, Vec<FrameId>) {
        let (mut left, mut right) = (Some(left), Some(right));
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        while left != right {
            let depth = |frame: Option<FrameId>| frame.map(|frame| self.known(frame).depth);
            let (left_depth, right_depth) = (depth(left), depth(right));
            if left_depth >= right_depth {
                let id = left.expect("it is the deeper one");
                lefts.push(id);
                left = self.parent(id);
            }
            if right_depth >= left_depth {
                let id = right.expect("it is the deeper one");
                rights.push(id);
                right = self.parent(id);
            }
        }
        (lefts, rights)
    }

    /// The last relay on the way to a frame, if there is one: the peer from
    /// where everything in that frame is reached.
    pub(super) fn relay(&mut self, mut frame: FrameId) -> Option<FrameId> {
        loop {
            let Frame { parent, via, .. } = self.frames.get(frame);
            match via.last() {
                Some(via) if via.many => return None,
                Some(via) => {
                    let peer = via.value.clone();
                    return Some(self.intern(Frame {
                        parent: Some(frame),
                        peer,
                        via: Vec::new(),
                    }));
                }
                None => frame = (*parent)?,
            }
        }
    }

    /// Whether the hop can be made at that point of the program.
    pub(super) fn can_pass(&self, leg: &Leg, point: u32) -> bool {
        extent(&self.extents, &leg.via.value).has(point)
    }

    /// Whether all variables of a frame can be read at that point.
    pub(super) fn is_known(&self, frame: FrameId, point: u32) -> bool {
        self.known(frame).all.has(point)
    }

    /// The place after a hop; none after the hops of a collection.
    pub(super) fn after(&mut self, leg: &Leg, point: u32) -> Option<FrameId> {
        if leg.via.many {
            return None;
        }
        let (id, index) = leg.relay_of;
        if index == usize::MAX {
            return Some(id);
        }
        let frame = self.frames.get(id);
        let is_last = index + 1 == frame.via.len();
        let (parent, via) = if is_last && self.is_known(id, point) {
            (Some(id), Vec::new())
        } else {
            (frame.parent, frame.via[..index].to_vec())
        };
        Some(self.intern(Frame {
            parent,
            peer: leg.via.value.clone(),
            via,
        }))
    }

    /// The innermost frame around this one that can be named at that point, or itself.
    pub(super) fn nameable(&self, mut frame: FrameId, point: u32) -> FrameId {
        while !self.is_known(frame, point) || self.is_nowhere(frame) {
            match self.parent(frame) {
                Some(parent) => frame = parent,
                None => return FrameId::ROOT,
            }
        }
        frame
    }

    /// Whether the peer of the frame is not known any more.
    pub(super) fn is_nowhere(&self, frame: FrameId) -> bool {
        self.peer(frame).base == Base::Empty
    }

    fn nowhere(&mut self, parent: Option<FrameId>, via: Vec<Via>) -> FrameId {
        self.intern(Frame {
            parent,
            peer: Base::Empty.into(),
            via,
        })
    }

    /// The same place for whom it does not matter which peer it is, if its
    /// relays can be named at that point.
    pub(super) fn blurred(&mut self, position: Position, point: u32) -> Option<Position> {
        let id = position.frame;
        if self.is_known(id, point) {
            return Some(position);
        }
        let frame = self.frames.get(id);
        let parent_known = frame
            .parent
            .is_none_or(|parent| self.is_known(parent, point));
        if position.how == How::Before || !parent_known || !self.known(id).via.has(point) {
            return None;
        }
        let (parent, via) = (frame.parent, frame.via.clone());
        Some(Position::near(self.nowhere(parent, via)))
    }

    /// A place that can be named at that point and the hops to it, the fewest possible.
    pub(super) fn leave(&mut self, position: Position, point: u32) -> (Vec<Leg>, Position) {
        if let Some(position) = self.blurred(position, point) {
            return (Vec::new(), position);
        }
        let mut outermost = position.frame;
        while let Some(parent) = self.parent(outermost)
            && !self.is_known(parent, point)
        {
            outermost = parent;
        }
        let parent = self.parent(outermost);
        let outside = self.nowhere(parent, Vec::new());
        (self.route(position, outside), Position::near(outside))
    }

    /// A place as which both can go on without a hop, if there is one that can
    /// be named at that point.
    pub(super) fn merge(
        &mut self,
        left: Position,
        right: Position,
        point: u32,
    ) -> Option<Position> {
        if left.frame == right.frame {
            return Some(left.or(right.how));
        }
        let (left, right) = (self.blurred(left, point)?, self.blurred(right, point)?);
        for (from, to) in [(left, right), (right, left)] {
            if self.is_like(from, to) {
                return Some(to.or(How::Near));
            }
        }
        None
    }

    /// Whether the particle is as close as `like`, which does not say that it is there.
    pub(super) fn is_like(&self, position: Position, like: Position) -> bool {
        self.approach(position, like).is_empty()
    }
}

/// Where all variables of a value can be read.
fn extent(extents: &[Extent], value: &Value) -> Extent {
    value.variables().fold(Extent::EVERYWHERE, |all, variable| {
        all.and(extents[variable.0 as usize])
    })
}

/// A route in the making: no peer stands in it twice.
struct Path<'a> {
    start: &'a Value,
    end: &'a Value,
    legs: Vec<Leg>,
    /// How many legs there are up to a peer, itself included.
    seen: HashMap<&'a Value, usize>,
    /// Where the peer of the start was passed again.
    start_again: Option<Leg>,
    ended: bool,
}

impl<'a> Path<'a> {
    fn new(start: &'a Value, end: &'a Value) -> Self {
        Self {
            start,
            end,
            legs: Vec::new(),
            seen: HashMap::new(),
            start_again: None,
            ended: false,
        }
    }

    fn push(&mut self, via: &'a Via, reversed: bool, relay_of: (FrameId, usize)) {
        let value = &via.value;
        let leg = Leg {
            via: via.clone(),
            reversed,
            relay_of,
        };
        if via.many {
            if !self.ended {
                self.legs.push(leg);
            }
            return;
        }
        if value == self.start {
            self.cut(0);
            self.start_again = Some(leg);
            self.ended = false;
        } else if value == self.end {
            // What comes between the end and the end is a cycle.
            self.ended = true;
        } else if !self.ended {
            if let Some(length) = self.seen.get(value) {
                self.cut(*length);
            } else {
                self.legs.push(leg);
                self.seen.insert(value, self.legs.len());
            }
        }
    }

    fn cut(&mut self, length: usize) {
        for leg in self.legs.drain(length..) {
            self.seen.remove(&leg.via.value);
        }
    }
}
