//! `weir up`: a local network in this process, until Ctrl-C.

mod watch;

use super::compile_component;
use super::wasm::sources::{by_manifest, failed, not_taken};
use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::logging::{self, Voice};
use crate::market::{LocalMarket, MarketFile, Place};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::permissions;
use crate::project::{Network, NetworkPeer, NetworkService, Project, current_folder};
use crate::remedy;
use crate::schema;
use crate::seat::unusable_key;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use watch::Watch;
use weir_node::{DeployError, Deployment, LocalNetwork, LocalNetworkConfig, LocalPeer, StartError};

/// The example of a network whose folder has no service of its own: the component of `examples/greeter`.
pub(super) const GREETER: &[u8] = include_bytes!("../../../../examples/greeter/greeter.wasm");

#[derive(Serialize)]
struct Up<'a> {
    folder: String,
    peers: &'a [NetworkPeer],
    services: &'a [NetworkService],
    /// Absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<Endpoint<'a>>,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    url: &'a str,
    chain_id: u64,
    market: String,
}

/// Starts the network, says so, and keeps it up until it is told to stop.
pub(crate) fn run(args: &args::Up, output: &Output) -> Result<(), Failure> {
    logging::start(output, Voice::Operator);
    let begin = Instant::now();
    let effects = permissions::read(args.effects.as_deref())?;
    let folder = current_folder()?;
    let project = Project::at(folder.clone());
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
        config.evidence.keep_ms = u64::try_from(args.keep_evidence.as_millis()).unwrap_or(u64::MAX);
        config.peers = usize::from(args.peers);
        let (deployment, files) = service(&folder)?;
        let name = deployment.id.clone();
        config.services = vec![deployment];
        let mut watch = Watch::of(files);
        config.compiler = compile_component::process();
        let mut stop = Stop::listen()?;
        let progress = output.progress(format!("starting {} peers", args.peers));
        let mut started = tokio::select! {
            started = LocalNetwork::start(config) => started.map_err(|error| not_started(&error))?,
            () = stop.wanted() => return Ok(()),
        };
        let network = describe(&started);
        project.announce(&network)?;
        let market = if args.no_chain {
            MarketFile::leave_out(&project)?;
            None
        } else {
            Some(market(args, &project, &started).await?)
        };
        drop(progress);
        output.emit(
            schema::UP,
            &report(
                &project,
                &network,
                market.as_ref(),
                (begin.elapsed(), output),
            ),
        )?;

        let outcome = loop {
            tokio::select! {
                () = stop.wanted() => break Ok(()),
                (peer, stopped) = started.failed() => break Err(
                    Failure::new(Code::NetworkFailed, format!("peer {peer} has stopped"))
                        .cause(stopped.reason)
                        .fix("weir up"),
                ),
                () = watch.changed() => {}
            }
            match replace(&folder, &name, &mut started, &mut watch).await {
                Ok(false) => {}
                Ok(true) => {
                    project.announce(&describe(&started))?;
                    output.note(&format!("{name} was built anew, and is replaced"));
                }
                Err(why) => output.warn(format!("{name} stays as it is: {why}")),
            }
        };
        output.note("stopping; the state stays in .weir");
        let shutdown = async {
            // Workers go before the peers that they live on.
            if let Some(market) = market {
                market.stop().await;
            }
            started.shutdown().await;
        };
        tokio::select! {
            () = shutdown => {}
            // Whoever cannot wait loses nothing: the state survives any end of the process.
            () = stop.wanted() => {}
        }
        outcome
    })
}

/// The chain inside, with the peers in its market.
async fn market(
    args: &args::Up,
    project: &Project,
    started: &LocalNetwork,
) -> Result<LocalMarket, Failure> {
    let place = match (&args.chain, args.chain_port) {
        (Some(url), _) => Place::Elsewhere(url.clone()),
        (None, Some(port)) => Place::Port(port),
        (None, None) => Place::Usual,
    };
    let market = LocalMarket::start(project, place, started.peers()).await?;
    if args.no_deals {
        return Ok(market);
    }
    market.follow(started.peers()).await
}

/// The service of the folder with the files that it is made of, or the example.
fn service(folder: &Path) -> Result<(Deployment, Vec<PathBuf>), Failure> {
    let manifest = folder.join(weir_build::MANIFEST);
    if !manifest.exists() {
        let example = Deployment {
            id: Arc::from("greeter"),
            aliases: Vec::new(),
            component: GREETER.to_vec(),
            grants: None,
        };
        return Ok((example, Vec::new()));
    }
    let sources = by_manifest(&manifest).map_err(|failure| {
        if failure.code != Code::FileUnreadable {
            return failure;
        }
        let why = failure.cause.as_deref().unwrap_or("it cannot be read");
        Failure::new(failure.code, failure.what.clone())
            .cause(format!("{why}; {} names it", weir_build::MANIFEST))
            .fix("weir build")
    })?;
    let composed =
        weir_marine::compose(&sources.manifest, &sources.parts).map_err(|error| failed(&error))?;
    let deployment = Deployment {
        id: sources.manifest.name().into(),
        aliases: Vec::new(),
        component: composed.component,
        grants: None,
    };
    Ok((deployment, sources.files))
}

/// Puts what is in the folder now in the place of what runs, if it is something else.
async fn replace(
    folder: &Path,
    name: &str,
    network: &mut LocalNetwork,
    watch: &mut Watch,
) -> Result<bool, String> {
    let (deployment, files) = service(folder).map_err(|failure| match &failure.cause {
        Some(cause) => format!("{}: {cause}", failure.what),
        None => failure.what.clone(),
    })?;
    if *deployment.id != *name {
        return Err(format!(
            "it is called {} now; start weir up again",
            deployment.id
        ));
    }
    watch.also(files);
    let replaced = network.replace(&deployment).await;
    replaced.map_err(|error| error.to_string())
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
        StartError::Deploy { service, source } => not_deployed(service, source),
        error => Failure::new(Code::NetworkFailed, "the local network did not start")
            .cause(error)
            .fix(remedy::of_peer(error)),
    }
}

/// What is wrong with the service of the folder is said as the other commands say it.
fn not_deployed(service: &str, error: &DeployError) -> Failure {
    let what = format!("service `{service}` cannot be deployed");
    match error {
        DeployError::Component(error) if error.code().starts_with("deploy/") => {
            not_taken(what, error).fact("service", service)
        }
        error @ DeployError::TooLarge { .. } => {
            Failure::new(Code::ComponentRefused, what).cause(error)
        }
        error => Failure::new(Code::NetworkFailed, what)
            .cause(error)
            .fix(remedy::of_deployment(error)),
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

fn report(
    project: &Project,
    network: &Network,
    market: Option<&LocalMarket>,
    (took, output): (Duration, &Output),
) -> Report {
    let folder = project.state();
    let folder = folder.canonicalize().unwrap_or(folder);
    let data = Up {
        folder: folder.display().to_string(),
        peers: &network.peers,
        services: &network.services,
        chain: market.map(|market| Endpoint {
            url: &market.file().url,
            chain_id: market.file().deployment.chain_id,
            market: market.file().deployment.market.to_string(),
        }),
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
    if let Some(chain) = &data.chain {
        text.push_str(&format!(
            "\n{} at {} (number {}), with a market at {}\n",
            palette.bold("chain"),
            chain.url,
            chain.chain_id,
            chain.market
        ));
    }
    text.push_str(&format!(
        "\n{} ready in {:.1} s. Try in another terminal, in this folder:\n{}  \
         weir trace\n\
         Ctrl-C stops it; the state stays in .weir.",
        palette.check(),
        took.as_secs_f64(),
        examples(&network.services)
    ));
    Report::new(&data, text)
}

/// Calls to try, a line each.
fn examples(services: &[NetworkService]) -> String {
    let Some(service) = services.first() else {
        return String::new();
    };
    let has = |name: &str| {
        let function = format!("{name}(");
        let mut functions = service.functions.iter();
        functions.any(|signature| signature.starts_with(&function))
    };
    let mut calls = Vec::new();
    if has("hello") {
        calls.push("hello Ada --policy all".to_owned());
    }
    if has("add") {
        calls.push("add 2 40 --policy quorum=2".to_owned());
    }
    if calls.is_empty() {
        calls.extend(
            service
                .functions
                .first()
                .map(|signature| call_of(signature)),
        );
    }
    let line = |call: String| format!("  weir call {}.{call}\n", service.name);
    calls.into_iter().map(line).collect()
}

/// How a function is called, with the names of its parameters in the place of arguments.
fn call_of(signature: &str) -> String {
    let (name, rest) = signature.split_once('(').unwrap_or((signature, ""));
    let mut call = name.to_owned();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' | '<' | '{' => depth += 1,
            ')' | ',' if depth == 0 => {
                // A parameter stands before its colon.
                if let Some((parameter, _)) = rest[start..at].split_once(':') {
                    call.push(' ');
                    call.push_str(&parameter.trim().to_uppercase());
                }
                start = at + 1;
                if letter == ')' {
                    break;
                }
            }
            ')' | '>' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    call
}

#[cfg(test)]
mod tests {
    use super::call_of;

    #[test]
    fn a_signature_shows_how_to_call_it() {
        for (signature, call) in [
            ("total() -> u64", "total"),
            ("hello(name: string) -> string", "hello NAME"),
            (
                "put(key: tuple<u8, u8>, the-value: list<u8>)",
                "put KEY THE-VALUE",
            ),
            (
                "set(who: record { name: string, age: u8 }, on: bool) -> result<u64, record { code: s32 }>",
                "set WHO ON",
            ),
        ] {
            assert_eq!(call_of(signature), call);
        }
    }
}
