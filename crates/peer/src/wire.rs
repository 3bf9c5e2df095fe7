//! The envelope of `/weir/particle/1`: what stands in one transport frame.
//!
//! A frame is a canonical DAG-CBOR array whose first item is its kind:
//!
//! | Kind | Frame | Items after the kind |
//! |---|---|---|
//! | 0 | hello | version, peer id, reply wanted, largest frame, window, relay wanted, relay offered, reach record or null |
//! | 1 | particle | origin, target, hops, expiry (ms), token, particle id, message |
//! | 2 | answer | from, origin, hops, token, null or refusal |
//! | 3 | held | origin, token |
//!
//! **Hello** is the first frame in each direction. A peer that still waits for
//! the other's hello repeats its own with *reply wanted*.
//!
//! **Particle** frames are *packets*: a message of the particle engine on its
//! way from `origin` to `target`, perhaps over relays. `(origin, token)` names
//! the packet. The target answers every packet, also a repeated one; the
//! answer goes back the way the packet came. An answer without a refusal says
//! that the message has been merged and is durable. A message that asks for
//! journals, values or a start is an ordinary particle message; so is what is
//! given for it.
//!
//! **Held** is the answer of a relay for its own hop: the packet waits here
//! for its target, until it is answered or expired.
//!
//! **Credit.** The window in a hello says how many packets may be on their way
//! to the sender of the hello without either an answer or a held. The peer
//! that receives more refuses them with `overloaded: window`. Answers and
//! helds take no credit: there is at most one per packet.
//!
//! A packet that stays unanswered is sent again with the same token, so a
//! connection that loses, repeats or reorders frames costs time only.

mod codec;

use bytes::Bytes;
use weir_avm::log::ParticleId;
use weir_identity::PeerId;

use crate::error::Refusal;
use crate::time::Timestamp;

pub use codec::FrameError;

/// Version of the envelope that this crate speaks.
pub const VERSION: u16 = 1;

/// The window that counts until the neighbour's hello has come.
pub const WINDOW_BEFORE_HELLO: u32 = 16;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Who I am and what I can take.
    Hello(Hello),
    /// A particle message on its way.
    Packet(Packet),
    /// What became of a packet.
    Answer(Answer),
    /// A relay keeps the packet for its target.
    Held(PacketId),
}

/// The first frame in each direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Version of the envelope.
    pub version: u16,
    /// The sender, as the transport must have proven.
    pub peer: PeerId,
    /// The sender has no hello from the receiver yet.
    pub reply: bool,
    /// Largest frame in bytes that the sender takes.
    pub frame_bytes: u64,
    /// Packets that may be unanswered.
    pub window: u32,
    /// The sender asks the receiver to relay for it.
    pub relay_wanted: bool,
    /// The sender relays for the receiver.
    pub relay_offered: bool,
    /// The sender's reach record.
    pub reach: Option<Bytes>,
}

/// Names a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId {
    /// The peer that made it.
    pub origin: PeerId,
    /// Its number.
    pub token: u64,
}

/// A particle message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Names the packet.
    pub id: PacketId,
    /// For whom it is.
    pub target: PeerId,
    /// Peers that have passed it on so far.
    pub hops: u8,
    /// After this nobody needs it. What its origin says; a relay caps it.
    pub expires: Timestamp,
    /// The particle.
    pub particle: ParticleId,
    /// Encoded message of the particle engine.
    pub message: Bytes,
}

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who says so: the target, or a relay that refuses.
    pub from: PeerId,
    /// Which packet.
    pub packet: PacketId,
    /// Peers that have passed the answer on so far.
    pub hops: u8,
    /// Merged and durable, or why not.
    pub outcome: Result<(), Refusal>,
}

impl Frame {
    /// The bytes for the transport.
    pub fn encode(&self) -> Bytes {
        codec::encode(self)
    }

    /// Reads a frame of at most `limit` bytes. Message bytes are shared with
    /// `frame`. Anything but the canonical bytes is an error.
    pub fn decode(frame: &Bytes, limit: usize) -> Result<Frame, FrameError> {
        codec::decode(frame, limit)
    }
}
