//! Ten thousand peers in one process, each of which starts a particle that its neighbour answers.
//!
//! `cargo bench --profile release -p weir-sim` prints these lines of `docs/benchmarks.md`.

use std::time::Instant;

use peak_alloc::PeakAlloc;
use weir_peer::{Limits, Submit, Timestamp};
use weir_sim::world::{Spec, World};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const PEERS: usize = 10_000;

fn main() {
    let before = ALLOCATOR.current_usage();
    let clock = Instant::now();
    let mut world = World::with_limits(1, Timestamp(1_700_000_000_000), Limits::default());
    for number in 0..PEERS {
        world.add(Spec::new(&format!("p{number}")));
    }
    for node in 0..PEERS {
        world.introduce(node, (node + 1) % PEERS);
    }
    let boot_s = clock.elapsed().as_secs_f64();
    let kib = (ALLOCATOR.current_usage() - before) as f64 / PEERS as f64 / 1024.0;
    line(
        "a peer at rest, with its share of the simulator",
        &format!("{kib:.1} KiB"),
        "under 32 KiB",
    );
    line(
        "10,000 peers in one process start",
        &format!("{boot_s:.2} s"),
        "",
    );

    let clock = Instant::now();
    for node in 0..PEERS {
        let neighbour = world.id((node + 1) % PEERS);
        let script = format!(
            r#"(seq (call "{neighbour}" ("s" "f") [1] x) (call %init_peer_id% ("s" "g") [x]))"#
        );
        let submit = Submit {
            script: script.into(),
            nonce: [0; 16],
            ttl_ms: 60_000,
            timestamp: None,
            client: None,
            keep: false,
        };
        world
            .submit(node, submit)
            .expect("the peer is up")
            .expect("the peer has room");
    }
    assert!(
        world.run_until_quiet_within(60_000),
        "every particle comes back"
    );
    let seconds = clock.elapsed().as_secs_f64();
    assert_eq!(
        world.executions().len(),
        2 * PEERS,
        "every particle makes two calls"
    );
    let rate = PEERS as f64 / seconds;
    line(
        "10,000 peers, a particle there and back for each",
        &format!("{rate:.0} particles/s"),
        "",
    );
    let working = (ALLOCATOR.current_usage() - before) as f64 / PEERS as f64 / 1024.0;
    line(
        "a peer with two particles in memory, with disk and history",
        &format!("{working:.1} KiB"),
        "",
    );
}

fn line(name: &str, figure: &str, goal: &str) {
    println!("bench: sim: {name} | {figure} | {goal}");
}
