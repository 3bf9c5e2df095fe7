//! What a peer at rest takes.

mod net;

use weir_peer::{Event, Peer, PeerConfig};

const PEERS: usize = 2_000;
const BYTES_MAX: usize = 32 * 1024;

/// Resident memory of this process in bytes.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let status = std::fs::read_to_string("/proc/self/statm").expect("this runs on Linux");
    let pages = status
        .split(' ')
        .nth(1)
        .expect("the second number is the resident size");
    pages.parse::<usize>().expect("a number") * PAGE
}

#[test]
#[cfg(target_os = "linux")]
fn a_peer_at_rest_takes_under_32_kb() {
    let neighbours: Vec<_> = (0..4).map(|n| net::keypair(n + 100).peer_id()).collect();
    let config = net::config(1);
    let make = || {
        let config = PeerConfig {
            shared: config.shared.clone(),
            ..config.clone()
        };
        let now = weir_peer::Timestamp(1_700_000_000_000);
        let mut peer = Peer::new(config, now).expect("an empty store is not damaged");
        for neighbour in &neighbours {
            peer.handle(Event::Connected { peer: *neighbour }, now);
        }
        peer.drain();
        peer
    };
    drop(make());
    let before = resident();
    let peers: Vec<Peer> = (0..PEERS).map(|_| make()).collect();
    let each = resident().saturating_sub(before) / peers.len();
    assert!(each < BYTES_MAX, "{each} bytes");
}
