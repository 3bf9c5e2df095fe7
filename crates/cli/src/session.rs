//! This command as a peer of the network: a key of its own, no address, one relay.

mod courier;
mod running;

pub(crate) use running::{Outcome, Running};

use crate::code::Code;
use crate::failure::Failure;
use crate::logging::{self, Voice};
use crate::output::Output;
use crate::particles;
use crate::project::{Network, NetworkPeer, Project};
use crate::seat::Seat;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use weir_identity::Value;
use weir_node::{Node, NodeConfig, NodeHandle, SubmitFailure};
use weir_peer::{ClientFunctions, Contact, ParticleId, SubmitError};

/// Peers of a local network answer within milliseconds.
const CONNECT: Duration = Duration::from_secs(5);
/// What is still to be sent is sent within this time, or not at all.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often it is looked whether the relay is still there.
const RELAY_WATCH: Duration = Duration::from_millis(250);
/// A relay that is gone for so long is given up.
const RELAY_PATIENCE: Duration = Duration::from_secs(5);

/// A script to run from here.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) script: String,
    /// What `getDataSrv` answers.
    pub(crate) data: BTreeMap<Arc<str>, Value>,
    pub(crate) ttl: Duration,
    /// What it is for, as text for people.
    pub(crate) purpose: String,
}

/// A node that lives as long as this command.
#[derive(Debug)]
pub(crate) struct Session {
    runtime: Runtime,
    node: NodeHandle,
    project: Project,
    relay: NetworkPeer,
    /// Whether the relay is a peer of the local network.
    is_local: bool,
    /// Since when the relay is known to be gone.
    lost: Cell<Option<Instant>>,
    seat: Seat,
}

impl Session {
    /// Takes part in the network, or says why that is not possible. The relay is the first peer of a local network,
    /// which lives and ends as a whole, and the first one that answers of the entry points of a context.
    pub(crate) fn open(
        project: &Project,
        network: &Network,
        output: &Output,
    ) -> Result<Self, Failure> {
        logging::start(output, Voice::Client);
        let seat = Seat::take(project)?;
        let usable = match network.context {
            None => 1,
            Some(_) => network.peers.len(),
        };
        let relays: Vec<(&NetworkPeer, Contact)> = network
            .peers
            .iter()
            .take(usable)
            .map(|peer| Ok((peer, contact(peer)?)))
            .collect::<Result<_, Failure>>()?;
        if relays.is_empty() {
            return Err(
                Failure::new(Code::StateMalformed, "the local network has no peers").fix("weir up"),
            );
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| Failure::internal("no threads can be made", error))?;
        let mut config = NodeConfig::new(seat.room.clone(), seat.keypair.clone());
        config.keypair_is_new = seat.is_new;
        config.relays = relays.iter().map(|(_, contact)| contact.clone()).collect();
        let progress = output.progress("connecting");
        let (node, relay) = runtime.block_on(async {
            let node = Node::start(config)
                .await
                .map_err(|error| Failure::internal("the peer inside did not start", error))?;
            let mut failure = down(network);
            for (relay, contact) in relays {
                progress.say(format!("connecting with {}", relay.name));
                let tried = format!("{} at {}", relay.name, contact.addresses.join(", "));
                let cause = match tokio::time::timeout(CONNECT, node.connect(contact)).await {
                    Ok(Ok(())) => return Ok((node, relay)),
                    Ok(Err(error)) => reason(&error.to_string(), output),
                    Err(_) => format!("no answer in {} s", CONNECT.as_secs()),
                };
                failure = failure.fact("tried", tried).cause(cause);
            }
            Err(failure)
        })?;
        drop(progress);
        let session = Self {
            runtime,
            node,
            project: project.clone(),
            relay: relay.clone(),
            is_local: network.context.is_none(),
            lost: Cell::new(None),
            seat,
        };
        session.keep_unfinished(output);
        Ok(session)
    }

    /// The peer id of the relay.
    pub(crate) fn relay(&self) -> &str {
        &self.relay.id
    }

    /// Looks after the relay, and ends when it is gone for good. A local network that was started again has the same
    /// peers at other ports, so the place of the relay is read anew each time.
    async fn until_cut_off(&self) {
        loop {
            tokio::time::sleep(RELAY_WATCH).await;
            let is_there = match self.relay_now() {
                Some(contact) => {
                    let connected = tokio::time::timeout(CONNECT, self.node.connect(contact));
                    matches!(connected.await, Ok(Ok(())))
                }
                None => false,
            };
            if is_there {
                self.lost.set(None);
                continue;
            }
            let since = self.lost.get().unwrap_or_else(Instant::now);
            self.lost.set(Some(since));
            if since.elapsed() >= RELAY_PATIENCE {
                return;
            }
        }
    }

    /// Ends a node.
    fn farewell(&self, node: &NodeHandle) {
        let farewell = async { tokio::time::timeout(FAREWELL, node.shutdown()).await };
        // A node that hangs is ended by the end of the process.
        let _ = self.runtime.block_on(farewell);
    }

    fn relay_now(&self) -> Option<Contact> {
        if !self.is_local {
            return contact(&self.relay).ok();
        }
        let network = self.project.network().ok()?;
        let relay = network.peers.iter().find(|peer| peer.id == self.relay.id)?;
        contact(relay).ok()
    }

    /// That the relay is gone, for people.
    fn loss(&self) -> Option<String> {
        self.lost.get()?;
        Some(format!(
            "the connection with relay {} was lost",
            self.relay.name
        ))
    }

    /// Keeps the logs of commands that were killed at this seat.
    fn keep_unfinished(&self, output: &Output) {
        for (id, about) in particles::noted(&self.seat.begun) {
            let particle = ParticleId(id);
            if let Ok(export) = self.runtime.block_on(self.node.export(particle)) {
                if let Err(failure) = particles::keep(&self.project, &id, &about, &export.to_json())
                {
                    output.warn(format!("the log of an earlier command: {}", failure.what));
                    continue;
                }
                // A node that has stopped says so when the command asks it for something.
                let _ = self.runtime.block_on(self.node.forget(particle));
            }
            particles::unnote(&self.seat.begun, &id);
        }
    }

    /// Starts a particle.
    pub(crate) fn submit(&self, request: Request) -> Result<Running<'_>, Failure> {
        let ttl = request.ttl;
        let purpose = request.purpose;
        let request = weir_node::Request {
            client: Some(ClientFunctions { data: request.data }),
            keep: true,
            ..weir_node::Request::new(request.script, ttl)
        };
        let started = std::time::SystemTime::now();
        let submitted = self
            .runtime
            .block_on(self.node.submit(request))
            .map_err(|failure| refused(failure, ttl))?;
        Running::new(self, submitted, started, ttl, purpose)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.farewell(&self.node);
    }
}

/// That nobody answers.
fn down(network: &Network) -> Failure {
    match &network.context {
        None => Failure::new(Code::NetworkDown, "the local network does not answer").fix("weir up"),
        Some(name) => {
            let what = format!("no peer that the context {name} names answers");
            Failure::new(Code::NetworkDown, what).fix(
                "see that one of them runs and can be reached, or add a context with other peers",
            )
        }
    }
}

pub(crate) fn contact(peer: &NetworkPeer) -> Result<Contact, Failure> {
    Ok(Contact {
        peer: peer.peer_id()?,
        addresses: quickest(&peer.addresses),
    })
}

/// What the transport says, in a few words where that is possible; in its own with `-v`.
fn reason(text: &str, output: &Output) -> String {
    if output.verbosity() == 0 && text.contains("Connection refused") {
        "connection refused".to_owned()
    } else {
        text.to_owned()
    }
}

/// Over TCP the system tells at once that nobody listens or that a process is gone; over QUIC that takes a timeout.
fn quickest(addresses: &[String]) -> Vec<Arc<str>> {
    let (tcp, other): (Vec<&String>, Vec<&String>) = addresses
        .iter()
        .partition(|address| address.contains("/tcp/"));
    let chosen = if tcp.is_empty() { other } else { tcp };
    chosen
        .into_iter()
        .map(|address| Arc::from(&**address))
        .collect()
}

fn refused(failure: SubmitFailure, ttl: Duration) -> Failure {
    match failure {
        SubmitFailure::Peer(SubmitError::Refused(refusal)) => {
            Failure::new(Code::Refused, "the particle was not started")
                .fact("ttl", humantime::format_duration(ttl).to_string())
                .cause(refusal)
        }
        SubmitFailure::Peer(error) => {
            Failure::new(Code::AirInvalid, "the particle was not started").cause(error)
        }
        failure => Failure::internal("the particle was not started", failure),
    }
}
