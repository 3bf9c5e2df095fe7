//! Peers that are to stay connected.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::time::Instant;
use weir_identity::PeerId;

use super::limits::TransportLimits;

/// When which peer is to be dialled again.
#[derive(Debug)]
pub(super) struct Kept {
    redial_ms: u64,
    redial_ms_max: u64,
    max: usize,
    peers: HashMap<PeerId, Pause>,
}

#[derive(Debug)]
struct Pause {
    addresses: Vec<Multiaddr>,
    /// Length of the next pause.
    ms: u64,
    /// When the pause is over; none while connected or dialling.
    until: Option<Instant>,
    /// Since when there is a connection.
    since: Option<Instant>,
}

impl Kept {
    pub(super) fn new(limits: &TransportLimits) -> Self {
        Kept {
            redial_ms: limits.redial_ms.max(1),
            redial_ms_max: limits.redial_ms_max.max(limits.redial_ms),
            max: limits.kept,
            peers: HashMap::new(),
        }
    }

    /// Keeps a peer, or changes its addresses. False if there are too many.
    pub(super) fn add(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        if self.peers.len() >= self.max && !self.peers.contains_key(&peer) {
            tracing::warn!(%peer, "not kept: the limit kept = {} is reached", self.max);
            return false;
        }
        self.peers.insert(
            peer,
            Pause {
                addresses,
                ms: self.redial_ms,
                until: None,
                since: None,
            },
        );
        true
    }

    pub(super) fn addresses(&self, peer: &PeerId) -> Option<Vec<Multiaddr>> {
        self.peers.get(peer).map(|pause| pause.addresses.clone())
    }

    /// There is a connection. If it lasts for the longest pause, the next
    /// pause is short again: a peer that accepts and then closes, because it
    /// is full or speaks another version, is not dialled without end.
    pub(super) fn reached(&mut self, peer: &PeerId) {
        if let Some(pause) = self.peers.get_mut(peer) {
            pause.until = None;
            pause.since.get_or_insert_with(Instant::now);
        }
    }

    /// There is no connection: it is tried again after a pause.
    pub(super) fn failed(&mut self, peer: &PeerId) {
        let lasting = Duration::from_millis(self.redial_ms_max);
        if let Some(pause) = self.peers.get_mut(peer) {
            let since = pause.since.take();
            if since.is_some_and(|since| since.elapsed() >= lasting) {
                pause.ms = self.redial_ms;
            }
            let ms = pause.ms + jitter(pause.ms / 4);
            pause.until = Some(Instant::now() + Duration::from_millis(ms));
            pause.ms = pause.ms.saturating_mul(2).min(self.redial_ms_max);
        }
    }

    /// Waits until a peer is to be dialled again. Can be dropped at any time.
    pub(super) async fn next_due(&mut self) -> PeerId {
        let due = self
            .peers
            .iter()
            .filter_map(|(peer, pause)| Some((pause.until?, *peer)))
            .min();
        let Some((until, peer)) = due else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(until).await;
        if let Some(pause) = self.peers.get_mut(&peer) {
            pause.until = None;
        }
        peer
    }
}

/// A random number up to `max`; without a source of randomness, none.
fn jitter(max: u64) -> u64 {
    getrandom::u64().map_or(0, |random| random % (max + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (Kept, PeerId) {
        let limits = TransportLimits {
            redial_ms: 100,
            redial_ms_max: 1000,
            ..TransportLimits::default()
        };
        let peer = weir_identity::Keypair::from_secret(&[7; 32])
            .unwrap()
            .peer_id();
        let mut kept = Kept::new(&limits);
        assert!(kept.add(peer, Vec::new()));
        (kept, peer)
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_limit_and_begin_anew_after_a_connection_that_lasted() {
        let (mut kept, peer) = kept();
        let mut pauses = Vec::new();
        for round in 0..8 {
            if round >= 6 {
                kept.reached(&peer);
                let lasted_ms = if round == 7 { 1000 } else { 999 };
                tokio::time::advance(Duration::from_millis(lasted_ms)).await;
            }
            kept.failed(&peer);
            let begin = Instant::now();
            assert_eq!(kept.next_due().await, peer);
            pauses.push(begin.elapsed().as_millis());
        }
        for (pause, least) in pauses
            .iter()
            .zip([100, 200, 400, 800, 1000, 1000, 1000, 100])
        {
            assert!(
                (least..=least + least / 4 + 1).contains(pause),
                "{pauses:?}"
            );
        }
    }

    #[test]
    fn no_more_peers_are_kept_than_allowed() {
        let limits = TransportLimits {
            kept: 1,
            ..TransportLimits::default()
        };
        let peer = |seed| {
            weir_identity::Keypair::from_secret(&[seed; 32])
                .unwrap()
                .peer_id()
        };
        let mut kept = Kept::new(&limits);
        assert!(kept.add(peer(1), Vec::new()));
        assert!(!kept.add(peer(2), Vec::new()));
        assert!(kept.add(peer(1), Vec::new()));
    }
}
