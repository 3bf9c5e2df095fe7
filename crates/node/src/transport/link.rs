//! One stream of frames with one peer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use thiserror::Error;
use tokio::time::{Instant, Sleep};
use weir_identity::PeerId;

use super::framing::{Decoded, Decoder, Encoder, FramingError};
use super::inbox::{Inbox, Incoming, LinkId, Reservation};
use super::limits::TransportLimits;
use super::outbox::Outbox;

/// Why a link has ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkEnd {
    /// The other side ended it between two frames.
    #[error("closed by the peer")]
    ByPeer,
    /// This side ended it.
    #[error("closed: {0}")]
    Here(String),
    /// What came is no sequence of frames.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The peer took nothing of what waits for it.
    #[error("writing did not move for {stall_ms} ms (stall_ms)")]
    Stalled {
        /// The limit.
        stall_ms: u64,
    },
    /// A frame came too slowly.
    #[error(
        "{arrived} bytes of a frame took longer than {allowed_ms} ms (stall_ms and frame_bytes_per_s)"
    )]
    Slow {
        /// How many bytes had come.
        arrived: usize,
        /// How long they were allowed to take.
        allowed_ms: u64,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Bytes taken from the stream at one time.
const READ_BYTES: usize = 16 * 1024;

/// How long the other side may take to read what was written before this side
/// ended the link.
const LINGER: Duration = Duration::from_secs(2);

/// Reads and writes frames for as long as it is polled; all of it happens in
/// the task of the connection. Tells the owner when it begins and, when
/// dropped, that it has ended.
#[derive(Debug)]
pub(crate) struct Link<S> {
    peer: PeerId,
    id: LinkId,
    stream: S,
    inbox: Inbox,
    outbox: Arc<Outbox>,
    reading: Reading,
    writing: Writing,
    watch: Watch,
    /// This side has ended the link; by then it is over.
    closing: Option<Pin<Box<Sleep>>>,
    /// This side has said everything; the other one may still be reading.
    linger: Option<Pin<Box<Sleep>>>,
    end: Option<LinkEnd>,
}

#[derive(Debug)]
struct Reading {
    decoder: Decoder,
    /// Bytes from the stream that are not decoded yet; empty when idle.
    input: Box<[u8]>,
    start: usize,
    end: usize,
    /// Room for the frame that has begun.
    room: Option<Reservation>,
}

#[derive(Debug, Default)]
struct Writing {
    encoder: Encoder,
    /// Something was written since the last flush.
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(crate) fn new(
        peer: PeerId,
        id: LinkId,
        stream: S,
        inbox: Inbox,
        limits: &TransportLimits,
    ) -> Self {
        let outbox = Arc::new(Outbox::new(limits));
        inbox.tell(Incoming::Up {
            peer,
            link: id,
            outbox: outbox.clone(),
        });
        Link {
            peer,
            id,
            stream,
            inbox,
            outbox,
            reading: Reading {
                decoder: Decoder::new(limits.frame_bytes),
                input: Box::default(),
                start: 0,
                end: 0,
                room: None,
            },
            writing: Writing::default(),
            watch: Watch::new(limits),
            closing: None,
            linger: None,
            end: None,
        }
    }

    /// Moves what can be moved. Ready when the link is over; then it is to be
    /// dropped.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        let end = ready!(self.poll_end(cx));
        let end = match self.outbox.closed() {
            Some(reason) if self.linger.is_some() => LinkEnd::Here(reason),
            _ => end,
        };
        self.end = Some(end.clone());
        Poll::Ready(end)
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        if self.linger.is_none()
            && let Poll::Ready(end) = self.poll_write(cx)
        {
            return Poll::Ready(end);
        }
        if let Poll::Ready(end) = self.poll_read(cx) {
            return Poll::Ready(end);
        }
        if let Some(linger) = &mut self.linger {
            ready!(linger.as_mut().poll(cx));
            return Poll::Ready(LinkEnd::ByPeer);
        }
        if let Some(reason) = self.outbox.closed() {
            let stall = Duration::from_millis(self.watch.stall_ms);
            let closing = self
                .closing
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
            if closing.as_mut().poll(cx).is_ready() {
                return Poll::Ready(LinkEnd::Here(reason));
            }
        }
        self.watch.poll(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        let broken = |error: std::io::Error| LinkEnd::Broken(error.to_string());
        let Writing { encoder, unflushed } = &mut self.writing;
        loop {
            if encoder.has_room() {
                self.outbox.fill(encoder, cx.waker());
            }
            let mut stream = Pin::new(&mut self.stream);
            if !encoder.chunk().is_empty() {
                let written = match stream.poll_write(cx, encoder.chunk()) {
                    Poll::Pending => {
                        self.watch.writing.begin();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(0)) => return Poll::Ready(LinkEnd::ByPeer),
                    Poll::Ready(Ok(written)) => written,
                    Poll::Ready(Err(error)) => return Poll::Ready(broken(error)),
                };
                self.watch.writing.end();
                encoder.advance(written);
                *unflushed = true;
            } else if *unflushed {
                match stream.as_mut().poll_flush(cx) {
                    Poll::Pending => {
                        self.watch.writing.begin();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => self.watch.writing.end(),
                    Poll::Ready(Err(error)) => return Poll::Ready(broken(error)),
                }
                *unflushed = false;
            } else {
                if self.outbox.closed().is_none() {
                    return Poll::Pending;
                }
                // Whatever the other side makes of it, this side is done.
                let _ = ready!(stream.poll_close(cx));
                self.linger = Some(Box::pin(tokio::time::sleep(LINGER)));
                return Poll::Pending;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        loop {
            if let Err(error) = ready!(self.poll_decode(cx)) {
                return Poll::Ready(error.into());
            }
            let reading = &mut self.reading;
            if reading.input.is_empty() {
                reading.input = vec![0; READ_BYTES].into_boxed_slice();
            }
            match Pin::new(&mut self.stream).poll_read(cx, &mut reading.input) {
                Poll::Pending => {
                    // Most links are idle most of the time.
                    reading.input = Box::default();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => {
                    let end = reading
                        .decoder
                        .finish()
                        .map_or_else(LinkEnd::from, |()| LinkEnd::ByPeer);
                    return Poll::Ready(end);
                }
                Poll::Ready(Ok(read)) => (reading.start, reading.end) = (0, read),
                Poll::Ready(Err(error)) => {
                    let end = match reading.decoder.finish() {
                        Err(truncated) => truncated.into(),
                        Ok(()) => LinkEnd::Broken(error.to_string()),
                    };
                    return Poll::Ready(end);
                }
            }
        }
    }

    /// Hands over all frames that have been read; pending when there is no
    /// room for one.
    fn poll_decode(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FramingError>> {
        let Reading {
            decoder,
            input,
            start,
            end,
            room,
        } = &mut self.reading;
        loop {
            let mut allowed = *end;
            if let Some(room) = room {
                let arrived = decoder.arrived();
                let Poll::Ready(covered) = room.poll(&self.inbox, arrived, cx) else {
                    // Waiting for room is not the fault of the other side.
                    self.watch.reading.pause();
                    return Poll::Pending;
                };
                allowed = allowed.min(*start + (covered - arrived));
            }
            let mut rest = input.get(*start..allowed).unwrap_or_default();
            let decoded = decoder.decode(&mut rest);
            *start = allowed - rest.len();
            match decoded {
                Err(error) => return Poll::Ready(Err(error)),
                // Only the room for these bytes was at its end.
                Ok(Decoded::NeedsMore) if allowed < *end => {}
                Ok(Decoded::NeedsMore) => {
                    if decoder.is_inside() {
                        self.watch.reading.go_on(decoder.arrived());
                    }
                    return Poll::Ready(Ok(()));
                }
                Ok(Decoded::Begins(bytes)) => *room = Some(Reservation::new(bytes)),
                Ok(Decoded::Frame(frame)) => {
                    self.watch.reading.end();
                    if let Some(room) = room.take() {
                        self.inbox.tell(Incoming::Frame {
                            peer: self.peer,
                            frame,
                            room: room.into_held(),
                        });
                    }
                }
            }
        }
    }
}

impl<S> Drop for Link<S> {
    fn drop(&mut self) {
        let wanted = self.outbox.closed().map(LinkEnd::Here);
        self.outbox.close("the connection is gone");
        let end = self
            .end
            .take()
            .or(wanted)
            .unwrap_or_else(|| LinkEnd::Broken("it was closed".to_owned()));
        self.inbox.tell(Incoming::Down {
            peer: self.peer,
            link: self.id,
            end,
        });
    }
}

/// Notices that nothing moves, or too slowly. Costs a timer only while
/// something is unfinished.
#[derive(Debug)]
struct Watch {
    stall_ms: u64,
    bytes_per_s: u64,
    reading: Arriving,
    /// Since when something waits to be written.
    writing: Unfinished,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Since when something is unfinished.
#[derive(Debug, Default)]
struct Unfinished(Option<Instant>);

impl Unfinished {
    fn begin(&mut self) {
        self.0.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.0 = None;
    }
}

/// The time that a frame takes.
#[derive(Debug, Default)]
struct Arriving {
    bytes: usize,
    /// How long it took before `since`.
    spent: Duration,
    /// Since when the other side is waited for.
    since: Option<Instant>,
}

impl Arriving {
    fn go_on(&mut self, bytes: usize) {
        self.bytes = bytes;
        self.since.get_or_insert_with(Instant::now);
    }

    fn pause(&mut self) {
        self.spent += self.since.take().map_or(Duration::ZERO, |at| at.elapsed());
    }

    fn end(&mut self) {
        *self = Arriving::default();
    }
}

impl Watch {
    fn new(limits: &TransportLimits) -> Self {
        Watch {
            stall_ms: limits.stall_ms,
            bytes_per_s: limits.frame_bytes_per_s.max(1),
            reading: Arriving::default(),
            writing: Unfinished::default(),
            timer: None,
        }
    }

    /// How long what came of the frame may have taken.
    fn allowed_ms(&self) -> u64 {
        let bytes = self.reading.bytes as u64;
        self.stall_ms
            .saturating_add(bytes.saturating_mul(1000) / self.bytes_per_s)
    }

    /// Until when what is unfinished has to move, and how the link ends
    /// otherwise.
    fn next(&self) -> Option<(Instant, LinkEnd)> {
        let (stall_ms, allowed_ms) = (self.stall_ms, self.allowed_ms());
        let allowed = Duration::from_millis(allowed_ms).saturating_sub(self.reading.spent);
        let slow = LinkEnd::Slow {
            arrived: self.reading.bytes,
            allowed_ms,
        };
        let reading = self.reading.since.map(|since| (since + allowed, slow));
        let stall = Duration::from_millis(stall_ms);
        let stalled = LinkEnd::Stalled { stall_ms };
        let writing = self.writing.0.map(|since| (since + stall, stalled));
        reading.into_iter().chain(writing).min_by_key(|(at, _)| *at)
    }

    /// Ready when something has been unfinished for too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        loop {
            let Some((at, end)) = self.next() else {
                self.timer = None;
                return Poll::Pending;
            };
            // A timer that comes too early is set anew; one that would come too late must not stay.
            if self
                .timer
                .as_ref()
                .is_none_or(|timer| timer.deadline() > at)
            {
                self.timer = Some(Box::pin(tokio::time::sleep_until(at)));
            }
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
            }
            self.timer = None;
            if at <= Instant::now() {
                return Poll::Ready(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use tokio::sync::mpsc::UnboundedReceiver;

    use super::*;

    /// A stream whose other side says what the test says.
    #[derive(Debug, Default)]
    struct Scripted {
        reads: VecDeque<Vec<u8>>,
        /// What happens when there is nothing left to read.
        open: bool,
        /// Whether anything can be written.
        deaf: bool,
        /// When something can be read; always, if none.
        every: Option<tokio::time::Interval>,
        written: Vec<u8>,
    }

    impl AsyncRead for Scripted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if let Some(every) = &mut self.every {
                ready!(every.poll_tick(cx));
            }
            match self.reads.pop_front() {
                Some(bytes) => {
                    buf[..bytes.len()].copy_from_slice(&bytes);
                    Poll::Ready(Ok(bytes.len()))
                }
                None if self.open => Poll::Pending,
                None => Poll::Ready(Ok(0)),
            }
        }
    }

    impl AsyncWrite for Scripted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.deaf {
                return Poll::Pending;
            }
            self.written.extend_from_slice(buf);
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.deaf {
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        }
    }

    fn link(stream: Scripted) -> (Link<Scripted>, UnboundedReceiver<Incoming>) {
        let limits = TransportLimits {
            frame_bytes: 1000,
            stall_ms: 5000,
            frame_bytes_per_s: 10,
            ..TransportLimits::default()
        };
        let (inbox, incoming) = Inbox::new(&limits);
        let peer = weir_identity::Keypair::from_secret(&[7; 32])
            .unwrap()
            .peer_id();
        (Link::new(peer, LinkId(0), stream, inbox, &limits), incoming)
    }

    /// Lets the link run to its end; gives the frames that it read and that end.
    async fn run(stream: Scripted) -> (Vec<Vec<u8>>, LinkEnd) {
        let (mut link, mut incoming) = link(stream);
        let end = std::future::poll_fn(|cx| link.poll(cx)).await;
        drop(link);
        let mut frames = Vec::new();
        while let Ok(item) = incoming.try_recv() {
            match item {
                Incoming::Frame { frame, .. } => frames.push(frame.to_vec()),
                Incoming::Down { end: told, .. } => assert_eq!(told, end),
                _ => {}
            }
        }
        (frames, end)
    }

    fn reads(pieces: &[&[u8]]) -> VecDeque<Vec<u8>> {
        pieces.iter().map(|piece| piece.to_vec()).collect()
    }

    #[tokio::test]
    async fn a_truncated_frame_ends_the_link_after_the_whole_ones() {
        let stream = Scripted {
            reads: reads(&[b"\0\0\0\x02ab\0\0", b"\0\x05cd"]),
            ..Scripted::default()
        };
        let truncated = LinkEnd::Framing(FramingError::Truncated { missing: 3 });
        assert_eq!(run(stream).await, (vec![b"ab".to_vec()], truncated));
    }

    #[tokio::test]
    async fn an_end_between_frames_is_an_ordinary_end() {
        let stream = Scripted {
            reads: reads(&[b"\0\0\0\x02ab\0\0\0\0"]),
            ..Scripted::default()
        };
        assert_eq!(
            run(stream).await,
            (vec![b"ab".to_vec(), Vec::new()], LinkEnd::ByPeer)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_never_finished_ends_the_link() {
        let stream = Scripted {
            reads: reads(&[b"\0\0\0\x02a"]),
            open: true,
            ..Scripted::default()
        };
        let slow = LinkEnd::Slow {
            arrived: 1,
            allowed_ms: 5100,
        };
        assert_eq!(run(stream).await, (Vec::new(), slow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_may_take_as_long_as_its_bytes_need_and_no_longer() {
        let frame = [&b"\0\0\0\x64"[..], &[7; 100]].concat();
        // At 12 bytes in a second and at 6; it has 5 s and what 10 bytes in a second take.
        for (bytes, comes) in [(12, true), (6, false)] {
            let (head, body) = frame.split_at(5);
            let every = tokio::time::interval(Duration::from_secs(1));
            let mut pieces = vec![head];
            pieces.extend(body.chunks(bytes));
            let stream = Scripted {
                reads: reads(&pieces),
                every: Some(every),
                ..Scripted::default()
            };
            let (frames, end) = run(stream).await;
            assert_eq!(frames.len() == 1, comes, "{bytes} bytes in a second");
            if comes {
                assert_eq!(end, LinkEnd::ByPeer);
            } else {
                assert!(matches!(end, LinkEnd::Slow { .. }), "{end}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_room_is_not_the_fault_of_the_other_side() {
        let (mut link, mut incoming) = link(Scripted {
            reads: reads(&[b"\0\0", b"\0\x01a\0\0\0\x01b"]),
            ..Scripted::default()
        });
        let taken = link.inbox.reserve_all();
        let over = std::future::poll_fn(|cx| link.poll(cx));
        let waited = tokio::time::timeout(Duration::from_secs(3600), over).await;
        assert!(waited.is_err(), "{waited:?}");
        drop(taken);
        let end = std::future::poll_fn(|cx| link.poll(cx)).await;
        assert_eq!(end, LinkEnd::ByPeer);
        let told = std::iter::from_fn(|| incoming.try_recv().ok());
        let frames = told.filter(|item| matches!(item, Incoming::Frame { .. }));
        assert_eq!(frames.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_neighbour_that_never_takes_what_waits_for_it_ends_the_link() {
        let (mut link, _incoming) = link(Scripted {
            open: true,
            deaf: true,
            ..Scripted::default()
        });
        link.outbox
            .push(bytes::Bytes::from_static(b"hello"))
            .unwrap();
        let end = std::future::poll_fn(|cx| link.poll(cx)).await;
        assert_eq!(end, LinkEnd::Stalled { stall_ms: 5000 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_cannot_be_closed_is_over_after_a_while() {
        let (mut link, _incoming) = link(Scripted {
            open: true,
            deaf: true,
            ..Scripted::default()
        });
        link.outbox.close("done");
        let over = std::future::poll_fn(|cx| link.poll(cx));
        let end = tokio::time::timeout(Duration::from_millis(5001), over).await;
        assert_eq!(end, Ok(LinkEnd::Here("done".to_owned())));
    }

    #[tokio::test]
    async fn small_frames_are_written_together() {
        let (mut link, _incoming) = link(Scripted::default());
        for frame in ["a", "bc", ""] {
            link.outbox.push(bytes::Bytes::from(frame)).unwrap();
        }
        link.outbox.close("done");
        let end = std::future::poll_fn(|cx| link.poll(cx)).await;
        assert_eq!(end, LinkEnd::Here("done".to_owned()));
        assert_eq!(link.stream.written, b"\0\0\0\x01a\0\0\0\x02bc\0\0\0\0");
    }
}
