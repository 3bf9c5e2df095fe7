//! Fuzz targets: plain functions that must not panic on any bytes.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Keypair, PeerId};

use crate::wire::{Frame, Packet, PacketId};
use crate::{Effect, Event, Limits, Peer, PeerConfig, Reach, Refusal, Timestamp, store};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn key(byte: u8) -> Arc<Keypair> {
    Arc::new(Keypair::from_secret(&[byte; 32]).expect("a small number is a valid key"))
}

fn peer() -> (Peer, PeerId) {
    let limits = Limits {
        activations: u32::MAX,
        ..Limits::default()
    };
    let config = PeerConfig {
        relay: true,
        limits: Arc::new(limits),
        ..PeerConfig::new(key(3))
    };
    let mut peer = Peer::new(config, NOW).expect("an empty store is not damaged");
    let from = key(2).peer_id();
    peer.handle(Event::Connected { peer: from }, NOW);
    (peer, from)
}

/// A frame that decodes has exactly these bytes.
pub fn frame(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(frame) = Frame::decode(&bytes, 1 << 20) {
        assert_eq!(frame.encode(), bytes, "frames have one encoding");
    }
}

/// A reach record.
pub fn reach(data: &[u8]) {
    let _ = Reach::verify(data, &Limits::default());
}

/// A peer that gets the bytes as a frame, and as the message of a packet.
pub fn received(data: &[u8]) {
    receive(data);
}

/// The same; tells whether the connection survived the frame, and what the
/// packet was answered.
pub fn receive(data: &[u8]) -> (bool, Option<Result<(), Refusal>>) {
    let (mut peer, from) = peer();
    let frame = Bytes::copy_from_slice(data);
    // A hello is worth something from the peer that it names.
    let sender = match Frame::decode(&frame, 1 << 20) {
        Ok(Frame::Hello(hello)) => hello.peer,
        _ => from,
    };
    if sender != from {
        peer.handle(Event::Connected { peer: sender }, NOW);
    }
    peer.handle(
        Event::Received {
            from: sender,
            frame,
        },
        NOW,
    );
    let closes = |effect: &Effect| matches!(effect, Effect::Disconnect { .. });
    let survived = !peer.drain().iter().any(closes);
    // A message says its version and then its particle.
    let mut particle = [0; 32];
    for (byte, given) in particle.iter_mut().zip(data.iter().skip(1)) {
        *byte = *given;
    }
    let packet = Packet {
        id: PacketId {
            origin: from,
            token: 1,
        },
        target: peer.id(),
        hops: 0,
        expires: NOW.plus(1000),
        particle: weir_identity::Hash::from(particle).into(),
        message: Bytes::copy_from_slice(data),
    };
    peer.handle(
        Event::Received {
            from,
            frame: Frame::Packet(packet).encode(),
        },
        NOW,
    );
    let answers = peer.drain().into_iter().filter_map(|effect| match effect {
        Effect::Send { frame, .. } => match Frame::decode(&frame, 1 << 20) {
            Ok(Frame::Answer(answer)) => Some(answer.outcome),
            _ => None,
        },
        _ => None,
    });
    let answered = answers.last();
    peer.handle(Event::Timer, NOW.plus(2000));
    peer.drain();
    (survived, answered)
}

/// A store that holds the bytes as a key and a value. The first byte is the
/// length of the key and of itself.
pub fn restored(data: &[u8]) {
    restore(data);
}

/// The same; tells whether the record is one of this crate.
pub fn restore(data: &[u8]) -> bool {
    let (length, rest) = data.split_first().unwrap_or((&0, &[]));
    let length = usize::from(*length).saturating_sub(1);
    let (key, value) = rest.split_at(length.min(rest.len()));
    let records = [(key.to_vec(), value.to_vec())];
    let restored = Peer::restore(PeerConfig::new(self::key(1)), records, NOW);
    let archived = store::Archived::read(key, value);
    match restored {
        // Restoring does not look into what is read on demand only.
        Ok(_) => key.first() != Some(&store::ARCHIVE) || archived.is_ok(),
        // A particle without its script, which is another record.
        Err(error) => error
            .to_string()
            .contains("the script of a particle is missing"),
    }
}
