//! Values: what they are and of which type.

use super::{Body, error_type};
use crate::diagnostic::{codes, nearest};
use crate::hir::{Builtin, Expr, ExprKind, Literal, LocalId, ServiceId, ServiceRef};
use crate::names::{ELEMENTS, Namespace, TopValue, TypeId, TypeReader, module_path};
use crate::source::Span;
use crate::syntax::{self, CollectionKind, Name, Signature, TypeExpr};
use crate::types::{Arrow, Scalar, Ty};

impl Body<'_> {
    fn reader(&mut self) -> TypeReader<'_> {
        TypeReader {
            types: self.world.types(),
            file: self.file,
            space: self.space,
            diagnostics: &mut self.diagnostics,
            references: &mut self.references,
        }
    }

    /// The type that is written there.
    pub(super) fn ty(&mut self, ty: &TypeExpr) -> Ty {
        self.reader().ty(ty).0
    }

    /// The type of a closure.
    pub(super) fn signature(&mut self, signature: &Signature) -> Arrow {
        self.reader().signature(signature).0
    }

    /// Notes the use of a local.
    pub(super) fn use_local(&mut self, local: LocalId, span: Span) {
        self.capture(local);
        let target = self.place(self.locals[local.0 as usize].span);
        self.refer(span, target);
    }

    /// Checks a value, and notes its type.
    pub(super) fn value(&mut self, expr: &syntax::Expr) -> Expr {
        let value = self.untold(expr);
        self.types.push((self.place(value.span), value.ty.clone()));
        value
    }

    fn untold(&mut self, expr: &syntax::Expr) -> Expr {
        let span = expr.span;
        let (kind, ty) = match &expr.kind {
            syntax::ExprKind::Error => (ExprKind::Error, Ty::Error),
            syntax::ExprKind::Paren(inner) => {
                let inner = self.value(inner);
                return Expr { span, ..inner };
            }
            syntax::ExprKind::Bool(value) => (ExprKind::Literal(Literal::Bool(*value)), Ty::BOOL),
            syntax::ExprKind::Int(value) => self.integer(*value, span),
            syntax::ExprKind::Float(text) => {
                (ExprKind::Literal(Literal::Float(text.clone())), Ty::Float)
            }
            syntax::ExprKind::String(text) => {
                (ExprKind::Literal(Literal::String(text.clone())), Ty::STRING)
            }
            syntax::ExprKind::InitPeerId => (ExprKind::Builtin(Builtin::InitPeerId), Ty::STRING),
            syntax::ExprKind::Name(name) => self.name(name),
            syntax::ExprKind::Field { base, name } => self.field(base, name),
            syntax::ExprKind::Index { base, index, bang } => {
                self.index(base, index.as_deref(), *bang, span)
            }
            syntax::ExprKind::Collection { kind, items } => self.collection(*kind, items),
            syntax::ExprKind::Construct { base, fields } => self.construct(base, fields, span),
            syntax::ExprKind::Copy { base, fields } => self.copy(base, fields),
            syntax::ExprKind::Call { .. } => match self.call_of(expr, &[]) {
                Some((call, _)) => {
                    let ty = call.ty.results.first().cloned().unwrap_or(Ty::Error);
                    (ExprKind::Call(Box::new(call)), ty)
                }
                None => (ExprKind::Error, Ty::Error),
            },
            syntax::ExprKind::Not(inner) => {
                let inner = self.value(inner);
                self.expect(&inner, &Ty::BOOL, "the operand of `!`");
                (ExprKind::Not(Box::new(inner)), Ty::BOOL)
            }
            syntax::ExprKind::Binary {
                op,
                op_span,
                left,
                right,
            } => self.binary(*op, *op_span, left, right),
        };
        Expr { kind, ty, span }
    }

    fn integer(&mut self, value: Option<i128>, span: Span) -> (ExprKind, Ty) {
        let Some(value) = value else {
            return (ExprKind::Error, Ty::Error);
        };
        if let Ok(small) = i64::try_from(value) {
            return (ExprKind::Literal(Literal::Int(small)), Ty::int(value));
        }
        self.report(self.error(
            codes::BAD_LITERAL,
            format!(
                "{value} is out of range: scripts carry numbers from {} to {}",
                i64::MIN,
                i64::MAX
            ),
            span,
        ));
        (ExprKind::Error, Ty::Error)
    }

    fn name(&mut self, name: &Name) -> (ExprKind, Ty) {
        if let Some(local) = self.find(&name.text) {
            self.use_local(local, name.span);
            return (
                ExprKind::Local(local),
                self.locals[local.0 as usize].ty.clone(),
            );
        }
        if let Some(found) = self.top_level(self.space, &name.text, name, None) {
            return found;
        }
        if let Some(found) = builtin(&name.text) {
            return found;
        }
        self.report_unknown(name);
        (ExprKind::Error, Ty::Error)
    }

    /// A constant, a function or a service; `path` is how it is written if there are modules before it.
    fn top_level(
        &mut self,
        space: &Namespace,
        text: &str,
        name: &Name,
        path: Option<&str>,
    ) -> Option<(ExprKind, Ty)> {
        if let Some(value) = space.values.get(text) {
            return Some(match value {
                TopValue::Const(id) => {
                    let constant = self.world.constant(*id);
                    let ty = match &constant.value {
                        Literal::Bool(_) => Ty::BOOL,
                        Literal::Int(value) => Ty::int(i128::from(*value)),
                        Literal::Float(_) => Ty::Float,
                        Literal::String(_) => Ty::STRING,
                    };
                    let (value, place) = (constant.value.clone(), constant.place);
                    self.refer(name.span, place);
                    (ExprKind::Literal(value), ty)
                }
                TopValue::Func(id) => {
                    let func = self.world.func(*id);
                    let (ty, place) = (func.ty.clone(), func.place);
                    self.refer(name.span, place);
                    self.uses.entry(*id).or_insert(name.span);
                    (ExprKind::Function(*id), Ty::Arrow(ty))
                }
            });
        }
        let id = *space.types.get(text)?;
        self.service(id, path.unwrap_or(text), name.span)
    }

    /// A service as a value, with the id that it has here.
    fn service(&mut self, id: TypeId, path: &str, span: Span) -> Option<(ExprKind, Ty)> {
        let def = self.world.ty(id);
        let Ty::Service(record) = &def.ty else {
            return None;
        };
        let (record, ty, place) = (record.clone(), def.ty.clone(), def.place);
        let default = def.service_id.clone();
        self.refer(span, place);
        let bound = self
            .services
            .iter()
            .rev()
            .find(|(name, _)| name == path)
            .map(|(_, local)| *local);
        let id = match (bound, default) {
            (Some(local), _) => {
                self.capture(local);
                ServiceId::Bound(local)
            }
            (None, Some(literal)) => ServiceId::Default(literal),
            (None, None) => {
                self.report(
                    self.error(
                        codes::NO_SERVICE_ID,
                        format!("the service `{path}` has no id here"),
                        span,
                    )
                    .label(place, "it is declared without one")
                    .help(format!(
                        "give it one before: `{path} \"id\"`, or in its declaration: `service {path}(\"id\"):`"
                    )),
                );
                return Some((ExprKind::Error, Ty::Error));
            }
        };
        Some((ExprKind::Service(ServiceRef { record, id }), ty))
    }

    fn field(&mut self, base: &syntax::Expr, name: &Name) -> (ExprKind, Ty) {
        if let Some(path) = module_path(base)
            && self.find(&path[0].text).is_none()
            && let Some(space) = self.space.enter(&path)
        {
            let mut text: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
            text.push(&name.text);
            let text = text.join(".");
            if let Some(found) = self.top_level(space, &name.text, name, Some(&text)) {
                return found;
            }
            if !self.space.types.contains_key(&path[0].text) {
                self.report_unknown_member(space, &path, name);
                return (ExprKind::Error, Ty::Error);
            }
        }
        let base = self.value(base);
        self.member(base, name)
    }

    /// A field, a member or the length of a value.
    fn member(&mut self, base: Expr, name: &Name) -> (ExprKind, Ty) {
        let record = match &base.ty {
            Ty::Error => return (ExprKind::Error, Ty::Error),
            Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => record.clone(),
            Ty::Array(_) | Ty::Option(_) | Ty::Stream(_) | Ty::Map(_) if name.text == "length" => {
                return (ExprKind::Length(Box::new(base)), Ty::U32);
            }
            ty => {
                let mut problem = self.error(
                    codes::UNKNOWN_MEMBER,
                    format!("{} has no `{}`", ty.said(), name.text),
                    name.span,
                );
                if let Ty::Scalar(_) | Ty::Int { .. } | Ty::Float = ty {
                    problem = problem.note("numbers, strings and truth values have no fields");
                } else if let Ty::Option(_) = ty {
                    problem = problem.help(format!("take the value out first: `!.{}`", name.text));
                } else if ty.element().is_some() {
                    problem = problem.help(format!("name an element first: `[0].{}`", name.text));
                }
                self.report(problem);
                return (ExprKind::Error, Ty::Error);
            }
        };
        if let Some(ty) = record.get(&name.text) {
            let ty = ty.clone();
            self.members.push((self.place(name.span), record));
            return (ExprKind::Field(Box::new(base), name.text.clone()), ty);
        }
        let mut problem = self.error(
            codes::UNKNOWN_MEMBER,
            format!("`{}` has no `{}`", record.name, name.text),
            name.span,
        );
        problem = if let Some(near) = nearest(&name.text, record.names()) {
            problem
                .help(format!("did you mean `{near}`?"))
                .edit(name.span, near)
        } else {
            let names: Vec<&str> = record.names().take(12).collect();
            problem.note(format!("it has {}", names.join(", ")))
        };
        self.report(problem);
        (ExprKind::Error, Ty::Error)
    }

    fn index(
        &mut self,
        base: &syntax::Expr,
        index: Option<&syntax::Expr>,
        bang: bool,
        span: Span,
    ) -> (ExprKind, Ty) {
        let base = self.value(base);
        let is_literal = index.is_some_and(|index| matches!(index.kind, syntax::ExprKind::Int(_)));
        let index = index.map(|index| self.value(index));
        let element = match &base.ty {
            Ty::Error => Ty::Error,
            ty => {
                if let Some(element) = ty.element() {
                    element.clone()
                } else {
                    let problem = self.error(
                        codes::NOT_A_COLLECTION,
                        format!("{} has no elements", ty.said()),
                        span,
                    );
                    self.report(problem);
                    Ty::Error
                }
            }
        };
        if let (Ty::Option(_), Some(index), false) = (&base.ty, &index, bang) {
            let problem = self
                .error(
                    codes::NOT_A_COLLECTION,
                    "an option has one element at most",
                    index.span,
                )
                .help("take it with `!`");
            let brackets = Span::new(base.span.end, span.end);
            self.report(match index.kind {
                ExprKind::Literal(Literal::Int(0)) => problem.edit(brackets, "!"),
                _ => problem,
            });
        }
        if let Some(index) = &index {
            if !index.ty.is_integer() {
                let problem = self.error(
                    codes::TYPE_MISMATCH,
                    format!(
                        "an index is a whole number, and this is {}",
                        index.ty.said()
                    ),
                    index.span,
                );
                self.report(problem);
            } else if let Ty::Int { high, .. } = index.ty
                && high < 0
                && !is_literal
            {
                let problem = self.error(
                    codes::BAD_LITERAL,
                    "an index cannot be negative",
                    index.span,
                );
                self.report(problem);
            }
        }
        (
            ExprKind::Index(Box::new(base), index.map(Box::new)),
            element,
        )
    }

    fn collection(&mut self, kind: CollectionKind, items: &[syntax::Expr]) -> (ExprKind, Ty) {
        let items: Vec<Expr> = items.iter().map(|item| self.value(item)).collect();
        let mut element = Ty::Bottom;
        for item in &items {
            let ty = item.ty.frozen();
            if ty.is_data() {
                element = element.join(&ty);
                continue;
            }
            let problem = self
                .error(
                    codes::NOT_DATA,
                    format!("{} cannot be an element of a collection", ty.kind()),
                    item.span,
                )
                .note(ELEMENTS);
            self.report(problem);
            element = Ty::Error;
        }
        let ty = match kind {
            // `[]` and `?[]` are `nil`
            CollectionKind::Array if items.is_empty() => Ty::nil(),
            CollectionKind::Array => Ty::array(element),
            CollectionKind::Option => Ty::option(element),
            CollectionKind::Stream => Ty::stream(element),
        };
        (ExprKind::Collection(kind, items), ty)
    }
}

/// The value of a name that is built in.
fn builtin(name: &str) -> Option<(ExprKind, Ty)> {
    let (builtin, ty) = match name {
        "HOST_PEER_ID" => (Builtin::HostPeerId, Ty::STRING),
        "INIT_PEER_ID" => (Builtin::InitPeerId, Ty::STRING),
        "PARTICLE_TTL" => (Builtin::Ttl, Ty::U32),
        "PARTICLE_TIMESTAMP" => (Builtin::Timestamp, Ty::Scalar(Scalar::U64)),
        "LAST_ERROR" => (Builtin::LastError, error_type()),
        "nil" => (Builtin::Nil, Ty::nil()),
        _ => return None,
    };
    Some((ExprKind::Builtin(builtin), ty))
}
