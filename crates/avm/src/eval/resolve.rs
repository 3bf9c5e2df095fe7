//! Resolving names: from an AIR script to a [`Program`].

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use weir_air::{
    Accessor, FailOperand, Instruction, Lens, NodeId, Operand, Script, Variable, VariableKind,
};
use weir_identity::Value;

use super::program::{
    Arg, CanonForm, Node, Op, Output, Over, Path, Place, Program, Read, Site, Step,
};

struct Scope {
    depth: u32,
    slots: u32,
    /// Index of the enclosing scope.
    outer: usize,
    /// What was defined in the scope, to be forgotten when it closes.
    defined: Vec<Name>,
}

/// A name, and the innermost `new` of it around its uses.
type Name = (Variable, Option<NodeId>);

struct Open {
    node: NodeId,
    end: NodeId,
    scope: usize,
}

pub(super) struct Resolver<'a> {
    script: &'a Script,
    parents: Vec<Option<NodeId>>,
    /// Highest ancestor reached through instructions that wait for their
    /// children (first) and through those that cannot skip them (second).
    tops: Vec<(NodeId, NodeId)>,
    /// For each node the innermost `xor` whose right side encloses it.
    caught: Vec<Option<NodeId>>,
    scopes: Vec<Scope>,
    scope: usize,
    /// The scopes of the folds around the current node, by iterator.
    folds: FxHashMap<Variable, (usize, Option<NodeId>)>,
    open: Vec<Open>,
    /// The last definition of each name that is in scope.
    definitions: FxHashMap<Name, u32>,
    sites: Vec<Site>,
    /// For each definition the earliest one to which some read went back from
    /// it: all in between are used already.
    passed: Vec<u32>,
    news: FxHashMap<Variable, Vec<(NodeId, Option<Place>)>>,
    streams: FxHashMap<Variable, u32>,
    /// Streams, by declaring `new` or by name, that something may append to.
    filled: FxHashSet<(Variable, Option<NodeId>)>,
    used: FxHashSet<NodeId>,
    hops: Vec<(NodeId, Variable, Option<NodeId>)>,
    nodes: Vec<Node>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(script: &'a Script) -> Self {
        let count = script.nodes().len();
        let parents: Vec<Option<NodeId>> = (0..count as u32)
            .map(|index| script.parent(NodeId(index)))
            .collect();
        let mut tops = Vec::with_capacity(count);
        let mut caught = Vec::with_capacity(count);
        for (index, parent) in parents.iter().copied().enumerate() {
            let own = NodeId(index as u32);
            caught.push(
                parents[index].and_then(|parent| match script.node(parent).instruction {
                    Instruction::Xor { right, .. } if right == own => Some(parent),
                    _ => caught[parent.0 as usize],
                }),
            );
            let top = parent.map_or((own, own), |parent| {
                let above: (NodeId, NodeId) = tops[parent.0 as usize];
                match &script.node(parent).instruction {
                    Instruction::Seq { .. }
                    | Instruction::New { .. }
                    | Instruction::Match { .. }
                    | Instruction::Mismatch { .. } => above,
                    Instruction::Xor { .. } => (above.0, own),
                    _ => (own, own),
                }
            });
            tops.push(top);
        }
        Resolver {
            script,
            parents,
            tops,
            caught,
            scopes: vec![Scope {
                depth: 0,
                slots: 0,
                outer: 0,
                defined: Vec::new(),
            }],
            scope: 0,
            folds: FxHashMap::default(),
            open: Vec::new(),
            definitions: FxHashMap::default(),
            sites: Vec::new(),
            passed: Vec::new(),
            news: FxHashMap::default(),
            streams: FxHashMap::default(),
            filled: FxHashSet::default(),
            used: FxHashSet::default(),
            hops: Vec::new(),
            nodes: Vec::with_capacity(count),
        }
    }

    /// Resolves everything; `script` is the one given to [`Resolver::new`].
    pub(super) fn run(mut self, script: Arc<Script>) -> Program {
        let count = self.script.nodes().len() as u32;
        for index in 0..count {
            let id = NodeId(index);
            self.close(id);
            let start = self.scopes[self.scope].slots;
            let node = self.script.node(id);
            let scope = self.scope;
            let depth = self.depth();
            let op = self.op(id, &node.instruction);
            self.nodes.push(Node {
                op,
                slots: (start, start),
                depth,
            });
            self.open.push(Open {
                node: id,
                end: node.end,
                scope,
            });
        }
        self.close(NodeId(count));
        for (node, source, new) in std::mem::take(&mut self.hops) {
            let silent = !self.filled.contains(&(source, new)) && !self.used.contains(&node);
            if let Op::Canon { hop, .. } = &mut self.nodes[node.0 as usize].op {
                *hop = silent;
            }
        }
        let root_slots = self.scopes[0].slots;
        Program {
            script,
            nodes: self.nodes,
            sites: self.sites,
            root_slots,
        }
    }

    /// Leaves everything that ends before `next`.
    fn close(&mut self, next: NodeId) {
        while let Some(open) = self.open.pop_if(|open| open.end <= next) {
            self.nodes[open.node.0 as usize].slots.1 = self.scopes[open.scope].slots;
            match &self.script.node(open.node).instruction {
                Instruction::Fold { iterator, .. } => {
                    let inner = self.scope;
                    if let Op::Fold { slots, .. } = &mut self.nodes[open.node.0 as usize].op {
                        *slots = self.scopes[inner].slots;
                    }
                    self.scope = self.scopes[inner].outer;
                    self.folds.remove(iterator);
                    for name in std::mem::take(&mut self.scopes[inner].defined) {
                        self.forget(name, open.node);
                    }
                }
                Instruction::New { variable, .. } => {
                    if let Some(stack) = self.news.get_mut(variable) {
                        stack.pop();
                    }
                    self.definitions.remove(&(*variable, Some(open.node)));
                }
                _ => {}
            }
        }
    }

    /// Takes what was defined from `since` on out of scope.
    fn forget(&mut self, name: Name, since: NodeId) {
        while let Some(last) = self.definitions.get(&name).copied() {
            let site = self.sites[last as usize];
            if site.node < since {
                return;
            }
            match site.previous {
                Some(previous) => self.definitions.insert(name, previous),
                None => self.definitions.remove(&name),
            };
        }
    }

    fn depth(&self) -> u32 {
        self.scopes[self.scope].depth
    }

    fn slot(&mut self) -> u32 {
        let scope = &mut self.scopes[self.scope];
        scope.slots += 1;
        scope.slots - 1
    }

    fn innermost_new(&self, variable: Variable) -> Option<NodeId> {
        self.news
            .get(&variable)
            .and_then(|stack| stack.last())
            .map(|(node, _)| *node)
    }

    fn define(&mut self, node: NodeId, variable: Variable) -> u32 {
        let slot = self.slot();
        let name = self.add_site(node, variable, Some(slot));
        self.scopes[self.scope].defined.push(name);
        slot
    }

    fn add_site(&mut self, node: NodeId, variable: Variable, slot: Option<u32>) -> Name {
        let name = (variable, self.innermost_new(variable));
        let (waited, unskippable) = self.tops[node.0 as usize];
        let index = self.sites.len() as u32;
        self.passed.push(index);
        self.sites.push(Site {
            node,
            depth: self.depth(),
            slot,
            settled_until: self.script.node(waited).end,
            made_until: self.script.node(unskippable).end,
            previous: self.definitions.insert(name, index),
        });
        name
    }

    fn stream(&mut self, variable: Variable) -> (Place, Option<NodeId>) {
        if let Some((node, Some(place))) = self.news.get(&variable).and_then(|s| s.last()).copied()
        {
            // `place.up` holds the depth of the declaring scope until here.
            return (
                Place {
                    up: self.depth() - place.up,
                    slot: place.slot,
                },
                Some(node),
            );
        }
        let slot = *self.streams.entry(variable).or_insert_with(|| {
            let root = &mut self.scopes[0];
            root.slots += 1;
            root.slots - 1
        });
        (
            Place {
                up: self.depth(),
                slot,
            },
            None,
        )
    }

    fn append_target(&mut self, variable: Variable) -> Place {
        let (place, new) = self.stream(variable);
        self.filled.insert((variable, new));
        place
    }

    fn output(&mut self, node: NodeId, target: Variable) -> Output {
        match target.kind {
            VariableKind::Stream | VariableKind::StreamMap => {
                Output::Stream(self.append_target(target))
            }
            _ => Output::Slot(self.define(node, target)),
        }
    }

    fn op(&mut self, id: NodeId, instruction: &Instruction) -> Op {
        match instruction {
            Instruction::Null => Op::Null,
            Instruction::Never => Op::Never,
            Instruction::Seq { left, right } => Op::Seq(*left, *right),
            Instruction::Par { left, right } => Op::Par(*left, *right),
            Instruction::Xor { left, right } => {
                let error = self.slot();
                Op::Xor {
                    left: *left,
                    right: *right,
                    error,
                }
            }
            Instruction::Match { left, right, body } => Op::Match {
                left: self.arg(id, left),
                right: self.arg(id, right),
                body: *body,
                equal: true,
            },
            Instruction::Mismatch { left, right, body } => Op::Match {
                left: self.arg(id, left),
                right: self.arg(id, right),
                body: *body,
                equal: false,
            },
            Instruction::Call(call) => Op::Call {
                peer: self.arg(id, &call.peer),
                service: self.arg(id, &call.service),
                function: self.arg(id, &call.function),
                args: call.args.iter().map(|a| self.arg(id, a)).collect(),
                output: call
                    .output
                    .map_or(Output::None, |target| self.output(id, target)),
            },
            Instruction::Ap { value, target } => {
                let value = self.arg(id, value);
                Op::Ap {
                    value,
                    target: self.output(id, *target),
                }
            }
            Instruction::ApMap { key, value, map } => Op::ApMap {
                key: self.arg(id, key),
                value: self.arg(id, value),
                map: self.append_target(*map),
            },
            Instruction::Canon {
                peer,
                source,
                target,
            } => {
                let peer = self.arg(id, peer);
                let (place, new) = self.stream(*source);
                let form = match target.kind {
                    VariableKind::Canon => CanonForm::List,
                    VariableKind::CanonMap => CanonForm::Map,
                    _ => CanonForm::Object,
                };
                if source.kind == VariableKind::Stream {
                    self.hops.push((id, *source, new));
                }
                Op::Canon {
                    peer,
                    source: place,
                    target: self.define(id, *target),
                    form,
                    hop: false,
                }
            }
            Instruction::Fold {
                iterable,
                iterator,
                body,
                last,
            } => {
                let over = match iterable {
                    Operand::Variable {
                        variable,
                        lens: None,
                    } if matches!(
                        variable.kind,
                        VariableKind::Stream | VariableKind::StreamMap
                    ) =>
                    {
                        Over::Stream(self.stream(*variable).0)
                    }
                    other => Over::Value(self.arg(id, other)),
                };
                let depth = self.depth() + 1;
                self.scopes.push(Scope {
                    depth,
                    slots: 0,
                    outer: self.scope,
                    defined: Vec::new(),
                });
                self.scope = self.scopes.len() - 1;
                self.folds.insert(*iterator, (self.scope, *last));
                let name = self.add_site(id, *iterator, None);
                self.scopes[self.scope].defined.push(name);
                Op::Fold {
                    over,
                    body: *body,
                    last: *last,
                    slots: 0,
                }
            }
            Instruction::Next { iterator } => self.next(id, *iterator),
            Instruction::New { variable, body } => match variable.kind {
                VariableKind::Stream | VariableKind::StreamMap => {
                    let slot = self.slot();
                    let place = Place {
                        up: self.depth(),
                        slot,
                    };
                    self.news
                        .entry(*variable)
                        .or_default()
                        .push((id, Some(place)));
                    Op::NewStream { slot, body: *body }
                }
                _ => {
                    self.news.entry(*variable).or_default().push((id, None));
                    Op::New { body: *body }
                }
            },
            Instruction::Fail(FailOperand::Literal { code, message }) => Op::FailLiteral {
                code: *code,
                message: message.clone(),
            },
            Instruction::Fail(FailOperand::Value(operand)) => Op::FailValue(self.arg(id, operand)),
            Instruction::Fail(FailOperand::LastError) => Op::FailLastError,
            Instruction::Fail(FailOperand::Error) => Op::FailError(self.caught(id)),
        }
    }

    fn next(&self, id: NodeId, iterator: Variable) -> Op {
        // The validator rejects a `next` outside of its fold.
        let Some((scope, last)) = self.folds.get(&iterator) else {
            return Op::Never;
        };
        let parent = self.parents[id.0 as usize];
        Op::Next {
            up: self.depth() - self.scopes[*scope].depth,
            in_last: last.is_some_and(|last| id >= last),
            arm: parent.is_some_and(|p| {
                matches!(self.script.node(p).instruction, Instruction::Par { .. })
            }),
        }
    }

    /// The error slot of the innermost `xor` whose right side encloses `id`.
    fn caught(&self, id: NodeId) -> Option<Place> {
        let xor = self.caught[id.0 as usize]?;
        let Node {
            op: Op::Xor { error, .. },
            depth,
            ..
        } = &self.nodes[xor.0 as usize]
        else {
            return None;
        };
        Some(Place {
            up: self.depth() - depth,
            slot: *error,
        })
    }

    fn arg(&mut self, id: NodeId, operand: &Operand) -> Arg {
        match operand {
            Operand::String(text) => Arg::Const(Value::from(text.as_ref())),
            Operand::Int(n) => Arg::Const(Value::from(*n)),
            Operand::Float(x) => Arg::Const(Value::float(*x).unwrap_or(Value::Null)),
            Operand::Bool(b) => Arg::Const(Value::from(*b)),
            Operand::EmptyArray => Arg::Const(Value::from(Vec::new())),
            Operand::InitPeerId => Arg::InitPeer,
            Operand::Timestamp => Arg::Timestamp,
            Operand::Ttl => Arg::Ttl,
            Operand::LastError(lens) => Arg::LastError(self.path(id, lens.as_ref())),
            Operand::Error(lens) => Arg::Error(self.caught(id), self.path(id, lens.as_ref())),
            Operand::Variable { variable, lens } => {
                Arg::Read(self.read(id, *variable), self.path(id, lens.as_ref()))
            }
        }
    }

    fn path(&mut self, id: NodeId, lens: Option<&Lens>) -> Option<Path> {
        lens.map(|lens| match lens {
            Lens::Length => Path::Length,
            Lens::Path(accessors) => Path::Steps(
                accessors
                    .iter()
                    .map(|accessor| match accessor {
                        Accessor::Field(name) => Step::Field(name.clone()),
                        Accessor::Index(index) => Step::Index(*index),
                        Accessor::Variable(variable) => Step::Read(self.read(id, *variable)),
                    })
                    .collect(),
            ),
        })
    }

    fn read(&mut self, id: NodeId, variable: Variable) -> Read {
        let new = self.innermost_new(variable);
        let site = self.definitions.get(&(variable, new)).copied();
        if let Some(last) = site {
            self.mark_used(last, id);
        }
        Read {
            variable,
            node: id,
            depth: self.depth(),
            site,
            hidden: new.is_some(),
        }
    }

    /// Marks what a read at `id` may bind to, from `last` back. What ends the
    /// way back of one read ended it for all reads before, so what these have
    /// passed is passed over.
    fn mark_used(&mut self, last: u32, id: NodeId) {
        let mut way = Vec::new();
        let mut at = last;
        loop {
            self.used.insert(self.sites[at as usize].node);
            way.push(at);
            at = self.passed[at as usize];
            let site = &self.sites[at as usize];
            match site.previous {
                Some(previous) if !site.is_last_for(id) => at = previous,
                _ => break,
            }
        }
        for passed in way {
            self.passed[passed as usize] = at;
        }
    }
}
