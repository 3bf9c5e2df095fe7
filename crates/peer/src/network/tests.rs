//! Relaying, credit and routes, seen from one peer.

use bytes::Bytes;

use super::*;
use crate::testing::{keypair, peer_id};

const NOW: Timestamp = Timestamp(1_000_000);

fn network(change: impl FnOnce(&mut PeerConfig)) -> Network {
    let mut config = PeerConfig {
        relay: true,
        ..PeerConfig::new(keypair(1))
    };
    change(&mut config);
    Network::new(&config)
}

fn packet(origin: u8, target: u8, token: u64) -> Packet {
    Packet {
        id: PacketId {
            origin: peer_id(origin),
            token,
        },
        target: peer_id(target),
        hops: 0,
        expires: NOW.plus(60_000),
        particle: weir_identity::Hash::from([7; 32]).into(),
        message: Bytes::from_static(b"message"),
    }
}

fn hello(peer: u8, window: u32, relay_wanted: bool) -> Frame {
    Frame::Hello(Hello {
        version: VERSION,
        peer: peer_id(peer),
        reply: false,
        frame_bytes: 1 << 20,
        window,
        relay_wanted,
        relay_offered: false,
        reach: None,
    })
}

fn receive(network: &mut Network, from: u8, frame: &Frame) {
    network.on_received(peer_id(from), &frame.encode(), NOW);
}

/// Connects a neighbour and throws away the greetings.
fn greet(network: &mut Network, peer: u8, window: u32, relay_wanted: bool) {
    network.on_connected(peer_id(peer), NOW);
    receive(network, peer, &hello(peer, window, relay_wanted));
    network.take_effects();
    while network.upcall().is_some() {}
}

fn sent(network: &mut Network) -> Vec<(PeerId, Frame)> {
    let effects = network.take_effects().into_iter();
    let frames = effects.filter_map(|effect| match effect {
        Effect::Send { to, frame } => Some((to, Frame::decode(&frame, 1 << 20).unwrap())),
        _ => None,
    });
    frames.collect()
}

fn send(network: &mut Network, target: u8, text: &'static [u8]) -> u64 {
    let particle = weir_identity::Hash::from([text[0]; 32]).into();
    network.send(
        peer_id(target),
        particle,
        Bytes::from_static(text),
        NOW.plus(60_000),
        NOW,
    )
}

#[test]
fn a_relay_offers_itself_to_those_who_ask() {
    let mut network = network(|_| {});
    network.on_connected(peer_id(2), NOW);
    sent(&mut network);
    receive(&mut network, 2, &hello(2, 8, true));
    let frames = sent(&mut network);
    assert!(
        matches!(&frames[..], [(_, Frame::Hello(hello))] if hello.relay_offered),
        "{frames:?}"
    );
}

#[test]
fn a_packet_for_a_client_passes_with_one_hop_more_and_its_answer_comes_back() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 8, false);
    greet(&mut network, 3, 8, true);
    receive(&mut network, 2, &Frame::Packet(packet(2, 3, 5)));
    let id = PacketId {
        origin: peer_id(2),
        token: 5,
    };
    let passed = Packet {
        hops: 1,
        ..packet(2, 3, 5)
    };
    assert_eq!(
        sent(&mut network),
        [
            (peer_id(2), Frame::Held(id)),
            (peer_id(3), Frame::Packet(passed))
        ]
    );
    let answer = Answer {
        from: peer_id(3),
        packet: id,
        hops: 0,
        outcome: Ok(()),
    };
    receive(&mut network, 3, &Frame::Answer(answer.clone()));
    assert_eq!(
        sent(&mut network),
        [(peer_id(2), Frame::Answer(Answer { hops: 1, ..answer }))]
    );
    assert_eq!(network.parcels.held, 0);
}

#[test]
fn a_packet_between_strangers_is_not_relayed() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 8, false);
    greet(&mut network, 3, 8, false);
    receive(&mut network, 2, &Frame::Packet(packet(2, 3, 5)));
    let frames = sent(&mut network);
    assert!(
        matches!(
            &frames[..],
            [(
                _,
                Frame::Answer(Answer {
                    outcome: Err(Refusal::NoRelay),
                    ..
                })
            )]
        ),
        "{frames:?}"
    );
}

#[test]
fn a_relay_that_holds_too_much_says_so() {
    let mut network = network(|config| {
        config.limits = Arc::new(Limits {
            relay_held_per_client: 1,
            ..Limits::default()
        });
    });
    greet(&mut network, 2, 8, false);
    greet(&mut network, 3, 8, true);
    network.on_disconnected(peer_id(3), NOW);
    receive(&mut network, 2, &Frame::Packet(packet(2, 3, 5)));
    receive(&mut network, 2, &Frame::Packet(packet(2, 3, 5)));
    receive(&mut network, 2, &Frame::Packet(packet(2, 3, 6)));
    let frames: Vec<Frame> = sent(&mut network)
        .into_iter()
        .map(|(_, frame)| frame)
        .collect();
    let id = PacketId {
        origin: peer_id(2),
        token: 5,
    };
    assert_eq!(
        frames[..2],
        [Frame::Held(id), Frame::Held(id)],
        "a repeated packet is held once"
    );
    let refusal = Refusal::overloaded("relay_held_per_client", 1);
    assert!(matches!(&frames[2], Frame::Answer(answer) if answer.outcome == Err(refusal)));
}

#[test]
fn a_packet_goes_round_no_further_than_allowed() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 8, false);
    greet(&mut network, 3, 8, true);
    receive(
        &mut network,
        2,
        &Frame::Packet(Packet {
            hops: 4,
            ..packet(2, 3, 5)
        }),
    );
    let frames = sent(&mut network);
    assert!(
        matches!(&frames[..], [(_, Frame::Answer(a))] if a.outcome == Err(Refusal::TooManyHops { limit: 4 }))
    );
}

#[test]
fn no_more_packets_are_written_than_the_neighbour_gives_credit_for() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 2, false);
    let tokens: Vec<u64> = [b"a", b"b", b"c"]
        .into_iter()
        .map(|text| send(&mut network, 2, text))
        .collect();
    assert_eq!(sent(&mut network).len(), 2);
    let packet = PacketId {
        origin: peer_id(1),
        token: tokens[0],
    };
    let answer = Answer {
        from: peer_id(2),
        packet,
        hops: 0,
        outcome: Ok(()),
    };
    receive(&mut network, 2, &Frame::Answer(answer));
    assert_eq!(sent(&mut network).len(), 1);
    let upcall = network.upcall();
    assert!(
        matches!(
            upcall,
            Some(Upcall::Settled {
                outcome: Ok(()),
                ..
            })
        ),
        "{upcall:?}"
    );
}

#[test]
fn a_neighbour_that_ignores_its_credit_is_refused() {
    let mut network = network(|config| {
        config.limits = Arc::new(Limits {
            window: 1,
            ..Limits::default()
        });
    });
    greet(&mut network, 2, 8, false);
    receive(&mut network, 2, &Frame::Packet(packet(2, 1, 5)));
    receive(&mut network, 2, &Frame::Packet(packet(2, 1, 6)));
    let frames = sent(&mut network);
    let refusal = Refusal::overloaded("window", 1);
    assert!(matches!(&frames[..], [(_, Frame::Answer(answer))] if answer.outcome == Err(refusal)));
}

#[test]
fn an_acknowledgement_counts_only_from_where_the_packet_went() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 8, false);
    greet(&mut network, 3, 8, false);
    let token = send(&mut network, 2, b"a");
    let packet = PacketId {
        origin: peer_id(1),
        token,
    };
    let forged = Answer {
        from: peer_id(2),
        packet,
        hops: 0,
        outcome: Ok(()),
    };
    receive(&mut network, 3, &Frame::Answer(forged.clone()));
    assert!(network.upcall().is_none());
    receive(
        &mut network,
        2,
        &Frame::Answer(Answer {
            from: peer_id(3),
            ..forged.clone()
        }),
    );
    assert!(network.upcall().is_none());
    receive(&mut network, 2, &Frame::Answer(forged));
    assert!(network.upcall().is_some());
}

#[test]
fn a_target_nobody_knows_is_undeliverable_at_once() {
    let mut network = network(|_| {});
    send(&mut network, 2, b"a");
    let upcall = network.upcall();
    assert!(
        matches!(
            upcall,
            Some(Upcall::Settled {
                outcome: Err(Undelivered::NoRoute),
                ..
            })
        ),
        "{upcall:?}"
    );
}

#[test]
fn a_relay_named_in_a_reach_record_is_dialled_when_the_target_cannot_be() {
    let mut network = network(|_| {});
    let relay = Contact {
        peer: peer_id(3),
        addresses: vec![Arc::from("mem/3")],
    };
    let reach = Reach {
        peer: peer_id(2),
        addresses: Vec::new(),
        relays: vec![relay],
        issued: NOW,
        expires: NOW.plus(60_000),
    };
    network.learn(&reach.sign(&keypair(2)), NOW).unwrap();
    send(&mut network, 2, b"a");
    let effects = network.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Dial { peer, .. }] if *peer == peer_id(3)),
        "{effects:?}"
    );
    greet(&mut network, 3, 8, false);
    let written = network.parcels.get(&PacketId {
        origin: peer_id(1),
        token: 1,
    });
    assert!(written.is_some_and(|parcel| parcel.sent && parcel.via == Some(peer_id(3))));
}

#[test]
fn a_newer_message_does_not_replace_one_that_was_not_written_yet() {
    let mut network = network(|_| {});
    let contact = Contact {
        peer: peer_id(2),
        addresses: vec![Arc::from("mem/2")],
    };
    network.tell(contact, NOW);
    send(&mut network, 2, b"a1");
    send(&mut network, 2, b"a2");
    assert!(network.upcall().is_none());
    greet(&mut network, 2, 8, false);
    assert_eq!(
        network.parcels.own, 2,
        "neither need say what the other says"
    );
}

#[test]
fn one_target_does_not_take_all_room_for_packets() {
    let mut network = network(|c| {
        let limits = Arc::make_mut(&mut c.limits);
        limits.outgoing = 10;
        limits.outgoing_per_peer = 2;
    });
    for peer in [2, 3] {
        greet(&mut network, peer, 8, false);
    }
    for _ in 0..2 {
        send(&mut network, 2, b"a");
    }
    assert!(network.upcall().is_none());
    send(&mut network, 2, b"a");
    let Some(Upcall::Settled {
        outcome: Err(Undelivered::Refused { reason, .. }),
        ..
    }) = network.upcall()
    else {
        panic!("the third is taken")
    };
    assert_eq!(reason, Refusal::overloaded("outgoing_per_peer", 2));
    send(&mut network, 3, b"a");
    assert!(network.upcall().is_none());
}

#[test]
fn credit_of_an_expired_packet_goes_to_the_next_one() {
    let mut network = network(|_| {});
    greet(&mut network, 2, 1, false);
    let particle = weir_identity::Hash::from([7; 32]).into();
    let text = Bytes::from_static(b"a");
    network.send(peer_id(2), particle, text.clone(), NOW.plus(1_000), NOW);
    network.send(peer_id(2), particle, text, NOW.plus(60_000), NOW);
    let tokens = |frames: Vec<(PeerId, Frame)>| -> Vec<u64> {
        let packets = frames.into_iter().filter_map(|(_, frame)| match frame {
            Frame::Packet(packet) => Some(packet.id.token),
            _ => None,
        });
        packets.collect()
    };
    assert_eq!(tokens(sent(&mut network)), [1]);
    network.on_timer(NOW.plus(1_001));
    assert_eq!(tokens(sent(&mut network)), [2]);
}

#[test]
fn records_that_never_expire_do_not_fill_the_address_book_for_good() {
    let mut network = network(|c| Arc::make_mut(&mut c.limits).contacts = 3);
    let record = |peer: u8, issued: Timestamp, expires: Timestamp| {
        let reach = Reach {
            peer: peer_id(peer),
            addresses: vec![Arc::from("mem/x")],
            relays: Vec::new(),
            issued,
            expires,
        };
        reach.sign(&keypair(peer))
    };
    for peer in 10..13 {
        network
            .learn(&record(peer, NOW, Timestamp::NEVER), NOW)
            .unwrap();
    }
    let later = NOW.plus(86_400_000);
    network
        .learn(&record(20, later, later.plus(1_000)), later)
        .unwrap();
    assert!(!network.book.addresses(&peer_id(20), later).is_empty());
    let ahead = record(21, later.plus(60_000), Timestamp::NEVER);
    let refused = network.learn(&ahead, later);
    assert!(
        matches!(refused, Err(ReachError::FromFuture { .. })),
        "{refused:?}"
    );
}

#[test]
fn what_the_operator_says_stays() {
    let mut network = network(|c| Arc::make_mut(&mut c.limits).contacts = 1);
    let contact = |address: &str| Contact {
        peer: peer_id(2),
        addresses: vec![Arc::from(address)],
    };
    network.tell(contact("mem/2"), NOW);
    network.connect(contact("mem/elsewhere"), NOW);
    assert_eq!(
        network.book.addresses(&peer_id(2), NOW),
        [Arc::from("mem/2")]
    );
    let reach = Reach {
        peer: peer_id(3),
        addresses: Vec::new(),
        relays: Vec::new(),
        issued: NOW,
        expires: NOW.plus(1_000),
    };
    let refused = network.learn(&reach.sign(&keypair(3)), NOW);
    assert!(
        matches!(
            refused,
            Err(ReachError::TooMany {
                limit: "contacts",
                value: 1
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn failed_dials_are_repeated_with_growing_pauses() {
    let mut network = network(|_| {});
    let contact = Contact {
        peer: peer_id(2),
        addresses: vec![Arc::from("mem/2")],
    };
    network.tell(contact, NOW);
    let particle = weir_identity::Hash::from([7; 32]).into();
    network.send(
        peer_id(2),
        particle,
        Bytes::from_static(b"a"),
        NOW.plus(300_000),
        NOW,
    );
    let mut dials = Vec::new();
    let mut now = NOW;
    while now < NOW.plus(120_000) {
        for effect in network.take_effects() {
            if let Effect::Dial { peer, .. } = effect {
                dials.push(now.since(NOW) / 1000);
                network.on_dial_failed(peer, now);
            }
        }
        now = network.earliest().unwrap_or(Timestamp::NEVER);
        network.on_timer(now);
    }
    assert_eq!(dials, [0, 0, 1, 3, 7, 15, 31, 61, 91]);
}

#[test]
fn a_wrong_version_or_name_ends_the_connection() {
    for wrong in [
        Hello {
            version: 99,
            ..plain_hello()
        },
        Hello {
            peer: peer_id(3),
            ..plain_hello()
        },
    ] {
        let mut network = network(|_| {});
        network.on_connected(peer_id(2), NOW);
        network.take_effects();
        receive(&mut network, 2, &Frame::Hello(wrong));
        let effects = network.take_effects();
        assert!(
            matches!(&effects[..], [Effect::Disconnect { .. }]),
            "{effects:?}"
        );
    }
}

fn plain_hello() -> Hello {
    match hello(2, 8, false) {
        Frame::Hello(hello) => hello,
        _ => unreachable!("a hello was made"),
    }
}

#[test]
fn the_address_book_is_bounded_and_forgets_what_expires_first() {
    let mut book = AddressBook::default();
    let reach = |peer: u8, life: u64| Reach {
        peer: peer_id(peer),
        addresses: vec![Arc::from("mem")],
        relays: Vec::new(),
        issued: NOW,
        expires: NOW.plus(life),
    };
    let told = Contact {
        peer: peer_id(9),
        addresses: vec![Arc::from("told")],
    };
    book.tell(told, None, 3).unwrap();
    for (peer, life) in [(2, 300), (3, 100), (4, 200)] {
        book.learn(reach(peer, life), b"", NOW, 3).unwrap();
    }
    let known = |book: &AddressBook, now| {
        [2, 3, 4, 9].map(|peer| usize::from(!book.addresses(&peer_id(peer), now).is_empty()))
    };
    assert_eq!(known(&book, NOW), [1, 0, 1, 1]);
    assert_eq!(known(&book, NOW.plus(250)), [1, 0, 0, 1]);
    book.expire(NOW.plus(1000));
    assert_eq!(book.len(), 1);
}
