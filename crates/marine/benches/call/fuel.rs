//! What counting fuel costs: loops in the runtime, and the same on an engine that counts nothing.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, Linker};
use weir_marine::{Limits, Marine};

use crate::support::{component, module};
use crate::{bare_engine, per_call_within, per_iteration};

const ROUNDS: u32 = 2_000_000;
const TURNS: u32 = 5;

/// Prints the ratio of each loop and their geometric mean.
pub(crate) fn report_all(marine: &Marine) {
    let loops = [
        (
            "arithmetic",
            "(local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 1664525)) (i32.shr_u (local.get $x) (i32.const 7))))
             (local.set $x (i32.add (local.get $x) (i32.rotl (local.get $x) (i32.const 13))))",
        ),
        ("call", "(local.set $x (call $step (local.get $x)))"),
        (
            "memory",
            "(i32.store (i32.and (local.get $i) (i32.const 0xfffc))
                (i32.add (i32.load (i32.and (local.get $x) (i32.const 0xfffc))) (local.get $i)))
             (local.set $x (i32.add (local.get $x) (i32.const 4)))",
        ),
    ];
    let mut product = 1.0;
    for (name, body) in loops {
        let component = looping(body);
        let module = marine.load(&component).expect("accepted");
        // In turns, and the best of each: the clock of a machine is not steady.
        let (mut counted, mut bare) = (Duration::MAX, Duration::MAX);
        for _ in 0..TURNS {
            let limits = Limits::default();
            counted = counted.min(per_call_within(&limits, 1, &module, "run", &[]));
            bare = bare.min(uncounted(&component));
        }
        let ratio = counted.as_secs_f64() / bare.as_secs_f64();
        product *= ratio;
        println!(
            "bench: marine: fuel, {name} loop of {ROUNDS} rounds | {ratio:.2} ({:.1} ms, {:.1} ms without) | ",
            counted.as_secs_f64() * 1e3,
            bare.as_secs_f64() * 1e3,
        );
    }
    let mean = product.powf(1.0 / 3.0);
    println!("bench: marine: fuel, geometric mean of the three | {mean:.2} | under 1.5");
}

/// The result is stored, so that nothing is left out.
fn looping(body: &str) -> Vec<u8> {
    let wat = format!(
        r#"(func $step (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1)))
        (func (export "run") (local $i i32) (local $x i32)
            (local.set $i (i32.const {ROUNDS}))
            (loop
                {body}
                (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                (br_if 0 (local.get $i)))
            (i32.store (i32.const 0) (local.get $x)))"#
    );
    component(
        "package test:run; world w { export run: func(); }",
        &module(&wat),
    )
}

fn uncounted(component: &[u8]) -> Duration {
    let engine = bare_engine();
    let component = Component::new(&engine, component).expect("valid");
    let pre = Linker::<()>::new(&engine)
        .instantiate_pre(&component)
        .expect("no imports");
    per_iteration(1, || {
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store).expect("instantiates");
        let run = instance
            .get_typed_func::<(), ()>(&mut store, "run")
            .expect("of this type");
        run.call(&mut store, ()).expect("succeeds");
    })
}
