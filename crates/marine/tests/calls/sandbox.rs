//! What a guest sees of the world.

use crate::support::{call_within, json, load};
use futures::executor::block_on;
use weir_identity::Value;
use weir_marine::{Call, CallContext, Limits, Module, World};

fn explorer() -> Module {
    load(&wat::parse_str(include_str!("explorer.wat")).expect("the component is valid"))
}

fn call(module: &Module, context: &CallContext, function: &str, arguments: &str) -> String {
    let arguments = json(arguments);
    let output = block_on(module.call(Call {
        function,
        arguments: arguments.as_array().expect("arguments are an array"),
        context,
        limits: &Limits::default(),
        world: &World::default(),
    }));
    match output.result {
        Ok(value) => value.to_json(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

#[test]
fn the_wall_clock_shows_the_time_of_the_call() {
    let context = CallContext {
        timestamp_ms: 1_700_000_000_123,
        ..CallContext::default()
    };
    assert_eq!(call(&explorer(), &context, "seconds", "[]"), "1700000000");
}

#[test]
fn sleeping_takes_no_time_but_moves_the_clock() {
    let hour_ns = 3_600_000_000_000_u64;
    let slept = call(
        &explorer(),
        &CallContext::default(),
        "sleep",
        &format!("[{hour_ns}]"),
    );
    assert_eq!(slept, (hour_ns + 1_000).to_string());
}

#[test]
fn random_numbers_follow_from_the_context() {
    let module = explorer();
    let one = CallContext {
        request: "one".into(),
        ..CallContext::default()
    };
    let salted = CallContext {
        salt: [1; 32],
        ..one.clone()
    };
    let two = CallContext {
        request: "two".into(),
        ..CallContext::default()
    };
    let draw = |context| call(&module, context, "draw", "[]");
    assert_eq!(draw(&one), draw(&one));
    assert_ne!(draw(&one), draw(&two));
    assert_ne!(draw(&one), draw(&salted));
    assert_eq!(call(&module, &one, "draw-bytes", "[1000]"), "1000");
    let greedy = call(&module, &one, "draw-bytes", "[65537]");
    assert_eq!(
        greedy,
        "guest/trap: the guest trapped: asked for 65537 random bytes at once, at most 65536 are given"
    );
}

#[test]
fn there_are_two_folders_and_no_variables() {
    let (module, context) = (explorer(), CallContext::default());
    assert_eq!(call(&module, &context, "folders", "[]"), "2", "/ and /tmp");
    assert_eq!(call(&module, &context, "variables", "[]"), "0");
}

#[test]
fn an_exit_is_told_apart_from_a_trap() {
    let exit = call(&explorer(), &CallContext::default(), "leave", "[]");
    assert_eq!(exit, "guest/exit: the guest exited with code 1");
}

#[test]
fn output_becomes_a_log_that_does_not_grow_beyond_its_limit() {
    let module = explorer();
    let limits = Limits {
        log_bytes: 12,
        ..Limits::default()
    };
    let said = |count: i64| {
        let output = call_within(&module, &limits, "say", &[Value::from(count)]);
        output.result.expect("a full log does not stop the guest");
        output.logs
    };
    let short = said(2);
    assert_eq!(
        (short.stdout.as_str(), short.dropped_bytes),
        ("tick\ntick\n", 0)
    );
    let spam = said(10_000);
    assert_eq!(
        (spam.stdout.as_str(), spam.dropped_bytes),
        ("tick\ntick\nti", 49_988)
    );
}
