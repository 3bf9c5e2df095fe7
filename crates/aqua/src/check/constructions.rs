//! Structs and abilities from their fields.

use super::Body;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::hir::{Expr, ExprKind};
use crate::names::module_path;
use crate::source::Span;
use crate::syntax::{self, NamedArg, Path};
use crate::types::{Record, Ty};
use hashbrown::HashMap;
use std::sync::Arc;

impl Body<'_> {
    pub(super) fn construct(
        &mut self,
        base: &syntax::Expr,
        fields: &[NamedArg],
        span: Span,
    ) -> (ExprKind, Ty) {
        let path = module_path(base).map(|segments| Path {
            segments,
            span: base.span,
        });
        let def = path.as_ref().and_then(|path| self.space.find_type(path));
        let Some(def) = def else {
            if path
                .as_ref()
                .is_some_and(|path| self.space.has_lost(&path.segments))
            {
                for field in fields {
                    self.named(field);
                }
                return (ExprKind::Error, Ty::Error);
            }
            let name = path.map(|path| path.text()).unwrap_or_default();
            let near =
                nearest(&name, self.space.types.keys().map(String::as_str)).map(str::to_owned);
            let mut problem = self.error(
                codes::UNKNOWN_TYPE,
                format!("there is no struct or ability `{name}`"),
                base.span,
            );
            if let Some(near) = near {
                problem = problem
                    .help(format!("did you mean `{near}`?"))
                    .edit(base.span, near);
            }
            self.report(problem);
            for field in fields {
                self.named(field);
            }
            return (ExprKind::Error, Ty::Error);
        };
        let def = self.world.ty(def);
        let (ty, place) = (def.ty.clone(), def.place);
        self.refer(base.span, place);
        let record = match &ty {
            Ty::Struct(record) | Ty::Ability(record) => record.clone(),
            Ty::Error => return (ExprKind::Error, Ty::Error),
            _ => {
                let problem = self
                    .error(
                        codes::BAD_TYPE,
                        format!("{} is neither a struct nor an ability", ty.said()),
                        base.span,
                    )
                    .label(place, "it is defined here");
                self.report(problem);
                return (ExprKind::Error, Ty::Error);
            }
        };
        let given = self.fields(&record, fields, true);
        let missing: Vec<&str> = record
            .names()
            .filter(|name| !fields.iter().any(|field| field.name.text == *name))
            .collect();
        if !missing.is_empty() {
            let mut problem = self
                .error(
                    codes::FIELDS,
                    match missing.len() {
                        1 => format!("the field `{}` of `{}` is missing", missing[0], record.name),
                        _ => format!(
                            "fields of `{}` are missing: {}",
                            record.name,
                            missing.join(", ")
                        ),
                    },
                    span,
                )
                .label(place, "it is defined here");
            if missing
                .iter()
                .any(|name| matches!(record.get(name), Some(Ty::Option(_))))
            {
                problem = problem.help("an option that is empty is written `nil`");
            }
            self.report(problem);
        }
        match ty {
            Ty::Struct(_) => (ExprKind::Struct(record.name.clone(), given), ty),
            _ => (ExprKind::Ability(given), ty),
        }
    }

    pub(super) fn copy(&mut self, base: &syntax::Expr, fields: &[NamedArg]) -> (ExprKind, Ty) {
        let base = self.value(base);
        let Ty::Struct(record) = &base.ty else {
            if base.ty != Ty::Error {
                let problem = self.error(
                    codes::UNKNOWN_MEMBER,
                    format!(
                        "only a struct can be copied, and this is {}",
                        base.ty.said()
                    ),
                    base.span,
                );
                self.report(problem);
            }
            for field in fields {
                self.named(field);
            }
            return (ExprKind::Error, Ty::Error);
        };
        let record = record.clone();
        let given = self.fields(&record, fields, false);
        let ty = base.ty.clone();
        (ExprKind::Copy(Box::new(base), record, given), ty)
    }

    fn named(&mut self, field: &NamedArg) -> Expr {
        match &field.value {
            Some(value) => self.value(value),
            None => self.value(&syntax::Expr {
                kind: syntax::ExprKind::Name(field.name.clone()),
                span: field.name.span,
            }),
        }
    }

    fn fields(
        &mut self,
        record: &Arc<Record>,
        fields: &[NamedArg],
        lenient: bool,
    ) -> Vec<(String, Expr)> {
        let mut given = Vec::with_capacity(fields.len());
        let mut known: HashMap<&str, Span> = HashMap::new();
        for field in fields {
            let value = self.named(field);
            if let Some(first) = known.insert(&field.name.text, field.name.span) {
                let problem = self
                    .error(
                        codes::DUPLICATE,
                        format!("the field `{}` is given twice", field.name.text),
                        field.name.span,
                    )
                    .label(self.place(first), "the first is here");
                self.report(problem);
                continue;
            }
            let Some(ty) = record.get(&field.name.text).cloned() else {
                let message = format!("`{}` has no field `{}`", record.name, field.name.text);
                let mut problem = if lenient {
                    Diagnostic::warning(codes::UNKNOWN_FIELD, message, self.file, field.name.span)
                        .note("the field is left out")
                } else {
                    self.error(codes::FIELDS, message, field.name.span)
                };
                if let Some(near) = nearest(&field.name.text, record.names()) {
                    problem = problem
                        .help(format!("did you mean `{near}`?"))
                        .edit(field.name.span, near);
                } else {
                    let names: Vec<&str> = record.names().take(12).collect();
                    problem = problem.note(format!("it has {}", names.join(", ")));
                }
                self.report(problem);
                continue;
            };
            self.members
                .push((self.place(field.name.span), record.clone()));
            self.expect(&value, &ty, &format!("the field `{}`", field.name.text));
            given.push((field.name.text.clone(), value));
        }
        given
    }
}
