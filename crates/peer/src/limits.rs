//! Every bound of a peer, by name.

use serde::{Deserialize, Serialize};

/// The bounds of one peer.
///
/// Each name stands in the refusal or error that is given when the bound is
/// hit. Reaching a bound refuses or delays, it never drops in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one frame on a connection, both directions. A larger one is
    /// refused; a connection that sends it is closed.
    pub frame_bytes: usize,
    /// Packets a neighbour may have sent here without an answer yet (its
    /// credit). More are refused as overload.
    pub window: u32,
    /// Bytes of one particle message.
    pub message_bytes: usize,
    /// Bytes of a script.
    pub script_bytes: usize,
    /// Instructions of a script.
    pub script_nodes: usize,
    /// Nesting of a script.
    pub script_depth: usize,
    /// Elements in one stream or map that a particle may declare; the value
    /// that particles submitted here declare.
    pub stream_elements: u32,
    /// Activations that a particle may declare, likewise.
    pub activations: u32,
    /// Elements of folds entered one inside the other that a particle may
    /// declare, likewise.
    pub fold_depth: u32,
    /// Bytes of one value that a particle may declare, likewise.
    pub value_bytes: u32,
    /// How far ahead of the own clock a particle's timestamp may be.
    pub clock_skew_ms: u64,
    /// Longest accepted time to live of a particle.
    pub ttl_ms: u64,
    /// How long the records of an expired particle are kept, unless its
    /// initiator is this peer and asked to keep the log.
    pub retention_ms: u64,
    /// Unexpired particles in all.
    pub particles: usize,
    /// Unexpired particles of one initiator.
    pub particles_per_initiator: usize,
    /// Bytes of one particle: its script and its records. What comes from
    /// others is refused, calls made here fail, and a particle that goes on
    /// past an eighth more makes no entries.
    pub particle_bytes: u64,
    /// The same of all unexpired particles.
    pub particles_bytes: u64,
    /// A particle without activity for so long leaves memory; it is replayed
    /// from its records when something concerns it. After half of that time it
    /// repeats unanswered deliveries once, before others have it to replay.
    pub idle_ms: u64,
    /// Messages that wait for a script or for records, per particle.
    pub parked_per_particle: usize,
    /// Messages that wait for a script or for records, in all.
    pub parked: usize,
    /// Particles that are being read back from the store at one time.
    pub loads: usize,
    /// First interval after which a particle in memory repeats unanswered
    /// deliveries; it doubles up to `nudge_max_ms`.
    pub nudge_ms: u64,
    /// Longest interval between repeated deliveries.
    pub nudge_max_ms: u64,
    /// Service calls being executed by the driver at one time.
    pub calls: usize,
    /// Calls waiting for their turn, in all.
    pub calls_queued: usize,
    /// Calls waiting for their turn, per initiator.
    pub calls_queued_per_initiator: usize,
    /// Longest time that a service call may take.
    pub call_ms: u64,
    /// Host functions answered in one turn; the rest follows in the next one,
    /// so that no particle keeps the others waiting. Each KiB of arguments and
    /// result counts as one more.
    pub natives_per_turn: usize,
    /// Tasks of evaluation in one turn: an instruction takes about two, and
    /// 50,000 some ten milliseconds. A particle that has more to do goes on in
    /// its next turn, after others; meanwhile its messages and results wait.
    pub tasks_per_turn: u64,
    /// Canonical bytes of one call's result.
    pub result_bytes: usize,
    /// Pending `peer.timeout` calls per initiator.
    pub timeouts_per_initiator: usize,
    /// Pending `peer.connect` calls in all.
    pub connects: usize,
    /// Services registered here.
    pub services: usize,
    /// Aliases of one service.
    pub aliases_per_service: usize,
    /// Packets on their way that nobody has answered for good.
    pub outgoing: usize,
    /// Bytes of those packets.
    pub outgoing_bytes: usize,
    /// Packets on their way to one peer.
    pub outgoing_per_peer: usize,
    /// Bytes of those packets.
    pub outgoing_bytes_per_peer: usize,
    /// First interval after which an unanswered packet is sent again; it
    /// doubles up to `resend_max_ms`.
    pub resend_ms: u64,
    /// Longest interval between repetitions of a packet.
    pub resend_max_ms: u64,
    /// First pause after a failed dial; it doubles up to `redial_max_ms`.
    pub redial_ms: u64,
    /// Longest pause between dials of one peer.
    pub redial_max_ms: u64,
    /// How long a dial may take before it counts as failed.
    pub dial_ms: u64,
    /// Neighbours (connected, being dialled, or waited for) in all.
    pub neighbours: usize,
    /// Peers for which this one is a relay.
    pub relay_clients: usize,
    /// Packets held for relay clients in all.
    pub relay_held: usize,
    /// Packets held for one relay client.
    pub relay_held_per_client: usize,
    /// Bytes of packets held for relay clients.
    pub relay_held_bytes: usize,
    /// Longest way of a packet, in hops between peers.
    pub hops: u8,
    /// Entries of the address book.
    pub contacts: usize,
    /// Addresses in one reach record, its own or of one relay.
    pub addresses_per_contact: usize,
    /// Bytes of one address.
    pub address_bytes: usize,
    /// Relays in one reach record.
    pub relays_per_contact: usize,
    /// How long an own reach record is valid; it is renewed at half of it.
    pub reach_ms: u64,
    /// Parsed scripts kept in the cache that peers share.
    pub scripts: usize,
    /// Bytes of script text in that cache.
    pub scripts_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Limits {
            frame_bytes: 16 * MIB + 4096,
            window: 256,
            message_bytes: 16 * MIB,
            script_bytes: 8 * MIB,
            script_nodes: 1_000_000,
            script_depth: 100_000,
            stream_elements: 1_000_000,
            activations: 4_000_000,
            fold_depth: 1_000_000,
            value_bytes: 64 * MIB as u32,
            clock_skew_ms: 30_000,
            ttl_ms: 600_000,
            retention_ms: 0,
            particles: 200_000,
            particles_per_initiator: 100_000,
            particle_bytes: 256 * MIB as u64,
            particles_bytes: 1024 * MIB as u64,
            idle_ms: 3_000,
            parked_per_particle: 32,
            parked: 1024,
            loads: 32,
            nudge_ms: 5_000,
            nudge_max_ms: 60_000,
            calls: 64,
            calls_queued: 524_288,
            calls_queued_per_initiator: 131_072,
            call_ms: 60_000,
            natives_per_turn: 4096,
            tasks_per_turn: 50_000,
            result_bytes: 8 * MIB,
            timeouts_per_initiator: 1024,
            connects: 256,
            services: 10_000,
            aliases_per_service: 64,
            outgoing: 65_536,
            outgoing_bytes: 256 * MIB,
            outgoing_per_peer: 32_768,
            outgoing_bytes_per_peer: 128 * MIB,
            resend_ms: 3_000,
            resend_max_ms: 30_000,
            redial_ms: 500,
            redial_max_ms: 30_000,
            dial_ms: 10_000,
            neighbours: 4096,
            relay_clients: 1024,
            relay_held: 16_384,
            relay_held_per_client: 1024,
            relay_held_bytes: 128 * MIB,
            hops: 4,
            contacts: 10_000,
            addresses_per_contact: 16,
            address_bytes: 256,
            relays_per_contact: 4,
            reach_ms: 3_600_000,
            scripts: 4096,
            scripts_bytes: 64 * MIB,
        }
    }
}
