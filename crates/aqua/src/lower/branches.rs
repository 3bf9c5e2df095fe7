//! Conditions and handlers.

use super::{Env, Lowering, error_code, sequence};
use crate::hir::{Expr, ExprKind, Handler, Stmt};
use crate::ir::{Base, Op, Value};
use crate::syntax::BinaryOp;

/// Error code of AIR: two values are not equal.
const NOT_EQUAL: i64 = 10_001;
/// Error code of AIR: two values are equal.
const EQUAL: i64 = 10_002;

impl Lowering<'_> {
    /// `if` and `else`. A condition that does not hold and a body that fails are
    /// both errors of AIR, and are told apart by the code of the error.
    pub(super) fn branch(
        &mut self,
        condition: &Expr,
        then: &[Stmt],
        otherwise: Option<&[Stmt]>,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) {
        let (equal, left, right) = self.condition(condition, env, out);
        if let (Base::Bool(left), Base::Bool(right)) = (&left.base, &right.base) {
            if (left == right) == equal {
                self.block(then, env, out);
            } else if let Some(otherwise) = otherwise {
                self.block(otherwise, env, out);
            }
            return;
        }
        let then = self.collected(|this, out| this.block(then, env, out));
        let tried = Op::Match {
            equal,
            left,
            right,
            body: Box::new(then),
        };
        let code = if equal { NOT_EQUAL } else { EQUAL };
        let failed = self.error();
        let is = |value: Value, code: i64, body: Op| Op::Match {
            equal: true,
            left: value,
            right: Base::Int(code).into(),
            body: Box::new(body),
        };
        let save = |value: Value, target| Op::Ap { value, target };
        let handler = match otherwise {
            None => Op::Xor(
                Box::new(is(error_code(), code, Op::Null)),
                Box::new(Op::Fail(failed.into())),
            ),
            Some(otherwise) => {
                let otherwise = self.collected(|this, out| this.block(otherwise, env, out));
                let (other, first) = (self.error(), self.error());
                // the inner match fails with the same code if the condition held and the body failed
                let tell = Op::Seq(vec![
                    save(Base::Error.into(), other),
                    Op::Xor(
                        Box::new(is(error_code(), NOT_EQUAL, save(failed.into(), first))),
                        Box::new(save(other.into(), first)),
                    ),
                    Op::Fail(first.into()),
                ]);
                Op::Xor(Box::new(is(error_code(), code, otherwise)), Box::new(tell))
            }
        };
        let handler = Op::Seq(vec![save(Base::Error.into(), failed), handler]);
        self.emit(out, Op::Xor(Box::new(tried), Box::new(handler)));
    }

    /// What has to be equal, or unequal, for the condition to hold.
    fn condition(
        &mut self,
        condition: &Expr,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> (bool, Value, Value) {
        if let ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right) =
            &condition.kind
        {
            let equal = *op == BinaryOp::Equal;
            let left = self.data(left, env, out);
            let right = self.data(right, env, out);
            let known = |value: &Value| {
                matches!(value.base, Base::Bool(_) | Base::Int(_) | Base::String(_))
            };
            if known(&left) && known(&right) {
                let holds = (left == right) == equal;
                return (true, Base::Bool(holds).into(), Base::Bool(true).into());
            }
            return (equal, left, right);
        }
        let value = self.data(condition, env, out);
        (true, value, Base::Bool(true).into())
    }

    /// `try`, `catch`, `otherwise`.
    pub(super) fn attempt(
        &mut self,
        tried: &[Stmt],
        handlers: &[Handler],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) {
        let mut op = self.collected(|this, out| this.block(tried, env, out));
        if handlers.is_empty() {
            op = Op::Xor(Box::new(op), Box::new(Op::Null));
        }
        for handler in handlers {
            let mut body = Vec::new();
            if let Some(local) = handler.error {
                let error = self.error();
                self.emit(
                    &mut body,
                    Op::Ap {
                        value: Base::Error.into(),
                        target: error,
                    },
                );
                env.insert(local, super::Binding::Value(error.into()));
            }
            self.block(&handler.body, env, &mut body);
            op = Op::Xor(Box::new(op), Box::new(sequence(body)));
        }
        self.emit(out, op);
    }
}
