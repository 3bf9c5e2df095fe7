//! What evaluation costs, signing and network left out where that is said.
//!
//! `cargo bench --profile release -p weir-avm` prints one line for each figure
//! of `docs/benchmarks.md`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_avm::log::{RULES, Start, StartLimits};
use weir_avm::{Avm, CallOutcome, CallRequest, Export, Program, audit};
use weir_identity::{Cid, Keypair, Value};

struct Lone {
    avm: Avm,
    open: Vec<CallRequest>,
}

fn key(n: u8) -> Arc<Keypair> {
    Arc::new(Keypair::from_secret(&[n; 32]).expect("a valid secret"))
}

fn program(air: &str) -> Arc<Program> {
    let script = weir_air::parse(air, &weir_air::Limits::default()).expect("the script parses");
    Arc::new(Program::new(&Arc::new(script)))
}

fn start(program: &Program) -> Arc<Start> {
    Arc::new(Start {
        network: "bench".into(),
        nonce: [1; 16],
        script: Cid::of_raw(program.script().text().as_bytes()),
        timestamp_ms: 1,
        ttl_ms: 60_000,
        limits: StartLimits::default(),
        rules: RULES,
        initiator: key(1).peer_id(),
        reach: None,
        authorisation: None,
    })
}

impl Lone {
    fn begin(program: &Arc<Program>, start: &Arc<Start>, key: &Arc<Keypair>) -> Lone {
        let avm = Avm::new(start.clone(), program.clone(), key.clone()).expect("the script fits");
        Lone {
            avm,
            open: Vec::new(),
        }
    }

    /// Answers the oldest open call; false if there is none.
    fn answer(&mut self, answer: impl Fn(&CallRequest) -> Value) -> bool {
        let effects = self.avm.drain();
        self.open.extend(effects.calls);
        if self.open.is_empty() {
            return false;
        }
        let request = self.open.remove(0);
        let value = answer(&request);
        self.avm
            .complete(
                request.step,
                request.args_cid,
                CallOutcome::Value(value),
                None,
            )
            .expect("the call is open");
        true
    }
}

fn best(runs: u32, mut work: impl FnMut() -> Duration) -> Duration {
    (0..runs).map(|_| work()).min().unwrap_or_default()
}

fn add_one(request: &CallRequest) -> Value {
    Value::from(request.args.first().and_then(Value::as_i64).unwrap_or(0) + 1)
}

fn report(what: &str, took: Duration, goal: &str) {
    println!(
        "bench: avm: {what} | {:.3} ms | {goal}",
        took.as_secs_f64() * 1e3
    );
}

fn main() {
    let me = key(1);

    let null = program("(null)");
    let null_start = start(&null);
    let took = best(20, || {
        let from = Instant::now();
        for _ in 0..1_000 {
            Lone::begin(&null, &null_start, &me).avm.drain();
        }
        from.elapsed() / 1_000
    });
    report("null script", took, "under 0.02 ms");

    let fold = |n: usize, form: &str| {
        let items: Vec<Value> = (0..n as u64).map(Value::from).collect();
        let air = format!(
            r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (fold arr i ({form} (call %init_peer_id% ("s" "f") [i] x) (next i))))"#
        );
        let program = program(&air);
        let start = start(&program);
        best(5, || {
            let from = Instant::now();
            let mut lone = Lone::begin(&program, &start, &me);
            lone.answer(|_| Value::from(items.clone()));
            while lone.answer(add_one) {}
            from.elapsed()
        })
    };
    report(
        "500 results delivered one at a time (par)",
        fold(500, "par"),
        "under 30 ms",
    );
    report("sequential fold of 800 local calls", fold(800, "seq"), "");
    report(
        "sequential fold of 10,000 local calls",
        fold(10_000, "seq"),
        "",
    );

    let recursive = |n: usize| {
        let air = format!(
            r#"(seq (ap 0 $s) (fold $s i (seq (call %init_peer_id% ("s" "inc") [i] v) (xor (match v {n} (null)) (seq (ap v $s) (next i))))))"#
        );
        let program = program(&air);
        let start = start(&program);
        best(3, || {
            let from = Instant::now();
            let mut lone = Lone::begin(&program, &start, &me);
            while lone.answer(add_one) {}
            from.elapsed()
        })
    };
    report("recursive stream of 800 elements", recursive(800), "");
    let (ten, twenty) = (recursive(10_000), recursive(20_000));
    report("recursive stream of 10,000 elements", ten, "under 1,500 ms");
    report("recursive stream of 20,000 elements", twenty, "");
    println!(
        "bench: avm: ratio of the two | {:.2} | at most 2.3",
        twenty.as_secs_f64() / ten.as_secs_f64()
    );

    let many = program(
        r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (fold arr i (seq (ap i x) (next i))))"#,
    );
    let many_start = start(&many);
    let items: Vec<Value> = (0..100_000).map(|n: i64| Value::from(n)).collect();
    let took = best(3, || {
        let from = Instant::now();
        let mut lone = Lone::begin(&many, &many_start, &me);
        lone.answer(|_| Value::from(items.clone()));
        lone.avm.drain();
        from.elapsed()
    });
    report("fold over 100,000 elements", took, "does not overflow");

    remote(500);
    remote(800);

    let audited = program(
        r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (fold arr i (seq (call %init_peer_id% ("s" "f") [i] x) (next i))))"#,
    );
    let audited_start = start(&audited);
    let mut lone = Lone::begin(&audited, &audited_start, &me);
    lone.answer(|_| Value::from((0..10_000).map(|n: i64| Value::from(n)).collect::<Vec<_>>()));
    while lone.answer(add_one) {}
    let export = Export::of(lone.avm.signed_log());
    let took = best(3, || {
        let from = Instant::now();
        audit(&export).expect("an honest log holds");
        from.elapsed()
    });
    report("audit of 10,000 steps", took, "under 1,000 ms");
}

/// `n` parallel small calls on one other peer, gathered: time and bytes.
fn remote(n: usize) {
    let (me, other) = (key(1), key(2));
    let air = format!(
        r##"(seq (call %init_peer_id% ("s" "arr") [] arr)
          (seq (par (fold arr i (par (call "{}" ("s" "f") [i] $r) (next i)) (never)) (null))
           (seq (new $t (seq (fold $r f (seq (seq (ap f $t) (canon %init_peer_id% $t #it)) (xor (match #it.length {n} (null)) (next f))) (never)) (canon %init_peer_id% $t #all)))
            (call %init_peer_id% ("s" "done") []))))"##,
        other.peer_id()
    );
    let program = program(&air);
    let start = start(&program);
    let items: Vec<Value> = (0..n as u64).map(Value::from).collect();
    let mut bytes = 0;
    let took = best(5, || {
        bytes = 0;
        let from = Instant::now();
        let mut near = Lone::begin(&program, &start, &me);
        near.answer(|_| Value::from(items.clone()));
        let mut far = Lone::begin(&program, &start, &other);
        for send in near.avm.drain().sends {
            bytes += send.message.encode().len();
            far.avm
                .merge(send.message, me.peer_id())
                .expect("an honest message is taken");
        }
        for request in far.avm.drain().calls {
            let outcome = CallOutcome::Value(add_one(&request));
            far.avm
                .complete(request.step, request.args_cid, outcome, None)
                .expect("the call is open");
        }
        for send in far.avm.drain().sends {
            bytes += send.message.encode().len();
            near.avm
                .merge(send.message, other.peer_id())
                .expect("an honest message is taken");
        }
        assert!(near.answer(add_one), "the gate has opened");
        from.elapsed()
    });
    let what = format!("{n} parallel calls on one peer, gathered, both sides, signed");
    report(&what, took, "");
    let goal = if n == 500 { "under 80,000 bytes" } else { "" };
    println!("bench: avm: their messages | {bytes} bytes | {goal}");
}
