//! What connections tell the owner of the transport.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use libp2p::Multiaddr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use weir_identity::PeerId;

use super::limits::TransportLimits;
use super::link::LinkEnd;
use super::outbox::Outbox;

/// Names a link. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

/// What happened, in the order in which it happened on each link.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A link can carry frames.
    Up {
        peer: PeerId,
        link: LinkId,
        outbox: Arc<Outbox>,
    },
    /// A frame came, which holds its share of the room for frames.
    Frame {
        peer: PeerId,
        frame: Bytes,
        room: OwnedSemaphorePermit,
    },
    /// A link has ended.
    Down {
        peer: PeerId,
        link: LinkId,
        end: LinkEnd,
    },
    /// A peer could not be reached.
    DialFailed { peer: PeerId, reason: String },
    /// The addresses that the node listens on have changed.
    Addresses(Vec<Multiaddr>),
}

/// The sending half, shared by all connections of a node.
///
/// The channel itself is unbounded; frames in it are bounded by their permits
/// and everything else by the number of connections.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    sender: mpsc::UnboundedSender<Incoming>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Frames up to this size count by number, larger ones by size.
const SMALL_BYTES_MAX: usize = 16 * 1024;

impl Inbox {
    pub(crate) fn new(limits: &TransportLimits) -> (Self, mpsc::UnboundedReceiver<Incoming>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        // Room for one frame of the largest size, or it could never be read.
        let large = units(limits.inbox_bytes.max(limits.frame_bytes)) as usize;
        let inbox = Inbox {
            sender,
            small: Arc::new(Semaphore::new(
                limits.inbox_frames.clamp(1, Semaphore::MAX_PERMITS),
            )),
            large: Arc::new(Semaphore::new(large.min(Semaphore::MAX_PERMITS))),
        };
        (inbox, receiver)
    }

    /// The owner may be gone already; then nobody is interested.
    pub(crate) fn tell(&self, incoming: Incoming) {
        let _ = self.sender.send(incoming);
    }

    /// Waits for room for a frame of so many bytes.
    pub(crate) fn reserve(&self, bytes: usize) -> Reservation {
        let (semaphore, units) = if bytes <= SMALL_BYTES_MAX {
            (&self.small, 1)
        } else {
            (&self.large, units(bytes))
        };
        match semaphore.clone().try_acquire_many_owned(units) {
            Ok(permit) => Reservation::Made(permit),
            Err(_) => Reservation::Waits(Box::pin(semaphore.clone().acquire_many_owned(units))),
        }
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(SMALL_BYTES_MAX)).unwrap_or(u32::MAX)
}

/// Room for a frame.
pub(crate) enum Reservation {
    Made(OwnedSemaphorePermit),
    Waits(
        Pin<
            Box<
                dyn Future<Output = Result<OwnedSemaphorePermit, tokio::sync::AcquireError>> + Send,
            >,
        >,
    ),
}

impl Reservation {
    /// Whether there is room now.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Reservation::Waits(waits) = self {
            // The semaphores are never closed; without a permit the link would wait for ever.
            if let Poll::Ready(Ok(permit)) = waits.as_mut().poll(cx) {
                *self = Reservation::Made(permit);
            }
        }
        match self {
            Reservation::Made(_) => Poll::Ready(()),
            Reservation::Waits(_) => Poll::Pending,
        }
    }

    pub(crate) fn into_permit(self) -> Option<OwnedSemaphorePermit> {
        match self {
            Reservation::Made(permit) => Some(permit),
            Reservation::Waits(_) => None,
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reservation::Made(_) => "Made",
            Reservation::Waits(_) => "Waits",
        })
    }
}
