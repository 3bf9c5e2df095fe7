//! Where the fuel of a call goes.

use std::sync::Arc;

use crate::support::{component, json, keeper_component, marine, module};
use expect_test::{Expect, expect};
use futures::executor::block_on;
use weir_identity::Value;
use weir_marine::{
    Answer, Call, CallContext, CallOutput, Effector, Error, FunctionCost, Limits, Outside,
    Profiled, Profiler, World,
};

const SQLITE: &[u8] = include_bytes!("../../../../examples/sqlite/sqlite.wasm");
const GREETER: &[u8] = include_bytes!("../../../../examples/greeter/greeter.wasm");

struct Sevens;

impl Effector for Sevens {
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        Box::pin(async move { Ok(vec![7; len as usize]) })
    }
}

/// The call without probes, and then with them.
fn both(
    component: &[u8],
    limits: &Limits,
    (function, arguments): (&str, &str),
) -> (CallOutput, Profiled) {
    let marine = marine();
    let arguments = json(arguments);
    let arguments = arguments.as_array().expect("arguments are an array");
    let context = CallContext::default();
    let module = marine.load(component).expect("it is accepted");
    let world = World {
        outside: Outside::Open(Arc::new(Sevens)),
        ..World::default()
    };
    let call = Call {
        function,
        arguments,
        context: &context,
        limits,
        world: &world,
    };
    let plain = block_on(module.call(call));
    let again = World {
        outside: Outside::Recorded(Arc::new(plain.transcript.clone())),
        ..World::default()
    };
    let profiler = Profiler::new(&marine, component).expect("it can have probes");
    let call = Call {
        world: &again,
        ..call
    };
    let profiled = block_on(profiler.call(call)).expect("it can be called");
    (plain, profiled)
}

fn outcome(result: &Result<Value, Error>) -> String {
    match result {
        Ok(value) => value.to_json(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

/// A profile as text: function, calls, its own fuel, and that with what it called.
fn show(profiled: &Profiled) -> String {
    let line = |cost: FunctionCost| {
        let FunctionCost { place, calls, .. } = cost;
        format!(
            "{} {calls} {} {}\n",
            place.name, cost.self_fuel, cost.inclusive_fuel
        )
    };
    let lines: String = profiled.functions().into_iter().map(line).collect();
    lines + &format!("engine {} of {}\n", profiled.engine_fuel, profiled.fuel)
}

fn check(functions: &str, expected: &Expect) -> Profiled {
    let wit = "package test:run; world w { export run: func(); }";
    let component = component(wit, &module(functions));
    let (plain, profiled) = both(&component, &Limits::default(), ("run", "[]"));
    assert_eq!(outcome(&plain.result), "null");
    assert_eq!(outcome(&profiled.result), "null");
    assert_eq!(profiled.fuel, plain.fuel);
    expected.assert_eq(&show(&profiled));
    profiled
}

#[test]
fn each_function_has_what_its_operators_cost() {
    let profiled = check(
        r#"(func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func $run (export "run")
            (drop (call $leaf (i32.const 1)))
            (drop (call $leaf (i32.const 2))))"#,
        &expect![[r#"
            run 1 71 133
            leaf 2 62 62
            engine 0 of 133
        "#]],
    );
    expect![[r#"
        run();run 71
        run();run;leaf 62
    "#]]
    .assert_eq(&profiled.folded("run()"));
}

#[test]
fn all_ways_out_of_a_function_are_seen() {
    check(
        r#"(func $returns (param i32) (result i32)
            (if (local.get 0) (then (return (i32.const 1))))
            (i32.const 2))
        (func $branches (param i32) (result i32)
            (i32.add
                (block (result i32) (br_table 0 1 (i32.const 5) (local.get 0)))
                (i32.const 1)))
        (func $pair (result i32 i64) (i32.const 1) (i64.const 2))
        (func $tail (param i32) (result i32) (return_call $returns (local.get 0)))
        (func $down (param i32)
            (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
        (func $run (export "run")
            (drop (call $returns (i32.const 0)))
            (drop (call $returns (i32.const 1)))
            (drop (call $branches (i32.const 0)))
            (drop (call $branches (i32.const 1)))
            (call $pair) drop drop
            (drop (call $tail (i32.const 1)))
            (call $down (i32.const 3)))"#,
        &expect![[r#"
            run 1 261 717
            down 4 249 249
            returns 3 93 93
            branches 2 82 82
            pair 1 21 21
            tail 1 11 11
            engine 0 of 717
        "#]],
    );
}

#[test]
fn tables_and_memory_cost_what_they_cost_without_probes() {
    check(
        r#"(table 2 funcref) (elem (i32.const 0) $a $b)
        (type $unary (func (param i32) (result i32)))
        (func $a (type $unary) (local.get 0))
        (func $b (type $unary) (memory.grow (local.get 0)))
        (func $run (export "run") (local $i i32)
            (loop $next
                (drop (call_indirect (type $unary) (local.get $i) (i32.rem_u (local.get $i) (i32.const 2))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $i) (i32.const 10)))))"#,
        &expect![[r#"
            b 5 6630 6630
            run 1 1901 8586
            a 5 55 55
            engine 0 of 8586
        "#]],
    );
}

#[test]
fn a_profile_adds_up_to_the_fuel_of_the_call() {
    let keeper = keeper_component();
    for (component, calls) in [
        (
            GREETER,
            &[
                ("hello", r#"["Ada"]"#),
                ("count-words", r#"["to be or not to be"]"#),
                ("mean", "[[]]"),
                ("burn", "[1000]"),
            ][..],
        ),
        (
            SQLITE,
            &[("query", r#"["SELECT 1 + 1 UNION SELECT 7 ORDER BY 1", []]"#)],
        ),
        (
            &keeper,
            &[("put", r#"["b64:AQID", "b64:BAUG"]"#), ("draw", "[16]")],
        ),
    ] {
        for call in calls {
            let (plain, profiled) = both(component, &Limits::default(), *call);
            assert_eq!(
                outcome(&profiled.result),
                outcome(&plain.result),
                "{call:?}"
            );
            assert_eq!(profiled.fuel, plain.fuel, "{call:?}");
            let functions = profiled.functions();
            let own: u64 = functions.iter().map(|cost| cost.self_fuel).sum();
            assert_eq!(own + profiled.engine_fuel, plain.fuel, "{call:?}");
            let folded = profiled.folded("call");
            let fuel = folded.lines().map(|line| {
                let fuel = line.rsplit_once(' ').expect("fuel stands at the end").1;
                fuel.parse::<u64>().expect("fuel is a number")
            });
            assert_eq!(fuel.sum::<u64>(), plain.fuel, "{call:?}");
        }
    }
}

#[test]
fn what_the_host_does_is_seen_at_its_import() {
    let (_, profiled) = both(&keeper_component(), &Limits::default(), ("draw", "[16]"));
    let functions = profiled.functions();
    let import = functions.iter().find(|cost| cost.place.is_import);
    let import = import.expect("the host was asked");
    assert_eq!(import.place.name, "weir:host/entropy@0.1.0#bytes");
    assert_eq!(import.calls, 1);
    assert!(import.inclusive_fuel > 1_000_000, "{import:?}");
}

#[test]
fn a_call_that_fails_says_where_it_was() {
    let wit = "package test:run; world w { export run: func(); }";
    let endless = r#"(func $spin (loop $again (br $again)))
        (func $run (export "run") (call $spin))"#;
    let limits = Limits {
        fuel: 10_000,
        ..Limits::default()
    };
    let (plain, profiled) = both(&component(wit, &module(endless)), &limits, ("run", "[]"));
    assert!(matches!(plain.result, Err(Error::Fuel { limit: 10_000 })));
    assert_eq!(outcome(&profiled.result), outcome(&plain.result));
    assert_eq!(profiled.functions()[0].place.name, "spin");
    let trapping = r#"(func $fail unreachable) (func $run (export "run") (call $fail))"#;
    let component = component(wit, &module(trapping));
    let (plain, profiled) = both(&component, &Limits::default(), ("run", "[]"));
    assert!(matches!(plain.result, Err(Error::Trap { .. })), "{plain:?}");
    assert!(matches!(profiled.result, Err(Error::Trap { .. })));
    let names: Vec<String> = profiled
        .functions()
        .into_iter()
        .map(|cost| cost.place.name)
        .collect();
    assert!(names.contains(&"fail".to_owned()), "{names:?}");
}
