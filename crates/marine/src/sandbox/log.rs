//! Standard output and standard error of a guest, kept up to a limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::Level;
use bytes::Bytes;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// What a guest wrote during a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// What it wrote to standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it wrote to standard error; bytes that are no UTF-8 are replaced.
    pub stderr: String,
    /// What it noted through `weir:host/log`.
    pub notes: Vec<(Level, String)>,
    /// Bytes that it wrote beyond the limit and that were dropped.
    pub dropped_bytes: u64,
}

/// Where the guest's output goes.
#[derive(Debug)]
pub(crate) struct LogSink {
    limit: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    notes: Vec<(Level, String)>,
    notes_bytes: usize,
    dropped_bytes: u64,
}

/// What a note takes beside its text.
const NOTE_BYTES: usize = 32;

#[derive(Clone, Copy)]
pub(super) enum Channel {
    Stdout,
    Stderr,
}

impl LogSink {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            stdout: Vec::new(),
            stderr: Vec::new(),
            notes: Vec::new(),
            notes_bytes: 0,
            dropped_bytes: 0,
        }
    }

    /// Locks the sink. A panic of another thread cannot leave it in a state
    /// that matters, since each write is complete in itself.
    pub(crate) fn lock(sink: &Mutex<Self>) -> MutexGuard<'_, Self> {
        sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was written so far.
    pub(crate) fn take(&mut self) -> Logs {
        let text = |bytes: &mut Vec<u8>| match String::from_utf8(std::mem::take(bytes)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        Logs {
            stdout: text(&mut self.stdout),
            stderr: text(&mut self.stderr),
            notes: std::mem::take(&mut self.notes),
            dropped_bytes: std::mem::take(&mut self.dropped_bytes),
        }
    }

    /// Keeps a note whole, or counts it as dropped.
    pub(super) fn note(&mut self, level: Level, text: String) {
        let bytes = text.len().saturating_add(NOTE_BYTES);
        if bytes > self.limit.saturating_sub(self.notes_bytes) {
            self.dropped_bytes = self.dropped_bytes.saturating_add(text.len() as u64);
            return;
        }
        self.notes_bytes += bytes;
        self.notes.push((level, text));
    }

    fn write(&mut self, channel: Channel, bytes: &[u8]) {
        let buffer = match channel {
            Channel::Stdout => &mut self.stdout,
            Channel::Stderr => &mut self.stderr,
        };
        let room = self.limit.saturating_sub(buffer.len());
        let kept = &bytes[..bytes.len().min(room)];
        buffer.extend_from_slice(kept);
        let dropped = (bytes.len() - kept.len()) as u64;
        self.dropped_bytes = self.dropped_bytes.saturating_add(dropped);
    }
}

/// One of the two, as the guest sees it: always ready, never failing.
pub(super) struct LogStream {
    pub(super) sink: Arc<Mutex<LogSink>>,
    pub(super) channel: Channel,
}

/// How much a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::Trap(wasmtime::format_err!(
                "wrote {} bytes at once, at most {WRITE_BYTES_MAX} are taken",
                bytes.len()
            )));
        }
        LogSink::lock(&self.sink).write(self.channel, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}
