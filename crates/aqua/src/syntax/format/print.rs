//! Values, types and signatures as pieces of a line.

use super::super::tree::{
    BinaryOp, CollectionKind, Expr, ExprKind, NamedArg, Param, Path, Signature, TypeExpr, TypeKind,
};
use super::comments::Comments;
use super::layout::{Element, List, Piece};
use crate::source::Span;

pub(super) type Pieces<'t> = Vec<Piece<'t>>;

pub(super) struct Printer<'t> {
    pub comments: Comments<'t>,
}

/// Adds text, to the text at the end if there is one.
pub(super) fn push(out: &mut Pieces, text: &str) {
    if let Some(Piece::Text(last)) = out.last_mut() {
        last.push_str(text);
    } else {
        out.push(Piece::Text(text.to_owned()));
    }
}

impl<'t> Printer<'t> {
    /// A list whose comments are in a piece of the text.
    fn list<T>(
        &mut self,
        [open, close]: [&'static str; 2],
        region: Span,
        items: &[T],
        span: impl Fn(&T) -> Span,
        print: impl Fn(&mut Self, &T, &mut Pieces<'t>),
    ) -> Piece<'t> {
        let mut elements = Vec::with_capacity(items.len());
        let mut start = region.start;
        for (index, item) in items.iter().enumerate() {
            let mut pieces = Vec::new();
            print(self, item, &mut pieces);
            let end = span(item).end;
            let next = items
                .get(index + 1)
                .map_or(region.end, |next| span(next).start);
            elements.push(Element {
                above: self.comments.take_all_in(start, end),
                pieces,
                behind: self.comments.take_behind(end, next),
            });
            start = end;
        }
        Piece::List(List {
            open,
            close,
            elements,
            comments: self.comments.take_all_in(start, region.end),
        })
    }

    /// Values with commas between them.
    pub fn exprs(&mut self, values: &[Expr], out: &mut Pieces<'t>) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                push(out, ", ");
            }
            self.expr(value, out);
        }
    }

    fn expr_list(
        &mut self,
        brackets: [&'static str; 2],
        region: Span,
        items: &[Expr],
    ) -> Piece<'t> {
        self.list(brackets, region, items, |item| item.span, Printer::expr)
    }

    /// A value.
    pub fn expr(&mut self, value: &Expr, out: &mut Pieces<'t>) {
        // What is to the right of the innermost value on the left, outermost first.
        let mut chain = vec![value];
        while let Some(base) = left_of(chain[chain.len() - 1]) {
            chain.push(base);
        }
        while let Some(value) = chain.pop() {
            self.link(value, out);
        }
    }

    /// A value without the one that it starts with, which is already written.
    fn link(&mut self, value: &Expr, out: &mut Pieces<'t>) {
        let end = value.span.end;
        match &value.kind {
            ExprKind::Error => {}
            ExprKind::Bool(value) => push(out, if *value { "true" } else { "false" }),
            ExprKind::Int(value) => {
                if let Some(value) = value {
                    push(out, &value.to_string());
                }
            }
            ExprKind::Float(text) => push(out, text),
            ExprKind::String(text) => push(out, &format!("\"{text}\"")),
            ExprKind::InitPeerId => push(out, "%init_peer_id%"),
            ExprKind::Name(name) => push(out, &name.text),
            ExprKind::Collection { kind, items } => {
                let open = match kind {
                    CollectionKind::Array => "[",
                    CollectionKind::Option => "?[",
                    CollectionKind::Stream => "*[",
                };
                let list = self.expr_list([open, "]"], value.span, items);
                out.push(list);
            }
            ExprKind::Construct { base, fields } => {
                let region = Span::new(base.span.end, end);
                let list = self.named(region, fields);
                out.push(list);
            }
            ExprKind::Copy { base, fields } => {
                push(out, ".copy");
                let region = Span::new(base.span.end, end);
                let list = self.named(region, fields);
                out.push(list);
            }
            ExprKind::Call {
                callee,
                abilities,
                args,
            } => {
                let mut start = callee.span.end;
                if let Some(last) = abilities.last() {
                    let region = Span::new(start, last.span.end);
                    start = last.span.end;
                    let list = self.expr_list(["{", "}"], region, abilities);
                    out.push(list);
                }
                let list = self.expr_list(["(", ")"], Span::new(start, end), args);
                out.push(list);
            }
            ExprKind::Field { name, .. } => {
                push(out, ".");
                push(out, &name.text);
            }
            ExprKind::Index { index, bang, .. } => {
                push(out, if *bang { "!" } else { "[" });
                if let Some(index) = index {
                    self.expr(index, out);
                }
                if !bang {
                    push(out, "]");
                }
            }
            ExprKind::Not(inner) => {
                push(out, "!");
                self.expr(inner, out);
            }
            ExprKind::Binary { op, right, .. } => {
                push(out, " ");
                push(out, operator(*op));
                push(out, " ");
                self.expr(right, out);
            }
            ExprKind::Paren(inner) => {
                push(out, "(");
                self.expr(inner, out);
                push(out, ")");
            }
        }
    }

    fn named(&mut self, region: Span, fields: &[NamedArg]) -> Piece<'t> {
        self.list(
            ["(", ")"],
            region,
            fields,
            |field| match &field.value {
                Some(value) => field.name.span.to(value.span),
                None => field.name.span,
            },
            |printer, field, out| {
                push(out, &field.name.text);
                if let Some(value) = &field.value {
                    push(out, " = ");
                    printer.expr(value, out);
                }
            },
        )
    }

    /// Abilities, arguments and results of what is defined.
    pub fn signature(&mut self, signature: &Signature, out: &mut Pieces<'t>) {
        self.arguments(signature, out);
        if !signature.results.is_empty() {
            push(out, " -> ");
            self.results(signature, out);
        }
    }

    fn arguments(&mut self, signature: &Signature, out: &mut Pieces<'t>) {
        let mut start = signature.span.start;
        if let Some(last) = signature.abilities.last() {
            self.abilities(&signature.abilities, start, out);
            start = last.span.end;
        }
        let end = match signature.results.first() {
            Some(result) => result.span.start,
            None => signature.span.end,
        };
        let list = self.list(
            ["(", ")"],
            Span::new(start, end),
            &signature.params,
            param_span,
            |printer, param, out| {
                if let Some(name) = &param.name {
                    push(out, &name.text);
                    push(out, ": ");
                }
                printer.ty(&param.ty, out);
            },
        );
        out.push(list);
    }

    fn abilities(&mut self, abilities: &[Path], start: u32, out: &mut Pieces<'t>) {
        let end = abilities.last().map_or(start, |last| last.span.end);
        let list = self.list(
            ["{", "}"],
            Span::new(start, end),
            abilities,
            |path| path.span,
            |_, path, out| push(out, &path.text()),
        );
        out.push(list);
    }

    fn results(&mut self, signature: &Signature, out: &mut Pieces<'t>) {
        if signature.results.is_empty() {
            push(out, "()");
        }
        for (index, result) in signature.results.iter().enumerate() {
            if index > 0 {
                push(out, ", ");
            }
            self.closed_type(result, out);
        }
    }

    /// A type, an arrow in parentheses.
    fn closed_type(&mut self, ty: &TypeExpr, out: &mut Pieces<'t>) {
        let is_arrow = matches!(ty.kind, TypeKind::Arrow(_));
        if is_arrow {
            push(out, "(");
        }
        self.ty(ty, out);
        if is_arrow {
            push(out, ")");
        }
    }

    /// A type.
    pub fn ty(&mut self, ty: &TypeExpr, out: &mut Pieces<'t>) {
        let (prefix, inner) = match &ty.kind {
            TypeKind::Error => return,
            TypeKind::Top => return push(out, "⊤"),
            TypeKind::Bottom => return push(out, "⊥"),
            TypeKind::Named(path) => return push(out, &path.text()),
            TypeKind::Array(inner) => ("[]", inner),
            TypeKind::Option(inner) => ("?", inner),
            TypeKind::Stream(inner) => ("*", inner),
            TypeKind::Map(inner) => ("%", inner),
            TypeKind::Arrow(signature) => return self.arrow(signature, out),
        };
        push(out, prefix);
        self.closed_type(inner, out);
    }

    fn arrow(&mut self, signature: &Signature, out: &mut Pieces<'t>) {
        if signature.params.iter().any(|param| param.name.is_some()) {
            self.arguments(signature, out);
            push(out, " ");
        } else {
            if !signature.abilities.is_empty() {
                self.abilities(&signature.abilities, signature.span.start, out);
                push(out, " ");
            }
            for (index, param) in signature.params.iter().enumerate() {
                if index > 0 {
                    push(out, ", ");
                }
                self.closed_type(&param.ty, out);
            }
            if !signature.params.is_empty() {
                push(out, " ");
            }
        }
        push(out, "-> ");
        self.results(signature, out);
    }
}

fn param_span(param: &Param) -> Span {
    match &param.name {
        Some(name) => name.span.to(param.ty.span),
        None => param.ty.span,
    }
}

/// The value that another one starts with.
fn left_of(value: &Expr) -> Option<&Expr> {
    match &value.kind {
        ExprKind::Construct { base, .. }
        | ExprKind::Copy { base, .. }
        | ExprKind::Field { base, .. }
        | ExprKind::Index { base, .. } => Some(base),
        ExprKind::Call { callee, .. } => Some(callee),
        ExprKind::Binary { left, .. } => Some(left),
        _ => None,
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "**",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
