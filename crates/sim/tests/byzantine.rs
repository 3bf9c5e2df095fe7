//! Peers that lie: what they send is refused or cut, they are reported, and honest peers are not.

use std::sync::Arc;

use bytes::Bytes;
use weir_avm::log::{Body, CallEntry, Log, Message, MessageLimits, MessageOptions, Outcome};
use weir_avm::{Avm, CallOutcome, CallRequest, Program};
use weir_identity::Value;
use weir_peer::wire::{Answer, Frame, Packet, PacketId};
use weir_peer::{Limits, ParticleEvent, ParticleId};
use weir_sim::net::Net;
use weir_sim::world::Spec;

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const LIAR: usize = 3;

/// A network of the honest `a`, `b`, `c` and the liar `d`.
fn net(seed: u64) -> Net {
    let mut net = Net::empty(seed, Limits::default());
    for name in ["a", "b", "c"] {
        net.world.add(Spec::new(name));
    }
    net.world.add_puppet("d");
    net.world.introduce_all();
    for honest in [A, B, C] {
        net.world.connect(LIAR, honest);
    }
    net.excuse(LIAR);
    net
}

/// The particle messages that came for the liar, all of which it acknowledges.
fn receive(net: &mut Net) -> Vec<Message> {
    let mut messages = Vec::new();
    for (from, frame) in net.world.take_inbox(LIAR) {
        let Ok(Frame::Packet(packet)) = Frame::decode(&frame, usize::MAX) else {
            continue;
        };
        let answer = Answer {
            from: net.world.id(LIAR),
            packet: packet.id,
            hops: 0,
            outcome: Ok(()),
        };
        let back = net.world.find(&from).expect("frames come from nodes");
        net.world
            .send_as(LIAR, back, &Frame::Answer(answer).encode());
        let message = Message::decode(&packet.message, &MessageLimits::default());
        messages.push(message.expect("honest peers send messages"));
    }
    messages
}

fn send(net: &mut Net, to: usize, particle: ParticleId, message: Bytes) {
    let token = net.world.rng().bits() >> 1;
    let packet = Packet {
        id: PacketId {
            origin: net.world.id(LIAR),
            token,
        },
        target: net.world.id(to),
        hops: 0,
        expires: net.world.now().plus(60_000),
        particle,
        message,
    };
    net.world.send_as(LIAR, to, &Frame::Packet(packet).encode());
}

/// The liar's engine after it took a message, and the call that it is to make.
fn engine(net: &Net, message: &Message) -> (Avm, CallRequest) {
    let (start, script) = (message.start.clone(), message.script.clone());
    let script = weir_air::parse(
        &script.expect("the first message"),
        &weir_air::Limits::default(),
    );
    let program = Program::new(&Arc::new(script.expect("the script parses")));
    let key = net.world.keypair(LIAR).clone();
    let mut avm =
        Avm::new(start.expect("the first message"), Arc::new(program), key).expect("a good start");
    avm.merge(message.clone(), net.world.id(A))
        .expect("an honest message");
    let call = avm.drain().calls.pop().expect("the liar is called");
    (avm, call)
}

/// What a node says of others' offences.
fn accusations(net: &Net, node: usize, particle: ParticleId) -> Vec<String> {
    let events = net.events(node, particle).into_iter();
    events
        .filter_map(|event| match event {
            ParticleEvent::Offence { what } => Some(what.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn one_that_tells_two_stories_is_reported_by_who_hears_both() {
    let mut net = net(1);
    let particle = net.start(
        A,
        r#"(seq (call "@d" ("s" "v") [] x) (seq (call "@b" ("s" "use") [x] y) (call "@c" ("s" "use") [x y])))"#,
    );
    net.run_for(10);
    let told = receive(&mut net).pop().expect("the liar is told");
    for (value, to) in [(1, B), (2, C)] {
        let (mut avm, call) = engine(&net, &told);
        avm.complete(
            call.step,
            call.args_cid,
            CallOutcome::Value(value.into()),
            None,
        )
        .expect("its own call");
        let message = avm
            .drain()
            .sends
            .pop()
            .expect("the next one is told")
            .message;
        send(&mut net, to, particle, message.encode().into());
    }
    net.run_for(2_000);
    assert_eq!(
        net.count("s", "use"),
        1,
        "b went on with what it heard: {}",
        net.calls()
    );
    let liar = net.world.id(LIAR).to_string();
    let heard = accusations(&net, C, particle);
    assert!(heard.iter().any(|what| what.contains(&liar)), "{heard:?}");
    let honest = net.world.id(B).to_string();
    for node in [A, B, C] {
        let unjust = accusations(&net, node, particle)
            .into_iter()
            .find(|what| what.contains(&honest));
        assert_eq!(unjust, None, "node {node} accuses an honest peer");
    }
}

#[test]
fn an_entry_on_a_step_of_somebody_else_is_cut_and_reported() {
    let mut net = net(2);
    let particle = net.start(
        A,
        r#"(seq (call "@d" ("s" "v") [] x) (seq (call "@b" ("s" "use") [] y) (call "@c" ("s" "use") [y])))"#,
    );
    net.run_for(10);
    let told = receive(&mut net).pop().expect("the liar is told");
    let (mut honest, call) = engine(&net, &told);
    honest
        .complete(call.step, call.args_cid, CallOutcome::Value(1.into()), None)
        .expect("its own call");
    let of_b = honest.waiting().pop().expect("b is waited for").step;

    let start = honest.log().start().clone();
    let script = honest.log().script().clone();
    let mut log = Log::new(start, script, net.world.id(LIAR)).expect("a good start");
    log.merge(told, net.world.id(A)).expect("an honest message");
    let value = log.store(Value::from("forged"));
    let none = Value::from(Vec::new()).cid();
    log.append(Body::Call(CallEntry {
        step: of_b,
        args: none,
        tetraplets: none,
        service: "s".into(),
        function: "use".into(),
        outcome: Outcome::Value(value),
        receipt: None,
    }))
    .expect("nothing silences the liar");
    log.sign(net.world.keypair(LIAR))
        .expect("nothing silences the liar");
    let c = net.world.id(C);
    let forged = log.message_for(&c, MessageOptions::default()).message;
    send(&mut net, C, particle, forged.encode().into());
    net.run_for(2_000);
    assert_eq!(net.calls(), "", "nobody acts on it");
    let liar = net.world.id(LIAR).to_string();
    let heard = accusations(&net, C, particle);
    assert!(heard.iter().any(|what| what.contains(&liar)), "{heard:?}");
}

#[test]
fn a_message_with_any_byte_changed_makes_nobody_act() {
    let mut net = net(3);
    let particle = net.start(
        A,
        r#"(seq (call "@d" ("s" "v") [] x) (call "@b" ("s" "use") [x]))"#,
    );
    net.run_for(10);
    let told = receive(&mut net).pop().expect("the liar is told");
    let (mut avm, call) = engine(&net, &told);
    avm.complete(
        call.step,
        call.args_cid,
        CallOutcome::Value("true".into()),
        None,
    )
    .expect("its own call");
    let message = avm.drain().sends.pop().expect("b is told").message.encode();
    for at in 0..message.len() {
        let mut changed = message.clone();
        changed[at] ^= 1 << (at % 8);
        send(&mut net, B, particle, changed.into());
        net.run_for(2);
        assert_eq!(net.calls(), "", "the change of byte {at} went unnoticed");
    }
    for length in (0..message.len()).step_by(7) {
        send(&mut net, B, particle, message[..length].to_vec().into());
        net.run_for(2);
    }
    assert_eq!(net.calls(), "");
    send(&mut net, B, particle, message.into());
    net.run_for(10);
    assert_eq!(
        net.calls(),
        "b s.use\n",
        "the message itself is still taken"
    );
    net.check(particle);
}

#[test]
fn frames_of_random_bytes_cost_the_connection_and_nothing_else() {
    let mut net = net(4);
    for _ in 0..500 {
        let noise: [u8; 40] = net.world.rng().bytes();
        net.world.connect(LIAR, B);
        net.world.send_as(LIAR, B, &Bytes::copy_from_slice(&noise));
        net.run_for(2);
        assert!(!net.world.are_connected(LIAR, B));
    }
    let particle = net.start(A, r#"(call "@b" ("s" "fine") [])"#);
    net.run_until_quiet();
    assert_eq!(net.calls(), "b s.fine\n");
    net.check(particle);
}
