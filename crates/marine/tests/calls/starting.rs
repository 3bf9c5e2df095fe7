//! Code that runs while an instance is made, before the function that was called.

use weir_identity::Value;
use weir_marine::{Call, CallContext, CallOutput, Error, Judgement, Limits, Mode, Module, World};
use weir_receipt::state::Root;

use crate::support::{component_beside, load, marine, module};

const WASI: &[&str] = &[
    "package wasi:clocks@0.2.0;
     interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }",
    "package wasi:random@0.2.0; interface random { get-random-u64: func() -> u64; }",
    "package wasi:filesystem@0.2.0;
     interface types {
        enum error-code { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
            illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
            message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space,
            not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted,
            pipe, read-only, invalid-seek, text-file-busy, cross-device }
        resource descriptor { create-directory-at: func(path: string) -> result<_, error-code>; }
     }
     interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }",
];

/// A component that does this when it starts, at the address 0 the seconds of the clock, and answers what is at 128.
fn starter(body: &str) -> Vec<u8> {
    let wit = "package test:run;
        world w {
            import wasi:clocks/wall-clock@0.2.0;
            import wasi:random/random@0.2.0;
            import wasi:filesystem/types@0.2.0;
            import wasi:filesystem/preopens@0.2.0;
            import weir:host/state@0.1.0;
            import weir:host/entropy@0.1.0;
            export run: func() -> u64;
        }";
    let imports = r#"(module
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
        (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
        (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
        (import "wasi:filesystem/types@0.2.0" "[method]descriptor.create-directory-at"
            (func $make (param i32 i32 i32 i32)))
        (import "weir:host/state@0.1.0" "length" (func $length (param i32 i32 i32)))
        (import "weir:host/entropy@0.1.0" "bytes" (func $entropy (param i32 i32)))"#;
    let functions = format!(
        r#"(func (export "_initialize") (local $i i32) (call $now (i32.const 0)) {body})
           (func (export "run") (result i64) (i64.load (i32.const 128)))"#
    );
    let text = module(&functions).replacen("(module", imports, 1);
    component_beside(WASI, wit, &text)
}

/// The same if the clock shows something, as it does in calls.
fn in_calls(body: &str) -> String {
    format!("(if (i64.ne (i64.load (i32.const 0)) (i64.const 0)) (then {body}))")
}

fn call(module: &Module) -> CallOutput {
    let context = CallContext {
        timestamp_ms: 5_000,
        ..CallContext::default()
    };
    futures::executor::block_on(module.call(Call {
        function: "run",
        arguments: &[],
        context: &context,
        limits: &Limits::default(),
        world: &World::default(),
    }))
}

/// What starting code may not do, and how it is called.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "(call $length (i32.const 0) (i32.const 1) (i32.const 64))",
        "the state",
    ),
    (
        "(call $entropy (i32.const 8) (i32.const 64))",
        "weir:host/entropy@0.1.0",
    ),
    (
        // The first of the directories is the state, and a name of four bytes is as good as another.
        "(i32.store (i32.const 256) (i32.const 0x61616161))
         (call $directories (i32.const 64))
         (call $make (i32.load (i32.load (i32.const 64))) (i32.const 256) (i32.const 4) (i32.const 96))",
        "the files of the state",
    ),
];

#[test]
fn it_has_neither_state_nor_files_nor_effects() {
    for (body, what) in FORBIDDEN {
        let error = marine()
            .load(&starter(body))
            .expect_err("it does not start");
        assert_eq!(error.code(), "deploy/start-failed", "{error}");
        let told = format!(
            "code that runs when the component starts used {what}, which only its functions can"
        );
        assert!(error.to_string().contains(&told), "{error}");
        assert!(!error.is_infrastructure(), "{error}");

        let only_later = load(&starter(&in_calls(body)));
        let output = call(&only_later);
        let error = output.result.expect_err("it does not start either");
        assert_eq!(error.code(), "guest/trap", "{error}");
        assert!(error.to_string().contains(&told), "{error}");
        assert!(output.transcript.effects().is_empty());
        assert!(output.commit.is_none());
    }
}

#[test]
fn it_has_the_clock_randomness_and_directories() {
    let seconds = load(&starter(
        "(i64.store (i32.const 128) (i64.load (i32.const 0)))",
    ));
    assert_eq!(call(&seconds).result.ok(), Some(Value::from(5_i64)));
    let random = load(&starter("(i64.store (i32.const 128) (call $random))"));
    let (once, again) = (call(&random).result.ok(), call(&random).result.ok());
    assert!(
        once.is_some() && once != Some(Value::from(0_i64)),
        "{once:?}"
    );
    assert_eq!(once, again);
    // A program with a C library looks which directories there are when it starts.
    let directories = load(&starter(
        "(call $directories (i32.const 64)) (i64.store (i32.const 128) (i64.load32_u (i32.const 68)))",
    ));
    assert_eq!(call(&directories).result.ok(), Some(Value::from(2_i64)));
    let tmp = load(&starter(
        "(i32.store (i32.const 256) (i32.const 0x61616161))
         (call $directories (i32.const 64))
         (call $make (i32.load offset=12 (i32.load (i32.const 64))) (i32.const 256) (i32.const 4) (i32.const 96))
         (i64.store (i32.const 128) (i64.load8_u (i32.const 96)))",
    ));
    assert_eq!(call(&tmp).result.ok(), Some(Value::from(0_i64)));
}

#[test]
fn nothing_is_said_of_a_call_whose_instance_takes_too_long() {
    // How much fuel an instance takes depends on whether the platform copies memory on write.
    let endless = load(&starter(&in_calls("(loop (br 0))")));
    let output = call(&endless);
    let error = output.result.as_ref().expect_err("it never starts");
    assert_eq!(error.code(), "infra/start-fuel", "{error}");
    assert!(error.is_infrastructure());
    let judged = Judgement::of(&output, Mode::Update, &Limits::default(), &Root::EMPTY);
    assert_eq!(judged, None);
}

#[test]
fn a_component_that_never_starts_is_at_fault() {
    let error = marine().load(&starter("(loop (br 0))"));
    let error = error.expect_err("it never starts");
    assert!(matches!(&error, Error::StartFailed { .. }), "{error}");
    assert!(!error.is_infrastructure(), "{error}");
}
