//! Counts everything in a component that costs memory or time to compile or
//! to instantiate.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, FunctionBody, Instance, Operator, Parser, Payload,
};

use crate::admission::{at_most, invalid};
use crate::error::Error;
use crate::limits::ComponentLimits;
use crate::nesting;

/// What a loop and a conditional cost a compiler for each that lies around them.
const LOOP_WORK: u64 = 10;
const IF_WORK: u64 = 2;

/// How many there are of what counts once, however often it is instantiated.
#[derive(Default)]
pub(crate) struct Census {
    sections: u64,
    core_modules: u64,
    nested_components: u64,
    functions: u64,
    types: u64,
    declarations: u64,
    imports: u64,
    initial_pages: u64,
    table_elements: u64,
    compile_work: u64,
    /// What is open around the place that is read, the outermost first.
    open: Vec<Open>,
}

/// What one instance of a module or component consists of, with everything inside.
#[derive(Default, Clone, Copy)]
struct Weight {
    core_instances: u64,
    instances: u64,
    definitions: u64,
    memories: u64,
    tables: u64,
    globals: u64,
}

impl Weight {
    fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.core_instances, other.core_instances),
            (&mut self.instances, other.instances),
            (&mut self.definitions, other.definitions),
            (&mut self.memories, other.memories),
            (&mut self.tables, other.tables),
            (&mut self.globals, other.globals),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A module or component whose end was not read yet.
struct Open {
    is_module: bool,
    weight: Weight,
    /// Its core modules and its components, by index.
    modules: Vec<Weight>,
    components: Vec<Weight>,
}

impl Census {
    /// Counts, and refuses what is beyond the limits as soon as it is seen.
    pub(crate) fn take(mut self, bytes: &[u8], limits: &ComponentLimits) -> Result<(), Error> {
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(invalid)?;
            if let Payload::ComponentTypeSection(section) = &payload {
                self.declarations += nesting::bound(bytes, section.range(), limits)?;
            }
            self.count(&payload, limits)?;
            self.check(limits)?;
        }
        Ok(())
    }

    fn count(&mut self, payload: &Payload<'_>, limits: &ComponentLimits) -> Result<(), Error> {
        self.sections += u64::from(!matches!(payload, Payload::CodeSectionEntry(_)));
        match payload {
            Payload::Version { encoding, .. } => self.begin(*encoding == Encoding::Module),
            Payload::End(_) => self.end(limits)?,
            Payload::ComponentSection { .. } => self.nested_components += 1,
            Payload::CodeSectionEntry(body) => self.count_function(body, limits)?,
            Payload::CodeSectionStart { count, .. } => self.functions += u64::from(*count),
            Payload::TypeSection(section) => self.types += u64::from(section.count()),
            Payload::CoreTypeSection(section) => self.count_types(section.count()),
            Payload::ComponentTypeSection(section) => self.count_types(section.count()),
            Payload::ImportSection(section) => self.imports += u64::from(section.count()),
            Payload::ComponentImportSection(section) => {
                self.imports += u64::from(section.count());
                self.define(section.count());
                for import in section.clone() {
                    let kind = import.map_err(invalid)?.ty;
                    refuse_if(matches!(
                        kind,
                        ComponentTypeRef::Module(_) | ComponentTypeRef::Component(_)
                    ))?;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let pages = memory.map_err(invalid)?.initial;
                    self.initial_pages = self.initial_pages.saturating_add(pages);
                }
                self.here()?.weight.memories += u64::from(section.count());
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let elements = table.map_err(invalid)?.ty.initial;
                    self.table_elements = self.table_elements.saturating_add(elements);
                }
                self.here()?.weight.tables += u64::from(section.count());
            }
            Payload::GlobalSection(section) => {
                self.here()?.weight.globals += u64::from(section.count());
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    self.instantiate_module(&instance.map_err(invalid)?)?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    self.instantiate(&instance.map_err(invalid)?)?;
                }
            }
            Payload::ComponentAliasSection(section) => {
                self.define(section.count());
                for alias in section.clone() {
                    self.alias(&alias.map_err(invalid)?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => self.define(section.count()),
            Payload::ComponentExportSection(section) => {
                self.define(section.count());
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    let here = self.here()?;
                    // An export has an index of its own.
                    match export.kind {
                        ComponentExternalKind::Module => {
                            let weight = at(&here.modules, export.index)?;
                            here.modules.push(weight);
                        }
                        ComponentExternalKind::Component => {
                            let weight = at(&here.components, export.index)?;
                            here.components.push(weight);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, is_module: bool) {
        self.core_modules += u64::from(is_module);
        self.open.push(Open {
            is_module,
            weight: Weight {
                core_instances: u64::from(is_module),
                instances: 1,
                ..Weight::default()
            },
            modules: Vec::new(),
            components: Vec::new(),
        });
    }

    fn end(&mut self, limits: &ComponentLimits) -> Result<(), Error> {
        let Some(ended) = self.open.pop() else {
            return Err(invalid("it ends more often than it begins"));
        };
        match self.open.last_mut() {
            Some(around) if ended.is_module => around.modules.push(ended.weight),
            Some(around) => around.components.push(ended.weight),
            None => check_weight(&ended.weight, limits)?,
        }
        Ok(())
    }

    fn here(&mut self) -> Result<&mut Open, Error> {
        self.open
            .last_mut()
            .ok_or_else(|| invalid("a section is outside of everything"))
    }

    fn define(&mut self, count: u32) {
        if let Some(here) = self.open.last_mut() {
            here.weight.definitions = here.weight.definitions.saturating_add(u64::from(count));
        }
    }

    fn count_types(&mut self, count: u32) {
        self.types += u64::from(count);
        self.define(count);
    }

    fn instantiate_module(&mut self, instance: &Instance<'_>) -> Result<(), Error> {
        let here = self.here()?;
        let (weight, parts) = match instance {
            Instance::Instantiate { module_index, args } => {
                (at(&here.modules, *module_index)?, args.len())
            }
            Instance::FromExports(exports) => (Weight::default(), exports.len()),
        };
        here.weight.add(weight);
        here.weight.add(Weight {
            definitions: 1 + parts as u64,
            ..Weight::default()
        });
        Ok(())
    }

    fn instantiate(&mut self, instance: &ComponentInstance<'_>) -> Result<(), Error> {
        let here = self.here()?;
        let (weight, parts) = match instance {
            ComponentInstance::Instantiate {
                component_index,
                args,
            } => (at(&here.components, *component_index)?, args.len()),
            ComponentInstance::FromExports(exports) => (Weight::default(), exports.len()),
        };
        here.weight.add(weight);
        here.weight.add(Weight {
            definitions: 1 + parts as u64,
            ..Weight::default()
        });
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Error> {
        match *alias {
            ComponentAlias::InstanceExport { kind, .. } => refuse_if(matches!(
                kind,
                ComponentExternalKind::Module | ComponentExternalKind::Component
            )),
            ComponentAlias::Outer { kind, count, index } => {
                let outer = (self.open.len())
                    .checked_sub(1 + count as usize)
                    .and_then(|place| self.open.get(place))
                    .ok_or_else(|| invalid("an alias goes out too far"))?;
                match kind {
                    ComponentOuterAliasKind::CoreModule => {
                        let weight = at(&outer.modules, index)?;
                        self.here()?.modules.push(weight);
                    }
                    ComponentOuterAliasKind::Component => {
                        let weight = at(&outer.components, index)?;
                        self.here()?.components.push(weight);
                    }
                    _ => {}
                }
                Ok(())
            }
            ComponentAlias::CoreInstanceExport { .. } => Ok(()),
        }
    }

    /// Compilers take time and memory for each variable in each block that may change it, and for each loop and
    /// conditional around another.
    fn count_function(
        &mut self,
        body: &FunctionBody<'_>,
        limits: &ComponentLimits,
    ) -> Result<(), Error> {
        let range = body.range();
        at_most(
            "the size in bytes of a function",
            (range.end - range.start) as u64,
            limits.function_bytes,
        )?;
        let mut locals = 0_u64;
        for local in body.get_locals_reader().map_err(invalid)? {
            locals = locals.saturating_add(u64::from(local.map_err(invalid)?.0));
        }
        at_most("the number of locals of a function", locals, limits.locals)?;
        let mut blocks = 1_u64;
        let mut nested_work = 0_u64;
        // What is open around the place that is read, and how much of it are loops and conditionals.
        let mut around = Vec::new();
        let mut depth = 0_u64;
        for operator in body.get_operators_reader().map_err(invalid)? {
            let (more, work) = match operator.map_err(invalid)? {
                Operator::Block { .. } | Operator::TryTable { .. } => (1, Some(0)),
                Operator::Loop { .. } => (1, Some(LOOP_WORK)),
                Operator::If { .. } => (1, Some(IF_WORK)),
                Operator::Else | Operator::BrIf { .. } => (1, None),
                Operator::BrTable { targets } => (u64::from(targets.len()), None),
                Operator::End => {
                    depth -= around.pop().unwrap_or(0);
                    (0, None)
                }
                _ => (0, None),
            };
            blocks += more;
            if let Some(work) = work {
                let counts = u64::from(work > 0);
                around.push(counts);
                depth += counts;
                nested_work += work * depth;
            }
        }
        let work = locals.saturating_mul(blocks).saturating_add(nested_work);
        at_most(
            "the work of compiling a function, in locals times blocks",
            work,
            limits.function_work,
        )?;
        self.compile_work = self.compile_work.saturating_add(work);
        Ok(())
    }

    fn check(&self, limits: &ComponentLimits) -> Result<(), Error> {
        for (what, got, limit) in [
            (
                "the number of core modules",
                self.core_modules,
                limits.core_modules,
            ),
            (
                "the number of nested components",
                self.nested_components,
                limits.nested_components,
            ),
            ("the number of functions", self.functions, limits.functions),
            ("the number of types", self.types, limits.types),
            (
                "the number of declarations in types",
                self.declarations,
                limits.declarations,
            ),
            ("the number of sections", self.sections, limits.sections),
            ("the number of imports", self.imports, limits.imports),
            (
                "its memory at the start, in pages of 64 KiB",
                self.initial_pages,
                limits.initial_pages,
            ),
            (
                "the number of table elements at the start",
                self.table_elements,
                limits.table_elements,
            ),
            (
                "the work of compiling it, in locals times blocks",
                self.compile_work,
                limits.compile_work,
            ),
        ] {
            at_most(what, got, limit)?;
        }
        Ok(())
    }
}

fn check_weight(weight: &Weight, limits: &ComponentLimits) -> Result<(), Error> {
    for (what, got, limit) in [
        (
            "the number of core instances",
            weight.core_instances,
            limits.core_instances,
        ),
        (
            "the number of instances",
            weight.instances,
            limits.instances,
        ),
        (
            "the number of definitions in all instances",
            weight.definitions,
            limits.definitions,
        ),
        ("the number of memories", weight.memories, limits.memories),
        ("the number of tables", weight.tables, limits.tables),
        ("the number of globals", weight.globals, limits.globals),
    ] {
        at_most(what, got, limit)?;
    }
    Ok(())
}

fn at(weights: &[Weight], index: u32) -> Result<Weight, Error> {
    weights
        .get(index as usize)
        .copied()
        .ok_or_else(|| invalid("it names a module or component that is not there"))
}

/// What is inside a module or component that comes from elsewhere cannot be
/// counted in one pass, and no toolchain makes such components.
fn refuse_if(passed: bool) -> Result<(), Error> {
    at_most(
        "the number of modules and components that are imported or taken from an instance",
        u64::from(passed),
        0,
    )
}
