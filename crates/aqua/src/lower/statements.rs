//! Statements.

use super::{ArrowValue, Binding, Env, Lowering};
use crate::hir::{Call, Expr, ExprKind, Item, LocalId, Stmt, StmtKind, Target, Where};
use crate::ir::{Accessor, Base, Frame, FrameId, Op, Value, VarId, VarKind, Via};
use crate::syntax::ForMode;
use std::rc::Rc;

impl Lowering<'_> {
    pub(super) fn block(&mut self, stmts: &[Stmt], env: &mut Env, out: &mut Vec<Op>) {
        for stmt in stmts {
            self.deeper((), |this| this.statement(&stmt.kind, env, out));
        }
    }

    fn statement(&mut self, stmt: &StmtKind, env: &mut Env, out: &mut Vec<Op>) {
        match stmt {
            StmtKind::Bind(local, value) => {
                let binding = self.expr(value, env, out);
                env.insert(*local, binding);
            }
            StmtKind::BindService(local, id) => {
                let id = self.data(id, env, out);
                let id = self.name_part(id, "service", out);
                env.insert(*local, Binding::Value(id));
            }
            StmtKind::Push(local, value) => {
                let value = self.data(value, env, out);
                self.push(*local, value, env, out);
            }
            StmtKind::PushPair(local, key, value) => {
                let key = self.data(key, env, out);
                let key = self.name_part(key, "key", out);
                let value = self.data(value, env, out);
                if let Some(Binding::Map(map)) = env.get(local) {
                    self.emit(
                        out,
                        Op::ApMap {
                            key,
                            value,
                            map: *map,
                        },
                    );
                }
            }
            StmtKind::Call(targets, call) => self.receive(targets, call, env, out),
            StmtKind::Closure(local, lambda) => {
                let captured = lambda
                    .captures
                    .iter()
                    .filter_map(|local| Some((*local, env.get(local)?.clone())))
                    .collect();
                let closure = ArrowValue::Closure {
                    lambda: lambda.clone(),
                    env: captured,
                    frame: self.frame,
                };
                env.insert(*local, Binding::Arrow(Rc::new(closure)));
            }
            StmtKind::Declare { local, name, map } => self.declare(*local, name, *map, env),
            StmtKind::Join(values) => {
                for value in values {
                    self.wait(value, env, out);
                }
            }
            StmtKind::On(at, body) => {
                let frame = self.frame_of(at, env, out);
                let outer = std::mem::replace(&mut self.frame, frame);
                let body = self.collected(|this, out| this.block(body, env, out));
                self.frame = outer;
                self.emit(
                    out,
                    Op::On {
                        outer,
                        frame,
                        body: Box::new(body),
                    },
                );
            }
            StmtKind::If(condition, then, otherwise) => {
                self.branch(condition, then, otherwise.as_deref(), env, out);
            }
            StmtKind::Try(tried, handlers) => self.attempt(tried, handlers, env, out),
            StmtKind::For {
                item,
                iterable,
                mode,
                body,
            } => {
                self.for_loop(item, iterable, *mode, body, env, out);
            }
            StmtKind::Parseq {
                item,
                iterable,
                at,
                body,
            } => {
                self.parseq(item, iterable, at, body, env, out);
            }
            StmtKind::Block(stmts) => self.block(stmts, env, out),
            StmtKind::Par(arms) => {
                let arms = arms
                    .iter()
                    .map(|arm| {
                        self.collected(|this, out| {
                            this.deeper((), |this| this.statement(&arm.kind, env, out));
                        })
                    })
                    .collect();
                self.emit(out, Op::Par(arms));
            }
            StmtKind::Co(inner) => {
                let inner = self.collected(|this, out| {
                    this.deeper((), |this| this.statement(&inner.kind, env, out));
                });
                self.emit(out, Op::Detach(Box::new(inner)));
            }
        }
    }

    fn declare(&mut self, local: LocalId, name: &str, is_map: bool, env: &mut Env) {
        let binding = if is_map {
            Binding::Map(self.empty_container(VarKind::Map, name))
        } else {
            Binding::Stream(self.empty_container(VarKind::Stream, name))
        };
        env.insert(local, binding);
    }

    fn push(&mut self, local: LocalId, value: Value, env: &Env, out: &mut Vec<Op>) {
        if let Some(Binding::Stream(stream)) = env.get(&local) {
            self.emit(
                out,
                Op::Ap {
                    value,
                    target: *stream,
                },
            );
        }
    }

    fn receive(&mut self, targets: &[Target], call: &Call, env: &mut Env, out: &mut Vec<Op>) {
        let results = self.call(call, env, out);
        for (target, result) in targets.iter().zip(results) {
            match target {
                Target::Bind(local) => {
                    env.insert(*local, result);
                }
                Target::Push(local) => {
                    let value = self.freeze(result, out);
                    self.push(*local, value, env, out);
                }
            }
        }
    }

    /// `join`: goes on when the value is there.
    fn wait(&mut self, value: &Expr, env: &mut Env, out: &mut Vec<Op>) {
        if let ExprKind::Index(base, index) = &value.kind {
            let base = self.expr(base, env, out);
            if let Binding::Stream(stream) = base {
                let size = self.size(index.as_deref(), env, out);
                self.gate(stream, size, out);
                return;
            }
        }
        if let Binding::Value(value) = self.expr(value, env, out)
            && matches!(value.base, Base::Variable(_))
        {
            let target = self.temporary();
            self.emit(out, Op::Ap { value, target });
        }
    }

    /// The frame of an `on`.
    fn frame_of(&mut self, at: &Where, env: &mut Env, out: &mut Vec<Op>) -> FrameId {
        let peer = self.peer(&at.peer, env, out);
        let via = at
            .via
            .iter()
            .map(|relay| {
                let many = relay.ty.element().is_some();
                let value = if many {
                    let relays = self.data(relay, env, out);
                    self.list(relays, out)
                } else {
                    self.peer(relay, env, out)
                };
                Via { value, many }
            })
            .collect();
        self.frames.intern(Frame {
            parent: Some(self.frame),
            peer,
            via,
        })
    }

    /// A peer id where AIR takes one.
    fn peer(&mut self, peer: &Expr, env: &mut Env, out: &mut Vec<Op>) -> Value {
        let peer = self.data(peer, env, out);
        match peer.base {
            Base::InitPeerId => peer,
            _ => self.name_part(peer, "peer", out),
        }
    }

    /// What is iterated over: an array, a canon, or for `rec` the stream itself.
    fn iterable(
        &mut self,
        iterable: &Expr,
        mode: ForMode,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        match self.expr(iterable, env, out) {
            Binding::Stream(stream) if mode == ForMode::Rec => stream.into(),
            Binding::Map(map) if mode == ForMode::Rec => map.into(),
            Binding::Map(map) => self.canon_map(map, out).into(),
            other => {
                let list = self.freeze(other, out);
                self.list(list, out)
            }
        }
    }

    /// Gives the element of an iteration its names.
    fn bind_item(&mut self, item: &Item, env: &mut Env) -> VarId {
        let variable = self.scalar(&item.name);
        let part = |name: &str| {
            Binding::Value(Value {
                base: Base::Variable(variable),
                lens: vec![Accessor::Field(Rc::from(name))],
            })
        };
        match item.key {
            Some(key) => {
                env.insert(key, part("key"));
                env.insert(item.value, part("value"));
            }
            None => {
                env.insert(item.value, Binding::Value(variable.into()));
            }
        }
        variable
    }

    /// Runs the body of an iteration: its streams are fresh in each round.
    pub(super) fn round(&mut self, what: impl FnOnce(&mut Self, &mut Vec<Op>)) -> Op {
        self.fresh.push(Vec::new());
        let body = self.collected(what);
        let fresh = self.fresh.pop().unwrap_or_default();
        if fresh.is_empty() {
            body
        } else {
            Op::New(fresh, Box::new(body))
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "they are the parts of the statement"
    )]
    fn for_loop(
        &mut self,
        item: &Item,
        iterable: &Expr,
        mode: ForMode,
        body: &[Stmt],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) {
        let iterable = self.iterable(iterable, mode, env, out);
        if iterable.base == Base::Empty {
            return;
        }
        let item = self.bind_item(item, env);
        let body = self.round(|this, out| this.block(body, env, out));
        let next = Op::Next(item);
        let (body, never) = match mode {
            ForMode::Seq => (Op::Seq(vec![body, next]), false),
            ForMode::Try => (Op::Xor(Box::new(body), Box::new(next)), false),
            ForMode::Par | ForMode::Rec => (Op::Par(vec![body, next]), true),
        };
        let fold = Op::Fold {
            item,
            iterable,
            body: Box::new(body),
            never,
        };
        let op = if never {
            Op::Detach(Box::new(fold))
        } else {
            fold
        };
        self.emit(out, op);
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "they are the parts of the statement"
    )]
    fn parseq(
        &mut self,
        item: &Item,
        iterable: &Expr,
        at: &Where,
        body: &[Stmt],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) {
        let iterable = self.iterable(iterable, ForMode::Seq, env, out);
        if iterable.base == Base::Empty {
            return;
        }
        let item = self.bind_item(item, env);
        let arm = self.round(|this, out| {
            let frame = this.frame_of(at, env, out);
            let outer = std::mem::replace(&mut this.frame, frame);
            let body = this.collected(|this, out| this.block(body, env, out));
            this.frame = outer;
            this.emit(
                out,
                Op::On {
                    outer,
                    frame,
                    body: Box::new(body),
                },
            );
        });
        let body = Op::Par(vec![arm, Op::Next(item)]);
        self.emit(
            out,
            Op::Fold {
                item,
                iterable,
                body: Box::new(body),
                never: true,
            },
        );
    }
}
