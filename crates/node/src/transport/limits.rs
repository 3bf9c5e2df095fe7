//! Every bound of the transport, by name.

/// The bounds of one node's connections. Each name stands in the error that
/// is given when the bound is hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportLimits {
    /// Bytes of one frame, both directions. A larger one ends the link that
    /// it comes from before any of it is read.
    pub frame_bytes: usize,
    /// Frames that wait for one neighbour. One more is refused.
    pub queue_frames: usize,
    /// Bytes of those frames. This should be no less than what the peer may
    /// have under way in all, so that only repetitions can hit it.
    pub queue_bytes: usize,
    /// Frames of at most 16 KiB that have been read and not been handled. At
    /// the limit nothing more is read until there is room.
    pub inbox_frames: usize,
    /// Bytes of larger frames that have been read or have not been handled, in
    /// steps of 16 to 256 KiB as they arrive. At the limit such frames wait,
    /// but for one at a time, for which there are `frame_bytes` beside this.
    pub inbox_bytes: usize,
    /// How long a neighbour may take nothing of what waits for it, and how
    /// long a frame may take beside the time that `frame_bytes_per_s` gives
    /// it; also how long a link may take to write what is queued when it is
    /// closed. Beyond it the link ends.
    pub stall_ms: u64,
    /// How fast the bytes of a frame have to come after the first `stall_ms`.
    /// What a frame waits for room does not count.
    pub frame_bytes_per_s: u64,
    /// Connections that others make and whose handshake is not finished.
    pub incoming_pending: u32,
    /// Connections that others have made.
    pub incoming: u32,
    /// Connections in all.
    pub connections: u32,
    /// Connections with one peer. Two are normal for a moment when both sides
    /// dial at once.
    pub connections_per_peer: u32,
    /// Streams on one connection, beside the one for frames those of identify
    /// and ping. A side that opens more is disconnected or has to wait.
    pub streams_per_connection: u32,
    /// Bytes of one QUIC connection that came and were not read yet; the side
    /// that sends has to wait. One stream can use three quarters of them, so
    /// that a link that waits for room does not silence identify and ping.
    /// A TCP connection begins with 256 KiB for each stream, and its
    /// multiplexer gives a stream that is read fast more.
    pub window_bytes: u32,
    /// Peers that are kept connected.
    pub kept: usize,
    /// First pause after a kept peer was not reached; it doubles up to
    /// `redial_ms_max`. Up to a quarter is added at random.
    pub redial_ms: u64,
    /// Longest such pause.
    pub redial_ms_max: u64,
}

impl Default for TransportLimits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        TransportLimits {
            frame_bytes: 16 * MIB + 4096,
            queue_frames: 16_384,
            queue_bytes: 512 * MIB,
            inbox_frames: 4096,
            inbox_bytes: 256 * MIB,
            stall_ms: 30_000,
            frame_bytes_per_s: 256 << 10,
            incoming_pending: 128,
            incoming: 1024,
            connections: 4096,
            connections_per_peer: 4,
            streams_per_connection: 32,
            window_bytes: 2 << 20,
            kept: 256,
            redial_ms: 250,
            redial_ms_max: 30_000,
        }
    }
}
