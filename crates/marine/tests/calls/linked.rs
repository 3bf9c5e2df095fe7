//! Parts that are linked through the host.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::service::{Service, show as shown};
use crate::support::{
    KEEPER_WIT, SHAPE_TYPES, SHAPES, call_within, component, component_beside, echo_wit, json,
    keeper_component, load, marine, module, shapes, show,
};
use expect_test::{Expect, expect};
use futures::executor::block_on;
use futures::future::join_all;
use weir_identity::Value;
use weir_marine::{
    Answer, Call, CallContext, Composed, Effector, Error, Execution, Limits, Manifest, Marine,
    MarineConfig, Mode, Outside, Served, Verdict, World, compose,
};

/// Parts by name: bytes, and what the manifest says of them beside name and component.
type Parts<'a> = &'a [(&'a str, &'a str, Vec<u8>)];

const HOST: &str = "link = \"host\"";

/// The first part is the facade.
fn manifest(parts: Parts<'_>) -> Result<Manifest, Error> {
    let parts: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(number, (name, more, _))| {
            let facade = number == 0;
            format!("[[part]]\nname = \"{name}\"\ncomponent = \"{name}.wasm\"\nfacade = {facade}\n{more}\n")
        })
        .collect();
    let service = "[service]\nname = \"thing\"\nversion = \"1.0.0\"\n";
    let text = format!("{service}{}", parts.concat());
    Manifest::from_toml(&text)
}

fn try_compose(parts: Parts<'_>) -> Result<Composed, Error> {
    let bytes: BTreeMap<String, Vec<u8>> = parts
        .iter()
        .map(|(name, _, bytes)| ((*name).to_owned(), bytes.clone()))
        .collect();
    compose(&manifest(parts)?, &bytes)
}

fn composed(parts: Parts<'_>) -> Vec<u8> {
    try_compose(parts).expect("the parts fit").component
}

fn refused(parts: Parts<'_>, expected: &Expect) {
    let error = try_compose(parts)
        .and_then(|composed| marine().load(&composed.component).map(|_| ()))
        .expect_err("these parts do not fit");
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

const COUNTER: &str = "package test:parts@1.0.0;
    interface counter { next: func() -> u32; spin: func(); fail: func(); grow: func(pages: u32) -> s32; }";

/// Counts how often it is asked; or works for ever, traps, or takes memory.
fn counter() -> Vec<u8> {
    component(
        &format!("{COUNTER} world w {{ export counter; }}"),
        r#"(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
            (func (export "test:parts/counter@1.0.0#next") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
            (func (export "test:parts/counter@1.0.0#spin") (loop $l (br $l)))
            (func $inner_of_counter (export "test:parts/counter@1.0.0#fail") unreachable)
            (func (export "test:parts/counter@1.0.0#grow") (param i32) (result i32)
                (memory.grow (local.get 0))))"#,
    )
}

/// Uses the counter, and grows a memory of its own.
fn user() -> Vec<u8> {
    component(
        &format!(
            "{COUNTER} world w {{ import counter; export twice: func() -> u32; export spin: func(); \
             export fail: func(); export grow: func(pages: u32) -> s32; export mine: func(pages: u32) -> s32; \
             export both: func(first: u32, second: u32) -> s32; }}"
        ),
        r#"(module
            (import "test:parts/counter@1.0.0" "next" (func $next (result i32)))
            (import "test:parts/counter@1.0.0" "spin" (func $spin))
            (import "test:parts/counter@1.0.0" "fail" (func $fail))
            (import "test:parts/counter@1.0.0" "grow" (func $grow (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "twice") (result i32)
                (i32.add (i32.mul (call $next) (i32.const 10)) (call $next)))
            (func (export "spin") (call $spin))
            (func (export "fail") (call $fail))
            (func (export "grow") (param i32) (result i32) (call $grow (local.get 0)))
            (func (export "mine") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "both") (param i32 i32) (result i32)
                (drop (memory.grow (local.get 0))) (call $grow (local.get 1))))"#,
    )
}

fn counting(more: &str) -> Vec<u8> {
    composed(&[
        ("front", "", user()),
        ("back", &format!("{HOST}\n{more}"), counter()),
    ])
}

#[test]
fn a_part_lives_as_long_as_the_call_whichever_way_it_is_linked() {
    for link in ["", HOST] {
        let module = load(&composed(&[
            ("front", "", user()),
            ("back", link, counter()),
        ]));
        for _ in 0..3 {
            assert_eq!(show(&module, "twice", "[]"), "12", "{link}");
        }
    }
}

#[test]
fn the_component_carries_its_parts_and_leaves_nothing_open() {
    let composed = try_compose(&[("front", "", user()), ("back", HOST, counter())]);
    let composed = composed.expect("the parts fit");
    let served = &composed.parts["front"][0].served;
    assert_eq!(*served, Served::Linked("back".to_owned()));
    let imports = marine().imports(&composed.component);
    assert_eq!(imports.expect("it is good"), []);
    let module = load(&composed.component);
    assert_eq!(module.manifest(), Some(&composed.manifest));
    let again = Manifest::from_dag_cbor(&composed.manifest.to_dag_cbor().expect("it is good"));
    assert_eq!(again.expect("it is canonical"), composed.manifest);
}

#[test]
fn a_failure_names_the_part_in_which_it_happened() {
    let module = load(&counting(""));
    expect!["guest/trap: the guest trapped: in part `back`: wasm `unreachable` instruction executed in inner_of_counter"]
        .assert_eq(&show(&module, "fail", "[]"));
}

#[test]
fn fuel_is_that_of_the_call_and_a_part_may_have_less() {
    let limits = Limits {
        fuel: 5_000_000,
        ..Limits::default()
    };
    let spin = |component: &[u8]| call_within(&load(component), &limits, "spin", &[]);
    let output = spin(&counting(""));
    assert!(matches!(
        output.result,
        Err(Error::Fuel { limit: 5_000_000 })
    ));
    assert_eq!(output.fuel, 5_000_000);
    let output = spin(&counting("limits = { fuel = 1_000_000 }"));
    let error = output.result.expect_err("it spins");
    expect!["the guest trapped: part `back` used up its 1000000 units of fuel"]
        .assert_eq(&error.to_string());
    assert!(
        (1_000_000..1_100_000).contains(&output.fuel),
        "{}",
        output.fuel
    );
    // What it used is the caller's to pay, whether it ends well or not.
    let one = call_within(&load(&counting("")), &limits, "twice", &[]);
    let composed = composed(&[("front", "", user()), ("back", "", counter())]);
    let other = call_within(&load(&composed), &limits, "twice", &[]);
    assert!(
        one.fuel > other.fuel + 20_000,
        "{} {}",
        one.fuel,
        other.fuel
    );
}

#[test]
fn memory_is_that_of_the_call_and_a_part_may_have_less() {
    let limits = Limits {
        memory_bytes: 10 << 16,
        ..Limits::default()
    };
    let grow = |component: &[u8], function: &str, pages: &[u64]| {
        let pages: Vec<Value> = pages.iter().map(|&pages| Value::from(pages)).collect();
        let output = call_within(&load(component), &limits, function, &pages);
        (
            output.result.map(|value| value.to_json()).ok(),
            output.memory_peak_bytes >> 16,
        )
    };
    let granted = |before: &str| Some(before.to_owned());
    let free = counting("");
    assert_eq!(grow(&free, "mine", &[9]), (granted("1"), 10));
    assert_eq!(grow(&free, "mine", &[10]), (granted("-1"), 1));
    // Each has a page at the start.
    assert_eq!(grow(&free, "grow", &[8]), (granted("1"), 10));
    assert_eq!(grow(&free, "grow", &[9]), (granted("-1"), 2));
    assert_eq!(grow(&free, "both", &[4, 4]), (granted("1"), 10));
    assert_eq!(grow(&free, "both", &[4, 5]), (granted("-1"), 6));
    let bounded = counting("limits = { memory = \"192 KiB\" }");
    assert_eq!(grow(&bounded, "grow", &[2]), (granted("1"), 4));
    assert_eq!(grow(&bounded, "grow", &[3]), (granted("-1"), 2));
}

#[test]
fn values_of_all_types_arrive_as_they_were_sent() {
    let back = shapes();
    let calls = [
        ("bools", "[[true,false]]"),
        ("u8-lists", r#"[["b64:AQID","b64:"]]"#),
        ("u64s", r#"[["18446744073709551615",0]]"#),
        ("f64s", r#"[["NaN",-0.5,"-Infinity"]]"#),
        ("chars", r#"[["ä","\u0000"]]"#),
        ("strings", r#"[["","Straße"]]"#),
        (
            "people",
            r#"[[{"name":"Ada","home_town":null,"age":36},{"name":"","home_town":"x","age":0}]]"#,
        ),
        ("pairs", r#"[[[1,"a"],[2,"b"]]]"#),
        ("shapes", r#"[["dot",{"circle":1.5},{"path":[1,2]}]]"#),
        ("colours", r#"[["red","light_blue"]]"#),
        ("accesses", r#"[[[],["may_read","may_run"]]]"#),
        ("nested-options", r#"[[null,{"some":null},{"some":3}]]"#),
        ("results", r#"[[{"ok":1},{"err":"no"}]]"#),
        ("empty-results", r#"[[{"ok":null},{"err":null}]]"#),
    ];
    for link in ["", HOST] {
        let module = load(&composed(&[
            ("front", "", passing_on()),
            ("back", link, back.clone()),
        ]));
        for (function, arguments) in calls {
            let own = show(&load(&back), function, arguments);
            assert_eq!(show(&module, function, arguments), own, "{function} {link}");
            assert!(own.starts_with('[') || own.starts_with("\"b64"), "{own}");
        }
    }
}

/// A component with the interface of [`shapes`] that passes on what it is asked.
fn passing_on() -> Vec<u8> {
    let imports: Vec<String> = SHAPES
        .iter()
        .map(|(name, _)| {
            format!(r#"(import "test:echo/api" "{name}" (func ${name} (param i32 i32 i32)))"#)
        })
        .collect();
    let exports: Vec<String> = SHAPES
        .iter()
        .map(|(name, _)| {
            format!(
                r#"(func (export "test:echo/api#{name}") (param i32 i32) (result i32)
                    (call ${name} (local.get 0) (local.get 1) (i32.const 8)) (i32.const 8))"#
            )
        })
        .collect();
    let text = module(&exports.join("\n")).replacen(
        "(module",
        &format!("(module {}", imports.concat()),
        1,
    );
    let world = "world front { import api; export api; }";
    component(&echo_wit(SHAPE_TYPES, SHAPES, world), &text)
}

const STATE: &str = r#"grants = { "weir:host/state@0.1" = {}, "weir:host/entropy@0.1" = {} }"#;

/// Puts something through the keeper, then looks itself; or puts and traps.
fn keepers_friend() -> Vec<u8> {
    let wit = "package test:friend;
        world w {
            import weir:host/state@0.1.0;
            import test:keeper/api;
            export put-and-look: func(key: list<u8>, value: list<u8>) -> option<list<u8>>;
            export put-and-trap: func(key: list<u8>, value: list<u8>);
            export draw-and-spin: func();
        }";
    let imports = r#"
        (import "weir:host/state@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "test:keeper/api" "put" (func $put (param i32 i32 i32 i32)))
        (import "test:keeper/api" "draw" (func $draw (param i32 i32)))"#;
    let functions = r#"
        (func (export "put-and-look") (param i32 i32 i32 i32) (result i32)
            (call $put (local.get 0) (local.get 1) (local.get 2) (local.get 3))
            (call $get (local.get 0) (local.get 1) (i32.const 64)) (i32.const 64))
        (func (export "put-and-trap") (param i32 i32 i32 i32)
            (call $put (local.get 0) (local.get 1) (local.get 2) (local.get 3)) unreachable)
        (func (export "draw-and-spin") (call $draw (i32.const 4) (i32.const 64)) (loop $l (br $l)))"#;
    let text = module(functions).replacen("(module", &format!("(module {imports}"), 1);
    component_beside(&[KEEPER_WIT], wit, &text)
}

fn keeping(front: &str, back: &str) -> Vec<u8> {
    composed(&[
        ("front", front, keepers_friend()),
        ("back", &format!("{HOST}\n{back}"), keeper_component()),
    ])
}

#[test]
fn all_parts_of_a_call_work_on_one_state() {
    let mut service = Service::new("thing", load(&keeping(STATE, STATE)));
    let function = service
        .module
        .function("put-and-look")
        .expect("it is there");
    assert_eq!(function.mode(), Mode::Update);
    let arguments = r#"["b64:YQ","b64:Yg"]"#;
    assert_eq!(
        shown(&service.call("put-and-look", arguments)),
        r#""b64:Yg""#
    );
    let root = service.root;
    let failed = service.call("put-and-trap", r#"["b64:YQ","b64:Yw"]"#);
    assert!(failed.commit.is_none() && failed.result.is_err());
    assert_eq!(service.root, root);
}

#[test]
fn a_part_gains_nothing_of_what_only_its_neighbour_was_granted() {
    let arguments = r#"["b64:YQ","b64:Yg"]"#;
    let mut service = Service::new("thing", load(&keeping(STATE, "")));
    expect!["guest/trap: the guest trapped: in part `back`: wasm `unreachable` instruction executed in weir:host/state@0.1.0#set (not granted to part back)"]
        .assert_eq(&first_line(&shown(&service.call("put-and-look", arguments))));
    let mut service = Service::new("thing", load(&keeping("", STATE)));
    expect!["guest/trap: the guest trapped: wasm `unreachable` instruction executed in weir:host/state@0.1.0#get (not granted to part front)"]
        .assert_eq(&first_line(&shown(&service.call("put-and-look", arguments))));
}

/// Without the frames behind the first.
fn first_line(text: &str) -> String {
    text.split(" < ").next().unwrap_or_default().to_owned()
}

#[test]
fn calls_are_executed_again_from_their_evidence_on_either_engine() {
    let component = keeping(STATE, STATE);
    let on = |execution| {
        let config = MarineConfig {
            slots: 4,
            execution,
            ..MarineConfig::default()
        };
        let marine = Marine::new(config).expect("the engine can be set up");
        Service::new("thing", marine.load(&component).expect("it is good"))
    };
    let mut compiled = on(Execution::Compiled);
    let mut interpreted = on(Execution::Interpreted);
    for (function, arguments) in [
        ("put-and-look", r#"["b64:YQ","b64:Yg"]"#),
        ("put-and-trap", r#"["b64:YQ","b64:Yw"]"#),
        ("put-and-look", r#"["b64:YWE","b64:Yg"]"#),
    ] {
        let evidence = compiled
            .execute(function, arguments)
            .expect("it has a receipt");
        assert_eq!(
            interpreted.execute(function, arguments),
            Some(evidence.clone())
        );
        for engine in [&compiled, &interpreted] {
            let verdict = block_on(engine.module.replay(&evidence, 10_000));
            assert!(matches!(verdict, Verdict::Same), "{function}: {verdict:?}");
        }
    }
}

/// Somebody outside whose dice fall on seven.
struct Sevens;

impl Effector for Sevens {
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        Box::pin(async move { Ok(vec![7; len as usize]) })
    }
}

#[test]
fn what_a_part_had_done_is_told_also_of_a_call_that_is_cut_off() {
    let module = load(&keeping(STATE, STATE));
    let world = World {
        outside: Outside::Open(Arc::new(Sevens)),
        ..World::default()
    };
    let output = block_on(module.call(Call {
        function: "draw-and-spin",
        arguments: &[],
        context: &CallContext::default(),
        limits: &Limits {
            fuel: u64::MAX >> 1,
            wall_ms: 50,
            ..Limits::default()
        },
        world: &world,
    }));
    assert!(matches!(output.result, Err(Error::WallClock { .. })));
    assert_eq!(output.transcript.effects().len(), 1);
}

#[test]
fn calls_wait_for_as_many_slots_as_they_have_stores() {
    let component = counting("");
    let of = |slots| {
        let config = MarineConfig {
            slots,
            ..MarineConfig::default()
        };
        Marine::new(config).expect("the engine can be set up")
    };
    let error = of(1).load(&component).expect_err("there is no place");
    expect!["the component has too much: a call needs 2 slots, one for each part that is linked through the host; there are 1"]
        .assert_eq(&error.to_string());
    let module = of(3).load(&component).expect("there is place");
    let calls = (0..20).map(|_| {
        let module = module.clone();
        async move {
            let call = Call {
                function: "twice",
                arguments: &[],
                context: &CallContext::default(),
                limits: &Limits::default(),
                world: &World::default(),
            };
            module.call(call).await.result
        }
    });
    for result in block_on(join_all(calls)) {
        assert_eq!(result.expect("it waits"), json("12"));
    }
}

const STORE: &str = "interface store { size: func() -> u32; }";

/// Passes on what `inner` gives, and adds to it.
fn between() -> Vec<u8> {
    component(
        &format!(
            "package test:parts@1.0.0; {STORE} interface inner {{ size: func() -> u32; }} \
             world w {{ import inner; export store; }}"
        ),
        r#"(module (import "test:parts/inner@1.0.0" "size" (func $size (result i32)))
            (func (export "test:parts/store@1.0.0#size") (result i32)
                (i32.add (call $size) (i32.const 1000))))"#,
    )
}

fn plain(interface: &str, size: u32) -> Vec<u8> {
    component(
        &format!(
            "package test:parts@1.0.0; interface {interface} {{ size: func() -> u32; }} world w {{ export {interface}; }}"
        ),
        &format!(
            r#"(module (func (export "test:parts/{interface}@1.0.0#size") (result i32) (i32.const {size})))"#
        ),
    )
}

fn asking(imports: &[&str]) -> Vec<u8> {
    let interfaces: Vec<String> = imports
        .iter()
        .map(|name| format!("interface {name} {{ size: func() -> u32; }} "))
        .collect();
    let items: Vec<String> = imports
        .iter()
        .map(|name| format!("import {name}; "))
        .collect();
    let core: Vec<String> = imports
        .iter()
        .map(|name| {
            format!(r#"(import "test:parts/{name}@1.0.0" "size" (func ${name} (result i32)))"#)
        })
        .collect();
    let (interfaces, items, core) = (interfaces.concat(), items.concat(), core.concat());
    let sum = imports
        .iter()
        .fold("(i32.const 0)".to_owned(), |sum, name| {
            format!("(i32.add {sum} (call ${name}))")
        });
    component(
        &format!(
            "package test:parts@1.0.0; {interfaces} world w {{ {items} export sum: func() -> u32; }}"
        ),
        &format!(r#"(module {core} (func (export "sum") (result i32) {sum}))"#),
    )
}

#[test]
fn linked_parts_use_each_other() {
    let parts = |inner: &'static str| {
        [
            ("front", "", asking(&["store", "inner"])),
            ("back", HOST, between()),
            ("deep", inner, plain("inner", 7)),
        ]
    };
    assert_eq!(show(&load(&composed(&parts(HOST))), "sum", "[]"), "1014");
    refused(
        &parts(""),
        &expect![[
            r#"deploy/cannot-compose: `test:parts/inner@1.0.0` of part `back`, which is linked through the host, is served by part `deep`, which is not; write link = "host" to `deep` as well"#
        ]],
    );
}

#[test]
fn what_cannot_be_linked_is_refused_with_cause_and_fix() {
    let front = || asking(&["store"]);
    refused(
        &[("front", HOST, front()), ("back", "", plain("store", 1))],
        &expect![
            "deploy/bad-manifest: the manifest is not good: the facade `front` cannot be linked through the host, which calls it itself; remove `link`"
        ],
    );
    refused(
        &[
            ("front", "", front()),
            ("back", "limits = { fuel = 1 }", plain("store", 1)),
        ],
        &expect![[
            r#"deploy/bad-manifest: the manifest is not good: line 13: [part back.limits] only a part that is linked through the host has limits of its own; write `link = "host"`, or put them under [limits]"#
        ]],
    );
    refused(
        &[
            ("front", "", front()),
            ("back", "link = \"guest\"", plain("store", 1)),
        ],
        &expect![[
            r#"deploy/bad-manifest: the manifest is not good: line 13: [part back.link] expected "host", or no `link` for a part that is composed, got "guest""#
        ]],
    );
    let other = component(
        "package test:parts@1.0.0; interface store { size: func() -> string; } world w { export store; }",
        &module(r#"(func (export "test:parts/store@1.0.0#size") (result i32) (i32.const 16))"#),
    );
    refused(
        &[("front", "", front()), ("back", HOST, other)],
        &expect![
            "deploy/cannot-compose: `test:parts/store@1.0.0` of part `front` and what part `back` exports have different types: `size` has other types; build both against the same WIT"
        ],
    );
    refused(
        &[("front", "", front()), ("back", HOST, counting_store())],
        &expect![
            "deploy/cannot-compose: part `back` has itself parts that are linked through the host; name them as parts of this manifest instead"
        ],
    );
}

/// A store that is itself served through the host.
fn counting_store() -> Vec<u8> {
    composed(&[
        ("between", "", between()),
        ("inner", HOST, plain("inner", 1)),
    ])
}

#[test]
fn a_component_whose_parts_were_changed_is_refused() {
    let good = counting("");
    let section = good
        .windows(11)
        .position(|window| window == b"weir:linked")
        .expect("it has the section");
    let renamed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let error = |bytes: &[u8]| match marine().load(bytes) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    };
    expect!["the component is not valid: its section `weir:linked`: its parts are not those that the manifest links through the host; `weir wasm link` writes it"]
        .assert_eq(&error(&renamed(section)));
    // No byte of the section can be changed so that the machine panics; most changes are seen.
    let end = good.len() - 1;
    for at in (section..end).step_by(7) {
        let _ = error(&renamed(at));
    }
}
