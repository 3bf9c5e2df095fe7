//! Bytes of frames.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::{ByteArray, ByteBuf};
use thiserror::Error;
use weir_avm::log::ParticleId;
use weir_identity::{Hash, PeerId};

use super::{Answer, Frame, Hello, Packet, PacketId};
use crate::error::Refusal;
use crate::time::Timestamp;

const HELLO: u8 = 0;
const PACKET: u8 = 1;
const ANSWER: u8 = 2;
const HELD: u8 = 3;

/// Bytes of a hello, an answer or a held. They carry nothing large.
const SMALL_FRAME_BYTES: usize = 64 * 1024;
/// Bytes of a text inside a refusal.
const REFUSAL_TEXT_BYTES: usize = 1024;

type HelloItems = (u8, u16, PeerId, bool, u64, u32, bool, bool, Option<ByteBuf>);
type PacketItems<'a> = (
    u8,
    PeerId,
    PeerId,
    u8,
    u64,
    u64,
    ByteArray<32>,
    &'a serde_bytes::Bytes,
);
type AnswerItems = (u8, PeerId, PeerId, u8, u64, Option<Refusal>);
type HeldItems = (u8, PeerId, u64);

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More bytes than allowed.
    #[error("frame of {bytes} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// Size of the frame.
        bytes: usize,
        /// The limit for this kind of frame.
        limit: usize,
    },
    /// Not an array that begins with a known kind.
    #[error("frame of unknown kind")]
    UnknownKind,
    /// The items are not those of the kind.
    #[error("malformed frame: {0}")]
    Malformed(String),
    /// The same content has other bytes.
    #[error("frame is not canonical DAG-CBOR")]
    NotCanonical,
}

pub(super) fn encode(frame: &Frame) -> Bytes {
    match frame {
        Frame::Hello(hello) => bytes(&(
            HELLO,
            hello.version,
            hello.peer,
            hello.reply,
            hello.frame_bytes,
            hello.window,
            hello.relay_wanted,
            hello.relay_offered,
            hello
                .reach
                .as_ref()
                .map(|reach| serde_bytes::Bytes::new(reach)),
        )),
        Frame::Packet(packet) => bytes(&packet_items(packet)),
        Frame::Answer(answer) => bytes(&(
            ANSWER,
            answer.from,
            answer.packet.origin,
            answer.hops,
            answer.packet.token,
            answer.outcome.as_ref().err(),
        )),
        Frame::Held(packet) => bytes(&(HELD, packet.origin, packet.token)),
    }
}

fn packet_items(packet: &Packet) -> PacketItems<'_> {
    (
        PACKET,
        packet.id.origin,
        packet.target,
        packet.hops,
        packet.expires.ms(),
        packet.id.token,
        ByteArray::new(*packet.particle.as_bytes()),
        serde_bytes::Bytes::new(&packet.message),
    )
}

fn bytes(items: &impl Serialize) -> Bytes {
    let bytes = serde_ipld_dagcbor::to_vec(items);
    Bytes::from(bytes.expect("numbers, bytes and texts always encode, and a Vec takes all bytes"))
}

pub(super) fn decode(frame: &Bytes, limit: usize) -> Result<Frame, FrameError> {
    let kind = match frame.get(..2) {
        Some([head, kind]) if head >> 5 == 4 => *kind,
        _ => return Err(FrameError::UnknownKind),
    };
    let limit = if kind == PACKET {
        limit
    } else {
        limit.min(SMALL_FRAME_BYTES)
    };
    if frame.len() > limit {
        return Err(FrameError::TooLarge {
            bytes: frame.len(),
            limit,
        });
    }
    let decoded = match kind {
        HELLO => Frame::Hello(hello(items(frame)?)),
        PACKET => Frame::Packet(packet(frame)?),
        ANSWER => Frame::Answer(answer(items(frame)?)?),
        HELD => {
            let (_, origin, token): HeldItems = items(frame)?;
            Frame::Held(PacketId { origin, token })
        }
        _ => return Err(FrameError::UnknownKind),
    };
    if encode(&decoded) == *frame {
        Ok(decoded)
    } else {
        Err(FrameError::NotCanonical)
    }
}

fn items<T: DeserializeOwned>(frame: &[u8]) -> Result<T, FrameError> {
    serde_ipld_dagcbor::from_slice(frame).map_err(|error| FrameError::Malformed(error.to_string()))
}

fn hello(items: HelloItems) -> Hello {
    let (_, version, peer, reply, frame_bytes, window, relay_wanted, relay_offered, reach) = items;
    Hello {
        version,
        peer,
        reply,
        frame_bytes,
        window,
        relay_wanted,
        relay_offered,
        reach: reach.map(|bytes| Bytes::from(bytes.into_vec())),
    }
}

fn packet(frame: &Bytes) -> Result<Packet, FrameError> {
    let items: PacketItems<'_> = serde_ipld_dagcbor::from_slice(frame)
        .map_err(|error| FrameError::Malformed(error.to_string()))?;
    let (_, origin, target, hops, expires, token, particle, message) = items;
    Ok(Packet {
        id: PacketId { origin, token },
        target,
        hops,
        expires: Timestamp(expires),
        particle: ParticleId::from(Hash::from(particle.into_array())),
        message: frame.slice_ref(message),
    })
}

fn answer(items: AnswerItems) -> Result<Answer, FrameError> {
    let (_, from, origin, hops, token, refusal) = items;
    if refusal
        .as_ref()
        .is_some_and(|r| r.text_bytes() > REFUSAL_TEXT_BYTES)
    {
        return Err(FrameError::Malformed("refusal text too long".to_owned()));
    }
    let outcome = refusal.map_or(Ok(()), Err);
    Ok(Answer {
        from,
        packet: PacketId { origin, token },
        hops,
        outcome,
    })
}
