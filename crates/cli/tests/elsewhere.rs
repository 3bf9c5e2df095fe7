//! Deals from another place than the network's folder, and deployments that were cut off.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Network, Running, weir};

/// Runs a command, and gives its data.
fn told(folder: &Path, arguments: &[&str]) -> Value {
    weir(folder, &[arguments, &["--json"]].concat()).data()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("it is text")
}

/// The addresses of peers of a network, with their ids.
fn entry_points(network: &Network) -> Vec<String> {
    let peers = network.ready["peers"].as_array().expect("a list");
    let entry_point = |peer: &Value| {
        let addresses = peer["addresses"].as_array().expect("a list");
        let address = addresses[0].as_str().expect("it is text");
        format!("{address}/p2p/{}", text(peer, "id"))
    };
    peers.iter().map(entry_point).collect()
}

#[test]
fn a_deal_is_made_through_a_peer_of_a_network_that_is_elsewhere() {
    let home = tempfile::tempdir().expect("a folder for the test");
    let home = home.path();
    let network = Network::up(home, &[]);
    let far = tempfile::tempdir().expect("a folder for the test");
    let far = far.path();
    let key = told(far, &["wallet", "new", "key.json"]);
    let account = text(&key, "account");
    for token in ["coin", "pay"] {
        told(home, &["chain", "faucet", account, "20", "--token", token]);
    }
    let market = home.join(".weir/market.json").display().to_string();
    let url = text(&network.ready["chain"], "url");
    let peers = entry_points(&network);
    let add = |name: &str, peers: &[&str]| {
        let mut add = vec![
            "context", "add", name, "--rpc", url, "--market", &market, "--key", "key.json",
        ];
        for peer in peers {
            add.extend(["--peer", peer]);
        }
        weir(far, &[&add[..], &["--json"]].concat())
    };
    assert_eq!(
        add("alone", &[]).data()["peers"],
        Value::from(Vec::<Value>::new())
    );
    let wrong = add("wrong", &["/ip4/127.0.0.1/tcp/1"]);
    assert!(wrong.stdout.contains("/p2p/ and a peer id"), "{wrong:#?}");
    // The first one does not answer, and the second is no host that the others could not do without.
    let (_, id) = peers[0].rsplit_once("/p2p/").expect("it was put there");
    let dead = format!("/ip4/127.0.0.1/tcp/1/p2p/{id}");
    let added = add("far", &[&dead, &peers[1]]).data();
    assert_eq!(added["peers"][1], peers[1]);
    assert_eq!(add("dead", &[&dead]).code, 0);

    // Nothing is spent where nobody can be reached.
    told(far, &["context", "use", "alone"]);
    let alone = weir(far, &["deploy", "--yes"]);
    assert!(alone.stderr.contains("error[W0501]"), "{alone:#?}");
    told(far, &["context", "use", "dead"]);
    let down = weir(far, &["deploy", "--yes"]);
    assert!(down.stderr.contains("error[W0502]"), "{down:#?}");
    assert_eq!(told(far, &["deal", "ls"]), Value::from(Vec::<Value>::new()));

    told(far, &["context", "use", "far"]);
    let much = weir(far, &["deploy", "--for", "100d", "--yes"]);
    assert!(
        much.stderr.contains("the deposit is more than"),
        "{much:#?}"
    );
    let deployed = told(far, &["deploy", "hello", "--for", "10m", "--yes"]);
    assert_eq!(
        deployed["replicas"].as_array().map(Vec::len),
        Some(3),
        "{deployed}"
    );
    let call = ["call", "greeter.hello", "Ada", "--policy", "all"];
    assert_eq!(told(far, &call)["agreeing"], 3);
    assert_eq!(told(far, &["ps"])[0]["answers"], "deal");
    let again = told(far, &["deploy", "hello", "--yes"]);
    assert_eq!(
        (&again["deal"], &again["updated"]),
        (&deployed["deal"], &true.into())
    );
    let unknown = weir(far, &["call", "nothing.at", "all"]);
    assert!(unknown.stderr.contains("error[W0406]"), "{unknown:#?}");

    // Other code, for hosts that have workers already, and a deal whose places anybody takes.
    let component = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/greeter/greeter.wasm"
    );
    std::fs::copy(component, far.join("greeter.wasm")).expect("a writable folder");
    let package = "[package]\nname = \"hello\"\nversion = \"2.0.0\"\n\
        [[service]]\nname = \"greeter\"\ncomponent = \"greeter.wasm\"\naliases = [\"welcome\"]\n";
    std::fs::write(far.join("package.toml"), package).expect("a writable folder");
    let renewed = told(far, &["deploy", "hello", "--yes"]);
    assert_ne!(renewed["package"], deployed["package"]);
    let open = [
        "deploy",
        "open",
        "--open",
        "--workers",
        "2",
        "--for",
        "10m",
        "--yes",
    ];
    let open = told(far, &open);
    assert_eq!(open["replicas"].as_array().map(Vec::len), Some(2), "{open}");
    assert_eq!(
        told(far, &["deal", "stop", "hello", "--yes"])["state"],
        "ended"
    );
}

#[test]
fn a_deployment_that_was_cut_off_goes_on() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    // Its nodes take no deals, so that the command waits.
    let network = Network::up(folder, &["--no-deals"]);
    let mut deploy = Running::start(folder, &["deploy", "hello", "--yes"]);
    deploy.wait_for("waiting for the workers of deal 1");
    deploy.kill();
    network.kill();
    let _network = Network::up(folder, &[]);
    let again = told(folder, &["deploy", "hello", "--yes"]);
    assert_eq!(
        (&again["deal"], &again["updated"]),
        (&1.into(), &true.into()),
        "{again}"
    );
    assert_eq!(again["replicas"].as_array().map(Vec::len), Some(3));
}
