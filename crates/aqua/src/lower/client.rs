//! What surrounds an exported function: the client gives arguments and takes results.

use super::{ArrowValue, Binding, Env, Lowering, first_result, sequence, text};
use crate::hir::Function;
use crate::ir::{Base, FrameId, Op, Value, VarId};
use crate::types::Ty;
use std::rc::Rc;

impl Lowering<'_> {
    /// The whole script of a function.
    pub(super) fn exported(&mut self, function: &Function) -> Op {
        let mut out = Vec::new();
        if let Base::Variable(relay) = self.relay.base {
            self.fetch(&mut out, "-relay-", relay);
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
                    self.fetch(&mut out, name, elements);
                    Binding::Stream(self.stream_of(&mut out, name, elements))
                }
                _ => {
                    let variable = self.scalar(name);
                    self.fetch(&mut out, name, variable);
                    Binding::Value(variable.into())
                }
            };
            env.insert(*local, binding);
        }
        let results = self.run(&function.lambda, &mut env, &mut out);
        let results: Vec<Value> = results
            .into_iter()
            .map(|result| self.freeze(result, &mut out))
            .collect();
        if !results.is_empty() {
            self.emit(
                &mut out,
                Op::Call {
                    frame: FrameId::ROOT,
                    service: text("callbackSrv"),
                    function: text("response"),
                    args: results,
                    output: None,
                },
            );
        }
        let report = Op::Call {
            frame: FrameId::ROOT,
            service: text("errorHandlingSrv"),
            function: text("error"),
            args: vec![Base::Error.into(), Base::Int(0).into()],
            output: None,
        };
        Op::Xor(Box::new(sequence(out)), Box::new(report))
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
            },
        );
    }
}
