//! Peers that sign what they should not.

mod support;

use std::sync::Arc;

use support::{Case, Net, key_of};
use weir_avm::log::{
    Body, CallEntry, CanonEntry, INTERRUPTED, Log, Message, MessageOptions, Outcome, StepId,
};
use weir_avm::{Avm, CallOutcome, CallRequest, Export, audit};
use weir_identity::{Cid, PeerId, Value};

/// A script under way: `init` has sent it to `a`, who has one open call.
struct Scene {
    net: Net,
    a: PeerId,
    request: CallRequest,
}

const SCRIPT: &str = r##"
    (seq (call "@a" ("s" "f") [1] $s)
     (seq (canon "@a" $s #c)
      (call %init_peer_id% ("s" "done") [#c])))"##;

fn scene() -> Scene {
    scene_under(None)
}

/// With a limit of the bytes of a value.
fn scene_under(value_bytes: Option<u32>) -> Scene {
    scene_of(SCRIPT, value_bytes)
}

fn scene_of(air: &str, value_bytes: Option<u32>) -> Scene {
    let case = serde_json::json!({ "air": air, "peers": ["a", "b"] });
    let case: Case = serde_json::from_value(case).expect("a case");
    let mut net = Net::new(case, 0);
    if let Some(limit) = value_bytes {
        Arc::make_mut(&mut net.start).limits.value_bytes = limit;
    }
    net.begin();
    let a = key_of("a").peer_id();
    let Some(support::Event::Message { message, .. }) = net.queue.pop() else {
        panic!("init sends to a");
    };
    net.wake(a);
    let from = net.start.initiator;
    net.avm(a)
        .merge(message, from)
        .expect("an honest message is taken");
    let effects = net.avm(a).drain();
    net.peers
        .get_mut(&a)
        .expect("a is there")
        .records
        .extend(effects.records);
    let request = effects
        .calls
        .into_iter()
        .next()
        .expect("a has a call to make");
    Scene { net, a, request }
}

impl Scene {
    /// The log of a peer, to be misused.
    fn log_of(&self, name: &str) -> Log {
        let peer = &self.net.peers[&key_of(name).peer_id()];
        let script = self.net.program.script().text().clone();
        Log::restore(
            self.net.start.clone(),
            script,
            peer.key.peer_id(),
            peer.records.clone(),
        )
        .expect("own records restore")
    }

    fn honest_call(&self, log: &mut Log) -> CallEntry {
        CallEntry {
            step: self.request.step,
            args: self.request.args_cid,
            tetraplets: self.tetraplets(),
            service: "s".into(),
            function: "f".into(),
            outcome: Outcome::Value(log.store(Value::from(5_i64))),
            receipt: None,
        }
    }

    /// The origin list that the script gives the call.
    fn tetraplets(&self) -> Cid {
        let mut avm = self.honest();
        avm.complete(
            self.request.step,
            self.request.args_cid,
            CallOutcome::Value(Value::Null),
            None,
        )
        .expect("the call is open");
        let log = avm.log();
        log.entries_from(weir_avm::log::LogIndex(0))
            .find_map(|(_, held)| match &held.entry.body {
                Body::Call(call) => Some(call.tetraplets),
                _ => None,
            })
            .expect("the entry was made")
    }

    fn honest(&self) -> Avm {
        let peer = &self.net.peers[&self.a];
        Avm::restore(
            self.net.start.clone(),
            self.net.program.clone(),
            peer.key.clone(),
            peer.records.clone(),
        )
        .expect("own records restore")
    }

    /// What `init` makes of a log that `name` signed.
    fn tell_init(&mut self, name: &str, mut log: Log) -> Vec<String> {
        let init = self.net.start.initiator;
        let message = signed(&mut log, name, &init);
        let merged = self.net.avm(init).merge(message, key_of(name).peer_id());
        let merged = merged.expect("the signatures are right");
        assert_eq!(merged.refused, []);
        let effects = self.net.avm(init).drain();
        self.net.calls.clear();
        effects
            .offences
            .into_iter()
            .map(|report| self.net.say(&report.message))
            .chain(
                effects
                    .calls
                    .iter()
                    .map(|call| format!("calls {}.{}", call.service, call.function)),
            )
            .collect()
    }
}

fn signed(log: &mut Log, name: &str, to: &PeerId) -> Message {
    log.sign(&key_of(name)).expect("the log speaks");
    log.message_for(
        to,
        MessageOptions {
            with_start_and_script: true,
        },
    )
    .message
}

#[test]
fn an_entry_with_other_arguments_is_cut() {
    let mut scene = scene();
    let mut log = scene.log_of("a");
    let call = CallEntry {
        args: Value::from(2_i64).cid(),
        ..scene.honest_call(&mut log)
    };
    log.append(Body::Call(call)).expect("the log speaks");
    let seen = scene.tell_init("a", log);
    assert_eq!(
        seen,
        ["entry 0 of @a does not hold: the arguments are not those of the script"]
    );
}

#[test]
fn an_entry_with_other_origins_is_cut() {
    let mut scene = scene();
    let mut log = scene.log_of("a");
    let call = CallEntry {
        tetraplets: Value::from(2_i64).cid(),
        ..scene.honest_call(&mut log)
    };
    log.append(Body::Call(call)).expect("the log speaks");
    let seen = scene.tell_init("a", log);
    assert_eq!(
        seen,
        ["entry 0 of @a does not hold: the origins of the arguments are not those of the script"]
    );
}

#[test]
fn an_answer_to_somebody_elses_step_is_cut() {
    let mut scene = scene();
    let mut log = scene.log_of("b");
    let call = scene.honest_call(&mut log);
    log.append(Body::Call(call)).expect("the log speaks");
    let seen = scene.tell_init("b", log);
    assert_eq!(
        seen,
        ["entry 0 of @b does not hold: the step belongs to @a, not to @b"]
    );
}

#[test]
fn an_entry_on_a_step_that_was_never_reached_is_cut() {
    let mut scene = scene();
    let mut log = scene.log_of("a");
    let call = CallEntry {
        step: StepId([9; 32]),
        ..scene.honest_call(&mut log)
    };
    log.append(Body::Call(call)).expect("the log speaks");
    let seen = scene.tell_init("a", log);
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].contains("control does not come to its step"),
        "{seen:?}"
    );
}

/// `a` answers the call, and then takes a canon as told.
fn with_canon(scene: &Scene, keys: impl FnOnce(StepId) -> Vec<StepId>) -> Log {
    let mut avm = scene.honest();
    avm.complete(
        scene.request.step,
        scene.request.args_cid,
        CallOutcome::Value(Value::from(5_i64)),
        None,
    )
    .expect("the call is open");
    let canon = avm
        .log()
        .entries_from(weir_avm::log::LogIndex(0))
        .find_map(|(_, held)| match &held.entry.body {
            Body::Canon(canon) => Some(canon.clone()),
            _ => None,
        })
        .expect("the canon was taken");
    let mut log = scene.log_of("a");
    let call = scene.honest_call(&mut log);
    log.append(Body::Call(call)).expect("the log speaks");
    let keys = keys(scene.request.step);
    log.append(Body::Canon(CanonEntry { keys, ..canon }))
        .expect("the log speaks");
    log
}

#[test]
fn a_canon_of_what_was_never_appended_is_cut() {
    let mut scene = scene();
    let log = with_canon(&scene, |step| vec![step, StepId([9; 32])]);
    let seen = scene.tell_init("a", log);
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].contains("entry 1 of @a does not hold: the canon names"),
        "{seen:?}"
    );
}

fn audit_of(scene: &Scene, log: &mut Log) -> String {
    log.sign(&key_of("a")).expect("the log speaks");
    match audit(&Export::of(log)) {
        Ok(_) => "holds".into(),
        Err(fault) => scene.net.say(&fault.to_string()),
    }
}

#[test]
fn an_audit_accepts_the_honest_canon() {
    let scene = scene();
    let mut log = with_canon(&scene, |step| vec![step]);
    assert_eq!(audit_of(&scene, &mut log), "holds");
}

#[test]
fn an_audit_notices_a_canon_that_leaves_out_what_was_known() {
    let scene = scene();
    let mut log = with_canon(&scene, |_| Vec::new());
    let found = audit_of(&scene, &mut log);
    assert!(
        found.starts_with("it leaves out") && found.ends_with("(entry 1 of @a)"),
        "{found}"
    );
}

#[test]
fn an_audit_notices_an_element_that_is_listed_twice() {
    let scene = scene();
    let mut log = with_canon(&scene, |step| vec![step, step]);
    let found = audit_of(&scene, &mut log);
    assert!(
        found.contains("contradicts") && found.ends_with("(entry 1 of @a)"),
        "{found}"
    );
}

#[test]
fn an_export_without_one_entry_of_a_chain_does_not_hold() {
    let scene = scene();
    let mut log = with_canon(&scene, |step| vec![step]);
    log.sign(&key_of("a")).expect("the log speaks");
    let text = Export::of(&log).to_json();
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("an export is JSON");
    for journal in document["journals"].as_array_mut().expect("journals") {
        let entries = journal["entries"].as_array_mut().expect("entries");
        if entries.len() > 1 {
            entries.remove(0);
            journal["length"] = entries.len().into();
        }
    }
    let changed = serde_json::to_string_pretty(&document).expect("JSON") + "\n";
    assert!(
        Export::parse(&changed).is_err() || audit(&Export::parse(&changed).expect("read")).is_err()
    );
}

#[test]
fn swapped_authors_do_not_hold() {
    let scene = scene();
    let mut log = with_canon(&scene, |step| vec![step]);
    log.sign(&key_of("a")).expect("the log speaks");
    let text = Export::of(&log).to_json();
    let (a, b) = (
        key_of("a").peer_id().to_string(),
        key_of("b").peer_id().to_string(),
    );
    let author = format!("\"author\": \"{a}\"");
    let changed = text.replacen(&author, &format!("\"author\": \"{b}\""), 1);
    assert_ne!(text, changed);
    let holds = Export::parse(&changed).is_ok_and(|export| audit(&export).is_ok());
    assert!(!holds);
}

#[test]
fn two_answers_to_one_call_are_proven_and_the_first_stays() {
    let mut scene = scene();
    let mut first = scene.log_of("a");
    let call = scene.honest_call(&mut first);
    first.append(Body::Call(call)).expect("the log speaks");
    let mut second = scene.log_of("a");
    let outcome = Outcome::Value(second.store(Value::from(6_i64)));
    let call = CallEntry {
        outcome,
        ..scene.honest_call(&mut second)
    };
    second.append(Body::Call(call)).expect("the log speaks");
    let init = scene.net.start.initiator;
    for log in [&mut first, &mut second] {
        let message = signed(log, "a", &init);
        scene
            .net
            .avm(init)
            .merge(message, key_of("a").peer_id())
            .expect("the signatures are right");
    }
    let log = scene.net.avm(init).log();
    let proof = log
        .equivocations()
        .next()
        .expect("the contradiction is proven");
    assert_eq!(proof.author, scene.a);
    proof.verify().expect("the proof stands on its own");
    assert!(log.blob(&Value::from(5_i64).cid()).is_some());
}

#[test]
fn an_interrupted_call_is_a_failure_that_a_script_can_catch() {
    let Scene {
        mut net,
        a,
        request,
    } = scene();
    net.avm(a)
        .complete(
            request.step,
            request.args_cid,
            CallOutcome::Interrupted,
            None,
        )
        .expect("the call is open");
    net.drain(a);
    net.run();
    let (peer, code, message) = net.errors.first().cloned().expect("nobody catches it");
    assert_eq!((peer.as_str(), code), ("@a", 10_000));
    assert!(
        message.contains(&INTERRUPTED.to_string()) && message.contains("outcome unknown"),
        "{message}"
    );
}

#[test]
fn a_result_for_another_question_is_handed_back() {
    let Scene {
        mut net,
        a,
        request,
    } = scene();
    let other = Value::from(2_i64).cid();
    let value = CallOutcome::Value(Value::Null);
    let error = net
        .avm(a)
        .complete(request.step, other, value.clone(), None)
        .expect_err("the arguments differ");
    assert!(error.to_string().contains("other arguments"), "{error}");
    net.avm(a)
        .complete(request.step, request.args_cid, value.clone(), None)
        .expect("the call is still open");
    let error = net
        .avm(a)
        .complete(request.step, request.args_cid, value, None)
        .expect_err("it is answered");
    assert!(error.to_string().contains("answered already"), "{error}");
}

#[test]
fn a_muted_peer_forwards_and_says_nothing() {
    let Scene {
        mut net,
        a,
        request,
    } = scene();
    let init = net.start.initiator;
    let peer = &net.peers[&a];
    let fresh = Avm::new(
        net.start.clone(),
        net.program.clone(),
        Arc::clone(&peer.key),
    );
    let mut avm = fresh.expect("the script fits");
    avm.mute();
    let nobody = key_of("nobody").peer_id();
    let message = net.avm(init).everything_for(&nobody).message;
    avm.merge(message, init).expect("an honest message");
    let effects = avm.drain();
    assert!(!effects.records.is_empty(), "it stores what it learnt");
    assert_eq!(effects.calls, []);
    let done = avm.complete(
        request.step,
        request.args_cid,
        CallOutcome::Value(Value::Null),
        None,
    );
    assert!(done.is_err(), "a result is not taken");
    let me = avm.log().me().expect("a has a log");
    assert_eq!(avm.log().journal_len(me), 0);
    let forwarded = avm.everything_for(&key_of("b").peer_id()).message;
    assert_eq!(forwarded.suffixes.len(), 1);
    assert_eq!(forwarded.suffixes[0].head.head.author, init);
}

/// How a call ends whose service gives `outcome`: the entry's failure message.
fn refused(outcome: CallOutcome, limit: Option<u32>) -> Option<String> {
    let Scene {
        mut net,
        a,
        request,
    } = scene_under(limit);
    net.avm(a)
        .complete(request.step, request.args_cid, outcome, None)
        .expect("the call is open");
    let log = net.avm(a).log();
    let outcome = log
        .entries_from(weir_avm::log::LogIndex(0))
        .find_map(|(_, held)| match &held.entry.body {
            Body::Call(call) => Some(call.outcome.clone()),
            _ => None,
        });
    match outcome.expect("the entry was made") {
        Outcome::Failed { message, .. } => log.blob(&message).map(Value::to_json),
        _ => None,
    }
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |value, _| Value::from(vec![value]))
}

#[test]
fn what_a_service_nests_too_deep_becomes_a_failure() {
    let deep = "is nested deeper than 128 arrays and objects\"";
    assert_eq!(refused(CallOutcome::Value(nested(128)), None), None);
    for depth in [129, 40_000] {
        let value = refused(CallOutcome::Value(nested(depth)), None);
        assert_eq!(value, Some(format!("\"the result {deep}")));
        let message = nested(depth);
        let failed = refused(CallOutcome::Failed { code: 1, message }, None);
        assert_eq!(failed, Some(format!("\"the failure message {deep}")));
    }
}

#[test]
fn what_a_service_says_at_too_great_length_becomes_a_short_failure() {
    let long = || Value::from("x".repeat(98));
    let large = "has 100 bytes, the particle's limit is 99\"";
    assert_eq!(refused(CallOutcome::Value(long()), Some(100)), None);
    let value = refused(CallOutcome::Value(long()), Some(99));
    assert_eq!(value, Some(format!("\"the result {large}")));
    let message = long();
    let failed = refused(CallOutcome::Failed { code: 1, message }, Some(99));
    assert_eq!(failed, Some(format!("\"the failure message {large}")));
}

#[test]
fn a_result_above_the_limit_of_the_particle_is_cut() {
    let mut scene = scene_under(Some(99));
    let mut log = scene.log_of("a");
    let outcome = Outcome::Value(log.store(Value::from("x".repeat(98))));
    let call = CallEntry {
        outcome,
        ..scene.honest_call(&mut log)
    };
    log.append(Body::Call(call)).expect("the log speaks");
    assert_eq!(
        scene.tell_init("a", log),
        ["entry 0 of @a does not hold: the result has 100 bytes, the particle's limit is 99",]
    );
}

#[test]
fn an_audit_notices_a_kept_element_that_stands_after_the_canon() {
    let air = r#"(par (seq (call "@a" ("s" "slow") []) (canon "@a" $s #c1))
        (seq (ap 1 $s) (canon "@a" $s #c2)))"#;
    for kept in [0, 1] {
        let mut scene = scene_of(air, None);
        let peer = scene.a;
        let mut log = scene.log_of("a");
        let avm = scene.net.avm(peer);
        let (step, args) = (scene.request.step, scene.request.args_cid);
        avm.complete(step, args, CallOutcome::Value(Value::Null), None)
            .expect("the call is open");
        let me = avm.log().me().expect("a has a log");
        let own = |index: u32| {
            let at = avm.log().position(me, index).expect("the entry is there");
            avm.log().entry(at).expect("it is held").entry.body.clone()
        };
        let (Body::Canon(second), call, Body::Canon(first)) = (own(0), own(1), own(2)) else {
            panic!("a takes the second canon, answers, and takes the first");
        };
        assert_eq!((second.keys.len(), first.keys.len()), (1, 0));
        log.append(call).expect("the log speaks");
        let base = (kept > 0).then_some(0);
        let forged = CanonEntry {
            base,
            kept,
            ..first
        };
        log.append(Body::Canon(forged)).expect("the log speaks");
        let found = audit_of(&scene, &mut log);
        if kept == 0 {
            assert_eq!(found, "holds");
        } else {
            assert!(
                found.starts_with("it lists") && found.ends_with("(entry 2 of @a)"),
                "{found}"
            );
        }
    }
}

#[test]
fn nothing_of_an_entry_that_is_cut_is_acted_on() {
    let air = r#"(seq (new $h (new #c (canon "@a" $h #c))) (call "@b" ("s" "f") [1] r))"#;
    let case = serde_json::json!({ "air": air, "peers": ["a", "b"] });
    let mut net = Net::new(serde_json::from_value(case).expect("a case"), 0);
    net.begin();
    let Some(support::Event::Message { message, .. }) = net.queue.pop() else {
        panic!("init sends to a");
    };
    let (init, a, b) = (
        net.start.initiator,
        key_of("a").peer_id(),
        key_of("b").peer_id(),
    );
    net.wake(a);
    net.avm(a)
        .merge(message.clone(), init)
        .expect("an honest message is taken");
    let log = net.avm(a).log();
    let passed = log
        .entries_from(weir_avm::log::LogIndex(0))
        .find_map(|(_, held)| match &held.entry.body {
            Body::Hops(steps) => Some(steps[0]),
            _ => None,
        });
    let step = passed.expect("a passes the hop");
    for (steps, calls) in [(vec![step, StepId([9; 32])], 0), (vec![step], 1)] {
        let script = net.program.script().text().clone();
        let mut log = Log::new(net.start.clone(), script, a).expect("the script fits");
        log.merge(message.clone(), init)
            .expect("an honest message is taken");
        log.append(Body::Hops(steps)).expect("the log speaks");
        let told = signed(&mut log, "a", &b);
        net.peers.get_mut(&b).expect("b is there").avm = None;
        net.wake(b);
        net.avm(b).merge(told, a).expect("the signatures are right");
        let effects = net.avm(b).drain();
        assert_eq!(effects.calls.len(), calls);
        assert_eq!(effects.offences.len(), 1 - calls);
    }
}

#[test]
fn an_entry_of_an_unknown_kind_by_a_stranger_is_cut() {
    let mut scene = scene();
    let script = scene.net.program.script().text().clone();
    let stranger = key_of("stranger").peer_id();
    let start = scene.net.start.clone();
    let mut log = Log::new(start, script, stranger).expect("the script fits");
    let other = Body::Other {
        kind: 16,
        bytes: b"z".to_vec().into(),
    };
    log.append(other).expect("the log speaks");
    let seen = scene.tell_init("stranger", log);
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].contains("its author has no part in the particle"),
        "{seen:?}"
    );
}

/// What `b` and an audit of its log say after `a` froze a stream of which `b`
/// has seen other elements first, when there may be `elements`.
fn limited(append: impl Fn(&str, &str) -> String, elements: u32) -> (Vec<String>, String) {
    let (from_a, from_b) = (append("@a", "x"), append("@b", "y"));
    let air = format!(
        r##"(par {from_a} (par {from_b} (seq (call "@a" ("s" "z") []) (canon "@a" $s #c))))"##
    );
    let case = serde_json::json!({ "air": air, "peers": ["a", "b"] });
    let mut net = Net::new(serde_json::from_value(case).expect("a case"), 0);
    Arc::make_mut(&mut net.start).limits.elements = elements;
    net.begin();
    net.run();
    let (a, b) = (key_of("a").peer_id(), key_of("b").peer_id());
    let _signed = net.avm(a).signed_log();
    let told = net
        .avm(a)
        .everything_for(&key_of("nobody").peer_id())
        .message;
    net.avm(b).merge(told, a).expect("an honest message");
    let offences = net.avm(b).drain().offences;
    let offences = offences.iter().map(|r| net.say(&r.message)).collect();
    let log = net.avm(b).signed_log();
    let found = match audit(&Export::of(log)) {
        Ok(_) => "holds".into(),
        Err(fault) => net.say(&fault.to_string()),
    };
    (offences, found)
}

#[test]
fn who_reached_a_limit_convicts_nobody() {
    let call = |peer: &str, _: &str| format!(r#"(call "{peer}" ("s" "x") [] $s)"#);
    assert_eq!(limited(call, 1), (vec![], "holds".to_owned()));
    let ap = |peer: &str, name: &str| {
        format!(r#"(seq (call "{peer}" ("s" "x") [] {name}) (ap {name} $s))"#)
    };
    assert_eq!(limited(ap, 2), (vec![], "holds".to_owned()));
    assert_eq!(limited(ap, 1), (vec![], "holds".to_owned()));
}
