//! A call from one part to another: composed into one component, or through the host.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_identity::Value;
use weir_marine::{Manifest, Marine, Module, compose};

use super::support::component;
use super::{Limits, per_call_within, report};

const STORE: &str = "interface store { size: func(n: u32) -> u32; }";

/// How many calls of the other part one call makes.
const CROSSINGS: u32 = 1_000;

fn front() -> Vec<u8> {
    component(
        &format!(
            "package bench:parts@1.0.0; {STORE} world front {{ import store; export ask: func(times: u32); }}"
        ),
        r#"(module (import "bench:parts/store@1.0.0" "size" (func $size (param i32) (result i32)))
            (func (export "ask") (param $times i32)
                (block $done (loop $next
                    (br_if $done (i32.eqz (local.get $times)))
                    (drop (call $size (local.get $times)))
                    (local.set $times (i32.sub (local.get $times) (i32.const 1)))
                    (br $next)))))"#,
    )
}

fn back() -> Vec<u8> {
    component(
        &format!("package bench:parts@1.0.0; {STORE} world back {{ export store; }}"),
        r#"(module (func (export "bench:parts/store@1.0.0#size") (param i32) (result i32) (local.get 0)))"#,
    )
}

fn together(marine: &Marine, link: &str) -> Module {
    let manifest = format!(
        "[service]\nname = \"parts\"\nversion = \"1.0.0\"\n\
         [[part]]\nname = \"front\"\ncomponent = \"front.wasm\"\nfacade = true\n\
         [[part]]\nname = \"back\"\ncomponent = \"back.wasm\"\n{link}\n"
    );
    let manifest = Manifest::from_toml(&manifest).expect("it is good");
    let parts = BTreeMap::from([("front".to_owned(), front()), ("back".to_owned(), back())]);
    let composed = compose(&manifest, &parts).expect("they fit");
    marine.load(&composed.component).expect("accepted")
}

/// The first crossing of a call, with what it begins with; and each further one.
fn crossings(module: &Module) -> (Duration, Duration) {
    let of = |times: u32, calls| {
        let arguments = [Value::from(u64::from(times))];
        per_call_within(&Limits::default(), calls, module, "ask", &arguments)
    };
    let first = of(1, 300).saturating_sub(of(0, 300));
    let many = of(1 + CROSSINGS, 30).saturating_sub(of(1, 300));
    (first, many / CROSSINGS)
}

pub(super) fn report_all(marine: &Marine) {
    let (_, composed) = crossings(&together(marine, ""));
    let (first, linked) = crossings(&together(marine, "link = \"host\""));
    println!(
        "bench: marine: call of a composed part | {:.3} µs | peer",
        composed.as_secs_f64() * 1e6
    );
    report("the same through the host", linked, "under 1 µs");
    report("the first in a call: its store and instance", first, "");
}
