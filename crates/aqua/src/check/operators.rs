//! Operators.

use super::Body;
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::{self, BinaryOp};
use crate::types::{Scalar, Ty};

impl BinaryOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Pow => "**",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

impl Body<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &syntax::Expr,
        right: &syntax::Expr,
    ) -> (ExprKind, Ty) {
        let left = self.value(left);
        let right = self.value(right);
        let ty = match op {
            BinaryOp::And | BinaryOp::Or => {
                let what = format!("an operand of `{}`", op.text());
                self.expect(&left, &Ty::BOOL, &what);
                self.expect(&right, &Ty::BOOL, &what);
                Ty::BOOL
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                if !left.ty.comparable(&right.ty) {
                    let problem = self.error(
                        codes::OPERANDS,
                        format!(
                            "{} and {} can never be equal",
                            left.ty.said(),
                            right.ty.said()
                        ),
                        op_span,
                    );
                    self.report(problem);
                }
                Ty::BOOL
            }
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                self.integers(op, [&left, &right]);
                Ty::BOOL
            }
            _ => self.arithmetic(op, op_span, &left, &right),
        };
        (ExprKind::Binary(op, Box::new(left), Box::new(right)), ty)
    }

    /// Whether both operands are whole numbers; reports the first that is not.
    fn integers(&mut self, op: BinaryOp, operands: [&Expr; 2]) -> bool {
        let Some(operand) = operands.iter().find(|operand| !operand.ty.is_integer()) else {
            return true;
        };
        let mut problem = self.error(
            codes::OPERANDS,
            format!(
                "`{}` takes whole numbers, and this is {}",
                op.text(),
                operand.ty.said()
            ),
            operand.span,
        );
        match &operand.ty {
            ty if is_float(ty) && op != BinaryOp::Mul => {
                problem = problem.note("numbers with a dot can only be multiplied");
            }
            Ty::Option(element) if element.is_integer() => {
                let end = Span::new(operand.span.end, operand.span.end);
                problem = problem
                    .help("take the value out of the option: `!`")
                    .edit(end, "!");
            }
            ty if *ty == Ty::STRING => {
                problem = problem
                    .note("there are no operators on strings; services join and compare them");
            }
            _ => {}
        }
        self.report(problem);
        false
    }

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr) -> Ty {
        if op == BinaryOp::Mul && (is_float(&left.ty) || is_float(&right.ty)) {
            let number = |ty: &Ty| ty.fits(&Ty::Scalar(Scalar::F64));
            if number(&left.ty) && number(&right.ty) {
                // the host function rounds the product down
                return Ty::I64;
            }
        }
        if !self.integers(op, [left, right]) {
            return Ty::Error;
        }
        if op == BinaryOp::Pow && signed(&right.ty) {
            let problem = self.error(
                codes::OPERANDS,
                format!(
                    "an exponent is not negative, and this is {}",
                    right.ty.said()
                ),
                right.span,
            );
            self.report(problem);
            return Ty::Error;
        }
        if let (Ty::Int { low: a, high: b }, Ty::Int { low: c, high: d }) = (&left.ty, &right.ty) {
            return match range(op, (*a, *b), (*c, *d)) {
                Some((low, high)) => Ty::Int { low, high },
                None => Ty::I64,
            };
        }
        if op == BinaryOp::Pow {
            return left.ty.clone();
        }
        match left.ty.join(&right.ty) {
            Ty::Top => {
                let problem = Diagnostic::warning(
                    codes::WIDENED,
                    format!(
                        "no type holds both {} and {}: the result is taken for `i64`",
                        left.ty.said(),
                        right.ty.said()
                    ),
                    self.file,
                    op_span,
                );
                self.report(problem);
                Ty::I64
            }
            ty => ty,
        }
    }
}

/// Between which numbers the result of an operation lies; `None` if it may leave 64 bits.
fn range(op: BinaryOp, left: (i128, i128), right: (i128, i128)) -> Option<(i128, i128)> {
    let corners = |compute: &dyn Fn(i128, i128) -> Option<i128>| {
        let mut found: Option<(i128, i128)> = None;
        for a in [left.0, left.1] {
            for b in [right.0, right.1] {
                let value = compute(a, b)?;
                let (low, high) = found.unwrap_or((value, value));
                found = Some((low.min(value), high.max(value)));
            }
        }
        found
    };
    let within = match op {
        BinaryOp::Add => corners(&i128::checked_add),
        BinaryOp::Sub => corners(&i128::checked_sub),
        BinaryOp::Mul => corners(&i128::checked_mul),
        BinaryOp::Div if right.0 > 0 || right.1 < 0 => corners(&i128::checked_div),
        BinaryOp::Rem if left.0 == left.1 && right.0 == right.1 && right.0 != 0 => {
            corners(&i128::checked_rem)
        }
        BinaryOp::Rem if left.0 >= 0 && right.0 > 0 => Some((0, left.1.min(right.1 - 1))),
        BinaryOp::Pow if left.0 >= 0 || right.0 == right.1 => {
            corners(&|a, b| a.checked_pow(u32::try_from(b).ok()?))
        }
        _ => None,
    }?;
    let fits = |value: i128| i64::try_from(value).is_ok();
    (fits(within.0) && fits(within.1)).then_some(within)
}

fn is_float(ty: &Ty) -> bool {
    match ty {
        Ty::Float => true,
        Ty::Scalar(scalar) => scalar.is_float(),
        _ => false,
    }
}

fn signed(ty: &Ty) -> bool {
    match ty {
        Ty::Int { low, .. } => *low < 0,
        Ty::Scalar(scalar) => scalar.range().is_some_and(|(low, _)| low < 0),
        _ => false,
    }
}

/// The result of an operation on two numbers, if it can be known before running.
pub(crate) fn fold(op: BinaryOp, left: i64, right: i64) -> Option<i64> {
    match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Sub => left.checked_sub(right),
        BinaryOp::Mul => left.checked_mul(right),
        BinaryOp::Div => left.checked_div(right),
        BinaryOp::Rem => left.checked_rem(right),
        BinaryOp::Pow => left.checked_pow(u32::try_from(right).ok()?),
        _ => None,
    }
}
