//! Values.

use super::super::token::TokenKind;
use super::super::tree::{BinaryOp, CollectionKind, Expr, ExprKind, Name, NamedArg};
use super::cursor::Parser;
use super::{CHAIN_MAX, Failed, Result};
use crate::diagnostic::codes;
use crate::source::Span;

/// A value and the longest way from it to a leaf.
struct Tall {
    expr: Expr,
    height: u32,
}

/// What stands between the parentheses of a call or a construction.
struct Arg {
    name: Option<Name>,
    value: Expr,
}

impl Parser<'_> {
    /// A value; what cannot be read is left out up to the end of the line.
    pub fn expr_or_error(&mut self) -> Expr {
        let start = self.wrong_span();
        self.expr().unwrap_or_else(|_| {
            self.recover();
            error(start)
        })
    }

    /// A value.
    pub fn expr(&mut self) -> Result<Expr> {
        self.tall().map(|tall| tall.expr)
    }

    /// A value behind which nothing follows.
    pub fn value_alone(&mut self) -> Result<Expr> {
        let value = self.expr()?;
        self.skip_line_end();
        if self.kind() != TokenKind::End {
            return Err(self.expected("the end"));
        }
        Ok(value)
    }

    /// A value without operators.
    pub fn postfix_or_error(&mut self) -> Expr {
        let start = self.wrong_span();
        self.operand().map_or_else(
            |_| {
                self.recover();
                error(start)
            },
            |tall| tall.expr,
        )
    }

    fn tall(&mut self) -> Result<Tall> {
        self.enter(|levels| &mut levels.values, "values")?;
        let tall = self.operators();
        self.levels.values -= 1;
        tall
    }

    fn operators(&mut self) -> Result<Tall> {
        let first = self.operand()?;
        let Some(mut operator) = self.operator() else {
            return Ok(first);
        };
        let mut operands = vec![first];
        let mut operators: Vec<(BinaryOp, Span)> = Vec::new();
        loop {
            while let Some(top) = operators.last().copied()
                && binds_first(top.0, operator.0)
            {
                let middle = operands.last().map(|operand| operand.expr.span);
                let chained = self.check_chain(top, middle, operator);
                operators.pop();
                self.join_operands(&mut operands, top)?;
                if chained && let Some(left) = operands.last_mut() {
                    left.expr.kind = ExprKind::Error;
                }
            }
            operators.push(operator);
            if operators.len() > CHAIN_MAX as usize {
                return Err(self.too_tall());
            }
            let operand = self.operand()?;
            operands.push(operand);
            match self.operator() {
                Some(next) => operator = next,
                None => break,
            }
        }
        while let Some(top) = operators.pop() {
            self.join_operands(&mut operands, top)?;
        }
        Ok(operands.pop().expect("the first operand is there"))
    }

    fn join_operands(
        &mut self,
        operands: &mut Vec<Tall>,
        (op, op_span): (BinaryOp, Span),
    ) -> Result<()> {
        let right = operands.pop().expect("an operator has a right operand");
        let left = operands.pop().expect("an operator has a left operand");
        let height = left.height.max(right.height);
        let span = left.expr.span.to(right.expr.span);
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left.expr),
            right: Box::new(right.expr),
        };
        operands.push(self.taller(kind, span, height)?);
        Ok(())
    }

    /// Whether two comparisons share an operand.
    fn check_chain(
        &mut self,
        left: (BinaryOp, Span),
        middle: Option<Span>,
        right: (BinaryOp, Span),
    ) -> bool {
        if level(left.0) != COMPARISON || level(right.0) != COMPARISON {
            return false;
        }
        let error = self.error(
            codes::SYNTAX,
            "comparisons cannot be chained",
            left.1.to(right.1),
        );
        let error = error.help("compare twice: `a < b && b < c`");
        let middle = middle.map_or("", |middle| self.slice(middle));
        let is_plain =
            !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.report(if is_plain {
            let before = Span::new(right.1.start, right.1.start);
            error.edit(before, format!("&& {middle} "))
        } else {
            error
        });
        true
    }

    /// A value made of others, of which the tallest has a height.
    fn taller(&mut self, kind: ExprKind, span: Span, height: u32) -> Result<Tall> {
        if height >= CHAIN_MAX {
            return Err(self.too_tall());
        }
        Ok(Tall {
            expr: Expr { kind, span },
            height: height + 1,
        })
    }

    fn too_tall(&mut self) -> Failed {
        let span = self.last;
        let error = self.error(
            codes::LIMIT,
            format!(
                "more than {CHAIN_MAX} operators, fields and indices follow each other in one value"
            ),
            span,
        );
        let error = error.help("give a part of it a name");
        self.fail(error)
    }

    /// The operator that follows, and goes on to its right operand, which may stand in the next line.
    fn operator(&mut self) -> Option<(BinaryOp, Span)> {
        if self.kind() == TokenKind::LineEnd && binary(self.after_line_end().kind).is_some() {
            self.skip_line_end();
        }
        if self.kind() == TokenKind::ArrowLeft {
            // `a <-1`
            let span = self.span();
            let number = self.ahead(1);
            if number.kind == TokenKind::Number && number.span.start == span.end {
                return Some((BinaryOp::Less, Span::new(span.start, span.start + 1)));
            }
        }
        let op = binary(self.kind())?;
        let span = self.bump();
        self.skip_line_end();
        Some((op, span))
    }

    fn operand(&mut self) -> Result<Tall> {
        let start = self.span();
        if self.kind() == TokenKind::Bang {
            self.enter(|levels| &mut levels.values, "values")?;
            self.bump();
            self.skip_line_end();
            let inner = self.operand();
            self.levels.values -= 1;
            let inner = inner?;
            let span = start.to(inner.expr.span);
            return self.taller(ExprKind::Not(Box::new(inner.expr)), span, inner.height);
        }
        let mut value = self.primary()?;
        loop {
            value = match self.kind() {
                TokenKind::Dot => self.field(value)?,
                TokenKind::RoundOpen => self.call(value)?,
                // A lonely brace at the end of a line is meant to open a block.
                TokenKind::CurlyOpen
                    if self.is_glued() || self.ahead(1).kind != TokenKind::LineEnd =>
                {
                    self.call(value)?
                }
                TokenKind::SquareOpen => self.index(value)?,
                TokenKind::Bang if self.is_glued() => self.bang(value)?,
                _ => return Ok(value),
            };
        }
    }

    fn primary(&mut self) -> Result<Tall> {
        let span = self.span();
        let kind = match self.kind() {
            TokenKind::Number => {
                self.bump();
                self.number(span)
            }
            // The second is the end of `a <-1`.
            TokenKind::Minus | TokenKind::ArrowLeft if self.is_sign() => {
                let minus = Span::new(span.end - 1, span.end);
                self.bump();
                let number = self.bump();
                let span = minus.to(number);
                let kind = self.number(span);
                return Ok(leaf(kind, span));
            }
            TokenKind::String | TokenKind::OpenString => {
                let string = self.string("a string")?;
                ExprKind::String(string.text)
            }
            TokenKind::InitPeerId => {
                self.bump();
                ExprKind::InitPeerId
            }
            TokenKind::Word => match self.slice(span) {
                "true" => {
                    self.bump();
                    ExprKind::Bool(true)
                }
                "false" => {
                    self.bump();
                    ExprKind::Bool(false)
                }
                _ => ExprKind::Name(self.name("a value")?),
            },
            TokenKind::RoundOpen => {
                self.open();
                let inner = self.tall()?;
                self.expect_close("the value")?;
                let span = span.to(self.last);
                return self.taller(ExprKind::Paren(Box::new(inner.expr)), span, inner.height);
            }
            TokenKind::SquareOpen => return self.collection(CollectionKind::Array, span),
            TokenKind::Question | TokenKind::Star
                if self.ahead(1).kind == TokenKind::SquareOpen =>
            {
                let kind = match self.kind() {
                    TokenKind::Question => CollectionKind::Option,
                    _ => CollectionKind::Stream,
                };
                self.bump();
                return self.collection(kind, span);
            }
            _ => {
                let before = self.slice(self.last);
                let what = if is_operator(before) {
                    format!("a value after `{before}`")
                } else {
                    "a value".to_owned()
                };
                return Err(self.expected(&what));
            }
        };
        Ok(leaf(kind, span))
    }

    fn is_sign(&self) -> bool {
        let number = self.ahead(1);
        number.kind == TokenKind::Number && number.span.start == self.span().end
    }

    fn collection(&mut self, kind: CollectionKind, start: Span) -> Result<Tall> {
        self.open();
        let mut height = 0;
        let items = self.list("the elements", |parser| {
            let tall = parser.tall()?;
            height = height.max(tall.height);
            Ok(tall.expr)
        })?;
        let span = start.to(self.last);
        self.taller(ExprKind::Collection { kind, items }, span, height)
    }

    fn field(&mut self, base: Tall) -> Result<Tall> {
        self.bump();
        let name = self.name("the name of a field after `.`")?;
        let span = base.expr.span.to(name.span);
        let kind = ExprKind::Field {
            base: Box::new(base.expr),
            name,
        };
        self.taller(kind, span, base.height)
    }

    fn bang(&mut self, base: Tall) -> Result<Tall> {
        self.bump();
        let index = match self.kind() {
            TokenKind::Number if self.is_glued() => {
                let span = self.bump();
                let kind = self.number(span);
                Some(Box::new(Expr { kind, span }))
            }
            TokenKind::Word if self.is_glued() => {
                let name = self.name("an index")?;
                Some(Box::new(Expr {
                    span: name.span,
                    kind: ExprKind::Name(name),
                }))
            }
            _ => None,
        };
        let span = base.expr.span.to(self.last);
        let kind = ExprKind::Index {
            base: Box::new(base.expr),
            index,
            bang: true,
        };
        self.taller(kind, span, base.height)
    }

    fn index(&mut self, base: Tall) -> Result<Tall> {
        self.open();
        let index = self.tall()?;
        self.expect_close("the index")?;
        if let ExprKind::Int(Some(..0)) = index.expr.kind {
            let error = self.error(
                codes::BAD_LITERAL,
                "an index cannot be negative",
                index.expr.span,
            );
            self.report(error.help("the first element has the index 0"));
        }
        let height = base.height.max(index.height);
        let span = base.expr.span.to(self.last);
        let kind = ExprKind::Index {
            base: Box::new(base.expr),
            index: Some(Box::new(index.expr)),
            bang: false,
        };
        self.taller(kind, span, height)
    }

    fn call(&mut self, callee: Tall) -> Result<Tall> {
        let (ExprKind::Name(name) | ExprKind::Field { name, .. }) = &callee.expr.kind else {
            return Err(self.not_callable());
        };
        let constructs = name
            .text
            .starts_with(|first: char| first.is_ascii_uppercase());
        let copies = name.text == "copy" && matches!(callee.expr.kind, ExprKind::Field { .. });
        let mut height = callee.height;
        let mut abilities = Vec::new();
        if self.kind() == TokenKind::CurlyOpen {
            self.open();
            abilities = self.list("the abilities", |parser| {
                let tall = parser.tall()?;
                height = height.max(tall.height);
                Ok(tall.expr)
            })?;
            if self.kind() != TokenKind::RoundOpen {
                return Err(self.expected("`(` and arguments after the abilities"));
            }
        }
        self.open();
        let args = self.list("the arguments", |parser| {
            let (arg, tall) = parser.arg()?;
            height = height.max(tall);
            Ok(arg)
        })?;
        let span = callee.expr.span.to(self.last);
        let named = args
            .iter()
            .all(|arg| arg.name.is_some() || matches!(arg.value.kind, ExprKind::Name(_)));
        let kind = if abilities.is_empty() && constructs {
            let fields = self.named_args(args);
            if named {
                ExprKind::Construct {
                    base: Box::new(callee.expr),
                    fields,
                }
            } else {
                ExprKind::Error
            }
        } else if abilities.is_empty() && copies && named && !args.is_empty() {
            let ExprKind::Field { base, .. } = callee.expr.kind else {
                unreachable!("a copy is a field");
            };
            ExprKind::Copy {
                base,
                fields: self.named_args(args),
            }
        } else {
            ExprKind::Call {
                callee: Box::new(callee.expr),
                abilities,
                args: self.plain_args(args),
            }
        };
        self.taller(kind, span, height)
    }

    fn arg(&mut self) -> Result<(Arg, u32)> {
        let mut name = None;
        if self.kind() == TokenKind::Word && self.ahead(1).kind == TokenKind::Assign {
            name = Some(self.name("an argument")?);
            self.bump();
        }
        let tall = self.tall()?;
        let value = tall.expr;
        Ok((Arg { name, value }, tall.height))
    }

    fn named_args(&mut self, args: Vec<Arg>) -> Vec<NamedArg> {
        let mut fields = Vec::with_capacity(args.len());
        let mut is_reported = false;
        for arg in args {
            match (arg.name, arg.value.kind) {
                (Some(name), kind) => fields.push(NamedArg {
                    name,
                    value: Some(Expr {
                        kind,
                        span: arg.value.span,
                    }),
                }),
                (None, ExprKind::Name(name)) => fields.push(NamedArg { name, value: None }),
                (None, _) if is_reported => {}
                (None, _) => {
                    is_reported = true;
                    let error = self.error(
                        codes::SYNTAX,
                        "a field is given without its name",
                        arg.value.span,
                    );
                    self.report(error.help("write `field = value`"));
                }
            }
        }
        fields
    }

    fn plain_args(&mut self, args: Vec<Arg>) -> Vec<Expr> {
        if let Some(name) = args.iter().find_map(|arg| arg.name.as_ref()) {
            let span = name.span;
            let error = self.error(
                codes::SYNTAX,
                "the arguments of a call are given without names",
                span,
            );
            self.report(error);
        }
        args.into_iter().map(|arg| arg.value).collect()
    }

    fn number(&mut self, span: Span) -> ExprKind {
        let text = self.slice(span);
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            self.report_bad_number(span);
            return ExprKind::Int(None);
        }
        let whole = digits.split('.').next().unwrap_or(digits);
        if whole.len() > 1 && whole.starts_with('0') {
            let error = self.error(
                codes::BAD_LITERAL,
                format!("the number `{}` starts with a needless 0", shorten(text)),
                span,
            );
            let zeros = whole.trim_start_matches('0');
            let whole_kept = if zeros.is_empty() { "0" } else { zeros };
            let sign = &text[..text.len() - digits.len()];
            let fixed = format!("{sign}{whole_kept}{}", &digits[whole.len()..]);
            let error = error.edit(span, fixed);
            self.report(error.help("leave it out"));
        }
        if digits.contains('.') {
            return ExprKind::Float(text.to_owned());
        }
        let value: Option<i128> = text.parse().ok();
        let value =
            value.filter(|value| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value));
        if value.is_none() {
            let error = self.error(
                codes::BAD_LITERAL,
                format!("the number `{}` is out of range", shorten(text)),
                span,
            );
            self.report(error.note(format!(
                "whole numbers go from {} to {}",
                i64::MIN,
                u64::MAX
            )));
        }
        ExprKind::Int(value)
    }
}

/// The beginning of a long text.
pub(super) fn shorten(text: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn error(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Error,
        span,
    }
}

fn leaf(kind: ExprKind, span: Span) -> Tall {
    Tall {
        expr: Expr { kind, span },
        height: 1,
    }
}

/// The operator that a token is.
pub(super) fn binary(kind: TokenKind) -> Option<BinaryOp> {
    Some(match kind {
        TokenKind::Plus => BinaryOp::Add,
        TokenKind::Minus => BinaryOp::Sub,
        TokenKind::Star => BinaryOp::Mul,
        TokenKind::Slash => BinaryOp::Div,
        TokenKind::Percent => BinaryOp::Rem,
        TokenKind::Power => BinaryOp::Pow,
        TokenKind::Less => BinaryOp::Less,
        TokenKind::LessEqual => BinaryOp::LessEqual,
        TokenKind::Greater => BinaryOp::Greater,
        TokenKind::GreaterEqual => BinaryOp::GreaterEqual,
        TokenKind::Equal => BinaryOp::Equal,
        TokenKind::NotEqual => BinaryOp::NotEqual,
        TokenKind::And => BinaryOp::And,
        TokenKind::Or => BinaryOp::Or,
        _ => return None,
    })
}

/// Whether a token is an operator with two operands.
fn is_operator(text: &str) -> bool {
    let is_arrow = matches!(text, "->" | "<-" | "<<-" | "=" | "?=");
    !is_arrow && !text.is_empty() && text.bytes().all(|byte| b"+-*/%<>=!&|".contains(&byte))
}

const COMPARISON: u32 = 4;

/// How strongly an operator binds.
fn level(op: BinaryOp) -> u32 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Equal | BinaryOp::NotEqual => 3,
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
            COMPARISON
        }
        BinaryOp::Add | BinaryOp::Sub => 5,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 6,
        BinaryOp::Pow => 7,
    }
}

/// Whether in `a left b right c` the left operator takes `b`.
fn binds_first(left: BinaryOp, right: BinaryOp) -> bool {
    level(left) > level(right) || level(left) == level(right) && left != BinaryOp::Pow
}
