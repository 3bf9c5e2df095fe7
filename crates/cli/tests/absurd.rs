//! Offers and deals with numbers that nobody means: commands show or refuse them.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Network, weir};

/// The largest price that a contract can count: 2^96 - 1 of the smallest unit.
const LARGEST: &str = "79228162514.264337593543950335";

/// One of the smallest unit more.
const BEYOND: &str = "79228162514.264337593543950336";

/// A number that fits nowhere.
const HUGE: &str = "9999999999999999999999999999999999999999";

/// Publishes an offer at the largest price, by a provider with a peer of the most units.
fn offered(folder: &Path) {
    weir(folder, &["wallet", "new", "node.json"]).text();
    weir(
        folder,
        &[
            "provider",
            "init",
            "--name",
            "Ada",
            "--key",
            "node.json",
            "--units",
            "256",
            "--price",
            LARGEST,
            "--epochs",
            "30",
        ],
    )
    .text();
    let file = folder.join("provider.toml");
    let text = std::fs::read_to_string(&file).expect("it was made");
    let faucet = ["chain", "faucet", "customer", "1000000", "--token", "stake"];
    weir(folder, &faucet).text();
    let applied = weir(
        folder,
        &["provider", "apply", "--as", "customer", "--yes", "--json"],
    );
    assert_eq!(applied.code, 0, "{applied:?}\n{text}");
}

fn simulated(folder: &Path, arguments: &[&str]) -> Value {
    let command = ["market", "simulate", "--workers", "1000", "--json"];
    weir(folder, &[&command[..], arguments].concat()).data()
}

/// The rule that keeps the peer of the last offer out.
fn last_rule(simulated: &Value) -> u64 {
    let peers = simulated["peers"].as_array().expect("it is a list");
    let last = peers.iter().max_by_key(|peer| peer["offer"].as_u64());
    last.expect("there are peers")["rule"]
        .as_u64()
        .expect("a number")
}

#[test]
fn absurd_numbers_are_shown_or_refused() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &["--no-deals"]);
    offered(folder);
    weir(folder, &["chain", "warp", "2m"]).text();

    let offers = weir(folder, &["market", "offers"]);
    assert!(offers.text().contains(LARGEST), "{offers:?}");
    let prices = weir(folder, &["market", "prices"]);
    assert!(prices.text().contains(LARGEST), "{prices:?}");

    // Whoever pays enough for one unit does not for two: the product is more than a contract can count.
    assert_eq!(last_rule(&simulated(folder, &["--price", LARGEST])), 0);
    let two = ["--price", LARGEST, "--units", "2"];
    assert_eq!(last_rule(&simulated(folder, &two)), 3);
    let all = ["--price", HUGE, "--units", "255", "--per-provider", "65535"];
    assert_eq!(last_rule(&simulated(folder, &all)), 0);
    let long = ["--price", HUGE, "--term", "65535", "--protocol", "1"];
    assert_eq!(last_rule(&simulated(folder, &long)), 7);
    let backed = ["--price", HUGE, "--collateral", HUGE];
    assert_eq!(last_rule(&simulated(folder, &backed)), 9);
    for wrong in [
        "-1",
        "1e9",
        "99999999999999999999999999999999999999999",
        "NaN",
    ] {
        let refused = weir(folder, &["market", "simulate", &format!("--price={wrong}")]);
        assert_eq!(refused.code, 2, "{refused:?}");
    }
}

#[test]
fn a_price_that_a_contract_cannot_count_makes_no_deal() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &[]);
    for (price, time) in [(BEYOND, "1s"), (HUGE, "1s"), ("1000000", "100000years")] {
        let deal = [
            "deploy",
            "hello",
            "--workers",
            "1",
            "--price",
            price,
            "--for",
            time,
            "--yes",
        ];
        let refused = weir(folder, &deal);
        assert_eq!(refused.code, 2, "{refused:?}");
        let words = "the deal would cost more than a contract can count";
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
}
