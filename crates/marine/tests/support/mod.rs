//! Components written by hand, and ways to call them.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod service;

use futures::executor::block_on;
use weir_identity::Value;
use weir_marine::{
    Call, CallContext, CallOutput, Error, Limits, Marine, MarineConfig, Module, World,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Turns a WIT package with one world and a core module in text form into a component.
pub(crate) fn component(wit: &str, module: &str) -> Vec<u8> {
    component_beside(&[], wit, module)
}

/// The same with packages that the WIT refers to.
pub(crate) fn component_beside(packages: &[&str], wit: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let host = include_str!("../../../../guest/wit/host.wit");
    for package in [&host].into_iter().chain(packages) {
        resolve
            .push_str("package.wit", package)
            .expect("the WIT beside that of a test is valid");
    }
    let package = resolve
        .push_str("test.wit", wit)
        .expect("the WIT of a test is valid");
    let world = resolve
        .select_world(&[package], None)
        .expect("the WIT of a test has one world");
    let mut bytes = wat::parse_str(module).expect("the module of a test is valid");
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8)
        .expect("metadata can be added to a module");
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .expect("the module matches its WIT")
}

/// A module with a memory, an allocator that never frees, and the given functions.
pub(crate) fn module(functions: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") 1)
            (global $next (mut i32) (i32.const 1024))
            (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                (local $at i32)
                (global.set $next (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get $align))))
                (local.set $at (global.get $next))
                (global.set $next (i32.add (local.get $at) (local.get $size)))
                (block $enough
                    (loop $grow
                        (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
                        (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
                        unreachable))
                (local.get $at))
            {functions})"#
    )
}

/// A component whose functions return what they are given. Each is one line of
/// WIT, `name: TYPE`; the type is wrapped in a list, whose form in memory is
/// the same for arguments and results whatever is inside.
pub(crate) fn echo(types: &str, functions: &[(&str, &str)]) -> Vec<u8> {
    let wat: Vec<String> = functions
        .iter()
        .map(|(name, _)| {
            format!(
                r#"(func (export "test:echo/api#{name}") (param i32 i32) (result i32)
                    (i32.store (i32.const 8) (local.get 0))
                    (i32.store (i32.const 12) (local.get 1))
                    (i32.const 8))"#
            )
        })
        .collect();
    component(
        &echo_wit(types, functions, "world echo { export api; }"),
        &module(&wat.join("\n")),
    )
}

/// The interface of such functions, and a world.
pub(crate) fn echo_wit(types: &str, functions: &[(&str, &str)], world: &str) -> String {
    let functions: Vec<String> = functions
        .iter()
        .map(|(name, ty)| format!("{name}: func(v: list<{ty}>) -> list<{ty}>;"))
        .collect();
    let functions = functions.join("\n");
    format!("package test:echo; interface api {{ {types} {functions} }} {world}")
}

/// Types of every kind but maps.
pub(crate) const SHAPE_TYPES: &str =
    "record person { name: string, home-town: option<string>, age: u8 }
         variant shape { dot, circle(f64), path(list<u16>) }
         enum colour { red, light-blue }
         flags access { may-read, may-write, may-run }";

/// A function for lists of each of them.
pub(crate) const SHAPES: &[(&str, &str)] = &[
    ("bools", "bool"),
    ("u8s", "u8"),
    ("u8-lists", "list<u8>"),
    ("u16s", "u16"),
    ("u32s", "u32"),
    ("u64s", "u64"),
    ("s8s", "s8"),
    ("s16s", "s16"),
    ("s32s", "s32"),
    ("s64s", "s64"),
    ("f32s", "f32"),
    ("f64s", "f64"),
    ("chars", "char"),
    ("strings", "string"),
    ("people", "person"),
    ("pairs", "tuple<u8, string>"),
    ("shapes", "shape"),
    ("colours", "colour"),
    ("accesses", "access"),
    ("options", "option<u8>"),
    ("nested-options", "option<option<u8>>"),
    ("results", "result<u8, string>"),
    ("empty-results", "result"),
];

/// A component that echoes lists of them.
pub(crate) fn shapes() -> Vec<u8> {
    echo(SHAPE_TYPES, SHAPES)
}

/// A component with the single function `run: func()`, given its body.
pub(crate) fn run(body: &str) -> Vec<u8> {
    component(
        "package test:run; world w { export run: func(); }",
        &module(&format!(r#"(func $run (export "run") {body})"#)),
    )
}

pub(crate) fn marine() -> Marine {
    Marine::new(MarineConfig {
        slots: 4,
        ..MarineConfig::default()
    })
    .expect("the engine can be set up")
}

pub(crate) fn load(component: &[u8]) -> Module {
    marine().load(component).expect("the component is accepted")
}

pub(crate) fn call_within(
    module: &Module,
    limits: &Limits,
    function: &str,
    arguments: &[Value],
) -> CallOutput {
    block_on(module.call(Call {
        function,
        arguments,
        context: &CallContext::default(),
        limits,
        world: &World::default(),
    }))
}

pub(crate) fn call(module: &Module, function: &str, arguments: &[Value]) -> Result<Value, Error> {
    call_within(module, &Limits::default(), function, arguments).result
}

pub(crate) fn json(text: &str) -> Value {
    Value::from_json(text).expect("the JSON of a test is valid")
}

/// Calls with arguments in JSON and shows value or error as text.
pub(crate) fn show(module: &Module, function: &str, arguments: &str) -> String {
    let arguments = json(arguments);
    let arguments = arguments.as_array().expect("arguments are an array");
    match call(module, function, arguments) {
        Ok(value) => value.to_json(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

/// A service that keeps what it is given and asks for entropy.
pub(crate) fn keeper() -> Module {
    load(&keeper_component())
}

/// Its interface.
pub(crate) const KEEPER_WIT: &str = "package test:keeper;
        interface api {
            use weir:host/state@0.1.0.{entry, error};
            use weir:host/faults@0.1.0.{fault};
            put: func(key: list<u8>, value: list<u8>);
            put-and-trap: func(key: list<u8>, value: list<u8>);
            put-and-fail: func(key: list<u8>, value: list<u8>) -> result<_, u32>;
            try-put: func(key: list<u8>, value: list<u8>) -> result<bool, error>;
            take: func(key: list<u8>) -> option<list<u8>>;
            %list: func(%from: list<u8>, limit: u32) -> list<entry>;
            draw: func(len: u32) -> result<list<u8>, fault>;
            draw-twice: func(len: u32);
        }";

/// Its component.
pub(crate) fn keeper_component() -> Vec<u8> {
    let world =
        "world w { import weir:host/state@0.1.0; import weir:host/entropy@0.1.0; export api; }";
    let imports = r#"
        (import "weir:host/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
        (import "weir:host/state@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "weir:host/state@0.1.0" "scan" (func $scan (param i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "weir:host/entropy@0.1.0" "bytes" (func $entropy (param i32 i32)))"#;
    let functions = include_str!("keeper.wat").replace("(export \"", "(export \"test:keeper/api#");
    let text = module(&functions).replacen("(module", &format!("(module {imports}"), 1);
    component(&format!("{KEEPER_WIT} {world}"), &text)
}
