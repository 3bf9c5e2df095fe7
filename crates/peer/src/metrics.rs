//! Counters that the driver exports.

/// What a peer has done since it was made, and what it holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Frames received.
    pub frames_in: u64,
    /// Frames that were no frames of this protocol.
    pub frames_malformed: u64,
    /// Frames given to connections.
    pub frames_out: u64,
    /// Packets for this peer.
    pub packets_in: u64,
    /// Packets for this peer that it had merged already.
    pub packets_repeated: u64,
    /// Packets for this peer that it refused.
    pub packets_refused: u64,
    /// Packets of this peer's own.
    pub packets_made: u64,
    /// Own packets that were acknowledged.
    pub packets_delivered: u64,
    /// Own packets given up: no way, refused, or expired.
    pub packets_undeliverable: u64,
    /// Packets, own or for others, that the next peer takes no frame for.
    pub packets_too_large: u64,
    /// Packets sent again because no answer came.
    pub packets_resent: u64,
    /// Packets taken for others.
    pub packets_relayed: u64,
    /// Packets for others that were refused.
    pub relay_refused: u64,
    /// Particles submitted here.
    pub particles_submitted: u64,
    /// Particles that came from others.
    pub particles_joined: u64,
    /// Particles whose time to live has ended.
    pub particles_expired: u64,
    /// Times that a particle left memory before its end.
    pub particles_evicted: u64,
    /// Times that a particle was replayed from its records.
    pub particles_replayed: u64,
    /// Host functions answered.
    pub calls_native: u64,
    /// Calls given to the driver.
    pub calls_driver: u64,
    /// Calls that ended in a failure.
    pub calls_failed: u64,
    /// Calls that were not answered in time.
    pub calls_timed_out: u64,
    /// Calls refused because a queue was full.
    pub calls_rejected: u64,
    /// Calls interrupted by a restart.
    pub calls_interrupted: u64,
    /// Results that came when nobody waited for them any more.
    pub results_late: u64,
    /// Entries of others that do not hold.
    pub offences: u64,
    /// Unexpired particles now.
    pub particles: u64,
    /// Particles in memory now.
    pub particles_live: u64,
    /// Recorded bytes of unexpired particles now.
    pub particle_bytes: u64,
    /// Calls being executed by the driver now.
    pub calls_running: u64,
    /// Calls waiting for their turn now.
    pub calls_queued: u64,
    /// Own packets on their way now.
    pub outgoing: u64,
    /// Packets held for others now.
    pub relay_held: u64,
    /// Peers that this one relays for now.
    pub relay_clients: u64,
    /// Connections now.
    pub connections: u64,
    /// Entries of the address book now.
    pub contacts: u64,
}
