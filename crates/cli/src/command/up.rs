//! `weir up`: a local network in this process, until Ctrl-C.

use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::logging::{self, Voice};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::project::{Network, NetworkPeer, NetworkService, Project, current_folder};
use crate::schema;
use crate::seat::unusable_key;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use weir_node::{
    Deployment, EffectsConfig, LocalNetwork, LocalNetworkConfig, LocalPeer, StartError,
};

/// The example that a network begins with: the component of `examples/greeter`.
const GREETER: &[u8] = include_bytes!("../../../../examples/greeter/greeter.wasm");

#[derive(Serialize)]
struct Up<'a> {
    folder: String,
    peers: &'a [NetworkPeer],
    services: &'a [NetworkService],
}

/// Starts the network, says so, and keeps it up until it is told to stop.
pub(crate) fn run(args: &args::Up, output: &Output) -> Result<(), Failure> {
    logging::start(output, Voice::Operator);
    let begin = Instant::now();
    let effects = match &args.effects {
        Some(file) => effects(file)?,
        None => EffectsConfig::default(),
    };
    let project = Project::at(current_folder()?);
    let lock = project.lock()?;
    if args.fresh {
        project.clear(&lock)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("no threads can be made", error))?;
    runtime.block_on(async {
        let mut config = LocalNetworkConfig::new(project.state());
        config.effects = effects;
        config.peers = usize::from(args.peers);
        config.services = vec![Deployment {
            id: Arc::from("greeter"),
            aliases: Vec::new(),
            component: GREETER.to_vec(),
            grants: None,
        }];
        let mut stop = Stop::listen()?;
        let progress = output.progress(format!("starting {} peers", args.peers));
        let started = tokio::select! {
            started = LocalNetwork::start(config) => started.map_err(|error| not_started(&error))?,
            () = stop.wanted() => return Ok(()),
        };
        let network = describe(&started);
        project.announce(&network)?;
        drop(progress);
        output.emit(
            schema::UP,
            &report(&project, &network, begin.elapsed(), output),
        )?;

        let outcome = tokio::select! {
            () = stop.wanted() => Ok(()),
            (peer, stopped) = started.failed() => Err(
                Failure::new(Code::NetworkFailed, format!("peer {peer} has stopped"))
                    .cause(stopped.reason)
                    .fix("weir up"),
            ),
        };
        output.note("stopping; the state stays in .weir");
        tokio::select! {
            () = started.shutdown() => {}
            // Whoever cannot wait loses nothing: the state survives any end of the process.
            () = stop.wanted() => {}
        }
        outcome
    })
}

/// What the file grants to services.
fn effects(file: &Path) -> Result<EffectsConfig, Failure> {
    EffectsConfig::read(file).map_err(|error| {
        let what = format!("cannot use {}", input::name(file));
        Failure::new(Code::EffectsUnusable, what).cause(error)
    })
}

/// Ctrl-C and its like.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::internal("cannot listen to Ctrl-C", error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn not_started(error: &StartError) -> Failure {
    match error {
        StartError::Key(error) => unusable_key(error),
        error => Failure::new(Code::NetworkFailed, "the local network did not start")
            .cause(error)
            .fix("weir up --fresh forgets what is kept in .weir"),
    }
}

/// Listeners come up in any order.
fn addresses(peer: &LocalPeer) -> Vec<String> {
    let addresses = peer.node.addresses();
    let mut addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    addresses.sort();
    addresses
}

fn describe(started: &LocalNetwork) -> Network {
    let peers = started.peers().iter().map(|peer| NetworkPeer {
        name: peer.name.clone(),
        id: peer.node.peer_id().to_string(),
        addresses: addresses(peer),
        metrics: peer
            .node
            .metrics_address()
            .map(|address| format!("http://{address}/metrics")),
    });
    let mut services: Vec<NetworkService> = Vec::new();
    for peer in started.peers() {
        for deployed in &peer.services {
            let name = &*deployed.service.id;
            match services.iter_mut().find(|service| service.name == name) {
                Some(service) => service.peers.push(peer.name.clone()),
                None => services.push(NetworkService {
                    name: name.to_owned(),
                    functions: deployed.signatures.clone(),
                    peers: vec![peer.name.clone()],
                }),
            }
        }
    }
    Network::new(peers.collect(), services)
}

fn report(project: &Project, network: &Network, took: Duration, output: &Output) -> Report {
    let folder = project.state();
    let folder = folder.canonicalize().unwrap_or(folder);
    let data = Up {
        folder: folder.display().to_string(),
        peers: &network.peers,
        services: &network.services,
    };
    let mut table = Table::new(&[
        Column::Text("PEER"),
        Column::Id("ID"),
        Column::Text("ADDRESS"),
        Column::Text("METRICS"),
    ]);
    for peer in &network.peers {
        for (row, address) in peer.addresses.iter().enumerate() {
            let metrics = peer.metrics.as_deref().unwrap_or_default();
            let first = |text: &str| {
                if row == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            table.row([
                Cell::new(first(&peer.name)),
                first(&peer.id).into(),
                address.as_str().into(),
                first(metrics).into(),
            ]);
        }
    }
    let palette = output.palette();
    let mut text = output.render(&table);
    for service in &network.services {
        let peers = service.peers.join(", ");
        text.push_str(&format!("\n{} on {peers}\n", palette.bold(&service.name)));
        for function in &service.functions {
            text.push_str(&format!("  {function}\n"));
        }
    }
    text.push_str(&format!(
        "\n{} ready in {:.1} s. Try in another terminal, in this folder:\n  \
         weir call greeter.hello Ada --policy all\n  \
         weir call greeter.add 2 40 --policy quorum=2\n  \
         weir trace\n\
         Ctrl-C stops it; the state stays in .weir.",
        palette.check(),
        took.as_secs_f64()
    ));
    Report::new(&data, text)
}
