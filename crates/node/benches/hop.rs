//! Particles between two nodes over loopback, each a call on the other node
//! whose result comes back to a callback here.
//!
//! `cargo bench -p weir-node --bench hop [-- tcp|quic]`

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_identity::Keypair;
use weir_node::{Node, NodeConfig, NodeHandle, Request, Submitted};
use weir_peer::ParticleEvent;

const ALONE: usize = 500;
const TOGETHER: usize = 20_000;
/// Particles under way at one time.
const WINDOW: usize = 128;

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    for transport in ["tcp", "quic"] {
        if wanted.as_ref().is_none_or(|wanted| wanted == transport) {
            let one_core = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            one_core.expect("a runtime").block_on(measure(transport));
        }
    }
}

async fn measure(transport: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let [here, there] = [
        start(folder.path(), 1, transport).await,
        start(folder.path(), 2, transport).await,
    ];
    here.connect(there.contact()).await.expect("loopback works");
    let script: Arc<str> = format!(
        r#"(seq (call "{}" ("op" "noop") []) (call %init_peer_id% ("callbackSrv" "done") []))"#,
        there.peer_id()
    )
    .into();

    let mut times = Vec::new();
    for _ in 0..ALONE {
        let begin = Instant::now();
        let mut particle = submit(&here, &script).await;
        answered(&mut particle).await;
        times.push(begin.elapsed());
    }
    times.sort();
    println!(
        "one particle alone, {transport}: p50 {:.2} ms, p99 {:.2} ms",
        ms(times[ALONE / 2]),
        ms(times[ALONE * 99 / 100])
    );

    let begin = Instant::now();
    let mut under_way = VecDeque::new();
    for _ in 0..TOGETHER {
        if under_way.len() == WINDOW {
            answered(under_way.front_mut().expect("it is full")).await;
            under_way.pop_front();
        }
        under_way.push_back(submit(&here, &script).await);
    }
    for mut particle in under_way {
        answered(&mut particle).await;
    }
    let rate = TOGETHER as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{WINDOW} particles under way, {transport}, both nodes on one core: {rate:.0} per second"
    );
    here.shutdown().await;
    there.shutdown().await;
}

async fn start(folder: &Path, seed: u8, transport: &str) -> NodeHandle {
    let keypair =
        Arc::new(Keypair::from_secret(&[seed; 32]).expect("a small number is a secret key"));
    let mut config =
        NodeConfig::new(folder.join(seed.to_string()), keypair).listening_on_loopback();
    config.keypair_is_new = true;
    config
        .listen
        .retain(|address| address.to_string().contains("tcp") == (transport == "tcp"));
    Node::start(config).await.expect("it can be started")
}

async fn submit(node: &NodeHandle, script: &Arc<str>) -> Submitted {
    node.submit(Request::new(script.clone(), Duration::from_secs(60)))
        .await
        .expect("it is taken")
}

async fn answered(particle: &mut Submitted) {
    loop {
        match particle.next().await.expect("the particle goes on").event {
            ParticleEvent::Callback { .. } => return,
            ParticleEvent::Refused { by, reason } => panic!("{by}: {reason}"),
            _ => {}
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
