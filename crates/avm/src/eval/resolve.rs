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
    defined: Vec<Variable>,
}

#[derive(Clone, Copy)]
struct Definition {
    node: NodeId,
    depth: u32,
    slot: Option<u32>,
    /// The innermost `new` of the name around the definition.
    new: Option<NodeId>,
}

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
    definitions: FxHashMap<Variable, Vec<Definition>>,
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
                    for variable in std::mem::take(&mut self.scopes[inner].defined) {
                        if let Some(list) = self.definitions.get_mut(&variable) {
                            while list.pop_if(|d| d.node >= open.node).is_some() {}
                        }
                    }
                }
                Instruction::New { variable, .. } => {
                    if let Some(stack) = self.news.get_mut(variable) {
                        stack.pop();
                    }
                    if let Some(list) = self.definitions.get_mut(variable) {
                        while list.pop_if(|d| d.node > open.node).is_some() {}
                    }
                }
                _ => {}
            }
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
        let definition = Definition {
            node,
            depth: self.depth(),
            slot: Some(slot),
            new: self.innermost_new(variable),
        };
        self.definitions
            .entry(variable)
            .or_default()
            .push(definition);
        self.scopes[self.scope].defined.push(variable);
        slot
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
            Instruction::Call {
                peer,
                service,
                function,
                args,
                output,
            } => Op::Call {
                peer: self.arg(id, peer),
                service: self.arg(id, service),
                function: self.arg(id, function),
                args: args.iter().map(|a| self.arg(id, a)).collect(),
                output: output.map_or(Output::None, |target| self.output(id, target)),
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
                let defined = vec![*iterator];
                self.scopes.push(Scope {
                    depth,
                    slots: 0,
                    outer: self.scope,
                    defined,
                });
                self.scope = self.scopes.len() - 1;
                self.folds.insert(*iterator, (self.scope, *last));
                let definition = Definition {
                    node: id,
                    depth,
                    slot: None,
                    new: self.innermost_new(*iterator),
                };
                self.definitions
                    .entry(*iterator)
                    .or_default()
                    .push(definition);
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
        let depth = self.depth();
        let mut sites = Vec::new();
        for definition in self.definitions.get(&variable).into_iter().flatten().rev() {
            if definition.new != new {
                continue;
            }
            let (waited, unskippable) = self.tops[definition.node.0 as usize];
            let iterator = definition.slot.is_none();
            sites.push(Site {
                up: depth - definition.depth,
                slot: definition.slot,
                definite: iterator || self.contains(waited, id),
            });
            self.used.insert(definition.node);
            if iterator || self.contains(unskippable, id) {
                break;
            }
        }
        Read {
            variable,
            sites: sites.into(),
            hidden: new.is_some(),
        }
    }

    fn contains(&self, outer: NodeId, inner: NodeId) -> bool {
        outer <= inner && inner < self.script.node(outer).end
    }
}
