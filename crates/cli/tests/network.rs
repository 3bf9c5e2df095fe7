//! A real local network: started, called, killed, started again; traces exported and checked.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::{Network, Running, weir};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn call(folder: &Path, policy: &str) -> Value {
    weir(
        folder,
        &["call", "greeter.hello", "Ada", "--policy", policy, "--json"],
    )
    .data()
}

/// Every policy, every kind of failure, and what a trace says: on one network, because starting one takes time.
#[test]
fn a_function_is_called_on_a_network_of_peers() {
    let folder = folder();
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    assert_eq!(network.ready["peers"].as_array().map(Vec::len), Some(3));

    policies_answer(folder);
    failures_have_codes(folder);
    own_policies_are_used(folder);
    traces_are_shown_and_checked(folder);
    calls_are_executed_again(folder);
    scripts_run(folder);

    let second = weir(folder, &["up"]);
    assert_eq!(second.code, 11, "{second:#?}");
    assert!(second.stderr.contains("error[W0503]"), "{}", second.stderr);

    assert_eq!(network.interrupt(), 0);
    let down = weir(folder, &["call", "greeter.hello", "Ada"]);
    assert_eq!(down.code, 7, "{down:#?}");
    assert!(down.stderr.contains("error[W0502]"), "{}", down.stderr);
    let cause = "cause     connection refused\n";
    assert!(down.stderr.contains(cause), "{}", down.stderr);
}

fn policies_answer(folder: &Path) {
    let all = call(folder, "all");
    let replicas = all["replicas"].as_array().expect("a list of replicas");
    assert_eq!(replicas.len(), 3, "{all}");
    for replica in replicas {
        assert_eq!(replica["result"], "Hello, Ada!", "{all}");
    }
    assert_eq!(all["agreeing"], 3);
    for policy in ["any", "fastest", "quorum=2", "quorum", "quorum=3"] {
        assert_eq!(call(folder, policy)["result"], "Hello, Ada!", "{policy}");
    }
    let text = weir(folder, &["call", "greeter.hello", "Ada", "--policy", "all"]);
    assert!(text.text().contains("3/3 agree"), "{text:#?}");
    // Also several at one time, each with a key of its own.
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| call(folder, "all")))
            .collect();
        for done in calls {
            assert_eq!(done.join().expect("it answers")["agreeing"], 3);
        }
    });
    // Also from a folder below.
    let below = folder.join("below");
    std::fs::create_dir_all(&below).expect("a writable folder");
    assert_eq!(call(&below, "any")["result"], "Hello, Ada!");
}

/// What peers say about calls is got from them and checked elsewhere, in a folder without a network.
fn calls_are_executed_again(folder: &Path) {
    call(folder, "all");
    let exported = weir(folder, &["proof", "export", "-o", "proof", "--json"]).data();
    let evidence = exported["evidence"].as_array().expect("a list of files");
    assert_eq!(evidence.len(), 3, "{exported}");
    let elsewhere = tempfile::tempdir().expect("a folder for the test");
    let proof = elsewhere.path().join("proof");
    std::fs::rename(folder.join("proof"), &proof).expect("the folder can be moved");
    let replayed = weir(elsewhere.path(), &["proof", "replay", "proof", "--json"]).data();
    let calls = replayed["calls"].as_array().expect("a list of calls");
    assert_eq!(calls.len(), 3, "{replayed}");
    assert!(calls.iter().all(|call| call["function"] == "hello"));

    // A changed argument, and the wrong component.
    let first = proof.join(evidence[0].as_str().expect("a name"));
    let bytes = std::fs::read(&first).expect("it was written");
    let at = bytes.windows(3).position(|part| part == b"Ada");
    let mut changed = bytes.clone();
    changed[at.expect("the argument stands there")] = b'I';
    std::fs::write(&first, changed).expect("it can be written");
    let refused = weir(elsewhere.path(), &["proof", "replay", "proof"]);
    assert_eq!(refused.code, 9, "{refused:#?}");
    assert!(refused.stderr.contains("error[W0812]"), "{refused:#?}");
    std::fs::write(&first, bytes).expect("it can be written");
    std::fs::write(elsewhere.path().join("other.wasm"), b"other").expect("it can be written");
    let other = ["proof", "replay", "proof", "--component", "other.wasm"];
    let refused = weir(elsewhere.path(), &other);
    assert_eq!(refused.code, 9, "{refused:#?}");
    assert!(refused.stderr.contains("another component"), "{refused:#?}");
}

fn failures_have_codes(folder: &Path) {
    for (arguments, exit, code) in [
        (
            &["call", "greeter.hello", "7", "--policy", "all"][..],
            8,
            "W0403",
        ),
        (
            &["call", "greeter.hello", "7", "--policy", "any"],
            8,
            "W0403",
        ),
        (
            &["call", "greeter.hello", "Ada", "--policy", "quorum=4"],
            9,
            "W0404",
        ),
        (
            &["call", "greeter.hello", "Ada", "--policy", "most"],
            5,
            "W0405",
        ),
        (&["call", "greter.hello", "Ada"], 5, "W0406"),
        (
            &["call", "greeter.hello", "Ada", "--policy", "quorum=0"],
            9,
            "W0404",
        ),
        (&["trace", "ffffffffffff"], 5, "W0803"),
    ] {
        let done = weir(folder, arguments);
        assert_eq!(done.code, exit, "{arguments:?} {done:#?}");
        let expected = format!("error[{code}]: ");
        assert!(done.stderr.contains(&expected), "{arguments:?} {done:#?}");
    }
}

fn own_policies_are_used(folder: &Path) {
    std::fs::create_dir_all(folder.join("aqua")).expect("a writable folder");
    let script = "(call %init_peer_id% (\"callbackSrv\" \"done\") [\"mine\"])";
    std::fs::write(folder.join("aqua/mine.air"), script).expect("a writable folder");
    assert_eq!(call(folder, "mine")["result"], "mine");

    let fails = "(seq (call %init_peer_id% (\"callbackSrv\" \"result\") [\"a\" 1]) \
        (call %init_peer_id% (\"nobody\" \"knows\") []))";
    std::fs::write(folder.join("aqua/fails.air"), fails).expect("a writable folder");
    let done = weir(
        folder,
        &["call", "greeter.hello", "Ada", "--policy", "fails"],
    );
    assert_eq!(done.code, 8, "{done:#?}");
    assert!(done.stderr.contains("error[W0191]"), "{done:#?}");

    let wrong = "(seq (call %init_peer_id% (\"getDataSrv\" \"args\") [] args) \
        (seq (call %init_peer_id% (\"s\" \"f\") [args.$.each]) (nul)))";
    std::fs::write(folder.join("aqua/wrong.air"), wrong).expect("a writable folder");
    let call = ["call", "greeter.hello", "1", "2", "3", "--policy", "wrong"];
    let done = weir(folder, &call);
    assert_eq!(done.code, 4, "{done:#?}");
    let column = wrong.find("nul").expect("it is there") + 1;
    assert!(done.stderr.contains(&format!(":1:{column}")), "{done:#?}");
}

fn traces_are_shown_and_checked(folder: &Path) {
    let particle = call(folder, "all")["particle"].clone();
    let particle = particle.as_str().expect("an id is text");
    let latest = weir(folder, &["trace", "--json"]).data();
    assert_eq!(latest["particle"], particle);
    let text = weir(folder, &["trace", &particle[2..10]]);
    assert_eq!(
        text.text().matches("greeter.hello \"Ada\"").count(),
        3,
        "{text:#?}"
    );
    let list = weir(folder, &["trace", "--list", "--json"]).data();
    assert!(list.as_array().is_some_and(|list| list.len() > 5), "{list}");

    let export = weir(folder, &["trace", "export", particle]);
    std::fs::write(folder.join("t.json"), export.text()).expect("a writable folder");
    let verdict = weir(folder, &["trace", "verify", "t.json", "--json"]).data();
    assert_eq!(verdict["receipts"], 3, "one of each replica");
    assert_eq!(verdict["valid"], true);

    let changed = export.stdout.replace("Hello, Ada!", "Hello, Eve!");
    assert_ne!(changed, export.stdout);
    std::fs::write(folder.join("changed.json"), changed).expect("a writable folder");
    let forged = weir(folder, &["trace", "verify", "changed.json"]);
    assert_eq!(forged.code, 9, "{forged:#?}");
    let named = forged
        .stderr
        .strip_prefix("error[W0801]: entry ")
        .and_then(|rest| rest.lines().next())
        .and_then(|line| line.strip_suffix(" does not hold"))
        .and_then(|entry| entry.split_once(" of "));
    let (index, author) = named.unwrap_or_else(|| panic!("no entry is named: {forged:#?}"));
    assert!(index.parse::<u32>().is_ok(), "{forged:#?}");
    let signers = latest["journals"].as_array().expect("a list of journals");
    assert!(
        signers
            .iter()
            .any(|journal| journal["peer"]["id"] == author),
        "{forged:#?}"
    );
    std::fs::write(
        folder.join("half.json"),
        &export.stdout[..export.stdout.len() / 2],
    )
    .expect("a writable folder");
    let half = weir(folder, &["trace", "verify", "half.json"]);
    assert_eq!(half.code, 9, "{half:#?}");
    assert!(half.stderr.contains("error[W0802]"), "{half:#?}");
}

fn scripts_run(folder: &Path) {
    let script = "(seq (call %init_peer_id% (\"getDataSrv\" \"who\") [] who) \
        (call %init_peer_id% (\"callbackSrv\" \"done\") [who]))";
    std::fs::write(folder.join("who.air"), script).expect("a writable folder");
    let data = weir(
        folder,
        &[
            "air",
            "run",
            "who.air",
            "--data",
            "{\"who\": \"Ada\"}",
            "--json",
        ],
    )
    .data();
    assert_eq!(
        data["callbacks"][0],
        json!({"function": "done", "args": ["Ada"]})
    );

    let folds = "(seq (call \"@b\" (\"greeter\" \"add\") [1 2] $sums) \
        (fold $sums sum (seq (call %init_peer_id% (\"callbackSrv\" \"sum\") [sum]) (next sum))))";
    std::fs::write(folder.join("folds.air"), folds).expect("a writable folder");
    let data = weir(folder, &["air", "run", "folds.air", "--json"]).data();
    let sum = json!({"function": "sum", "args": [3]});
    assert_eq!(data["callbacks"], json!([sum]));

    let mail = "(call %init_peer_id% (\"callbackSrv\" \"done\") [\"bob@aol.com\" \"@c\"])";
    std::fs::write(folder.join("mail.air"), mail).expect("a writable folder");
    let data = weir(folder, &["air", "run", "mail.air", "--json"]).data();
    let args = &data["callbacks"][0]["args"];
    assert_eq!(args[0], "bob@aol.com");
    assert!(
        args[1]
            .as_str()
            .is_some_and(|id| id.starts_with("16Uiu2HA")),
        "{data}"
    );

    let wrong = "(seq (call \"@a\" (\"s\" \"f\") []) (nul))";
    std::fs::write(folder.join("wrong.air"), wrong).expect("a writable folder");
    let done = weir(folder, &["air", "run", "wrong.air"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.contains("wrong.air:1:"), "{done:#?}");
    let checked = weir(folder, &["air", "check", "wrong.air"]);
    assert_eq!(done.stderr, checked.stderr);

    let uncaught = "(call %init_peer_id% (\"nobody\" \"knows\") [])";
    std::fs::write(folder.join("fails.air"), uncaught).expect("a writable folder");
    let done = weir(folder, &["air", "run", "fails.air"]);
    assert_eq!(done.code, 8, "{done:#?}");
    assert!(done.stderr.contains("error[W0191]"), "{done:#?}");

    let nobody = "(call \"nobody\" (\"a\" \"b\") [])";
    std::fs::write(folder.join("nobody.air"), nobody).expect("a writable folder");
    let done = weir(folder, &["air", "run", "nobody.air", "--ttl", "10m"]);
    assert_eq!(done.code, 8, "{done:#?}");
    assert!(done.stderr.contains("error[W0192]"), "{done:#?}");
    let cause = "cause     a step is addressed to \"nobody\"";
    assert!(done.stderr.contains(cause), "{done:#?}");

    let unanswered =
        "(call \"16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v\" (\"a\" \"b\") [])";
    std::fs::write(folder.join("never.air"), unanswered).expect("a writable folder");
    let done = weir(folder, &["air", "run", "never.air", "--ttl", "1s"]);
    assert_eq!(done.code, 7, "{done:#?}");
    assert!(done.stderr.contains("waiting"), "{done:#?}");
    let done = weir(folder, &["air", "run", "never.air", "--timeout", "1s"]);
    assert_eq!(done.code, 124, "{done:#?}");
}

#[test]
fn a_network_comes_back_after_kill_9() {
    let folder = folder();
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    let peers = network.ready["peers"].clone();
    let before = call(folder, "all")["particle"].clone();
    network.kill();

    let network = Network::up(folder, &[]);
    let ids = |peers: &Value| -> Vec<Value> {
        let peers = peers.as_array().expect("a list of peers");
        peers.iter().map(|peer| peer["id"].clone()).collect()
    };
    assert_eq!(ids(&network.ready["peers"]), ids(&peers));
    assert_eq!(call(folder, "all")["agreeing"], 3);
    let before = before.as_str().expect("an id is text");
    assert_eq!(weir(folder, &["trace", before]).code, 0);
    network.kill();
}

/// An answer that will not come: nobody has this id.
const UNANSWERED: &str = "(seq (call relay (\"op\" \"noop\") []) \
    (call \"16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v\" (\"a\" \"b\") []))";

fn waits_by_relay(folder: &Path) {
    let script =
        format!("(seq (call %init_peer_id% (\"getDataSrv\" \"relay\") [] relay) {UNANSWERED})");
    std::fs::write(folder.join("waits.air"), script).expect("a writable folder");
}

#[test]
fn a_call_whose_relay_is_gone_says_so_before_its_time_is_over() {
    let folder = folder();
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    waits_by_relay(folder);
    let command = ["air", "run", "waits.air", "--ttl", "10m"];
    let mut running = Running::start(folder, &command);
    running.wait_for("waiting for");
    network.kill();
    let done = running.finish();
    assert_eq!(done.code, 7, "{done:#?}");
    assert!(done.stderr.contains("error[W0502]"), "{done:#?}");
    let cause = "cause     the connection with relay a was lost";
    assert!(done.stderr.contains(cause), "{done:#?}");
}

#[test]
fn a_call_goes_on_when_its_relay_comes_back_elsewhere() {
    let folder = folder();
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    // The relay is needed again only after it has gone.
    let script = "(seq (call %init_peer_id% (\"getDataSrv\" \"relay\") [] relay) (seq \
        (call %init_peer_id% (\"peer\" \"timeout\") [1000]) (seq \
        (call relay (\"op\" \"identity\") [7] x) \
        (call %init_peer_id% (\"callbackSrv\" \"done\") [x]))))";
    std::fs::write(folder.join("slow.air"), script).expect("a writable folder");
    let command = ["air", "run", "slow.air", "--ttl", "2m"];
    let mut running = Running::start(folder, &command);
    running.wait_for("waiting for");
    network.kill();
    let network = Network::up(folder, &[]);
    let done = running.finish();
    assert!(done.text().starts_with("done 7\n"), "{done:#?}");
    network.kill();
}

#[test]
fn the_log_of_a_command_that_was_killed_is_kept_by_the_next_one() {
    let folder = folder();
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    waits_by_relay(folder);
    let command = ["air", "run", "waits.air", "--ttl", "10m"];
    let mut running = Running::start(folder, &command);
    running.wait_for("waiting for waits.air");
    running.kill();
    call(folder, "any");
    let list = weir(folder, &["trace", "--list", "--json"]).data();
    let killed = list
        .as_array()
        .and_then(|list| list.iter().find(|kept| kept["purpose"] == "waits.air"))
        .unwrap_or_else(|| panic!("it is not listed: {list}"));
    let particle = killed["particle"].as_str().expect("an id is text");
    let shown = weir(folder, &["trace", particle]);
    assert!(shown.text().contains("getDataSrv.relay"), "{shown:#?}");
    // And once only.
    let begun = std::fs::read_dir(folder.join(".weir/client/begun")).expect("it is there");
    assert_eq!(begun.count(), 0);
    network.kill();
}
