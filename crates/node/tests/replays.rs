//! Calls of the example services on one node, executed again by another machine from what their receipts name.
//!
//! The variable `WEIR_REPLAYS` says how many calls; without it there are few enough for every run of the tests.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use support::{Folder, callback, counter, node, request, start, with_wasm};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_fuzzing::{Chance, calls};
use weir_identity::Value;
use weir_marine::{Execution, Manifest, Marine, MarineConfig, Module, Verdict, compose};
use weir_node::{Deployment, EffectsConfig, NodeHandle};
use weir_peer::ClientFunctions;
use weir_receipt::{Evidence, Material, SignedReceipt};

/// How many calls, if nobody says.
const CALLS: u32 = 200;

fn deployment(name: &str, component: Vec<u8>) -> Deployment {
    Deployment {
        id: Arc::from(name),
        aliases: Vec::new(),
        component,
        grants: None,
    }
}

fn greeter() -> Vec<u8> {
    include_bytes!("../../../examples/greeter/greeter.wasm").to_vec()
}

fn sqlite() -> Vec<u8> {
    let part = include_bytes!("../../../examples/sqlite/sqlite.wasm").to_vec();
    let manifest = Manifest::from_toml(include_str!("../../../examples/sqlite/weir.toml"))
        .expect("the manifest of the example is good");
    let parts = BTreeMap::from([("sqlite".to_owned(), part)]);
    compose(&manifest, &parts)
        .expect("the part fits its manifest")
        .component
}

/// The example that asks a server, which is at this port here, with its fetcher composed or linked through the host.
fn rates(port: u16, link: &str) -> Vec<u8> {
    let part = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let parts = BTreeMap::from([
        part(
            "front",
            include_bytes!("../../../examples/rates/front/front.wasm"),
        ),
        part(
            "fetcher",
            include_bytes!("../../../examples/rates/fetcher/fetcher.wasm"),
        ),
    ]);
    let text = include_str!("../../../examples/rates/weir.toml")
        .replace("api.frankfurter.dev", &format!("127.0.0.1:{port}"))
        .replace("name = \"fetcher\"", &format!("name = \"fetcher\"\n{link}"));
    let manifest = Manifest::from_toml(&text).expect("the manifest of the example is good");
    compose(&manifest, &parts)
        .expect("the parts fit their manifest")
        .component
}

/// A server of rates, each of which it gives once.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("there is a free port");
    let port = listener.local_addr().expect("it has one").port();
    tokio::spawn(async move {
        for price in 1.. {
            let (mut stream, _) = listener.accept().await.expect("loopback works");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("it asks"));
            }
            let request = String::from_utf8_lossy(&request);
            let (status, body) = if request.contains("symbols=USD") {
                let base = request.split("base=").nth(1).map_or("", |text| &text[..3]);
                let body = format!(
                    r#"{{"base":"{base}","date":"2026-11-27","rates":{{"USD":{price}.5}}}}"#
                );
                ("200 OK", body)
            } else {
                ("404 Not Found", "not found".to_owned())
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            let sent = stream.write_all(answer.as_bytes()).await;
            sent.expect("it waits for the answer");
        }
    });
    port
}

/// Makes a call from `here` on the peer `there`, and gives its receipt; none where the arguments do not fit.
async fn call(
    here: &NodeHandle,
    there: &str,
    service: &str,
    (function, arguments): &calls::Call,
) -> Option<SignedReceipt> {
    let inputs = Value::from_json(arguments).expect("it is JSON");
    let count = inputs.as_array().expect("it is an array").len();
    let names = (0..count).map(|number| format!("inputs.$.[{number}]"));
    let script = format!(
        r#"(seq (call %init_peer_id% ("getDataSrv" "inputs") [] inputs)
           (seq (xor (call "{there}" ("{service}" "{function}") [{}]) (null))
                (call %init_peer_id% ("callbackSrv" "done") [])))"#,
        names.collect::<Vec<_>>().join(" ")
    );
    let mut request = request(&script);
    request.keep = true;
    request.client = Some(ClientFunctions {
        data: [(Arc::from("inputs"), inputs)].into(),
    });
    let mut particle = here.submit(request).await.expect("it is taken");
    callback(&mut particle).await;
    let export = here.export(particle.particle()).await.expect("it is kept");
    let story = weir_avm::trace(&export).expect("the log is honest");
    let deeds = story.visits.iter().flat_map(|visit| &visit.deeds);
    let receipt = deeds.into_iter().find_map(|deed| match &deed.what {
        weir_avm::What::Call { receipt, .. } => receipt.as_ref(),
        _ => None,
    })?;
    Some(SignedReceipt::decode(receipt).expect("it is whole"))
}

/// What the peer keeps of the call with that receipt, piece by piece.
async fn material(here: &NodeHandle, there: &str, receipt: &SignedReceipt) -> Material {
    let mut bytes = Vec::new();
    loop {
        let script = format!(
            r#"(seq (call "{there}" ("proof" "material") ["{}" {}] piece)
                    (call %init_peer_id% ("callbackSrv" "done") [piece]))"#,
            receipt.receipt.request_id,
            bytes.len()
        );
        let mut particle = here.submit(request(&script)).await.expect("it is taken");
        let piece = callback(&mut particle).await.remove(0);
        let [text, total] = piece.as_array().expect("it is a piece") else {
            panic!("{piece:?}");
        };
        let text = text.as_str().expect("it is text").as_bytes();
        bytes.extend(BASE64URL_NOPAD.decode(text).expect("it is base64url"));
        if bytes.len() as u64 >= total.as_u64().expect("it is a number") {
            return Material::decode(bytes).expect("it is whole");
        }
    }
}

/// Another machine: an engine of its own, and nothing else.
fn elsewhere(execution: Execution, component: &[u8]) -> Module {
    let marine = Marine::new(MarineConfig {
        execution,
        slots: 2,
        ..MarineConfig::default()
    });
    let marine = marine.expect("the engine can be set up");
    marine.load(component).expect("it is accepted")
}

#[tokio::test]
async fn random_calls_of_the_example_services_are_the_same_on_a_second_machine() {
    let calls: u32 = match std::env::var("WEIR_REPLAYS") {
        Ok(number) => number.parse().expect("WEIR_REPLAYS is a number"),
        Err(_) => CALLS,
    };
    let folder = Folder::new();
    let mut config = with_wasm(node(&folder, 1));
    let permission = r#"allow = [{ component = "*", interface = "weir:host/http@0.1", policy = { hosts = ["127.0.0.1:*"], private = true } }]"#;
    config.effects = EffectsConfig::parse(permission).expect("it is well-formed");
    let worker = start(config).await;
    let port = server().await;
    let services = [
        ("greeter", greeter()),
        ("sqlite", sqlite()),
        ("rates", rates(port, "")),
        ("rates-linked", rates(port, "link = \"host\"")),
    ];
    for (name, component) in services.clone() {
        let deployed = worker.deploy(deployment(name, component)).await;
        deployed.expect("it can be deployed");
    }
    let caller = start(node(&folder, 2)).await;
    caller.connect(worker.contact()).await.expect("it is near");
    let there = worker.peer_id().to_string();
    let modules = services.map(|(name, component)| {
        let both = [Execution::Compiled, Execution::Interpreted];
        (name, both.map(|execution| elsewhere(execution, &component)))
    });
    let mut chance = Chance::new(4);
    let mut outcomes = BTreeMap::new();
    for number in 0..calls {
        let source = format!("http://127.0.0.1:{port}/v1");
        let (service, wanted) = match (number, chance.below(6)) {
            (0, _) => ("sqlite", calls::sqlite_first()),
            (1, _) => ("rates", calls::rates_first(&source)),
            (2, _) => ("rates-linked", calls::rates_first(&source)),
            (_, 0..2) => ("sqlite", calls::sqlite(&mut chance)),
            (_, 2..4) => ("greeter", calls::greeter(&mut chance)),
            (_, 4) => ("rates", calls::rates(&mut chance)),
            _ => ("rates-linked", calls::rates(&mut chance)),
        };
        let Some(receipt) = call(&caller, &there, service, &wanted).await else {
            *outcomes.entry("no receipt".to_owned()).or_insert(0) += 1;
            continue;
        };
        let signer = receipt.signer().expect("somebody signed").peer_id();
        assert_eq!(signer, worker.peer_id());
        let material = material(&caller, &there, &receipt).await;
        let outcome = format!("{:?}", receipt.receipt.outcome);
        *outcomes.entry(outcome).or_insert(0) += 1;
        let evidence = Evidence { receipt, material };
        let (_, [compiled, interpreted]) = modules
            .iter()
            .find(|(name, _)| *name == service)
            .expect("both are there");
        // The interpreter is slow: it has its say of a tenth.
        let engines = [Some(compiled), (number % 10 == 0).then_some(interpreted)];
        for module in engines.into_iter().flatten() {
            let verdict = module.replay(&evidence, 60_000).await;
            assert!(
                matches!(verdict, Verdict::Same),
                "call {number} {wanted:?}: {verdict:?}"
            );
        }
    }
    eprintln!("{calls} calls executed again: {outcomes:?}");
    assert!(
        outcomes.get("Ok").is_some_and(|&ok| ok > calls / 2),
        "{outcomes:?}"
    );
    caller.shutdown().await;
    worker.shutdown().await;
}

#[tokio::test]
async fn a_call_can_be_repeated_after_its_component_was_replaced_and_the_node_restarted() {
    let folder = Folder::new();
    let worker = start(with_wasm(node(&folder, 1))).await;
    let there = worker.peer_id().to_string();
    let before = counter();
    let deployed = worker.deploy(before.clone()).await;
    deployed.expect("it can be deployed");
    let wanted = ("add", "[]".to_owned());
    let receipt = call(&worker, &there, "counter", &wanted).await;
    let receipt = receipt.expect("it was executed");
    let mut after = before.clone();
    // A section without meaning makes it another component.
    after.component.extend([0, 2, 1, b'x']);
    let replaced = worker.replace(after).await;
    replaced.expect("it can be replaced");
    worker.shutdown().await;

    let worker = start(with_wasm(node(&folder, 1))).await;
    let material = material(&worker, &there, &receipt).await;
    assert!(material.component.names(&before.component));
    let evidence = Evidence { receipt, material };
    let module = elsewhere(Execution::Compiled, &before.component);
    let verdict = module.replay(&evidence, 60_000).await;
    assert!(matches!(verdict, Verdict::Same), "{verdict:?}");
    worker.shutdown().await;
}
