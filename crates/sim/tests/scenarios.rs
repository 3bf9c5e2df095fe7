//! What happens to particles when the network and the peers misbehave, as stories.

use weir_peer::{CallOutcome, Limits, ParticleEvent, Refusal};
use weir_sim::net::Net;
use weir_sim::weather::Weather;
use weir_sim::world::Spec;

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// From `a` to `b`, `c` and back to `a`; a failure at `b` or `c` is worked around there.
const TOUR: &str = r#"
(seq (xor (call "@b" ("s" "one") [] x) (call "@b" ("s" "instead") [:error:.$.message] x))
     (seq (xor (call "@c" ("s" "two") [x] y) (call "@c" ("s" "instead") [:error:.$.message] y))
          (xor (call "@a" ("s" "three") [y]) (call "@a" ("s" "instead") [:error:.$.message]))))"#;

#[test]
fn a_particle_visits_three_peers_and_comes_back() {
    let mut net = Net::new(1, 3);
    let particle = net.start(A, TOUR);
    net.run_until_quiet();
    assert_eq!(net.calls(), "b s.one\nc s.two\na s.three\n");
    let together = net.check(particle);
    assert!(together.done && together.waiting.is_empty(), "{together:?}");
    assert!(
        net.events(A, particle)
            .iter()
            .any(|event| matches!(event, ParticleEvent::Done))
    );
}

#[test]
fn a_failure_that_nothing_catches_is_told_at_once_to_who_started_the_particle() {
    let mut net = Net::new(1, 3);
    let failed = CallOutcome::Failed {
        code: 7,
        message: "no such luck".into(),
    };
    net.answer("s.two", failed, 0);
    let particle = net.start(
        A,
        r#"(seq (call "@b" ("s" "one") []) (seq (call "@c" ("s" "two") []) (call "@a" ("s" "three") [])))"#,
    );
    net.run_for(1_000);
    let events = net.events(A, particle);
    let told = |event: &ParticleEvent| matches!(event, ParticleEvent::Error(error) if error.message.contains("no such luck"));
    assert!(events.iter().copied().any(told), "{events:?}");
    assert!(net.check(particle).waiting.is_empty());
}

#[test]
fn a_failure_that_a_crash_kept_from_who_started_the_particle_is_told_after_the_restart() {
    let mut net = Net::new(1, 3);
    let failed = CallOutcome::Failed {
        code: 7,
        message: "no such luck".into(),
    };
    net.answer("s.two", failed, 20_000);
    let particle = net.start(
        A,
        r#"(seq (call "@b" ("s" "one") []) (seq (call "@c" ("s" "two") []) (call "@a" ("s" "three") [])))"#,
    );
    // Long enough for the others to have asked for news and to ask no more.
    net.run_for(19_000);
    net.world.partition(&[C]);
    net.run_for(2_000);
    net.crash(C);
    net.world.heal_all();
    net.run_for(10_000);
    let told = |net: &Net| {
        let events = net.events(A, particle);
        events
            .iter()
            .any(|event| matches!(event, ParticleEvent::Error(error) if error.message.contains("no such luck")))
    };
    assert!(!told(&net), "only the crashed peer knows");
    net.restart(C);
    net.run_for(10_000);
    assert!(told(&net), "{:?}", net.events(A, particle));
    assert_eq!(net.count("s", "two"), 1);
}

#[test]
fn who_started_a_particle_hears_of_its_end_elsewhere() {
    let mut net = Net::new(1, 3);
    let particle = net.start(
        A,
        r#"(seq (call "@b" ("s" "one") []) (call "@c" ("s" "two") []))"#,
    );
    net.run_for(1_000);
    assert_eq!(net.calls(), "b s.one\nc s.two\n");
    let done = |net: &Net| {
        let events = net.events(A, particle);
        events
            .iter()
            .any(|event| matches!(event, ParticleEvent::Done))
    };
    assert!(!done(&net), "nobody owes it this news");
    net.run_for(20_000);
    assert!(done(&net), "it has asked");
}

#[test]
fn a_seed_decides_everything() {
    let run = |seed| {
        let mut net = Net::new(seed, 3);
        net.weather(Weather::stormy());
        net.start(A, TOUR);
        net.run_until_quiet();
        (net.world.trace(), net.world.now(), net.world.traffic())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0);
}

#[test]
fn a_particle_waits_for_a_partition_to_heal() {
    let mut net = Net::new(2, 3);
    net.world.partition(&[C]);
    let particle = net.start(A, TOUR);
    net.run_for(20_000);
    assert_eq!(net.calls(), "b s.one\n");
    net.world.heal_all();
    net.run_until_quiet();
    assert_eq!(net.calls(), "b s.one\nc s.two\na s.three\n");
    assert!(net.check(particle).done);
}

#[test]
fn a_storm_costs_time_and_nothing_else() {
    for seed in 0..20 {
        let mut net = Net::new(seed, 3);
        net.weather(Weather {
            loss: 300,
            duplication: 300,
            ..Weather::stormy()
        });
        let particle = net.start(A, TOUR);
        net.run_until_quiet();
        assert_eq!(net.calls(), "b s.one\nc s.two\na s.three\n", "seed {seed}");
        assert!(net.check(particle).done, "seed {seed}");
    }
}

#[test]
fn a_crash_between_any_two_effects_repeats_no_call_and_loses_no_particle() {
    for victim in [A, B, C] {
        let mut crashes = 0;
        loop {
            let mut net = Net::new(3, 3);
            let particle = net.start(A, TOUR);
            net.world.crash_after(victim, crashes);
            net.run_for(10_000);
            let crashed = !net.world.is_up(victim);
            net.restart(victim);
            net.run_for(60_000);
            net.run_until_quiet();
            let together = net.check(particle);
            let place = format!("peer {victim}, {crashes} effects, calls:\n{}", net.calls());
            let last = net.calls().lines().last().map(ToOwned::to_owned);
            assert!(
                matches!(last.as_deref(), Some("a s.three" | "a s.instead")),
                "{place}"
            );
            assert!(
                together.done && together.waiting.is_empty(),
                "{place}{together:?}"
            );
            if !crashed {
                break;
            }
            crashes += 1;
        }
        assert!(crashes > 3, "peer {victim} had only {crashes} effects");
    }
}

#[test]
fn a_call_that_a_crash_interrupted_fails_and_is_not_repeated() {
    let mut net = Net::new(4, 3);
    net.answer("s.one", CallOutcome::Value(1.into()), 5_000);
    let particle = net.start(A, TOUR);
    net.run_for(1_000);
    net.crash(B);
    net.run_for(1_000);
    net.restart(B);
    net.run_for(60_000);
    assert_eq!(net.calls(), "b s.one\nb s.instead\nc s.two\na s.three\n");
    assert!(net.check(particle).done);
}

#[test]
fn a_peer_without_its_disk_takes_no_particle_that_it_may_have_forgotten() {
    let limits = Limits::default();
    let skew_ms = limits.clock_skew_ms;
    let mut net = Net::with_limits(5, 3, limits);
    let early = net.start(A, TOUR);
    net.run_until_quiet();
    assert_eq!(net.count("s", "three"), 1);
    let again = net.start(
        C,
        r#"(seq (call "@c" ("s" "before") []) (call "@b" ("s" "again") []))"#,
    );
    net.crash(B);
    net.run_for(100);
    net.restart_without_disk(B);
    net.run_for(20_000);
    assert_eq!(net.count("s", "again"), 0, "{}", net.calls());
    let refused = |net: &Net, node, particle| {
        net.events(node, particle).iter().any(|e| {
            matches!(
                e,
                ParticleEvent::Refused {
                    reason: Refusal::StoreTooYoung { .. },
                    ..
                }
            )
        })
    };
    assert!(refused(&net, C, again), "{:?}", net.events(C, again));

    let within_skew = net.start(A, r#"(call "@b" ("s" "within_skew") [])"#);
    net.run_for(5_000);
    assert!(refused(&net, A, within_skew));
    net.run_for(skew_ms);
    let late = net.start(A, r#"(call "@b" ("s" "late") [])"#);
    net.run_until_quiet();
    assert_eq!(
        (net.count("s", "within_skew"), net.count("s", "late")),
        (0, 1)
    );
    for particle in [early, again, within_skew, late] {
        net.check(particle);
    }
}

#[test]
fn a_relay_holds_what_comes_for_a_client_that_is_away() {
    let mut net = Net::empty(6, Limits::default());
    let a = net.world.add(Spec::new("a"));
    let relay = net.world.add(Spec::relay("b"));
    let client = net.world.add(Spec::client("c", &[relay]));
    net.world.introduce(relay, a);
    net.run_until_quiet();

    let particle = net.start(
        client,
        r#"(seq (call "@a" ("s" "slow") [] x) (call %init_peer_id% ("s" "answer") [x]))"#,
    );
    net.answer("s.slow", CallOutcome::Value("done".into()), 3_000);
    net.run_for(1_000);
    net.crash(client);
    net.run_for(10_000);
    assert_eq!(net.calls(), "a s.slow\n");
    assert_eq!(
        net.world.peer(relay).map(|peer| peer.metrics().relay_held),
        Some(1)
    );
    net.world.restart(client);
    net.run_until_quiet();
    assert_eq!(net.calls(), "a s.slow\nc s.answer\n");
    let relayed = net
        .world
        .peer(relay)
        .expect("the relay is up")
        .log(&particle);
    assert!(relayed.is_none(), "a relay does not take part");
    net.check(particle);
}

#[test]
fn the_starter_learns_at_the_end_which_step_waited_for_whom() {
    let mut net = Net::new(7, 3);
    net.crash(C);
    let particle = net.start(
        A,
        r#"(par (call "@b" ("s" "one") []) (call "@c" ("s" "two") []))"#,
    );
    net.run_for(301_000);
    let waiting = net
        .events(A, particle)
        .into_iter()
        .find_map(|event| match event {
            ParticleEvent::Expired { waiting } => Some(waiting.clone()),
            _ => None,
        });
    let waiting = waiting.expect("the particle expired");
    let c = net.world.id(C).to_string();
    assert!(
        waiting
            .iter()
            .any(|step| *step.peer == *c && step.what.contains("two")),
        "{waiting:?}"
    );
}

#[test]
fn particles_leave_memory_and_come_back() {
    let limits = Limits {
        idle_ms: 1_000,
        ..Limits::default()
    };
    let mut net = Net::with_limits(8, 3, limits);
    net.answer("s.two", CallOutcome::Value(2.into()), 20_000);
    let particle = net.start(A, TOUR);
    net.run_for(13_000);
    let evicted = net.world.peer(A).map(|peer| peer.log(&particle).is_none());
    assert_eq!(evicted, Some(true));
    net.run_for(17_000);
    net.run_until_quiet();
    assert_eq!(net.calls(), "b s.one\nc s.two\na s.three\n");
    assert!(net.check(particle).done);
}

#[test]
fn forty_peers_answer_and_are_joined() {
    let mut net = Net::new(9, 41);
    net.weather(Weather::fair());
    let peers: Vec<String> = (1..41)
        .map(|node| format!("\"@{}\"", net.world.name(node)))
        .collect();
    let arms = peers.iter().fold("(null)".to_owned(), |rest, peer| {
        format!("(par (call {peer} (\"s\" \"arm\") [] $results) {rest})")
    });
    let script = format!(
        r#"(seq {arms} (new $joined (fold $results r (seq (seq (ap r $joined) (canon "@a" $joined #j))
               (xor (match #j.length 40 (call "@a" ("s" "joined") [#j.length])) (next r))))))"#
    );
    let particle = net.start(A, &script);
    net.run_until_quiet();
    assert_eq!((net.count("s", "arm"), net.count("s", "joined")), (40, 1));
    net.check(particle);
}

#[test]
fn an_ordered_crash_can_be_taken_back_and_is_nothing_to_who_is_down() {
    let mut net = Net::new(8, 2);
    net.world.crash_after(B, 0);
    net.world.cancel_crash(B);
    let particle = net.start(A, r#"(call "@b" ("s" "one") [])"#);
    net.run_until_quiet();
    assert_eq!(
        (net.calls().as_str(), net.world.crashes(B)),
        ("b s.one\n", 0)
    );
    net.crash(B);
    net.world.crash_after(B, 0);
    net.restart(B);
    net.run_for(10_000);
    assert!(net.world.is_up(B));
    assert_eq!(net.world.crashes(B), 1);
    net.check(particle);
}

#[test]
#[should_panic(expected = "acknowledged entry 0")]
fn the_check_finds_that_a_peer_has_nothing_of_what_it_acknowledged() {
    let mut net = Net::new(9, 2);
    let particle = net.start(
        A,
        r#"(seq (call "@b" ("s" "one") []) (call "@a" ("s" "two") []))"#,
    );
    net.run_until_quiet();
    net.crash(B);
    net.world.restart_without_disk(B);
    net.check(particle);
}

#[test]
fn a_peer_without_its_disk_answers_for_what_starts_later() {
    let mut net = Net::new(10, 2);
    let script = r#"(seq (call "@b" ("s" "one") []) (call "@a" ("s" "two") []))"#;
    let early = net.start(A, script);
    net.run_until_quiet();
    net.crash(B);
    net.restart_without_disk(B);
    net.run_for(Limits::default().clock_skew_ms + 1_000);
    let late = net.start(A, script);
    net.run_until_quiet();
    assert!(!net.review(early).nodes().any(|node| node == B));
    assert!(net.review(late).nodes().any(|node| node == B));
    assert!(net.check(early).done && net.check(late).done);
}

#[test]
fn peers_that_meet_know_the_same_and_go_on_alike() {
    let mut net = Net::new(11, 3);
    let script = r#"(seq (call "@b" ("s" "one") [] x) (seq (canon "@b" $none #none) (call "@c" ("s" "two") [x #none])))"#;
    let particle = net.start(A, script);
    net.run_for(2);
    net.world.partition(&[A]);
    net.run_for(2_000);
    assert_eq!(net.calls(), "b s.one\nc s.two\n");
    let told = |node| {
        let peer = net.world.peer(node).expect("it is up");
        peer.waiting(&particle).len()
    };
    assert_eq!(
        (told(A), told(C)),
        (1, 0),
        "a waits, for nobody has told it"
    );
    let met = net.meet(particle);
    assert!(met.done && met.waiting.is_empty(), "{met:?}");
}

#[test]
fn a_peer_that_was_restarted_still_knows_the_relay_of_who_started_the_particle() {
    let mut net = Net::empty(12, Limits::default());
    let relay = net.world.add(Spec::relay("a"));
    let server = net.world.add(Spec::new("b"));
    let client = net.world.add(Spec::client("c", &[relay]));
    net.world.introduce_all();
    net.answer("s.slow", CallOutcome::Value(1.into()), 20_000);
    let particle = net.start(
        client,
        r#"(xor (call "@b" ("s" "slow") []) (call "@c" ("s" "instead") []))"#,
    );
    net.run_for(8_000);
    net.crash(server);
    net.cut(client, server);
    net.run_for(5_000);
    net.restart(server);
    net.run_for(100_000);
    assert_eq!(net.calls(), "b s.slow\nc s.instead\n");
    net.check(particle);
}
