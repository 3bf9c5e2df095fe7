//! Guests that let the host work for them.

use crate::support::{call_within, load, run};
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
        assert!((66_536..67_536).contains(&fuel), "a unit a byte: {fuel}");
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
