//! The example `rates`: two parts in one service, of which one reaches a server and the other keeps a state.

mod support;

use std::path::Path;
use support::rates::Rates;
use support::{Done, Network, weir, weir_with_input};

fn call(folder: &Path, call: &[&str]) -> Done {
    weir(
        folder,
        &[&["call"], call, &["--policy", "all", "--json"]].concat(),
    )
}

/// The committed component, and the one that `guest/build.sh --out target/guest` made, if it did.
#[test]
fn the_component_is_its_parts_linked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (manifest, component) in [
        ("examples/rates/weir.toml", "examples/rates/rates.wasm"),
        ("target/guest/rates/weir.toml", "target/guest/rates.wasm"),
    ] {
        let manifest = root.join(manifest);
        let Ok(component) = std::fs::read(root.join(component)) else {
            assert!(!manifest.exists(), "{manifest:?} without its component");
            continue;
        };
        let manifest = manifest.to_str().expect("paths are text");
        let link = ["wasm", "link", manifest, "-o", "rates.wasm", "--json"];
        let linked = weir(folder.path(), &link).data();
        let bytes = std::fs::read(folder.path().join("rates.wasm")).expect("it was written");
        assert!(bytes == component, "guest/build.sh rates makes it anew");
        let functions = linked["functions"].as_array().expect("a list");
        assert_eq!(functions.len(), 5);
    }
}

#[test]
fn rates_are_fetched_by_every_peer_and_remembered_and_replayed_without_the_server() {
    let rates = Rates::serve();
    let folder = rates.example();
    let folder = folder.path();
    let network = Network::up(folder, &["--effects", "effects.toml"]);

    let early = call(folder, &["rates.get", "EUR", "USD"]);
    assert!(early.stdout.contains("refresh does it"), "{early:#?}");
    let url = rates.instead("https://api.frankfurter.dev/v1/");
    call(folder, &["rates.use-source", &url]).data();
    assert_eq!(rates.asked(), 0);

    let fetched = call(folder, &["rates.refresh", "EUR", "USD"]).data();
    assert_eq!(rates.asked(), 3, "each of three peers asks");
    for replica in fetched["replicas"].as_array().expect("a list") {
        assert_eq!(replica["result"]["price"], 1.0842);
        assert_eq!(replica["result"]["day"], "2026-11-25");
    }
    weir(folder, &["proof", "export", "-o", "proof"]).text();
    let second = call(folder, &["rates.refresh", "EUR", "USD"]).data();
    assert_eq!(rates.asked(), 6);

    let latest = call(folder, &["rates.get", "EUR", "USD"]).data();
    assert_eq!(
        latest["replicas"][0]["result"],
        second["replicas"][0]["result"]
    );
    let history = call(folder, &["rates.history", "EUR", "USD", "10"]).data();
    let history = history["replicas"][0]["result"].as_array().cloned();
    assert_eq!(
        history,
        Some(vec![
            second["replicas"][0]["result"].clone(),
            fetched["replicas"][0]["result"].clone()
        ])
    );
    for (pair, why) in [
        (["EUR", "CHF"], "the server answered 404"),
        (["EUR", "us"], "`us` is no currency"),
    ] {
        let refused = call(folder, &["rates.refresh", pair[0], pair[1]]);
        assert!(refused.stdout.contains(why), "{refused:#?}");
    }

    drop(network);
    let asked = rates.asked();
    let replayed = weir(folder, &["proof", "replay", "proof", "--json"]).data();
    let calls = replayed["calls"].as_array().expect("a list");
    assert_eq!(calls.len(), 3, "{replayed:#}");
    assert_eq!(rates.asked(), asked, "a replay asks nobody");
}

#[test]
fn a_right_is_that_of_its_part_alone() {
    let rates = Rates::serve();
    let folder = rates.example();
    let folder = folder.path();
    let manifest = std::fs::read_to_string(folder.join("weir.toml")).expect("it is there");
    let grants: Vec<&str> = manifest
        .lines()
        .filter(|line| line.starts_with("grants = "))
        .collect();
    let [front, fetcher] = grants[..] else {
        panic!("two parts have grants: {grants:?}");
    };
    // The right to reach the server goes to the part that has the state.
    let both = [
        front.trim_end_matches(" }"),
        fetcher.trim_start_matches("grants = { "),
    ]
    .join(", ");
    let moved = manifest.replace(fetcher, "").replace(front, &both);
    std::fs::write(folder.join("weir.toml"), moved).expect("a writable folder");
    let _network = Network::up(folder, &["--effects", "effects.toml"]);
    let refused = call(folder, &["rates.refresh", "EUR", "USD"]);
    let why = "fetch (not granted to part fetcher)";
    assert!(refused.stdout.contains(why), "{refused:#?}");
    assert_eq!(rates.asked(), 0);
}

#[test]
fn effects_are_tried_without_a_network_under_the_same_rules() {
    let rates = Rates::serve();
    let folder = rates.example();
    let folder = folder.path();
    let link = ["wasm", "link", "weir.toml", "-o", "rates.wasm"];
    weir(folder, &link).text();
    let url = rates.instead("https://api.frankfurter.dev/v1");
    let typed = format!("use-source(\"{url}\")\nrefresh(\"EUR\", \"USD\")\n");
    let repl = ["wasm", "repl", "rates.wasm", "-q"];

    let denied = weir_with_input(folder, &repl, &typed);
    let why = "weir:host/http is not granted";
    assert!(denied.stderr.contains(why), "{denied:#?}");
    assert_eq!(rates.asked(), 0);

    let with = [&repl[..], &["--effects", "effects.toml"]].concat();
    let done = weir_with_input(folder, &with, &typed);
    assert!(done.text().contains("1.0842"), "{done:#?}");
    assert_eq!(rates.asked(), 1);

    let alone = format!("get(\"{url}/latest?base=EUR&symbols=USD\")");
    let alone = [
        &["wasm", "call", "fetcher/fetcher.wasm", &alone][..],
        &["--effects", "effects.toml"],
    ]
    .concat();
    let unasked = weir(folder, &alone);
    let why = "the manifest of the component does not ask for it";
    assert!(unasked.stderr.contains(why), "{unasked:#?}");
    assert_eq!(rates.asked(), 1);

    std::fs::write(folder.join("bad.toml"), "[[allow]]\nwhom = 7").expect("a writable folder");
    let unusable = ["wasm", "call", "rates.wasm", "source()", "--effects"];
    let refused = weir(folder, &[&unusable[..], &["bad.toml"]].concat());
    assert!(refused.stderr.contains("error[W0507]"), "{refused:#?}");
}

#[test]
fn a_profile_has_the_effects_of_its_call_once() {
    let rates = Rates::serve();
    let folder = rates.example();
    let folder = folder.path();
    let manifest = rates.instead(
        r#"
        [service]
        name = "alone"
        version = "0.1.0"
        [[part]]
        name = "fetcher"
        component = "fetcher/fetcher.wasm"
        grants = { "weir:host/http@0.1" = { hosts = ["api.frankfurter.dev"] } }"#,
    );
    std::fs::write(folder.join("alone.toml"), manifest).expect("a writable folder");
    weir(folder, &["wasm", "link", "alone.toml"]).text();
    let url = rates.instead("https://api.frankfurter.dev/v1/latest?base=EUR&symbols=USD");
    let call = format!("get(\"{url}\")");
    let profile = [
        &["wasm", "profile", "alone.wasm", &call][..],
        &["--effects", "effects.toml", "--json"],
    ]
    .concat();
    let data = weir(folder, &profile).data();
    assert_eq!(rates.asked(), 1);
    assert!(
        data["result"]
            .as_str()
            .is_some_and(|body| body.starts_with("b64:"))
    );
    let fetches = data["host"].as_array().expect("a list");
    let fetch = fetches
        .iter()
        .find(|cost| cost["name"] == "weir:host/http@0.1.0#fetch")
        .expect("it was called");
    assert_eq!(fetch["calls"], 1);
    assert!(fetch["fuel"].as_u64() > Some(1_000_000), "{fetch}");
}
