//! Bodies of functions and closures, and what they return.

use super::mistakes::count;
use super::{Body, no_lambda};
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Expr, Lambda, Stmt};
use crate::source::Span;
use crate::syntax::{self, Block, Name, Signature};
use crate::types::{Arrow, Ty};
use hashbrown::HashSet;
use std::sync::Arc;

impl Body<'_> {
    /// Checks a function or closure. `ty` is its type, if that is known already.
    pub(super) fn lambda(
        &mut self,
        signature: &Signature,
        ty: Option<&Arc<Arrow>>,
        body: &Block,
        end: Span,
    ) -> Lambda {
        let ty = match ty {
            Some(ty) => ty.clone(),
            None => Arc::new(self.signature(signature)),
        };
        self.scoped(|this| {
            let mut names: Vec<Name> = signature
                .abilities
                .iter()
                .map(|path| Name {
                    text: path.text(),
                    span: path.span,
                })
                .collect();
            names.extend(signature.params.iter().map(|param| {
                param.name.clone().unwrap_or(Name {
                    text: String::from("_"),
                    span: param.ty.span,
                })
            }));
            let params = names
                .iter()
                .zip(&ty.params)
                .map(|(name, (_, ty))| this.define(name, ty.clone()))
                .collect();
            let (body, returned) = this.body(body, &ty.results, end);
            Lambda {
                params,
                results: ty.results.clone(),
                body,
                returned,
                captures: Vec::new(),
                moves: true,
            }
        })
    }

    /// The statements of a function or closure, and what it returns.
    fn body(&mut self, block: &Block, results: &[Ty], end: Span) -> (Vec<Stmt>, Vec<Expr>) {
        let position = block
            .stmts
            .iter()
            .position(|stmt| matches!(stmt.kind, syntax::StmtKind::Return(_)));
        let Some(position) = position else {
            let stmts = self.block(block);
            let broken = block
                .stmts
                .iter()
                .any(|stmt| matches!(stmt.kind, syntax::StmtKind::Error));
            if !results.is_empty() && !broken {
                self.report(
                    self.error(
                        codes::RETURN,
                        format!(
                            "this declares {} and returns nothing",
                            count(results.len(), "result")
                        ),
                        end,
                    )
                    .help(match results.len() {
                        1 => "end it with `<- value`",
                        _ => "end it with `<-` and the values, with commas between them",
                    }),
                );
            }
            return (stmts, Vec::new());
        };
        let is_return = |stmt: &&syntax::Stmt| matches!(stmt.kind, syntax::StmtKind::Return(_));
        let stmts = self.statements(block.stmts.iter().filter(|stmt| !is_return(stmt)));
        let returns = &block.stmts[position];
        for again in block.stmts[position + 1..].iter().filter(is_return) {
            self.report(
                self.error(codes::RETURN, "the results are given twice", again.span)
                    .label(self.place(returns.span), "they are given here first")
                    .help("give all of them in one line: `<- first, second`"),
            );
        }
        let syntax::StmtKind::Return(values) = &returns.kind else {
            return (stmts, Vec::new());
        };
        if let Some(after) = block.stmts.get(position + 1)
            && !matches!(after.kind, syntax::StmtKind::Return(_))
        {
            self.report(
                Diagnostic::warning(
                    codes::AFTER_RETURN,
                    "this runs before the function returns, although it stands behind `<-`",
                    self.file,
                    after.span,
                )
                .label(self.place(returns.span), "the result is given here")
                .help("write `<-` last"),
            );
        }
        (stmts, self.returned(values, results, returns.span))
    }

    fn returned(&mut self, values: &[syntax::Expr], results: &[Ty], span: Span) -> Vec<Expr> {
        let returned: Vec<Expr> = values.iter().map(|value| self.value(value)).collect();
        if results.is_empty() {
            self.report(
                self.error(
                    codes::RETURN,
                    "this returns a value and declares no result",
                    span,
                )
                .help("write `->` and the type of the value before the colon of its first line"),
            );
            return Vec::new();
        }
        if returned.len() != results.len() {
            let extra = returned.get(results.len()).map(|value| value.span);
            let extra = extra
                .zip(returned.last())
                .map(|(first, last)| first.to(last.span));
            let verb = if returned.len() == 1 { "is" } else { "are" };
            self.report(
                self.error(
                    codes::RETURN,
                    format!(
                        "{} {verb} returned where {} declared",
                        count(returned.len(), "value"),
                        match results.len() {
                            1 => String::from("one is"),
                            n => format!("{n} are"),
                        }
                    ),
                    extra.unwrap_or(span),
                )
                .help("the types of the results stand behind `->`"),
            );
            return Vec::new();
        }
        for (value, ty) in returned.iter().zip(results) {
            self.expect(value, ty, "the result");
        }
        returned
    }

    pub(super) fn closure(
        &mut self,
        signature: &Signature,
        body: &Block,
        moves: bool,
        span: Span,
    ) -> Lambda {
        if self.captures.len() > 64 {
            self.report(self.error(codes::LIMIT, "closures are nested deeper than 64", span));
            return no_lambda();
        }
        self.captures.push(HashSet::new());
        let mut lambda = self.lambda(signature, None, body, span);
        let captures = self.captures.pop().unwrap_or_default();
        lambda.captures = captures.into_iter().collect();
        lambda.captures.sort_unstable();
        lambda.moves = moves;
        lambda
    }
}
