//! Figures for Prometheus, on a loopback port.

mod server;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub(crate) use server::serve;

/// What the driver measures itself.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) turn_seconds: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) sends_refused: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Meters {
            // 10 µs to 10 s.
            turn_seconds: Histogram::new(exponential_buckets(1e-5, 4.0, 11)),
            commit_seconds: Histogram::new(exponential_buckets(1e-5, 4.0, 11)),
            sends_refused: Counter::default(),
        }
    }
}

/// Counters and sizes of a peer at one moment.
#[derive(Debug)]
struct Snapshot(weir_peer::Metrics);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let peer = &self.0;
        for (name, help, value) in [
            ("frames_in", "Frames received", peer.frames_in),
            (
                "frames_malformed",
                "Frames that were no frames of this protocol",
                peer.frames_malformed,
            ),
            ("frames_out", "Frames given to connections", peer.frames_out),
            ("packets_in", "Packets for this peer", peer.packets_in),
            (
                "packets_repeated",
                "Packets for this peer that it had merged already",
                peer.packets_repeated,
            ),
            (
                "packets_refused",
                "Packets for this peer that it refused",
                peer.packets_refused,
            ),
            (
                "packets_made",
                "Packets of this peer's own",
                peer.packets_made,
            ),
            (
                "packets_delivered",
                "Own packets that were acknowledged",
                peer.packets_delivered,
            ),
            (
                "packets_undeliverable",
                "Own packets given up",
                peer.packets_undeliverable,
            ),
            ("packets_resent", "Packets sent again", peer.packets_resent),
            (
                "packets_relayed",
                "Packets taken for others",
                peer.packets_relayed,
            ),
            (
                "relay_refused",
                "Packets for others that were refused",
                peer.relay_refused,
            ),
            (
                "particles_submitted",
                "Particles submitted here",
                peer.particles_submitted,
            ),
            (
                "particles_joined",
                "Particles that came from others",
                peer.particles_joined,
            ),
            (
                "particles_expired",
                "Particles whose time to live has ended",
                peer.particles_expired,
            ),
            (
                "particles_evicted",
                "Times that a particle left memory before its end",
                peer.particles_evicted,
            ),
            (
                "particles_replayed",
                "Times that a particle was replayed",
                peer.particles_replayed,
            ),
            ("calls_native", "Host functions answered", peer.calls_native),
            ("calls_driver", "Service calls begun", peer.calls_driver),
            (
                "calls_failed",
                "Calls that ended in a failure",
                peer.calls_failed,
            ),
            (
                "calls_timed_out",
                "Calls that were not answered in time",
                peer.calls_timed_out,
            ),
            (
                "calls_rejected",
                "Calls refused because a queue was full",
                peer.calls_rejected,
            ),
            (
                "calls_interrupted",
                "Calls interrupted by a restart",
                peer.calls_interrupted,
            ),
            (
                "results_late",
                "Results that nobody waited for any more",
                peer.results_late,
            ),
            (
                "offences",
                "Entries of others that do not hold",
                peer.offences,
            ),
        ] {
            let metric = ConstCounter::new(value);
            let described = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(described)?;
        }
        for (name, help, value) in [
            ("particles", "Unexpired particles", peer.particles),
            ("particles_live", "Particles in memory", peer.particles_live),
            (
                "particle_bytes",
                "Recorded bytes of unexpired particles",
                peer.particle_bytes,
            ),
            (
                "calls_running",
                "Service calls being executed",
                peer.calls_running,
            ),
            (
                "calls_queued",
                "Calls waiting for their turn",
                peer.calls_queued,
            ),
            ("outgoing", "Own packets on their way", peer.outgoing),
            ("relay_held", "Packets held for others", peer.relay_held),
            (
                "relay_clients",
                "Peers that this one relays for",
                peer.relay_clients,
            ),
            ("connections", "Connections", peer.connections),
            ("contacts", "Entries of the address book", peer.contacts),
        ] {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let described = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(described)?;
        }
        Ok(())
    }
}

/// Everything as `OpenMetrics` text.
fn page(peer: weir_peer::Metrics, meters: &Meters) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("weir");
    registry.register(
        "turn_seconds",
        "Time to handle what had happened",
        meters.turn_seconds.clone(),
    );
    registry.register(
        "commit_seconds",
        "Time to make a batch durable",
        meters.commit_seconds.clone(),
    );
    registry.register(
        "sends_refused",
        "Frames that a connection did not take",
        meters.sends_refused.clone(),
    );
    registry.register_collector(Box::new(Snapshot(peer)));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_counters_gauges_and_histograms() {
        let meters = Meters::default();
        meters.commit_seconds.observe(0.001);
        let peer = weir_peer::Metrics {
            frames_in: 7,
            connections: 2,
            ..weir_peer::Metrics::default()
        };
        let page = page(peer, &meters).unwrap();
        for line in [
            "weir_frames_in_total 7",
            "weir_connections 2",
            "weir_commit_seconds_count 1",
            "# EOF",
        ] {
            assert!(
                page.lines().any(|found| found == line),
                "{line} is missing in {page}"
            );
        }
    }
}
