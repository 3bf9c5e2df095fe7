//! Real libp2p on loopback.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use weir_identity::{Keypair, PeerId};
use weir_node::transport::{
    FramingError, LinkEnd, Multiaddr, SendError, Transport, TransportEvent, TransportLimits,
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(seed: u8) -> Keypair {
    Keypair::from_secret(&[seed; 32]).expect("a small number is a secret key")
}

fn tcp() -> Vec<Multiaddr> {
    vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")]
}

fn quic() -> Vec<Multiaddr> {
    vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("an address")]
}

async fn start(seed: u8, listen: &[Multiaddr], limits: TransportLimits) -> Transport {
    Transport::start(&key(seed), listen, limits)
        .await
        .expect("loopback can be listened on")
}

/// The next event that the test is interested in.
async fn next<T>(transport: &mut Transport, what: impl Fn(&TransportEvent) -> Option<T>) -> T {
    let mut events = Vec::new();
    timeout(PATIENCE, async {
        loop {
            transport.receive(&mut events, 1).await;
            if let Some(found) = events.drain(..).find_map(|event| what(&event)) {
                return found;
            }
        }
    })
    .await
    .expect("it happens in time")
}

async fn connected(transport: &mut Transport) -> PeerId {
    next(transport, |event| match event {
        TransportEvent::Connected { peer } => Some(*peer),
        _ => None,
    })
    .await
}

async fn disconnected(transport: &mut Transport) -> LinkEnd {
    next(transport, |event| match event {
        TransportEvent::Disconnected { end, .. } => Some(end.clone()),
        _ => None,
    })
    .await
}

async fn frame(transport: &mut Transport) -> (PeerId, Bytes) {
    next(transport, |event| match event {
        TransportEvent::Frame { peer, frame, .. } => Some((*peer, frame.clone())),
        _ => None,
    })
    .await
}

/// A pair of connected transports.
async fn pair(listen: &[Multiaddr], limits: [TransportLimits; 2]) -> [Transport; 2] {
    let [first, second] = limits;
    let mut a = start(1, listen, first).await;
    let mut b = start(2, &[], second).await;
    b.dial(key(1).peer_id(), a.addresses().to_vec());
    assert_eq!(connected(&mut b).await, key(1).peer_id());
    assert_eq!(connected(&mut a).await, key(2).peer_id());
    [a, b]
}

fn limits() -> TransportLimits {
    TransportLimits::default()
}

async fn frames_of_all_sizes_cross_and_come_back(listen: Vec<Multiaddr>) {
    let [mut a, mut b] = pair(&listen, [limits(), limits()]).await;
    let frames: Vec<Bytes> = [0, 1, 100, 16_384, 16_385, 70_000, 3 << 20, 5]
        .iter()
        .map(|&len| (0..len).map(|i: u32| (i * 7) as u8).collect())
        .collect();
    for sent in &frames {
        b.send(&key(1).peer_id(), sent.clone())
            .expect("there is room");
    }
    for sent in &frames {
        let (from, got) = frame(&mut a).await;
        assert_eq!(from, key(2).peer_id());
        assert!(got == sent, "{} bytes", sent.len());
        a.send(&from, got).expect("there is room");
    }
    for sent in &frames {
        assert!(frame(&mut b).await.1 == sent, "{} bytes", sent.len());
    }
}

#[tokio::test]
async fn frames_of_all_sizes_cross_and_come_back_over_tcp() {
    frames_of_all_sizes_cross_and_come_back(tcp()).await;
}

#[tokio::test]
async fn frames_of_all_sizes_cross_and_come_back_over_quic() {
    frames_of_all_sizes_cross_and_come_back(quic()).await;
}

#[tokio::test]
async fn an_oversized_frame_ends_the_link_that_it_comes_from() {
    let narrow = TransportLimits {
        frame_bytes: 1000,
        ..limits()
    };
    let [mut a, mut b] = pair(&tcp(), [narrow, limits()]).await;
    let to = key(1).peer_id();
    b.send(&to, Bytes::from(vec![1; 1000]))
        .expect("there is room");
    b.send(&to, Bytes::from(vec![2; 1001]))
        .expect("there is room");
    assert_eq!(frame(&mut a).await.1.len(), 1000);
    let oversized = FramingError::Oversized {
        bytes: 1001,
        limit: 1000,
    };
    assert_eq!(disconnected(&mut a).await, LinkEnd::Framing(oversized));
    disconnected(&mut b).await;
    assert_eq!(b.send(&to, Bytes::new()), Err(SendError::NotConnected));
    let too_large = SendError::TooLarge {
        bytes: 1001,
        limit: 1000,
    };
    assert_eq!(
        a.send(&key(2).peer_id(), Bytes::from(vec![0; 1001])),
        Err(too_large)
    );
}

#[tokio::test]
async fn a_neighbour_that_does_not_read_fills_a_bounded_queue() {
    let slow = TransportLimits {
        inbox_frames: 1,
        ..limits()
    };
    let short = TransportLimits {
        queue_frames: 8,
        ..limits()
    };
    let [mut a, b] = pair(&tcp(), [slow, short]).await;
    let to = key(1).peer_id();
    let mut sent = 0_u32;
    let full = loop {
        let mut frame = vec![0; 10_000];
        frame[..4].copy_from_slice(&sent.to_be_bytes());
        match b.send(&to, Bytes::from(frame)) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        full,
        SendError::Full {
            limit: "queue_frames",
            value: 8
        }
    );
    // Whatever was taken arrives once there is somebody who reads.
    for expected in 0..sent {
        let (_, got) = frame(&mut a).await;
        assert_eq!(got[..4], expected.to_be_bytes());
    }
}

#[tokio::test]
async fn a_kept_peer_is_reached_again_after_it_was_away() {
    let mut a = start(1, &tcp(), limits()).await;
    let address = a.addresses().to_vec();
    let mut b = start(
        2,
        &[],
        TransportLimits {
            redial_ms: 10,
            ..limits()
        },
    )
    .await;
    b.keep(key(1).peer_id(), address.clone());
    connected(&mut b).await;
    connected(&mut a).await;
    a.stop().await;
    disconnected(&mut b).await;
    // While nobody is there, it is tried and not reached.
    next(&mut b, |event| {
        matches!(event, TransportEvent::DialFailed { .. }).then_some(())
    })
    .await;

    let mut a = start(1, &address, limits()).await;
    assert_eq!(connected(&mut b).await, key(1).peer_id());
    b.send(&key(1).peer_id(), Bytes::from_static(b"back"))
        .expect("there is room");
    assert_eq!(frame(&mut a).await.1, "back");
}

async fn a_peer_that_came_back_elsewhere_is_reached_there(listen: Vec<Multiaddr>) {
    let [former, mut b] = pair(&listen, [limits(), limits()]).await;
    let to = key(1).peer_id();
    assert!(!b.dial_anew(to, former.addresses().to_vec()));
    // The old connection stays up, as that with a dead machine does for a while.
    let mut now = start(1, &listen, limits()).await;
    assert!(b.dial_anew(to, now.addresses().to_vec()));
    assert_eq!(connected(&mut b).await, to);
    b.send(&to, Bytes::from_static(b"new"))
        .expect("there is room");
    assert_eq!(frame(&mut now).await.1, "new");

    // That it is at a third place as well turns out to be wrong.
    let gone = start(1, &listen, limits()).await;
    let nowhere = gone.addresses().to_vec();
    gone.stop().await;
    assert!(b.dial_anew(to, nowhere));
    next(&mut b, |event| {
        matches!(event, TransportEvent::DialFailed { .. }).then_some(())
    })
    .await;
    assert!(b.is_connected(&to));
    drop(former);
}

#[tokio::test]
async fn a_peer_that_came_back_elsewhere_is_reached_there_over_tcp() {
    a_peer_that_came_back_elsewhere_is_reached_there(tcp()).await;
}

#[tokio::test]
async fn a_peer_that_came_back_elsewhere_is_reached_there_over_quic() {
    a_peer_that_came_back_elsewhere_is_reached_there(quic()).await;
}

#[tokio::test]
async fn two_peers_that_dial_each_other_at_once_can_talk() {
    for _ in 0..10 {
        let mut a = start(1, &tcp(), limits()).await;
        let mut b = start(2, &tcp(), limits()).await;
        let ids = [key(1).peer_id(), key(2).peer_id()];
        a.dial(ids[1], b.addresses().to_vec());
        b.dial(ids[0], a.addresses().to_vec());
        connected(&mut a).await;
        connected(&mut b).await;
        for number in 0..50_u8 {
            a.send(&ids[1], Bytes::copy_from_slice(&[number]))
                .expect("a link stays up");
            b.send(&ids[0], Bytes::copy_from_slice(&[number]))
                .expect("a link stays up");
        }
        for number in 0..50_u8 {
            assert_eq!(frame(&mut a).await.1[..], [number]);
            assert_eq!(frame(&mut b).await.1[..], [number]);
        }
    }
}

#[tokio::test]
async fn a_peer_with_another_key_than_expected_is_not_connected() {
    let a = start(1, &tcp(), limits()).await;
    let mut b = start(2, &[], limits()).await;
    let expected = key(3).peer_id();
    b.dial(expected, a.addresses().to_vec());
    let failed = next(&mut b, |event| match event {
        TransportEvent::DialFailed { peer, .. } => Some(*peer),
        _ => None,
    });
    assert_eq!(failed.await, expected);
    assert_eq!(
        b.send(&key(1).peer_id(), Bytes::new()),
        Err(SendError::NotConnected)
    );
}

#[tokio::test]
async fn what_is_queued_is_written_before_a_link_is_closed() {
    let [mut a, mut b] = pair(&tcp(), [limits(), limits()]).await;
    for _ in 0..100 {
        b.send(&key(1).peer_id(), Bytes::from(vec![0; 5000]))
            .expect("there is room");
    }
    b.disconnect(&key(1).peer_id(), "enough");
    for _ in 0..100 {
        frame(&mut a).await;
    }
    assert_eq!(disconnected(&mut a).await, LinkEnd::ByPeer);
    assert_eq!(
        disconnected(&mut b).await,
        LinkEnd::Here("enough".to_owned())
    );
    // The other side hears the end as well when it is still sending.
    assert_eq!(
        a.send(&key(2).peer_id(), Bytes::new()),
        Err(SendError::NotConnected)
    );
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_in_the_error() {
    for listen in [tcp(), quic()] {
        let a = start(1, &listen, limits()).await;
        let error = Transport::start(&key(2), a.addresses(), limits())
            .await
            .expect_err("it is taken");
        assert!(
            error.to_string().contains(&a.addresses()[0].to_string()),
            "{error}"
        );
    }
}
