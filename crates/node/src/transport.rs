//! Frames between peers over libp2p.
//!
//! One task owns the swarm; each connection has a task of its own (libp2p's)
//! in which frames are read and written without passing through another one.
//! All connections tell one inbox what happens, in order, and the owner of the
//! [`Transport`] reads it in batches.
//!
//! ```text
//!  owner ──send──▶ outbox ──▶ connection task ──▶ yamux or QUIC stream ──▶ …
//!  owner ◀──────── inbox ◀─── connection task ◀── …
//!  owner ──dial──▶ swarm task
//! ```
//!
//! Two connections with one peer (both sides dialled) are one neighbour to the
//! owner: frames are taken from both and given to the newer one, because the
//! older may be dead without anybody having noticed yet.

mod connection;
pub(crate) mod framing;
mod inbox;
mod libp2p_identity;
mod limits;
mod link;
mod outbox;
mod redial;
mod swarm;

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
pub use libp2p::Multiaddr;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use weir_identity::{Keypair, PeerId};

use crate::error::panicked;
pub use framing::FramingError;
use inbox::{Held, Inbox, Incoming, LinkId};
pub use limits::TransportLimits;
pub use link::LinkEnd;
use outbox::Outbox;
pub use outbox::SendError;
pub use swarm::TransportError;
use swarm::{Command, SwarmTask};

/// What happened on the network.
#[derive(Debug)]
pub enum TransportEvent {
    /// A peer can be sent frames to.
    Connected {
        /// Which peer; its key is proven.
        peer: PeerId,
    },
    /// It no longer can. Frames that were given out may be lost.
    Disconnected {
        /// Which peer.
        peer: PeerId,
        /// Why.
        end: LinkEnd,
    },
    /// A frame arrived.
    Frame {
        /// From whom.
        peer: PeerId,
        /// Its bytes.
        frame: Bytes,
        /// Holds the frame's share of the inbox until dropped.
        room: Room,
    },
    /// A peer could not be reached at the addresses that were dialled. It may
    /// be connected all the same, see [`Transport::dial_anew`].
    DialFailed {
        /// Which peer.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// The addresses that this node listens on have changed.
    Addresses(Vec<Multiaddr>),
    /// Nothing is sent or received any more.
    Broken {
        /// Why.
        reason: String,
    },
}

/// A frame's share of the bounded inbox. Drop it when the frame is dealt with.
#[derive(Debug)]
pub struct Room {
    _held: Held,
}

/// The connections of one node.
#[derive(Debug)]
pub struct Transport {
    incoming: mpsc::UnboundedReceiver<Incoming>,
    commands: mpsc::UnboundedSender<Command>,
    /// The newest last.
    links: HashMap<PeerId, VecDeque<(LinkId, Arc<Outbox>)>>,
    /// Where peers with a connection, or a dial under way, were last dialled.
    dialled: HashMap<PeerId, Vec<Multiaddr>>,
    addresses: Vec<Multiaddr>,
    limits: Arc<TransportLimits>,
    task: JoinHandle<()>,
}

impl Transport {
    /// Starts to listen on the given addresses (port 0: the system chooses).
    /// Without any, the node can dial and not be dialled.
    pub async fn start(
        keypair: &Keypair,
        listen: &[Multiaddr],
        limits: TransportLimits,
    ) -> Result<Self, TransportError> {
        let limits = Arc::new(limits);
        let (inbox, incoming) = Inbox::new(&limits);
        let (commands, orders) = mpsc::unbounded_channel();
        let breaks = inbox.clone();
        let mut swarm = SwarmTask::new(keypair, inbox, &limits, orders)?;
        let addresses = swarm.listen(listen).await?;
        let task = tokio::spawn(async move {
            let run = AssertUnwindSafe(swarm.run()).catch_unwind();
            if run.await.is_err() {
                let reason = panicked("swarm");
                breaks.tell(Incoming::Broken { reason });
            }
        });
        Ok(Transport {
            incoming,
            commands,
            links: HashMap::new(),
            dialled: HashMap::new(),
            addresses,
            limits,
            task,
        })
    }

    /// Where this node listens.
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// Whether frames can be sent to a peer.
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.links.contains_key(peer)
    }

    /// Waits for events and adds at least one to `events`, and at most about
    /// `max`. Can be dropped at any time without loss.
    pub async fn receive(&mut self, events: &mut Vec<TransportEvent>, max: usize) {
        let mut incoming = Vec::new();
        while events.is_empty() {
            if self.incoming.recv_many(&mut incoming, max).await == 0 {
                // The swarm task is gone and every link with it; nothing will happen any more.
                return std::future::pending().await;
            }
            for item in incoming.drain(..) {
                self.take_in(item, events);
            }
        }
    }

    /// Adds events that are there already.
    pub fn try_receive(&mut self, events: &mut Vec<TransportEvent>, max: usize) {
        while events.len() < max
            && let Ok(item) = self.incoming.try_recv()
        {
            self.take_in(item, events);
        }
    }

    fn take_in(&mut self, item: Incoming, events: &mut Vec<TransportEvent>) {
        match item {
            Incoming::Frame { peer, frame, room } => {
                events.push(TransportEvent::Frame {
                    peer,
                    frame,
                    room: Room { _held: room },
                });
            }
            Incoming::Up { peer, link, outbox } => {
                let links = self.links.entry(peer).or_default();
                links.push_back((link, outbox));
                if links.len() > 1 {
                    // What was given to the older link may be lost.
                    events.push(TransportEvent::Disconnected {
                        peer,
                        end: LinkEnd::Here("a newer connection is used".to_owned()),
                    });
                }
                events.push(TransportEvent::Connected { peer });
            }
            Incoming::Down { peer, link, end } => {
                let Some(links) = self.links.get_mut(&peer) else {
                    return;
                };
                let was_used = links.back().is_some_and(|(newest, _)| *newest == link);
                links.retain(|(id, _)| *id != link);
                let others = !links.is_empty();
                if !others {
                    self.links.remove(&peer);
                    self.dialled.remove(&peer);
                }
                if was_used {
                    events.push(TransportEvent::Disconnected { peer, end });
                    if others {
                        events.push(TransportEvent::Connected { peer });
                    }
                }
            }
            Incoming::Useless { peer } => {
                // Of a peer that was not dialled it is no news.
                if self.dialled.contains_key(&peer) && !self.is_connected(&peer) {
                    self.dialled.remove(&peer);
                    let reason = "it closed the connection at once".to_owned();
                    events.push(TransportEvent::DialFailed { peer, reason });
                }
            }
            Incoming::DialFailed { peer, reason } => {
                self.dialled.remove(&peer);
                events.push(TransportEvent::DialFailed { peer, reason });
            }
            Incoming::Broken { reason } => events.push(TransportEvent::Broken { reason }),
            Incoming::Addresses(addresses) => {
                self.addresses.clone_from(&addresses);
                events.push(TransportEvent::Addresses(addresses));
            }
        }
    }

    /// Queues a frame for a neighbour.
    pub fn send(&self, to: &PeerId, frame: Bytes) -> Result<(), SendError> {
        let (bytes, limit) = (frame.len(), self.limits.frame_bytes);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        let (_, outbox) = self
            .links
            .get(to)
            .and_then(VecDeque::back)
            .ok_or(SendError::NotConnected)?;
        outbox.push(frame)
    }

    /// Tries once to reach a peer. [`TransportEvent::Connected`] or
    /// [`TransportEvent::DialFailed`] follows.
    pub fn dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let addresses = without_peer(addresses);
        if !self.is_connected(&peer) {
            self.dialled.insert(peer, addresses.clone());
        }
        self.order(Command::Dial { peer, addresses });
    }

    /// Tries once to reach a peer at these addresses, even if there is a
    /// connection: a peer that came back at other addresses leaves one behind
    /// that is dead. The same events follow as after [`Transport::dial`].
    ///
    /// False, and nothing is done, if these are the addresses at which the
    /// connected peer was last dialled.
    pub fn dial_anew(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        let addresses = without_peer(addresses);
        let is_known = self.dialled.get(&peer) == Some(&addresses);
        if is_known && self.is_connected(&peer) {
            return false;
        }
        self.dialled.insert(peer, addresses.clone());
        // If they are being dialled already, that dial's outcome is this one's.
        self.order(if is_known {
            Command::Dial { peer, addresses }
        } else {
            Command::DialAnew { peer, addresses }
        });
        true
    }

    /// Reaches a peer and does so again whenever the connection is lost, with
    /// growing pauses.
    pub fn keep(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let addresses = without_peer(addresses);
        if !self.is_connected(&peer) {
            self.dialled.insert(peer, addresses.clone());
        }
        self.order(Command::Keep { peer, addresses });
    }

    /// Ends the connections with a peer when what is queued has been written.
    pub fn disconnect(&self, peer: &PeerId, reason: &str) {
        for (_, outbox) in self.links.get(peer).into_iter().flatten() {
            outbox.close(reason);
        }
    }

    /// Ends all connections, after writing what is queued if that is quick.
    pub async fn stop(self) {
        for (_, outbox) in self.links.values().flatten() {
            outbox.close("the node stops");
        }
        self.order(Command::Stop);
        // The task ends by itself after a moment; a panic in it has been reported by tokio.
        let _ = self.task.await;
    }

    /// The task lives as long as this sender.
    fn order(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}

fn without_peer(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    addresses.into_iter().map(swarm::without_peer).collect()
}
