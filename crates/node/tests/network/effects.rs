//! Services that reach the outside: what is granted, and what their receipts say of it.

use std::sync::Arc;

use crate::support::{Folder, callback, key, node, request, start, with_wasm};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir_identity::{Hash, Value, keccak256};
use weir_marine::{
    Fault, Grants, Header, HttpRequest, HttpResponse, Manifest, Policy, embed_manifest,
    guest_message,
};
use weir_node::{Deployment, EffectsConfig, NodeHandle};
use weir_receipt::{Effect, SignedReceipt, Transcript, TranscriptLimits};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = "package test:outside;
    interface api {
        use weir:host/faults@0.1.0.{fault};
        use weir:host/http@0.1.0.{response};
        use weir:host/programs@0.1.0.{output};
        fetch: func(url: string) -> result<response, fault>;
        draw: func(len: u32) -> result<list<u8>, fault>;
        sign: func(message: list<u8>) -> result<list<u8>, fault>;
        put: func(bytes: list<u8>) -> result<string, fault>;
        run: func(name: string, arguments: list<string>) -> result<output, fault>;
    }
    world w {
        import weir:host/http@0.1.0;
        import weir:host/entropy@0.1.0;
        import weir:host/signing@0.1.0;
        import weir:host/blobs@0.1.0;
        import weir:host/programs@0.1.0;
        export api;
    }";

/// The component of `outside.wat`, without a manifest.
fn bare() -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve
        .push_str("host.wit", include_str!("../../../../guest/wit/host.wit"))
        .expect("the WIT of the host is valid");
    let package = resolve.push_str("test.wit", WIT).expect("the WIT is valid");
    let world = resolve
        .select_world(&[package], None)
        .expect("there is one world");
    let mut bytes = wat::parse_str(include_str!("outside.wat")).expect("the module is valid");
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8)
        .expect("metadata can be added to a module");
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .expect("the module matches its WIT")
}

/// The same with a manifest that asks for these grants.
fn asking(grants: &str) -> Vec<u8> {
    let component = bare();
    let text = format!(
        "[service]\nname = \"outside\"\nversion = \"1.0.0\"\n[[part]]\nname = \"outside\"\ncomponent = \"{}\"\ngrants = {{ {grants} }}\n",
        weir_identity::Cid::of_raw(&component)
    );
    let manifest = Manifest::from_toml(&text).expect("the manifest is valid");
    embed_manifest(&component, &manifest).expect("it has room")
}

fn deployment(component: Vec<u8>, grants: Option<Grants>) -> Deployment {
    Deployment {
        id: Arc::from("outside"),
        aliases: Vec::new(),
        component,
        grants,
    }
}

/// Gives every request the same answer.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => break,
                }
            }
            let answer = b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\nsunny";
            let _ = stream.write_all(answer).await;
        }
    });
    port
}

/// What a call came to, and what its receipt says of effects.
async fn call(node: &NodeHandle, function: &str, arguments: &str) -> (Value, Hash) {
    let script = format!(
        r#"(xor
            (seq (call %init_peer_id% ("outside" "{function}") [{arguments}] result)
                 (call %init_peer_id% ("callbackSrv" "done") [result]))
            (call %init_peer_id% ("callbackSrv" "done") [:error:.$.message]))"#
    );
    let mut request = request(&script);
    request.keep = true;
    let mut particle = node.submit(request).await.expect("it is taken");
    let answer = callback(&mut particle).await.remove(0);
    let export = node.export(particle.particle()).await.expect("it is kept");
    let story = weir_avm::trace(&export).expect("the log is honest");
    let deeds = story.visits.iter().flat_map(|visit| &visit.deeds);
    let receipt = deeds.into_iter().find_map(|deed| match &deed.what {
        weir_avm::What::Call { receipt, .. } => receipt.as_ref(),
        _ => None,
    });
    let receipt = SignedReceipt::decode(receipt.expect("it has one")).expect("it is whole");
    (answer, receipt.receipt.host_log_hash)
}

/// The root of a transcript with this one effect.
fn root<Q: Serialize, T: Serialize>(
    interface: &str,
    function: &str,
    request: &Q,
    answer: &Result<T, Fault>,
) -> Hash {
    let encode = |bytes: Result<Vec<u8>, _>| bytes.expect("it can be written");
    let request = encode(serde_ipld_dagcbor::to_vec(request));
    let answer = encode(serde_ipld_dagcbor::to_vec(answer));
    let mut transcript = Transcript::default();
    let effect = Effect {
        interface: Arc::from(interface),
        function: Arc::from(function),
        request: keccak256(&[&request]),
        answer: answer.into(),
    };
    transcript
        .push(effect, &TranscriptLimits::default())
        .expect("there is room");
    transcript.root()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("it is text");
    let base64 = text.strip_prefix("b64:").expect("bytes are written so");
    data_encoding::BASE64URL_NOPAD
        .decode(base64.as_bytes())
        .expect("it is base64url")
}

const ALL: &str = r#"
    [[allow]]
    component = "*"
    interface = "weir:host/http@0.1"
    policy = { hosts = ["127.0.0.1:*"], private = true }
    [[allow]]
    component = "*"
    interface = "weir:host/signing@0.1"
    [[allow]]
    component = "*"
    interface = "weir:host/blobs@0.1"
    [[allow]]
    component = "*"
    interface = "weir:host/programs@0.1"
    policy = { names = ["say"] }
    [program.say]
    path = "/bin/echo"
    arguments = ["{0}"]
    parameters = [{ pattern = "[a-z]+" }]"#;

#[tokio::test]
async fn what_a_service_does_outside_stands_in_its_receipt() {
    let folder = Folder::new();
    let mut config = with_wasm(node(&folder, 1));
    config.effects = EffectsConfig::parse(ALL).expect("it is well-formed");
    let node = start(config).await;
    let port = server().await;
    let component = asking(&format!(
        r#""weir:host/http@0.1" = {{ hosts = ["127.0.0.1:{port}"] }}, "weir:host/entropy@0.1" = {{}}, "weir:host/signing@0.1" = {{}}, "weir:host/blobs@0.1" = {{}}, "weir:host/programs@0.1" = {{ names = ["say"] }}"#
    ));
    node.deploy(deployment(component, None))
        .await
        .expect("it is accepted");

    let url = format!("http://127.0.0.1:{port}/weather");
    let (answer, effects) = call(&node, "fetch", &format!("\"{url}\"")).await;
    let header = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let response = HttpResponse {
        status: 200,
        headers: vec![header("x-a", "b"), header("content-length", "5")],
        body: b"sunny".to_vec(),
    };
    let asked = HttpRequest {
        method: "GET".to_owned(),
        url,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let fields = answer.as_object().expect("a response is a record");
    assert_eq!(bytes(&fields["body"]), b"sunny");
    let http = "weir:host/http@0.1.0";
    assert_eq!(effects, root(http, "fetch", &asked, &Ok(response)));

    let (answer, effects) = call(&node, "draw", "32").await;
    let drawn = bytes(&answer);
    assert_eq!(drawn.len(), 32);
    let entropy = "weir:host/entropy@0.1.0";
    let answer = Ok(serde_bytes::ByteBuf::from(drawn.clone()));
    assert_eq!(effects, root(entropy, "bytes", &32_u32, &answer));
    let (again, _) = call(&node, "draw", "32").await;
    assert_ne!(bytes(&again), drawn);

    let (answer, _) = call(&node, "sign", "\"b64:AQID\"").await;
    let signature = weir_identity::Signature::from_bytes(&bytes(&answer)).expect("it is one");
    signature
        .verify(&guest_message("outside", &[1, 2, 3]), &key(1).peer_id())
        .expect("it is that of the node");
    let elsewhere = guest_message("another", &[1, 2, 3]);
    assert!(signature.verify(&elsewhere, &key(1).peer_id()).is_err());

    let (answer, _) = call(&node, "put", "\"b64:AQID\"").await;
    let cid = weir_identity::Cid::of_raw(&[1, 2, 3]).to_string();
    assert_eq!(answer, Value::from(&*cid));

    // A script has no lists but those of values.
    let script = r#"(seq (call %init_peer_id% ("op" "array") ["hello"] list)
        (seq (call %init_peer_id% ("outside" "run") ["say" list] result)
             (call %init_peer_id% ("callbackSrv" "done") [result])))"#;
    let mut particle = node.submit(request(script)).await.expect("it is taken");
    let answer = callback(&mut particle).await.remove(0);
    let fields = answer
        .as_object()
        .expect("what a program gives is a record");
    assert_eq!(bytes(&fields["stdout"]), b"hello\n");
    node.shutdown().await;
}

#[tokio::test]
async fn each_of_the_three_who_have_a_say_can_deny() {
    let port = server().await;
    let url = format!("\"http://127.0.0.1:{port}/\"");
    let asks = format!(r#""weir:host/http@0.1" = {{ hosts = ["127.0.0.1:{port}"] }}"#);
    let mut entropy_only = Grants::default();
    entropy_only
        .insert("weir:host/entropy@0.1", Policy::Plain)
        .expect("there is such an interface");
    for (component, operator, deployer, why) in [
        (bare(), ALL, None, "the manifest"),
        (asking(""), ALL, None, "the manifest"),
        (asking(&asks), "", None, "the operator"),
        (asking(&asks), ALL, Some(entropy_only), "whoever deployed"),
    ] {
        let folder = Folder::new();
        let mut config = with_wasm(node(&folder, 1));
        config.effects = EffectsConfig::parse(operator).expect("it is well-formed");
        let mut node = start(config.clone()).await;
        let deployment = deployment(component, deployer);
        node.deploy(deployment).await.expect("it is accepted");
        for restarted in [false, true] {
            if restarted {
                node.shutdown().await;
                config.keypair_is_new = false;
                node = start(config.clone()).await;
            }
            let (answer, effects) = call(&node, "fetch", &url).await;
            let answer = answer.to_json();
            assert!(answer.contains(why), "{why} in {answer}");
            assert_ne!(effects, Hash::ZERO, "a denial is recorded like an answer");
        }
        node.shutdown().await;
    }
}
