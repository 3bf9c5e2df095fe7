//! Components that are small in bytes and large in effect.

use std::thread;

use crate::support::{call, component, echo, load, marine, module, run, show};
use expect_test::{Expect, expect};
use weir_identity::Value;
use weir_marine::{ComponentLimits, Marine, MarineConfig};

fn refused(text: &str, expected: &Expect) {
    let bytes = wat::parse_str(text).expect("the component is valid");
    let error = marine().load(&bytes).expect_err("this is too much");
    assert!(!error.is_infrastructure(), "{error}");
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

/// A component with a function `run` in a module with these fields, which is
/// instantiated that many times.
fn with_module(fields: &str, instances: usize) -> String {
    let more = "(core instance (instantiate $m))".repeat(instances - 1);
    format!(
        r#"(component
            (core module $m {fields} (func (export "run")))
            {more}
            (core instance $i (instantiate $m))
            (func (export "run") (canon lift (core func $i "run"))))"#
    )
}

#[test]
fn instances_are_counted_through_all_levels() {
    let mut inner = "(component $c)".to_owned();
    for _ in 0..3 {
        let instances = "(instance (instantiate $c))".repeat(900);
        inner = format!("(component $c {inner} {instances})");
    }
    let instances = "(instance (instantiate $c))".repeat(900);
    refused(
        &format!("(component {inner} {instances})"),
        &expect![
            "deploy/too-large: the component has too much: the number of instances is 656829810901, at most 1000 allowed"
        ],
    );
}

#[test]
fn instances_of_what_was_aliased_are_counted() {
    let instances = "(instance (instantiate $d))".repeat(300);
    refused(
        &format!(
            "(component
                (core module $m)
                (component $c (alias outer 1 0 (core module $n)) (core instance (instantiate $n)))
                (export $d \"c\" (component $c))
                {instances})"
        ),
        &expect![
            "deploy/too-large: the component has too much: the number of core instances is 300, at most 24 allowed"
        ],
    );
}

#[test]
fn components_from_outside_are_refused() {
    refused(
        "(component (component (import \"c\" (component $c)) (instance (instantiate $c))))",
        &expect![
            "deploy/too-large: the component has too much: the number of modules and components that are imported or taken from an instance is 1, at most 0 allowed"
        ],
    );
}

#[test]
fn what_the_pool_has_no_room_for_is_the_component_s_fault() {
    refused(
        &with_module(&"(memory 1)".repeat(5), 1),
        &expect![
            "deploy/too-large: the component has too much: the number of memories is 5, at most 4 allowed"
        ],
    );
    refused(
        &with_module(&"(table 1 funcref)".repeat(9), 1),
        &expect![
            "deploy/too-large: the component has too much: the number of tables is 9, at most 8 allowed"
        ],
    );
    refused(
        &with_module("", 25),
        &expect![
            "deploy/too-large: the component has too much: the number of core instances is 25, at most 24 allowed"
        ],
    );
    refused(
        &with_module(&"(global i32 (i32.const 0))".repeat(2_001), 5),
        &expect![
            "deploy/too-large: the component has too much: the number of globals is 10005, at most 10000 allowed"
        ],
    );
    let exports: Vec<String> = (0..2_500)
        .map(|index| format!("(func (export \"f{index}\"))"))
        .collect();
    let bytes = wat::parse_str(with_module(&exports.concat(), 24)).expect("the component is valid");
    let error = marine().load(&bytes).expect_err("there is no room");
    assert_eq!(error.code(), "deploy/too-large", "{error}");
}

#[test]
fn as_much_as_is_allowed_has_room() {
    let fields = "(memory 1) (table 1 funcref)";
    for component in [
        with_module(fields, 4),
        with_module("", 24),
        with_module(&"(table 1 funcref)".repeat(8), 1),
        with_module(&"(global i32 (i32.const 0))".repeat(10_000), 1),
    ] {
        let bytes = wat::parse_str(component).expect("the component is valid");
        assert_eq!(show(&load(&bytes), "run", "[]"), "null");
    }
}

#[test]
fn a_function_that_is_slow_to_compile_is_refused() {
    let locals = "i32 ".repeat(2_000);
    let body: Vec<String> = (0..20_000)
        .map(|index| {
            let local = index % 2_000;
            format!("(if (local.get {local}) (then (local.set {local} (i32.const 1))))")
        })
        .collect();
    refused(
        &with_module(&format!("(func (local {locals}) {})", body.concat()), 1),
        &expect![
            "deploy/too-large: the component has too much: the work of compiling a function, in locals times blocks is 40042000, at most 10000000 allowed"
        ],
    );
    let locals = "i32 ".repeat(10_001);
    refused(
        &with_module(&format!("(func (local {locals}))"), 1),
        &expect![
            "deploy/too-large: the component has too much: the number of locals of a function is 10001, at most 10000 allowed"
        ],
    );
}

#[test]
fn nobody_waits_for_a_compiler_without_end() {
    let hasty = Marine::new(MarineConfig {
        slots: 1,
        components: ComponentLimits {
            compile_ms: 0,
            ..ComponentLimits::default()
        },
        ..MarineConfig::default()
    })
    .expect("the engine can be set up");
    let functions = "(func (param i32) (drop (i32.add (local.get 0) (i32.const 1))))".repeat(3_000);
    let slow = wat::parse_str(with_module(&functions, 1)).expect("the component is valid");
    let error = hasty.load(&slow).expect_err("it takes longer than nothing");
    expect!["deploy/too-costly: compiling the component takes longer than 0 ms"]
        .assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn whoever_wants_the_same_component_gets_the_same() {
    let (marine, bytes) = (marine(), run(""));
    let modules: Vec<_> = thread::scope(|scope| {
        let loads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| marine.load(&bytes)))
            .collect();
        loads
            .into_iter()
            .map(|load| load.join().expect("no panic").expect("accepted"))
            .collect()
    });
    for module in &modules {
        assert_eq!(module.cid(), modules[0].cid());
        assert_eq!(show(module, "run", "[]"), "null");
    }
    let empty = wat::parse_str("(component)").expect("valid");
    for _ in 0..2 {
        let error = marine.load(&empty).expect_err("it has no functions");
        assert_eq!(error.code(), "deploy/no-functions");
    }
}

fn long_name(times: usize) -> Vec<u8> {
    let name = "a".repeat(20_000);
    let items = "$r ".repeat(times);
    wat::parse_str(format!(
        r#"(component
            (type $r' (record (field "{name}" u8))) (export $r "r" (type $r'))
            (type $t (tuple {items}))
            (core module $m (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "run") (param i32)))
            (core instance $i (instantiate $m))
            (func (export "run") (param "v" $t) (canon lift (core func $i "run")
                (memory $i "memory") (realloc (func $i "realloc")))))"#
    ))
    .expect("the component is valid")
}

#[test]
fn names_in_types_are_counted_wherever_they_occur() {
    let error = marine().load(&long_name(100)).expect_err("two megabytes");
    expect!["deploy/unsupported-function: function `run` cannot be called from outside: parameter `v`: the names in the types of all functions together have more than 1048576 bytes"]
        .assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn errors_are_short_however_long_the_types_are() {
    let module = load(&long_name(40));
    for arguments in ["[null]", "[]", "[1, 2]", "[[{\"b\": 1}]]"] {
        let text = show(&module, "run", arguments);
        assert!(text.starts_with("contract/"), "{text}");
        assert!(text.len() < 1_000, "{}", text.len());
    }
    let exports: Vec<String> = (0..900)
        .map(|index| {
            let name = "f".repeat(100);
            format!("(func (export \"{name}{index}\") (canon lift (core func $i \"run\")))")
        })
        .collect();
    let many = with_module("", 1);
    let many = many.trim_end().strip_suffix(')').expect("it ends");
    let many = wat::parse_str(format!("{many} {})", exports.concat())).expect("valid");
    let text = show(&load(&many), "nope", "[]");
    assert!(text.starts_with("contract/unknown-function"), "{text}");
    assert!(text.ends_with('…') && text.len() < 1_000, "{}", text.len());
}

#[test]
fn exported_functions_have_a_limit() {
    let exports: Vec<String> = (0..1_000)
        .map(|index| format!("(func (export \"f{index}\") (canon lift (core func $i \"run\")))"))
        .collect();
    let many = with_module("", 1);
    let many = many.trim_end().strip_suffix(')').expect("it ends");
    refused(
        &format!("{many} {})", exports.concat()),
        &expect![
            "deploy/too-large: the component has too much: the number of exported functions is 1001, at most 1000 allowed"
        ],
    );
}

#[test]
fn names_that_differ_only_by_hyphens_are_refused() {
    for types in [
        "record both { foo-bar: u8, foobar: u8 }",
        "variant both { foo-bar, foobar(u8) }",
        "enum both { foo-bar, foobar }",
        "flags both { foo-bar, foobar }",
    ] {
        let error = marine()
            .load(&echo(types, &[("same", "both")]))
            .expect_err("nobody knows which is meant");
        expect!["deploy/unsupported-function: function `test:echo/api/same` cannot be called from outside: parameter `v`: the names `foo-bar` and `foobar` differ only by hyphens"]
            .assert_eq(&format!("{}: {error}", error.code()));
    }
}

#[test]
fn the_bytes_of_arguments_have_a_limit() {
    let takes = load(&component(
        "package test:take; world w { export take: func(v: list<u8>); export say: func(v: string); }",
        &module(r#"(func (export "take") (param i32 i32)) (func (export "say") (param i32 i32))"#),
    ));
    let answer = |function, text: String| {
        call(&takes, function, &[Value::from(text.as_str())]).map_err(|error| error.to_string())
    };
    let over = Err("the arguments have more than 1048576 bytes".to_owned());
    let base64 = |quads| format!("b64:{}", "AAAA".repeat(quads));
    assert_eq!(answer("take", base64(349_525)), Ok(Value::Null));
    assert_eq!(answer("take", base64(349_526)), over);
    assert_eq!(answer("say", "a".repeat(1 << 20)), Ok(Value::Null));
    assert_eq!(answer("say", "a".repeat((1 << 20) + 1)), over);
}
