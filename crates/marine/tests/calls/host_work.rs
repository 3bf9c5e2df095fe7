//! Guests that let the host work for them.

use crate::support::{call_within, component_beside, load, module, run};
use futures::executor::block_on;
use weir_identity::Value;
use weir_marine::{Call, CallContext, CallOutput, Error, Limits, Module, World};

fn writer() -> Module {
    load(&wat::parse_str(include_str!("writer.wat")).expect("the component is valid"))
}

fn ask(module: &Module, limits: &Limits, function: &str, len: u32) -> CallOutput {
    call_within(module, limits, function, &[Value::from(i64::from(len))])
}

#[test]
fn writing_without_end_uses_up_the_fuel() {
    let limits = Limits {
        fuel: 50_000_000,
        ..Limits::default()
    };
    let writer = writer();
    for (function, len) in [("write", 65_536), ("write", 0), ("draw", 65_536)] {
        let output = ask(&writer, &limits, function, len);
        assert!(
            matches!(output.result, Err(Error::Fuel { .. })),
            "{function} {len}: {output:?}"
        );
        assert_eq!(output.fuel, limits.fuel);
    }
}

#[test]
fn writing_without_end_ends_with_the_wall_clock() {
    let limits = Limits {
        fuel: u64::MAX,
        wall_ms: 50,
        ..Limits::default()
    };
    let writer = writer();
    for function in ["write", "draw"] {
        let output = ask(&writer, &limits, function, 65_536);
        assert!(
            matches!(output.result, Err(Error::WallClock { limit_ms: 50 })),
            "{output:?}"
        );
        assert!(output.fuel > 65_536, "what it used is told: {output:?}");
        assert!(output.memory_peak_bytes >= 1_000 << 16, "{output:?}");
    }
}

#[test]
fn a_guest_that_writes_returns_to_its_executor() {
    let (writer, context, limits) = (writer(), CallContext::default(), Limits::default());
    let arguments = [Value::from(65_536_i64)];
    let world = World::default();
    let mut call = Box::pin(writer.call(Call {
        function: "write",
        arguments: &arguments,
        context: &context,
        limits: &limits,
        world: &world,
    }));
    block_on(async {
        for _ in 0..20 {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
    });
}

#[test]
fn what_is_written_at_once_has_a_limit() {
    let (writer, limits) = (writer(), Limits::default());
    for function in ["write-once", "write-zeroes"] {
        let good = ask(&writer, &limits, function, 65_536);
        good.result.expect("as much as the host allows");
        let fuel = good.fuel;
        // Standard output is asked for, and written to.
        assert!((67_536..68_536).contains(&fuel), "a unit a byte: {fuel}");
        let error = ask(&writer, &limits, function, 65_537)
            .result
            .expect_err("one byte more");
        assert_eq!(error.code(), "guest/trap", "{error}");
    }
}

#[test]
fn a_small_result_limit_is_not_blamed_for_what_is_written() {
    let tight = Limits {
        result_bytes: 10,
        ..Limits::default()
    };
    let writer = writer();
    let fine = ask(&writer, &tight, "write-once", 65_536);
    fine.result.expect("there is no result");
    let error = ask(&writer, &tight, "write-once", 60_000_000)
        .result
        .expect_err("too much at once");
    assert_eq!(error.code(), "guest/trap", "{error}");
}

#[test]
fn resources_that_are_open_at_once_have_a_limit() {
    let error = call_within(&writer(), &Limits::default(), "open", &[])
        .result
        .expect_err("there is an end to it");
    assert_eq!(
        format!("{}: {error}", error.code()),
        "limit/handles: the guest has more than 10000 resources open at once"
    );
}

#[test]
fn the_wall_clock_does_not_hide_what_a_guest_used() {
    let limits = Limits {
        fuel: u64::MAX,
        wall_ms: 20,
        ..Limits::default()
    };
    let output = call_within(&load(&run("(loop (br 0))")), &limits, "run", &[]);
    assert!(matches!(output.result, Err(Error::WallClock { .. })));
    assert!(output.fuel > 0);
    assert_eq!(output.memory_peak_bytes, 64 << 10);
}

/// A component with a function for each thing that it asks of its host, so many times or with so many bytes.
fn asker() -> Module {
    let wasi = [
        "package wasi:clocks@0.2.0;
         interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }",
        "package wasi:random@0.2.0;
         interface random { get-random-u64: func() -> u64; }
         interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }",
        "package wasi:cli@0.2.0; interface environment { get-arguments: func() -> list<string>; }",
    ];
    let wit = "package test:run;
        world w {
            import wasi:clocks/wall-clock@0.2.0;
            import wasi:random/random@0.2.0;
            import wasi:random/insecure-seed@0.2.0;
            import wasi:cli/environment@0.2.0;
            import weir:host/state@0.1.0;
            import weir:host/signing@0.1.0;
            export now: func(times: u32);
            export random: func(times: u32);
            export seed: func(times: u32);
            export environment: func(times: u32);
            export length: func(bytes: u32);
            export get: func(bytes: u32);
            export delete: func(bytes: u32);
            export keys: func(bytes: u32);
            export peer: func(bytes: u32);
            export signature: func(bytes: u32);
            export signed: func(bytes: u32);
            export forget: func(times: u32);
            export forget-and-look: func(times: u32);
        }";
    let imports = r#"(module
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
        (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
        (import "wasi:random/insecure-seed@0.2.0" "insecure-seed" (func $seed (param i32)))
        (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
        (import "weir:host/state@0.1.0" "length" (func $length (param i32 i32 i32)))
        (import "weir:host/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
        (import "weir:host/state@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "weir:host/state@0.1.0" "delete" (func $delete (param i32 i32 i32)))
        (import "weir:host/state@0.1.0" "keys" (func $keys (param i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "weir:host/signing@0.1.0" "verify"
            (func $verify (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))"#;
    let each = |name: &str, body: &str| {
        format!(
            r#"(func (export "{name}") (param $n i32) (local $i i32)
                (loop $more
                    {body}
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $i) (local.get $n)))))"#
        )
    };
    let forget = "(i32.store (i32.const 512) (local.get $i))
        (call $set (i32.const 512) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0))
        (call $delete (i32.const 512) (i32.const 4) (i32.const 0))";
    let look = "(if (i32.eq (local.get $i) (i32.sub (local.get $n) (i32.const 1))) (then
        (call $keys (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 1) (i32.const 0))))";
    let once = |name: &str, body: &str| {
        format!(
            r#"(func (export "{name}") (param $n i32)
                (drop (memory.grow (i32.const 900)))
                {body})"#
        )
    };
    let functions = [
        each("now", "(call $now (i32.const 0))"),
        each("random", "(drop (call $random))"),
        each("seed", "(call $seed (i32.const 0))"),
        each("environment", "(call $arguments (i32.const 0))"),
        once(
            "length",
            "(call $length (i32.const 0) (local.get $n) (i32.const 0))",
        ),
        once(
            "get",
            "(call $get (i32.const 0) (local.get $n) (i32.const 0))",
        ),
        once(
            "delete",
            "(call $delete (i32.const 0) (local.get $n) (i32.const 0))",
        ),
        each("forget", forget),
        each("forget-and-look", &format!("{forget} {look}")),
        once(
            "keys",
            "(call $keys (i32.const 0) (local.get $n) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 1) (i32.const 0))",
        ),
        once(
            "peer",
            "(drop (call $verify (i32.const 0) (local.get $n) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
        ),
        once(
            "signed",
            "(drop (call $verify (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (local.get $n) (i32.const 0) (i32.const 0)))",
        ),
        once(
            "signature",
            "(drop (call $verify (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (local.get $n)))",
        ),
    ];
    let text = module(&functions.concat()).replacen("(module", imports, 1);
    load(&component_beside(&wasi, wit, &text))
}

#[test]
fn every_call_of_the_host_has_a_price() {
    let (asker, limits) = (asker(), Limits::default());
    for function in ["now", "random", "seed", "environment"] {
        let output = ask(&asker, &limits, function, 10_000);
        output.result.expect("nothing is wrong with asking");
        assert!(output.fuel >= 10_000_000, "{function}: {}", output.fuel);
    }
}

#[test]
fn what_the_host_is_passed_has_a_price_whatever_it_is() {
    let (asker, limits) = (asker(), Limits::default());
    for function in [
        "length",
        "get",
        "delete",
        "keys",
        "peer",
        "signed",
        "signature",
    ] {
        let (little, much) = (
            ask(&asker, &limits, function, 1_000),
            ask(&asker, &limits, function, 50_001_000),
        );
        much.result.expect("it is no error");
        let more = much.fuel - little.fuel;
        assert!(more >= 50_000_000, "{function}: {more}");
    }
}

#[test]
fn a_scan_pays_for_what_the_same_call_deleted() {
    let (asker, limits) = (asker(), Limits::default());
    let fuel = |function, times| {
        let output = ask(&asker, &limits, function, times);
        output.result.expect("nothing is wrong with deleting");
        output.fuel
    };
    let scan = |times| fuel("forget-and-look", times) - fuel("forget", times);
    let (few, many) = (scan(10), scan(2_010));
    assert!(many - few >= 2_000 * 5_000, "{few}, {many}");
}
