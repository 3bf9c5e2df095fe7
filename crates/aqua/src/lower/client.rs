//! What surrounds an exported function: the client gives arguments and takes results.

use super::{ArrowValue, Binding, Env, Lowering, first_result, text};
use crate::hir::Function;
use crate::ir::{Base, FrameId, Op, Value, VarId};
use crate::types::Ty;
use std::rc::Rc;

impl Lowering<'_> {
    /// The whole script of a function.
    pub(super) fn exported(&mut self, function: &Function) -> Op {
        let body = self.round(|this, out| this.answered(function, out));
        let report = Op::Call {
            frame: FrameId::ROOT,
            service: text("errorHandlingSrv"),
            function: text("error"),
            args: vec![Base::Error.into(), Base::Int(0).into()],
            output: None,
            site: None,
        };
        Op::Xor(Box::new(body), Box::new(report))
    }

    /// Fetches the arguments, runs the function and gives its results to the client.
    fn answered(&mut self, function: &Function, out: &mut Vec<Op>) {
        if let Base::Variable(relay) = self.relay.base {
            self.fetch(out, "-relay-", relay);
        }
        let mut env = Env::new();
        for (local, (name, ty)) in function.lambda.params.iter().zip(&function.ty.params) {
            let name = name.as_deref().unwrap_or("_");
            let binding = match ty {
                Ty::Arrow(arrow) => Binding::Arrow(Rc::new(ArrowValue::Callback {
                    name: Rc::from(name),
                    result: first_result(&arrow.results),
                })),
                Ty::Stream(_) => {
                    let elements = self.scalar(&format!("{name}-elements"));
                    self.fetch(out, name, elements);
                    Binding::Stream(self.stream_of(out, name, elements))
                }
                _ => {
                    let variable = self.scalar(name);
                    self.fetch(out, name, variable);
                    Binding::Value(variable.into())
                }
            };
            env.insert(*local, binding);
        }
        let results = self.run(&function.lambda, &mut env, out);
        let results: Vec<Value> = results
            .into_iter()
            .map(|result| self.freeze(result, out))
            .collect();
        if !results.is_empty() {
            self.emit(
                out,
                Op::Call {
                    frame: FrameId::ROOT,
                    service: text("callbackSrv"),
                    function: text("response"),
                    args: results,
                    output: None,
                    site: None,
                },
            );
        }
    }

    /// Asks the client for an argument.
    fn fetch(&mut self, out: &mut Vec<Op>, name: &str, output: VarId) {
        self.emit(
            out,
            Op::Call {
                frame: FrameId::ROOT,
                service: text("getDataSrv"),
                function: text(name),
                args: Vec::new(),
                output: Some(output),
                site: None,
            },
        );
    }
}
