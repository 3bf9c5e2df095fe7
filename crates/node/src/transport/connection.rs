//! Puts one [`Link`] on every connection.
//!
//! The side that dialled opens the stream. The connection lives as long as its
//! link: when that ends, for whatever reason, the connection is closed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId,
    FromSwarm, NetworkBehaviour, Stream, StreamProtocol, SubstreamProtocol, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId as LibPeerId};
use weir_identity::PeerId;

use super::inbox::{Inbox, Incoming, LinkId};
use super::libp2p_identity::from_libp2p;
use super::limits::TransportLimits;
use super::link::Link;

/// The protocol that is spoken on links.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/weir/particle/1");

/// Makes the handler of each connection.
#[derive(Debug)]
pub(crate) struct Connections {
    inbox: Inbox,
    limits: Arc<TransportLimits>,
    /// Connections whose link is over.
    over: VecDeque<(LibPeerId, ConnectionId)>,
    waker: Option<Waker>,
}

impl Connections {
    pub(crate) fn new(inbox: Inbox, limits: Arc<TransportLimits>) -> Self {
        Connections {
            inbox,
            limits,
            over: VecDeque::new(),
            waker: None,
        }
    }

    fn handler(&self, peer: LibPeerId, opens: bool) -> Result<Connection, ConnectionDenied> {
        let peer = from_libp2p(peer).map_err(ConnectionDenied::new)?;
        Ok(Connection {
            peer,
            inbox: self.inbox.clone(),
            limits: self.limits.clone(),
            state: if opens { State::ToOpen } else { State::Awaited },
        })
    }
}

impl NetworkBehaviour for Connections {
    type ConnectionHandler = Connection;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: LibPeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(peer, false)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: LibPeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handler(peer, true)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: LibPeerId,
        id: ConnectionId,
        _: THandlerOutEvent<Self>,
    ) {
        self.over.push_back((peer, id));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some((peer_id, id)) = self.over.pop_front() {
            let connection = CloseConnection::One(id);
            return Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection,
            });
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Tells the swarm that a connection is of no more use.
#[derive(Debug)]
pub(crate) struct Over;

/// What happens on one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: PeerId,
    inbox: Inbox,
    limits: Arc<TransportLimits>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// This side has to open the stream.
    ToOpen,
    /// The stream is being negotiated, or the other side has to open it.
    Awaited,
    Open(Box<Link<Stream>>),
    /// To be reported.
    Ended,
    Over,
}

impl Connection {
    fn open(&mut self, stream: Stream) {
        static LINKS: AtomicU64 = AtomicU64::new(0);
        if let State::Awaited = self.state {
            let id = LinkId(LINKS.fetch_add(1, Ordering::Relaxed));
            let link = Link::new(self.peer, id, stream, self.inbox.clone(), &self.limits);
            self.state = State::Open(Box::new(link));
        } else {
            tracing::debug!(peer = %self.peer, "a second stream on a connection is not taken");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A link or a failed upgrade has told its end already.
        if let State::ToOpen | State::Awaited = self.state {
            let peer = self.peer;
            self.inbox.tell(Incoming::Useless { peer });
        }
    }
}

impl ConnectionHandler for Connection {
    type FromBehaviour = Infallible;
    type ToBehaviour = Over;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if let State::Open(link) = &mut self.state
            && let Poll::Ready(end) = link.poll(cx)
        {
            tracing::debug!(peer = %self.peer, %end, "link ended");
            self.state = State::Ended;
        }
        match self.state {
            State::ToOpen => {
                self.state = State::Awaited;
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
            }
            State::Ended => {
                self.state = State::Over;
                Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Over))
            }
            State::Awaited | State::Open(_) | State::Over => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: stream,
                ..
            })
            | ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                ..
            }) => {
                self.open(stream);
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                let reason = format!("{PROTOCOL} is not spoken there: {error}");
                self.inbox.tell(Incoming::DialFailed {
                    peer: self.peer,
                    reason,
                });
                self.state = State::Ended;
            }
            _ => {}
        }
    }
}
