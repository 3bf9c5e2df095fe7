//! Peers that speak libp2p and mean no good, on loopback.

use std::future::Future;
use std::io;
use std::task::Poll;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt};
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};
use libp2p::core::transport::{Boxed, DialOpts, ListenerId, PortUse, Transport as _};
use libp2p::core::{Endpoint, transport, upgrade};
use libp2p::{identity, noise, quic, tcp, yamux};
use tokio::time::timeout;
use weir_identity::Keypair;
use weir_node::transport::{Multiaddr, Transport, TransportEvent, TransportLimits};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the opener of a stream says to have it used for frames.
const HELLO: &[u8] = b"\x13/multistream/1.0.0\n\x11/weir/particle/1\n";

type Network = Boxed<(libp2p::PeerId, StreamMuxerBox)>;

fn key(seed: u8) -> identity::Keypair {
    let secret = identity::secp256k1::SecretKey::try_from_bytes([seed; 32]);
    identity::secp256k1::Keypair::from(secret.expect("a small number is a secret key")).into()
}

fn over_tcp(seed: u8) -> Network {
    tcp::tokio::Transport::new(tcp::Config::default())
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise::Config::new(&key(seed)).expect("the key can be used"))
        .multiplex(yamux::Config::default())
        .boxed()
}

fn over_quic(seed: u8) -> Network {
    quic::tokio::Transport::new(quic::Config::new(&key(seed)))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}

/// A connection whose streams the test uses as it likes.
struct Raw {
    muxer: StreamMuxerBox,
    /// Streams that the other side opened, for identify and ping. They stay
    /// unanswered: a ping that fails at once would end the connection.
    unanswered: Vec<SubstreamBox>,
    _network: Network,
}

impl Raw {
    async fn dial(mut network: Network, to: &Multiaddr) -> io::Result<Self> {
        let options = DialOpts {
            role: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let dial = network
            .dial(to.clone(), options)
            .expect("it can be dialled");
        let mut dial = std::pin::pin!(dial);
        let (_, muxer) = loop {
            tokio::select! {
                dialled = &mut dial => break dialled.map_err(io::Error::other)?,
                _ = network.select_next_some() => {}
            }
        };
        Ok(Raw {
            muxer,
            unanswered: Vec::new(),
            _network: network,
        })
    }

    /// Does something on a stream while the connection goes on.
    async fn drive<T>(&mut self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let mut work = std::pin::pin!(work);
        let driven = std::future::poll_fn(|cx| {
            while let Poll::Ready(event) = self.muxer.poll_unpin(cx) {
                event?;
            }
            while let Poll::Ready(stream) = self.muxer.poll_inbound_unpin(cx) {
                self.unanswered.push(stream?);
            }
            work.as_mut().poll(cx)
        });
        timeout(PATIENCE, driven).await.expect("something happens")
    }

    /// A stream that is at once to be had.
    fn open_now(&mut self) -> Option<io::Result<SubstreamBox>> {
        std::future::poll_fn(|cx| self.muxer.poll_outbound_unpin(cx)).now_or_never()
    }

    /// A stream that the other side has agreed to use for frames.
    async fn link(&mut self) -> io::Result<SubstreamBox> {
        let mut stream = std::future::poll_fn(|cx| self.muxer.poll_outbound_unpin(cx)).await?;
        self.drive(async move {
            stream.write_all(HELLO).await?;
            stream.flush().await?;
            let mut answer = [0; HELLO.len()];
            stream.read_exact(&mut answer).await?;
            assert_eq!(answer, HELLO);
            Ok(stream)
        })
        .await
    }

    /// Waits until the other side has read what was written before.
    async fn ask_for_an_unknown_protocol(&mut self) -> io::Result<()> {
        let mut stream = std::future::poll_fn(|cx| self.muxer.poll_outbound_unpin(cx)).await?;
        self.drive(async move {
            stream
                .write_all(b"\x13/multistream/1.0.0\n\x06/none\n")
                .await?;
            stream.flush().await?;
            let mut answer = [0; 24];
            stream.read_exact(&mut answer).await?;
            assert!(answer.ends_with(b"\x03na\n"));
            Ok(())
        })
        .await
    }
}

fn weir_key(seed: u8) -> Keypair {
    Keypair::from_secret(&[seed; 32]).expect("a small number is a secret key")
}

async fn weir(seed: u8, listen: &str, limits: TransportLimits) -> Transport {
    let listen: Vec<Multiaddr> = vec![listen.parse().expect("an address")];
    Transport::start(&weir_key(seed), &listen, limits)
        .await
        .expect("loopback can be listened on")
}

const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

async fn until(transport: &mut Transport, what: impl Fn(&TransportEvent) -> bool) {
    let mut events = Vec::new();
    let wait = async {
        while !events.drain(..).any(|event| what(&event)) {
            transport.receive(&mut events, 16).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it happens in time");
}

#[tokio::test]
async fn a_dial_fails_when_the_connection_is_closed_before_it_carries_frames() {
    let mut network = over_tcp(9);
    network
        .listen_on(ListenerId::next(), TCP.parse().expect("an address"))
        .expect("loopback can be listened on");
    let transport::TransportEvent::NewAddress { listen_addr, .. } =
        network.select_next_some().await
    else {
        panic!("it listens first of all");
    };
    let closes = tokio::spawn(async move {
        loop {
            if let Some((upgrade, _)) = network.select_next_some().await.into_incoming() {
                drop(upgrade.await);
            }
        }
    });
    let mut a = weir(1, TCP, TransportLimits::default()).await;
    let peer = weir_key(9).peer_id();
    for _ in 0..3 {
        a.dial(peer, vec![listen_addr.clone()]);
        until(
            &mut a,
            |event| matches!(event, TransportEvent::DialFailed { peer: failed, .. } if *failed == peer),
        )
        .await;
    }
    closes.abort();
}

async fn the_third_connection_is_refused(limits: TransportLimits, keys: [u8; 3]) {
    let a = weir(1, TCP, limits).await;
    let address = a.addresses()[0].clone();
    let mut inside = Vec::new();
    for seed in &keys[..2] {
        let mut raw = Raw::dial(over_tcp(*seed), &address)
            .await
            .expect("there is room");
        let stream = raw.link().await.expect("there is room");
        inside.push((raw, stream));
    }
    let refused = match Raw::dial(over_tcp(keys[2]), &address).await {
        Ok(mut raw) => raw.link().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(refused.is_err(), "{keys:?}");
    // Those that are inside are left alone, and where one leaves another can enter.
    for (raw, stream) in &mut inside {
        let ping = async {
            stream.write_all(&[0; 4]).await?;
            stream.flush().await
        };
        raw.drive(ping).await.expect("it is still connected");
        raw.ask_for_an_unknown_protocol()
            .await
            .expect("it is still connected");
    }
    inside.pop();
    let enter = async {
        loop {
            if let Ok(mut raw) = Raw::dial(over_tcp(keys[2]), &address).await
                && raw.link().await.is_ok()
            {
                return;
            }
        }
    };
    timeout(PATIENCE, enter).await.expect("there is room again");
}

#[tokio::test]
async fn connections_are_bounded_by_each_limit() {
    let all = TransportLimits::default;
    let connections = TransportLimits {
        connections: 2,
        ..all()
    };
    the_third_connection_is_refused(connections, [2, 3, 4]).await;
    let incoming = TransportLimits {
        incoming: 2,
        ..all()
    };
    the_third_connection_is_refused(incoming, [2, 3, 4]).await;
    let of_one_peer = TransportLimits {
        connections_per_peer: 2,
        ..all()
    };
    the_third_connection_is_refused(of_one_peer, [2, 2, 2]).await;
}

#[tokio::test]
async fn handshakes_that_are_never_finished_are_bounded() {
    let limits = TransportLimits {
        incoming_pending: 2,
        ..TransportLimits::default()
    };
    let a = weir(1, TCP, limits).await;
    let address = a.addresses()[0].clone();
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let mut silent = Vec::new();
    for _ in 0..2 {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port.expect("it listens on TCP")));
        silent.push(stream.expect("somebody listens"));
    }
    let dialled = Raw::dial(over_tcp(2), &address).await;
    assert!(dialled.is_err(), "two handshakes are under way");
    drop(silent);
    let enter = async { while Raw::dial(over_tcp(2), &address).await.is_err() {} };
    timeout(PATIENCE, enter).await.expect("there is room again");
}

fn few_streams() -> TransportLimits {
    TransportLimits {
        streams_per_connection: 8,
        ..TransportLimits::default()
    }
}

#[tokio::test]
async fn a_peer_that_opens_streams_without_end_is_disconnected_over_tcp() {
    let mut a = weir(1, TCP, few_streams()).await;
    let mut raw = Raw::dial(over_tcp(2), &a.addresses()[0])
        .await
        .expect("there is room");
    let _link = raw.link().await.expect("there is room");
    let mut streams = Vec::new();
    // Each is open for the other side as soon as something is written to it.
    let opened = async {
        for _ in 0..32 {
            let opened = raw.open_now();
            let mut stream = opened.expect("yamux opens streams at once")?;
            let write = async {
                stream.write_all(&HELLO[..1]).await?;
                stream.flush().await
            };
            raw.drive(write).await?;
            streams.push(stream);
        }
        raw.ask_for_an_unknown_protocol().await
    };
    // All of the connection ends, at once and not when a ping is not answered.
    let soon = Duration::from_secs(8);
    let opened = timeout(soon, opened).await.expect("it is refused at once");
    assert!(opened.is_err(), "32 streams are open");
    let over = raw.drive(std::future::pending::<io::Result<()>>());
    let over = timeout(soon, over).await;
    assert!(over.expect("it is disconnected").is_err());
    until(&mut a, |event| {
        matches!(event, TransportEvent::Disconnected { .. })
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_opens_streams_without_end_has_to_wait_over_quic() {
    let a = weir(1, QUIC, few_streams()).await;
    let mut raw = Raw::dial(over_quic(2), &a.addresses()[0])
        .await
        .expect("there is room");
    let mut streams = Vec::new();
    while let Some(stream) = raw.open_now() {
        streams.push(stream.expect("the connection is up"));
        assert!(streams.len() <= 8, "more streams than allowed");
    }
    assert_eq!(streams.len(), 8);
}

#[tokio::test]
async fn what_is_not_read_of_a_quic_connection_is_bounded() {
    let window_bytes = 256 * 1024;
    let limits = TransportLimits {
        window_bytes,
        inbox_frames: 1,
        ..TransportLimits::default()
    };
    // Nobody takes its events: one frame fills the inbox.
    let a = weir(1, QUIC, limits).await;
    let mut raw = Raw::dial(over_quic(2), &a.addresses()[0])
        .await
        .expect("there is room");
    let mut stream = raw.link().await.expect("there is room");
    let frame = [&1000_u32.to_be_bytes()[..], &[7; 1000]].concat();
    let frames = frame.repeat(64);
    let mut sent = 0;
    for _ in 0..20 {
        while let Some(written) = raw
            .drive(stream.write(&frames[sent % frame.len()..]))
            .now_or_never()
        {
            sent += written.expect("the connection is up");
        }
        raw.ask_for_an_unknown_protocol()
            .await
            .expect("the link waits and the connection goes on");
    }
    let bound = window_bytes as usize + 64 * 1024;
    assert!(sent < bound, "{sent} bytes were taken");
    assert!(sent > 64 * 1024, "it was tried: {sent}");
}
