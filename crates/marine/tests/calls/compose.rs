//! Several components in one, and the rights of each.

use std::collections::BTreeMap;

use crate::support::{call_within, component, json, keeper_component, load, marine, module, show};
use expect_test::{Expect, expect};
use weir_marine::{
    Composed, Limits, Manifest, Mode, Module, Served, compose, embed_manifest, extract_manifest,
};

const STORE: &str = "interface store { size: func() -> u32; }";

/// What a part imports of the host, in the form of this module.
const LENGTH: &str =
    r#"(import "weir:host/state@0.1.0" "length" (func $length (param i32 i32 i32)))"#;

/// Gives the length of the value under the empty key plus a number; 0 + the number if there is none.
fn ask(plus: u32) -> String {
    format!(
        "(call $length (i32.const 0) (i32.const 0) (i32.const 16))
         (i32.add (i32.load (i32.const 20)) (i32.const {plus}))"
    )
}

fn with_host(wit: &str, imports: &str, functions: &str) -> Vec<u8> {
    let text = module(functions).replacen("(module", &format!("(module {imports}"), 1);
    component(wit, &text)
}

/// Exports `store`, whose function asks the state.
fn helper() -> Vec<u8> {
    with_host(
        &format!(
            "package test:parts@1.0.0; {STORE} world helper {{ import weir:host/state@0.1.0; export store; }}"
        ),
        LENGTH,
        &format!(
            r#"(func (export "test:parts/store@1.0.0#size") (result i32) {})"#,
            ask(100)
        ),
    )
}

/// Exports `store` at some version, and asks nobody.
fn plain(version: &str) -> Vec<u8> {
    component(
        &format!("package test:parts@{version}; {STORE} world helper {{ export store; }}"),
        &format!(
            r#"(module (func (export "test:parts/store@{version}#size") (result i32) (i32.const 6)))"#
        ),
    )
}

/// Its function `direct` asks the state, `through` asks the part with the store.
fn facade() -> Vec<u8> {
    with_host(
        &format!(
            "package test:parts@1.0.0; {STORE} world facade {{ import weir:host/state@0.1.0; import store; \
             export direct: func() -> u32; export through: func() -> u32; }}"
        ),
        &format!(r#"{LENGTH} (import "test:parts/store@1.0.0" "size" (func $size (result i32)))"#),
        &format!(
            r#"(func (export "direct") (result i32) {})
               (func (export "through") (result i32) (call $size))"#,
            ask(10)
        ),
    )
}

fn manifest(facade: &str, helper: &str, more: &str) -> Manifest {
    let source = format!(
        "[service]
        name = \"thing\"
        version = \"1.0.0\"
        [[part]]
        name = \"front\"
        component = \"front.wasm\"
        facade = true
        grants = {{ {facade} }}
        [[part]]
        name = \"back\"
        component = \"back.wasm\"
        grants = {{ {helper} }}
        {more}"
    );
    Manifest::from_toml(&source).expect("the manifest of a test is good")
}

const STATE: &str = r#""weir:host/state@0.1" = {}"#;

fn parts<const N: usize>(parts: [(&str, Vec<u8>); N]) -> BTreeMap<String, Vec<u8>> {
    parts
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect()
}

fn both() -> BTreeMap<String, Vec<u8>> {
    parts([("front", facade()), ("back", helper())])
}

fn composed(manifest: &Manifest, parts: &BTreeMap<String, Vec<u8>>) -> Composed {
    compose(manifest, parts).expect("the parts fit")
}

/// A service of one component.
fn alone(service: &str, part: &str, component: Vec<u8>) -> Composed {
    let source = format!(
        "[service]\nname = \"thing\"\nversion = \"1.0.0\"\n{service}\n\
         [[part]]\nname = \"only\"\ncomponent = \"only.wasm\"\n{part}\n"
    );
    let manifest = Manifest::from_toml(&source).expect("the manifest of a test is good");
    composed(&manifest, &parts([("only", component)]))
}

fn refused(manifest: &Manifest, parts: &BTreeMap<String, Vec<u8>>, expected: &Expect) {
    let error = compose(manifest, parts).expect_err("these parts do not fit");
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

fn answers(module: &Module) -> String {
    format!(
        "direct: {}\nthrough: {}",
        show(module, "direct", "[]"),
        show(module, "through", "[]")
    )
}

#[test]
fn parts_that_are_granted_the_same_share_it() {
    let composed = composed(&manifest(STATE, STATE, ""), &both());
    let module = load(&composed.component);
    assert_eq!(module.cid(), composed.cid);
    assert_eq!(module.manifest(), Some(&composed.manifest));
    expect![[r#"
        direct: 10
        through: 100"#]]
    .assert_eq(&answers(&module));
    let imports = marine().imports(&composed.component).expect("it is valid");
    let names: Vec<&str> = imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["weir:host/state@0.1.0"]);
}

#[test]
fn a_part_gains_nothing_of_what_only_its_neighbour_was_granted() {
    let composed = composed(&manifest(STATE, "", ""), &both());
    assert_eq!(composed.parts["front"][0].served, Served::Host);
    assert_eq!(
        composed.parts["front"][1].served,
        Served::Part("back".to_owned())
    );
    assert_eq!(composed.parts["back"][0].served, Served::Denied);
    expect![[r#"
        direct: 10
        through: guest/trap: the guest trapped: wasm `unreachable` instruction executed in weir:host/state@0.1.0#length (not granted to part back)"#]]
    .assert_eq(&answers(&load(&composed.component)));
}

#[test]
fn nor_does_the_facade_gain_what_its_helper_was_granted() {
    let composed = composed(&manifest("", STATE, ""), &both());
    expect![[r#"
        direct: guest/trap: the guest trapped: wasm `unreachable` instruction executed in weir:host/state@0.1.0#length (not granted to part front)
        through: 100"#]]
    .assert_eq(&answers(&load(&composed.component)));
}

#[test]
fn what_nobody_is_granted_is_no_import_of_the_result() {
    let composed = composed(&manifest("", "", ""), &both());
    let imports = marine().imports(&composed.component).expect("it is valid");
    assert_eq!(imports, []);
    let module = load(&composed.component);
    let modes: Vec<Mode> = module
        .functions()
        .iter()
        .map(weir_marine::Function::mode)
        .collect();
    assert_eq!(modes, [Mode::Pure, Mode::Pure]);
}

#[test]
fn a_single_component_keeps_its_bytes_but_for_the_manifest() {
    let bytes = plain("1.0.0");
    let composed = alone("", "", bytes.clone());
    assert!(composed.component.starts_with(&bytes));
    // One that imports what it is not granted is denied it all the same.
    let denied = alone("", "", helper());
    let answer = show(&load(&denied.component), "size", "[]");
    assert!(answer.starts_with("guest/trap"), "{answer}");
}

#[test]
fn equal_parts_make_equal_bytes() {
    let manifest = manifest(STATE, "", "");
    let first = composed(&manifest, &both());
    for _ in 0..20 {
        assert_eq!(composed(&manifest, &both()).component, first.component);
    }
    // The manifest inside names the parts by their CIDs, from which it can be composed again.
    let again = composed(&first.manifest, &both());
    assert_eq!(again.cid, first.cid);
}

#[test]
fn interfaces_of_compatible_versions_fit() {
    let manifest = manifest(STATE, "", "");
    let newer = parts([("front", facade()), ("back", plain("1.3.0"))]);
    let module = load(&composed(&manifest, &newer).component);
    assert_eq!(show(&module, "through", "[]"), "6");
}

#[test]
fn the_world_of_wasi_is_everybodys_and_files_are_not() {
    let explorer = wat::parse_str(include_str!("explorer.wat")).expect("the component is valid");
    let composed = alone("", "", explorer);
    let left = marine().imports(&composed.component).expect("it is valid");
    let left: Vec<&str> = left.iter().map(|import| import.name.as_str()).collect();
    assert!(left.contains(&"wasi:random/random@0.2.0"), "{left:?}");
    assert!(
        left.iter().all(|name| !name.starts_with("wasi:filesystem")),
        "{left:?}"
    );
    // A program that asks for its folders first finds none, and goes on.
    let module = load(&composed.component);
    assert_eq!(show(&module, "folders", "[]"), "0");
    assert_eq!(show(&module, "say", "[1]"), "null");
}

#[test]
fn changes_are_kept_with_an_error_only_if_the_manifest_says_so() {
    let grants = r#"grants = { "weir:host/state@0.1" = {}, "weir:host/entropy@0.1" = {} }"#;
    let keeps = |setting: &str, function: &str| {
        let module = load(&alone(setting, grants, keeper_component()).component);
        let arguments = [json(r#""b64:YQ""#), json(r#""b64:Yg""#)];
        let output = call_within(&module, &Limits::default(), function, &arguments);
        assert!(output.result.is_err());
        output.commit.is_some()
    };
    assert!(!keeps("", "put-and-fail"));
    assert!(keeps("commit_on_err = true", "put-and-fail"));
    assert!(!keeps("commit_on_err = true", "put-and-trap"));
}

#[test]
fn an_import_goes_to_the_part_that_the_wiring_names() {
    let more = "[[part]]\nname = \"other\"\ncomponent = \"o\"\n";
    let three = parts([
        ("front", facade()),
        ("back", helper()),
        ("other", plain("1.0.0")),
    ]);
    refused(
        &manifest(STATE, STATE, more),
        &three,
        &expect![[
            r#"deploy/cannot-compose: `test:parts/store@1.0.0` of part `front` could be served by back, other; say by which, under [wiring]: "front/test:parts/store@1.0.0" = "back""#
        ]],
    );
    let wired = format!("{more}[wiring]\n\"front/test:parts/store@1.0.0\" = \"other\"\n");
    refused(
        &manifest(STATE, STATE, &wired),
        &three,
        &expect![
            "deploy/cannot-compose: part `back` serves nobody: neither the facade nor what it uses imports what it exports (test:parts/store@1.0.0); remove it, or correct the versions of the interfaces"
        ],
    );
    // One that passes on what the other gives, and adds to it.
    let between = component(
        &format!("package test:parts@1.0.0; {STORE} world w {{ import store; export store; }}"),
        r#"(module (import "test:parts/store@1.0.0" "size" (func $size (result i32)))
            (func (export "test:parts/store@1.0.0#size") (result i32)
                (i32.add (call $size) (i32.const 1000))))"#,
    );
    let three = parts([("front", facade()), ("back", helper()), ("other", between)]);
    let module = load(&composed(&manifest(STATE, STATE, &wired), &three).component);
    assert_eq!(show(&module, "through", "[]"), "1100");
}

#[test]
fn no_part_takes_the_place_of_the_host_by_itself() {
    // It would have been the only part that exports what the facade imports of the host.
    let impostor = component(
        &format!(
            "package test:parts@1.0.0; {STORE} world helper {{ export store; export weir:host/context@0.1.0; }}"
        ),
        &module(
            r#"(func (export "test:parts/store@1.0.0#size") (result i32) (i32.const 6))
               (func (export "weir:host/context@0.1.0#get") (result i32) unreachable)
               (func (export "weir:host/context@0.1.0#provenance") (param i32) (result i32) unreachable)"#,
        ),
    );
    let front = with_host(
        &format!(
            "package test:parts@1.0.0; {STORE} world facade {{ import weir:host/context@0.1.0; import store; \
             export direct: func() -> u32; export through: func() -> u32; }}"
        ),
        r#"(import "weir:host/context@0.1.0" "get" (func $get (param i32)))
           (import "test:parts/store@1.0.0" "size" (func $size (result i32)))"#,
        r#"(func (export "direct") (result i32) (call $get (i32.const 16)) (i32.const 1))
           (func (export "through") (result i32) (call $size))"#,
    );
    let parts = parts([("front", front), ("back", impostor)]);
    for link in ["", "link = \"host\""] {
        let composed = composed(&manifest("", "", link), &parts);
        let module = load(&composed.component);
        assert_eq!(answers(&module), "direct: 1\nthrough: 6", "{link}");
    }
    let wired = manifest(
        "",
        "",
        "[wiring]\n\"front/weir:host/context@0.1.0\" = \"back\"",
    );
    let answer = answers(&load(&composed(&wired, &parts).component));
    assert!(answer.starts_with("direct: guest/trap"), "{answer}");
}

#[test]
fn what_does_not_fit_is_refused_with_cause_and_fix() {
    let good = manifest(STATE, STATE, "");
    refused(
        &good,
        &parts([("front", facade())]),
        &expect![
            "deploy/cannot-compose: the component of part `back` is missing; it should be back.wasm"
        ],
    );
    refused(
        &good,
        &parts([("front", facade()), ("back", helper()), ("side", helper())]),
        &expect!["deploy/cannot-compose: the manifest has no part `side`; it has: back, front"],
    );
    refused(
        &good,
        &parts([("front", facade()), ("back", b"\0asm\x01\0\0\0".to_vec())]),
        &expect![
            "deploy/cannot-compose: part `back` cannot be used: this is a core WebAssembly module, not a component; `weir build` makes one of a project with a WIT world, which `weir new` begins, and so do `wit-bindgen` and `wasm-tools component new`"
        ],
    );
    refused(
        &good,
        &parts([("front", facade()), ("back", plain("2.0.0"))]),
        &expect![
            "deploy/cannot-compose: part `back` serves nobody: neither the facade nor what it uses imports what it exports (test:parts/store@2.0.0); remove it, or correct the versions of the interfaces"
        ],
    );
    let wiring = |line: &str| manifest(STATE, STATE, &format!("[wiring]\n{line}\n"));
    refused(
        &wiring("\"front/test:parts/shop@1.0.0\" = \"back\""),
        &both(),
        &expect![
            "deploy/cannot-compose: part `front` does not import `test:parts/shop@1.0.0`, which [wiring] gives to `back`; it imports: weir:host/state@0.1.0, test:parts/store@1.0.0"
        ],
    );
    refused(
        &wiring("\"front/weir:host/state@0.1.0\" = \"back\""),
        &both(),
        &expect![
            "deploy/cannot-compose: part `back` exports nothing that serves `weir:host/state@0.1.0` of part `front`; it exports: test:parts/store@1.0.0"
        ],
    );
    refused(
        &wiring(
            "\"front/test:parts/store@1.0.0\" = \"back\"\n\"front/test:parts/store@1\" = \"back\"",
        ),
        &both(),
        &expect![
            "deploy/cannot-compose: [wiring] says twice who serves `test:parts/store@1.0.0` of part `front`; keep one"
        ],
    );
    let changed = composed(&good, &both()).manifest;
    refused(
        &changed,
        &parts([("front", facade()), ("back", plain("1.0.0"))]),
        &expect![
            "deploy/cannot-compose: the component of part `back` is bafkreihpytfzo3zmfp4h3mew2ecg4lx4awslhfumg4i4bamjtpujbk6slm, but the manifest says bafkreicw5ewmy3hied2kg4mhkvkrx4jrtxgq4sz5i5i2rw7xyeoobt6vxy; take that component, or change the manifest"
        ],
    );
}

#[test]
fn parts_that_need_each_other_are_refused() {
    let wit = |own: &str, other: &str| {
        format!(
            "package test:ring@1.0.0; interface a {{ f: func() -> u32; }} interface b {{ f: func() -> u32; }} \
             world w {{ import {other}; export {own}; }}"
        )
    };
    let wat = |own: &str, other: &str| {
        format!(
            r#"(module (import "test:ring/{other}@1.0.0" "f" (func $f (result i32)))
                (func (export "test:ring/{own}@1.0.0#f") (result i32) (call $f)))"#
        )
    };
    let ring = parts([
        ("front", component(&wit("a", "b"), &wat("a", "b"))),
        ("back", component(&wit("b", "a"), &wat("b", "a"))),
    ]);
    refused(
        &manifest("", "", ""),
        &ring,
        &expect![
            "deploy/cannot-compose: parts need each other in a circle: front -> back -> front; take one of them apart, or leave one import to the host"
        ],
    );
}

#[test]
fn types_that_differ_are_refused() {
    let other = component(
        "package test:parts@1.0.0; interface store { size: func() -> string; } world helper { export store; }",
        &module(r#"(func (export "test:parts/store@1.0.0#size") (result i32) (i32.const 16))"#),
    );
    refused(
        &manifest(STATE, "", ""),
        &parts([("front", facade()), ("back", other)]),
        &expect![
            "deploy/cannot-compose: `test:parts/store@1.0.0` of part `front` and what part `back` exports have different types: mismatched type for export `size`: mismatched type for function result: expected u32, found string; build both against the same WIT"
        ],
    );
}

#[test]
fn one_import_cannot_have_two_policies() {
    let hosts = |host: &str| format!("\"weir:host/http@0.1\" = {{ hosts = [\"{host}\"] }}");
    refused(
        &manifest(&hosts("a.example"), &hosts("b.example"), ""),
        &both(),
        &expect![
            "deploy/cannot-compose: the parts `back` and `front` are granted `weir:host/http@0.1` with different policies, but the composed component has one such import; give both the same policy, or let one part do the work for the other"
        ],
    );
}

#[test]
fn a_manifest_is_put_in_and_taken_out() {
    let bytes = plain("1.0.0");
    assert_eq!(extract_manifest(&bytes).expect("a component"), None);
    let first = composed(&manifest(STATE, "", ""), &both()).manifest;
    let second = composed(&manifest(STATE, STATE, ""), &both()).manifest;
    let with = embed_manifest(&bytes, &first).expect("a good manifest");
    assert_eq!(
        extract_manifest(&with).expect("a component"),
        Some(first.clone())
    );
    let replaced = embed_manifest(&with, &second).expect("a good manifest");
    assert_eq!(
        replaced,
        embed_manifest(&bytes, &second).expect("a good manifest"),
        "it takes the place of the one before"
    );
    let twice = [&with[..], &with[bytes.len()..]].concat();
    let error = extract_manifest(&twice).expect_err("there are two");
    expect!["deploy/bad-manifest: the manifest is not good: there are two sections `weir:manifest`; `weir wasm link` writes one"]
        .assert_eq(&format!("{}: {error}", error.code()));
    for end in bytes.len() + 1..with.len() {
        assert!(extract_manifest(&with[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(
        marine().check(&twice).map_err(|error| error.code()),
        Err("deploy/bad-manifest")
    );
}

#[test]
fn a_manifest_inside_a_part_is_not_that_of_the_whole() {
    let inner = composed(&manifest(STATE, STATE, ""), &both());
    let outer = alone("commit_on_err = true", "", inner.component);
    let module = load(&outer.component);
    let manifest = module.manifest().expect("there is one");
    assert!(manifest.commit_on_err());
    // It grants nothing, so what the inner one granted is gone.
    let answer = show(&module, "direct", "[]");
    assert!(answer.starts_with("guest/trap"), "{answer}");
}

#[test]
fn functions_have_the_mode_that_the_manifest_gives_them() {
    let more = "[functions]\ndirect = { mode = \"view\", fuel = 1000, access = \"owner\" }\n";
    let module = load(&composed(&manifest(STATE, STATE, more), &both()).component);
    let own = module.function("direct").expect("it is there");
    assert_eq!(own.mode(), Mode::View);
    assert_eq!(own.rules().fuel, Some(1000));
    let through = module.function("through").expect("it is there");
    assert_eq!(through.mode(), Mode::Update, "by its imports");
    let pure = "[functions]\ndirect = { mode = \"pure\" }\n";
    let module = load(&composed(&manifest(STATE, STATE, pure), &both()).component);
    let answer = show(&module, "direct", "[]");
    assert!(answer.starts_with("guest/trap"), "{answer}");
}

#[test]
fn every_function_of_the_manifest_exists_once() {
    let cause = |functions: &str| {
        let more = format!("[functions]\n{functions}\n");
        let composed = composed(&manifest(STATE, STATE, &more), &both());
        let error = marine().load(&composed.component).expect_err("it is wrong");
        format!("{}: {error}", error.code())
    };
    expect!["deploy/bad-manifest: the manifest is not good: [functions] there is no function `missing`; there are: direct, through"].assert_eq(&cause("missing = { mode = \"view\" }"));
    expect!["deploy/bad-manifest: the manifest is not good: [functions] `Direct` and `direct` are the same function; keep one"].assert_eq(&cause("direct = {}\nDirect = {}"));
}
