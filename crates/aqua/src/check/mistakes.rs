//! What is said about names that are not there and values that do not fit.

use super::Body;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::hir::Expr;
use crate::names::{Namespace, TopValue};
use crate::source::Span;
use crate::syntax::{self, Name};
use crate::types::{Record, Ty};
use std::sync::Arc;

impl Body<'_> {
    /// The text of a place in the file of the function.
    pub(super) fn text_at(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Reports a name that stands for nothing here.
    pub(super) fn report_unknown(&mut self, name: &Name) {
        if self.space.has_lost(std::slice::from_ref(name)) {
            return;
        }
        let mut problem = self.error(
            codes::UNKNOWN_NAME,
            format!("there is no `{}` here", name.text),
            name.span,
        );
        // locals that the compiler adds have no name in the text
        let hidden = self
            .locals
            .iter()
            .rev()
            .find(|local| local.name == name.text && self.text_at(local.span) == local.name);
        if let Some(hidden) = hidden {
            problem = problem
                .label(self.place(hidden.span), "this one ends with its block")
                .help("declare a stream before the block, push to it there, and read it here");
        } else if let Some(near) = self.nearest_value(&name.text) {
            problem = problem
                .help(format!("did you mean `{near}`?"))
                .edit(name.span, near);
        } else if self.space.types.contains_key(&name.text) {
            problem = problem.note(format!("`{}` is a type, not a value", name.text));
        } else if let Some(path) = self.nearest_method(&name.text) {
            problem = problem
                .help(format!("did you mean `{path}`?"))
                .edit(name.span, path);
        }
        self.unknown
            .entry(name.text.clone())
            .or_insert(self.diagnostics.len());
        self.report(problem);
    }

    fn nearest_value(&self, name: &str) -> Option<String> {
        let locals = self.scopes.iter().flat_map(|scope| scope.keys());
        let top = self.space.values.keys().chain(self.space.modules.keys());
        let known = locals.chain(top).map(String::as_str);
        let known = known
            .chain(self.services().map(|(service, _)| service))
            .chain(crate::names::BUILTINS);
        nearest(name, known).map(str::to_owned)
    }

    /// A method of a service that is called so or nearly so.
    fn nearest_method(&self, name: &str) -> Option<String> {
        let methods = self.services().flat_map(|(service, record)| {
            let methods = record.names();
            methods.map(move |method| (service, method))
        });
        let mut methods: Vec<(&str, &str)> = methods.collect();
        methods.sort_unstable();
        let same = methods.iter().find(|(_, method)| *method == name);
        let near = || {
            let near = nearest(name, methods.iter().map(|(_, method)| *method))?;
            methods.iter().find(|(_, method)| *method == near)
        };
        let (service, method) = same.or_else(near)?;
        Some(format!("{service}.{method}"))
    }

    fn services(&self) -> impl Iterator<Item = (&str, &Arc<Record>)> {
        let types = self.space.types.iter();
        types.filter_map(|(name, id)| match &self.world.ty(*id).ty {
            Ty::Service(record) => Some((name.as_str(), record)),
            _ => None,
        })
    }

    /// Says of the report of an unknown name that it is defined only here.
    pub(super) fn explain_early_use(&mut self, name: &Name) {
        let place = self.place(name.span);
        let Some(index) = self.unknown.remove(&name.text) else {
            return;
        };
        let Some(report) = self.diagnostics.get_mut(index) else {
            return;
        };
        if report.labels.is_empty() && report.edit.is_none() {
            *report = report
                .clone()
                .label(place, "it is defined here")
                .help("define it above its first use");
        }
    }

    /// Reports a name that a module does not have; `path` is the way to the module.
    pub(super) fn report_unknown_member(&mut self, space: &Namespace, path: &[Name], name: &Name) {
        let mut segments = path.to_vec();
        segments.push(name.clone());
        if self.space.has_lost(&segments) {
            return;
        }
        let path: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        let path = path.join(".");
        let mut problem = self.error(
            codes::UNKNOWN_NAME,
            format!("`{path}` has no `{}`", name.text),
            name.span,
        );
        let hidden = self.world.modules.iter().find_map(|module| {
            let value = module.space.values.get(&name.text)?;
            (module.name.as_deref() == Some(&path)).then_some(value)
        });
        if let Some(value) = hidden {
            let place = match value {
                TopValue::Const(id) => self.world.constant(*id).place,
                TopValue::Func(id) => self.world.func(*id).place,
            };
            problem = problem
                .label(place, "it is here and not declared")
                .help(format!(
                    "add `{}` to `declares` in the first line of that file",
                    name.text
                ));
        } else if let Some(near) = nearest(&name.text, space.names()) {
            problem = problem
                .help(format!("did you mean `{near}`?"))
                .edit(name.span, near);
        }
        self.report(problem);
    }

    /// Reports `else`, `catch`, `otherwise` or `par` without what it belongs to.
    pub(super) fn report_stray(&mut self, stmt: &syntax::Stmt) {
        let (word, before) = match &stmt.kind {
            syntax::StmtKind::Else { .. } => ("else", "an `if`"),
            syntax::StmtKind::Catch { .. } => ("catch", "a `try`"),
            syntax::StmtKind::Otherwise { .. } => ("otherwise", "a statement that may fail"),
            _ => ("par", "a statement that runs beside it"),
        };
        self.report(
            self.error(
                codes::STRAY_BRANCH,
                format!("`{word}` belongs to {before}, which is missing before it"),
                stmt.span,
            )
            .help("both have the same indentation, and nothing stands between them"),
        );
    }

    /// Reports a value in the place of a call, whose results would go to `targets`.
    pub(super) fn report_no_call(&mut self, value: &Expr, targets: &[Name]) {
        let span = value.span;
        let problem = self.error(codes::NOT_A_CALL, "this is not a call", span);
        let stream = |target: &Name| {
            let local = self.find(&target.text)?;
            matches!(self.locals[local.0 as usize].ty, Ty::Stream(_)).then_some(())
        };
        let problem = match (&value.ty, targets) {
            (Ty::Arrow(arrow), _) if arrow.params.is_empty() => problem
                .help("call it: `()`")
                .edit(Span::new(span.end, span.end), "()"),
            (Ty::Arrow(_), _) => problem.help(format!("call it: `{}(…)`", self.text_at(span))),
            (_, [target]) => {
                let between = Span::new(target.span.end, span.start);
                let (sign, what) = match stream(target) {
                    Some(()) => ("<<-", "a value is pushed to a stream with `<<-`"),
                    None => ("=", "a value is named with `=`"),
                };
                problem.help(what).edit(between, format!(" {sign} "))
            }
            (_, []) => {
                problem.help("a value alone does nothing; name it, `name = …`, or leave it out")
            }
            _ => problem.help("`<-` takes the results of a call"),
        };
        self.report(problem);
    }

    /// Reports a value whose type is not the one needed.
    pub(super) fn expect(&mut self, value: &Expr, ty: &Ty, what: &str) {
        if value.ty.fits(ty) {
            return;
        }
        let problem = self.error(
            codes::TYPE_MISMATCH,
            format!(
                "{what} has to be {}, and this is {}",
                ty.said(),
                value.ty.said()
            ),
            value.span,
        );
        self.report(self.explain(problem, value, ty));
    }

    fn explain(&self, problem: Diagnostic, value: &Expr, ty: &Ty) -> Diagnostic {
        match (&value.ty, ty) {
            (mine, Ty::Option(element)) if mine.fits(element) => problem
                .help("make an option of it: `?[…]`")
                .edit(value.span, format!("?[{}]", self.text_at(value.span))),
            (Ty::Option(element), _) if **element != Ty::Bottom && element.fits(ty) => problem
                .help("take the value out of the option: `!`")
                .edit(Span::new(value.span.end, value.span.end), "!"),
            (Ty::Array(element) | Ty::Stream(element), _) if element.fits(ty) => {
                problem.help("name an element: `[0]`")
            }
            (Ty::Arrow(arrow), _)
                if arrow.results.first().is_some_and(|result| result.fits(ty)) =>
            {
                problem.help(format!("call it: `{}(…)`", self.text_at(value.span)))
            }
            (mine, Ty::Array(element)) if mine.fits(element) => problem
                .help("make an array of it: `[…]`")
                .edit(value.span, format!("[{}]", self.text_at(value.span))),
            (Ty::Int { .. }, Ty::Scalar(scalar)) if let Some((low, high)) = scalar.range() => {
                problem.note(format!("`{ty}` holds numbers from {low} to {high}"))
            }
            (Ty::Scalar(mine), Ty::Scalar(needed))
                if mine.range().is_some() && needed.range().is_some() =>
            {
                problem.note(format!(
                    "not every `{mine}` is a `{needed}`",
                    mine = value.ty,
                    needed = ty
                ))
            }
            (Ty::Array(_) | Ty::Option(_), Ty::Stream(_)) => {
                problem.note("a collection does not become a stream; push its elements to one")
            }
            _ => match (members(&value.ty), members(ty)) {
                (Some(mine), Some(needed)) => {
                    needed
                        .members
                        .iter()
                        .fold(problem, |problem, (name, needed)| match mine.get(name) {
                            None => problem.note(format!("`{name}: {needed}` is missing")),
                            Some(mine) if !mine.fits(needed) => problem
                                .note(format!("`{name}` has to be `{needed}`, and is `{mine}`")),
                            Some(_) => problem,
                        })
                }
                _ => problem,
            },
        }
    }
}

fn members(ty: &Ty) -> Option<&Record> {
    match ty {
        Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => Some(record),
        _ => None,
    }
}

/// `1 result`, `2 results`
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}
