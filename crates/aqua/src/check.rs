//! Types: from the bodies of functions to programs in which nothing is implicit.
//!
//! Every function is checked on its own, whatever is wrong with others. What could
//! not be understood has the type [`Ty::Error`], which fits everywhere, so that one
//! mistake is told once.

use crate::diagnostic::{Diagnostic, codes};
use crate::files::FileSet;
use crate::hir::{FuncId, Function, Lambda, Local, LocalId};
use crate::names::{Namespace, World};
use crate::source::{FileId, Place, Span};
use crate::syntax::{ItemKind, Name};
use crate::types::{Record, Ty};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

mod calls;
mod constructions;
mod expressions;
mod lambdas;
mod loops;
mod mistakes;
mod operators;
mod recursion;
mod statements;
mod ways;

pub(crate) use operators::fold;

/// The bodies of all functions.
#[derive(Debug, Default)]
pub struct Bodies {
    /// By number; those with errors are there as well.
    pub functions: Vec<Option<Arc<Function>>>,
    /// Where a name is used, and where it is defined.
    pub references: Vec<(Place, Place)>,
    /// Where a value stands, and its type.
    pub types: Vec<(Place, Ty)>,
    /// Where a member is named, and the type that has it.
    pub members: Vec<(Place, Arc<Record>)>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks the bodies of all functions of all files.
pub fn check(set: &FileSet, world: &World) -> Bodies {
    let mut bodies = Bodies::default();
    let mut uses = Vec::new();
    for id in world.functions() {
        let def = world.func(id);
        let file = set.get(def.place.file);
        let ItemKind::Func {
            signature, body, ..
        } = &file.parsed.tree.items[def.item].kind
        else {
            bodies.functions.push(None);
            uses.push(HashMap::new());
            continue;
        };
        let space = &world.module(def.place.file).space;
        let mut checker = Body::new(world, def.place.file, &file.text, space);
        let lambda = checker.lambda(signature, Some(&def.ty), body, def.place.span);
        bodies.functions.push(Some(Arc::new(Function {
            name: def.name.clone(),
            place: def.place,
            ty: def.ty.clone(),
            lambda: Arc::new(lambda),
            locals: checker.locals,
        })));
        bodies.references.append(&mut checker.references);
        bodies.types.append(&mut checker.types);
        bodies.members.append(&mut checker.members);
        bodies.diagnostics.append(&mut checker.diagnostics);
        uses.push(checker.uses);
    }
    recursion::check(world, &uses, &mut bodies.diagnostics);
    bodies
}

/// The state in which one function is checked.
struct Body<'a> {
    world: &'a World,
    file: FileId,
    text: &'a str,
    space: &'a Namespace,
    locals: Vec<Local>,
    /// In which closure each local is defined; 0 is the function itself.
    owners: Vec<usize>,
    /// Names by scope, the innermost last.
    scopes: Vec<HashMap<String, LocalId>>,
    /// Services with an id given in this function, the latest last.
    services: Vec<(String, LocalId)>,
    /// How many `on`s stand around this place.
    places: usize,
    /// What each closure around this place uses of what is around it.
    captures: Vec<HashSet<LocalId>>,
    /// The functions that are mentioned, and where.
    uses: HashMap<FuncId, Span>,
    references: Vec<(Place, Place)>,
    types: Vec<(Place, Ty)>,
    members: Vec<(Place, Arc<Record>)>,
    diagnostics: Vec<Diagnostic>,
    /// Where in `diagnostics` each unknown name is reported.
    unknown: HashMap<String, usize>,
}

impl<'a> Body<'a> {
    fn new(world: &'a World, file: FileId, text: &'a str, space: &'a Namespace) -> Self {
        Self {
            world,
            file,
            text,
            space,
            locals: Vec::new(),
            owners: Vec::new(),
            scopes: Vec::new(),
            services: Vec::new(),
            places: 0,
            captures: Vec::new(),
            uses: HashMap::new(),
            references: Vec::new(),
            types: Vec::new(),
            members: Vec::new(),
            diagnostics: Vec::new(),
            unknown: HashMap::new(),
        }
    }

    fn error(&self, code: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::error(code, message, self.file, span)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn place(&self, span: Span) -> Place {
        Place {
            file: self.file,
            span,
        }
    }

    /// A new local that no name leads to.
    fn hidden(&mut self, name: &str, ty: Ty, span: Span) -> LocalId {
        let id = LocalId(u32::try_from(self.locals.len()).expect("locals are counted"));
        self.locals.push(Local {
            name: name.to_owned(),
            ty,
            span,
        });
        self.owners.push(self.captures.len());
        id
    }

    /// A new local in the innermost scope.
    fn define(&mut self, name: &Name, ty: Ty) -> LocalId {
        if let Some(first) = self.find(&name.text) {
            let first_span = self.locals[first.0 as usize].span;
            let here = self
                .scopes
                .last()
                .is_some_and(|scope| scope.contains_key(&name.text));
            let place = self.place(first_span);
            let problem = if here {
                self.error(
                    codes::DUPLICATE,
                    format!("`{}` is defined twice", name.text),
                    name.span,
                )
                .label(place, "the first definition is here")
                .note("a value never changes; only streams take more than one")
                .help("give the second one another name")
            } else {
                Diagnostic::warning(
                    codes::SHADOWED,
                    format!("`{}` hides another value of this name", name.text),
                    self.file,
                    name.span,
                )
                .label(place, "the hidden one is here")
            };
            self.report(problem);
        }
        self.explain_early_use(name);
        let id = self.hidden(&name.text, ty, name.span);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.text.clone(), id);
        }
        id
    }

    /// The local of that name, if one is visible.
    fn find(&self, name: &str) -> Option<LocalId> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .copied()
    }

    /// Notes that a local is used here, so that the closures around know.
    fn capture(&mut self, local: LocalId) {
        let owner = self.owners[local.0 as usize];
        for captures in self.captures.iter_mut().skip(owner) {
            captures.insert(local);
        }
    }

    /// Runs something in a scope of its own.
    fn scoped<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let services = self.services.len();
        self.scopes.push(HashMap::new());
        let result = what(self);
        self.scopes.pop();
        self.services.truncate(services);
        result
    }

    fn refer(&mut self, span: Span, target: Place) {
        self.references.push((self.place(span), target));
    }
}

/// Members of the error that `LAST_ERROR` and `catch` give.
fn error_type() -> Ty {
    Ty::Struct(Arc::new(Record {
        name: String::from("Error"),
        members: vec![
            (String::from("error_code"), Ty::I64),
            (String::from("instruction"), Ty::STRING),
            (String::from("message"), Ty::STRING),
            (String::from("peer_id"), Ty::STRING),
        ],
    }))
}

/// An empty closure, for where one could not be understood.
fn no_lambda() -> Lambda {
    Lambda {
        params: Vec::new(),
        results: Vec::new(),
        body: Vec::new(),
        returned: Vec::new(),
        captures: Vec::new(),
        moves: true,
    }
}
