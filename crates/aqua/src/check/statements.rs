//! Statements, and how those that belong together are joined.

use super::mistakes::count;
use super::{Body, error_type};
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Expr, ExprKind, Handler, Stmt, StmtKind, Target, Where};
use crate::source::Span;
use crate::syntax::{self, Block, Name, Path};
use crate::types::{Arrow, Scalar, Ty};
use std::sync::Arc;

/// What a statement may still be continued by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Open {
    /// `else`
    If,
    /// `catch`, `otherwise`
    Try,
    /// `otherwise`, `par`
    Other,
}

impl Body<'_> {
    /// Checks the statements of a block.
    pub(super) fn block(&mut self, block: &Block) -> Vec<Stmt> {
        self.statements(block.stmts.iter())
    }

    pub(super) fn statements<'s>(
        &mut self,
        stmts: impl Iterator<Item = &'s syntax::Stmt>,
    ) -> Vec<Stmt> {
        let mut done: Vec<Stmt> = Vec::new();
        let mut open: Option<Open> = None;
        for stmt in stmts {
            use syntax::StmtKind;
            let mut belongs = true;
            match (&stmt.kind, done.last_mut().map(|last| &mut last.kind)) {
                (StmtKind::Else { .. }, Some(crate::hir::StmtKind::If(_, _, None)))
                    if open == Some(Open::If) => {}
                (StmtKind::Catch { .. }, Some(crate::hir::StmtKind::Try(..)))
                    if open == Some(Open::Try) => {}
                (StmtKind::Otherwise { .. } | StmtKind::Par(_), Some(_)) if open.is_some() => {}
                (
                    StmtKind::Else { .. }
                    | StmtKind::Catch { .. }
                    | StmtKind::Otherwise { .. }
                    | StmtKind::Par(_),
                    _,
                ) => {
                    self.report_stray(stmt);
                    continue;
                }
                _ => belongs = false,
            }
            if belongs {
                let last = done.pop().expect("matched above");
                let (joined, now) = self.join_to(last, open, stmt);
                done.push(joined);
                open = Some(now);
                continue;
            }
            open = match self.statement(stmt) {
                Some(kind) => {
                    let now = match &kind {
                        crate::hir::StmtKind::If(_, _, None) => Open::If,
                        crate::hir::StmtKind::Try(..) => Open::Try,
                        _ => Open::Other,
                    };
                    done.push(Stmt {
                        kind,
                        span: stmt.span,
                    });
                    Some(now)
                }
                None => Some(Open::Other).filter(|_| !done.is_empty()),
            };
        }
        done
    }

    /// Joins `else`, `catch`, `otherwise` or `par` to the statement before it.
    fn join_to(&mut self, last: Stmt, open: Option<Open>, stmt: &syntax::Stmt) -> (Stmt, Open) {
        use crate::hir::StmtKind;
        let span = last.span;
        let (kind, now) = match (&stmt.kind, last.kind) {
            (syntax::StmtKind::Else { body }, StmtKind::If(condition, then, _)) => {
                let body = self.scoped(|this| this.block(body));
                (StmtKind::If(condition, then, Some(body)), Open::Other)
            }
            (syntax::StmtKind::Catch { error, body }, StmtKind::Try(tried, mut handlers)) => {
                let handler = self.scoped(|this| {
                    let error = this.define(error, error_type());
                    Handler {
                        error: Some(error),
                        body: this.block(body),
                    }
                });
                handlers.push(handler);
                (StmtKind::Try(tried, handlers), Open::Try)
            }
            (syntax::StmtKind::Otherwise { body }, kind) => {
                let body = self.scoped(|this| this.block(body));
                let handler = Handler { error: None, body };
                match kind {
                    StmtKind::Try(tried, mut handlers) if open == Some(Open::Try) => {
                        handlers.push(handler);
                        (StmtKind::Try(tried, handlers), Open::Other)
                    }
                    kind => (
                        StmtKind::Try(vec![Stmt { kind, span }], vec![handler]),
                        Open::Other,
                    ),
                }
            }
            (syntax::StmtKind::Par(inner), kind) => {
                let arm = self.statement(inner).map(|kind| Stmt {
                    kind,
                    span: inner.span,
                });
                match kind {
                    StmtKind::Par(mut arms) => {
                        arms.extend(arm);
                        (StmtKind::Par(arms), Open::Other)
                    }
                    kind => {
                        let mut arms = vec![Stmt { kind, span }];
                        arms.extend(arm);
                        (StmtKind::Par(arms), Open::Other)
                    }
                }
            }
            (_, kind) => (kind, Open::Other),
        };
        (Stmt { kind, span }, now)
    }

    /// Checks one statement; `None` if nothing of it is left.
    fn statement(&mut self, stmt: &syntax::Stmt) -> Option<StmtKind> {
        Some(match &stmt.kind {
            syntax::StmtKind::Error => return None,
            syntax::StmtKind::Return(_) => {
                self.report(
                    self.error(
                        codes::RETURN,
                        "`<-` cannot stand in a block: results are given at the end of the function",
                        stmt.span,
                    )
                    .note("`<-` does not end the function, it names what the function returns when all is done")
                    .help("push to a stream here, and return the stream at the end"),
                );
                return None;
            }
            syntax::StmtKind::ServiceId { service, id } => self.service_id(service, id)?,
            syntax::StmtKind::Push { target, values } => self.push(target, values, stmt.span)?,
            syntax::StmtKind::For {
                item,
                iterable,
                mode,
                body,
            } => self.for_loop(item, iterable, *mode, body),
            syntax::StmtKind::Parseq {
                item,
                iterable,
                peer,
                via,
                body,
            } => self.parseq(item, iterable, peer, via, body),
            syntax::StmtKind::On { peer, via, body } => {
                let at = self.at(peer, via);
                self.check_way(&at);
                let services = self.services.len();
                self.places += 1;
                let body = self.block(body);
                self.places -= 1;
                self.services.truncate(services);
                StmtKind::On(at, body)
            }
            syntax::StmtKind::If { condition, body } => {
                let condition = self.value(condition);
                self.expect(&condition, &Ty::Scalar(Scalar::Bool), "the condition");
                let body = self.scoped(|this| this.block(body));
                StmtKind::If(condition, body, None)
            }
            syntax::StmtKind::Try { body } => {
                StmtKind::Try(self.scoped(|this| this.block(body)), Vec::new())
            }
            syntax::StmtKind::Else { .. }
            | syntax::StmtKind::Catch { .. }
            | syntax::StmtKind::Otherwise { .. }
            | syntax::StmtKind::Par(_) => {
                self.report_stray(stmt);
                return None;
            }
            syntax::StmtKind::Co(inner) => StmtKind::Co(Box::new(Stmt {
                kind: self.statement(inner)?,
                span: inner.span,
            })),
            syntax::StmtKind::Join(values) => {
                StmtKind::Join(values.iter().map(|value| self.value(value)).collect())
            }
            syntax::StmtKind::Declare { name, ty } => {
                let resolved = self.declared(ty);
                StmtKind::Declare {
                    map: matches!(resolved, Ty::Map(_)),
                    local: self.define(name, resolved),
                    name: name.text.clone(),
                }
            }
            syntax::StmtKind::Closure {
                name,
                moves,
                signature,
                body,
            } => {
                let lambda = self.closure(signature, body, *moves, name.span);
                let ty = Ty::Arrow(Arc::new(Arrow {
                    params: lambda
                        .params
                        .iter()
                        .map(|local| {
                            let local = &self.locals[local.0 as usize];
                            (Some(local.name.clone()), local.ty.clone())
                        })
                        .collect(),
                    results: lambda.results.clone(),
                }));
                let local = self.define(name, ty);
                StmtKind::Closure(local, Arc::new(lambda))
            }
            syntax::StmtKind::Assign { target, value } => {
                let value = self.value(value);
                if let ExprKind::Call(call) = &value.kind
                    && call.ty.results.is_empty()
                {
                    self.report(
                        self.error(
                            codes::RESULT_COUNT,
                            "this call has no result to give a name to",
                            value.span,
                        )
                        .help("write the call alone")
                        .edit(Span::new(target.span.start, value.span.start), ""),
                    );
                }
                let ty = value.ty.clone();
                StmtKind::Bind(self.define(target, ty), value)
            }
            syntax::StmtKind::Call { targets, value } => self.call_statement(targets, value)?,
        })
    }

    /// The type of a declared stream or map. Older programs declare options and
    /// arrays and push to them.
    fn declared(&mut self, ty: &syntax::TypeExpr) -> Ty {
        let resolved = self.ty(ty);
        match resolved {
            Ty::Stream(_) | Ty::Map(_) | Ty::Error => resolved,
            Ty::Option(element) | Ty::Array(element) => {
                let problem = Diagnostic::warning(
                    codes::OLD_FORM,
                    format!("this declares a stream, and is taken for `*{element}`"),
                    self.file,
                    ty.span,
                )
                .note("only streams and maps can be pushed to")
                .help("write `*` before the type of the elements")
                .edit(ty.span, format!("*{element}"));
                self.report(problem);
                Ty::Stream(element)
            }
            other => {
                let problem = self
                    .error(
                        codes::BAD_TYPE,
                        format!("only streams and maps are declared, and `{other}` is neither"),
                        ty.span,
                    )
                    .help("a value is defined by what it is: `name = value`");
                self.report(problem);
                Ty::Error
            }
        }
    }

    fn service_id(&mut self, service: &Path, id: &syntax::Expr) -> Option<StmtKind> {
        let id = self.value(id);
        self.expect(&id, &Ty::STRING, "the id of a service");
        let Some(def) = self.space.find_type(service) else {
            if self.space.has_lost(&service.segments) {
                return None;
            }
            let near = crate::diagnostic::nearest(
                &service.text(),
                self.space.types.keys().map(String::as_str),
            )
            .map(str::to_owned);
            let mut problem = self.error(
                codes::NOT_A_SERVICE,
                format!("there is no service `{}`", service.text()),
                service.span,
            );
            if let Some(near) = near {
                problem = problem
                    .help(format!("did you mean `{near}`?"))
                    .edit(service.span, near);
            }
            self.report(problem);
            return None;
        };
        let def = self.world.ty(def);
        let (ty, place) = (def.ty.clone(), def.place);
        self.refer(service.span, place);
        if !matches!(ty, Ty::Service(_)) {
            if ty != Ty::Error {
                self.report(
                    self.error(
                        codes::NOT_A_SERVICE,
                        format!("`{}` is not a service", service.text()),
                        service.span,
                    )
                    .label(place, "it is defined here"),
                );
            }
            return None;
        }
        let local = self.hidden(&service.text(), Ty::STRING, service.span);
        self.services.push((service.text(), local));
        Some(StmtKind::BindService(local, id))
    }

    fn push(&mut self, target: &Name, values: &[syntax::Expr], span: Span) -> Option<StmtKind> {
        let values: Vec<Expr> = values.iter().map(|value| self.value(value)).collect();
        let Some(local) = self.find(&target.text) else {
            if self.space.has_lost(std::slice::from_ref(target)) {
                return None;
            }
            let near = crate::diagnostic::nearest(
                &target.text,
                self.scopes
                    .iter()
                    .flat_map(|scope| scope.keys().map(String::as_str)),
            )
            .map(str::to_owned);
            let problem = self.error(
                codes::UNKNOWN_NAME,
                format!("there is no stream `{}`", target.text),
                target.span,
            );
            let problem = match near {
                Some(near) => problem
                    .help(format!("did you mean `{near}`?"))
                    .edit(target.span, near),
                None => problem.help(format!("declare it before: `{}: *Type`", target.text)),
            };
            self.report(problem);
            return None;
        };
        self.use_local(local, target.span);
        let info = self.locals[local.0 as usize].clone();
        let mut values = values.into_iter();
        match (&info.ty, values.next(), values.next()) {
            (Ty::Error, ..) => None,
            (Ty::Stream(element), Some(value), None) => {
                self.expect_element(&value, element);
                Some(StmtKind::Push(local, value))
            }
            (Ty::Map(element), Some(key), Some(value)) => {
                self.expect(&key, &Ty::STRING, "the key");
                self.expect(&value, element, "a value of the map");
                Some(StmtKind::PushPair(local, key, value))
            }
            (Ty::Map(_), ..) => {
                self.report(
                    self.error(codes::NOT_A_STREAM, "a map takes a key and a value", span)
                        .help("write `map <<- key, value`"),
                );
                None
            }
            (Ty::Stream(_), ..) => {
                self.report(self.error(
                    codes::NOT_A_STREAM,
                    "a stream takes one value at a time",
                    span,
                ));
                None
            }
            (ty, ..) => {
                let problem = self
                    .error(
                        codes::NOT_A_STREAM,
                        format!(
                            "`{}` is `{ty}`, and only streams and maps can be pushed to",
                            target.text
                        ),
                        target.span,
                    )
                    .label(self.place(info.span), "it is defined here")
                    .help("declare a stream, `name: *Type`, and push to that");
                self.report(problem);
                None
            }
        }
    }

    /// Reports what cannot be pushed to a stream of such elements. A stream that
    /// began with literals takes all whole numbers.
    fn expect_element(&mut self, value: &Expr, element: &Ty) {
        if matches!(element, Ty::Int { .. }) && value.ty.is_integer() {
            return;
        }
        self.expect(value, element, "an element of the stream");
    }

    /// A peer and the way to it.
    pub(super) fn at(&mut self, peer: &syntax::Expr, via: &[syntax::Expr]) -> Where {
        let peer = self.value(peer);
        self.expect(&peer, &Ty::STRING, "the peer");
        let via = via
            .iter()
            .map(|relay| {
                let relay = self.value(relay);
                let element = relay.ty.element().cloned();
                match element {
                    Some(element) if element.fits(&Ty::STRING) => {}
                    _ => self.expect(&relay, &Ty::STRING, "a relay"),
                }
                relay
            })
            .collect();
        Where { peer, via }
    }

    fn call_statement(&mut self, targets: &[Name], value: &syntax::Expr) -> Option<StmtKind> {
        let Some((call, span)) = self.call_of(value, targets) else {
            for target in targets {
                if self.find(&target.text).is_none() {
                    self.define(target, Ty::Error);
                }
            }
            return None;
        };
        let results = call.ty.results.clone();
        if let ([target], [key, element]) = (targets, results.as_slice())
            && let Some(map) = self.find(&target.text)
            && let Ty::Map(expected) = self.locals[map.0 as usize].ty.clone()
        {
            self.use_local(map, target.span);
            let first = self.hidden("key", key.clone(), span);
            let second = self.hidden("value", element.clone(), span);
            let local = |id, ty: &Ty| Expr {
                kind: ExprKind::Local(id),
                ty: ty.clone(),
                span,
            };
            let (key, value) = (local(first, key), local(second, element));
            self.expect(&key, &Ty::STRING, "the key");
            self.expect(&value, &expected, "a value of the map");
            return Some(StmtKind::Block(vec![
                Stmt {
                    kind: StmtKind::Call(vec![Target::Bind(first), Target::Bind(second)], call),
                    span,
                },
                Stmt {
                    kind: StmtKind::PushPair(map, key, value),
                    span,
                },
            ]));
        }
        if targets.len() > results.len() {
            let place = targets[results.len()].span;
            let problem = match results.len() {
                0 => self
                    .error(codes::RESULT_COUNT, "this call has no result", place)
                    .help("write the call alone")
                    .edit(Span::new(targets[0].span.start, span.start), ""),
                n => self.error(
                    codes::RESULT_COUNT,
                    format!(
                        "this call has {}, not {}",
                        count(n, "result"),
                        targets.len()
                    ),
                    place,
                ),
            };
            self.report(problem);
        }
        let missing = results.len().saturating_sub(targets.len());
        if missing > 0 {
            let message = match (missing, results.len()) {
                (1, 1) => String::from("the result of this call is not used"),
                (1, all) => format!("1 of the {all} results of this call is not used"),
                (missing, all) => {
                    format!("{missing} of the {all} results of this call are not used")
                }
            };
            let problem = Diagnostic::warning(codes::UNUSED_RESULT, message, self.file, span);
            self.report(problem.help(match (missing, results.len()) {
                (1, 1) => "give it a name: `name <- call()`",
                _ => "give each a name: `first, second <- call()`",
            }));
        }
        let mut bound = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            let ty = results.get(index).cloned().unwrap_or(Ty::Error);
            if let Some(local) = self.find(&target.text)
                && let Ty::Stream(element) = self.locals[local.0 as usize].ty.clone()
            {
                self.use_local(local, target.span);
                let value = Expr {
                    kind: ExprKind::Error,
                    ty,
                    span,
                };
                self.expect_element(&value, &element);
                bound.push(Target::Push(local));
                continue;
            }
            bound.push(Target::Bind(self.define(target, ty)));
        }
        Some(StmtKind::Call(bound, call))
    }
}
