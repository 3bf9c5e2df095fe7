//! What a component offers: its functions, their types, and how names find them.

use std::collections::HashMap;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex};

use crate::admission::at_most;
use crate::bridge::{Shape, choose};
use crate::convert::{Type, TypeCompiler};
use crate::error::{Error, ManifestError};
use crate::limits::ComponentLimits;
use crate::manifest::{FunctionRules, Manifest};
use crate::sandbox::mode;
use crate::spelling::{self, TEXT_CHARS_MAX, brief};
use crate::world::Mode;

/// The longest name by which a function can be called, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// A function that a component exports.
#[derive(Debug)]
pub struct Function {
    interface: Option<String>,
    name: String,
    params: Vec<Param>,
    result: Option<Type>,
    mode: Mode,
    rules: FunctionRules,
    /// How to call it with its own types, if they are common ones.
    pub(crate) shape: Option<Shape>,
    /// Its place in the contract.
    pub(crate) number: usize,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The name as WIT spells it, `kebab-case`.
    pub name: String,
    /// The type.
    pub ty: Type,
}

impl Function {
    /// The name as WIT spells it, `kebab-case`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The full name of the interface that holds the function, such as
    /// `weir:greeter/api@0.1.0`; none for a function of the world itself.
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// `INTERFACE/NAME` with the full name of the interface, or just the name.
    pub fn full_name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The parameters in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The type of the result, if there is one.
    pub fn result(&self) -> Option<&Type> {
        self.result.as_ref()
    }

    /// What the function may do with the state of its service, and whether it may have effects: what the manifest says
    /// of the function, or else of all; without that, as much as the imports of the component are good for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What the manifest says of the function alone.
    pub fn rules(&self) -> &FunctionRules {
        &self.rules
    }

    /// Name and types as WIT writes them, such as `hello(name: string) -> string`.
    pub fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|param| format!("{}: {}", param.name, param.ty))
            .collect();
        let result = self.result.as_ref().map(|ty| format!(" -> {ty}"));
        format!(
            "{}({}){}",
            self.name,
            params.join(", "),
            result.unwrap_or_default()
        )
    }

    fn compile(
        interface: Option<&str>,
        name: &str,
        ty: &ComponentFunc,
        compiler: &mut TypeCompiler,
    ) -> Result<Self, Error> {
        let unsupported = |reason: String| Error::UnsupportedFunction {
            function: match interface {
                Some(interface) => brief(&format_args!("{interface}/{name}")),
                None => brief(&name),
            },
            reason,
        };
        if ty.async_() {
            return Err(unsupported("it is asynchronous".into()));
        }
        let named = [interface.unwrap_or_default(), name];
        for name in named.into_iter().chain(ty.params().map(|(name, _)| name)) {
            compiler.spend_name(name).map_err(unsupported)?;
        }
        let params: Vec<Param> = ty
            .params()
            .map(|(param, ty)| {
                Ok(Param {
                    name: param.to_owned(),
                    ty: compiler.compile(&ty).map_err(|reason| {
                        unsupported(format!("parameter `{}`: {reason}", brief(&param)))
                    })?,
                })
            })
            .collect::<Result<_, Error>>()?;
        let mut results = ty.results();
        let result = results
            .next()
            .map(|ty| compiler.compile(&ty))
            .transpose()
            .map_err(|reason| unsupported(format!("result: {reason}")))?;
        if results.next().is_some() {
            return Err(unsupported("it has several results".into()));
        }
        Ok(Self {
            interface: interface.map(str::to_owned),
            name: name.to_owned(),
            shape: choose(&params, result.as_ref()),
            params,
            result,
            mode: Mode::Pure,
            rules: FunctionRules::default(),
            number: 0,
        })
    }
}

/// All functions of a component.
#[derive(Debug)]
pub(crate) struct Contract {
    functions: Vec<Function>,
    /// Each way to name functions, exactly as WIT spells it, with the functions that it may mean.
    exact: HashMap<String, Vec<usize>>,
    /// The same with all spellings of a name made equal.
    folded: HashMap<String, Vec<usize>>,
}

impl Contract {
    /// Reads the exports of a compiled component.
    pub(crate) fn of(
        engine: &Engine,
        component: &Component,
        limits: &ComponentLimits,
    ) -> Result<Self, Error> {
        let mut functions = Vec::new();
        let mut compiler = TypeCompiler::new();
        let ty = component.component_type();
        for (name, export) in ty.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(ty) => {
                    functions.push(Function::compile(None, name, &ty, &mut compiler)?);
                }
                ComponentItem::ComponentInstance(instance) => {
                    for (member, export) in instance.exports(engine) {
                        if let ComponentItem::ComponentFunc(ty) = export.ty {
                            let interface = Some(name);
                            functions.push(Function::compile(
                                interface,
                                member,
                                &ty,
                                &mut compiler,
                            )?);
                        }
                    }
                }
                _ => {}
            }
            at_most(
                "the number of exported functions",
                functions.len() as u64,
                limits.exports,
            )?;
        }
        if functions.is_empty() {
            return Err(Error::NoFunctions);
        }
        let mut contract = Self::index(functions);
        contract.may(modes(engine, component));
        Ok(contract)
    }

    /// Raises the mode of every function to what some imports are good for.
    pub(crate) fn may(&mut self, mode: Mode) {
        for function in &mut self.functions {
            function.mode = function.mode.max(mode);
        }
    }

    fn index(mut functions: Vec<Function>) -> Self {
        let mut exact = HashMap::<String, Vec<usize>>::new();
        let mut folded = HashMap::<String, Vec<usize>>::new();
        for (index, function) in functions.iter_mut().enumerate() {
            function.number = index;
            for way in ways_to_name(function) {
                folded.entry(spelling::fold(&way)).or_default().push(index);
                exact.entry(way).or_default().push(index);
            }
        }
        Self {
            functions,
            exact,
            folded,
        }
    }

    /// Gives each function its mode and its rules. Every function that the manifest names has to be there.
    pub(crate) fn apply(&mut self, manifest: &Manifest) -> Result<(), Error> {
        if let Some(mode) = manifest.default_mode() {
            for function in &mut self.functions {
                function.mode = mode;
            }
        }
        let mut named = HashMap::new();
        for (name, rules) in manifest.functions() {
            let wrong = |problem: String| {
                Error::BadManifest(ManifestError {
                    line: None,
                    place: "functions".to_owned(),
                    problem,
                })
            };
            let index = self
                .find_index(name)
                .map_err(|error| wrong(error.to_string()))?;
            if let Some(other) = named.insert(index, name) {
                return Err(wrong(format!(
                    "`{}` and `{}` are the same function; keep one",
                    brief(other),
                    brief(name)
                )));
            }
            let function = &mut self.functions[index];
            function.mode = rules.mode.unwrap_or(function.mode);
            function.rules = *rules;
        }
        Ok(())
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Where the functions are in this code of the component.
    pub(crate) fn exports(
        &self,
        component: &Component,
    ) -> Result<Vec<ComponentExportIndex>, Error> {
        let find = |function: &Function| {
            let interface = function.interface();
            let parent = interface.map(|name| export_index(component, None, name));
            export_index(component, parent.transpose()?.as_ref(), function.name())
        };
        self.functions.iter().map(find).collect()
    }

    #[cfg(test)]
    pub(crate) fn without_shapes(mut self) -> Self {
        for function in &mut self.functions {
            function.shape = None;
        }
        self
    }

    /// The function with that name: `function` or `interface/function`, the
    /// interface with or without package and version, all in any spelling.
    pub(crate) fn find(&self, name: &str) -> Result<&Function, Error> {
        self.find_index(name).map(|index| &self.functions[index])
    }

    fn find_index(&self, name: &str) -> Result<usize, Error> {
        let found = self
            .exact
            .get(name)
            .or_else(|| self.folded.get(&spelling::fold(name)))
            // A name can be spelt at any length, and evidence of a call holds it as it was spelt.
            .filter(|_| name.len() <= NAME_BYTES_MAX);
        match found.map(Vec::as_slice) {
            Some(&[index]) => Ok(index),
            Some(several) => Err(Error::AmbiguousFunction {
                name: name.to_owned(),
                candidates: several
                    .iter()
                    .map(|&index| self.functions[index].full_name())
                    .collect(),
            }),
            None => Err(Error::UnknownFunction {
                name: spelling::shorten(name, TEXT_CHARS_MAX),
                available: self
                    .functions
                    .iter()
                    .map(|f| self.shortest_name(f))
                    .collect(),
            }),
        }
    }

    fn shortest_name(&self, function: &Function) -> String {
        match self.exact.get(function.name()).map(Vec::len) {
            Some(1) => function.name().to_owned(),
            _ => function.full_name(),
        }
    }
}

/// What the imports of a component are good for.
pub(crate) fn modes(engine: &Engine, component: &Component) -> Mode {
    let ty = component.component_type();
    let modes = ty.imports(engine).map(|(name, _)| mode(name));
    modes.max().unwrap_or(Mode::Pure)
}

fn export_index(
    component: &Component,
    parent: Option<&ComponentExportIndex>,
    name: &str,
) -> Result<ComponentExportIndex, Error> {
    component
        .get_export_index(parent, name)
        .ok_or_else(|| Error::Engine {
            detail: format!("the export `{name}` is listed but cannot be found"),
        })
}

fn ways_to_name(function: &Function) -> Vec<String> {
    let name = function.name();
    let mut ways = vec![name.to_owned()];
    if let Some(full) = function.interface() {
        let unversioned = full.split('@').next().unwrap_or(full);
        let short = unversioned.rsplit('/').next().unwrap_or(unversioned);
        for interface in [full, unversioned, short] {
            let way = format!("{interface}/{name}");
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
    ways
}
