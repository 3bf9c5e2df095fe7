//! Components that refuse: they export what a part may not have, and every function of them traps.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, MemorySection, MemoryType,
    Module, NameMap, NameSection, TypeSection, ValType,
};
use wit_component::{
    ComponentEncoder, DecodedWasm, StringEncoding, decode, embed_component_metadata,
};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldId, WorldItem};

use super::ComposeError;
use crate::spelling::brief;

/// The one function that does not trap: programs of every language ask for the folders that are open to them before
/// they do anything else, and there are none.
const FOLDERS: (&str, &str) = ("wasi:filesystem/preopens@", "get-directories");

/// Where in memory an empty list is found: eight bytes of zeros.
const EMPTY_LIST: i32 = 16;

/// A component that refuses.
pub(super) struct Stub {
    pub(super) bytes: Vec<u8>,
    /// The interfaces that it exports.
    pub(super) denied: Vec<String>,
}

/// A component that refuses these imports of the part.
pub(super) fn deny(part: &str, component: &[u8], imports: &[&str]) -> Result<Stub, ComposeError> {
    let denied: Vec<String> = imports.iter().map(|&import| import.to_owned()).collect();
    match build(part, component, imports) {
        Ok(bytes) => Ok(Stub { bytes, denied }),
        Err(detail) => Err(ComposeError::Undeniable {
            part: part.to_owned(),
            imports: denied,
            detail,
        }),
    }
}

fn build(part: &str, component: &[u8], imports: &[&str]) -> Result<Vec<u8>, String> {
    let DecodedWasm::Component(mut resolve, _) = decode(component).map_err(text)? else {
        return Err("it has no code".to_owned());
    };
    // The types are those that the part itself was built with; the world is new.
    let exports: Vec<String> = imports
        .iter()
        .map(|import| format!("export {};\n", escaped(import)))
        .collect();
    let exports = exports.concat();
    let wit = format!("package weir:denied;\nworld denied {{\n{exports}}}\n");
    let package = resolve.push_str("denied.wit", &wit).map_err(text)?;
    let world = resolve
        .select_world(&[package], Some("denied"))
        .map_err(text)?;
    let mut module = core_module(part, &resolve, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(text)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    brief(&format_args!("{error:#}"))
}

/// Names of interfaces may be words of WIT.
fn escaped(import: &str) -> String {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let words = path.replace(':', ":%").replace('/', "/%");
    let at = if version.is_empty() { "" } else { "@" };
    format!("%{words}{at}{version}")
}

/// The code: every function that the world exports, with a name that says why it is of no use.
fn core_module(part: &str, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let mut names = NameMap::new();
    let mut count = 0;
    let mut add =
        |export: &str, params: Vec<ValType>, results: Vec<ValType>, gives: Option<i32>| {
            types.ty().function(params, results);
            functions.function(count);
            exports.export(export, ExportKind::Func, count);
            names.append(count, &format!("{export} (not granted to part {part})"));
            let mut body = Function::new([]);
            match gives {
                Some(number) => body.instructions().i32_const(number).end(),
                None => body.instructions().unreachable().end(),
            };
            code.function(&body);
            count += 1;
        };
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for function in resolve.interfaces[*id].functions.values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            let empty_list = interface.starts_with(FOLDERS.0) && function.name == FOLDERS.1;
            add(
                &format!("{interface}#{}", function.name),
                signature.params.iter().copied().map(value_type).collect(),
                signature.results.iter().copied().map(value_type).collect(),
                empty_list.then_some(EMPTY_LIST),
            );
        }
    }
    // Arguments that need memory all go to the same place, since nobody reads them: what traps is the function, whose
    // name says why.
    add(
        "cabi_realloc",
        vec![ValType::I32; 4],
        vec![ValType::I32],
        Some(0),
    );
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: Some(1),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export("memory", ExportKind::Memory, 0);
    let mut name_section = NameSection::new();
    name_section.functions(&names);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&name_section);
    module.finish()
}

fn value_type(ty: WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
