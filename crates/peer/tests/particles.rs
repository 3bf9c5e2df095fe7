//! Particles over a small network.

mod net;

use std::sync::Arc;

use net::{Net, config, limits};
use weir_peer::{CallOutcome, Contact, ParticleEvent, PeerConfig};

const ROUND: &str = r#"
    (seq (call @1 ("math" "add") [1 2] x)
         (call %init_peer_id% ("callbackSrv" "done") [x]))"#;

#[test]
fn a_call_on_another_peer_returns_to_the_initiator() {
    let mut net = Net::new(2);
    let particle = net.submit(0, ROUND);
    net.run();
    assert_eq!(net.callbacks(0), ["[3]"]);
    assert!(net.peer(0).waiting(&particle).is_empty());
    let done = net.seats[0]
        .reports
        .iter()
        .any(|(_, e)| matches!(e, ParticleEvent::Done));
    assert!(done, "the end is reported: {:?}", net.seats[0].reports);
    let metrics = net.peer(0).metrics();
    assert_eq!(
        (
            metrics.packets_made,
            metrics.packets_delivered,
            metrics.outgoing
        ),
        (1, 1, 0)
    );
}

#[test]
fn a_client_behind_a_relay_gets_its_answer() {
    let mut net = Net::new(2);
    let client = net.add_client(0);
    net.run();
    net.submit(client, ROUND);
    net.run();
    assert_eq!(net.callbacks(client), ["[3]"]);
    assert!(
        net.peer(0).metrics().packets_relayed > 0,
        "the answer came over the relay"
    );
    assert_eq!(
        net.peer(0).metrics().particles,
        0,
        "the relay did not take part"
    );
}

#[test]
fn a_relay_holds_what_arrives_while_its_client_is_away() {
    let mut net = Net::new(2);
    let client = net.add_client(0);
    net.run();
    net.seats[1].behaviour = |_| None;
    net.register(1, "slow", true);
    net.submit(
        client,
        r#"(seq (call @1 ("slow" "f") [] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#,
    );
    net.run();
    net.cut(0, client);
    let call = net.seats[1].calls[0].id;
    let outcome = CallOutcome::Value("late".into());
    net.handle(
        1,
        weir_peer::Event::CallFinished {
            call,
            outcome,
            execution: None,
        },
    );
    net.run();
    assert_eq!(net.peer(0).metrics().relay_held, 1);
    assert_eq!(net.callbacks(client), Vec::<String>::new());
    net.heal(0, client);
    net.run_for(5_000);
    assert_eq!(net.callbacks(client), [r#"["late"]"#]);
    assert_eq!(net.peer(0).metrics().relay_held, 0);
}

#[test]
fn a_cut_link_delays_and_does_not_lose() {
    let mut net = Net::new(2);
    net.cut(0, 1);
    net.submit(0, ROUND);
    net.run_for(3_000);
    assert_eq!(net.callbacks(0), Vec::<String>::new());
    net.heal(0, 1);
    net.run_for(10_000);
    assert_eq!(net.callbacks(0), ["[3]"]);
}

#[test]
fn lost_frames_are_repeated() {
    let mut net = Net::new(2);
    net.lossy = Some(|_, _, number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 == 0);
    for _ in 0..10 {
        net.submit(0, ROUND);
    }
    net.run_for(55_000);
    assert_eq!(net.callbacks(0).len(), 10);
    assert!(net.peer(0).metrics().packets_resent > 0);
}

#[test]
fn a_service_is_called_with_its_circumstances_and_by_alias() {
    let mut net = Net::new(2);
    net.register(1, "greeter", false);
    net.peer(1).add_alias("hello", "greeter").unwrap();
    let particle = net.submit(
        0,
        r#"(seq (call @1 ("hello" "greet") ["Ada"] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#,
    );
    net.run();
    assert_eq!(net.callbacks(0), [r#"[["Ada"]]"#]);
    let (initiator, host) = (net.seats[0].id, net.seats[1].id);
    let call = &net.seats[1].calls[0];
    assert_eq!((&*call.service, &*call.function), ("greeter", "greet"));
    assert_eq!(call.context.particle, particle);
    assert_eq!(
        (call.context.initiator, call.context.host),
        (initiator, host)
    );
    assert_eq!(&*call.tetraplets[0][0].peer, initiator.to_string());
}

#[test]
fn an_unknown_service_fails_with_its_name() {
    let mut net = Net::new(2);
    net.submit(
        0,
        r#"(xor (call @1 ("nothing" "here") [])
             (seq (call @1 ("op" "identity") [:error:.$.message] m)
                  (call %init_peer_id% ("callbackSrv" "done") [m])))"#,
    );
    net.run();
    let callback = &net.callbacks(0)[0];
    assert!(
        callback.contains("NOT_FOUND: no service `nothing` here"),
        "{callback}"
    );
}

#[test]
fn a_timeout_wins_against_a_service_that_never_answers() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "slow", true);
    net.submit(
        0,
        r#"(seq (par (call @1 ("slow" "f") [] x) (call @0 ("peer" "timeout") [500 "late"] t))
                (call @0 ("callbackSrv" "done") [t]))"#,
    );
    net.run_for(400);
    assert_eq!(net.callbacks(0), Vec::<String>::new());
    net.run_for(200);
    assert_eq!(net.callbacks(0), [r#"["late"]"#]);
}

#[test]
fn an_idle_particle_leaves_memory_and_comes_back_when_needed() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "slow", true);
    let particle = net.submit(
        0,
        r#"(seq (call @1 ("slow" "f") [] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#,
    );
    net.run();
    net.run_for(12_000);
    assert!(net.peer(0).metrics().particles_evicted > 0);
    assert!(
        net.peer(0).log(&particle).is_none(),
        "the initiator has nothing to do meanwhile"
    );
    assert_eq!(
        net.peer(0).waiting(&particle).len(),
        1,
        "but knows what it waits for"
    );
    let call = net.seats[1].calls[0].id;
    let outcome = CallOutcome::Value(7.into());
    net.handle(
        1,
        weir_peer::Event::CallFinished {
            call,
            outcome,
            execution: None,
        },
    );
    net.run();
    assert_eq!(net.callbacks(0), ["[7]"]);
}

#[test]
fn the_end_of_a_step_elsewhere_is_asked_for_before_it_leaves_memory_there() {
    let mut net = Net::new(3);
    let particle = net.submit(
        0,
        r#"(par (call @1 ("op" "noop") [])
                (seq (call @2 ("peer" "timeout") [500 "late"] x) (call @0 ("op" "noop") [x])))"#,
    );
    net.run_for(20_000);
    assert!(net.peer(0).waiting(&particle).is_empty(), "it was told");
    for peer in [0, 1] {
        let metrics = net.peer(peer).metrics();
        assert_eq!(
            (metrics.particles_evicted, metrics.particles_replayed),
            (1, 0)
        );
    }
}

#[test]
fn the_end_names_who_did_not_answer() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "slow", false);
    net.submit(0, r#"(call @1 ("slow" "f") [] x)"#);
    net.run_for(61_000);
    let expired = net.seats[0]
        .reports
        .iter()
        .find_map(|(_, event)| match event {
            ParticleEvent::Expired { waiting } => Some(waiting.clone()),
            _ => None,
        });
    let waiting = expired.expect("the end is reported");
    assert_eq!(waiting.len(), 1);
    assert_eq!(&*waiting[0].peer, net.seats[1].id.to_string());
    assert!(waiting[0].what.contains("slow"), "{}", waiting[0].what);
    net.run_for(31_000);
    let left = |index: usize| {
        net.seats[index]
            .store
            .keys()
            .filter(|key| key[0] > 2)
            .count()
    };
    assert_eq!(
        (left(0), left(1)),
        (0, 0),
        "nothing of it stays in the stores"
    );
}

#[test]
fn a_kept_log_stays_until_it_is_forgotten() {
    use weir_peer::store;
    let mut net = Net::new(2);
    let mut submission = net.submission(ROUND);
    submission.keep = true;
    let now = net.now;
    let particle = net.peer(0).submit(submission, now).unwrap();
    net.perform(0);
    net.run_for(100_000);
    assert!(net.peer(0).particles().next().is_none());
    let prefix = store::archive_prefix();
    let (key, value) = net.seats[0]
        .store
        .iter()
        .find(|(key, _)| key.starts_with(&prefix))
        .expect("archived");
    let archived = store::Archived::read(key, value).unwrap();
    assert_eq!(archived.particle, particle);
    let records = store::records_prefix(particle, archived.identity);
    assert!(
        net.seats[0]
            .store
            .keys()
            .any(|key| key.starts_with(&records))
    );
    net.peer(0).forget(particle);
    net.perform(0);
    assert_eq!(
        net.seats[0]
            .store
            .keys()
            .filter(|key| key[0] >= store::COLD)
            .count(),
        0
    );
}

#[test]
fn work_beyond_the_budget_of_a_turn_goes_on_in_the_next() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| l.natives_per_turn = 3),
        ..config(0)
    });
    let calls: Vec<String> = (0..20)
        .map(|n| format!(r#"(seq (call @0 ("math" "add") [{n} 1] x{n}) "#))
        .collect();
    let script = format!(
        r#"{} (call @0 ("callbackSrv" "done") [x19]){}"#,
        calls.concat(),
        ")".repeat(20)
    );
    net.submit(0, &script);
    assert_eq!(net.callbacks(0), Vec::<String>::new());
    net.run_for(10);
    assert_eq!(net.callbacks(0), ["[20]"]);
}

#[test]
fn calls_to_services_take_turns_within_the_limit() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| l.calls = 2),
        ..config(0)
    });
    net.seats[0].behaviour = |_| None;
    net.register(0, "s", true);
    net.submit(
        0,
        r#"(par (call @0 ("s" "f") [1]) (par (call @0 ("s" "f") [2]) (call @0 ("s" "f") [3])))"#,
    );
    assert_eq!(net.seats[0].calls.len(), 2);
    assert_eq!(net.peer(0).metrics().calls_queued, 1);
    let call = net.seats[0].calls[0].id;
    net.finish(0, call);
    assert_eq!(net.seats[0].calls.len(), 3);
}

#[test]
fn calls_that_exclude_each_other_leave_room_for_the_rest() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| l.calls = 2),
        ..config(0)
    });
    net.seats[0].behaviour = |_| None;
    net.register_with(0, "s", |service| {
        service.exclusive = [Arc::from("f")].into();
    });
    for _ in 0..10 {
        net.submit(0, r#"(call @0 ("s" "f") [])"#);
    }
    net.submit(0, r#"(call @0 ("s" "g") [])"#);
    net.submit(0, r#"(call @0 ("s" "g") [])"#);
    let made = |net: &Net, function: &str| {
        let calls = net.seats[0].calls.iter();
        calls.filter(|call| &*call.function == function).count()
    };
    assert_eq!((made(&net, "f"), made(&net, "g")), (4, 1));
    assert_eq!(net.peer(0).metrics().calls_queued, 7);

    let end = |net: &mut Net, function: &str| {
        let mut calls = net.seats[0].calls.iter();
        let call = calls.rfind(|call| &*call.function == function).unwrap().id;
        net.finish(0, call);
    };
    end(&mut net, "g");
    assert_eq!((made(&net, "f"), made(&net, "g")), (4, 2));
    // As long as all places are taken, none is kept by giving it calls again and again.
    end(&mut net, "f");
    assert_eq!((made(&net, "f"), made(&net, "g")), (4, 2));
    end(&mut net, "g");
    for n in 5..=10 {
        assert_eq!((made(&net, "f"), made(&net, "g")), (n, 2));
        end(&mut net, "f");
    }
    // Whatever is not answered in time gives its place up.
    net.run_for(120_000);
    assert_eq!(net.peer(0).metrics().calls_running, 0);
    for _ in 0..5 {
        net.submit(0, r#"(call @0 ("s" "f") [])"#);
    }
    assert_eq!(made(&net, "f"), 14);
}

#[test]
fn a_call_that_waits_is_not_for_a_later_service_of_the_same_name() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| l.calls = 1),
        ..config(0)
    });
    net.seats[0].behaviour = |_| None;
    net.register(0, "s", true);
    let script = r#"(xor (call @0 ("s" "f") []) (call %init_peer_id% ("callbackSrv" "failed") [:error:.$.message]))"#;
    net.submit(0, script);
    net.submit(0, script);
    net.peer(0).remove_service("s").expect("it is there");
    net.register(0, "s", true);
    net.submit(0, script);
    let call = net.seats[0].calls[0].id;
    net.finish(0, call);
    let told = net.callbacks(0).concat();
    assert!(told.contains("was removed before the call"), "{told}");
    assert_eq!(net.seats[0].calls.len(), 2, "the first and the third");
}

#[test]
fn a_later_service_of_the_same_name_waits_for_no_call_of_the_earlier_one() {
    let mut net = Net::new(0);
    net.add(config(0));
    net.seats[0].behaviour = |_| None;
    let exclusive = |net: &mut Net| {
        net.register_with(0, "s", |service| {
            service.exclusive = [Arc::from("f")].into();
        });
    };
    exclusive(&mut net);
    for _ in 0..6 {
        net.submit(0, r#"(call @0 ("s" "f") [])"#);
    }
    assert_eq!(net.seats[0].calls.len(), 4);
    net.peer(0).remove_service("s").expect("it is there");
    exclusive(&mut net);
    net.submit(0, r#"(call @0 ("s" "f") [])"#);
    assert_eq!(net.seats[0].calls.len(), 5);
}

#[test]
fn peers_share_parsed_scripts() {
    let shared = Arc::new(weir_peer::Shared::new(&weir_peer::Limits::default()));
    let mut net = Net::new(0);
    for index in 0..2 {
        net.add(PeerConfig {
            shared: shared.clone(),
            ..config(index)
        });
    }
    let contact = weir_peer::Contact {
        peer: net.seats[1].id,
        addresses: vec![Arc::from("mem/1")],
    };
    let now = net.now;
    net.peer(0).add_contact(contact, now);
    net.submit(0, ROUND);
    net.submit(0, ROUND);
    net.run();
    assert_eq!(net.callbacks(0).len(), 2);
    assert_eq!(shared.scripts(), 1);
}

#[test]
fn two_clients_of_one_relay_reach_each_other() {
    let mut net = Net::new(1);
    let first = net.add_client(0);
    let second = net.add_client(0);
    net.run();
    let script = format!(
        r#"(seq (call @{second} ("math" "add") [1 2] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#
    );
    net.submit(first, &script);
    net.run();
    assert_eq!(net.callbacks(first), ["[3]"]);
    assert_eq!(net.peer(0).metrics().particles, 0);
}

#[test]
fn clients_of_different_relays_reach_each_other() {
    let mut net = Net::new(2);
    let first = net.add_client(0);
    let second = net.add_client(1);
    net.run();
    let now = net.now;
    let reach = net
        .peer(second)
        .reach(now)
        .expect("a client has relays to name");
    net.peer(first).add_reach(&reach, now).unwrap();
    let script = format!(
        r#"(seq (call @{second} ("math" "add") [1 2] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#
    );
    net.submit(first, &script);
    net.run();
    assert_eq!(net.callbacks(first), ["[3]"]);
}

#[test]
fn a_call_that_takes_too_long_fails_and_a_late_answer_changes_nothing() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| l.call_ms = 1_000),
        ..config(0)
    });
    net.seats[0].behaviour = |_| None;
    net.register(0, "s", false);
    net.submit(
        0,
        r#"(xor (call @0 ("s" "f") [] x) (call @0 ("callbackSrv" "failed") [:error:.$.message]))"#,
    );
    net.run_for(900);
    assert_eq!(net.callbacks(0), Vec::<String>::new());
    net.run_for(200);
    let callback = &net.callbacks(0)[0];
    assert!(
        callback.contains("TIMEOUT: `s.f` gave no answer in time"),
        "{callback}"
    );
    let call = net.seats[0].calls[0].id;
    net.handle(
        0,
        weir_peer::Event::CallFinished {
            call,
            outcome: CallOutcome::Value(1.into()),
            execution: None,
        },
    );
    assert_eq!(net.peer(0).metrics().results_late, 1);
}

#[test]
fn timers_and_queues_of_one_initiator_are_bounded() {
    let mut net = Net::new(0);
    net.add(PeerConfig {
        limits: limits(|l| {
            l.timeouts_per_initiator = 1;
            l.calls_queued_per_initiator = 4;
            l.calls = 1;
        }),
        ..config(0)
    });
    net.seats[0].behaviour = |_| None;
    net.register(0, "s", true);
    let failed = r#"(call @0 ("callbackSrv" "failed") [:error:.$.message])"#;
    net.submit(
        0,
        &format!(
            r#"(par (call @0 ("peer" "timeout") [1000 "a"]) (xor (call @0 ("peer" "timeout") [1000 "b"]) {failed}))"#
        ),
    );
    net.run();
    assert!(net.callbacks(0)[0].contains("LIMIT: overloaded: timeouts_per_initiator = 1"));
    let calls = (0..6).fold(failed.replace(":error:.$.message", "\"\""), |rest, n| {
        format!(r#"(par (xor (call @0 ("s" "f") [{n}]) {failed}) {rest})"#)
    });
    net.submit(0, &calls);
    net.run();
    let limited = net
        .callbacks(0)
        .iter()
        .filter(|c| c.contains("calls_queued_per_initiator = 4"))
        .count();
    assert_eq!(limited, 2);
}

#[test]
fn a_script_connects_and_learns_whether_that_worked() {
    let mut net = Net::new(2);
    let (known, unknown) = (net.seats[1].id, net::keypair(9).peer_id());
    net.submit(
        0,
        &format!(
            r#"(seq (seq (call @0 ("peer" "connect") ["{known}"] a) (call @0 ("peer" "connect") ["{unknown}"] b))
                 (seq (call @0 ("peer" "is_connected") ["{known}"] c) (call @0 ("callbackSrv" "done") [a b c])))"#
        ),
    );
    net.run();
    assert_eq!(net.callbacks(0), ["[true,false,true]"]);
}

#[test]
fn a_submitter_gives_data_and_its_relay() {
    let mut net = Net::new(1);
    let client = net.add_client(0);
    net.run();
    let mut submission = net.submission(
        r#"(seq (seq (call %init_peer_id% ("getDataSrv" "name") [] n) (call %init_peer_id% ("getDataSrv" "-relay-") [] r))
             (xor (call %init_peer_id% ("getDataSrv" "other") [] o)
                  (seq (call r ("op" "identity") [n] x) (call %init_peer_id% ("callbackSrv" "done") [x :error:.$.message]))))"#,
    );
    submission.client = Some(weir_peer::ClientFunctions {
        data: [("name".into(), "Ada".into())].into(),
    });
    let now = net.now;
    net.peer(client).submit(submission, now).unwrap();
    net.perform(client);
    net.run();
    let callback = &net.callbacks(client)[0];
    assert!(
        callback.starts_with(r#"["Ada","#) && callback.contains("no value for `other`"),
        "{callback}"
    );
}

#[test]
fn a_driver_may_answer_what_nobody_knows_and_override_what_is_known() {
    let mut net = Net::new(0);
    let calls = weir_peer::CallPolicy {
        natives: Some(["math"].into()),
        overridden: [("math".into(), "add".into())].into(),
        unknown_to_driver: true,
    };
    net.add(PeerConfig { calls, ..config(0) });
    net.seats[0].behaviour = |call| {
        Some(CallOutcome::Value(
            format!("{}.{}", call.service, call.function).into(),
        ))
    };
    let mut submission = net.submission(
        r#"(seq (seq (call @0 ("math" "add") [1 2] a) (call @0 ("math" "sub") [1 2] b))
             (seq (call @0 ("op" "noop") [] c) (call @0 ("callbackSrv" "done") [a b c])))"#,
    );
    submission.client = None;
    let now = net.now;
    net.peer(0).submit(submission, now).unwrap();
    net.perform(0);
    net.run();
    let last = net.seats[0]
        .calls
        .last()
        .expect("all but one went to the driver");
    let args = weir_identity::Value::from(last.args.clone()).to_json();
    assert_eq!(args, r#"["math.add",-1,"op.noop"]"#);
}

#[test]
fn what_a_particle_makes_here_is_bounded_like_what_comes() {
    const LIMIT: u64 = 100_000;
    let mut net = Net::new(0);
    for index in 0..2 {
        let limits = limits(|l| l.particle_bytes = LIMIT);
        net.add(PeerConfig {
            limits,
            ..config(index)
        });
    }
    let contact = Contact {
        peer: net.seats[1].id,
        addresses: vec!["mem/1".into()],
    };
    let now = net.now;
    net.peer(0).add_contact(contact, now);
    let calls = r#"(call @1 ("op" "array") [i "PADDING"] $s)"#.replace("PADDING", &"x".repeat(500));
    let script = format!(
        r#"(new $s (seq (call @1 ("op" "array") [0] $s) (fold $s i (seq {calls} (next i)))))"#
    )
    .replace("[i ", "[i.$.[0] ");
    net.submit(0, &script);
    for _ in 0..200 {
        net.run_for(5);
    }
    let bytes = net.peer(1).metrics().particle_bytes;
    assert!(bytes > LIMIT / 2, "{bytes}");
    assert!(bytes < LIMIT + LIMIT / 8 + 10_000, "{bytes}");
}

#[test]
fn a_turn_ends_after_so_many_bytes() {
    let mut net = Net::new(1);
    let text = "x".repeat(60_000);
    let calls = format!(r#"(par (call @0 ("op" "identity") ["{text}"] $s) "#).repeat(100);
    let submission = net.submission(&format!("{calls}(null){}", ")".repeat(100)));
    let now = net.now;
    net.peer(0).submit(submission, now).expect("it starts");
    let answered = net.peer(0).metrics().calls_native;
    assert!((5..50).contains(&answered), "{answered}");
    assert!(net.peer(0).is_busy());
    net.perform(0);
    net.run_for(100);
    assert_eq!(net.peer(0).metrics().calls_native, 100);
    assert!(!net.peer(0).is_busy());
}
