//! Collateral that others deposit than the provider, and their part of what is paid.

mod support;
#[path = "support/town.rs"]
mod town;

use alloy_primitives::Address;
use support::{Network, weir};
use town::{TOKEN, Town, pass, tokens, what};

#[tokio::test]
async fn whoever_backs_a_peer_has_a_share_of_its_fees() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &["--no-deals"]);
    let town = Town::of(folder);
    let told = |arguments: &[&str]| weir(folder, &[arguments, &["--json"]].concat()).data();
    told(&["wallet", "new", "node.json"]);
    let init = ["provider", "init", "--key", "node.json", "--units", "2"];
    told(&[&init[..], &["--price", "0.5", "--epochs", "30"]].concat());
    let file = folder.join("provider.toml");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let shared = |staker: &str| format!("{text}staker = \"{staker}\"\ndeal_share = 20\n");

    // A share without a staker is a mistake.
    std::fs::write(&file, format!("{text}deal_share = 20\n")).expect("a writable folder");
    let plan = ["provider", "plan", "--as", "customer"];
    let alone = weir(folder, &plan);
    assert!(alone.stderr.contains("none is named"), "{alone:#?}");

    std::fs::write(&file, shared("provider-b")).expect("a writable folder");
    let applied = told(&["provider", "apply", "--as", "customer", "--yes"]);
    assert_eq!(applied["collateral"], "0", "{applied}");
    let steps = applied["steps"].as_array().expect("it is a list");
    let left = steps.iter().find(|step| step["state"] == "blocked");
    let reason = left.expect("another pays")["reason"].as_str();
    let reason = reason.expect("it is text");
    let (_, peer) = reason.rsplit_once(' ').expect("it ends with the peer");
    assert!(reason.contains("weir stake add"), "{reason}");

    told(&["chain", "faucet", "provider-b", "1000", "--token", "stake"]);
    let add = ["stake", "add", peer, "--as"];
    let other = weir(folder, &[&add[..], &["provider-c", "--yes"]].concat());
    assert!(other.stderr.contains("it names"), "{other:#?}");
    let asked = weir(folder, &[&add[..], &["provider-b"]].concat());
    assert_eq!(asked.code, 2, "{asked:#?}");
    assert!(asked.stderr.contains("20 % of the fees"), "{asked:#?}");
    let added = told(&[&add[..], &["provider-b", "--yes"]].concat());
    assert_eq!(tokens(&added["collateral"]), 200 * TOKEN);
    let twice = weir(folder, &[&add[..], &["provider-b", "--yes"]].concat());
    assert!(twice.stderr.contains("commitment is begins"), "{twice:#?}");
    assert_eq!(told(&plan)["done"], true);

    // The peer serves a deal of somebody else.
    told(&["chain", "faucet", "provider-c", "30"]);
    let (buyer, provider) = (town.sender("provider-c"), town.sender("customer"));
    let peer: Address = peer.parse().expect("it is an address");
    town.serve(folder, (&buyer, &provider), peer).await;
    let rewards = ["stake", "rewards", "--as", "provider-b"];
    let due = told(&rewards);
    let earning = due["peers"].as_array().expect("it is a list");
    let shared = earning.iter().find(|peer| peer["deal_share_bp"] == 2000);
    let claimable = &shared.expect("it backs it")["claimable"][0];
    assert_eq!(tokens(&claimable["amount"]), TOKEN, "{due}");
    let claimed = told(&[&rewards[..], &["--claim"]].concat());
    let fifth = TOKEN / 100 * 95 / 5;
    assert_eq!(tokens(&claimed["tokens"][0]["claimed"]), TOKEN);
    assert_eq!(tokens(&claimed["tokens"][0]["withdrawn"]), fifth);
    let rest = told(&["provider", "claim", "--as", "customer"]);
    assert_eq!(tokens(&rest["tokens"][0]["claimed"]), 0);
    assert_eq!(tokens(&rest["tokens"][0]["withdrawn"]), 4 * fifth);

    // The provider does nothing more, and the collateral comes home all the same.
    let home = ["stake", "withdraw", "--as", "provider-b"];
    let early = told(&home);
    assert_eq!(early["steps"].as_array().map(Vec::len), Some(0), "{early}");
    pass(folder, "40m");
    let held = told(&["stake", "ls", "--as", "provider-b"]);
    let before = tokens(&held["balance"]);
    let asked = told(&home);
    assert_eq!(what(&asked["steps"]), ["ask for the end of the commitment"]);
    let waiting = told(&home);
    assert_eq!(what(&waiting["steps"]), ["release a worker"]);
    assert_eq!(
        waiting["waits"].as_array().map(Vec::len),
        Some(1),
        "{waiting}"
    );
    pass(folder, "5m");
    let finished = told(&home);
    assert_eq!(what(&finished["steps"]), ["finish the commitment"]);
    assert_eq!(tokens(&finished["amount"]), 200 * TOKEN);
    let held = told(&["stake", "ls", "--as", "provider-b"]);
    assert_eq!(tokens(&held["balance"]), before + 200 * TOKEN);
}
