//! Nodes that talk over real sockets.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    Folder, callback, callbacks, doubler, multiplier, node, request, start, until_done, with_wasm,
};
use weir_identity::Value;
use weir_node::store::Durability;
use weir_node::{ConnectError, ExportFailure, NewsEnd, NodeConfig, StartError, SubmitFailure};
use weir_peer::ParticleEvent;

#[tokio::test]
async fn a_call_on_another_peer_comes_back() {
    let folder = Folder::new();
    let a = start(node(&folder, 1)).await;
    let b = start(node(&folder, 2)).await;
    b.connect(a.contact()).await.unwrap();
    let script = format!(
        r#"(seq (call "{}" ("math" "add") [20 22] sum) (call %init_peer_id% ("callbackSrv" "done") [sum]))"#,
        a.peer_id()
    );
    let mut particle = b.submit(request(&script)).await.unwrap();
    assert_eq!(callback(&mut particle).await, [Value::from(42)]);
    until_done(&mut particle).await;

    let export = b.export(particle.particle()).await.unwrap();
    let audited = weir_avm::audit(&export).expect("the log is honest");
    assert_eq!(audited.authors, 2);
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn a_client_that_listens_nowhere_is_answered_through_its_relay() {
    let folder = Folder::new();
    let mut relay = node(&folder, 1);
    relay.relay = true;
    let relay = start(relay).await;
    let far = start(node(&folder, 2)).await;
    far.connect(relay.contact()).await.unwrap();

    let mut client = NodeConfig::new(folder.of(3), crate::support::key(3));
    client.relays = vec![relay.contact()];
    let client = start(client).await;
    assert!(client.addresses().is_empty());
    let script = format!(
        r#"(seq (call "{}" ("op" "noop") []) (seq
            (call "{}" ("op" "concat_strings") ["a" "b"] text)
            (call %init_peer_id% ("callbackSrv" "done") [text])))"#,
        relay.peer_id(),
        far.peer_id()
    );
    let mut particle = client.submit(request(&script)).await.unwrap();
    assert_eq!(callback(&mut particle).await, [Value::from("ab")]);
    for node in [client, far, relay] {
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_component_is_called_and_comes_back_after_a_restart() {
    let folder = Folder::new();
    let a = start(with_wasm(node(&folder, 1))).await;
    let deployed = a.deploy(doubler()).await.unwrap();
    assert_eq!(deployed.signatures, ["double(x: u32) -> u32"]);
    let script = r#"
        (xor (seq (call %init_peer_id% ("twice" "double") [21] a)
             (seq (call %init_peer_id% ("callbackSrv" "a") [a])
             (call %init_peer_id% ("doubler" "double") ["no number"] b)))
        (call %init_peer_id% ("callbackSrv" "failed") [%last_error%.$.message]))"#;
    for life in 0..2 {
        let node = if life == 0 {
            a.clone()
        } else {
            a.shutdown().await;
            start(with_wasm(node(&folder, 1))).await
        };
        let mut particle = node.submit(request(script)).await.unwrap();
        let found = callbacks(&mut particle, 2).await;
        assert_eq!(found[0], [Value::from(42)]);
        let message = found[1][0].as_str().unwrap();
        assert!(
            message.contains("argument 1 `x`: expected u32"),
            "{message}"
        );
        if life == 1 {
            node.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_service_is_deployed_once_under_one_id() {
    let folder = Folder::new();
    let node = start(with_wasm(node(&folder, 1))).await;
    node.deploy(doubler()).await.unwrap();
    let error = node.deploy(doubler()).await.unwrap_err();
    assert!(error.to_string().starts_with("EXISTS"), "{error}");
    node.remove("doubler").await.unwrap();
    node.deploy(doubler()).await.unwrap();
    node.shutdown().await;
}

#[tokio::test]
async fn a_component_is_replaced_without_a_failed_call() {
    let folder = Folder::new();
    let node = start(with_wasm(node(&folder, 1))).await;
    let refused = node.replace(doubler()).await;
    assert!(refused.is_err(), "there is nothing to replace");
    node.deploy(doubler()).await.expect("it is accepted");
    // Twenty calls one after the other, and after the fifth comes the other component.
    let script = r#"(seq
        (call %init_peer_id% ("op" "array") [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20] numbers)
        (fold numbers n (seq
            (seq
                (call %init_peer_id% ("twice" "double") [7] x)
                (call %init_peer_id% ("callbackSrv" "got") [x]))
            (next n))))"#;
    let mut particle = node.submit(request(script)).await.expect("it is valid");
    let mut results: Vec<Value> = callbacks(&mut particle, 5).await.concat();
    node.replace(multiplier(3)).await.expect("it is accepted");
    results.extend(callbacks(&mut particle, 15).await.concat());
    let (two, three) = (Value::from(14_u64), Value::from(21_u64));
    assert_eq!(results.first(), Some(&two));
    assert!(
        results.iter().all(|x| *x == two || *x == three),
        "{results:?}"
    );
    // Whatever was under way, later calls are executed by the new one, also after a restart.
    let last = r#"(seq (call %init_peer_id% ("twice" "double") [7] x) (call %init_peer_id% ("callbackSrv" "got") [x]))"#;
    let mut particle = node.submit(request(last)).await.expect("it is valid");
    assert_eq!(callback(&mut particle).await, std::slice::from_ref(&three));
    node.shutdown().await;
    let node = start(with_wasm(crate::support::node(&folder, 1))).await;
    let mut particle = node.submit(request(last)).await.expect("it is valid");
    assert_eq!(callback(&mut particle).await, [three]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_script_with_errors_is_not_started() {
    let folder = Folder::new();
    let node = start(node(&folder, 1)).await;
    let error = node.submit(request("(call")).await.unwrap_err();
    assert!(matches!(error, SubmitFailure::Peer(_)), "{error}");
    node.shutdown().await;
    let error = node.submit(request("(null)")).await.unwrap_err();
    assert_eq!(error.to_string(), "the node has stopped: it was shut down");
}

#[tokio::test]
async fn who_never_answered_is_told_when_the_time_is_over() {
    let folder = Folder::new();
    let node = start(node(&folder, 1)).await;
    let nobody = crate::support::key(9).peer_id();
    let script = format!(r#"(call "{nobody}" ("a" "b") [])"#);
    let mut ask = request(&script);
    ask.ttl = Duration::from_millis(300);
    let mut particle = node.submit(ask).await.unwrap();
    let waiting = loop {
        if let ParticleEvent::Expired { waiting } = particle.next().await.unwrap().event {
            break waiting;
        }
    };
    assert_eq!(*waiting[0].peer, *nobody.to_string());
    assert_eq!(particle.next().await.unwrap_err(), NewsEnd::Over);
    let unknown = node.export(particle.particle()).await.unwrap_err();
    assert_eq!(unknown, ExportFailure::Unknown(particle.particle()));
    node.shutdown().await;
}

#[tokio::test]
async fn a_kept_log_can_be_exported_after_expiry_and_restart() {
    let folder = Folder::new();
    let a = start(node(&folder, 1)).await;
    let mut ask = request(r#"(call %init_peer_id% ("op" "identity") [1] x)"#);
    ask.ttl = Duration::from_millis(100);
    ask.keep = true;
    let mut particle = a.submit(ask).await.unwrap();
    while particle.next().await.is_ok() {}
    let before = a.export(particle.particle()).await.unwrap().to_json();
    a.shutdown().await;

    let a = start(node(&folder, 1)).await;
    assert_eq!(
        a.export(particle.particle()).await.unwrap().to_json(),
        before
    );
    a.forget(particle.particle()).await.unwrap();
    a.export(particle.particle()).await.unwrap_err();
    a.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_not_connected() {
    let folder = Folder::new();
    let gone = start(node(&folder, 1)).await;
    let contact = gone.contact();
    gone.shutdown().await;
    let node = start(node(&folder, 2)).await;
    let error = node.connect(contact).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_folder_serves_one_node_and_one_key() {
    let folder = Folder::new();
    let first = start(node(&folder, 1)).await;
    let error = weir_node::Node::start(node(&folder, 1)).await.unwrap_err();
    assert!(
        error.to_string().ends_with("is in use by another process"),
        "{error}"
    );
    first.shutdown().await;
    let mut other = node(&folder, 1);
    other.keypair = crate::support::key(2);
    let error = weir_node::Node::start(other).await.unwrap_err();
    assert!(matches!(error, StartError::Restore(_)), "{error}");
}

#[tokio::test]
async fn metrics_are_offered_on_loopback_alone() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = Folder::new();
    let mut config = node(&folder, 1);
    config.metrics = Some(([127, 0, 0, 1], 0).into());
    let node = start(config).await;
    let mut stream = tokio::net::TcpStream::connect(node.metrics_address().unwrap())
        .await
        .unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.contains("\nweir_particles 0\n"), "{page}");
    node.shutdown().await;

    let mut config = crate::support::node(&folder, 2);
    config.metrics = Some(([0, 0, 0, 0], 0).into());
    let error = weir_node::Node::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Metrics { .. }), "{error}");
}

#[tokio::test]
async fn a_component_that_never_ends_is_stopped_and_the_caller_hears_why() {
    let folder = Folder::new();
    let script = r#"
        (xor (call %init_peer_id% ("spinner" "spin") [])
             (call %init_peer_id% ("callbackSrv" "failed") [%last_error%.$.message]))"#;
    for (fuel, wall_ms, expected) in [
        (1_000_000, 60_000, "limit/fuel"),
        (u64::MAX / 2, 100, "infra/wall-clock"),
    ] {
        let mut config = with_wasm(node(&folder, 1));
        config.calls.fuel = fuel;
        config.calls.wall_ms = wall_ms;
        let node = start(config).await;
        // In the second life it is there already.
        let _ = node.deploy(crate::support::spinner()).await;
        let mut particle = node.submit(request(script)).await.unwrap();
        let found = callback(&mut particle).await;
        let message = found[0].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_particle_expires_in_time_while_commands_never_cease() {
    let folder = Folder::new();
    let mut config = node(&folder, 1);
    // One command in each turn, so that there is always another when a turn ends.
    config.driver.turn_us = 0;
    let node = start(config).await;
    let nobody = crate::support::key(9).peer_id();
    let mut ask = request(&format!(r#"(call "{nobody}" ("a" "b") [])"#));
    ask.ttl = Duration::from_millis(300);
    let mut particle = node.submit(ask).await.unwrap();
    let id = particle.particle();
    let flood = (0..64).map(|_| async { while node.nudge(id).await.is_ok() {} });
    let flood = futures::future::join_all(flood);
    let expired = async {
        while !matches!(
            particle.next().await.unwrap().event,
            ParticleEvent::Expired { .. }
        ) {}
    };
    let expired = tokio::time::timeout(Duration::from_secs(30), expired);
    tokio::select! {
        _ = flood => panic!("the node stopped"),
        expired = expired => expired.expect("the timer fires"),
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_node_that_waits_for_the_disk_answers_as_well() {
    let folder = Folder::new();
    let [mut a, mut b] = [node(&folder, 1), node(&folder, 2)];
    a.durability = Durability::Power;
    b.durability = Durability::Power;
    let (a, b) = (start(a).await, start(b).await);
    b.connect(a.contact()).await.unwrap();
    let script: Arc<str> = format!(
        r#"(seq (call "{}" ("op" "identity") [1] x) (call %init_peer_id% ("callbackSrv" "x") [x]))"#,
        a.peer_id()
    )
    .into();
    let particles = (0..50).map(|_| async {
        let mut particle = b.submit(request(&script)).await.unwrap();
        assert_eq!(callback(&mut particle).await, [Value::from(1)]);
    });
    futures::future::join_all(particles).await;
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_does_not_tell_what_was_not_reported_before() {
    let script = r#"(seq (call %init_peer_id% ("doubler" "double") [2] x) (call %init_peer_id% ("callbackSrv" "done") [x]))"#;
    for durability in [Durability::Process, Durability::Power] {
        let folder = Folder::new();
        let mut config = with_wasm(node(&folder, 1));
        config.durability = durability;
        let node = start(config).await;
        node.deploy(doubler()).await.unwrap();
        let asked = (0..20).map(|_| async {
            for _ in 0..20 {
                let mut particle = node.submit(request(script)).await.unwrap();
                loop {
                    let export = node.export(particle.particle()).await.unwrap();
                    let trace = weir_avm::trace(&export).expect("the log is whole");
                    if trace.waiting.is_empty() {
                        break;
                    }
                }
                let reported = std::iter::from_fn(|| particle.try_next());
                let mut events = reported.map(|news| news.event);
                assert!(events.any(|event| matches!(event, ParticleEvent::Callback { .. })));
            }
        });
        futures::future::join_all(asked).await;
        node.shutdown().await;
    }
}
