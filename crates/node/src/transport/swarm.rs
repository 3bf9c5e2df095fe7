//! The task that owns libp2p: listens, dials, closes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, identify, noise, ping, tcp, yamux};
use thiserror::Error;
use tokio::sync::mpsc;
use weir_identity::{Keypair, PeerId};

use super::connection::Connections;
use super::inbox::{Inbox, Incoming};
use super::libp2p_identity::{from_libp2p, keypair, to_libp2p};
use super::limits::TransportLimits;
use super::redial::Kept;

/// What identify says this is.
const IDENTIFY_PROTOCOL: &str = "/weir/1";

/// Why the transport did not start.
#[derive(Debug, Error)]
pub enum TransportError {
    /// libp2p could not be set up.
    #[error("the network cannot be set up: {0}")]
    Setup(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address asked for.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
}

/// What the owner of the transport wants.
#[derive(Debug)]
pub(super) enum Command {
    /// Reach this peer once.
    Dial {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    /// Reach this peer once at these addresses, whether it is connected or not.
    DialAnew {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    /// Reach this peer and do so again whenever it is lost.
    Keep {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    /// Close everything.
    Stop,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    connections: Connections,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// See the module.
pub(super) struct SwarmTask {
    swarm: Swarm<Behaviour>,
    commands: mpsc::UnboundedReceiver<Command>,
    inbox: Inbox,
    kept: Kept,
    /// Dials whose failure is told although their peer is connected.
    anew: HashSet<ConnectionId>,
}

impl SwarmTask {
    pub(super) fn new(
        key: &Keypair,
        inbox: Inbox,
        limits: &Arc<TransportLimits>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Self, TransportError> {
        let setup = |error: &dyn ToString| TransportError::Setup(error.to_string());
        let (streams, window) = (limits.streams_per_connection, limits.window_bytes);
        let mut multiplexer = yamux::Config::default();
        multiplexer.set_max_num_streams(streams as usize);
        let swarm = SwarmBuilder::with_existing_identity(keypair(key))
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, || multiplexer)
            .map_err(|error| setup(&error))?
            .with_quic_config(|mut config| {
                config.max_concurrent_stream_limit = streams;
                config.max_connection_data = window;
                config.max_stream_data = window - window / 4;
                config
            })
            .with_behaviour(|key| behaviour(key, inbox.clone(), limits))
            .map_err(|error| setup(&error))?
            .with_swarm_config(|config| {
                config
                    .with_idle_connection_timeout(Duration::from_secs(10))
                    .with_max_negotiating_inbound_streams(streams as usize)
                    .with_smart_dial()
            })
            .build();
        let kept = Kept::new(limits);
        Ok(SwarmTask {
            swarm,
            commands,
            inbox,
            kept,
            anew: HashSet::new(),
        })
    }

    /// Begins to listen, and waits until it is known at which addresses.
    pub(super) async fn listen(
        &mut self,
        wanted: &[Multiaddr],
    ) -> Result<Vec<Multiaddr>, TransportError> {
        let mut open: HashMap<ListenerId, Multiaddr> = HashMap::new();
        for address in wanted {
            let refused = |error: &dyn ToString| TransportError::Listen {
                address: address.clone(),
                reason: error.to_string(),
            };
            check_free(address).map_err(|error| refused(&error))?;
            let id = self
                .swarm
                .listen_on(address.clone())
                .map_err(|error| refused(&error))?;
            open.insert(id, address.clone());
        }
        while !open.is_empty() {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    open.remove(&listener_id);
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason,
                    ..
                } => {
                    if let Some(address) = open.remove(&listener_id) {
                        let reason = match reason {
                            Ok(()) => "the listener closed".to_owned(),
                            Err(error) => error.to_string(),
                        };
                        return Err(TransportError::Listen { address, reason });
                    }
                }
                _ => {}
            }
        }
        Ok(self.swarm.listeners().cloned().collect())
    }

    /// Works until told to stop or nobody is left to tell.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Dial { peer, addresses }) => {
                        self.dial(peer, addresses, PeerCondition::DisconnectedAndNotDialing);
                    }
                    Some(Command::DialAnew { peer, addresses }) => {
                        self.dial(peer, addresses, PeerCondition::Always);
                    }
                    Some(Command::Keep { peer, addresses }) => {
                        if self.kept.add(peer, addresses) {
                            self.redial(peer);
                        }
                    }
                    Some(Command::Stop) | None => break,
                },
                peer = self.kept.next_due() => self.redial(peer),
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
        self.close().await;
    }

    /// Lets links write what they still have, for a moment.
    async fn close(mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        if peers.is_empty() {
            return;
        }
        let farewell = tokio::time::sleep(Duration::from_millis(500));
        tokio::pin!(farewell);
        while self.swarm.connected_peers().next().is_some() {
            tokio::select! {
                () = &mut farewell => break,
                _ = self.swarm.select_next_some() => {}
            }
        }
    }

    fn redial(&mut self, peer: PeerId) {
        if self.swarm.is_connected(&to_libp2p(&peer)) {
            self.kept.reached(&peer);
        } else if let Some(addresses) = self.kept.addresses(&peer) {
            self.dial(peer, addresses, PeerCondition::DisconnectedAndNotDialing);
        }
    }

    fn dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, condition: PeerCondition) {
        let anew = matches!(condition, PeerCondition::Always);
        // With a port of its own, a dial never collides with one of the other side's.
        let options = DialOpts::peer_id(to_libp2p(&peer))
            .condition(condition)
            .addresses(addresses)
            .allocate_new_port()
            .build();
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) if anew => {
                self.anew.insert(connection);
            }
            // With a false condition there is a connection or another dial, whose outcome is told.
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => {
                self.kept.failed(&peer);
                self.inbox.tell(Incoming::DialFailed {
                    peer,
                    reason: error.to_string(),
                });
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id,
                endpoint,
                connection_id,
                ..
            } => {
                self.anew.remove(&connection_id);
                if let Ok(peer) = from_libp2p(peer_id) {
                    tracing::debug!(%peer, address = %endpoint.get_remote_address(), "connected");
                    self.kept.reached(&peer);
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                cause,
                ..
            } => {
                if let Ok(peer) = from_libp2p(peer_id) {
                    let cause = cause.map(|cause| cause.to_string());
                    tracing::debug!(%peer, cause, "connection closed");
                    self.kept.failed(&peer);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer_id),
                error,
                connection_id,
            } => {
                let anew = self.anew.remove(&connection_id);
                let Ok(peer) = from_libp2p(peer_id) else {
                    return;
                };
                tracing::debug!(%peer, %error, "not reached");
                let is_connected = self.swarm.is_connected(&to_libp2p(&peer));
                if !is_connected {
                    self.kept.failed(&peer);
                }
                // Another connection may have been made meanwhile.
                if anew || !is_connected {
                    self.inbox.tell(Incoming::DialFailed {
                        peer,
                        reason: error.to_string(),
                    });
                }
            }
            SwarmEvent::IncomingConnectionError {
                send_back_addr,
                error,
                ..
            } => {
                tracing::debug!(address = %send_back_addr, %error, "incoming connection failed");
            }
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => {
                self.inbox.tell(Incoming::Addresses(
                    self.swarm.listeners().cloned().collect(),
                ));
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listener failed"),
            SwarmEvent::ListenerClosed {
                addresses, reason, ..
            } => {
                let reason = reason.err().as_ref().map(io::Error::to_string);
                tracing::warn!(?addresses, reason, "listener closed");
                self.inbox.tell(Incoming::Addresses(
                    self.swarm.listeners().cloned().collect(),
                ));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event {
                peer,
                connection,
                result: Err(error),
            })) => {
                tracing::debug!(%peer, %error, "no answer to a ping");
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }
}

fn behaviour(
    key: &libp2p::identity::Keypair,
    inbox: Inbox,
    limits: &Arc<TransportLimits>,
) -> Behaviour {
    let bounds = ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.incoming_pending))
        .with_max_established_incoming(Some(limits.incoming))
        .with_max_established(Some(limits.connections))
        .with_max_established_per_peer(Some(limits.connections_per_peer));
    let identify = identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), key.public())
        .with_agent_version(format!("weir/{}", env!("CARGO_PKG_VERSION")))
        .with_hide_listen_addrs(true)
        .with_cache_size(0);
    Behaviour {
        limits: connection_limits::Behaviour::new(bounds),
        connections: Connections::new(inbox, limits.clone()),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new()),
    }
}

/// Says whether a TCP port is taken, which libp2p does not: it shares ports,
/// and connections would go to either of two nodes.
fn check_free(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip: std::net::IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port > 0 => std::net::TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// An address without the part that names the peer.
pub(super) fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}
