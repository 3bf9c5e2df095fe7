//! A provider's part in the market of a local network, as commands see and change it.

mod support;
#[path = "support/town.rs"]
mod town;

use alloy_primitives::{Address, B256, Uint};
use serde_json::Value;
use std::path::Path;
use support::{Network, weir};
use town::{TOKEN, Town, pass, tokens, what};
use weir_chain::bindings::Market;

fn status(folder: &Path) -> Value {
    weir(
        folder,
        &["provider", "status", "--as", "provider-a", "--json"],
    )
    .data()
}

fn leave(folder: &Path) -> Value {
    let arguments = ["provider", "exit", "--as", "provider-a", "--yes", "--json"];
    weir(folder, &arguments).data()
}

#[tokio::test]
async fn a_provider_leaves_the_market_step_by_step_and_has_every_token() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &["--no-deals"]);
    let town = Town::of(folder);
    let (customer, provider) = (town.sender("customer"), town.sender("provider-a"));

    let first = status(folder);
    assert_eq!(first["description"], "provider-a");
    assert_eq!(first["offers"][0]["peers"], 1);
    assert_eq!(first["peers"][0]["units"], 32);
    assert_eq!(first["peers"][0]["commitment"]["state"], "active");
    let text = weir(folder, &["provider", "status"]);
    assert!(
        text.text().contains("3200"),
        "provider-a acts by default: {text:?}"
    );
    let none = weir(folder, &["provider", "status", "--as", "customer"]);
    assert!(none.stderr.contains("error[W0612]"), "{none:#?}");

    // It serves a deal.
    weir(folder, &["chain", "faucet", "customer", "30", "--json"]).data();
    let peer = first["peers"][0]["peer"].as_str().expect("it is text");
    let peer: Address = peer.parse().expect("it is an address");
    town.serve(folder, (&customer, &provider), peer).await;
    let serving = status(folder);
    assert_eq!(serving["workers"][0]["state"], "active");
    assert_eq!(serving["peers"][0]["free_units"], 30);
    assert_eq!(tokens(&serving["workers"][0]["claimable"]), TOKEN);
    let claimed = weir(folder, &["provider", "claim", "--json"]).data();
    assert_eq!(tokens(&claimed["tokens"][0]["withdrawn"]), TOKEN / 100 * 95);
    let again = weir(folder, &["provider", "claim"]);
    assert!(again.text().contains("nothing is due yet"), "{again:?}");

    // It gives notice, and does not before it is told to.
    let asked = weir(folder, &["provider", "exit"]);
    assert_eq!(asked.code, 2, "{asked:#?}");
    assert!(
        asked.stderr.contains("give notice"),
        "the plan is shown: {asked:#?}"
    );
    assert_eq!(status(folder)["offers"][0]["paused"], false);
    let left = leave(folder);
    assert_eq!(left["done"], false);
    assert_eq!(what(&left["steps"]), ["pause the offer", "give notice"]);
    let waits = [
        "serve until the end of the notice",
        "claim what it proves until then",
        "end the commitment",
    ];
    assert_eq!(what(&left["waits"]), waits);
    let epoch = u64::from(town.epoch().await);
    assert_eq!(left["waits"][0]["until_epoch"], epoch + 2);
    let seconds = left["waits"][0]["seconds"]
        .as_u64()
        .expect("it is a number");
    assert!((61..=120).contains(&seconds), "{left}");
    assert_eq!(what(&leave(folder)["steps"]), [""; 0], "nothing twice");

    // It serves until the end, and is paid for it.
    for _ in 0..2 {
        pass(folder, "1m");
        town.prove(&provider, peer).await;
    }
    let left = leave(folder);
    assert!(
        what(&left["steps"]).contains(&"release the worker"),
        "{left}"
    );
    pass(folder, "2m");
    let left = leave(folder);
    assert_eq!(
        what(&left["steps"]),
        ["claim what its workers earned", "withdraw pay"]
    );
    assert_eq!(what(&left["waits"]), ["end the commitment"]);
    let text = weir(folder, &["provider", "exit", "--yes"]);
    assert!(text.text().contains("waits until epoch"), "{text:?}");

    // The collateral comes home after the commitment and its lock.
    pass(folder, "46d");
    let left = leave(folder);
    assert_eq!(what(&left["steps"]), ["ask for the end of the commitment"]);
    assert_eq!(what(&left["waits"]), ["finish the commitment"]);
    let held = weir(folder, &["stake", "ls", "--json"]).data();
    assert_eq!(held["commitments"][0]["state"], "leaving");
    assert_eq!(tokens(&held["commitments"][0]["collateral"]), 3200 * TOKEN);
    pass(folder, "2m");
    let out = leave(folder);
    let steps = [
        "finish the commitment",
        "retire the peer",
        "withdraw collateral",
    ];
    assert_eq!(what(&out["steps"]), steps);
    assert_eq!(out["done"], true);
    for (field, amount) in [("held", 0), ("slashed", 0), ("credit", 0)] {
        assert_eq!(tokens(&out["stake"][field]), amount);
    }
    assert_eq!(tokens(&out["stake"]["withdrawn"]), 3200 * TOKEN);
    assert_eq!(tokens(&out["stake"]["balance"]), 3200 * TOKEN);
    // Five epochs were proven; the market keeps a twentieth.
    assert_eq!(tokens(&out["pay"][0]["balance"]), 5 * (TOKEN / 100 * 95));
    assert_eq!(tokens(&out["pay"][0]["credit"]), 0);
    let again = leave(folder);
    assert_eq!(
        (what(&again["steps"]), &again["done"]),
        (vec![], &true.into())
    );
    let offers = weir(folder, &["market", "offers", "--json"]).data();
    let offers = offers.as_array().expect("it is a list");
    let paused = offers.iter().filter(|offer| offer["paused"] == true);
    let paused: Vec<&Value> = paused.map(|offer| &offer["id"]).collect();
    assert_eq!(paused, [&first["offers"][0]["id"]], "the others stay");
}

#[tokio::test]
async fn what_would_match_is_said_as_the_contract_says_it() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &["--no-deals"]);
    let town = Town::of(folder);
    // The commitments have less than their whole length left.
    pass(folder, "2m");
    let open = weir(folder, &["market", "prices", "--json"]).data();
    assert_eq!(open[0]["free_units"], 96);
    for price in ["lowest", "median", "highest"] {
        assert_eq!(tokens(&open[0][price]), TOKEN / 1000);
    }

    let simulate = |arguments: &[&str]| {
        let command = ["market", "simulate", "--json"];
        weir(folder, &[&command[..], arguments].concat()).data()
    };
    let rules = |simulated: &Value| -> Vec<u64> {
        let peers = simulated["peers"].as_array().expect("it is a list");
        peers
            .iter()
            .filter_map(|peer| peer["rule"].as_u64())
            .collect()
    };
    let two = simulate(&["--price", "1", "--units", "2", "--workers", "2"]);
    assert_eq!(rules(&two), [0, 0, 12]);
    assert_eq!((&two["matched"], &two["wanted"]), (&2.into(), &2.into()));

    // Deals that are there are judged by the contract; the same terms before are judged alike.
    weir(folder, &["chain", "faucet", "customer", "1000", "--json"]).data();
    let customer = town.sender("customer");
    let capability = B256::repeat_byte(9);
    let (order, named) = (town.order(), capability.to_string());
    let cases: [(Market::DealInput, Vec<&str>, u64); 7] = [
        (order.clone(), vec!["--price", "1", "--units", "2"], 0),
        (
            Market::DealInput {
                price: Uint::from(TOKEN / 1000),
                ..order.clone()
            },
            vec!["--price", "0.001", "--units", "2"],
            3,
        ),
        (
            Market::DealInput {
                verReq: 2,
                ..order.clone()
            },
            vec!["--price", "1", "--units", "2", "--protocol", "2"],
            5,
        ),
        (
            Market::DealInput {
                caps: vec![capability],
                ..order.clone()
            },
            vec!["--price", "1", "--units", "2", "--capability", &named],
            6,
        ),
        (
            Market::DealInput {
                minTermEpochs: u16::MAX,
                ..order.clone()
            },
            vec!["--price", "1", "--units", "2", "--term", "65535"],
            7,
        ),
        (
            Market::DealInput {
                cuPerWorker: 33,
                ..order.clone()
            },
            vec!["--price", "1", "--units", "33"],
            8,
        ),
        (
            Market::DealInput {
                minCollateral: Uint::from(201 * TOKEN),
                ..order.clone()
            },
            vec!["--price", "1", "--units", "2", "--collateral", "201"],
            9,
        ),
    ];
    for (number, (order, arguments, rule)) in (1..).zip(cases) {
        town.create(&customer, order, 10 * TOKEN).await;
        let judged = simulate(&["--deal", &number.to_string()]);
        assert_eq!(rules(&judged), [rule; 3], "deal {number}");
        // Without a deal, whoever matches is taken: enough workers for all.
        let arguments = [&arguments[..], &["--workers", "9"]].concat();
        assert_eq!(rules(&simulate(&arguments)), [rule; 3], "{arguments:?}");
    }
    let none = weir(folder, &["market", "simulate", "--deal", "99"]);
    assert!(none.stderr.contains("error[W0614]"), "{none:#?}");
    let words = weir(folder, &["market", "simulate", "--price", "0.0001"]);
    assert!(
        words
            .text()
            .contains("the deal pays less than the offer asks"),
        "{words:?}"
    );
}

#[test]
fn a_context_says_where_who_and_how_much() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let network = Network::up(folder, &["--no-deals"]);
    let url = network.ready["chain"]["url"].as_str().expect("it is text");
    let key = weir(folder, &["wallet", "new", "key.json", "--json"]).data();
    let account = key["account"].as_str().expect("it is text");
    let twice = weir(folder, &["wallet", "new", "key.json"]);
    assert!(twice.stderr.contains("never replaced"), "{twice:#?}");
    let add = [
        "context",
        "add",
        "far",
        "--rpc",
        url,
        "--market",
        ".weir/market.json",
        "--key",
        "key.json",
        "--gas-cap",
        "0.05",
        "--token-cap",
        "pay=5",
        "--json",
    ];
    let added = weir(folder, &add).data();
    assert_eq!(added["account"], key["account"]);
    assert_eq!(tokens(&added["gas_cap"]), TOKEN / 20);
    assert_eq!(tokens(&added["token_caps"][0]["most"]), 5 * TOKEN);
    assert_eq!(weir(folder, &add).code, 2, "a name is given once");

    let used = |name: &str| {
        let listed = weir(folder, &["context", "use", name, "--json"]).data();
        let listed = listed.as_array().expect("it is a list").clone();
        let used = listed.iter().filter(|context| context["used"] == true);
        used.map(|context| context["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(used("far"), ["far"]);
    let nowhere = weir(folder, &["context", "use", "nowhere"]);
    assert!(nowhere.stderr.contains("error[W0611]"), "{nowhere:#?}");
    let shown = weir(folder, &["context", "show", "--json"]).data();
    assert_eq!(shown, added);
    let offers = weir(folder, &["market", "offers", "--json"]).data();
    assert_eq!(offers.as_array().map(Vec::len), Some(3));
    let info = weir(folder, &["chain", "info", "--json"]).data();
    assert_eq!(info["accounts"][0]["address"], key["account"]);

    // What it sends is its own, within the caps.
    for (amount, token) in [("1", "coin"), ("20", "pay")] {
        let give = [
            "chain", "faucet", account, amount, "--token", token, "--json",
        ];
        weir(folder, &give).data();
    }
    let market = network.ready["chain"]["market"]
        .as_str()
        .expect("it is text");
    let other = weir(
        folder,
        &["wallet", "send", market, "1", "--yes", "--as", market],
    );
    assert!(other.stderr.contains("error[W0505]"), "{other:#?}");
    let much = weir(folder, &["wallet", "send", market, "6", "--yes"]);
    assert!(much.stderr.contains("the cap is 5"), "{much:#?}");
    let quiet = weir(folder, &["wallet", "send", market, "2"]);
    assert_eq!(quiet.code, 2, "nobody said yes: {quiet:#?}");
    let send = ["wallet", "send", market, "2", "--yes", "--json"];
    let sent = weir(folder, &send).data();
    let pay = || {
        let balance = weir(folder, &["wallet", "balance", "--json"]).data();
        tokens(&balance["tokens"][1]["amount"])
    };
    assert_eq!(pay(), 18 * TOKEN);

    // As if it had been killed after the block and before it knew: the same command finds the same transaction.
    forget_outcomes(&folder.join(".user/journal"));
    assert_eq!(
        weir(folder, &send).data()["transaction"],
        sent["transaction"]
    );
    assert_eq!(pay(), 18 * TOKEN);
    // And once it knows, the same command is another transaction.
    assert_ne!(
        weir(folder, &send).data()["transaction"],
        sent["transaction"]
    );
    assert_eq!(pay(), 16 * TOKEN);
    let coins = [
        "wallet", "send", market, "0.5", "--token", "coin", "--yes", "--json",
    ];
    let refused = weir(folder, &coins);
    assert!(
        refused.stdout.contains("W0602"),
        "the market takes no coins: {refused:#?}"
    );
    let home = [
        "wallet", "send", account, "0.5", "--token", "coin", "--yes", "--json",
    ];
    assert_eq!(weir(folder, &home).data()["token"], "coin");

    assert_eq!(used("local"), ["local"]);
    let customer = weir(folder, &["wallet", "balance", "--json"]).data();
    assert_ne!(customer["account"], key["account"]);
    weir(folder, &["context", "use", "far", "--json"]).data();
    let left = weir(folder, &["context", "rm", "far", "--json"]).data();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["used"], true);
}

#[test]
fn a_provider_is_brought_to_what_its_file_says() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let _network = Network::up(folder, &["--no-deals"]);
    for key in ["node.json", "far.json"] {
        weir(folder, &["wallet", "new", key, "--json"]).data();
    }
    let init = [
        "provider",
        "init",
        "--name",
        "Ada",
        "--key",
        "node.json",
        "--units",
        "4",
        "--price",
        "0.002",
        "--epochs",
        "30",
        "--json",
    ];
    weir(folder, &init).data();
    assert_eq!(weir(folder, &init).code, 1, "it is not replaced");
    let plan =
        |account: &str| weir(folder, &["provider", "plan", "--as", account, "--json"]).data();
    let apply = |yes: &[&str]| {
        let command = ["provider", "apply", "--as", "customer", "--json"];
        weir(folder, &[&command[..], yes].concat())
    };
    let steps = |plan: &Value, state: &str| -> Vec<String> {
        let steps = plan["steps"].as_array().expect("it is a list").iter();
        let steps = steps.filter(|step| step["state"] == state);
        steps
            .map(|step| step["what"].as_str().expect("it is text").to_owned())
            .collect()
    };

    let poor = apply(&["--yes"]);
    assert!(
        poor.stdout.contains("needs 400 stake and has 0"),
        "{poor:#?}"
    );
    let give = [
        "chain", "faucet", "customer", "1000", "--token", "stake", "--json",
    ];
    weir(folder, &give).data();
    let first = plan("customer");
    let expected = [
        "call the provider Ada",
        "create offer main with peer node-1 (4 units)",
        "commit the 4 units of peer node-1 for 30 epochs",
        "let the contract of commitments take the collateral",
        "deposit the collateral of one peer",
    ];
    assert_eq!(steps(&first, "todo"), expected);
    assert_eq!(tokens(&first["collateral"]), 400 * TOKEN);
    assert!(tokens(&first["steps"][0]["gas"]) > 0);
    assert_eq!(apply(&[]).code, 2, "nobody said yes");
    assert_eq!(plan("customer"), first, "nothing was done");
    let done = apply(&["--yes"]).data();
    assert_eq!(
        (steps(&done, "done"), &done["done"]),
        (expected.map(str::to_owned).to_vec(), &true.into())
    );
    let again = apply(&["--yes"]).data();
    assert_eq!(
        (steps(&again, "done"), &again["done"]),
        (vec![], &true.into())
    );
    let other = plan("provider-b");
    assert!(
        steps(&other, "blocked").contains(&"register peer node-1".to_owned()),
        "{other}"
    );

    // The file changes: another price, a capability, a peer whose key is elsewhere.
    let path = folder.join("provider.toml");
    let text = std::fs::read_to_string(&path).expect("it was written");
    let agreed = weir(
        folder,
        &[
            "provider", "consent", "--for", "customer", "--key", "far.json",
        ],
    );
    let text = text.replace("\"0.002\"", "\"0.003\"").replace(
        "capabilities = []",
        &format!("capabilities = [\"{}\"]", B256::repeat_byte(5)),
    );
    let far = format!(
        "\n[peer.far]\noffer = \"main\"\nunits = 2\n{}",
        agreed.text()
    );
    std::fs::write(&path, format!("{text}{far}")).expect("a writable folder");
    let done = apply(&["--yes"]).data();
    assert_eq!(done["done"], true, "{done}");
    assert_eq!(steps(&done, "done").len(), 6, "{done}");
    let status = weir(
        folder,
        &["provider", "status", "--as", "customer", "--json"],
    )
    .data();
    assert_eq!(status["description"], "Ada");
    assert_eq!(
        (
            &status["offers"][0]["peers"],
            status["offers"].as_array().map(Vec::len)
        ),
        (&2.into(), Some(1))
    );
    assert_eq!(tokens(&status["offers"][0]["min_price"]), TOKEN / 1000 * 3);
    let stakes = weir(folder, &["stake", "ls", "--as", "customer", "--json"]).data();
    assert_eq!(tokens(&stakes["balance"]), 400 * TOKEN);

    // What cannot be done now is said, and fails nothing else.
    let text = format!("{}{far}", text.replace("units = 4", "units = 8"));
    std::fs::write(&path, &text).expect("a writable folder");
    let left = apply(&["--yes"]).data();
    assert_eq!(steps(&left, "blocked"), ["change peer node-1 to 8 units"]);
    assert_eq!(left["done"], false);
    for (wrong, cause) in [
        (text.replace("versions", "version"), "version"),
        (text.replace("units = 8", "units = 0"), "1 to 256 units"),
        (
            text.replace("offer = \"main\"", "offer = \"other\""),
            "which is not there",
        ),
        (text.replace("\"0.003\"", "\"cheap\""), "no price"),
    ] {
        std::fs::write(&path, wrong).expect("a writable folder");
        let refused = weir(folder, &["provider", "plan", "--as", "customer"]);
        assert!(refused.stderr.contains("error[W0615]"), "{refused:#?}");
        assert!(refused.stderr.contains(cause), "{refused:#?}");
    }
}

#[test]
fn a_secret_becomes_a_key_file() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let folder = folder.path();
    let import = ["wallet", "import", "key.json", "--json"];
    let secret = format!("0x{}\n", "1".repeat(64));
    let kept = support::weir_with_input(folder, &import, &secret).data();
    assert_eq!(
        kept["account"],
        "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
    );
    assert_eq!(kept["sealed"], false);
    let wrong = ["wallet", "import", "other.json"];
    let wrong = support::weir_with_input(folder, &wrong, "no secret");
    assert!(wrong.stderr.contains("error[W0005]"), "{wrong:#?}");
}

/// Takes the outcome out of every transaction that is kept.
fn forget_outcomes(folder: &Path) {
    let mut changed = 0;
    for account in std::fs::read_dir(folder).expect("transactions are kept") {
        let account = account.expect("a readable folder").path();
        for file in std::fs::read_dir(account).expect("transactions are kept") {
            let path = file.expect("a readable folder").path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let text = std::fs::read_to_string(&path).expect("it can be read");
                let mut kept: Value = serde_json::from_str(&text).expect("it is JSON");
                kept["sent"]["outcome"] = Value::Null;
                std::fs::write(&path, kept.to_string()).expect("a writable folder");
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "{}", folder.display());
}
