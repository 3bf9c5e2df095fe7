//! The policies on a simulated network: when they are done, and when they give up.

mod support;

use serde_json::{Value, json};
use support::{weir, weir_with_input};

/// What a policy reported to its caller.
struct Reported {
    /// The first `done` or `unmet`, with its arguments.
    end: String,
    /// How often `done` and `unmet` came.
    ends: usize,
    results: usize,
    errors: usize,
    /// Calls of the replicas.
    calls: usize,
}

/// Runs a policy over replicas a, b and c; gives the first `done` or `unmet`, and how often `result` and `error` came.
fn run(policy: &str, parameter: u64, seed: u64, services: &Value) -> (String, usize, usize) {
    let reported = run_on(&["a", "b", "c"], policy, &json!(parameter), seed, services);
    (reported.end, reported.results, reported.errors)
}

/// Id of a peer that is not there.
const NOBODY: &str = "16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v";

fn run_on(
    replicas: &[&str],
    policy: &str,
    parameter: &Value,
    seed: u64,
    services: &Value,
) -> Reported {
    let path = format!("{}/../../aqua/{policy}.air", env!("CARGO_MANIFEST_DIR"));
    let air = std::fs::read_to_string(path).expect("the policies are part of the repository");
    let (absent, present): (Vec<&str>, Vec<&str>) =
        replicas.iter().partition(|name| **name == NOBODY);
    let ids = present.iter().map(|name| format!("@{name}"));
    let ids: Vec<String> = ids.chain(absent.into_iter().map(str::to_owned)).collect();
    let mut mocks = json!({
        "getDataSrv.relay": {"ok": "@a"},
        "getDataSrv.peers": {"ok": ids},
        "getDataSrv.via": {"ok": {}},
        "getDataSrv.service": {"ok": "greeter"},
        "getDataSrv.function": {"ok": "hello"},
        "getDataSrv.args": {"ok": ["Ada"]},
        "getDataSrv.n": {"ok": parameter},
        "getDataSrv.patience_ms": {"ok": 1000},
        "callbackSrv.result": {"ok": {}},
        "callbackSrv.error": {"ok": {}},
        "callbackSrv.done": {"ok": {}},
        "callbackSrv.unmet": {"ok": {}},
        "peer.timeout": {"ok": ""},
    });
    let all = mocks.as_object_mut().expect("it is one");
    all.extend(services.as_object().expect("mocks are an object").clone());
    let case = json!({
        "air": air.replace("args.$.each", "args.$.[0]"),
        "peers": present,
        "services": mocks,
        "seed": seed,
    });
    let folder = tempfile::tempdir().expect("a folder for the test");
    let done = weir_with_input(
        folder.path(),
        &["sim", "run", "-", "--json"],
        &case.to_string(),
    );
    let data = done.data();
    assert_eq!(data["errors"], json!([]), "{data:#}");
    let calls = data["calls"].as_array().expect("a list of calls");
    let count = |name: &str| calls.iter().filter(|call| call["call"] == name).count();
    let end = calls
        .iter()
        .find(|call| call["call"] == "callbackSrv.done" || call["call"] == "callbackSrv.unmet")
        .unwrap_or_else(|| panic!("{policy} never ends: {data:#}"));
    Reported {
        end: format!(
            "{} {}",
            end["call"].as_str().unwrap_or_default(),
            end["args"]
        ),
        ends: count("callbackSrv.done") + count("callbackSrv.unmet"),
        results: count("callbackSrv.result"),
        errors: count("callbackSrv.error"),
        calls: count("greeter.hello"),
    }
}

#[test]
fn policies_are_valid_and_in_canonical_layout() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../aqua");
    let files = ["all.air", "any.air", "fastest.air", "quorum.air"];
    for command in [&["air", "check"][..], &["air", "fmt", "--check"]] {
        let done = weir(std::path::Path::new(folder), &[command, &files].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{done:#?}");
    }
}

const SEEDS: std::ops::Range<u64> = 0..10;

#[test]
fn all_waits_for_every_replica() {
    for seed in SEEDS {
        let services =
            json!({"greeter.hello": {"ok": "hi"}, "b/greeter.hello": {"err": "no", "code": 2}});
        let (end, results, errors) = run("all", 0, seed, &services);
        assert_eq!(
            (end.as_str(), results, errors),
            ("callbackSrv.done []", 2, 1)
        );
    }
}

#[test]
fn fastest_takes_an_answer_though_others_fail() {
    for seed in SEEDS {
        let services =
            json!({"greeter.hello": {"err": "no", "code": 2}, "b/greeter.hello": {"ok": "hi"}});
        let (end, _, _) = run("fastest", 0, seed, &services);
        assert_eq!(end, "callbackSrv.done [\"hi\"]");
    }
}

#[test]
fn fastest_ends_without_an_answer_when_all_fail() {
    for seed in SEEDS {
        let services = json!({"greeter.hello": {"err": "no", "code": 2}});
        let (end, results, errors) = run("fastest", 0, seed, &services);
        assert_eq!(
            (end.as_str(), results, errors),
            ("callbackSrv.done []", 0, 3)
        );
    }
}

#[test]
fn quorum_is_met_by_equal_answers_only() {
    let services = json!({
        "a/greeter.hello": {"ok": {"n": 1}},
        "b/greeter.hello": {"ok": {"n": 2}},
        "c/greeter.hello": {"ok": {"n": 1}},
    });
    for seed in SEEDS {
        let (end, _, _) = run("quorum", 2, seed, &services);
        assert_eq!(end, "callbackSrv.done [{\"n\":1}]");
        let (end, _, _) = run("quorum", 3, seed, &services);
        assert!(end.starts_with("callbackSrv.unmet "), "{end}");
    }
}

#[test]
fn failures_do_not_count_for_a_quorum() {
    let services =
        json!({"greeter.hello": {"err": "no", "code": 2}, "b/greeter.hello": {"ok": "hi"}});
    for seed in SEEDS {
        let (end, _, _) = run("quorum", 2, seed, &services);
        assert!(end.starts_with("callbackSrv.unmet "), "{end}");
        let (end, _, _) = run("quorum", 1, seed, &services);
        assert_eq!(end, "callbackSrv.done [\"hi\"]");
    }
}

#[test]
fn any_goes_on_after_a_failure() {
    let services = json!({
        "a/greeter.hello": {"err": "no", "code": 2},
        "b/greeter.hello": {"ok": "hi"},
        "peer.timeout": {"err": "it does not fire here", "code": 1},
    });
    for seed in SEEDS {
        let (end, results, errors) = run("any", 0, seed, &services);
        assert_eq!(
            (end.as_str(), results, errors),
            ("callbackSrv.done [\"hi\"]", 1, 1)
        );
    }
}

#[test]
fn any_ends_without_an_answer_when_all_fail() {
    let services = json!({
        "greeter.hello": {"err": "no", "code": 2},
        "peer.timeout": {"err": "it does not fire here", "code": 1},
    });
    for seed in SEEDS {
        let (end, results, errors) = run("any", 0, seed, &services);
        assert_eq!(
            (end.as_str(), results, errors),
            ("callbackSrv.done []", 0, 3)
        );
    }
}

#[test]
fn an_answer_after_the_quorum_is_met_takes_nothing_back() {
    let services = json!({"greeter.hello": {"ok": "hi"}});
    for seed in SEEDS {
        let reported = run_on(&["a", "b", "c"], "quorum", &json!(2), seed, &services);
        assert_eq!(reported.end, "callbackSrv.done [\"hi\"]");
        assert_eq!((reported.results, reported.ends), (3, 1));
    }
}

#[test]
fn a_quorum_is_given_up_though_a_replica_is_still_silent() {
    let services = json!({"greeter.hello": {"err": "no", "code": 2}});
    for seed in SEEDS {
        let replicas = ["a", "b", "c", NOBODY];
        let reported = run_on(&replicas, "quorum", &json!(2), seed, &services);
        // The one answer that is still to come is one too few.
        assert!(
            reported.end.starts_with("callbackSrv.unmet "),
            "{}",
            reported.end
        );
        assert_eq!((reported.results, reported.errors), (0, 3));
    }
}

#[test]
fn a_quorum_that_no_replicas_can_make_is_refused_before_any_call() {
    let services = json!({"greeter.hello": {"ok": "hi"}});
    for parameter in [
        json!(0),
        json!(-1),
        json!(4),
        json!(1.5),
        json!("abc"),
        json!(""),
        json!(null),
    ] {
        let reported = run_on(&["a", "b", "c"], "quorum", &parameter, 1, &services);
        assert_eq!(
            reported.end, "callbackSrv.unmet [\"n is not between 1 and the number of replicas\"]",
            "{parameter}"
        );
        assert_eq!((reported.calls, reported.ends), (0, 1), "{parameter}");
    }
}
