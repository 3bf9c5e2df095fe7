//! What a peer refuses, and that it says why.

mod net;

use std::fmt::Write as _;

use bytes::Bytes;
use net::{Net, config, keypair, limits};
use weir_avm::log::{Message, MessageLimits, Want};
use weir_identity::PeerId;
use weir_peer::wire::{Answer, Frame, Hello, Packet, PacketId, VERSION};
use weir_peer::{Effect, Event, Peer, PeerConfig, Refusal, Submit, SubmitError, Timestamp};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A peer under test and the key of one that talks to it.
struct Bench {
    peer: Peer,
    other: PeerId,
}

impl Bench {
    fn new(change: impl FnOnce(&mut PeerConfig)) -> Self {
        let mut config = config(1);
        change(&mut config);
        let mut peer = Peer::new(config, NOW).unwrap();
        let other = keypair(0).peer_id();
        peer.handle(Event::Connected { peer: other }, NOW);
        peer.drain();
        Bench { peer, other }
    }

    fn sent(&mut self) -> Vec<Frame> {
        let effects = self.peer.drain().into_iter();
        let frames = effects.filter_map(|effect| match effect {
            Effect::Send { frame, .. } => Frame::decode(&frame, 1 << 20).ok(),
            _ => None,
        });
        frames.collect()
    }

    /// What the peer answers to a packet.
    fn offer(&mut self, packet: &Packet, now: Timestamp) -> Option<Result<(), Refusal>> {
        let frame = Frame::Packet(packet.clone()).encode();
        self.peer.handle(
            Event::Received {
                from: self.other,
                frame,
            },
            now,
        );
        self.sent().into_iter().find_map(|frame| match frame {
            Frame::Answer(Answer { outcome, .. }) => Some(outcome),
            _ => None,
        })
    }
}

/// The packet with which peer 0 begins a particle on peer 1.
fn first_packet(change: impl FnOnce(&mut PeerConfig, &mut Submit)) -> Packet {
    let mut net = Net::new(2);
    let mut submission = net.submission(r#"(call @1 ("op" "noop") [])"#);
    let mut config = config(0);
    change(&mut config, &mut submission);
    let mut peer = Peer::new(config, NOW).unwrap();
    let target = net.seats[1].id;
    peer.handle(Event::Connected { peer: target }, NOW);
    peer.submit(submission, NOW).unwrap();
    let packet = peer.drain().into_iter().find_map(|effect| match effect {
        Effect::Send { frame, .. } => match Frame::decode(&frame, 1 << 20) {
            Ok(Frame::Packet(packet)) => Some(packet),
            _ => None,
        },
        _ => None,
    });
    packet.expect("the particle is sent")
}

#[test]
fn a_particle_is_acknowledged_after_it_is_written() {
    let mut bench = Bench::new(|_| {});
    let frame = Frame::Packet(first_packet(|_, _| {})).encode();
    bench.peer.handle(
        Event::Received {
            from: bench.other,
            frame,
        },
        NOW,
    );
    let effects = bench.peer.drain();
    assert!(matches!(effects[0], Effect::Persist(_)));
    let answered = effects.iter().any(|effect| match effect {
        Effect::Send { frame, .. } => {
            matches!(
                Frame::decode(frame, 1 << 20),
                Ok(Frame::Answer(Answer {
                    outcome: Ok(()),
                    ..
                }))
            )
        }
        _ => false,
    });
    assert!(answered);
}

#[test]
fn a_repeated_packet_is_acknowledged_without_work() {
    let mut bench = Bench::new(|_| {});
    let packet = first_packet(|_, _| {});
    assert_eq!(bench.offer(&packet, NOW), Some(Ok(())));
    assert_eq!(bench.offer(&packet, NOW), Some(Ok(())));
    assert_eq!(bench.peer.metrics().packets_repeated, 1);
    assert_eq!(bench.peer.metrics().particles_joined, 1);
}

#[test]
fn what_is_refused_is_answered_with_the_reason() {
    let plain = || first_packet(|_, _| {});
    let cases: Vec<(&str, Packet, Timestamp, Bench)> = vec![
        ("expired", plain(), NOW.plus(60_001), Bench::new(|_| {})),
        (
            "from the future",
            first_packet(|_, submit| submit.timestamp = Some(NOW.plus(30_000))),
            NOW.minus(1),
            Bench::new(|_| {}),
        ),
        (
            "ttl",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.ttl_ms = 1000)),
        ),
        (
            "size",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.message_bytes = 10)),
        ),
        (
            "network",
            first_packet(|c, _| c.network = "elsewhere".into()),
            NOW,
            Bench::new(|_| {}),
        ),
        (
            "store",
            plain(),
            NOW,
            Bench::new(|c| c.store_born = Some(NOW.minus(1000))),
        ),
        (
            "declared",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.activations = 5)),
        ),
        (
            "full",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.particles = 0)),
        ),
        (
            "initiator",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.particles_per_initiator = 0)),
        ),
        (
            "script",
            plain(),
            NOW,
            Bench::new(|c| c.limits = limits(|l| l.script_nodes = 0)),
        ),
        (
            "garbage",
            Packet {
                message: Bytes::from_static(b"garbage"),
                ..plain()
            },
            NOW,
            Bench::new(|_| {}),
        ),
        (
            "other particle",
            Packet {
                particle: weir_identity::Hash::from([1; 32]).into(),
                ..plain()
            },
            NOW,
            Bench::new(|_| {}),
        ),
    ];
    let mut found = String::new();
    for (name, packet, now, mut bench) in cases {
        let text = match bench.offer(&packet, now) {
            Some(Err(refusal)) => refusal.to_string(),
            other => format!("{other:?}"),
        };
        writeln!(found, "{name}: {text}").expect("a String takes all");
        assert_eq!(bench.peer.particles().count(), 0, "{name}");
    }
    expect_test::expect![[r#"
        expired: the particle expired 1 ms ago by this peer's clock
        from the future: the particle's timestamp is 30001 ms ahead of this peer's clock, 30000 ms are allowed
        ttl: a time to live of 60000 ms is over the limit of 1000 ms
        size: message of 540 bytes is over the limit of 10 bytes
        network: the particle belongs to network `elsewhere`, this peer to `local`
        store: the particle is older than this peer's store (made at 1699999999000 ms)
        declared: the particle declares activations = 4000000, the limit is 5
        full: overloaded: particles = 0 is reached
        initiator: overloaded: particles_per_initiator = 0 is reached
        script: the script is not valid: W0100 the script has more than 0 instructions, operands and accessors
        garbage: malformed: message version
        other particle: malformed: the envelope names another particle than the message
    "#]].assert_eq(&found);
}

#[test]
fn a_particle_without_its_start_is_asked_for() {
    let mut bench = Bench::new(|_| {});
    let whole = first_packet(|_, _| {});
    let mut message = Message::decode(&whole.message, &MessageLimits::default()).unwrap();
    message.start = None;
    message.script = None;
    let id = PacketId {
        token: whole.id.token + 1,
        ..whole.id
    };
    let bare = Packet {
        id,
        message: message.encode().into(),
        ..whole.clone()
    };

    let frame = Frame::Packet(bare).encode();
    bench.peer.handle(
        Event::Received {
            from: bench.other,
            frame,
        },
        NOW,
    );
    let frames: Vec<Frame> = bench.sent();
    let [Frame::Packet(question)] = &frames[..] else {
        panic!("not one packet: {frames:?}")
    };
    let question = Message::decode(&question.message, &MessageLimits::default()).unwrap();
    assert_eq!(question.wants, [Want::Start]);

    let frame = Frame::Packet(whole.clone()).encode();
    bench.peer.handle(
        Event::Received {
            from: bench.other,
            frame,
        },
        NOW,
    );
    let answered: Vec<u64> = bench
        .sent()
        .into_iter()
        .filter_map(|frame| match frame {
            Frame::Answer(Answer {
                packet,
                outcome: Ok(()),
                ..
            }) => Some(packet.token),
            _ => None,
        })
        .collect();
    assert_eq!(
        answered,
        [id.token, whole.id.token],
        "the one that waited is answered as well"
    );
}

#[test]
fn a_question_about_an_unknown_particle_is_refused_and_not_asked_back() {
    let mut bench = Bench::new(|_| {});
    let whole = first_packet(|_, _| {});
    let question = Message::asking(whole.particle, vec![Want::Start]);
    let packet = Packet {
        message: question.encode().into(),
        ..whole
    };
    let refused = bench.offer(&packet, NOW);
    assert!(
        matches!(refused, Some(Err(Refusal::Rejected { .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_submission_is_checked_like_a_packet() {
    let mut net = Net::new(1);
    let now = net.now;
    let refused = |net: &mut Net, change: fn(&mut Submit)| {
        let mut submission = net.submission("(null)");
        change(&mut submission);
        net.peer(0).submit(submission, now).unwrap_err()
    };
    let ttl = refused(&mut net, |s| s.ttl_ms = 10_000_000);
    assert!(
        matches!(ttl, SubmitError::Refused(Refusal::TtlTooLong { .. })),
        "{ttl}"
    );
    let script = refused(&mut net, |s| s.script = "(seq (null)".into());
    assert!(
        matches!(&script, SubmitError::Script(found) if !found.is_empty()),
        "{script}"
    );
    let old = refused(&mut net, |s| s.timestamp = Some(Timestamp(1)));
    assert!(
        matches!(old, SubmitError::Refused(Refusal::Expired { .. })),
        "{old}"
    );
}

#[test]
fn bytes_that_are_no_frame_end_the_connection() {
    let good = Frame::Hello(Hello {
        version: VERSION,
        peer: keypair(0).peer_id(),
        reply: false,
        frame_bytes: 1,
        window: 1,
        relay_wanted: false,
        relay_offered: false,
        reach: None,
    });
    let mut longer = good.encode().to_vec();
    longer.push(0);
    let frames: [&[u8]; 5] = [
        b"",
        b"\x82\x09\x00",
        b"not a frame",
        &longer,
        &vec![0x89; 100_000],
    ];
    for frame in frames {
        let mut bench = Bench::new(|_| {});
        let frame = Bytes::copy_from_slice(frame);
        bench.peer.handle(
            Event::Received {
                from: bench.other,
                frame,
            },
            NOW,
        );
        let effects = bench.peer.drain();
        let closed = effects
            .iter()
            .any(|e| matches!(e, Effect::Disconnect { .. }));
        assert!(closed, "{effects:?}");
        assert_eq!(bench.peer.metrics().frames_malformed, 1);
    }
}

#[test]
fn a_reach_record_that_somebody_else_signed_is_not_believed() {
    use weir_peer::{Limits, Reach, ReachError};
    let reach = Reach {
        peer: keypair(0).peer_id(),
        addresses: vec!["mem/0".into()],
        relays: Vec::new(),
        issued: NOW,
        expires: NOW.plus(1000),
    };
    let record = reach.sign(&keypair(0));
    assert_eq!(
        Reach::verify(&record, &Limits::default()),
        Ok(reach.clone())
    );
    let forged = reach.sign(&keypair(3));
    assert_eq!(
        Reach::verify(&forged, &Limits::default()),
        Err(ReachError::WrongSignature)
    );
    let tight = Limits {
        addresses_per_contact: 0,
        ..Limits::default()
    };
    assert!(matches!(
        Reach::verify(&record, &tight),
        Err(ReachError::TooMany { .. })
    ));
    for at in 0..record.len() {
        let mut changed = record.to_vec();
        changed[at] ^= 1;
        assert!(
            Reach::verify(&changed, &Limits::default()).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn frames_come_back_as_they_went() {
    let packet = first_packet(|_, _| {});
    let id = PacketId {
        origin: keypair(4).peer_id(),
        token: u64::MAX,
    };
    let refusals = [
        Refusal::NoRelay,
        Refusal::Expired { late_ms: 1 },
        Refusal::Overloaded {
            limit: "parked".into(),
            value: 3,
        },
        Refusal::StoreTooYoung { born: NOW },
    ];
    let mut frames = vec![Frame::Packet(packet), Frame::Held(id)];
    frames.push(Frame::Answer(Answer {
        from: id.origin,
        packet: id,
        hops: 1,
        outcome: Ok(()),
    }));
    for refusal in refusals {
        let answer = Answer {
            from: id.origin,
            packet: id,
            hops: 1,
            outcome: Err(refusal),
        };
        frames.push(Frame::Answer(answer));
    }
    for frame in frames {
        assert_eq!(Frame::decode(&frame.encode(), 1 << 20), Ok(frame));
    }
}

/// A packet that lacks the entries of its only journal, and what it lacks.
fn gapped_packet(nonce: u8) -> (Packet, Packet) {
    let whole = first_packet(|_, submit| {
        submit.nonce = [nonce; 16];
        submit.script = submit
            .script
            .replacen(
                "(call",
                r#"(seq (call %init_peer_id% ("op" "noop") []) (call"#,
                1,
            )
            .into();
        submit.script = format!("{})", submit.script).into();
    });
    let mut message = Message::decode(&whole.message, &MessageLimits::default()).unwrap();
    assert!(!message.suffixes[0].entries.is_empty());
    message.suffixes[0].entries.clear();
    let mut gapped = whole.clone();
    gapped.id.token += 1000 + u64::from(nonce);
    gapped.message = message.encode().into();
    (gapped, whole)
}

fn answers(frames: Vec<Frame>) -> Vec<(u64, Result<(), Refusal>)> {
    let answers = frames.into_iter().filter_map(|frame| match frame {
        Frame::Answer(answer) => Some((answer.packet.token, answer.outcome)),
        _ => None,
    });
    answers.collect()
}

#[test]
fn a_packet_with_a_gap_is_answered_as_soon_as_the_gap_is_filled() {
    let mut bench = Bench::new(|_| {});
    let (gapped, whole) = gapped_packet(1);
    assert_eq!(bench.offer(&gapped, NOW), None);
    let frame = Frame::Packet(whole.clone()).encode();
    let from = bench.other;
    bench.peer.handle(Event::Received { from, frame }, NOW);
    let answered = answers(bench.sent());
    assert_eq!(
        answered,
        [(gapped.id.token, Ok(())), (whole.id.token, Ok(()))]
    );
}

#[test]
fn packets_whose_gap_is_never_filled_are_refused_at_the_end_and_give_their_credit_back() {
    let mut bench = Bench::new(|c| c.limits = limits(|l| l.window = 3));
    let mut tokens = Vec::new();
    for nonce in 1..=3 {
        let (gapped, _) = gapped_packet(nonce);
        assert_eq!(bench.offer(&gapped, NOW), None);
        tokens.push(gapped.id.token);
    }
    let late = NOW.plus(300_000);
    bench.peer.handle(Event::Timer, late);
    let answered = answers(bench.sent());
    assert_eq!(
        answered.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        tokens
    );
    for (_, outcome) in answered {
        let text = outcome.expect_err("it was not merged").to_string();
        assert!(text.contains("the journal of"), "{text}");
    }
    let honest = first_packet(|_, submit| {
        submit.nonce = [9; 16];
        submit.ttl_ms = 400_000;
    });
    assert_eq!(bench.offer(&honest, late), Some(Ok(())));
}

#[test]
fn a_repeated_packet_of_a_stranger_asks_once() {
    let mut bench = Bench::new(|_| {});
    let whole = first_packet(|_, _| {});
    let mut message = Message::decode(&whole.message, &MessageLimits::default()).unwrap();
    (message.start, message.script) = (None, None);
    let bare = Packet {
        message: message.encode().into(),
        expires: Timestamp(u64::MAX - 1),
        ..whole
    };
    for _ in 0..10 {
        assert_eq!(bench.offer(&bare, NOW), None);
    }
    assert_eq!(bench.peer.metrics().outgoing, 1);
    let late = NOW.plus(1_000_000);
    let from = bench.other;
    bench.peer.handle(Event::Disconnected { peer: from }, late);
    bench.peer.handle(Event::Timer, late);
    assert_eq!(bench.peer.metrics().outgoing, 0, "the question has an end");
}
