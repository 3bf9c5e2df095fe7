//! What services take that nobody calls: the memory of a node that has ten thousand of them, and the first call after
//! a long rest.
//!
//! `cargo bench --profile release --workspace --bench idle [-- COMPONENTS]`: a component of its own for each service is
//! compiled once, so that many of them take a while.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_identity::Keypair;
use weir_marine::{CacheConfig, Marine, MarineConfig};
use weir_node::{Deployment, Node, NodeConfig, NodeHandle, Request};
use weir_peer::ParticleEvent;

const SERVICES: usize = 10_000;
/// Of which so many services are made, that one component serves several of them.
const SHARED: usize = 20;
/// If no other number is given.
const COMPONENTS: usize = 1_000;
const CALLS: usize = 200;

/// As in the binary `weir`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let given = std::env::args().skip(1).find_map(|text| text.parse().ok());
    let components = given.unwrap_or(COMPONENTS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        measure(components, components).await;
        measure(SERVICES, SHARED).await;
    });
}

async fn measure(services: usize, components: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (node, marine) = node(folder.path()).await;
    for number in 0..services {
        let deployment = Deployment {
            id: Arc::from(format!("greeter-{number}")),
            aliases: Vec::new(),
            component: variant(number % components),
            grants: None,
        };
        node.deploy(deployment).await.expect("it is accepted");
    }
    let what = format!("{services} idle services of {components} components");
    let resident = marine.resident();
    let process = resident_bytes().map_or("unknown".to_owned(), |bytes| {
        format!("{:.0} MiB", mebibytes(bytes))
    });
    println!(
        "bench: node: {what}, the whole process | {process}, code of {} components in memory, {:.0} MiB | under 1 GiB",
        resident.components,
        mebibytes(resident.bytes),
    );
    // Those that were deployed first rest if any do.
    for round in ["first", "next"] {
        let mut times = Vec::new();
        for number in 0..CALLS {
            times.push(call(&node, number % components).await);
        }
        times.sort();
        println!(
            "bench: node: {what}, the {round} call of some | p50 {:.2} ms, p99 {:.2} ms | ",
            milliseconds(times[CALLS / 2]),
            milliseconds(times[CALLS * 99 / 100]),
        );
    }
    node.shutdown().await;
}

async fn node(folder: &Path) -> (NodeHandle, Marine) {
    let marine = Marine::new(MarineConfig {
        cache: Some(CacheConfig {
            folder: folder.join("compiled"),
            secret: [1; 32],
            bytes_max: 1 << 34,
        }),
        ..MarineConfig::default()
    });
    let marine = marine.expect("the engine can be set up");
    let keypair = Keypair::from_secret(&[1; 32]).expect("a small number is a secret key");
    let mut config = NodeConfig::new(folder.join("node"), Arc::new(keypair));
    config.keypair_is_new = true;
    config.marine = Some(marine.clone());
    (
        Node::start(config).await.expect("it can be started"),
        marine,
    )
}

/// The greeter with a custom section that tells it from others.
fn variant(number: usize) -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/greeter/greeter.wasm"
    );
    let mut component = fs::read(path).expect("the component is committed");
    let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    // Its number of bytes, the empty name, and what is in it.
    component.extend([0, 5, 0]);
    component.extend(number);
    component
}

/// How long a particle takes that calls a service here.
async fn call(node: &NodeHandle, number: usize) -> Duration {
    let peer = node.peer_id();
    let script = format!(
        r#"(seq (call "{peer}" ("greeter-{number}" "hello") ["Ada"] text) (call "{peer}" ("callbackSrv" "done") [text]))"#
    );
    let begin = Instant::now();
    let request = Request::new(script, Duration::from_secs(60));
    let mut particle = node.submit(request).await.expect("it is taken");
    loop {
        match particle.next().await.expect("it goes on").event {
            ParticleEvent::Callback { .. } => return begin.elapsed(),
            ParticleEvent::Refused { by, reason } => panic!("{by}: {reason}"),
            _ => {}
        }
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1_u32 << 20)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Of this process, where the system says it.
fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4_096;
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
