//! Guests that want too much, and what the caller learns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::support::{call_within, component, load, marine, module, run};
use expect_test::{Expect, expect};
use weir_marine::{Call, CallContext, CallOutput, Error, Judgement, Limits, Mode, World};
use weir_receipt::state::Root;

fn outcome(component: &[u8], limits: &Limits) -> CallOutput {
    call_within(&load(component), limits, "run", &[])
}

fn check(component: &[u8], limits: &Limits, expected: &Expect) {
    let error = outcome(component, limits)
        .result
        .expect_err("the guest is stopped");
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

const LOOP: &str = "(loop (br 0))";

#[test]
fn an_endless_loop_ends_with_its_fuel() {
    let limits = Limits {
        fuel: 5_000_000,
        ..Limits::default()
    };
    check(
        &run(LOOP),
        &limits,
        &expect!["limit/fuel: the call used up its fuel, 5000000 units"],
    );
    assert_eq!(outcome(&run(LOOP), &limits).fuel, 5_000_000);
}

#[test]
fn an_endless_loop_with_endless_fuel_ends_with_the_wall_clock() {
    let limits = Limits {
        fuel: u64::MAX,
        wall_ms: 20,
        ..Limits::default()
    };
    let output = outcome(&run(LOOP), &limits);
    let error = output.result.expect_err("the guest is stopped");
    assert!(error.is_infrastructure());
    expect!["infra/wall-clock: the call took longer than 20 ms on this machine"]
        .assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn copying_costs_fuel_for_each_byte() {
    let copy = run("(memory.copy (i32.const 0) (i32.const 0) (i32.const 60000))");
    let fuel = outcome(&copy, &Limits::default()).fuel;
    assert!((60_000..61_000).contains(&fuel), "{fuel}");
}

#[test]
fn the_same_call_costs_the_same_fuel() {
    let work = run(
        "(local $i i32) (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))",
    );
    let first = outcome(&work, &Limits::default()).fuel;
    let tight = Limits {
        fuel: first,
        ..Limits::default()
    };
    assert_eq!(outcome(&work, &tight).fuel, first);
    assert!(outcome(&work, &tight).result.is_ok());
}

#[test]
fn a_guest_that_takes_memory_without_end_is_refused_at_the_limit() {
    let limits = Limits {
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    let hog =
        run("(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable");
    check(
        &hog,
        &limits,
        &expect!["limit/memory: the guest asked for more than its 1048576 bytes of memory"],
    );
    let output = outcome(&hog, &limits);
    assert_eq!(output.memory_peak_bytes, 1 << 20);
    // It was stopped between two instructions, so a receipt does not depend on what was counted by then.
    assert!(output.fuel < limits.fuel, "{}", output.fuel);
    let judged = Judgement::of(&output, Mode::Pure, &limits, &Root::EMPTY);
    assert_eq!(judged.map(|judged| judged.fuel), Some(limits.fuel));
}

#[test]
fn a_guest_that_lives_with_a_refusal_goes_on() {
    let limits = Limits {
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    let modest = run("(drop (memory.grow (i32.const 1000)))");
    let output = outcome(&modest, &limits);
    assert!(output.result.is_ok());
    assert_eq!(output.memory_peak_bytes, 64 << 10);
}

#[test]
fn a_component_that_starts_with_more_memory_than_the_call_allows_does_not_run() {
    let limits = Limits {
        memory_bytes: 1000,
        ..Limits::default()
    };
    check(
        &run(""),
        &limits,
        &expect!["limit/memory: the guest asked for more than its 1000 bytes of memory"],
    );
}

#[test]
fn traps_say_what_happened() {
    let limits = Limits::default();
    check(
        &run("unreachable"),
        &limits,
        &expect!["guest/trap: the guest trapped: wasm `unreachable` instruction executed in run"],
    );
    check(
        &run("(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        &limits,
        &expect!["guest/trap: the guest trapped: integer divide by zero in run"],
    );
    check(
        &run("(drop (i32.load (i32.const -4)))"),
        &limits,
        &expect!["guest/trap: the guest trapped: out of bounds memory access in run"],
    );
}

#[test]
fn endless_recursion_is_a_failure_of_this_machine() {
    let output = outcome(&run("(call $run)"), &Limits::default());
    let error = output.result.expect_err("the guest is stopped");
    assert!(error.is_infrastructure());
    assert_eq!(error.code(), "infra/stack-overflow");
}

#[test]
fn a_trap_leaves_nothing_behind() {
    let module = load(&component(
        "package test:count; world w { export count: func() -> u32; export fail: func(); }",
        &module(
            r#"(global $count (mut i32) (i32.const 0))
               (func (export "count") (result i32)
                   (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
                   (i32.load (i32.const 64)))
               (func (export "fail") (i32.store (i32.const 64) (i32.const 7)) unreachable)"#,
        ),
    ));
    for _ in 0..20 {
        assert_eq!(crate::support::show(&module, "count", "[]"), "1");
        assert!(crate::support::show(&module, "fail", "[]").starts_with("guest/trap"));
    }
}

/// A component with a function that returns a string of `len` zeros.
fn talker(len: u32) -> Vec<u8> {
    component(
        "package test:talk; world w { export talk: func() -> string; }",
        &format!(
            r#"(module
                (memory (export "memory") 160)
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "talk") (result i32)
                    (i32.store (i32.const 0) (i32.const 64))
                    (i32.store (i32.const 4) (i32.const {len}))
                    (i32.const 0)))"#
        ),
    )
}

#[test]
fn a_result_beyond_the_limit_is_refused() {
    let limits = Limits {
        result_bytes: 1000,
        ..Limits::default()
    };
    let length = |len| {
        call_within(&load(&talker(len)), &limits, "talk", &[])
            .result
            .map(|text| text.as_str().map(str::len))
            .map_err(|error| error.code())
    };
    assert_eq!(length(992), Ok(Some(992)));
    assert_eq!(length(993), Err("limit/result-size"));
    assert_eq!(length(10_000_000), Err("limit/result-size"));
}

#[test]
fn a_result_outside_the_memory_is_a_trap() {
    let output = call_within(&load(&talker(u32::MAX)), &Limits::default(), "talk", &[]);
    let error = output.result.expect_err("there is no such memory");
    assert_eq!(error.code(), "guest/trap", "{error}");
}

#[test]
fn a_component_that_loops_at_its_start_is_not_accepted() {
    let looping = component(
        "package test:run; world w { export run: func(); }",
        &module(r#"(func $start (loop (br 0))) (start $start) (func (export "run"))"#),
    );
    let error = marine().load(&looping).expect_err("it never starts");
    expect!["deploy/start-failed: the component cannot be instantiated: instantiation used up its fuel, 500000000 units"]
        .assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn a_component_that_traps_at_its_start_is_not_accepted() {
    let failing = component(
        "package test:run; world w { export run: func(); }",
        &module(r#"(func $start unreachable) (start $start) (func (export "run"))"#),
    );
    let error = marine().load(&failing).expect_err("it never starts");
    assert_eq!(error.code(), "deploy/start-failed");
}

struct CountWakes(AtomicUsize);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_long_call_returns_to_its_executor_and_can_be_dropped() {
    let module = load(&run(LOOP));
    let context = CallContext::default();
    let (limits, world) = (Limits::default(), World::default());
    let wakes = Arc::new(CountWakes(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&wakes));
    let endless = |polls| {
        let mut call = Box::pin(module.call(Call {
            function: "run",
            arguments: &[],
            context: &context,
            limits: &limits,
            world: &world,
        }));
        for _ in 0..polls {
            let state = call.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(matches!(state, Poll::Pending));
        }
    };
    // More often than there are slots: a dropped call gives its slot back.
    for polls in 1..20 {
        endless(polls);
    }
    assert!(wakes.0.load(Ordering::Relaxed) > 100);
}

#[test]
fn a_call_may_move_between_threads() {
    fn moves<T: Send>(call: T) -> T {
        call
    }
    let module = load(&run(""));
    let (context, limits) = (CallContext::default(), Limits::default());
    let world = World::default();
    let call = moves(module.call(Call {
        function: "run",
        arguments: &[],
        context: &context,
        limits: &limits,
        world: &world,
    }));
    assert!(futures::executor::block_on(call).result.is_ok());
}

#[test]
fn a_trap_that_has_nothing_to_do_with_a_refusal_is_not_blamed_on_it() {
    let clumsy = run(
        "(drop (memory.grow (i32.const 65000))) (drop (i32.div_u (i32.const 1) (i32.const 0)))",
    );
    check(
        &clumsy,
        &Limits::default(),
        &expect!["guest/trap: the guest trapped: integer divide by zero in run"],
    );
}

#[test]
fn calls_wait_for_a_slot_instead_of_failing() {
    let module = load(&run(LOOP));
    let limits = Limits {
        fuel: 3_000_000,
        ..Limits::default()
    };
    let context = CallContext::default();
    let world = World::default();
    let calls = (0..50).map(|_| {
        module.call(Call {
            function: "run",
            arguments: &[],
            context: &context,
            limits: &limits,
            world: &world,
        })
    });
    for output in futures::executor::block_on(futures::future::join_all(calls)) {
        assert!(
            matches!(output.result, Err(Error::Fuel { .. })),
            "{output:?}"
        );
    }
}
