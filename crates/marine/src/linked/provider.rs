//! A part that serves others through the host, and how their imports become functions of it.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, LinkerInstance};

use super::crossing::cross;
use super::{Imports, Wire};
use crate::compose::ComposeError;
use crate::convert::{Type, TypeCompiler};
use crate::error::Error;
use crate::manifest::PartLimits;
use crate::sandbox::CallState;

/// A part that serves others through the host, ready to be called.
pub(crate) struct Provider {
    /// Its place among the linked parts of the service.
    pub(super) number: usize,
    pub(crate) name: Arc<str>,
    pub(super) limits: PartLimits,
    pub(crate) pre: InstancePre<CallState>,
}

impl Provider {
    pub(crate) fn new(
        number: usize,
        name: &str,
        limits: PartLimits,
        pre: InstancePre<CallState>,
    ) -> Self {
        Self {
            number,
            name: name.into(),
            limits,
            pre,
        }
    }

    /// The component of the part.
    pub(crate) fn component(&self) -> &Component {
        self.pre.component()
    }
}

/// Makes these imports of a component functions of the providers. `part` names the component in errors.
pub(crate) fn link(
    linker: &mut Linker<CallState>,
    (part, consumer): (&str, &Component),
    imports: &Imports,
    providers: &[Arc<Provider>],
) -> Result<(), Error> {
    linker.allow_shadowing(true);
    let engine = linker.engine().clone();
    let ty = consumer.component_type();
    for (import, item) in ty.imports(&engine) {
        let Some(wire) = imports.get(import) else {
            continue;
        };
        let provider = providers.get(wire.part).ok_or_else(|| Error::Engine {
            detail: format!("the part that serves `{import}` was not loaded"),
        })?;
        let socket = Socket {
            engine: &engine,
            provider,
            wire,
        };
        socket
            .plug(linker, import, item.ty)
            .map_err(|detail| ComposeError::Types {
                part: part.to_owned(),
                import: import.to_owned(),
                provider: provider.name.to_string(),
                detail,
            })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// Where an import meets an export.
struct Socket<'a> {
    engine: &'a Engine,
    provider: &'a Arc<Provider>,
    wire: &'a Wire,
}

impl Socket<'_> {
    fn plug(
        &self,
        linker: &mut Linker<CallState>,
        import: &str,
        wanted: ComponentItem,
    ) -> Result<(), String> {
        let component = self.provider.component();
        let ty = component.component_type();
        let export = &self.wire.export;
        let offered = ty.get_export(self.engine, export).map(|export| export.ty);
        match (wanted, offered) {
            (ComponentItem::ComponentFunc(wanted), Some(ComponentItem::ComponentFunc(offered))) => {
                self.function(&mut linker.root(), (None, import), &wanted, &offered)
            }
            (
                ComponentItem::ComponentInstance(wanted),
                Some(ComponentItem::ComponentInstance(offered)),
            ) => {
                let mut instance = linker.instance(import).map_err(text)?;
                let parent = component.get_export_index(None, export);
                for (name, item) in wanted.exports(self.engine) {
                    let wanted = match item.ty {
                        ComponentItem::ComponentFunc(wanted) => wanted,
                        ComponentItem::Type(_) => continue,
                        ComponentItem::Resource(_) => {
                            return Err(format!(
                                "`{name}` is a resource, and resources cannot leave the store of a part"
                            ));
                        }
                        _ => return Err(format!("`{name}` is no function")),
                    };
                    match offered.get_export(self.engine, name).map(|item| item.ty) {
                        Some(ComponentItem::ComponentFunc(offered)) => self.function(
                            &mut instance,
                            (parent.as_ref(), name),
                            &wanted,
                            &offered,
                        )?,
                        _ => return Err(format!("the part has no function `{name}`")),
                    }
                }
                Ok(())
            }
            (_, None) => Err(format!("the part does not export `{export}`")),
            _ => Err("one is a function, the other an interface".to_owned()),
        }
    }

    fn function(
        &self,
        linker: &mut LinkerInstance<'_, CallState>,
        (parent, name): (Option<&ComponentExportIndex>, &str),
        wanted: &ComponentFunc,
        offered: &ComponentFunc,
    ) -> Result<(), String> {
        let (wanted, offered) = (Signature::of(wanted), Signature::of(offered));
        let in_function = |reason: String| format!("`{name}`: {reason}");
        if wanted.map_err(in_function)? != offered.map_err(in_function)? {
            return Err(format!("`{name}` has other types"));
        }
        let export = match parent {
            Some(_) => name,
            None => self.wire.export.as_str(),
        };
        let export = self.provider.component().get_export_index(parent, export);
        let export = export.ok_or_else(|| format!("the part has no function `{name}`"))?;
        let provider = Arc::clone(self.provider);
        linker
            .func_new_async(name, move |store, _, arguments, results| {
                let provider = Arc::clone(&provider);
                Box::new(async move { cross(store, &provider, export, arguments, results).await })
            })
            .map_err(text)
    }
}

/// The types of a function, as far as its values are plain data.
#[derive(PartialEq)]
struct Signature {
    params: Vec<(String, Type)>,
    results: Vec<Type>,
}

impl Signature {
    fn of(function: &ComponentFunc) -> Result<Self, String> {
        if function.async_() {
            return Err("it is asynchronous".to_owned());
        }
        let mut compiler = TypeCompiler::new();
        Ok(Self {
            params: function
                .params()
                .map(|(name, ty)| Ok((name.to_owned(), compiler.compile(&ty)?)))
                .collect::<Result<_, String>>()?,
            results: function
                .results()
                .map(|ty| compiler.compile(&ty))
                .collect::<Result<_, String>>()?,
        })
    }
}

fn text(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}
