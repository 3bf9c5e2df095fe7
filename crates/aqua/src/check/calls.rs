//! Calls.

use super::Body;
use crate::diagnostic::codes;
use crate::hir::{Call, Callee, Expr, MapMethod};
use crate::names::module_path;
use crate::source::Span;
use crate::syntax::{self, Name};
use crate::types::{Arrow, Ty};
use std::sync::Arc;

impl Body<'_> {
    /// The call that is written there; reports anything else.
    pub(super) fn call_of(
        &mut self,
        expr: &syntax::Expr,
        targets: &[Name],
    ) -> Option<(Call, Span)> {
        match &expr.kind {
            syntax::ExprKind::Error => None,
            syntax::ExprKind::Paren(inner) => self.call_of(inner, targets),
            syntax::ExprKind::Call {
                callee,
                abilities,
                args,
            } => {
                let call = self.call(callee, abilities, args, expr.span)?;
                Some((call, expr.span))
            }
            _ => {
                let value = self.value(expr);
                if value.ty != Ty::Error {
                    self.report_no_call(&value, targets);
                }
                None
            }
        }
    }

    fn call(
        &mut self,
        callee: &syntax::Expr,
        abilities: &[syntax::Expr],
        args: &[syntax::Expr],
        span: Span,
    ) -> Option<Call> {
        if let syntax::ExprKind::Field { base, name } = &callee.kind
            && let Some(call) = self.map_call(base, name, args, span)
        {
            return Some(call);
        }
        let callee = self.value(callee);
        let args: Vec<Expr> = abilities
            .iter()
            .chain(args)
            .map(|arg| self.value(arg))
            .collect();
        let arrow = match &callee.ty {
            Ty::Arrow(arrow) => arrow.clone(),
            Ty::Error => return None,
            ty => {
                let problem = self.error(
                    codes::NOT_A_CALL,
                    format!("{} cannot be called", ty.said()),
                    callee.span,
                );
                self.report(problem);
                return None;
            }
        };
        self.arguments(&arrow, &args, callee.span, span);
        Some(Call {
            callee: Callee::Arrow(callee),
            args,
            ty: arrow,
        })
    }

    fn arguments(&mut self, arrow: &Arrow, args: &[Expr], callee: Span, span: Span) {
        if args.len() != arrow.params.len() {
            let place = args
                .get(arrow.params.len())
                .map_or(callee, |extra| extra.span.to(span_end(span)));
            let problem = self
                .error(
                    codes::ARGUMENT_COUNT,
                    format!(
                        "this takes {}, and {} given",
                        super::mistakes::count(arrow.params.len(), "argument"),
                        match args.len() {
                            0 => String::from("none is"),
                            1 => String::from("one is"),
                            n => format!("{n} are"),
                        }
                    ),
                    place,
                )
                .note(format!("its type is `{arrow}`"));
            self.report(problem);
        }
        for (index, (arg, (name, ty))) in args.iter().zip(&arrow.params).enumerate() {
            let what = match name {
                Some(name) => format!("the argument `{name}`"),
                None => format!("argument {}", index + 1),
            };
            self.expect(arg, ty, &what);
        }
    }

    /// A method of a stream map.
    fn map_call(
        &mut self,
        base: &syntax::Expr,
        name: &Name,
        args: &[syntax::Expr],
        span: Span,
    ) -> Option<Call> {
        let method = match name.text.as_str() {
            "get" => MapMethod::Get,
            "getStream" => MapMethod::GetStream,
            "keys" => MapMethod::Keys,
            "keysStream" => MapMethod::KeysStream,
            "contains" => MapMethod::Contains,
            _ => return None,
        };
        // only a plain name can be a map, or a field of an ability; others are no candidates
        let path = module_path(base)?;
        let local = self.find(&path[0].text)?;
        let mut ty = self.locals[local.0 as usize].ty.clone();
        for segment in &path[1..] {
            ty = ty.members()?.get(&segment.text)?.clone();
        }
        let Ty::Map(element) = ty else { return None };
        let map = self.value(base);
        let key = (Some(String::from("key")), Ty::STRING);
        let (params, result) = match method {
            MapMethod::Get => (vec![key], Ty::Array(element)),
            MapMethod::GetStream => (vec![key], Ty::Stream(element)),
            MapMethod::Keys => (vec![], Ty::array(Ty::STRING)),
            MapMethod::KeysStream => (vec![], Ty::stream(Ty::STRING)),
            MapMethod::Contains => (vec![key], Ty::BOOL),
        };
        let arrow = Arc::new(Arrow {
            params,
            results: vec![result],
        });
        let args: Vec<Expr> = args.iter().map(|arg| self.value(arg)).collect();
        self.arguments(&arrow, &args, name.span, span);
        Some(Call {
            callee: Callee::Map(method, map),
            args,
            ty: arrow,
        })
    }
}

fn span_end(span: Span) -> Span {
    Span::new(
        span.end.saturating_sub(1).max(span.start),
        span.end.saturating_sub(1).max(span.start),
    )
}
