//! What is accepted as a component, and what is said about everything else.

use crate::support::{component, load, marine, module, run, show};
use expect_test::{Expect, expect};
use weir_marine::{ComponentLimits, Marine, MarineConfig};

fn refused(bytes: &[u8], expected: &Expect) {
    let error = marine().load(bytes).expect_err("this is no good component");
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn what_is_no_component_is_recognised() {
    refused(
        b"",
        &expect!["deploy/not-wasm: this is not a WebAssembly component: there are no bytes"],
    );
    refused(
        b"hello",
        &expect![
            "deploy/not-wasm: this is not a WebAssembly component: the magic number is missing"
        ],
    );
    refused(
        b"(component)",
        &expect![
            "deploy/not-wasm: this is not a WebAssembly component: it looks like WebAssembly text, which must be assembled first"
        ],
    );
    refused(
        b"\0asm\x07\0\0\0",
        &expect!["deploy/not-wasm: this is not a WebAssembly component: its version is unknown"],
    );
    refused(
        &wat::parse_str("(module)").expect("valid"),
        &expect![
            "deploy/core-module: this is a core WebAssembly module, not a component; `weir build` makes one of a project with a WIT world, which `weir new` begins, and so do `wit-bindgen` and `wasm-tools component new`"
        ],
    );
    let legacy = wat::parse_str(r#"(module (@custom "interface-types" "\00"))"#).expect("valid");
    refused(
        &legacy,
        &expect![
            "deploy/legacy-module: this is a legacy Marine module (it has an `interface-types` section), not a component; rebuild its source against a WIT world: `weir new` begins a project with one, and `weir build` makes the component"
        ],
    );
}

#[test]
fn a_damaged_component_is_refused() {
    let mut bytes = run("");
    bytes.truncate(bytes.len() - 3);
    refused(
        &bytes,
        &expect![
            "deploy/invalid-component: the component is not valid: unexpected end-of-file (at offset 0x1c0)"
        ],
    );
    let ill_typed =
        wat::parse_str("(component (core module (func (result i32))))").expect("parses");
    refused(
        &ill_typed,
        &expect![
            "deploy/invalid-component: the component is not valid: type mismatch: expected i32 but nothing on stack (at offset 0x22)"
        ],
    );
}

#[test]
fn a_component_without_functions_is_refused() {
    refused(
        &wat::parse_str("(component)").expect("valid"),
        &expect!["deploy/no-functions: the component exports no function"],
    );
}

#[test]
fn imports_that_are_not_granted_are_all_named() {
    let greedy = component(
        "package acme:spy@1.0.0;
         interface db { read: func(key: string) -> string; }
         interface net { send: func(); }
         world w { import db; import net; export run: func(); }",
        r#"(module
            (import "acme:spy/db@1.0.0" "read" (func (param i32 i32 i32)))
            (import "acme:spy/net@1.0.0" "send" (func))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "run")))"#,
    );
    refused(
        &greedy,
        &expect![
            "deploy/forbidden-import: the component imports what is not granted: acme:spy/db@1.0.0, acme:spy/net@1.0.0"
        ],
    );
}

#[test]
fn a_network_is_not_granted() {
    let greedy = wat::parse_str(
        r#"(component (import "wasi:sockets/instance-network@0.2.0" (instance
            (export "network" (type (sub resource)))
            (export "instance-network" (func)))))"#,
    )
    .expect("valid");
    refused(
        &greedy,
        &expect![
            "deploy/forbidden-import: the component imports what is not granted: wasi:sockets/instance-network@0.2.0"
        ],
    );
}

#[test]
fn an_import_of_wasi_with_other_types_is_refused() {
    let wrong = wat::parse_str(
        r#"(component
            (import "wasi:clocks/wall-clock@0.2.0" (instance $clock (export "now" (func (result u8)))))
            (core func $now (canon lower (func $clock "now")))
            (core module $main (import "clock" "now" (func $now (result i32))) (export "now" (func $now)))
            (core instance $main (instantiate $main (with "clock" (instance (export "now" (func $now))))))
            (func (export "now") (result u8) (canon lift (core func $main "now"))))"#,
    )
    .expect("valid");
    refused(
        &wrong,
        &expect![
            "deploy/forbidden-import: the component imports what is not granted: component imports instance `wasi:clocks/wall-clock@0.2.0`, but a matching implementation was not found in the linker: instance export `now` has the wrong type: type mismatch with results: expected `record` found `u8`"
        ],
    );
}

#[test]
fn functions_with_resources_are_refused() {
    let stateful = component(
        "package test:res; interface api { resource handle; open: func() -> handle; } world w { export api; }",
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "test:res/api#open") (result i32) unreachable))"#,
    );
    refused(
        &stateful,
        &expect![
            "deploy/unsupported-function: function `test:res/api/open` cannot be called from outside: result: a resource is not data that could be passed as a value"
        ],
    );
}

#[test]
fn every_quantity_has_a_limit() {
    let refused_with = |limits: ComponentLimits, bytes: &[u8]| {
        let marine = Marine::new(MarineConfig {
            slots: 1,
            components: limits,
            ..MarineConfig::default()
        })
        .expect("the engine can be set up");
        marine
            .load(bytes)
            .expect_err("there is too much")
            .to_string()
    };
    let default = ComponentLimits::default();
    let small = run("");
    let table = wat::parse_str("(component (core module (table 20001 funcref)))").expect("valid");
    let pages = wat::parse_str("(component (core module (memory 1025)))").expect("valid");
    let says = [
        refused_with(
            ComponentLimits {
                bytes: 10,
                ..default.clone()
            },
            b"0123456789A",
        ),
        refused_with(
            ComponentLimits {
                core_modules: 0,
                ..default.clone()
            },
            &small,
        ),
        refused_with(
            ComponentLimits {
                functions: 0,
                ..default.clone()
            },
            &small,
        ),
        refused_with(
            ComponentLimits {
                types: 0,
                ..default.clone()
            },
            &small,
        ),
        refused_with(
            ComponentLimits {
                memories: 0,
                ..default.clone()
            },
            &small,
        ),
        refused_with(
            ComponentLimits {
                function_bytes: 1,
                ..default.clone()
            },
            &small,
        ),
        refused_with(default.clone(), &table),
        refused_with(default, &pages),
    ];
    expect![[r#"
        the component has too much: its size in bytes is 11, at most 10 allowed
        the component has too much: the number of core modules is 1, at most 0 allowed
        the component has too much: the number of functions is 2, at most 0 allowed
        the component has too much: the number of types is 2, at most 0 allowed
        the component has too much: the number of memories is 1, at most 0 allowed
        the component has too much: the size in bytes of a function is 61, at most 1 allowed
        the component has too much: the number of table elements at the start is 20001, at most 20000 allowed
        the component has too much: its memory at the start, in pages of 64 KiB is 1025, at most 1024 allowed"#]].assert_eq(&says.join("\n"));
}

#[test]
fn types_that_unfold_into_a_huge_tree_are_refused() {
    let types: Vec<String> = (1..16)
        .map(|level| format!("type t{level} = tuple<t{0}, t{0}>;", level - 1))
        .collect();
    let types = types.concat();
    let huge = component(
        &format!(
            "package test:huge; interface api {{ type t0 = tuple<u8, u8>; {types} f: func(v: t15); }} world w {{ export api; }}"
        ),
        &module(r#"(func (export "test:huge/api#f") (param i32))"#),
    );
    refused(
        &huge,
        &expect![
            "deploy/unsupported-function: function `test:huge/api/f` cannot be called from outside: parameter `v`: the types of all functions together have more than 50000 parts"
        ],
    );
}

#[test]
fn a_type_that_is_imported_only_for_its_name_needs_no_grant() {
    let shared = component(
        "package test:shared;
         interface types { record point { x: u8, y: u8 } }
         world w { use types.{point}; export flip: func(p: point) -> u8; }",
        &module(r#"(func (export "flip") (param i32 i32) (result i32) (local.get 1))"#),
    );
    assert_eq!(show(&load(&shared), "flip", r#"[{"x": 1, "y": 2}]"#), "2");
}

#[test]
fn functions_are_found_in_any_spelling_and_with_or_without_interface() {
    let module = load(&component(
        "package acme:text@1.2.0;
         interface words { count-words: func() -> u8; both: func() -> u8; }
         interface lines { both: func() -> u8; }
         world w { export words; export lines; export plain: func() -> u8; }",
        &module(
            r#"(func (export "acme:text/words@1.2.0#count-words") (result i32) (i32.const 1))
               (func (export "acme:text/words@1.2.0#both") (result i32) (i32.const 2))
               (func (export "acme:text/lines@1.2.0#both") (result i32) (i32.const 3))
               (func (export "plain") (result i32) (i32.const 4))"#,
        ),
    ));
    for name in [
        "count-words",
        "count_words",
        "countWords",
        "words/count_words",
        "acme:text/words/countWords",
        "acme:text/words@1.2.0/count-words",
    ] {
        assert_eq!(show(&module, name, "[]"), "1", "{name}");
    }
    assert_eq!(show(&module, "lines/both", "[]"), "3");
    assert_eq!(show(&module, "plain", "[]"), "4");
    expect!["contract/ambiguous-function: the name `both` is ambiguous; say one of: acme:text/words@1.2.0/both, acme:text/lines@1.2.0/both"].assert_eq(&show(&module, "both", "[]"));
    expect!["contract/unknown-function: there is no function `missing`; there are: plain, count-words, acme:text/words@1.2.0/both, acme:text/lines@1.2.0/both"].assert_eq(&show(&module, "missing", "[]"));
}
