//! Bytes and text as argument and result.

use weir_identity::Value;
use weir_marine::{Limits, Marine};

use crate::support::{component, module};
use crate::{beyond, per_call_within, report};

const LARGE: usize = 1 << 20;
const LARGE_CALLS: u32 = 20;

/// Prints what echoes cost.
pub(crate) fn report_all(marine: &Marine) {
    let wit = "package test:echo; world w {
        export nothing: func();
        export bytes: func(v: list<u8>) -> list<u8>;
        export text: func(v: string) -> string;
        export general: func(v: list<u8>, n: s8) -> list<u8>;
    }";
    let pair = "(i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) (i32.const 8)";
    let wat = format!(
        r#"(func (export "nothing"))
        (func (export "bytes") (param i32 i32) (result i32) {pair})
        (func (export "text") (param i32 i32) (result i32) {pair})
        (func (export "general") (param i32 i32 i32) (result i32) {pair})"#
    );
    let echo = marine
        .load(&component(wit, &module(&wat)))
        .expect("accepted");
    let number = Value::from(1_i64);
    let bytes = |len: usize| {
        let octets: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
        let encoded = data_encoding::BASE64URL_NOPAD.encode(&octets);
        Value::from(format!("b64:{encoded}"))
    };
    let small = bytes(16);
    for (what, function, arguments) in [
        ("16 bytes in and out", "bytes", vec![small.clone()]),
        (
            "16 bytes of text in and out",
            "text",
            vec![Value::from("sixteen letters.")],
        ),
        (
            "16 bytes in and out, general way",
            "general",
            vec![small, number.clone()],
        ),
    ] {
        let micros = 1e6 * beyond(&echo, "nothing", function, &arguments);
        println!("bench: marine: {what}, beyond a call without | {micros:.2} µs | under 1 µs");
    }
    let limits = Limits {
        argument_bytes: 2 << 20,
        result_bytes: 2 << 20,
        ..Limits::default()
    };
    let large = bytes(LARGE);
    let text = Value::from("weir".repeat(LARGE / 4));
    for (what, function, arguments, goal) in [
        (
            "1 MiB of bytes in and out, whole call",
            "bytes",
            vec![large.clone()],
            "under 1 ms",
        ),
        (
            "1 MiB of text in and out, whole call",
            "text",
            vec![text],
            "under 1 ms",
        ),
        (
            "1 MiB of bytes in and out, general way",
            "general",
            vec![large, number],
            "peer",
        ),
    ] {
        let whole = per_call_within(&limits, LARGE_CALLS, &echo, function, &arguments);
        report(what, whole, goal);
    }
}
