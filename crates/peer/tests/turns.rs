//! Particles whose evaluation takes more than one turn.

mod net;

use net::{LATENCY_MS, Net, config, execution, limits};
use weir_identity::Value;
use weir_peer::{CallOutcome, Contact, Execution, ParticleEvent, PeerConfig};
use weir_receipt::SignedReceipt;

/// Iterates 4,096 times without a call, once `VALUE` is known.
const LONG: &str = r#"
(seq (call @0 ("op" "array") [1 2 3 4 5 6 7 8] list)
     (match VALUE VALUE
         (fold list a (seq (fold list b (seq (fold list c (seq (fold list d
             (seq (null) (next d))) (next c))) (next b))) (next a)))))"#;

/// Peers that know each other. The turns of the first have so many tasks and take a millisecond.
fn net(count: usize, tasks_per_turn: u64) -> Net {
    let mut net = Net::new(0);
    net.turn_ms = 1;
    for index in 0..count {
        let limits = limits(|limits| {
            if index == 0 {
                limits.tasks_per_turn = tasks_per_turn;
            }
        });
        net.add(PeerConfig {
            limits,
            ..config(index)
        });
    }
    for (by, other) in (0..count).flat_map(|by| (0..count).map(move |other| (by, other))) {
        if by != other {
            let contact = Contact {
                peer: net.seats[other].id,
                addresses: net.seats[other].config.addresses.clone(),
            };
            let now = net.now;
            net.peer(by).add_contact(contact, now);
            net.perform(by);
        }
    }
    net
}

fn long(value: &str, then: &str) -> String {
    format!("(seq {} {then})", LONG.replace("VALUE", value))
}

#[test]
fn a_small_particle_is_answered_while_a_large_one_is_evaluated() {
    let mut net = net(2, 100);
    net.submit(
        0,
        &long("0", r#"(call @0 ("callbackSrv" "response") ["large"])"#),
    );
    net.run_for(5);
    assert!(net.peer(0).is_busy());
    net.submit(
        1,
        r#"(seq (call @0 ("op" "identity") ["small"] x) (call @1 ("callbackSrv" "response") [x]))"#,
    );
    net.run_for(60);
    assert_eq!(net.callbacks(1), [r#"["small"]"#]);
    assert!(net.callbacks(0).is_empty() && net.peer(0).is_busy());
    net.run_for(2_000);
    assert_eq!(net.callbacks(0), [r#"["large"]"#]);
    assert!(!net.peer(0).is_busy());
}

#[test]
fn large_particles_take_turns() {
    let mut net = net(1, 100);
    for name in ["a", "b"] {
        let then = format!(r#"(call @0 ("callbackSrv" "response") ["{name}"])"#);
        net.submit(0, &long("0", &then));
    }
    let mut ends = Vec::new();
    for ms in 0..2_000 {
        net.run_for(1);
        if net.callbacks(0).len() > ends.len() {
            ends.push(ms);
        }
    }
    let [first, second] = ends[..] else {
        panic!("both end: {ends:?}");
    };
    assert!(
        first > 100 && second - first < 20,
        "side by side they end together: {ends:?}"
    );
}

#[test]
fn what_arrives_for_a_particle_that_is_evaluated_waits_until_it_is() {
    let mut net = net(3, 50);
    // The answer of peer 1 starts what is long; that of peer 2 comes meanwhile.
    let then =
        r#"(seq (call @0 ("op" "identity") [late] x) (call @0 ("callbackSrv" "response") [x]))"#;
    let script = format!(
        r#"(par (seq (call @1 ("op" "noop") []) (seq (call @2 ("op" "identity") ["late"] late) (call @0 ("op" "noop") [])))
                (seq (call @1 ("op" "identity") [0] early) {}))"#,
        long("early", then)
    );
    net.submit(0, &script);
    let end = net.now.plus(20_000);
    let mut unanswered_ms = 0;
    while net.callbacks(0).is_empty() {
        net.run_for(1);
        let waits = net.peer(2).metrics().outgoing == 1;
        unanswered_ms += u64::from(waits && net.peer(0).is_busy());
        assert!(net.now < end, "it ends: {unanswered_ms}");
    }
    assert!(unanswered_ms > 5 * LATENCY_MS, "{unanswered_ms}");
    assert_eq!(net.callbacks(0), [r#"["late"]"#]);
    net.run_for(100);
    assert_eq!(net.peer(2).metrics().outgoing, 0);
    assert!(!net.peer(0).is_busy());
}

/// Calls a service that answers at once and one whose answer comes while what
/// follows from the first is evaluated.
fn two_calls(net: &mut Net, idempotent: bool, execution: Option<Execution>) {
    net.register(0, "fast", true);
    net.register(0, "slow", idempotent);
    net.seats[0].behaviour =
        |call| (&*call.service == "fast").then(|| CallOutcome::Value(Value::from(1)));
    let then = r#"(call @0 ("callbackSrv" "response") [slow])"#;
    let script = format!(
        r#"(par (xor (call @0 ("slow" "f") [] slow) (call @0 ("callbackSrv" "response") [:error:.$.message]))
                (seq (call @0 ("fast" "f") [] fast) {}))"#,
        long("fast", then)
    );
    net.submit(0, &script);
    net.run_for(10);
    assert!(net.peer(0).is_busy());
    let call = net.seats[0].calls.iter().find(|c| &*c.service == "slow");
    let call = call.expect("it was called").id;
    net.handle(
        0,
        weir_peer::Event::CallFinished {
            call,
            outcome: CallOutcome::Value(Value::from("done")),
            execution,
        },
    );
    assert!(net.peer(0).is_busy());
}

/// What the store keeps of calls without an entry, and of particles.
const INTENT: u8 = 5;
const RECORD: u8 = 0x80;

/// The values of a table of the first peer's store.
fn table(net: &Net, table: u8) -> Vec<Vec<u8>> {
    let store = net.seats[0].store.iter();
    let rows = store.filter(|(key, _)| key.first() == Some(&table));
    rows.map(|(_, value)| value.clone()).collect()
}

fn made(net: &Net, service: &str) -> usize {
    let calls = net.seats[0].calls.iter();
    calls.filter(|call| &*call.service == service).count()
}

#[test]
fn a_result_that_comes_meanwhile_is_taken_afterwards() {
    let mut net = net(1, 100);
    two_calls(&mut net, false, None);
    net.run_for(2_000);
    assert_eq!(net.callbacks(0), [r#"["done"]"#]);
}

#[test]
fn a_result_that_waits_survives_a_crash() {
    for idempotent in [false, true] {
        let mut net = net(1, 100);
        two_calls(&mut net, idempotent, Some(execution(1)));
        let intents = table(&net, INTENT);
        let [kept] = &intents[..] else {
            panic!("one call waits: {intents:?}");
        };
        let signed = kept[kept.len() - SignedReceipt::BYTES..].to_vec();
        SignedReceipt::decode(&signed).expect("it is whole");
        net.crash(0);
        net.restart(0);
        for _ in 0..500 {
            if net.callbacks(0).is_empty() {
                net.run_for(10);
            }
        }
        assert_eq!(net.callbacks(0), [r#"["done"]"#]);
        assert_eq!(made(&net, "slow"), 1);
        // The receipt that was signed before the crash stands in a journal, and nothing else is left of it.
        assert!(table(&net, INTENT).is_empty());
        let mut records = table(&net, RECORD).into_iter();
        let holds = |record: &Vec<u8>| record.windows(signed.len()).any(|bytes| bytes == signed);
        assert!(records.any(|record| holds(&record)));
        net.crash(0);
        net.restart(0);
        net.run_for(5_000);
        assert_eq!(made(&net, "slow"), 1);
    }
}

#[test]
fn a_call_without_a_result_leaves_its_intent_in_a_crash() {
    let mut net = net(1, 100);
    net.register(0, "slow", false);
    net.seats[0].behaviour = |_| None;
    net.submit(
        0,
        r#"(xor (call @0 ("slow" "f") [] slow) (call @0 ("callbackSrv" "response") [:error:.$.message]))"#,
    );
    net.run_for(10);
    net.crash(0);
    net.restart(0);
    net.run_for(5_000);
    assert_eq!(made(&net, "slow"), 1);
    let callbacks = net.callbacks(0).concat();
    assert!(callbacks.contains("interrupted"), "{callbacks}");
}

#[test]
fn a_particle_that_expires_between_two_turns_ends() {
    let mut net = net(1, 1);
    let mut submission = net.submission(&long("0", "(null)"));
    submission.ttl_ms = 500;
    let now = net.now;
    net.peer(0).submit(submission, now).expect("it starts");
    net.perform(0);
    net.run_for(400);
    assert!(net.peer(0).is_busy());
    net.run_for(200);
    assert!(!net.peer(0).is_busy());
    let reports = net.seats[0].reports.iter();
    let ends = reports.filter(|(_, event)| matches!(event, ParticleEvent::Expired { .. }));
    assert_eq!(ends.count(), 1);
}
