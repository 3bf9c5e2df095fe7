//! A node that is killed comes back with what it acknowledged.
//!
//! The test starts its own binary as a child with a node in it, and kills it.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Folder, callback, key, node, request, start};
use tokio::sync::oneshot;
use tokio::time::timeout;
use weir_identity::Value;
use weir_node::NodeConfig;
use weir_peer::Contact;

/// Tells the child where to live.
const FOLDER: &str = "WEIR_TEST_FOLDER";

/// Longer than a node takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(folder: std::path::PathBuf) -> NodeConfig {
    let mut config = NodeConfig::new(folder, key(1)).listening_on_loopback();
    config.keypair_is_new = true;
    support::with_wasm(config)
}

/// Not a test of its own: what the child does.
#[tokio::test]
async fn child_that_runs_a_node() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let node = start(config(folder.into())).await;
    if node.services().await.unwrap().is_empty() {
        node.deploy(support::doubler()).await.unwrap();
    }
    // On lines of their own, whatever the test harness has printed before.
    for address in node.addresses() {
        println!("\nat {address}");
    }
    println!("\nready");
    node.wait_until_stopped().await;
}

/// A node in a process of its own, which is killed at the latest when this is
/// dropped.
struct Killed {
    child: Child,
    contact: Contact,
}

impl Killed {
    /// Starts a node that is known to others by its address of one kind.
    async fn start(folder: &Folder, kind: &str) -> Self {
        let child = Command::new(std::env::current_exe().expect("this binary exists"))
            .args(["--exact", "child_that_runs_a_node", "--nocapture"])
            .env(FOLDER, folder.of(1))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let contact = Contact {
            peer: key(1).peer_id(),
            addresses: Vec::new(),
        };
        let mut node = Killed { child, contact };
        let stdout = node.child.stdout.take().expect("it was asked for");
        let (tell, told) = oneshot::channel();
        // Reads until the child is dead, so that the child can always write.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let addresses: Vec<String> = lines
                .by_ref()
                .take_while(|line| line != "ready")
                .filter_map(|line| line.strip_prefix("at ").map(str::to_owned))
                .collect();
            let _ = tell.send(addresses);
            lines.for_each(drop);
        });
        let addresses = timeout(PATIENCE, told)
            .await
            .expect("it starts in time")
            .expect("it says where it is");
        let address = addresses
            .into_iter()
            .find(|address| address.contains(kind))
            .expect("it listens there");
        node.contact.addresses.push(address.into());
        node
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // An error means that it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn services_and_particles_survive_kill_9() {
    let folder = Folder::new();
    let client = start(node(&folder, 2)).await;
    let first = Killed::start(&folder, "/tcp/").await;
    client.connect(first.contact.clone()).await.unwrap();
    // The first call is made before the node dies, the second one after it came back.
    let script = format!(
        r#"(seq (call "{0}" ("doubler" "double") [1] x)
           (seq (call %init_peer_id% ("callbackSrv" "x") [x])
           (seq (call %init_peer_id% ("peer" "timeout") [1500 "later"] later)
           (seq (call "{0}" ("doubler" "double") [x] y)
                (call %init_peer_id% ("callbackSrv" "y") [y])))))"#,
        first.contact.peer
    );
    let mut ask = request(&script);
    ask.ttl = Duration::from_secs(120);
    let mut particle = client.submit(ask).await.unwrap();
    assert_eq!(callback(&mut particle).await, [Value::from(2)]);
    drop(first);

    let second = Killed::start(&folder, "/tcp/").await;
    client.connect(second.contact.clone()).await.unwrap();
    assert_eq!(callback(&mut particle).await, [Value::from(4)]);
    let export = client.export(particle.particle()).await.unwrap();
    weir_avm::audit(&export).expect("the journal that was killed goes on where it ended");
    client.shutdown().await;
    drop(second);
}

#[tokio::test]
async fn what_was_sent_to_a_dead_node_arrives_when_it_is_back() {
    let folder = Folder::new();
    let helper = start(node(&folder, 3)).await;
    let first = Killed::start(&folder, "/quic-v1").await;
    helper.connect(first.contact.clone()).await.unwrap();
    drop(first);
    let script = format!(
        r#"(seq (call "{}" ("doubler" "double") [21] x) (call %init_peer_id% ("callbackSrv" "x") [x]))"#,
        key(1).peer_id()
    );
    let mut particle = helper.submit(request(&script)).await.unwrap();
    let second = Killed::start(&folder, "/quic-v1").await;
    helper.connect(second.contact.clone()).await.unwrap();
    assert_eq!(callback(&mut particle).await, [Value::from(42)]);
    helper.shutdown().await;
    drop(second);
}
