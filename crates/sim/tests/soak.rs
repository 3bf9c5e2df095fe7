//! Small random networks run random scripts while everything goes wrong.
//!
//! `WEIR_SEED=17 cargo test --release -p weir-sim --test soak -- --nocapture` replays one seed and tells what
//! happens; `WEIR_SEEDS=100000` runs more of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use weir_peer::{CallOutcome, Limits, Timestamp};
use weir_sim::case::TIMESTAMP_MS;
use weir_sim::net::Net;
use weir_sim::program::Author;
use weir_sim::rng::Rng;
use weir_sim::weather::Weather;

/// Seeds that CI runs.
const SEEDS: u64 = 1_000;

/// How long things go wrong.
const TROUBLE_MS: u64 = 60_000;

/// How long everything is well before the end is looked at.
const REST_MS: u64 = 120_000;

#[test]
fn honest_peers_agree_lose_nothing_and_repeat_nothing_under_every_seed() {
    if let Some(seed) = number("WEIR_SEED") {
        run(seed, true);
        return;
    }
    let seeds = number("WEIR_SEEDS").unwrap_or(SEEDS);
    let mut crashed = 0;
    for seed in 0..seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
            Ok(had_crash) => crashed += u64::from(had_crash),
            Err(panic) => {
                eprintln!("seed {seed} failed; replay it with WEIR_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(
        crashed > seeds / 4,
        "only {crashed} of {seeds} runs had a crash"
    );
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} = {text:?} is not a number")),
    )
}

/// A network and a script of a seed.
struct Plan {
    peers: usize,
    script: String,
    /// Whether the calls of the script do not depend on the order of delivery.
    settled: bool,
    /// Whether peers may crash.
    crashes: bool,
    /// Whether a peer may lose its disk.
    wipes: bool,
    rng: Rng,
}

fn plan(seed: u64) -> Plan {
    let mut rng = Rng::new(seed);
    let peers = 2 + rng.below(4) as usize;
    let names: Vec<String> = (b'a'..)
        .take(peers)
        .map(|letter| char::from(letter).to_string())
        .collect();
    let depth = 3 + rng.below(3) as u32;
    let settled = rng.per_mille(600);
    let author = Author::new(&mut rng, &names);
    let mut author = if settled { author.settled() } else { author };
    let script = author.script(depth);
    let crashes = rng.per_mille(600);
    let wipes = crashes && rng.per_mille(250);
    Plan {
        peers,
        script,
        settled,
        crashes,
        wipes,
        rng,
    }
}

fn net(seed: u64, peers: usize) -> Net {
    let limits = Limits {
        idle_ms: 7_000,
        // What is over can still be looked at.
        retention_ms: 3_600_000,
        ..Limits::default()
    };
    let mut net = Net::with_limits(seed, peers, limits);
    net.answer(
        "test.fail",
        CallOutcome::Failed {
            code: 1,
            message: "failed".into(),
        },
        0,
    );
    // Long enough for crashes while they run.
    for (function, after_ms) in [("srv0.f0", 200), ("srv1.f1", 3_000), ("srv2.f2", 20_000)] {
        net.answer(
            function,
            CallOutcome::Value(vec![1.into(), 2.into()].into()),
            after_ms,
        );
    }
    net
}

/// Runs a seed; true if a peer crashed.
fn run(seed: u64, aloud: bool) -> bool {
    let Plan {
        peers,
        script,
        settled,
        crashes,
        wipes,
        mut rng,
    } = plan(seed);
    if aloud {
        println!("{peers} peers, crashes: {crashes}, lost disks: {wipes}\n{script}");
    }
    let mut net = net(seed, peers);
    net.weather(Weather {
        latency_ms: 1..=1 + rng.below(300),
        loss: rng.below(200) as u16,
        duplication: rng.below(200) as u16,
        in_order: rng.per_mille(300),
        notice_ms: 50..=5_000,
    });
    let particle = net.start(0, &script);
    let wiped = trouble(&mut net, &mut rng, crashes, wipes, aloud);
    net.weather(Weather::fair());
    net.world.heal_all();
    for node in 0..peers {
        net.world.cancel_crash(node);
        net.restart(node);
    }
    net.run_for(REST_MS);
    net.run_until_quiet();
    if aloud {
        println!("{}", net.calls());
    }
    let together = net.check(particle);
    if aloud {
        println!("{together:?}");
    }
    let had_crash = (0..peers).any(|node| net.world.crashes(node) > 0);
    let met = net.meet(particle);
    if !wiped && net.world.now() < Timestamp(TIMESTAMP_MS).plus(300_000) {
        assert_eq!(met.waiting, [], "nobody goes on, though everybody lives");
    }
    if settled && !had_crash {
        let expected = undisturbed(seed, peers, &script);
        assert_eq!(
            multiset(&net),
            expected,
            "the calls of a run without trouble are others"
        );
    }
    had_crash
}

/// Cuts, heals, crashes and restarts at random for a while.
fn trouble(net: &mut Net, rng: &mut Rng, crashes: bool, wipes: bool, aloud: bool) -> bool {
    let peers = net.world.len() as u64;
    let end = net.world.now().plus(TROUBLE_MS);
    let mut wiped = false;
    while net.world.now() < end {
        net.run_for(rng.below(6_000));
        let (a, b) = (rng.below(peers) as usize, rng.below(peers) as usize);
        let what = rng.below(10);
        match what {
            0..=2 if a != b => net.cut(a, b),
            3..=5 => net.heal(a, b),
            6 | 7 if crashes => {
                if rng.per_mille(500) {
                    net.crash(a);
                } else {
                    net.world.crash_after(a, rng.below(12));
                }
            }
            8 if crashes && !net.world.is_up(a) => net.restart(a),
            // The initiator keeps its disk: without it nobody could tell what the particle was.
            9 if wipes && a != 0 && !net.world.is_up(a) => {
                net.restart_without_disk(a);
                wiped = true;
            }
            _ => continue,
        }
        if aloud {
            println!("{}: {what} {a} {b}", net.world.now());
        }
    }
    wiped
}

/// The calls of a run in which nothing goes wrong.
fn undisturbed(seed: u64, peers: usize, script: &str) -> BTreeMap<String, usize> {
    let mut net = net(!seed, peers);
    net.weather(Weather::fair());
    net.start(0, script);
    net.run_for(TROUBLE_MS + REST_MS);
    multiset(&net)
}

/// How often each call was executed, with its arguments.
fn multiset(net: &Net) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for made in net.world.executions() {
        let call = &made.call;
        let args = weir_identity::Value::from(call.args.clone());
        let text = format!(
            "{} {}.{} {args}",
            net.world.name(made.at),
            call.service,
            call.function
        );
        *calls.entry(text).or_default() += 1;
    }
    calls
}
