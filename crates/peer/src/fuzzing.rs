//! Fuzz targets: plain functions that must not panic on any bytes.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Keypair, PeerId};

use crate::wire::{Frame, Packet, PacketId};
use crate::{Event, Limits, Peer, PeerConfig, Reach, Timestamp, store};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn key(byte: u8) -> Arc<Keypair> {
    Arc::new(Keypair::from_secret(&[byte; 32]).expect("a small number is a valid key"))
}

fn peer() -> (Peer, PeerId) {
    let config = PeerConfig {
        relay: true,
        ..PeerConfig::new(key(1))
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
    let (mut peer, from) = peer();
    peer.handle(
        Event::Received {
            from,
            frame: Bytes::copy_from_slice(data),
        },
        NOW,
    );
    let mut particle = [0; 32];
    for (byte, given) in particle.iter_mut().zip(data) {
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
    peer.handle(Event::Timer, NOW.plus(2000));
    peer.drain();
}

/// A store that holds the bytes as a key and a value.
pub fn restored(data: &[u8]) {
    let at = data.first().map_or(0, |n| usize::from(*n)).min(data.len());
    let (key, value) = data.split_at(at);
    let records = [(key.to_vec(), value.to_vec())];
    let _ = Peer::restore(PeerConfig::new(self::key(1)), records, NOW);
    let _ = store::Archived::read(key, value);
}
