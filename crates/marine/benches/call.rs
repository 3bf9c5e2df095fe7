//! What calls, bytes, fuel and a cached load cost, beside the bare engine in the same run.
//!
//! Prints lines `bench: NAME | FIGURE | GOAL`. Figures are medians of batches.

#[path = "call/bytes.rs"]
mod bytes;
#[path = "call/fuel.rs"]
mod fuel;
#[path = "call/linked.rs"]
mod linked;
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig, Store};
use weir_identity::Value;
use weir_marine::{CacheConfig, Call, CallContext, Limits, Marine, MarineConfig, Module, World};

const BATCHES: usize = 30;
/// As in the binary `weir`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLS: u32 = 2_000;
const SLOTS: u32 = 64;

fn main() {
    let noop = support::run("");
    let greeter = greeter();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set_up = || {
        Marine::new(MarineConfig {
            slots: SLOTS,
            cache: Some(CacheConfig {
                folder: folder.path().to_owned(),
                secret: [1; 32],
                bytes_max: 1 << 30,
            }),
            ..MarineConfig::default()
        })
        .expect("the engine can be set up")
    };
    let marine = set_up();

    let start = Instant::now();
    drop(marine.load(&greeter).expect("accepted"));
    let compiled = start.elapsed();
    let load = median((0..BATCHES).map(|_| {
        // A runtime that has loaded a component may still be letting go of it and find it there.
        let marine = set_up();
        let start = Instant::now();
        let module = marine.load(&greeter).expect("accepted");
        let elapsed = start.elapsed();
        drop(module);
        elapsed
    }));

    let raw = raw_call(&noop);
    let module = marine.load(&noop).expect("accepted");
    let noop = per_call(&module, "run", &[]);
    let module = marine.load(&greeter).expect("accepted");
    let hello = per_call(&module, "hello", &[Value::from("Ada")]);

    report("no-op call, fresh instance", noop, "under 40 µs");
    report("the same on bare wasmtime", raw, "peer");
    println!(
        "bench: marine: ratio of the two | {:.2} | at most 3",
        noop.as_secs_f64() / raw.as_secs_f64()
    );
    report("greeter.hello(\"Ada\")", hello, "");
    report(
        "load of a cached component (greeter, 40 kB)",
        load,
        "under 3 ms",
    );
    report("first load of it: check, compile, start", compiled, "");
    bytes::report_all(&marine);
    fuel::report_all(&marine);
    linked::report_all(&marine);
}

fn report(what: &str, figure: Duration, goal: &str) {
    let micros = figure.as_secs_f64() * 1e6;
    let figure = if micros < 1_000.0 {
        format!("{micros:.1} µs")
    } else {
        format!("{:.2} ms", micros / 1_000.0)
    };
    println!("bench: marine: {what} | {figure} | {goal}");
}

fn greeter() -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/greeter/greeter.wasm"
    );
    std::fs::read(path).expect("the component is committed")
}

fn per_call(module: &Module, function: &str, arguments: &[Value]) -> Duration {
    per_call_within(&Limits::default(), CALLS, module, function, arguments)
}

fn per_call_within(
    limits: &Limits,
    calls: u32,
    module: &Module,
    function: &str,
    arguments: &[Value],
) -> Duration {
    per_iteration(calls, || call(limits, module, function, arguments))
}

/// What a call costs beyond one of another function of the same component, which does nothing. The two take turns,
/// because the clock of a machine changes by more than that.
fn beyond(module: &Module, nothing: &str, function: &str, arguments: &[Value]) -> f64 {
    let limits = Limits::default();
    let mut differences: Vec<f64> = (0..4 * BATCHES)
        .map(|_| {
            let without = batch(CALLS / 4, || call(&limits, module, nothing, &[]));
            let with = batch(CALLS / 4, || call(&limits, module, function, arguments));
            with.as_secs_f64() - without.as_secs_f64()
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    differences[differences.len() / 2]
}

fn call(limits: &Limits, module: &Module, function: &str, arguments: &[Value]) {
    let output = block_on(module.call(Call {
        function,
        arguments,
        context: &CallContext::default(),
        limits,
        world: &World::default(),
    }));
    black_box(output.result.expect("the call succeeds"));
}

/// An engine with the same pool, but no fuel and no limits.
fn bare_engine() -> Engine {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(SLOTS * 24)
        .total_memories(SLOTS * 4)
        .total_tables(SLOTS * 8)
        .max_memory_size(512 << 20)
        .table_keep_resident(16 << 10);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(2 << 20);
    } else {
        pool.linear_memory_keep_resident(64 << 10);
    }
    let mut config = Config::new();
    config.concurrency_support(false).allocation_strategy(pool);
    Engine::new(&config).expect("the engine can be set up")
}

/// Instantiates and calls with the engine alone: no fuel, no limits, no conversion.
fn raw_call(component: &[u8]) -> Duration {
    let engine = bare_engine();
    let component = Component::new(&engine, component).expect("valid");
    let pre = Linker::<()>::new(&engine)
        .instantiate_pre(&component)
        .expect("no imports");
    let export = component.get_export_index(None, "run").expect("exported");
    per_iteration(CALLS, || {
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store).expect("instantiates");
        let run = instance
            .get_typed_func::<(), ()>(&mut store, export)
            .expect("of this type");
        run.call(&mut store, ()).expect("succeeds");
    })
}

fn per_iteration(calls: u32, mut work: impl FnMut()) -> Duration {
    for _ in 0..calls {
        work();
    }
    median((0..BATCHES).map(|_| batch(calls, &mut work)))
}

/// The mean of so many turns.
fn batch(calls: u32, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        work();
    }
    start.elapsed() / calls
}

fn median(figures: impl Iterator<Item = Duration>) -> Duration {
    let mut figures: Vec<Duration> = figures.collect();
    figures.sort();
    figures[figures.len() / 2]
}
