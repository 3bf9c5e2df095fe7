//! What connections tell the owner of the transport.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

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
        room: Held,
    },
    /// A link has ended.
    Down {
        peer: PeerId,
        link: LinkId,
        end: LinkEnd,
    },
    /// A connection ended before it could carry frames.
    Useless { peer: PeerId },
    /// A peer could not be reached.
    DialFailed { peer: PeerId, reason: String },
    /// The addresses that the node listens on have changed.
    Addresses(Vec<Multiaddr>),
    /// The task of the swarm has ended.
    Broken { reason: String },
}

/// The sending half, shared by all connections of a node.
///
/// Frames in the channel are bounded by their room. All else in it is a few
/// words for each connection that was made, each dial and each change of an
/// address since the owner last looked: bounded by how fast handshakes are,
/// not by a number.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    sender: mpsc::UnboundedSender<Incoming>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// Room for one frame of the largest size, so that one link can always go
    /// on when all others wait in the middle of their frames.
    reserve: Arc<Semaphore>,
}

/// Frames up to this size count by number, larger ones by size.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// Room for a larger frame is taken as its bytes arrive, as much again as came,
/// but at most this much at a time: whoever announces a frame and sends nothing
/// holds next to nothing.
const STEP_BYTES_MAX: usize = 256 * 1024;

impl Inbox {
    pub(crate) fn new(limits: &TransportLimits) -> (Self, mpsc::UnboundedReceiver<Incoming>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        // The largest step must fit, or it could never be taken.
        let large = units(limits.inbox_bytes.max(STEP_BYTES_MAX)) as usize;
        let inbox = Inbox {
            sender,
            small: Arc::new(Semaphore::new(
                limits.inbox_frames.clamp(1, Semaphore::MAX_PERMITS),
            )),
            large: Arc::new(Semaphore::new(large.min(Semaphore::MAX_PERMITS))),
            reserve: Arc::new(Semaphore::new(1)),
        };
        (inbox, receiver)
    }

    /// The owner may be gone already; then nobody is interested.
    pub(crate) fn tell(&self, incoming: Incoming) {
        let _ = self.sender.send(incoming);
    }

    /// All places for small frames.
    #[cfg(test)]
    pub(crate) fn reserve_all(&self) -> OwnedSemaphorePermit {
        let all = self.small.available_permits() as u32;
        let taken = self.small.clone().try_acquire_many_owned(all);
        taken.expect("nobody has any")
    }

    /// Begins to wait for the next step of room, and says up to which byte of
    /// the frame it will reach.
    fn wait(&self, bytes: usize, covered: usize, arrived: usize) -> (usize, Waits) {
        if bytes <= SMALL_BYTES_MAX {
            let small = self.small.clone().acquire_owned();
            let waits = async { small.await.ok().map(Grant::Step) };
            return (bytes, Box::pin(waits));
        }
        let step = arrived.clamp(SMALL_BYTES_MAX, STEP_BYTES_MAX);
        let covers = (covered + step).min(bytes);
        // Rounded up once for the frame and not at each step.
        let more = units(covers) - units(covered);
        (covers, Box::pin(self.clone().grant(more)))
    }

    /// Waits for a step of room, or for all that a frame can need.
    async fn grant(self, units: u32) -> Option<Grant> {
        let shared = self.large.acquire_many_owned(units);
        let reserve = self.reserve.acquire_owned();
        tokio::select! {
            biased;
            permit = shared => permit.ok().map(Grant::Step),
            permit = reserve => permit.ok().map(Grant::Rest),
        }
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(SMALL_BYTES_MAX)).unwrap_or(u32::MAX)
}

/// What a frame holds of the inbox.
#[derive(Debug, Default)]
pub(crate) struct Held {
    shared: Option<OwnedSemaphorePermit>,
    reserve: Option<OwnedSemaphorePermit>,
}

enum Grant {
    /// Room for the next bytes of a frame.
    Step(OwnedSemaphorePermit),
    /// Room for all of a frame.
    Rest(OwnedSemaphorePermit),
}

/// The room for a frame that is being read.
pub(crate) struct Reservation {
    bytes: usize,
    /// Bytes of the frame for which there is room.
    covered: usize,
    held: Held,
    waits: Option<(usize, Waits)>,
}

type Waits = Pin<Box<dyn Future<Output = Option<Grant>> + Send>>;

impl Reservation {
    /// Room for a frame of so many bytes, nothing of which is taken yet.
    pub(crate) fn new(bytes: usize) -> Self {
        Reservation {
            bytes,
            covered: 0,
            held: Held::default(),
            waits: None,
        }
    }

    /// Ready with the number of bytes of the frame for which there is room:
    /// more than the `arrived` that came already, or all.
    pub(crate) fn poll(
        &mut self,
        inbox: &Inbox,
        arrived: usize,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        while self.is_unheld() || (self.covered < self.bytes && self.covered <= arrived) {
            let (bytes, covered) = (self.bytes, self.covered);
            let (covers, waits) = self
                .waits
                .get_or_insert_with(|| inbox.wait(bytes, covered, arrived));
            match ready!(waits.as_mut().poll(cx)) {
                Some(Grant::Step(permit)) => {
                    self.covered = *covers;
                    match &mut self.held.shared {
                        Some(held) => held.merge(permit),
                        none => *none = Some(permit),
                    }
                }
                Some(Grant::Rest(permit)) => {
                    self.covered = self.bytes;
                    // The reserve is enough for all of the frame; others can use what it had.
                    self.held = Held {
                        shared: None,
                        reserve: Some(permit),
                    };
                }
                // The semaphores are never closed; without a permit the link would wait for ever.
                None => return Poll::Pending,
            }
            self.waits = None;
        }
        Poll::Ready(self.covered)
    }

    /// Also a frame of no bytes takes a place.
    fn is_unheld(&self) -> bool {
        self.held.shared.is_none() && self.held.reserve.is_none()
    }

    pub(crate) fn into_held(self) -> Held {
        self.held
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation")
            .field("bytes", &self.bytes)
            .field("covered", &self.covered)
            .field("waits", &self.waits.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const FRAME: usize = 200 * 1024;

    fn inbox() -> Inbox {
        let limits = TransportLimits {
            inbox_bytes: 256 * 1024,
            ..TransportLimits::default()
        };
        Inbox::new(&limits).0
    }

    /// Lets bytes of a frame arrive for as long as there is room, up to `until`.
    fn arrive(inbox: &Inbox, room: &mut Reservation, arrived: &mut usize, until: usize) {
        let mut cx = Context::from_waker(Waker::noop());
        while *arrived < until {
            match room.poll(inbox, *arrived, &mut cx) {
                Poll::Ready(covered) => *arrived = covered.min(until),
                Poll::Pending => return,
            }
        }
    }

    #[test]
    fn frames_that_are_announced_and_not_sent_leave_room_for_others() {
        let inbox = inbox();
        let mut announced: Vec<_> = (0..12).map(|_| Reservation::new(FRAME)).collect();
        for room in &mut announced {
            arrive(&inbox, room, &mut 0, 1);
        }
        // Without the reserve as well.
        let _reserve = inbox.reserve.try_acquire().expect("nobody needed it");
        let mut sent = Reservation::new(64 * 1024);
        let mut arrived = 0;
        arrive(&inbox, &mut sent, &mut arrived, 64 * 1024);
        assert_eq!(arrived, 64 * 1024);
    }

    #[test]
    fn one_frame_at_a_time_goes_on_when_all_wait_in_the_middle() {
        let inbox = inbox();
        let mut frames: Vec<_> = (0..5).map(|_| (Reservation::new(FRAME), 0)).collect();
        // Each as far as it comes, a bit at a time.
        for until in (0..=FRAME).step_by(16 * 1024).chain([FRAME]) {
            for (room, arrived) in &mut frames {
                arrive(&inbox, room, arrived, until);
            }
        }
        let whole = |frames: &[(Reservation, usize)]| {
            let whole = frames.iter().filter(|(_, arrived)| *arrived == FRAME);
            whole.count()
        };
        assert!(whole(&frames) < 5, "the room is bounded");
        let mut handled = 0;
        while !frames.is_empty() {
            let done = frames.iter().position(|(_, arrived)| *arrived == FRAME);
            drop(frames.remove(done.expect("one of them goes on")));
            handled += 1;
            for (room, arrived) in &mut frames {
                arrive(&inbox, room, arrived, FRAME);
            }
        }
        assert_eq!(handled, 5);
        assert_eq!(inbox.large.available_permits(), 16);
        assert_eq!(inbox.reserve.available_permits(), 1);
    }

    #[test]
    fn a_frame_without_bytes_takes_a_place() {
        let inbox = inbox();
        let places = inbox.small.available_permits();
        let mut room = Reservation::new(0);
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(room.poll(&inbox, 0, &mut cx), Poll::Ready(0));
        assert_eq!(inbox.small.available_permits(), places - 1);
    }
}
