//! From files to definitions: what each name of a module stands for.
//!
//! [`resolve`] takes the files in an order in which imports come first. For each it
//! collects what is imported, adds its own definitions, works out their types, and
//! decides what others can import and what is exported. Bodies of functions are
//! left to the checker.

use crate::diagnostic::{Diagnostic, codes};
use crate::files::FileSet;
use crate::hir::{FuncId, Literal};
use crate::source::{FileId, Place, Span};
use crate::syntax::{Expr, ExprKind, ItemKind, Name, Path};
use crate::types::{Arrow, Ty};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

mod definitions;
mod header;
mod types;

pub(crate) use header::obstacles;
pub(crate) use types::{ELEMENTS, TypeReader};

/// A type that has a name: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// A constant: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConstId(u32);

/// A type that has a name.
#[derive(Debug, Clone)]
pub struct TypeDef {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Place,
    /// What it is.
    pub ty: Ty,
    /// The id of a service that has one.
    pub service_id: Option<Literal>,
    /// How many types it consists of.
    size: usize,
    /// How deep they are nested.
    depth: usize,
}

/// A constant.
#[derive(Debug, Clone)]
pub struct ConstDef {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Place,
    /// Its value.
    pub value: Literal,
}

/// A function, without its body.
#[derive(Debug, Clone)]
pub struct FuncDef {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Place,
    /// The definition in its file.
    pub item: usize,
    /// Its type.
    pub ty: Arc<Arrow>,
}

/// A value at top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopValue {
    /// A constant.
    Const(ConstId),
    /// A function.
    Func(FuncId),
}

/// What names stand for.
#[derive(Debug, Clone, Default)]
pub struct Namespace {
    /// Types, services and abilities included.
    pub types: HashMap<String, TypeId>,
    /// Constants and functions.
    pub values: HashMap<String, TopValue>,
    /// Modules that are used under a name.
    pub modules: HashMap<String, Arc<Namespace>>,
    /// What should be here and could not be understood, which has been reported.
    pub lost: Lost,
}

/// Names that a mistake has kept from being defined.
#[derive(Debug, Clone, Default)]
pub enum Lost {
    /// None.
    #[default]
    Nothing,
    /// These.
    Names(HashSet<String>),
    /// Any that is not there.
    Anything,
}

impl Lost {
    fn add(&mut self, name: &str) {
        match self {
            Self::Nothing => *self = Self::Names(HashSet::from([name.to_owned()])),
            Self::Names(names) => {
                names.insert(name.to_owned());
            }
            Self::Anything => {}
        }
    }

    fn extend(&mut self, other: &Self) {
        match other {
            Self::Nothing => {}
            Self::Names(names) => names.iter().for_each(|name| self.add(name)),
            Self::Anything => *self = Self::Anything,
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Names(names) => names.contains(name),
            Self::Anything => true,
        }
    }
}

/// A file with its names resolved.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// Its name.
    pub name: Option<String>,
    /// All that can be named in it.
    pub space: Namespace,
    /// What others can import.
    pub declared: Arc<Namespace>,
    /// The functions that it defines.
    pub functions: Vec<FuncId>,
    /// What clients can call.
    pub exports: Vec<Export>,
}

/// Something that clients can call or serve.
#[derive(Debug, Clone)]
pub struct Export {
    /// The name for clients.
    pub name: String,
    /// Where the export is written.
    pub span: Span,
    /// What is exported.
    pub what: Exported,
}

/// The kinds of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// A function.
    Func(FuncId),
    /// A service.
    Service(TypeId),
}

/// All definitions of a compilation.
#[derive(Debug, Default)]
pub struct World {
    types: Vec<TypeDef>,
    consts: Vec<ConstDef>,
    funcs: Vec<FuncDef>,
    /// By file.
    pub modules: Vec<Module>,
    /// Where a name is used, and where it is defined.
    pub references: Vec<(Place, Place)>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

impl World {
    /// All types that have names.
    pub fn types(&self) -> &[TypeDef] {
        &self.types
    }

    /// All constants.
    pub fn constants(&self) -> &[ConstDef] {
        &self.consts
    }

    /// The type of that number.
    pub fn ty(&self, id: TypeId) -> &TypeDef {
        &self.types[id.0 as usize]
    }

    /// The constant of that number.
    pub fn constant(&self, id: ConstId) -> &ConstDef {
        &self.consts[id.0 as usize]
    }

    /// The function of that number.
    pub fn func(&self, id: FuncId) -> &FuncDef {
        &self.funcs[id.0 as usize]
    }

    /// The numbers of all functions.
    pub fn functions(&self) -> impl Iterator<Item = FuncId> + use<> {
        (0..u32::try_from(self.funcs.len()).expect("functions are counted")).map(FuncId)
    }

    /// The module of a file.
    pub fn module(&self, file: FileId) -> &Module {
        &self.modules[file.0 as usize]
    }
}

impl Namespace {
    /// The namespace in which the last segment of a path is to be looked up.
    pub fn enter(&self, segments: &[Name]) -> Option<&Namespace> {
        let mut space = self;
        for segment in segments {
            space = space.modules.get(&segment.text)?;
        }
        Some(space)
    }

    /// The type of that path.
    pub fn find_type(&self, path: &Path) -> Option<TypeId> {
        let (last, before) = path.segments.split_last()?;
        self.enter(before)?.types.get(&last.text).copied()
    }

    /// Whether a mistake has been reported that may be why there is nothing of that path.
    pub fn has_lost(&self, segments: &[Name]) -> bool {
        let mut space = self;
        for segment in segments {
            if space.lost.has(&segment.text) {
                return true;
            }
            match space.modules.get(&segment.text) {
                Some(module) => space = module,
                None => return false,
            }
        }
        false
    }

    /// Takes over all names of another one.
    fn extend(&mut self, other: &Namespace) {
        self.lost.extend(&other.lost);
        self.types
            .extend(other.types.iter().map(|(name, id)| (name.clone(), *id)));
        self.values
            .extend(other.values.iter().map(|(name, id)| (name.clone(), *id)));
        for (name, module) in &other.modules {
            self.insert_module(name, module);
        }
    }

    /// Adds a module; two of the same name are merged.
    fn insert_module(&mut self, name: &str, module: &Arc<Namespace>) {
        match self.modules.get_mut(name) {
            Some(present) => Arc::make_mut(present).extend(module),
            None => {
                self.modules.insert(name.to_owned(), module.clone());
            }
        }
    }

    /// Adds what stands under `from` in another namespace, under the path `to`; whether there is anything.
    fn take(&mut self, from: &Namespace, path: &Path, to: &[Name]) -> bool {
        let Some((last, before)) = path.segments.split_last() else {
            return false;
        };
        let Some(source) = from.enter(before) else {
            return false;
        };
        let Some((name, outer)) = to.split_last() else {
            return false;
        };
        let mut target = self;
        for segment in outer {
            target = Arc::make_mut(target.modules.entry(segment.text.clone()).or_default());
        }
        let mut found = false;
        if let Some(id) = source.types.get(&last.text) {
            target.types.insert(name.text.clone(), *id);
            found = true;
        }
        if let Some(value) = source.values.get(&last.text) {
            target.values.insert(name.text.clone(), *value);
            found = true;
        }
        if let Some(module) = source.modules.get(&last.text) {
            target.insert_module(&name.text, module);
            found = true;
        }
        found
    }

    /// All names that can be written here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types
            .keys()
            .chain(self.values.keys())
            .chain(self.modules.keys())
            .map(String::as_str)
    }
}

/// Names that are there without being defined.
pub const BUILTINS: [&str; 6] = [
    "HOST_PEER_ID",
    "INIT_PEER_ID",
    "PARTICLE_TTL",
    "PARTICLE_TIMESTAMP",
    "LAST_ERROR",
    "nil",
];

/// Resolves the names of all files. `constants` replace those written with `?=`.
pub fn resolve(set: &FileSet, constants: &[(String, Literal)]) -> World {
    let mut resolver = Resolver {
        set,
        constants,
        world: World {
            modules: vec![Module::default(); set.files.len()],
            ..World::default()
        },
    };
    for file in &set.order {
        resolver.file(*file);
    }
    resolver.world
}

struct Resolver<'a> {
    set: &'a FileSet,
    constants: &'a [(String, Literal)],
    world: World,
}

impl Resolver<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.world.diagnostics.push(diagnostic);
    }

    fn file(&mut self, file: FileId) {
        let parsed = self.set.get(file).parsed.clone();
        let mut module = Module {
            space: self.imported(file),
            ..Module::default()
        };
        let mut own = Namespace::default();
        let mut types = HashMap::new();
        for (index, item) in parsed.tree.items.iter().enumerate() {
            match &item.kind {
                ItemKind::Error => own.lost = Lost::Anything,
                ItemKind::Const { .. } => {}
                ItemKind::Func { name, .. } => {
                    let id = FuncId(u32::try_from(self.world.funcs.len()).expect("counted"));
                    if !self.define_value(file, name, &own) {
                        continue;
                    }
                    self.world.funcs.push(FuncDef {
                        name: name.text.clone(),
                        place: Place {
                            file,
                            span: name.span,
                        },
                        item: index,
                        ty: Arc::new(Arrow {
                            params: Vec::new(),
                            results: Vec::new(),
                        }),
                    });
                    own.values.insert(name.text.clone(), TopValue::Func(id));
                    module.functions.push(id);
                }
                ItemKind::Alias { name, .. }
                | ItemKind::Data { name, .. }
                | ItemKind::Ability { name, .. }
                | ItemKind::Service { name, .. } => {
                    if let Some(first) = own.types.get(&name.text) {
                        let place = self.world.ty(*first).place;
                        self.report(
                            Diagnostic::error(
                                codes::DUPLICATE,
                                format!("the type `{}` is defined twice", name.text),
                                file,
                                name.span,
                            )
                            .label(place, "the first definition is here"),
                        );
                        continue;
                    }
                    let id = TypeId(u32::try_from(self.world.types.len()).expect("counted"));
                    self.world.types.push(TypeDef {
                        name: name.text.clone(),
                        place: Place {
                            file,
                            span: name.span,
                        },
                        ty: Ty::Error,
                        service_id: None,
                        size: 1,
                        depth: 1,
                    });
                    own.types.insert(name.text.clone(), id);
                    types.insert(id, index);
                }
            }
        }
        self.constants(file, &parsed.tree.items, &module.space, &mut own);
        let imported = std::mem::take(&mut module.space);
        module.space.extend(&imported);
        module.space.extend(&own);
        self.resolve_types(file, &parsed.tree.items, &module.space, &types);
        self.warn_of_hidden(&imported, &own);
        for id in &module.functions {
            let item = self.world.func(*id).item;
            if let ItemKind::Func { signature, .. } = &parsed.tree.items[item].kind {
                let (ty, _) = self.reader(file, &module.space).signature(signature);
                self.world.funcs[id.0 as usize].ty = Arc::new(ty);
            }
        }
        self.conclude(file, &mut module, &own);
        self.world.modules[file.0 as usize] = module;
    }

    /// Whether the name is still free for a constant or a function.
    fn define_value(&mut self, file: FileId, name: &Name, own: &Namespace) -> bool {
        let first = match own.values.get(&name.text) {
            None if BUILTINS.contains(&name.text.as_str()) => {
                self.report(
                    Diagnostic::error(
                        codes::DUPLICATE,
                        format!("`{}` is built in and cannot be defined again", name.text),
                        file,
                        name.span,
                    )
                    .help("choose another name"),
                );
                return false;
            }
            None => return true,
            Some(TopValue::Const(id)) => self.world.constant(*id).place,
            Some(TopValue::Func(id)) => self.world.func(*id).place,
        };
        self.report(
            Diagnostic::error(
                codes::DUPLICATE,
                format!("`{}` is defined twice", name.text),
                file,
                name.span,
            )
            .label(first, "the first definition is here"),
        );
        false
    }

    /// Defines the constants, in the order of the text: one may name another above it.
    fn constants(
        &mut self,
        file: FileId,
        items: &[crate::syntax::Item],
        imported: &Namespace,
        own: &mut Namespace,
    ) {
        for item in items {
            let ItemKind::Const {
                name,
                replaceable,
                value,
            } = &item.kind
            else {
                continue;
            };
            let given = self
                .constants
                .iter()
                .find(|(given, _)| *given == name.text)
                .map(|(_, value)| value.clone());
            if given.is_some() && !*replaceable {
                self.report(
                    Diagnostic::warning(
                        codes::DUPLICATE,
                        format!("`{}` keeps the value written here", name.text),
                        file,
                        name.span,
                    )
                    .help("write `?=` in place of `=` so that another value can be given"),
                );
            }
            let written = self.literal(file, value, imported, own);
            let value = given.filter(|_| *replaceable).or(written);
            let Some(value) = value else {
                own.lost.add(&name.text);
                continue;
            };
            if !self.define_value(file, name, own) {
                continue;
            }
            let id = ConstId(u32::try_from(self.world.consts.len()).expect("counted"));
            self.world.consts.push(ConstDef {
                name: name.text.clone(),
                place: Place {
                    file,
                    span: name.span,
                },
                value,
            });
            own.values.insert(name.text.clone(), TopValue::Const(id));
        }
    }

    /// The value of a literal or of a constant.
    fn literal(
        &mut self,
        file: FileId,
        expr: &Expr,
        imported: &Namespace,
        own: &Namespace,
    ) -> Option<Literal> {
        match &expr.kind {
            ExprKind::Error => return None,
            ExprKind::Paren(inner) => return self.literal(file, inner, imported, own),
            _ => {}
        }
        if let Some(literal) = literal(expr) {
            return Some(literal);
        }
        let Some(path) = module_path(expr) else {
            self.report(
                Diagnostic::error(
                    codes::BAD_CONSTANT,
                    "a constant is a literal or another constant",
                    file,
                    expr.span,
                )
                .help("compute the value in a function"),
            );
            return None;
        };
        let (name, space) = path.split_last()?;
        let found = own
            .enter(space)
            .and_then(|space| space.values.get(&name.text))
            .or_else(|| imported.enter(space)?.values.get(&name.text));
        match found {
            Some(TopValue::Const(id)) => {
                let constant = self.world.constant(*id).clone();
                self.world.references.push((
                    Place {
                        file,
                        span: name.span,
                    },
                    constant.place,
                ));
                Some(constant.value)
            }
            None if own.has_lost(&path) || imported.has_lost(&path) => None,
            _ => {
                self.report(
                    Diagnostic::error(
                        codes::UNKNOWN_NAME,
                        format!("there is no constant `{}` above this line", name.text),
                        file,
                        name.span,
                    )
                    .help("constants are defined above their first use"),
                );
                None
            }
        }
    }

    /// Warns of own definitions that hide imported ones which are something else.
    fn warn_of_hidden(&mut self, imported: &Namespace, own: &Namespace) {
        let mut hidden = Vec::new();
        for (name, id) in &own.types {
            if let Some(other) = imported.types.get(name)
                && self.world.ty(*other).ty != self.world.ty(*id).ty
            {
                hidden.push((name, self.world.ty(*id).place, self.world.ty(*other).place));
            }
        }
        for (name, value) in &own.values {
            if let Some(other) = imported.values.get(name) {
                hidden.push((name, self.place_of(*value), self.place_of(*other)));
            }
        }
        hidden.sort_by_key(|(_, place, _)| *place);
        for (name, place, other) in hidden {
            self.world.diagnostics.push(
                Diagnostic::warning(
                    codes::SHADOWED,
                    format!("`{name}` hides what is imported under this name"),
                    place.file,
                    place.span,
                )
                .label(other, "the imported definition is here")
                .help("give one of them another name, or import only what is needed"),
            );
        }
    }

    fn place_of(&self, value: TopValue) -> Place {
        match value {
            TopValue::Const(id) => self.world.constant(id).place,
            TopValue::Func(id) => self.world.func(id).place,
        }
    }
}

/// The literal that is written there.
pub fn literal(expr: &Expr) -> Option<Literal> {
    Some(match &expr.kind {
        ExprKind::Bool(value) => Literal::Bool(*value),
        ExprKind::Int(Some(value)) => Literal::Int(i64::try_from(*value).ok()?),
        ExprKind::Float(text) => Literal::Float(text.clone()),
        ExprKind::String(text) => Literal::String(text.clone()),
        _ => return None,
    })
}

/// `A.B` as names, if it is nothing but names.
pub fn module_path(expr: &Expr) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    let mut expr = expr;
    loop {
        match &expr.kind {
            ExprKind::Name(name) => {
                names.push(name.clone());
                names.reverse();
                return Some(names);
            }
            ExprKind::Field { base, name } => {
                names.push(name.clone());
                expr = base;
            }
            _ => return None,
        }
    }
}
