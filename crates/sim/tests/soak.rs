//! Small random networks run random scripts, several at a time, while everything goes wrong.
//!
//! `WEIR_SEED=17 cargo test --release -p weir-sim --test soak -- --nocapture` replays one seed and tells what
//! happens; `WEIR_SEEDS=100000` runs more of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use weir_peer::{CallOutcome, Limits, ParticleId, Timestamp};
use weir_sim::net::Net;
use weir_sim::program::Author;
use weir_sim::rng::Rng;
use weir_sim::weather::Weather;
use weir_sim::world::{NodeId, Spec};

/// Seeds that CI runs.
const SEEDS: u64 = 1_000;

/// How long things go wrong.
const TROUBLE_MS: u64 = 60_000;

/// How long everything is well before the end is looked at.
const REST_MS: u64 = 120_000;

/// Time to live of particles that are to outlast the trouble.
const TTL_MS: u64 = 300_000;

/// Time to live of those that are not.
const SHORT_TTL_MS: std::ops::RangeInclusive<u64> = 1_000..=30_000;

#[test]
fn honest_peers_agree_lose_nothing_and_repeat_nothing_under_every_seed() {
    if let Some(seed) = number("WEIR_SEED") {
        run(seed, true);
        return;
    }
    let seeds = number("WEIR_SEEDS").unwrap_or(SEEDS);
    let mut sum = Seen::default();
    for seed in 0..seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
            Ok(seen) => {
                sum.crashed += seen.crashed;
                sum.alive += seen.alive;
                sum.compared += seen.compared;
            }
            Err(panic) => {
                eprintln!("seed {seed} failed; replay it with WEIR_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    let least = sum.crashed.min(sum.alive).min(sum.compared);
    assert!(
        least >= seeds / 4,
        "{seeds} seeds showed too little: {sum:?}"
    );
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} = {text:?} is not a number")),
    )
}

/// What a run showed beside what every run does.
#[derive(Debug, Default)]
struct Seen {
    /// 1 if a peer crashed.
    crashed: u64,
    /// Particles in which nobody had to wait for anybody in the end.
    alive: u64,
    /// Particles whose calls were those of a run without trouble.
    compared: u64,
}

/// A network and the particles of a seed.
struct Plan {
    /// Peers that can be dialled.
    peers: usize,
    /// Whether there is one more that cannot; the first one is its relay.
    client: bool,
    particles: Vec<Planned>,
    /// Whether peers may crash.
    crashes: bool,
    /// Whether a peer may lose its disk.
    wipes: bool,
    rng: Rng,
}

/// A particle that is going to be started.
struct Planned {
    at: NodeId,
    /// After how many milliseconds.
    after_ms: u64,
    ttl_ms: u64,
    script: String,
    /// Whether the calls of the script do not depend on the order of delivery.
    settled: bool,
}

/// A particle that was started.
struct Started {
    number: usize,
    particle: ParticleId,
    deadline: Timestamp,
}

impl Plan {
    fn of(seed: u64) -> Plan {
        let mut rng = Rng::new(seed);
        let peers = 2 + rng.below(4) as usize;
        let client = rng.per_mille(300);
        let count = 2 + u64::from(rng.per_mille(250));
        let particles = (0..count)
            .map(|number| Planned::of(&mut rng, number, peers, client))
            .collect();
        let crashes = rng.per_mille(600);
        let wipes = crashes && rng.per_mille(250);
        Plan {
            peers,
            client,
            particles,
            crashes,
            wipes,
            rng,
        }
    }

    fn nodes(&self) -> usize {
        self.peers + usize::from(self.client)
    }

    /// Its peers, its services, and no particle.
    fn net(&self, seed: u64) -> Net {
        let limits = Limits {
            idle_ms: 7_000,
            // Every fourth seed interrupts evaluation wherever that is possible.
            tasks_per_turn: match seed % 4 {
                3 => 1 + seed % 16,
                _ => Limits::default().tasks_per_turn,
            },
            // What is over can still be looked at.
            retention_ms: 3_600_000,
            ..Limits::default()
        };
        let mut net = Net::empty(seed, limits);
        for number in 0..self.peers {
            let spec = if number == 0 { Spec::relay } else { Spec::new };
            net.world.add(spec(&name(number)));
        }
        if self.client {
            net.world.add(Spec::client(&name(self.peers), &[0]));
        }
        net.world.introduce_all();
        let failed = CallOutcome::Failed {
            code: 1,
            message: "failed".into(),
        };
        net.answer("test.fail", failed, 0);
        // Long enough for crashes while they run.
        for (function, after_ms) in [("srv0.f0", 200), ("srv1.f1", 3_000), ("srv2.f2", 20_000)] {
            let pair = CallOutcome::Value(vec![1.into(), 2.into()].into());
            net.answer(function, pair, after_ms);
        }
        net
    }
}

impl Planned {
    fn of(rng: &mut Rng, number: u64, peers: usize, client: bool) -> Planned {
        let by_client = client && rng.per_mille(500);
        let at = if by_client {
            peers
        } else {
            rng.below(peers as u64) as usize
        };
        // Nobody but who learns of a particle from the client knows how to reach it.
        let names: Vec<String> = (0..peers + usize::from(by_client)).map(name).collect();
        let depth = 2 + rng.below(if number == 0 { 4 } else { 3 }) as u32;
        let settled = rng.per_mille(600);
        let author = Author::new(rng, &names);
        let mut author = if settled { author.settled() } else { author };
        let script = author.script(depth);
        let short = number > 0 && rng.per_mille(250);
        Planned {
            at,
            after_ms: if number == 0 {
                0
            } else {
                rng.below(TROUBLE_MS)
            },
            ttl_ms: if short {
                rng.within(&SHORT_TTL_MS)
            } else {
                TTL_MS
            },
            script,
            settled,
        }
    }

    fn start(&self, net: &mut Net, number: usize) -> Started {
        // What dies before its particle is on record has started none.
        net.world.cancel_crash(self.at);
        let deadline = net.world.now().plus(self.ttl_ms);
        let particle = net
            .try_start(self.at, &self.script, self.ttl_ms)
            .unwrap_or_else(|error| panic!("a particle was not started: {error}"));
        Started {
            number,
            particle,
            deadline,
        }
    }
}

fn name(number: usize) -> String {
    char::from(b'a' + number as u8).to_string()
}

/// Runs a seed.
fn run(seed: u64, aloud: bool) -> Seen {
    let plan = Plan::of(seed);
    if aloud {
        let Plan {
            peers,
            client,
            crashes,
            wipes,
            ..
        } = plan;
        println!("{peers} peers, client: {client}, crashes: {crashes}, lost disks: {wipes}");
        for planned in &plan.particles {
            let Planned {
                at,
                after_ms,
                ttl_ms,
                ..
            } = planned;
            println!(
                "{at}, after {after_ms} ms, for {ttl_ms} ms: {}",
                planned.script
            );
        }
    }
    let mut net = plan.net(seed);
    let mut rng = plan.rng.clone();
    net.weather(Weather {
        latency_ms: 1..=1 + rng.below(300),
        loss: rng.below(200) as u16,
        duplication: rng.below(200) as u16,
        in_order: rng.per_mille(300),
        notice_ms: 50..=5_000,
    });
    let mut started = Vec::new();
    let wiped = trouble(&mut net, &mut rng, &plan, &mut started, aloud);
    net.weather(Weather::fair());
    net.world.heal_all();
    for node in 0..plan.nodes() {
        net.world.cancel_crash(node);
        net.restart(node);
    }
    start_due(&mut net, &plan, u64::MAX, &mut started);
    net.run_for(REST_MS);
    net.run_until_quiet();
    if aloud {
        println!("{}", net.calls());
    }
    let had_crash = (0..plan.nodes()).any(|node| net.world.crashes(node) > 0);
    let mut seen = Seen {
        crashed: u64::from(had_crash),
        ..Seen::default()
    };
    for begun in &started {
        let together = net.check(begun.particle);
        if aloud {
            println!("{}: {together:?}", begun.number);
        }
        let met = net.meet(begun.particle);
        if !wiped && net.world.now() < begun.deadline {
            assert_eq!(
                met.waiting,
                [],
                "in particle {} nobody goes on, though everybody lives",
                begun.number
            );
            seen.alive += 1;
        }
        let planned = &plan.particles[begun.number];
        if planned.settled && planned.ttl_ms == TTL_MS && !had_crash {
            assert_eq!(
                multiset(&net, begun.particle),
                undisturbed(seed, &plan, begun.number),
                "the calls of particle {} are others without trouble",
                begun.number
            );
            seen.compared += 1;
        }
    }
    seen
}

/// Cuts, heals, crashes and restarts at random for a while, and starts the particles; true if a disk was lost.
fn trouble(
    net: &mut Net,
    rng: &mut Rng,
    plan: &Plan,
    started: &mut Vec<Started>,
    aloud: bool,
) -> bool {
    let nodes = plan.nodes() as u64;
    let begin = net.world.now();
    let end = begin.plus(TROUBLE_MS);
    let mut wiped = false;
    start_due(net, plan, 0, started);
    while net.world.now() < end {
        net.run_for(rng.below(6_000));
        let since = net.world.now().since(begin);
        start_due(net, plan, since, started);
        let (a, b) = (rng.below(nodes) as usize, rng.below(nodes) as usize);
        // Without the disk of its initiator nobody could tell what a particle was.
        let starts = plan.particles.iter().any(|planned| planned.at == a);
        let what = rng.below(10);
        match what {
            0..=2 if a != b => net.cut(a, b),
            3..=5 => net.heal(a, b),
            6 | 7 if plan.crashes => {
                if rng.per_mille(500) {
                    net.crash(a);
                } else {
                    net.world.crash_after(a, rng.below(12));
                }
            }
            8 if plan.crashes && !net.world.is_up(a) => net.restart(a),
            9 if plan.wipes && !starts && !net.world.is_up(a) => {
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

/// Starts the particles whose time has come and whose peer is up.
fn start_due(net: &mut Net, plan: &Plan, since_ms: u64, started: &mut Vec<Started>) {
    for (number, planned) in plan.particles.iter().enumerate() {
        let begun = started.iter().any(|begun| begun.number == number);
        if !begun && planned.after_ms <= since_ms && net.world.is_up(planned.at) {
            started.push(planned.start(net, number));
        }
    }
}

/// The calls of a particle when nothing goes wrong and no other one is there.
fn undisturbed(seed: u64, plan: &Plan, number: usize) -> BTreeMap<String, usize> {
    let mut net = plan.net(!seed);
    net.weather(Weather::fair());
    let begun = plan.particles[number].start(&mut net, number);
    net.run_for(TROUBLE_MS + REST_MS);
    multiset(&net, begun.particle)
}

/// How often each call of a particle was executed, with its arguments.
fn multiset(net: &Net, particle: ParticleId) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    let of_it = |made: &&weir_sim::world::Execution| made.call.context.particle == particle;
    for made in net.world.executions().iter().filter(of_it) {
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
