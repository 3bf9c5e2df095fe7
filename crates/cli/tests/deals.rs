//! A deal from deployment to the last token, by commands, on the chain inside and on another.

#[path = "../../chain/tests/support/mod.rs"]
mod chain;
mod support;

use alloy_primitives::U256;
use serde_json::Value;
use std::path::Path;
use support::{Network, weir};

/// Runs a command, and gives its data.
fn told(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    weir(folder, &arguments).data()
}

fn amount(value: &Value) -> U256 {
    let text = value.as_str().expect("an amount is text");
    text.parse().expect("an amount is a number")
}

/// Tokens of the pay token that an account has.
fn pay(folder: &Path, account: &str) -> U256 {
    let info = told(folder, &["chain", "info"]);
    let accounts = info["accounts"].as_array().expect("a list of accounts");
    let account = accounts.iter().find(|held| held["name"] == account);
    amount(&account.expect("it is there")["pay"])
}

#[test]
fn a_deal_is_made_called_changed_and_ended() {
    from_deployment_to_the_end(&[]);
}

#[test]
fn on_anvil_a_deal_is_made_called_changed_and_ended() {
    if let Some(anvil) = chain::anvil() {
        from_deployment_to_the_end(&["--chain", &anvil.url]);
    }
}

fn from_deployment_to_the_end(up: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let network = Network::up(folder, up);

    // Nobody is asked without a terminal, and nothing is done.
    let asked = weir(folder, &["deploy"]);
    assert!(asked.stderr.contains("error[W0002]"), "{asked:#?}");
    assert_eq!(
        told(folder, &["deal", "ls"]).as_array().map(Vec::len),
        Some(0)
    );

    let deployed = told(folder, &["deploy", "hello", "--for", "10m", "--yes"]);
    let aside = folder.join(".weir/client/aside");
    assert!(!aside.exists(), "what went through the upload is kept");
    assert_eq!(deployed["deal"], 1);
    assert_eq!(deployed["updated"], false);
    assert_eq!(
        deployed["replicas"].as_array().map(Vec::len),
        Some(3),
        "{deployed}"
    );
    let ps = told(folder, &["ps"]);
    assert_eq!(
        (&ps[0]["service"], &ps[0]["answers"]),
        (&"greeter".into(), &"deal".into())
    );

    // The workers answer, and their receipts can be executed again.
    let call = ["call", "greeter.hello", "Ada", "--policy", "all"];
    let called = told(folder, &call);
    assert_eq!(called["agreeing"], 3, "{called}");
    for replica in called["replicas"].as_array().expect("a list") {
        let name = replica["name"].as_str().expect("text");
        assert!(name.ends_with("/1"), "{called}");
        assert_eq!(replica["result"], "Hello, Ada!");
    }
    let exported = weir(folder, &["trace", "export"]);
    std::fs::write(folder.join("trace.json"), exported.text()).expect("a writable folder");
    let verified = weir(folder, &["trace", "verify", "trace.json"]);
    assert_eq!(verified.code, 0, "{verified:#?}");
    let quorum = told(
        folder,
        &["call", "greeter.add", "2", "40", "--policy", "quorum=2"],
    );
    assert_eq!(quorum["result"], 42);
    for policy in ["any", "fastest"] {
        let one = told(
            folder,
            &["call", "greeter.add", "1", "1", "--policy", policy],
        );
        assert_eq!(one["result"], 2, "{policy}: {one}");
    }

    // What is there already is not made again.
    let again = told(folder, &["deploy", "hello", "--yes"]);
    assert_eq!(
        (&again["deal"], &again["updated"]),
        (&1.into(), &true.into())
    );
    let deals = told(folder, &["deal", "ls"]);
    assert_eq!(deals.as_array().map(Vec::len), Some(1), "{deals}");
    let shown = told(folder, &["deal", "show", "hello"]);
    assert_eq!(
        shown["workers"].as_array().map(Vec::len),
        Some(3),
        "{shown}"
    );
    let unknown = weir(folder, &["deal", "show", "nothing"]);
    assert!(unknown.stderr.contains("error[W0614]"), "{unknown:#?}");
    let many = weir(folder, &["deploy", "many", "--workers", "9", "--yes"]);
    assert!(many.stderr.contains("error[W0622]"), "{many:#?}");

    // A place that is given up is given to another peer by the same command, as soon as there is one.
    let replaced = weir(folder, &["deal", "replace", "hello", "a"]);
    assert!(
        replaced.stderr.contains("error[W0622]"),
        "nobody is left: {replaced:#?}"
    );
    assert_eq!(
        told(folder, &["deal", "show", "hello"])["workers"][0]["state"],
        "active"
    );

    // The network ends without a word and comes again: the same workers answer.
    if up.is_empty() {
        network.kill();
        let network = Network::up(folder, up);
        answers_again(folder, &call);
        assert_eq!(network.interrupt(), 0);
        let _network = Network::up(folder, up);
        answers_again(folder, &call);
        to_the_end(folder);
    } else {
        to_the_end(folder);
    }
}

#[test]
fn a_deal_grows_shrinks_and_changes_its_price() {
    grown_shrunk_and_priced_anew(&[]);
}

#[test]
fn on_anvil_a_deal_grows_shrinks_and_changes_its_price() {
    if let Some(anvil) = chain::anvil() {
        grown_shrunk_and_priced_anew(&["--chain", &anvil.url]);
    }
}

fn grown_shrunk_and_priced_anew(up: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, up);
    let deploy = ["deploy", "hello", "--workers", "2", "--for", "10m", "--yes"];
    told(folder, &deploy);
    let refused = |arguments: &[&str], code: &str| {
        let done = weir(folder, &[&["deal"], arguments].concat());
        assert!(done.stderr.contains(&format!("error[{code}]")), "{done:#?}");
        done.stderr
    };

    // Another worker: the plan is shown, and nothing is done before somebody agrees.
    let plan = refused(&["resize", "hello", "--workers", "3"], "W0002");
    assert!(plan.contains("3 workers instead of 2"), "{plan}");
    assert!(plan.contains("4.32 tokens a day instead of 2.88"), "{plan}");
    assert!(plan.contains("1 of 1 free places"), "{plan}");
    let two = told(folder, &["deal", "show", "hello"]);
    assert_eq!(two["target_workers"], 2, "{two}");
    refused(&["resize", "hello", "--workers", "4", "--yes"], "W0622");
    let resize = ["deal", "resize", "hello", "--workers"];
    let grown = told(folder, &[&resize[..], &["3", "--yes"]].concat());
    assert_eq!(
        (&grown["target_workers"], &grown["min_workers"]),
        (&3.into(), &1.into())
    );
    let states = |shown: &Value| -> Vec<String> {
        let workers = shown["workers"].as_array().expect("a list").iter();
        let mut states: Vec<String> = workers.map(|worker| worker["state"].to_string()).collect();
        states.sort();
        states
    };
    assert_eq!(states(&grown), [r#""active""#; 3], "{grown}");
    answers_again(folder, &["call", "greeter.hello", "Ada", "--policy", "all"]);

    // With the least number of workers nobody is cheated out of pay.
    refused(
        &["resize", "hello", "--workers", "3", "--min", "3", "--yes"],
        "W0624",
    );
    refused(
        &["resize", "hello", "--workers", "2", "--min", "3", "--yes"],
        "W0002",
    );

    // Fewer: none loses its place by that, and nobody comes in the place of one that is given notice.
    let shrunk = weir(folder, &[&resize[..], &["2", "--yes", "--json"]].concat());
    assert!(
        shrunk.stderr.contains("none loses its place"),
        "{shrunk:#?}"
    );
    assert_eq!(shrunk.data()["target_workers"], 2);
    assert_eq!(states(&shrunk.data()), [r#""active""#; 3]);
    let replaced = weir(folder, &["deal", "replace", "hello", "a", "--json"]);
    assert!(
        replaced.stderr.contains("nobody comes in its place"),
        "{replaced:#?}"
    );
    assert_eq!(
        states(&replaced.data()),
        [r#""active""#, r#""active""#, r#""notice""#]
    );

    // A higher price, from the next epoch on; what the market asks for is paid in with it.
    told(folder, &["chain", "faucet", "customer", "10"]);
    let price = ["deal", "price", "hello"];
    let raised = weir(folder, &[&price[..], &["0.01", "--yes", "--json"]].concat());
    assert!(raised.stderr.contains("are paid in"), "{raised:#?}");
    let raised = raised.data();
    let shown = |whole: u64| Value::from((whole * 1_000_000_000_000_000).to_string());
    assert_eq!(
        (&raised["price"], &raised["next_price"]),
        (&shown(1), &shown(10)),
        "{raised}"
    );
    let soon = refused(&["price", "hello", "0.02", "--yes"], "W0624");
    let from = raised["next_price_epoch"]
        .as_u64()
        .expect("it is announced");
    assert!(
        soon.contains(&format!("until epoch {}", from + 30)),
        "{soon}"
    );
    told(folder, &["deal", "fund", "hello", "5"]);
    told(folder, &["chain", "warp", "31m"]);
    let later = told(folder, &["deal", "show", "hello"]);
    assert_eq!(
        (&later["price"], later.get("next_price")),
        (&shown(10), None),
        "{later}"
    );

    // A lower one, after the notice.
    let lowered = told(folder, &[&price[..], &["0.001", "--yes"]].concat());
    assert_eq!(
        (&lowered["price"], &lowered["next_price"]),
        (&shown(10), &shown(1)),
        "{lowered}"
    );
    refused(&["price", "hello", "0.001", "--yes"], "W0002");
    let events = told(folder, &["deal", "events", "hello"]);
    let told_of = |what: &str| {
        let mut events = events.as_array().into_iter().flatten();
        events.any(|event| {
            event["what"]
                .as_str()
                .is_some_and(|text| text.contains(what))
        })
    };
    for what in [
        "it wants 3 workers",
        "it wants 2 workers",
        &format!("a worker costs 0.01 tokens from epoch {from} on"),
        "a worker costs 0.001 tokens",
    ] {
        assert!(told_of(what), "{what}: {events}");
    }

    // Whatever the price of each epoch was: it came home or went to the providers, and the market holds nothing.
    until_closed(folder, "hello");
    let thousandth = U256::from(1_000_000_000_000_000_u64);
    all_is_accounted_for(folder, U256::from(20 + 10_000) * thousandth);
    let closed = told(folder, &["deal", "show", "1"]);
    assert_eq!(
        (&closed["balance"], &closed["escrow"]),
        (&"0".into(), &"0".into())
    );
    refused(&["resize", "1", "--workers", "3", "--yes"], "W0624");
}

/// Workers come up after the network says that it is ready.
fn answers_again(folder: &Path, call: &[&str]) {
    let begin = std::time::Instant::now();
    loop {
        let called = weir(folder, &[call, &["--json", "--ttl", "5s"]].concat());
        if called.json()["data"]["agreeing"] == 3 {
            return;
        }
        assert!(begin.elapsed().as_secs() < 60, "{called:#?}");
    }
}

fn to_the_end(folder: &Path) {
    told(folder, &["chain", "faucet", "customer", "1"]);
    let before = told(folder, &["deal", "cost", "hello"]);
    let funded = told(folder, &["deal", "fund", "hello", "0.5"]);
    let half = U256::from(500_000_000_000_000_000_u64);
    assert_eq!(
        amount(&funded["balance"]),
        amount(&before["balance"]) + half
    );
    let withdrawn = told(folder, &["deal", "withdraw", "hello", "0.5"]);
    assert_eq!(withdrawn["balance"], before["balance"]);

    // The end: the name is free at once, so that what `weir up` put there answers.
    let stopped = told(folder, &["deal", "stop", "hello", "--yes"]);
    assert_eq!(stopped["state"], "ended");
    assert_eq!(told(folder, &["ps"])[0]["answers"], "static");
    let called = told(folder, &["call", "greeter.hello", "Bob"]);
    assert_eq!(called["result"], "Hello, Bob!");
    until_closed(folder, "1");
    let events = told(folder, &["deal", "events", "1"]);
    let last = events.as_array().and_then(|events| events.last());
    assert_eq!(last.expect("there are some")["what"], "it was closed");

    // What was paid in came home or went to the providers, and the market holds nothing.
    let deposit = U256::from(30) * U256::from(1_000_000_000_000_000_u64);
    all_is_accounted_for(folder, deposit + half + half);
    let info = told(folder, &["deal", "show", "1"]);
    assert_eq!(
        (&info["balance"], &info["escrow"]),
        (&"0".into(), &"0".into())
    );

    // The provider leaves as well: its units are free, its collateral comes home in the end.
    let exit = told(folder, &["provider", "exit", "--as", "provider-a", "--yes"]);
    assert_eq!(exit["done"], false, "{exit}");
    let offers = told(folder, &["market", "offers"]);
    let paused = offers.as_array().into_iter().flatten();
    assert_eq!(
        paused.filter(|offer| offer["paused"] == true).count(),
        1,
        "{offers}"
    );
}

#[test]
fn workers_are_paid_for_what_their_peers_committed() {
    are_paid(&[]);
}

#[test]
fn on_anvil_workers_are_paid_for_what_their_peers_committed() {
    if let Some(anvil) = chain::anvil() {
        are_paid(&["--chain", &anvil.url]);
    }
}

fn are_paid(up: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, up);
    told(folder, &["deploy", "hello", "--for", "30m", "--yes"]);
    let deposit = amount(&told(folder, &["deal", "show", "hello"])["balance"]);

    // An epoch with calls, and one without.
    told(folder, &["chain", "warp", "1m"]);
    let call = ["call", "greeter.hello", "Ada", "--policy", "all"];
    told(folder, &call);
    for epochs in 1..=2 {
        told(folder, &["chain", "warp", "1m"]);
        until_committed(folder, 3 * epochs);
    }
    told(folder, &["chain", "warp", "3m"]);

    // Each of the three workers has two epochs of a thousandth of a token; the market keeps a twentieth.
    let (earned, kept) = (2_000_000_000_000_000_u64, 100_000_000_000_000_u64);
    for provider in ["provider-a", "provider-b", "provider-c"] {
        let claimed = told(folder, &["provider", "claim", "--as", provider]);
        let moved = &claimed["tokens"][0];
        assert_eq!(amount(&moved["claimed"]), U256::from(earned), "{claimed}");
        assert_eq!(amount(&moved["withdrawn"]), U256::from(earned - kept));
    }
    let lines = told(folder, &["deal", "events", "hello"]);
    let paid = lines.as_array().expect("a list").iter();
    let paid = paid.filter(|event| {
        event["what"]
            .to_string()
            .contains("was paid 0.002 for 2 epochs")
    });
    assert_eq!(paid.count(), 3, "{lines}");

    // Also with what was committed after that.
    until_closed(folder, "hello");
    all_is_accounted_for(folder, deposit);
}

/// Of what the customer would have without the deal, it has all that providers were not paid, and those have all but
/// the market's twentieth. Before, no provider had anything.
fn all_is_accounted_for(folder: &Path, customer: U256) {
    let mut withdrawn = U256::ZERO;
    for provider in ["provider-a", "provider-b", "provider-c"] {
        told(folder, &["provider", "claim", "--as", provider]);
        withdrawn += pay(folder, provider);
    }
    let paid = customer - pay(folder, "customer");
    assert_eq!(withdrawn * U256::from(20), paid * U256::from(19));
}

/// Waits until the peers of the deal have committed so many epochs, all together.
fn until_committed(folder: &Path, count: usize) {
    let begin = std::time::Instant::now();
    loop {
        let events = told(folder, &["deal", "events", "hello"]);
        let events = events.as_array().expect("a list").iter();
        let committed =
            events.filter(|event| event["what"].to_string().contains("committed the receipts"));
        if committed.count() >= count {
            return;
        }
        assert!(begin.elapsed().as_secs() < 60, "{count} commitments");
    }
}

/// Ends a deal and waits until nothing is left of it.
fn until_closed(folder: &Path, deal: &str) {
    told(folder, &["deal", "stop", deal, "--yes"]);
    let begin = std::time::Instant::now();
    while told(folder, &["deal", "stop", "1"])["done"] != true {
        assert!(
            begin.elapsed().as_secs() < 120,
            "{}",
            told(folder, &["deal", "show", "1"])
        );
        told(folder, &["chain", "warp", "5m"]);
    }
}

#[test]
fn the_same_name_brings_new_code_and_fills_places_that_were_given_up() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &[]);
    let deploy = ["deploy", "two", "--workers", "2", "--yes"];
    let first = told(folder, &deploy);
    let peers = |shown: &Value| -> Vec<String> {
        let workers = shown["workers"].as_array().expect("a list");
        let peers = workers.iter().map(|worker| worker["peer"].to_string());
        peers.map(|peer| peer.replace('"', "")).collect()
    };
    let before = peers(&told(folder, &["deal", "show", "two"]));
    assert_eq!(before.len(), 2);

    // A peer is given notice, and the place is given to the one that is left.
    let replaced = told(folder, &["deal", "replace", "two", &before[0]]);
    let states = replaced["workers"].as_array().expect("a list").iter();
    let states: Vec<&Value> = states.map(|worker| &worker["state"]).collect();
    assert!(states.contains(&&"notice".into()), "{replaced}");
    let begin = std::time::Instant::now();
    loop {
        told(folder, &["chain", "warp", "1m"]);
        let again = told(folder, &deploy);
        assert_eq!(
            (&again["deal"], &again["updated"]),
            (&first["deal"], &true.into())
        );
        let now = peers(&told(folder, &["deal", "show", "two"]));
        if now.len() == 2 && !now.contains(&before[0]) {
            break;
        }
        assert!(begin.elapsed().as_secs() < 60, "{now:?}");
    }

    // Another package under the name: the deal has it from the next epoch on.
    let component = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/greeter/greeter.wasm"
    );
    std::fs::copy(component, folder.join("greeter.wasm")).expect("a writable folder");
    let package = "[package]\nname = \"two\"\nversion = \"2.0.0\"\n\
        [[service]]\nname = \"greeter\"\ncomponent = \"greeter.wasm\"\naliases = [\"welcome\"]\n";
    std::fs::write(folder.join("package.toml"), package).expect("a writable folder");
    let renewed = told(folder, &deploy);
    assert_ne!(renewed["package"], first["package"]);
    let call = ["call", "welcome.hello", "Ada", "--policy", "all", "--json"];
    let begin = std::time::Instant::now();
    loop {
        told(folder, &["chain", "warp", "1m"]);
        let called = weir(folder, &call);
        let data = &called.json()["data"];
        if data["agreeing"] == 2 && data["result"].is_null() {
            break;
        }
        assert!(begin.elapsed().as_secs() < 60, "{called:#?}");
    }
    let none = std::fs::write(folder.join("package.toml"), "[package]\nname = \"two\"\n");
    none.expect("a writable folder");
    let wrong = weir(folder, &deploy);
    assert!(wrong.stderr.contains("error[W0621]"), "{wrong:#?}");
}

#[test]
fn a_peer_that_never_takes_up_its_place_is_replaced_and_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    // The peers are in the market, and do not follow it.
    let _network = Network::up(folder, &["--no-deals"]);
    let deploy = [
        "deploy",
        "hello",
        "--workers",
        "1",
        "--yes",
        "--timeout",
        "2s",
    ];
    let waited = weir(folder, &deploy);
    assert_ne!(waited.code, 0, "{waited:#?}");
    let matched = |shown: &Value| -> Vec<String> {
        let workers = shown["workers"].as_array().expect("a list").iter();
        let matched = workers.filter(|worker| worker["state"] == "matched");
        let peers = matched.filter_map(|worker| worker["peer"].as_str());
        peers.map(str::to_owned).collect()
    };
    let shown = told(folder, &["deal", "show", "1"]);
    let deposit = amount(&shown["balance"]);
    let first = matched(&shown);
    assert_eq!(first.len(), 1, "{shown}");
    let replace = ["deal", "replace", "1", &first[0]];
    let early = weir(folder, &replace);
    let words = "may still take up its place";
    assert!(early.stderr.contains(words), "{early:#?}");

    told(folder, &["chain", "warp", "4m"]);
    let other = matched(&told(folder, &replace));
    assert_eq!(other.len(), 1);
    assert_ne!(other, first);

    // Nor does the other one, and the customer gives up.
    let before = pay(folder, "customer");
    told(folder, &["deal", "stop", "1", "--yes"]);
    told(folder, &["chain", "warp", "2m"]);
    let stopped = told(folder, &["deal", "stop", "1", "--yes"]);
    assert_eq!(stopped["done"], true, "{stopped}");
    assert_eq!(pay(folder, "customer"), before + deposit);
}
