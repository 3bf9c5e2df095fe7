//! The vectors of `docs/particle-protocol.md` are what the code makes.

use bytes::Bytes;
use weir_identity::{Hash, Keypair};
use weir_peer::wire::{Answer, Frame, Hello, Packet, PacketId, VERSION};
use weir_peer::{Contact, Reach, Refusal, Timestamp};

const DOCUMENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/particle-protocol.md"
);

const OPENING: &str = "```vectors\n";

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn vectors() -> String {
    let keys = [1u8, 2].map(|byte| Keypair::from_secret(&[byte; 32]).expect("a valid key"));
    let peers = [keys[0].peer_id(), keys[1].peer_id()];
    let reach = Reach {
        peer: peers[0],
        addresses: vec!["/ip4/127.0.0.1/tcp/977".into()],
        relays: vec![Contact {
            peer: peers[1],
            addresses: Vec::new(),
        }],
        issued: Timestamp(1_700_000_000_000),
        expires: Timestamp(1_700_003_600_000),
    };
    let record = reach.sign(&keys[0]);
    let id = PacketId {
        origin: peers[0],
        token: 7,
    };
    let hello = Hello {
        version: VERSION,
        peer: peers[0],
        reply: true,
        frame_bytes: 16_781_312,
        window: 256,
        relay_wanted: false,
        relay_offered: true,
        reach: None,
    };
    let packet = Packet {
        id,
        target: peers[1],
        hops: 1,
        expires: Timestamp(1_700_000_060_000),
        particle: Hash::from([9; 32]).into(),
        message: Bytes::from_static(b"message"),
    };
    let answer = |outcome| Answer {
        from: peers[1],
        packet: id,
        hops: 0,
        outcome,
    };
    let refusal = Refusal::Overloaded {
        limit: "particles".to_owned(),
        value: 20_000,
    };
    let incomplete = Refusal::Incomplete {
        what: "the start of the particle".to_owned(),
    };
    let frames = [
        ("hello", Frame::Hello(hello)),
        ("packet", Frame::Packet(packet)),
        ("accepted", Frame::Answer(answer(Ok(())))),
        ("overloaded", Frame::Answer(answer(Err(refusal)))),
        ("no relay", Frame::Answer(answer(Err(Refusal::NoRelay)))),
        ("incomplete", Frame::Answer(answer(Err(incomplete)))),
        ("held", Frame::Held(id)),
    ];
    let mut lines = vec![
        format!("peer 0 = {}", hex(&peers[0].to_bytes())),
        format!("peer 1 = {}", hex(&peers[1].to_bytes())),
        format!("reach record = {}", hex(&record)),
    ];
    for (name, frame) in frames {
        lines.push(format!("{name} = {}", hex(&frame.encode())));
    }
    lines.join("\n") + "\n"
}

/// `UPDATE_EXPECT=1` writes them into the document.
#[test]
fn the_document_shows_the_bytes_that_are_sent() {
    let document = std::fs::read_to_string(DOCUMENT).expect("the document is in the repository");
    let (before, rest) = document
        .split_once(OPENING)
        .expect("the document has vectors");
    let (shown, after) = rest.split_once("```").expect("the block ends");
    let expected = vectors();
    if std::env::var_os("UPDATE_EXPECT").is_some() && shown != expected {
        let document = format!("{before}{OPENING}{expected}```{after}");
        std::fs::write(DOCUMENT, document).expect("the document can be written");
    } else {
        assert_eq!(shown, expected);
    }
}
