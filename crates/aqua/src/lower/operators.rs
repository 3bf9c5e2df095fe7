//! Operators.

use super::{Env, Lowering, is_literal, sequence};
use crate::check::fold;
use crate::hir::{Expr, ExprKind, Literal};
use crate::ir::{Base, Op, Value};
use crate::syntax::BinaryOp;
use crate::types::Ty;

impl Lowering<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        match op {
            BinaryOp::And => self.short_circuit(false, "and", left, right, env, out),
            BinaryOp::Or => self.short_circuit(true, "or", left, right, env, out),
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let equal = op == BinaryOp::Equal;
                let left = self.data(left, env, out);
                let right = self.data(right, env, out);
                if is_literal(&left) && is_literal(&right) && constant(&left) && constant(&right) {
                    return Base::Bool((left == right) == equal).into();
                }
                self.choose(equal, left, right, if equal { "eq" } else { "neq" }, out)
            }
            BinaryOp::Add | BinaryOp::Sub => self.sum(op, left, right, env, out),
            _ => {
                let float =
                    matches!(op, BinaryOp::Mul) && (is_float(&left.ty) || is_float(&right.ty));
                let left = self.data(left, env, out);
                let right = self.data(right, env, out);
                self.compute(op, float, left, right, out)
            }
        }
    }

    fn compute(
        &mut self,
        op: BinaryOp,
        float: bool,
        left: Value,
        right: Value,
        out: &mut Vec<Op>,
    ) -> Value {
        if let (Base::Int(left), Base::Int(right)) = (&left.base, &right.base) {
            let known = match op {
                BinaryOp::Less => Some(Base::Bool(left < right)),
                BinaryOp::LessEqual => Some(Base::Bool(left <= right)),
                BinaryOp::Greater => Some(Base::Bool(left > right)),
                BinaryOp::GreaterEqual => Some(Base::Bool(left >= right)),
                _ => fold(op, *left, *right).map(Base::Int),
            };
            if let Some(known) = known {
                return known.into();
            }
        }
        let (service, function) = match op {
            BinaryOp::Add => ("math", "add"),
            BinaryOp::Sub => ("math", "sub"),
            BinaryOp::Mul if float => ("math", "fmul"),
            BinaryOp::Mul => ("math", "mul"),
            BinaryOp::Div => ("math", "div"),
            BinaryOp::Rem => ("math", "rem"),
            BinaryOp::Pow => ("math", "pow"),
            BinaryOp::Less => ("cmp", "lt"),
            BinaryOp::LessEqual => ("cmp", "lte"),
            BinaryOp::Greater => ("cmp", "gt"),
            _ => ("cmp", "gte"),
        };
        self.builtin(service, function, vec![left, right], out)
    }

    /// `a + b`: literals in a chain of sums are added before running.
    pub(super) fn sum(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        let mut terms = Vec::new();
        let mut stack = vec![(op, right), (BinaryOp::Add, left)];
        while let Some((sign, term)) = stack.pop() {
            let ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), left, right) = &term.kind
            else {
                terms.push((sign, term));
                continue;
            };
            let inner = if *op == sign {
                BinaryOp::Add
            } else {
                BinaryOp::Sub
            };
            stack.push((inner, right));
            stack.push((sign, left));
        }
        let number = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(Literal::Int(value)) => Some(*value),
            _ => None,
        };
        let literals = terms
            .iter()
            .filter(|(_, term)| number(term).is_some())
            .count();
        let known = terms
            .iter()
            .try_fold(0_i64, |sum, (op, term)| match number(term) {
                Some(value) => fold(*op, sum, value),
                None => Some(sum),
            });
        let (Some(known), true) = (known, literals > 1) else {
            let mut terms = terms.into_iter();
            let mut sum = match terms.next() {
                Some((_, term)) => self.data(term, env, out),
                None => Base::Int(0).into(),
            };
            for (op, term) in terms {
                let term = self.data(term, env, out);
                sum = self.compute(op, false, sum, term, out);
            }
            return sum;
        };
        let mut rest: Vec<(BinaryOp, &Expr)> = terms
            .into_iter()
            .filter(|(_, term)| number(term).is_none())
            .collect();
        // what is added stands before what is taken away, so that the sum begins with a term
        let begin = rest.iter().position(|(op, _)| *op == BinaryOp::Add);
        let mut pending = known;
        let mut sum = if let Some(begin) = begin {
            let (_, term) = rest.remove(begin);
            self.data(term, env, out)
        } else {
            pending = 0;
            Base::Int(known).into()
        };
        for (op, term) in rest {
            let term = self.data(term, env, out);
            sum = self.compute(op, false, sum, term, out);
        }
        match pending {
            0 => sum,
            i64::MIN..0 => match pending.checked_neg() {
                Some(value) => {
                    self.compute(BinaryOp::Sub, false, sum, Base::Int(value).into(), out)
                }
                None => self.compute(BinaryOp::Add, false, sum, Base::Int(pending).into(), out),
            },
            _ => self.compute(BinaryOp::Add, false, sum, Base::Int(pending).into(), out),
        }
    }

    /// `a && b`, `a || b`: the right side runs only if the left one does not decide.
    fn short_circuit(
        &mut self,
        deciding: bool,
        name: &str,
        left: &Expr,
        right: &Expr,
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        let left = self.data(left, env, out);
        if let Base::Bool(known) = left.base {
            return if known == deciding {
                Base::Bool(deciding).into()
            } else {
                self.data(right, env, out)
            };
        }
        let mut other = Vec::new();
        let right = self.data(right, env, &mut other);
        if let Base::Bool(known) = right.base {
            return if known == deciding {
                Base::Bool(deciding).into()
            } else {
                left
            };
        }
        let target = self.scalar(name);
        self.emit(
            &mut other,
            Op::Ap {
                value: right,
                target,
            },
        );
        self.emit(
            out,
            Op::Xor(
                Box::new(Op::Match {
                    equal: true,
                    left: left.clone(),
                    right: Base::Bool(deciding).into(),
                    body: Box::new(Op::Ap {
                        value: left,
                        target,
                    }),
                }),
                Box::new(sequence(other)),
            ),
        );
        target.into()
    }

    pub(super) fn negate(&mut self, value: Value, out: &mut Vec<Op>) -> Value {
        if let Base::Bool(known) = value.base {
            return Base::Bool(!known).into();
        }
        self.choose(false, value, Base::Bool(true).into(), "not", out)
    }
}

/// Whether the value is known before running.
fn constant(value: &Value) -> bool {
    matches!(
        value.base,
        Base::String(_) | Base::Int(_) | Base::Bool(_) | Base::Empty
    )
}

fn is_float(ty: &Ty) -> bool {
    match ty {
        Ty::Float => true,
        Ty::Scalar(scalar) => scalar.is_float(),
        _ => false,
    }
}
