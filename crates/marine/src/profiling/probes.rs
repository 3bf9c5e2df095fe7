//! Core modules that say when their functions begin and end.
//!
//! A probe is four operators that leave the stack as it was: a constant, `memory.grow` of a memory that the module did
//! not have before and that never grows, `drop`, and a call of an empty function that the module did not have before.
//! The first two tell the host which function begins, or that one ends; at the call the engine has written down all
//! fuel that was used so far, and asks the host whether to go on. What a probe costs is known, so the host can tell
//! what everything else costs.
//!
//! Each function begins with a probe. Its code stands in a block, so that whatever branches to the end of the function
//! comes to the probe behind the block; `return` and calls in the place of a return have a probe before them. Calls of
//! imports stand between probes too, because what is behind an import has none.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rustc_demangle::demangle;
use wasm_encoder::reencode::{Error as Refused, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, Encode, Function, FunctionSection, Instruction, MemorySection,
    MemoryType, Module, SectionId, TypeSection, ValType,
};
use wasmparser::{
    BinaryReader, FuncType, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};

use super::Place;

/// The most pages of a memory of probes, which no other memory is likely to have.
const PAGES_MAX: u64 = 65_535;

/// The same in bytes: what the host sees of it.
pub(crate) const PROBE_BYTES_MAX: usize = (PAGES_MAX as usize) << 16;

/// By how many pages the memory would grow when a function ends.
pub(super) const END: u32 = 1;

/// By how many pages it would grow when the first of all places begins; the others follow.
pub(super) const FIRST: u32 = 2;

/// A component with probes, and what its probes mean.
pub(super) struct Probed {
    pub(super) component: Vec<u8>,
    pub(super) places: Vec<Place>,
}

/// Puts probes into every core module of a component that was checked before.
pub(super) fn probe(component: &[u8]) -> Result<Probed, String> {
    let mut probes = Probes::default();
    let component = probes.component(component)?;
    Ok(Probed {
        component,
        places: probes.places,
    })
}

#[derive(Default)]
struct Probes {
    modules: usize,
    places: Vec<Place>,
}

impl Probes {
    /// The same component with probes in its modules and in those of the components in it.
    fn component(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        const MODULE: u8 = 1;
        const COMPONENT: u8 = 4;
        let (header, sections) = bytes.split_at_checked(8).ok_or("a component is cut off")?;
        let mut probed = header.to_vec();
        let mut reader = BinaryReader::new(sections, 0);
        while !reader.eof() {
            let id = reader.read_u8().map_err(text)?;
            let size = reader.read_var_u32().map_err(text)?;
            let content = reader.read_bytes(size as usize).map_err(text)?;
            let content = match id {
                MODULE => self.module(content)?,
                COMPONENT => self.component(content)?,
                _ => content.to_vec(),
            };
            probed.push(id);
            content.len().encode(&mut probed);
            probed.extend(content);
        }
        Ok(probed)
    }

    fn module(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let number = self.modules;
        self.modules += 1;
        let outline = Outline::of(bytes)?;
        if outline.functions.is_empty() {
            return Ok(bytes.to_vec());
        }
        let first = FIRST as usize + self.places.len();
        self.places.extend(outline.places(number));
        if FIRST as usize + self.places.len() > PAGES_MAX as usize {
            return Err(format!(
                "there are more than {PAGES_MAX} functions, which no profile can tell apart"
            ));
        }
        let mut module = Module::new();
        let mut writer = Writer {
            first: first as u32,
            function: 0,
            wrappers: outline.wrappers(),
            has_memory: false,
            outline,
        };
        writer
            .parse_core_module(&mut module, Parser::new(0), bytes)
            .map_err(text)?;
        Ok(module.finish())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What has to be known of a module before it is written anew.
#[derive(Default)]
struct Outline {
    types: Vec<FuncType>,
    /// Imported functions: module and name.
    imports: Vec<(String, String)>,
    /// The types of the functions that have code here.
    functions: Vec<u32>,
    memories: u32,
    exports: BTreeMap<u32, String>,
    names: BTreeMap<u32, String>,
    name: Option<String>,
}

impl Outline {
    fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(text)? {
                Payload::TypeSection(types) => {
                    let types: Result<_, _> = types.into_iter_err_on_gc_types().collect();
                    outline.types = types.map_err(text)?;
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(text)?;
                        match import.ty {
                            TypeRef::Func(_) => outline
                                .imports
                                .push((import.module.to_owned(), import.name.to_owned())),
                            TypeRef::Memory(_) => outline.memories += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    let functions: Result<_, _> = functions.into_iter().collect();
                    outline.functions = functions.map_err(text)?;
                }
                Payload::MemorySection(memories) => outline.memories += memories.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.map_err(text)?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            let name = export.name.to_owned();
                            outline.exports.entry(export.index).or_insert(name);
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        // Whoever has no good names has none.
                        outline.read_names(names);
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn read_names(&mut self, names: wasmparser::NameSectionReader<'_>) {
        for name in names.into_iter().map_while(Result::ok) {
            match name {
                Name::Module { name, .. } => self.name = Some(name.to_owned()),
                Name::Function(names) => {
                    let named = names.into_iter().map_while(Result::ok);
                    self.names
                        .extend(named.map(|name| (name.index, name.name.to_owned())));
                }
                _ => {}
            }
        }
    }

    /// What can begin here: imports, then functions, in their order.
    fn places(&self, number: usize) -> impl Iterator<Item = Place> {
        let module = match &self.name {
            Some(name) => name.clone(),
            None => format!("module {number}"),
        };
        let imports = self.imports.iter().map(|(from, name)| Place {
            module: module.clone(),
            name: format!("{from}#{name}"),
            is_import: true,
            is_named: true,
        });
        let functions = (0..self.functions.len()).map(|function| {
            let index = (self.imports.len() + function) as u32;
            let given = self.names.get(&index);
            let name = given.or_else(|| self.exports.get(&index));
            Place {
                module: module.clone(),
                name: name.map_or_else(|| format!("func[{index}]"), |name| readable(name)),
                is_import: false,
                is_named: given.is_some(),
            }
        });
        imports.chain(functions).collect::<Vec<_>>().into_iter()
    }

    /// Types of blocks around functions with several results, which the module may lack: appended to its types, behind
    /// that of the empty function.
    fn wrappers(&self) -> Vec<Vec<wasmparser::ValType>> {
        let mut wrappers = Vec::new();
        for ty in &self.functions {
            if let Some(ty) = self.types.get(*ty as usize)
                && ty.results().len() > 1
                && !wrappers.iter().any(|results| *results == ty.results())
            {
                wrappers.push(ty.results().to_vec());
            }
        }
        wrappers
    }

    /// The index of the type of the empty function.
    fn empty_type(&self) -> u32 {
        self.types.len() as u32
    }

    /// The index of the empty function.
    fn empty_function(&self) -> u32 {
        (self.imports.len() + self.functions.len()) as u32
    }
}

/// A name as its author wrote it.
fn readable(name: &str) -> String {
    let rust = demangle(name);
    let brief = cpp_demangle::DemangleOptions::new()
        .no_params()
        .no_return_type();
    // Old names of Rust look like those of C++ to a reader of the latter, not the other way round.
    if name.starts_with("_Z")
        && rust.to_string() == name
        && let Ok(symbol) = cpp_demangle::Symbol::new(name)
        && let Ok(cpp) = symbol.demangle_with_options(&brief)
    {
        return cpp;
    }
    format!("{rust:#}")
}

/// Writes a module with probes.
struct Writer {
    outline: Outline,
    wrappers: Vec<Vec<wasmparser::ValType>>,
    /// What the first place of this module is called by its probe.
    first: u32,
    /// The function that is written, by its place among those with code.
    function: u32,
    has_memory: bool,
}

impl Writer {
    fn probe(&self, function: &mut Function, pages: u32) {
        function
            .instruction(&Instruction::I32Const(pages.cast_signed()))
            .instruction(&Instruction::MemoryGrow(self.outline.memories))
            .instruction(&Instruction::Drop)
            .instruction(&Instruction::Call(self.outline.empty_function()));
    }

    fn memory() -> MemoryType {
        MemoryType {
            minimum: 0,
            maximum: Some(PAGES_MAX),
            memory64: false,
            shared: false,
            page_size_log2: None,
        }
    }

    /// The type of a block around a function of this type.
    fn wrapper(&mut self, ty: u32) -> Result<BlockType, Refused> {
        let results = self.outline.types.get(ty as usize).map(FuncType::results);
        Ok(match results.unwrap_or_default() {
            [] => BlockType::Empty,
            [one] => BlockType::Result(self.val_type(*one)?),
            several => {
                let place = self.wrappers.iter().position(|results| results == several);
                let behind = self.outline.empty_type() + 1;
                BlockType::FunctionType(behind + place.unwrap_or_default() as u32)
            }
        })
    }
}

impl Reencode for Writer {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Refused> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([], []);
        for results in self.wrappers.clone() {
            let results: Result<Vec<ValType>, _> =
                results.into_iter().map(|ty| self.val_type(ty)).collect();
            types.ty().function([], results?);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Refused> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.outline.empty_type());
        Ok(())
    }

    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Result<(), Refused> {
        utils::parse_memory_section(self, memories, section)?;
        memories.memory(Self::memory());
        self.has_memory = true;
        Ok(())
    }

    /// A module without memories gets its section where one would stand.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Refused> {
        let comes_first = matches!(
            before,
            Some(
                SectionId::Type
                    | SectionId::Import
                    | SectionId::Function
                    | SectionId::Table
                    | SectionId::Memory
            )
        );
        if !comes_first && !self.has_memory {
            self.has_memory = true;
            module.section(MemorySection::new().memory(Self::memory()));
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Refused> {
        utils::parse_code_section(self, code, section)?;
        code.function(Function::new([]).instruction(&Instruction::End));
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Refused> {
        let imports = self.outline.imports.len() as u32;
        let ty = self.outline.functions.get(self.function as usize).copied();
        let begin = self.first + imports + self.function;
        self.function += 1;
        let mut function = self.new_function_with_parsed_locals(&body)?;
        self.probe(&mut function, begin);
        let wrapper = self.wrapper(ty.unwrap_or_default())?;
        function.instruction(&Instruction::Block(wrapper));
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            let import = match operator {
                Operator::Call { function_index } if function_index < imports => {
                    Some(function_index)
                }
                _ => None,
            };
            let leaves = matches!(
                operator,
                Operator::Return
                    | Operator::ReturnCall { .. }
                    | Operator::ReturnCallIndirect { .. }
                    | Operator::ReturnCallRef { .. }
            );
            if let Some(import) = import {
                self.probe(&mut function, self.first + import);
            } else if leaves {
                self.probe(&mut function, END);
            }
            function.instruction(&self.instruction(operator)?);
            if import.is_some() {
                self.probe(&mut function, END);
            }
        }
        self.probe(&mut function, END);
        function.instruction(&Instruction::End);
        code.function(&function);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn names_are_those_of_their_authors() {
        for (name, author) in [
            ("_ZN4weir4http5fetchERKNS0_7RequestE", "weir::http::fetch"),
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
            ("_RNvC7mycrate3foo", "mycrate::foo"),
            ("cabi_realloc", "cabi_realloc"),
            // A type, to a reader of C++ who is not careful.
            ("b", "b"),
            ("_Zonk", "_Zonk"),
        ] {
            assert_eq!(readable(name), author);
        }
    }
}
