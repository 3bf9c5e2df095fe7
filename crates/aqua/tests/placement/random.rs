//! Random programs do the same on a network where hops matter as everywhere at once.

use proptest::prelude::*;
use weir_aqua::ir::{
    Accessor, Base, Frame, FrameId, Frames, Op, Program, Value, VarId, VarKind, Variable, Via,
};
use weir_aqua::{emit, place};

use crate::{network, notation};

/// Makes a program from bytes; without bytes, the simplest.
struct Random<'b> {
    bytes: &'b [u8],
    frames: Frames,
    variables: Vec<Variable>,
    /// Peers to go to, besides the initiator.
    peers: Vec<Value>,
    /// Scalars that are certainly defined.
    readable: Vec<VarId>,
    frame: FrameId,
    /// How many of them were there before the arms around.
    before_arms: usize,
    /// How many steps there are.
    steps: usize,
    /// Whether nothing may run at once.
    sequential: bool,
    /// Whether nothing may fail unhandled.
    safe: bool,
}

impl<'b> Random<'b> {
    fn program(bytes: &'b [u8], sequential: bool) -> Program {
        let mut random = Self {
            bytes,
            frames: Frames::new(None),
            variables: Vec::new(),
            peers: Vec::new(),
            readable: Vec::new(),
            frame: FrameId::ROOT,
            before_arms: usize::MAX,
            steps: 0,
            sequential,
            safe: false,
        };
        let mut ops = Vec::new();
        let has_relay = random.draw(4) > 0;
        for name in [
            "r0", "p", "q", "r", "s", "vs", "list0", "list1", "list2", "list3",
        ] {
            let variable = random.variable(name);
            ops.push(random.call(Some(variable)));
        }
        random.peers = (0..5).map(|id| VarId(id).into()).collect();
        if has_relay {
            random.frames = Frames::new(Some(VarId(0).into()));
        }
        while !random.bytes.is_empty() {
            ops.push(random.op(4));
        }
        ops.push(random.call(None));
        let handler = Box::new(random.call(None));
        Program {
            body: Op::Xor(Box::new(Op::Seq(ops)), handler),
            frames: random.frames,
            variables: random.variables,
        }
    }

    /// A number below `count`.
    fn draw(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        usize::from(*first) % count
    }

    fn variable(&mut self, name: &str) -> VarId {
        let id = VarId(self.variables.len() as u32);
        let known = self.variables.iter().any(|other| other.name == name);
        let name = if known {
            format!("{name}v{}", id.0)
        } else {
            name.to_owned()
        };
        let kind = VarKind::Scalar;
        self.variables.push(Variable { kind, name });
        id
    }

    fn call(&mut self, output: Option<VarId>) -> Op {
        self.named_call("f", output, Vec::new())
    }

    fn named_call(&mut self, name: &str, output: Option<VarId>, args: Vec<Value>) -> Op {
        // Each step has its own function.
        self.steps += 1;
        let number = self.steps;
        Op::Call {
            frame: self.frame,
            service: Base::String("s".into()).into(),
            function: Base::String(format!("{name}{number}").as_str().into()).into(),
            args,
            output,
            site: None,
        }
    }

    fn step(&mut self) -> Op {
        if self.draw(6) == 1 && !self.safe {
            return self.named_call("bad", None, Vec::new());
        }
        let args = match self.readable.len() {
            0 => Vec::new(),
            count => match self.draw(count + 1) {
                0 => Vec::new(),
                index => vec![self.readable[index - 1].into()],
            },
        };
        let output = (self.draw(2) == 1).then(|| self.variable("x"));
        let op = self.named_call("f", output, args);
        self.readable.extend(output);
        op
    }

    fn relays(&mut self) -> Vec<Via> {
        let one = |id| Via {
            value: VarId(id).into(),
            many: false,
        };
        match self.draw(7) {
            0..=2 => vec![],
            3 => vec![one(3)],
            4 => vec![one(4)],
            5 => vec![one(3), one(4)],
            _ => vec![Via {
                value: VarId(5).into(),
                many: true,
            }],
        }
    }

    fn on(&mut self, depth: usize) -> Op {
        let outer = self.frame;
        let index = self.draw(self.peers.len() + 1);
        let frame = match self.peers.get(index) {
            Some(peer) => {
                let peer = peer.clone();
                let mut via = self.relays();
                if let Base::Variable(id) = peer.base
                    && id.0 > 9
                    && self.draw(3) == 1
                {
                    let mut value = peer.clone();
                    value.lens.push(Accessor::Field("relay".into()));
                    via = vec![Via { value, many: false }];
                }
                self.frames.intern(Frame {
                    parent: Some(outer),
                    peer,
                    via,
                })
            }
            None => FrameId::ROOT,
        };
        // Nobody can tell peers that are not known yet.
        let is_known = match self.frames.get(frame).peer.base {
            Base::Variable(id) => id.0 < 10,
            _ => true,
        };
        let before = if is_known {
            usize::MAX
        } else {
            self.before_arms
        };
        let before = before.min(self.readable.len());
        let untold = self.readable.split_off(before);
        self.frame = frame;
        let body = Box::new(self.op(depth));
        self.frame = outer;
        let found = self.readable.split_off(before);
        self.readable.extend(untold.into_iter().chain(found));
        Op::On { outer, frame, body }
    }

    /// A part whose variables may be undefined after it.
    fn branch(&mut self, depth: usize) -> Op {
        let readable = self.readable.clone();
        let peers = self.peers.clone();
        let op = self.op(depth);
        self.readable = readable;
        self.peers = peers;
        op
    }

    /// A part that does not fail, nor waits for others.
    fn arm(&mut self, depth: usize) -> Op {
        let safe = std::mem::replace(&mut self.safe, true);
        let peers = self.peers.clone();
        let op = self.op(depth);
        self.safe = safe;
        self.peers = peers;
        op
    }

    fn handled(&mut self, depth: usize) -> (Op, Op) {
        let safe = std::mem::replace(&mut self.safe, false);
        let left = self.branch(depth);
        self.safe = safe;
        let right = match self.draw(4) {
            0 => Op::Null,
            1 if !self.safe => Op::Fail(Base::Error.into()),
            _ => self.branch(depth),
        };
        (left, right)
    }

    fn fold(&mut self, depth: usize) -> Op {
        let kind = self.draw(if self.sequential { 2 } else { 3 });
        let rounds = self.draw(4);
        let iterable = VarId(6 + rounds as u32).into();
        let item = self.variable("i");
        let (readable, peers) = (self.readable.clone(), self.peers.clone());
        // Nobody can tell rounds what happens beside their loop.
        self.readable.truncate(self.before_arms);
        self.peers.push(item.into());
        self.peers.push(item.into());
        let next = Op::Next(item);
        let body = match kind {
            0 => Op::Seq(vec![self.op(depth), next]),
            1 => {
                let safe = std::mem::replace(&mut self.safe, false);
                let body = self.op(depth);
                self.safe = safe;
                Op::Xor(Box::new(body), Box::new(next))
            }
            _ => Op::Par(vec![self.op(depth), next]),
        };
        (self.readable, self.peers) = (readable, peers);
        let fold = Op::Fold {
            item,
            iterable,
            body: Box::new(body),
            never: kind > 1,
        };
        if kind == 2 {
            Op::Detach(Box::new(fold))
        } else {
            fold
        }
    }

    /// What runs beside something, and a step that waits for all its results.
    fn beside(&mut self, depth: usize) -> Op {
        let before = self.readable.len();
        let outer = self.before_arms;
        self.before_arms = outer.min(before);
        let beside = if self.draw(2) == 0 {
            let count = 2 + self.draw(2);
            Op::Par((0..count).map(|_| self.arm(depth)).collect())
        } else {
            Op::Detach(Box::new(self.arm(depth)))
        };
        self.before_arms = outer;
        let results: Vec<VarId> = self.readable.drain(before..).collect();
        let mut ops = vec![beside];
        // Results of arms are told to the next step only.
        if matches!(ops[0], Op::Detach(_)) && self.draw(2) == 1 {
            ops.push(self.op(depth));
        }
        if self.draw(3) > 0 {
            let args = results.iter().map(|id| (*id).into()).collect();
            ops.push(self.named_call("join", None, args));
            self.readable.extend(results);
        }
        Op::Seq(ops)
    }

    fn op(&mut self, depth: usize) -> Op {
        if depth == 0 {
            return self.step();
        }
        let depth = depth - 1;
        match self.draw(if self.sequential { 12 } else { 15 }) {
            0 | 1 => self.step(),
            2 | 3 => {
                let count = 2 + self.draw(2);
                Op::Seq((0..count).map(|_| self.op(depth)).collect())
            }
            4..=6 => self.on(depth),
            7 => {
                let (left, right) = self.handled(depth);
                Op::Xor(Box::new(left), Box::new(right))
            }
            8 => {
                let left = Base::Int(1).into();
                let right = Base::Int(i64::from(self.draw(2) == 1)).into();
                let equal = self.draw(2) == 0;
                let (body, right_branch) = self.handled(depth);
                let body = Op::Match {
                    equal,
                    left,
                    right,
                    body: Box::new(body),
                };
                Op::Xor(Box::new(body), Box::new(right_branch))
            }
            9 | 10 => self.fold(depth),
            11 => {
                let mut value = Value::from(VarId(1));
                if self.draw(3) == 1 && !self.safe {
                    value.lens.push(Accessor::Field("none".into()));
                }
                let target = self.variable("y");
                self.peers.push(target.into());
                Op::Ap { value, target }
            }
            _ => self.beside(depth),
        }
    }
}

fn same_everywhere(bytes: &[u8], sequential: bool) -> Result<(), TestCaseError> {
    let program = Random::program(bytes, sequential);
    let placed = place::place(&program);
    let script = emit::air(&placed).expect("AIR reads it");
    let wanted = network::run_everywhere(&program);
    let found = network::run(&placed, &program);
    let texts = || {
        format!(
            "missing {:?}, relays {}\n{}{}",
            wanted
                .steps
                .symmetric_difference(&found.steps)
                .collect::<Vec<_>>(),
            program.frames.get(FrameId::ROOT).via.len(),
            notation::print(&program),
            notation::print(&placed)
        )
    };
    prop_assert!(
        weir_air::parse(&script, &weir_air::Limits::default()).is_ok(),
        "{script}"
    );
    prop_assert!(wanted.steps == found.steps, "{}", texts());
    prop_assert!(
        !sequential || found.lost == 0,
        "{} lost\n{}",
        found.lost,
        texts()
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn steps_in_sequence_are_all_reached(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
        same_everywhere(&bytes, true)?;
    }

    #[test]
    fn steps_at_once_are_all_reached(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
        same_everywhere(&bytes, false)?;
    }
}
