//! The memory limit of a call.

use wasmtime::{ResourceLimiter, Result};

use crate::profile::Profile;
use crate::profiling::{PROBE_BYTES_MAX, Recorder};

/// Counts the bytes of all linear memories and tables of a store and refuses
/// growth beyond the limit. A guest learns of a refusal in the same way on
/// every machine; an allocation that this machine cannot provide is an error
/// of the machine instead.
pub(crate) struct MemoryMeter {
    limit: u64,
    /// What all parts of the call may use together.
    limit_of_call: u64,
    used: u64,
    /// What other parts of the call use, each in its own store.
    used_beside: u64,
    /// The limit that was in the way, if growth was ever refused.
    refused: Option<u64>,
    /// Where the growth of a memory of probes is a message, if there are such memories.
    pub(crate) recorder: Option<Recorder>,
}

impl MemoryMeter {
    const BYTES_PER_TABLE_ELEMENT: u64 = 8;

    pub(crate) fn new(limit: u64) -> Self {
        let limit = limit.min(Profile::MEMORY_BYTES_MAX);
        Self {
            limit,
            limit_of_call: limit,
            used: 0,
            used_beside: 0,
            refused: None,
            recorder: None,
        }
    }

    /// The most bytes in use at any time, of all parts of the call: memories never shrink.
    pub(crate) fn peak(&self) -> u64 {
        self.used.saturating_add(self.used_beside)
    }

    /// The limit, if growth was ever refused.
    pub(crate) fn refused(&self) -> Option<u64> {
        self.refused
    }

    /// Goes on from where another part of the same call is.
    pub(crate) fn follow(&mut self, other: &Self) {
        self.limit_of_call = other.limit_of_call;
        self.used_beside = other.peak().saturating_sub(self.used);
    }

    fn grow(&mut self, bytes: u64) -> bool {
        let used = self.used.saturating_add(bytes);
        let limits = [
            (used, self.limit),
            (used.saturating_add(self.used_beside), self.limit_of_call),
        ];
        if let Some((_, limit)) = limits.iter().find(|(used, limit)| used > limit) {
            self.refused = Some(*limit);
            return false;
        }
        self.used = used;
        true
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if let Some(recorder) = &mut self.recorder
            && maximum == Some(PROBE_BYTES_MAX)
        {
            recorder.note((desired >> 16) as u32);
            // Without a size it is the memory itself that is made.
            return Ok(desired == 0);
        }
        // Beyond its own maximum the guest is refused whatever is said here.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current) as u64))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let maximum = maximum.unwrap_or(usize::MAX).min(Profile::TABLE_ELEMENTS);
        if desired > maximum {
            return Ok(false);
        }
        let elements = desired.saturating_sub(current) as u64;
        Ok(self.grow(elements.saturating_mul(Self::BYTES_PER_TABLE_ELEMENT)))
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(error.context(GrowFailed))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(error.context(GrowFailed))
    }
}

/// This machine could not provide memory that the limit allows.
#[derive(Debug, thiserror::Error)]
#[error("memory within the limit could not be allocated")]
pub(crate) struct GrowFailed;
