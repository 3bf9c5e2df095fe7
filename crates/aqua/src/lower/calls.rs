//! Calls, which are replaced by what they call.

use super::{ArrowValue, Binding, Env, Lowering, literal, text};
use crate::hir::{Call, Callee, Expr, ExprKind, Lambda, ServiceId};
use crate::ir::{FrameId, Op, Value, VarKind};
use crate::types::{Arrow, Ty};
use std::rc::Rc;

impl Lowering<'_> {
    /// The results of a call.
    pub(super) fn call(&mut self, call: &Call, env: &mut Env, out: &mut Vec<Op>) -> Vec<Binding> {
        match &call.callee {
            Callee::Map(method, map) => {
                let key = call.args.first().map(|key| self.data(key, env, out));
                match self.expr(map, env, out) {
                    Binding::Map(map) => vec![self.map_call(*method, map, key, out)],
                    _ => Vec::new(),
                }
            }
            Callee::Arrow(callee) => {
                let arrow = self.callee(callee, env, out);
                let args = call
                    .args
                    .iter()
                    .zip(&call.ty.params)
                    .map(|(arg, (_, ty))| {
                        let binding = self.expr(arg, env, out);
                        self.coerce(binding, ty, out)
                    })
                    .collect();
                // what a function does is asked for where it is called
                let site = self.site.replace(self.site.unwrap_or(callee.span));
                let results = match arrow {
                    Some(arrow) => self.invoke(&arrow, args, &call.ty, out),
                    None => Vec::new(),
                };
                self.site = site;
                results
            }
        }
    }

    /// What is called; a method of a service without making a record of all its methods.
    fn callee(
        &mut self,
        callee: &Expr,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Option<Rc<ArrowValue>> {
        if let ExprKind::Field(base, name) = &callee.kind
            && let ExprKind::Service(service) = &base.kind
            && let Ty::Arrow(arrow) = &callee.ty
        {
            let service = match &service.id {
                ServiceId::Default(id) => literal(id),
                ServiceId::Bound(local) => match env.get(local) {
                    Some(Binding::Value(value)) => value.clone(),
                    _ => return None,
                },
            };
            return Some(Rc::new(ArrowValue::Method {
                service,
                name: Rc::from(name.as_str()),
                result: arrow.results.first().cloned(),
            }));
        }
        match self.expr(callee, env, out) {
            Binding::Arrow(arrow) => Some(arrow),
            _ => None,
        }
    }

    fn invoke(
        &mut self,
        arrow: &ArrowValue,
        args: Vec<Binding>,
        ty: &Arrow,
        out: &mut Vec<Op>,
    ) -> Vec<Binding> {
        match arrow {
            ArrowValue::Function(function) => {
                let lambda = &function.lambda;
                self.deeper(Vec::new(), |this| {
                    let mut env = this.activation(lambda, &function.ty, Env::new(), args, out);
                    this.run(lambda, &mut env, out)
                })
            }
            ArrowValue::Closure { lambda, env, frame } => {
                let (env, frame) = (env.clone(), *frame);
                let mut env = self.activation(lambda, ty, env, args, out);
                if lambda.moves || frame == self.frame {
                    return self.deeper(Vec::new(), |this| this.run(lambda, &mut env, out));
                }
                self.deeper(Vec::new(), |this| {
                    this.elsewhere(frame, out, |this, out| this.run(lambda, &mut env, out))
                })
            }
            ArrowValue::Method {
                service,
                name,
                result,
            } => {
                let args = self.frozen(args, out);
                let frame = self.frame;
                self.ask(frame, service.clone(), name, args, result.as_ref(), out)
            }
            ArrowValue::Callback { name, result } => {
                let args = self.frozen(args, out);
                let (name, result) = (name.clone(), result.clone());
                self.elsewhere(FrameId::ROOT, out, |this, out| {
                    let service = text("callbackSrv");
                    this.ask(FrameId::ROOT, service, &name, args, result.as_ref(), out)
                })
            }
        }
    }

    fn frozen(&mut self, args: Vec<Binding>, out: &mut Vec<Op>) -> Vec<Value> {
        args.into_iter().map(|arg| self.freeze(arg, out)).collect()
    }

    /// The names of a lambda when it begins to run.
    fn activation(
        &mut self,
        lambda: &Lambda,
        ty: &Arrow,
        mut env: Env,
        args: Vec<Binding>,
        out: &mut Vec<Op>,
    ) -> Env {
        for ((local, arg), (_, ty)) in lambda.params.iter().zip(args).zip(&ty.params) {
            let arg = self.coerce(arg, ty, out);
            env.insert(*local, arg);
        }
        env
    }

    /// Runs something in another frame.
    fn elsewhere<T>(
        &mut self,
        frame: FrameId,
        out: &mut Vec<Op>,
        what: impl FnOnce(&mut Self, &mut Vec<Op>) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.frame, frame);
        if outer == frame {
            return what(self, out);
        }
        let mut inner = Vec::new();
        let result = what(self, &mut inner);
        self.frame = outer;
        let body = Box::new(super::sequence(inner));
        self.emit(out, Op::On { outer, frame, body });
        result
    }

    /// Asks a service.
    fn ask(
        &mut self,
        frame: FrameId,
        service: Value,
        function: &str,
        args: Vec<Value>,
        result: Option<&Ty>,
        out: &mut Vec<Op>,
    ) -> Vec<Binding> {
        let (output, results) = match result {
            None => (None, Vec::new()),
            Some(Ty::Stream(_)) => {
                let stream = self.container(VarKind::Stream, function);
                (Some(stream), vec![Binding::Stream(stream)])
            }
            Some(_) => {
                let scalar = self.temporary();
                (Some(scalar), vec![Binding::Value(scalar.into())])
            }
        };
        self.emit(
            out,
            Op::Call {
                frame,
                service,
                function: text(function),
                args,
                output,
                site: self.site,
            },
        );
        results
    }

    /// Runs a lambda; gives its results.
    pub(super) fn run(
        &mut self,
        lambda: &Lambda,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Vec<Binding> {
        self.block(&lambda.body, env, out);
        lambda
            .returned
            .iter()
            .zip(&lambda.results)
            .map(|(value, ty)| {
                let binding = self.expr(value, env, out);
                self.coerce(binding, ty, out)
            })
            .collect()
    }
}
