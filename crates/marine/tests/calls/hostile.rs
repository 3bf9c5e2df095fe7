//! Components that are made to harm whoever looks at them.

use expect_test::{Expect, expect};
use weir_marine::Error;

use crate::support::marine;

/// The beginning of every component.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

const TYPES: u8 = 7;
const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], number(content.len()).as_slice(), content].concat()
}

/// A component with one type, and so many of the kind in each other.
fn nested(kind: u8, depth: usize) -> Vec<u8> {
    let mut ty = vec![kind, 0];
    for _ in 1..depth {
        ty = [&[kind, 1, 1], ty.as_slice()].concat();
    }
    [PREAMBLE, &section(TYPES, &[&[1], ty.as_slice()].concat())].concat()
}

fn why(bytes: &[u8]) -> Error {
    let marine = marine();
    let checked = marine.check(bytes).expect_err("nobody can use it");
    let loaded = marine.load(bytes).expect_err("nobody can use it");
    assert_eq!(checked.code(), loaded.code(), "{checked}; {loaded}");
    assert!(!loaded.is_infrastructure(), "{loaded}");
    checked
}

fn refused(bytes: &[u8], expected: &Expect) {
    let error = why(bytes);
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn types_in_types_have_a_depth() {
    for kind in [INSTANCE_TYPE, COMPONENT_TYPE] {
        let deepest = marine()
            .load(&nested(kind, 32))
            .expect_err("it does nothing");
        assert_eq!(deepest.code(), "deploy/no-functions");
        refused(
            &nested(kind, 33),
            &expect![
                "deploy/too-large: the component has too much: the depth of types in types is 33, at most 32 allowed"
            ],
        );
        // Deep enough for the stack of any thread.
        assert_eq!(why(&nested(kind, 500_000)).code(), "deploy/too-large");
    }
}

#[test]
fn types_behind_other_declarations_are_found_too() {
    let inner = [INSTANCE_TYPE, 1, 1].repeat(100);
    let alias = [2, 3, 2, 1, 0];
    let export = [4, 0, 1, b'a', 1, 0];
    let core_type = [0, 0x60, 0, 0];
    let value_type = [1, 0x70, 0x7d];
    let func_type = [1, 0x40, 0, 1, 0];
    let import = [3, 0, 1, b'b', 1, 0];
    for before in [
        &alias[..],
        &export,
        &core_type,
        &value_type,
        &func_type,
        &import,
    ] {
        let ty = [
            &[COMPONENT_TYPE, 2],
            before,
            &[1],
            &inner,
            &[INSTANCE_TYPE, 0],
        ]
        .concat();
        let content = [&[2, 0x40, 0, 1, 0], ty.as_slice()].concat();
        let error = why(&[PREAMBLE, &section(TYPES, &content)].concat());
        assert_eq!(error.code(), "deploy/too-large", "{before:?}: {error}");
    }
}

#[test]
fn types_that_end_too_early_are_refused() {
    let whole = nested(INSTANCE_TYPE, 20);
    for end in PREAMBLE.len() + 3..whole.len() {
        let content = whole.get(PREAMBLE.len() + 2..end).expect("in between");
        let error = why(&[PREAMBLE, &section(TYPES, content)].concat());
        assert_eq!(error.code(), "deploy/invalid-component", "{end}: {error}");
    }
}

#[test]
fn instances_in_instances_have_a_depth() {
    let text = r#"(component
        (core module $m (func (export "run"))) (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "run")))
        (instance $i0 (export "f" (func $f)))"#;
    let levels = (1..200).map(|depth| {
        let below = depth - 1;
        format!(r#"(instance $i{depth} (export "a" (instance $i{below})))"#)
    });
    let levels: String = levels.collect();
    let bytes = wat::parse_str(format!(r#"{text} {levels} (export "run" (func $f)))"#));
    let bytes = bytes.expect("parses");
    assert_eq!(why(&bytes).code(), "deploy/invalid-component");
}

#[test]
fn sections_and_declarations_are_counted() {
    let empty = section(TYPES, &[0]).repeat(100_001);
    refused(
        &[PREAMBLE, &empty].concat(),
        &expect![
            "deploy/too-large: the component has too much: the number of sections is 100001, at most 100000 allowed"
        ],
    );
    let declared = [&[INSTANCE_TYPE], number(100_001).as_slice()].concat();
    let content = [&[1], declared.as_slice(), &[1, 0x70, 0x7d].repeat(100_001)].concat();
    refused(
        &[PREAMBLE, &section(TYPES, &content)].concat(),
        &expect![
            "deploy/too-large: the component has too much: the number of declarations in types is 100001, at most 100000 allowed"
        ],
    );
}

#[test]
fn loops_in_loops_cost_a_compiler_more_than_their_number() {
    let with = |open: &str, times: usize, close: &str| {
        let body = format!("{}{}", open.repeat(times), close.repeat(times));
        let text = format!(
            r#"(component
                (core module $m (func (export "run") {body}))
                (core instance $i (instantiate $m))
                (func (export "run") (canon lift (core func $i "run"))))"#
        );
        wat::parse_str(text).expect("parses")
    };
    let accepted = |bytes: &[u8]| marine().check(bytes).is_ok();
    assert!(accepted(&with("loop ", 1_000, "end ")));
    assert!(accepted(&with("block ", 50_000, "end ")));
    assert!(accepted(&with("i32.const 0 if ", 2_000, "end ")));
    refused(
        &with("loop ", 2_000, "end "),
        &expect![
            "deploy/too-large: the component has too much: the work of compiling a function, in locals times blocks is 20010000, at most 10000000 allowed"
        ],
    );
    assert_eq!(
        why(&with("i32.const 0 if ", 5_000, "end ")).code(),
        "deploy/too-large"
    );
}

#[test]
fn what_the_profile_does_not_name_is_no_part_of_it() {
    for module in [
        "(func (export \"run\") (drop (ref.i31 (i32.const 1))))",
        "(type $f (func)) (func (export \"run\") (call_ref $f (ref.null $f)))",
        "(tag $t) (func (export \"run\") (throw $t))",
        "(memory i64 1) (func (export \"run\"))",
        "(memory 1 1 shared) (func (export \"run\"))",
        "(func (export \"run\") (drop (f32x4.relaxed_min (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
    ] {
        let text = format!(
            r#"(component (core module $m {module}) (core instance $i (instantiate $m))
                (func (export "run") (canon lift (core func $i "run"))))"#
        );
        let error = why(&wat::parse_str(text).expect("parses"));
        assert_eq!(
            error.code(),
            "deploy/invalid-component",
            "{module}: {error}"
        );
    }
}
