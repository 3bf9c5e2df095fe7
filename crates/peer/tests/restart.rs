//! Crashes at every kind of moment.

mod net;

use net::Net;
use weir_peer::{CallOutcome, Event, ParticleEvent};

const CALL: &str = r#"
    (seq (xor (seq (call @1 ("s" "f") [] x) (call %init_peer_id% ("callbackSrv" "done") [x]))
              (call %init_peer_id% ("callbackSrv" "failed") [:error:.$.message]))
         (null))"#;

#[test]
fn a_call_with_effects_is_never_run_twice() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", false);
    net.submit(0, CALL);
    net.run();
    assert_eq!(net.seats[1].calls.len(), 1);
    net.crash(1);
    net.restart(1);
    net.run_for(10_000);
    assert_eq!(net.seats[1].calls.len(), 1);
    assert_eq!(net.peer(1).metrics().calls_interrupted, 1);
    let callbacks = net.callbacks(0);
    assert!(
        callbacks[0].contains("interrupted, outcome unknown"),
        "{callbacks:?}"
    );
}

#[test]
fn a_harmless_call_is_run_again() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", true);
    net.submit(0, CALL);
    net.run();
    net.crash(1);
    net.seats[1].behaviour = |_| Some(CallOutcome::Value("again".into()));
    net.restart(1);
    net.run_for(10_000);
    assert_eq!(net.seats[1].calls.len(), 2);
    assert_eq!(net.callbacks(0), [r#"["again"]"#]);
}

#[test]
fn a_crash_before_the_write_leaves_no_trace_outside() {
    let mut net = Net::new(2);
    net.register(1, "s", false);
    net.seats[1].dies_at_persist = true;
    net.submit(0, CALL);
    net.run();
    assert!(net.seats[1].peer.is_none());
    assert_eq!(
        net.seats[1].calls.len(),
        0,
        "the intent was not durable, so nothing was called"
    );
    assert_eq!(
        net.peer(0).metrics().packets_delivered,
        0,
        "and nothing was acknowledged"
    );
    net.restart(1);
    net.run_for(10_000);
    assert_eq!(net.seats[1].calls.len(), 1);
    assert_eq!(net.callbacks(0), ["[[]]"]);
}

#[test]
fn a_result_survives_a_crash_that_comes_before_it_is_sent() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", false);
    net.submit(0, CALL);
    net.run();
    net.cut(0, 1);
    let call = net.seats[1].calls[0].id;
    let outcome = CallOutcome::Value("kept".into());
    net.handle(
        1,
        Event::CallFinished {
            call,
            outcome,
            execution: None,
        },
    );
    net.run();
    net.crash(1);
    net.heal(0, 1);
    net.restart(1);
    net.run_for(10_000);
    assert_eq!(net.callbacks(0), [r#"["kept"]"#]);
    assert_eq!(net.seats[1].calls.len(), 1);
}

#[test]
fn an_initiator_goes_on_after_its_own_crash() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", false);
    let particle = net.submit(0, CALL);
    net.run();
    net.crash(0);
    let call = net.seats[1].calls[0].id;
    let outcome = CallOutcome::Value("kept".into());
    net.handle(
        1,
        Event::CallFinished {
            call,
            outcome,
            execution: None,
        },
    );
    net.run_for(2_000);
    net.restart(0);
    net.run_for(20_000);
    assert_eq!(net.callbacks(0), [r#"["kept"]"#]);
    assert!(net.peer(0).waiting(&particle).is_empty());
}

#[test]
fn a_peer_that_lost_its_disk_takes_no_part_in_older_particles() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", false);
    net.submit(
        0,
        r#"(par (call @1 ("s" "before") [] x)
                (seq (call @0 ("peer" "timeout") [2000 ""] t) (call @1 ("s" "after") [t] y)))"#,
    );
    net.run();
    net.crash(1);
    net.restart_without_disk(1);
    net.register(1, "s", false);
    net.run_for(20_000);
    assert_eq!(
        net.seats[1].calls.len(),
        1,
        "the call is not made again, nor is the next one made"
    );
    let refused = net.seats[0].reports.iter().any(|(_, event)| {
        matches!(
            event,
            ParticleEvent::Refused {
                reason: weir_peer::Refusal::StoreTooYoung { .. },
                ..
            }
        )
    });
    assert!(
        refused,
        "and the initiator hears why: {:?}",
        net.seats[0].reports
    );
    net.run_for(12_000);
    net.seats[1].behaviour = |_| Some(CallOutcome::Value("new".into()));
    net.submit(0, CALL);
    net.run_for(1_000);
    assert_eq!(
        net.callbacks(0),
        [r#"["new"]"#],
        "younger particles are welcome"
    );
}

#[test]
fn services_and_aliases_survive() {
    let mut net = Net::new(2);
    net.register(1, "s", true);
    net.register(1, "t", true);
    net.peer(1).add_alias("x", "s").unwrap();
    net.peer(1).add_alias("x", "t").unwrap();
    net.peer(1).add_alias("y", "t").unwrap();
    net.peer(1).remove_service("s").unwrap();
    net.perform(1);
    net.crash(1);
    net.restart(1);
    let services = net.peer(1).services();
    assert!(services.find("s").is_none());
    assert_eq!(services.find("x").map(|s| &*s.id), Some("t"));
    assert_eq!(services.find("y").map(|s| s.aliases.len()), Some(2));
}

#[test]
fn a_store_of_another_peer_is_refused() {
    let mut net = Net::new(2);
    net.run();
    let records = net.seats[1].store.clone();
    let config = net.seats[0].config.clone();
    let error = weir_peer::Peer::restore(config, records, net.now).unwrap_err();
    assert!(error.to_string().contains("belongs to"), "{error}");
}
