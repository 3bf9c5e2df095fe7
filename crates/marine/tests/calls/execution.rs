//! Compiled and interpreted code agree: what one engine signed, the other executes again and finds the same.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::support::service::Service;
use crate::support::{keeper_component, run, shapes};
use futures::executor::block_on;
use weir_fuzzing::{Chance, calls};
use weir_marine::{
    CacheConfig, Execution, Limits, Manifest, Marine, MarineConfig, Verdict, compose,
};

static COMPILED: LazyLock<Marine> = LazyLock::new(|| marine(Execution::Compiled));
static INTERPRETED: LazyLock<Marine> = LazyLock::new(|| marine(Execution::Interpreted));

fn marine(execution: Execution) -> Marine {
    Marine::new(MarineConfig {
        execution,
        slots: 2,
        ..MarineConfig::default()
    })
    .expect("the engine can be set up")
}

fn sqlite() -> Vec<u8> {
    let part = include_bytes!("../../../../examples/sqlite/sqlite.wasm").to_vec();
    let manifest = Manifest::from_toml(include_str!("../../../../examples/sqlite/weir.toml"))
        .expect("the manifest of the example is good");
    let parts = BTreeMap::from([("sqlite".to_owned(), part)]);
    let service = compose(&manifest, &parts).expect("the part fits its manifest");
    service.component
}

/// Makes the calls on one engine and executes each again on the other, in both directions. Says how many left a
/// receipt.
fn agree(component: &[u8], limits: &Limits, calls: &[(&str, String)]) -> usize {
    let mut receipts = 0;
    for (here, there) in [(&COMPILED, &INTERPRETED), (&INTERPRETED, &COMPILED)] {
        let mut service = Service::new("service", here.load(component).expect("accepted"));
        service.limits = limits.clone();
        let again = there.load(component).expect("accepted there as well");
        for (function, arguments) in calls {
            // Whatever fails for reasons of this machine has no receipt.
            let Some(evidence) = service.execute(function, arguments) else {
                continue;
            };
            receipts += 1;
            match block_on(again.replay(&evidence, 60_000)) {
                Verdict::Same => {}
                Verdict::Undecided(error) if error.is_infrastructure() => {}
                verdict => panic!("{function} {arguments}: {verdict:?}"),
            }
        }
    }
    receipts
}

#[test]
fn the_example_services_do_the_same_interpreted() {
    let mut chance = Chance::new(1);
    let greeter = include_bytes!("../../../../examples/greeter/greeter.wasm");
    let greetings: Vec<_> = (0..120).map(|_| calls::greeter(&mut chance)).collect();
    let receipts = agree(greeter, &Limits::default(), &greetings);
    // The others did not fit the function.
    assert!(receipts > 150, "{receipts}");
    let mut statements = vec![calls::sqlite_first()];
    statements.extend((0..60).map(|_| calls::sqlite(&mut chance)));
    let receipts = agree(&sqlite(), &Limits::default(), &statements);
    assert_eq!(receipts, 2 * 61);
}

#[test]
fn values_of_all_types_cross_alike() {
    let arguments = [
        ("f32s", r#"[[0.1, -0.0, "NaN", "Infinity", 1e30]]"#),
        ("f64s", r#"[[0.1, -0.0, "NaN", "-Infinity", 1e300]]"#),
        ("s64s", r#"[["-9223372036854775808", 7]]"#),
        ("chars", r#"[["a", "é", "𝄞"]]"#),
        ("strings", r#"[["", "Łódź"]]"#),
        ("nested-options", r#"[[null, {"some": null}, {"some": 4}]]"#),
        ("results", r#"[[{"ok": 1}, {"err": "no"}]]"#),
    ];
    let calls = arguments.map(|(function, arguments)| (function, arguments.to_owned()));
    let receipts = agree(&shapes(), &Limits::default(), &calls);
    assert_eq!(receipts, 2 * arguments.len());
}

#[test]
fn states_are_the_same_whoever_changes_them() {
    let calls = [
        ("put", "[[1], [1, 2]]"),
        ("put", "[[2], []]"),
        ("take", "[[1]]"),
        ("put-and-fail", "[[1], [9]]"),
        ("put-and-trap", "[[1], [9]]"),
        ("list", "[[0], 9]"),
        ("draw", "[8]"),
    ];
    let calls = calls.map(|(function, arguments)| (function, arguments.to_owned()));
    let receipts = agree(&keeper_component(), &Limits::default(), &calls);
    assert_eq!(receipts, 14);
}

/// Bodies that compute what engines are wont to disagree about, and ways to fail.
const BODIES: &[&str] = &[
    // Signs and payloads of NaN, seen through their bits.
    "(if (i64.ne (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))) (i64.const 0x7ff8000000000000)) (then unreachable))",
    "(if (i32.ne (i32.reinterpret_f32 (f32.sqrt (f32.const -1))) (i32.const 0x7fc00000)) (then unreachable))",
    "(drop (i32.trunc_f64_s (f64.const nan)))",
    "(drop (i32.trunc_f32_u (f32.const -1)))",
    "(drop (i32.trunc_sat_f64_s (f64.const 1e300)))",
    "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
    "(drop (i32.rem_s (i32.const 0x80000000) (i32.const -1)))",
    "(drop (i64.div_u (i64.const 1) (i64.const 0)))",
    "(drop (i32.load (i32.const 65533)))",
    "(drop (i32.load offset=4294967295 (i32.const 1)))",
    "(memory.fill (i32.const 60000) (i32.const 7) (i32.const 9000))",
    "(memory.copy (i32.const 10) (i32.const 0) (i32.const 65000))",
    "(drop (memory.grow (i32.const 3)))",
    "(drop (memory.grow (i32.const 60000)))",
    "(if (i32.ne (f64.lt (f64.const nan) (f64.const 1)) (i32.const 0)) (then unreachable))",
    "(if (f64.ne (f64.nearest (f64.const 2.5)) (f64.const 2)) (then unreachable))",
    "(if (i64.ne (i64.reinterpret_f64 (f64.min (f64.const 0) (f64.const -0.0))) (i64.const 0x8000000000000000)) (then unreachable))",
    "(if (i32.ne (i32.shl (i32.const 1) (i32.const 33)) (i32.const 2)) (then unreachable))",
    "(drop (i32x4.extract_lane 3 (i32x4.mul (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8))))",
    "(drop (f32x4.extract_lane 0 (f32x4.div (v128.const f32x4 0 0 0 0) (v128.const f32x4 0 0 0 0))))",
    "(loop $again (br $again))",
    "(call $run)",
    "unreachable",
    "(local $n i32) (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (i32.lt_u (local.get $n) (i32.const 1000))))",
];

#[test]
fn traps_limits_and_odd_numbers_are_the_same_for_the_same_fuel() {
    let limits = Limits {
        fuel: 3_000_000,
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut receipts = 0;
    for body in BODIES {
        receipts += agree(&run(body), &limits, &[("run", "[]".to_owned())]);
    }
    // Only the one that recurses may have ended without.
    assert!(receipts >= 2 * (BODIES.len() - 1), "{receipts}");
}

/// A module of one function with a random body over two variables, which always ends.
fn random(chance: &mut Chance) -> Vec<u8> {
    let mut body = String::from("(local $a i64) (local $b f64)");
    for _ in 0..40 {
        let value = chance.below(1 << 32);
        let shift = chance.below(31);
        let integers = [
            "add", "sub", "mul", "xor", "rotl", "shr_s", "shr_u", "and", "or",
        ];
        let floats = ["add", "sub", "mul", "div", "min", "max", "copysign"];
        let step = match chance.below(8) {
            0..=2 => {
                let operator = chance.pick(&integers);
                format!("(local.set $a (i64.{operator} (local.get $a) (i64.const {value})))")
            }
            3..=4 => {
                let operator = chance.pick(&floats);
                let by = chance.pick(&["0", "-0.0", "inf", "nan", "1.5", "1e308", "-3e-310"]);
                format!("(local.set $b (f64.{operator} (local.get $b) (f64.const {by})))")
            }
            5 => "(local.set $a (i64.add (local.get $a) (i64.reinterpret_f64 (local.get $b))))"
                .to_owned(),
            6 => "(local.set $b (f64.convert_i64_s (local.get $a)))".to_owned(),
            _ => format!(
                "(if (i64.lt_s (local.get $a) (i64.const {value}))
                   (then (i64.store (i32.const {shift}) (local.get $a)))
                   (else (local.set $a (i64.load8_s (i32.const {shift})))))"
            ),
        };
        body.push_str(&step);
    }
    // What it computed decides how it ends, and for how much fuel.
    body.push_str(
        "(if (i64.eqz (i64.rem_u (local.get $a) (i64.const 3))) (then unreachable))
         (local.set $a (i64.and (local.get $a) (i64.const 255)))
         (loop $l (if (i64.ne (local.get $a) (i64.const 0))
           (then (local.set $a (i64.sub (local.get $a) (i64.const 1))) (br $l))))",
    );
    run(&body)
}

#[test]
fn random_functions_end_alike() {
    let mut chance = Chance::new(5);
    for _ in 0..60 {
        let component = random(&mut chance);
        let receipts = agree(&component, &Limits::default(), &[("run", "[]".to_owned())]);
        assert_eq!(receipts, 2);
    }
}

#[test]
fn a_cache_that_both_engines_share_gives_each_its_own_code() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let cached = |execution| {
        Marine::new(MarineConfig {
            execution,
            slots: 1,
            cache: Some(CacheConfig {
                folder: folder.path().to_owned(),
                secret: [1; 32],
                bytes_max: 1 << 24,
            }),
            ..MarineConfig::default()
        })
        .expect("the engine can be set up")
    };
    let component = run("");
    for execution in [Execution::Compiled, Execution::Interpreted].repeat(2) {
        let module = cached(execution).load(&component).expect("accepted");
        assert!(
            crate::support::call(&module, "run", &[]).is_ok(),
            "{execution}"
        );
    }
    let entries = folder.path().read_dir().expect("it is there").count();
    assert_eq!(entries, 2);
}
