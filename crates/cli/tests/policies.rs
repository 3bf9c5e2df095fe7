//! The policies on a simulated network: when they are done, and when they give up.

mod support;

use serde_json::{Value, json};
use support::{weir, weir_with_input};

/// Runs a policy over replicas a, b and c; gives the first `done` or `unmet`, and how often `result` and `error` came.
fn run(policy: &str, parameter: u64, seed: u64, services: &Value) -> (String, usize, usize) {
    let path = format!("{}/../../aqua/{policy}.air", env!("CARGO_MANIFEST_DIR"));
    let air = std::fs::read_to_string(path).expect("the policies are part of the repository");
    let mut mocks = json!({
        "getDataSrv.relay": {"ok": "@a"},
        "getDataSrv.peers": {"ok": ["@a", "@b", "@c"]},
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
        "peers": ["a", "b", "c"],
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
    let end = format!(
        "{} {}",
        end["call"].as_str().unwrap_or_default(),
        end["args"]
    );
    (end, count("callbackSrv.result"), count("callbackSrv.error"))
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
        let (end, results, _) = run("quorum", 3, seed, &services);
        assert!(end.starts_with("callbackSrv.unmet "), "{end}");
        assert_eq!(results, 3);
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
