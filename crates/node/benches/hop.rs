//! Particles between two nodes over loopback, each a call on the other node
//! whose result comes back to a callback here. Both nodes, and the clients,
//! share one thread.
//!
//! `cargo bench --profile release -p weir-node --bench hop [-- tcp|quic]`

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_identity::Keypair;
use weir_node::{Node, NodeConfig, NodeHandle, Request, Submitted};
use weir_peer::ParticleEvent;

const ALONE: usize = 500;
const TOGETHER: usize = 20_000;
/// Who start particles, each one after the other.
const CLIENTS: usize = 128;

/// As in the binary `weir`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        "bench: node: one particle alone, there and back, {transport} | p50 {:.2} ms, p99 {:.2} ms | p50 under 3 ms",
        ms(times[ALONE / 2]),
        ms(times[ALONE * 99 / 100])
    );

    let watch = Watch::start();
    let clients = (0..CLIENTS).map(|_| async {
        for _ in 0..TOGETHER / CLIENTS {
            answered(&mut submit(&here, &script).await).await;
        }
    });
    futures::future::join_all(clients).await;
    let there_and_back = format!("{CLIENTS} particles under way, there and back");
    watch.stop(transport, &there_and_back, "");

    let script: Arc<str> = format!(r#"(call "{}" ("op" "noop") [])"#, there.peer_id()).into();
    let before = calls(&there).await;
    let watch = Watch::start();
    let clients = (0..CLIENTS).map(|_| async {
        for _ in 0..TOGETHER / CLIENTS {
            drop(submit(&here, &script).await);
        }
    });
    futures::future::join_all(clients).await;
    while calls(&there).await < before + (TOGETHER / CLIENTS * CLIENTS) as u64 {
        // Counting goes over all particles, which is not to be measured.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A client starts its next particle as soon as the node has taken the last one, which need not have arrived.
    let one_way = format!("particles as fast as {CLIENTS} clients start them, one way");
    watch.stop(transport, &one_way, "at least 2,000/s per core");
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

/// Calls that a node has made.
async fn calls(node: &NodeHandle) -> u64 {
    node.metrics().await.expect("it works").calls_native
}

/// How long something takes.
struct Watch {
    begin: Instant,
    spent: Option<f64>,
}

impl Watch {
    fn start() -> Self {
        Watch {
            begin: Instant::now(),
            spent: cpu_seconds(),
        }
    }

    fn stop(self, transport: &str, what: &str, goal: &str) {
        let elapsed = self.begin.elapsed().as_secs_f64();
        let spent = cpu_seconds().zip(self.spent).map(|(now, then)| now - then);
        // Of processor time, so that what else the machine does does not count.
        println!(
            "bench: node: {what}, {transport} | {:.0}/s per core | {goal}",
            TOGETHER as f64 / spent.unwrap_or(elapsed)
        );
    }
}

/// Processor time of this process, where the system tells it.
fn cpu_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
