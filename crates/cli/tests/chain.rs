//! The chain inside a local network, and the market on it.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Network, weir};

fn info(folder: &Path) -> Value {
    weir(folder, &["chain", "info", "--json"]).data()
}

/// What an account has of something, in the smallest unit.
fn has(info: &Value, account: &str, what: &str) -> String {
    let accounts = info["accounts"].as_array().expect("a list of accounts");
    let account = accounts.iter().find(|held| held["name"] == account);
    let amount = account.expect("it is there")[what].as_str();
    amount.expect("an amount is text").to_owned()
}

#[test]
fn the_chain_of_a_network_is_kept_and_can_be_moved() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    let chain = network.ready["chain"].clone();
    assert_eq!(chain["chain_id"], 31_337);

    let before = info(folder);
    // The commitments have begun, so that peers can be matched.
    assert_eq!(before["epoch"], 2);
    for provider in ["provider-a", "provider-b", "provider-c"] {
        // Its collateral is with the contract.
        assert_eq!(has(&before, provider, "stake"), "0");
    }
    let offers = weir(folder, &["market", "offers", "--json"]).data();
    assert_eq!(offers.as_array().map(Vec::len), Some(3), "{offers}");
    let providers = weir(folder, &["market", "providers", "--json"]).data();
    assert_eq!(providers[2]["offers"][0], 3);

    let given = weir(folder, &["chain", "faucet", "customer", "2.5", "--json"]).data();
    assert_eq!(given["amount"], "2500000000000000000");
    let moved = weir(folder, &["chain", "warp", "10m", "--json"]).data();
    assert_eq!(moved["epoch"], 12);
    let asked = weir(folder, &["chain", "call", "customer", "0x", "--json"]).data();
    assert_eq!(asked["data"], "0x");
    let hash = format!("0x{}", "7".repeat(64));
    let unknown = weir(folder, &["chain", "tx", &hash]);
    assert!(unknown.stderr.contains("error[W0602]"), "{unknown:#?}");
    for wrong in [["faucet", "nobody"], ["tx", "0x12"], ["warp", "soon"]] {
        let refused = weir(folder, &["chain", wrong[0], wrong[1]]);
        assert!(refused.stderr.contains("error[W0002]"), "{refused:#?}");
    }

    // Whatever ends the process, the chain comes back with what was on it, and the market is the same. A peer that is
    // new has a provider as well.
    network.kill();
    let down = weir(folder, &["chain", "info"]);
    assert!(down.stderr.contains("error[W0601]"), "{down:#?}");
    let network = Network::up(folder, &["--peers", "4"]);
    assert_eq!(network.ready["chain"]["market"], chain["market"]);
    let after = info(folder);
    assert_eq!(has(&after, "customer", "pay"), "2500000000000000000");
    let offers = weir(folder, &["market", "offers", "--json"]).data();
    assert_eq!(
        offers.as_array().map(Vec::len),
        Some(4),
        "nobody enters twice"
    );
    assert_eq!(network.interrupt(), 0);
}

#[test]
fn a_network_can_do_without_a_chain_and_has_it_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let network = Network::up(folder, &[]);
    let chain = network.ready["chain"].clone();
    assert_eq!(network.interrupt(), 0);
    let network = Network::up(folder, &["--no-chain"]);
    assert!(network.ready["chain"].is_null());
    let none = weir(folder, &["market", "offers"]);
    assert!(none.stderr.contains("error[W0603]"), "{none:#?}");
    let answer = weir(folder, &["call", "greeter.hello", "Ada", "--json"]).data();
    assert_eq!(answer["result"], "Hello, Ada!");
    assert_eq!(network.interrupt(), 0);
    let network = Network::up(folder, &[]);
    assert_eq!(network.ready["chain"]["market"], chain["market"]);
    assert_eq!(network.interrupt(), 0);
}
