//! Frames that wait to be written to one link.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures::task::AtomicWaker;
use thiserror::Error;

use super::framing::{Encoder, HEADER_BYTES};
use super::limits::TransportLimits;

/// Why a frame was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// There is no link with the peer.
    #[error("not connected")]
    NotConnected,
    /// The peer does not read as fast as frames come.
    #[error("the queue is full: {limit} = {value}")]
    Full {
        /// Name of the limit that was hit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// The frame is larger than any peer takes.
    #[error("a frame of {bytes} bytes is over the limit frame_bytes = {limit}")]
    TooLarge {
        /// Size of the frame.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// A bounded queue between whoever sends and the task of the connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames_max: usize,
    bytes_max: usize,
    waiting: Mutex<Waiting>,
    /// The task of the connection.
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// No more frames are taken; the link ends when these are written.
    closed: Option<String>,
}

impl Outbox {
    pub(crate) fn new(limits: &TransportLimits) -> Self {
        Outbox {
            frames_max: limits.queue_frames,
            bytes_max: limits.queue_bytes,
            waiting: Mutex::default(),
            reader: AtomicWaker::new(),
        }
    }

    /// Adds a frame, or says why not.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), SendError> {
        let bytes = frame.len() + HEADER_BYTES;
        {
            let mut waiting = self.lock();
            if waiting.closed.is_some() {
                return Err(SendError::NotConnected);
            }
            if waiting.frames.len() >= self.frames_max {
                return Err(SendError::Full {
                    limit: "queue_frames",
                    value: self.frames_max,
                });
            }
            if waiting.bytes + bytes > self.bytes_max {
                return Err(SendError::Full {
                    limit: "queue_bytes",
                    value: self.bytes_max,
                });
            }
            waiting.bytes += bytes;
            waiting.frames.push_back(frame);
        }
        self.reader.wake();
        Ok(())
    }

    /// Takes no more frames; the link ends when what is here has been written.
    pub(crate) fn close(&self, reason: &str) {
        self.lock().closed.get_or_insert_with(|| reason.to_owned());
        self.reader.wake();
    }

    /// Moves frames into the encoder for as long as it has room. If none are
    /// left, the waker is called when there is something new.
    pub(crate) fn fill(&self, encoder: &mut Encoder, waker: &Waker) {
        self.reader.register(waker);
        let mut waiting = self.lock();
        while encoder.has_room()
            && let Some(frame) = waiting.frames.pop_front()
        {
            waiting.bytes -= frame.len() + HEADER_BYTES;
            encoder.push(frame);
        }
    }

    /// Why the link is to end, if it is.
    pub(crate) fn closed(&self) -> Option<String> {
        self.lock().closed.clone()
    }

    /// The queue is whole whatever a panicking thread was doing with it.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(&TransportLimits {
            queue_frames: 3,
            queue_bytes: 100,
            ..TransportLimits::default()
        })
    }

    #[test]
    fn a_full_queue_refuses_and_names_the_limit() {
        let outbox = outbox();
        for _ in 0..3 {
            assert_eq!(outbox.push(Bytes::from_static(b"frame")), Ok(()));
        }
        let full = SendError::Full {
            limit: "queue_frames",
            value: 3,
        };
        assert_eq!(outbox.push(Bytes::from_static(b"frame")), Err(full));
        outbox.fill(&mut Encoder::default(), Waker::noop());
        assert_eq!(outbox.push(Bytes::from(vec![0; 96])), Ok(()));
        let full = SendError::Full {
            limit: "queue_bytes",
            value: 100,
        };
        assert_eq!(outbox.push(Bytes::new()), Err(full));
    }

    #[test]
    fn a_closed_queue_still_gives_out_what_it_has() {
        let outbox = outbox();
        outbox.push(Bytes::from_static(b"last")).unwrap();
        outbox.close("the node stops");
        outbox.close("a later reason");
        assert_eq!(outbox.push(Bytes::new()), Err(SendError::NotConnected));
        let mut encoder = Encoder::default();
        outbox.fill(&mut encoder, Waker::noop());
        assert_eq!(encoder.chunk(), b"\0\0\0\x04last");
        assert_eq!(outbox.closed().as_deref(), Some("the node stops"));
    }
}
