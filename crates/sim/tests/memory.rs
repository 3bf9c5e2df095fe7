//! What a peer at rest costs. Alone in its binary, because it counts every allocation of the process.

use peak_alloc::PeakAlloc;
use weir_peer::Limits;
use weir_sim::net::Net;
use weir_sim::world::Spec;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Peers that are measured together.
const PEERS: usize = 500;

/// The goal for one of them.
const BYTES_MAX: usize = 32 * 1024;

#[test]
fn a_peer_at_rest_takes_less_than_32_kib() {
    let mut net = Net::empty(1, Limits::default());
    let hub = net.world.add(Spec::new("hub"));
    let before = ALLOCATOR.current_usage();
    for number in 0..PEERS {
        let node = net.world.add(Spec::new(&format!("p{number}")));
        net.world.introduce(node, hub);
    }
    let fresh = (ALLOCATOR.current_usage() - before) / PEERS;

    let busy = ALLOCATOR.current_usage();
    for node in 1..=PEERS {
        let started = net.try_start(node, r#"(call "@hub" ("s" "hello") [1 2] x)"#, 20_000);
        started.expect("the peer has room");
    }
    net.run_until_quiet();
    assert_eq!(net.count("s", "hello"), PEERS);
    let working = (ALLOCATOR.current_usage() - busy) / PEERS;
    net.run_for(600_000);
    net.forget();
    let rested = (ALLOCATOR.current_usage() - before) / PEERS;
    println!(
        "bytes per peer: {fresh} fresh, {working} more with a particle under way, {rested} at rest after it"
    );
    println!(
        "bench: sim: a peer at rest after its first particle, with its half of a hub's connection | {:.1} KiB | under 32 KiB",
        rested as f64 / 1024.0
    );
    assert!(
        fresh < BYTES_MAX && rested < BYTES_MAX,
        "{fresh} fresh, {rested} at rest"
    );
}
