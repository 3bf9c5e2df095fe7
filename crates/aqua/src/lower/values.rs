//! Values: which operations compute them, and what names the result.

use super::{ArrowValue, Binding, Env, Lowering, is_literal, literal, misunderstood};
use crate::hir::{Builtin, Expr, ExprKind, Literal, ServiceId, ServiceRef};
use crate::ir::{Accessor, Base, Op, Value, VarId, VarKind};
use crate::syntax::BinaryOp;
use crate::types::Ty;
use hashbrown::HashMap;
use std::rc::Rc;

impl Lowering<'_> {
    /// Computes an expression.
    pub(super) fn expr(&mut self, expr: &Expr, env: &mut Env, out: &mut Vec<Op>) -> Binding {
        let nothing = Binding::Value(Base::Empty.into());
        self.deeper(nothing, |this| this.expr_here(expr, env, out))
    }

    fn expr_here(&mut self, expr: &Expr, env: &mut Env, out: &mut Vec<Op>) -> Binding {
        match &expr.kind {
            ExprKind::Error => misunderstood(expr),
            ExprKind::Literal(value) => Binding::Value(literal(value)),
            ExprKind::Builtin(builtin) => Binding::Value(self.builtin_value(*builtin)),
            ExprKind::Local(local) => match env.get(local) {
                Some(binding) => binding.clone(),
                None => misunderstood(expr),
            },
            ExprKind::Function(id) => match &self.bodies.functions[id.0 as usize] {
                Some(function) => Binding::Arrow(Rc::new(ArrowValue::Function(function.clone()))),
                None => misunderstood(expr),
            },
            ExprKind::Service(service) => self::service(service, env),
            ExprKind::Field(base, name) => match self.expr(base, env, out) {
                Binding::Record(members) => match members.get(name) {
                    Some(member) => member.clone(),
                    None => misunderstood(expr),
                },
                Binding::Value(value) => Binding::Value(self.project(
                    value,
                    Accessor::Field(Rc::from(name.as_str())),
                    out,
                )),
                _ => misunderstood(expr),
            },
            ExprKind::Index(base, index) => {
                let base = self.expr(base, env, out);
                Binding::Value(self.element(base, index.as_deref(), env, out))
            }
            ExprKind::Length(base) => {
                let base = self.expr(base, env, out);
                Binding::Value(self.length(base, out))
            }
            ExprKind::Collection(kind, items) => self.collection(*kind, items, env, out),
            ExprKind::Struct(name, fields) => {
                Binding::Value(self.construct(name, fields, env, out))
            }
            ExprKind::Ability(members) => {
                let Ty::Ability(record) = &expr.ty else {
                    return misunderstood(expr);
                };
                let mut bound = HashMap::new();
                for (name, value) in members {
                    let binding = self.expr(value, env, out);
                    let binding = match record.get(name) {
                        Some(ty) => self.coerce(binding, ty, out),
                        None => binding,
                    };
                    bound.insert(name.clone(), binding);
                }
                Binding::Record(Rc::new(bound))
            }
            ExprKind::Copy(base, record, fields) => {
                Binding::Value(self.copy(base, record, fields, env, out))
            }
            ExprKind::Call(call) => self
                .call(call, env, out)
                .into_iter()
                .next()
                .unwrap_or(Binding::Value(Base::Empty.into())),
            ExprKind::Binary(op, left, right) => {
                Binding::Value(self.binary(*op, left, right, env, out))
            }
            ExprKind::Not(inner) => {
                let value = self.data(inner, env, out);
                Binding::Value(self.negate(value, out))
            }
        }
    }

    /// Computes an expression where data is needed: streams are frozen.
    pub(super) fn data(&mut self, expr: &Expr, env: &mut Env, out: &mut Vec<Op>) -> Value {
        let binding = self.expr(expr, env, out);
        self.freeze(binding, out)
    }

    fn builtin_value(&self, builtin: Builtin) -> Value {
        match builtin {
            Builtin::HostPeerId => self.relay.clone(),
            Builtin::InitPeerId => Base::InitPeerId.into(),
            Builtin::Ttl => Base::Ttl.into(),
            Builtin::Timestamp => Base::Timestamp.into(),
            Builtin::LastError => Base::Error.into(),
            Builtin::Nil => Base::Empty.into(),
        }
    }

    /// Makes of a value what is needed where this type is expected.
    pub(super) fn coerce(&mut self, binding: Binding, ty: &Ty, out: &mut Vec<Op>) -> Binding {
        match (&binding, ty) {
            (Binding::Stream(_), Ty::Stream(_)) => binding,
            (Binding::Stream(_), _) => Binding::Value(self.freeze(binding, out)),
            (Binding::Record(members), Ty::Ability(record)) => {
                let needs = record.members.iter().any(|(name, ty)| {
                    matches!(
                        members.get(name),
                        Some(Binding::Stream(_) | Binding::Record(_))
                    ) && !matches!(ty, Ty::Stream(_))
                });
                if !needs {
                    return binding;
                }
                let mut members = (**members).clone();
                for (name, ty) in &record.members {
                    if let Some(member) = members.remove(name) {
                        let member = self.coerce(member, ty, out);
                        members.insert(name.clone(), member);
                    }
                }
                Binding::Record(Rc::new(members))
            }
            _ => binding,
        }
    }

    /// A part of a value.
    pub(super) fn project(&mut self, value: Value, accessor: Accessor, out: &mut Vec<Op>) -> Value {
        let mut value = if is_literal(&value) || value.lens == [Accessor::Length] {
            self.plain(value, "value", out).into()
        } else {
            value
        };
        value.lens.push(accessor);
        value
    }

    /// A scalar variable with this value.
    pub(super) fn plain(&mut self, value: Value, name: &str, out: &mut Vec<Op>) -> VarId {
        if let (Base::Variable(variable), []) = (&value.base, value.lens.as_slice())
            && self.variables[variable.0 as usize].kind == VarKind::Scalar
        {
            return *variable;
        }
        let target = self.scalar(name);
        self.emit(out, Op::Ap { value, target });
        target
    }

    /// The value where AIR takes a name: a peer, a service, the key of a pair. There it
    /// takes strings and variables; all else is copied into a scalar first.
    pub(super) fn name_part(&mut self, value: Value, name: &str, out: &mut Vec<Op>) -> Value {
        let is_named = match &value.base {
            Base::String(_) => true,
            Base::Variable(variable) => match self.variables[variable.0 as usize].kind {
                VarKind::Scalar => true,
                VarKind::Canon => !value.lens.is_empty(),
                _ => false,
            },
            _ => false,
        };
        if is_named {
            return value;
        }
        self.plain(value, name, out).into()
    }

    /// The value where AIR iterates: a part of a frozen stream is copied first.
    pub(super) fn list(&mut self, value: Value, out: &mut Vec<Op>) -> Value {
        let is_list = match &value.base {
            Base::Empty => true,
            Base::Variable(variable) => {
                let kind = self.variables[variable.0 as usize].kind;
                kind == VarKind::Scalar || value.lens.is_empty()
            }
            _ => false,
        };
        if is_list {
            return value;
        }
        self.plain(value, "list", out).into()
    }

    /// An element of a collection; of a stream, as soon as it is there.
    fn element(
        &mut self,
        base: Binding,
        index: Option<&Expr>,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        let base = match base {
            Binding::Stream(stream) => {
                let size = self.size(index, env, out);
                self.gate(stream, size, out)
            }
            other => self.freeze(other, out),
        };
        let index = match index {
            Some(index) => self.data(index, env, out),
            None => Base::Int(0).into(),
        };
        let accessor = match index.base {
            Base::Int(index) => match u32::try_from(index) {
                Ok(index) => Accessor::Index(index),
                Err(_) => Accessor::Variable(self.plain(Base::Int(index).into(), "index", out)),
            },
            _ => Accessor::Variable(self.plain(index, "index", out)),
        };
        self.project(base, accessor, out)
    }

    /// How many elements there are when there is one of this index.
    pub(super) fn size(&mut self, index: Option<&Expr>, env: &mut Env, out: &mut Vec<Op>) -> Value {
        let Some(index) = index else {
            return Base::Int(1).into();
        };
        let one = Expr {
            kind: ExprKind::Literal(Literal::Int(1)),
            ty: Ty::int(1),
            span: index.span,
        };
        self.sum(BinaryOp::Add, index, &one, env, out)
    }

    fn length(&mut self, base: Binding, out: &mut Vec<Op>) -> Value {
        if let Binding::Map(map) = base {
            let keys = self.map_keys(map, out);
            return self.length(Binding::Value(keys), out);
        }
        let value = self.freeze(base, out);
        match (&value.base, value.lens.as_slice()) {
            (Base::Empty, []) => Base::Int(0).into(),
            (Base::Variable(_), []) => Value {
                base: value.base,
                lens: vec![Accessor::Length],
            },
            _ => Value {
                base: Base::Variable(self.plain(value, "list", out)),
                lens: vec![Accessor::Length],
            },
        }
    }
}

/// A service as a record of its methods.
fn service(service: &ServiceRef, env: &Env) -> Binding {
    let id = match &service.id {
        ServiceId::Default(id) => literal(id),
        ServiceId::Bound(local) => match env.get(local) {
            Some(Binding::Value(value)) => value.clone(),
            _ => Base::Empty.into(),
        },
    };
    let methods = service
        .record
        .members
        .iter()
        .map(|(name, ty)| {
            let result = match ty {
                Ty::Arrow(arrow) => arrow.results.first().cloned(),
                _ => None,
            };
            let method = ArrowValue::Method {
                service: id.clone(),
                name: Rc::from(name.as_str()),
                result,
            };
            (name.clone(), Binding::Arrow(Rc::new(method)))
        })
        .collect();
    Binding::Record(Rc::new(methods))
}
