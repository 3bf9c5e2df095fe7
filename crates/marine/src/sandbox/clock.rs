//! Time inside a call.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::CallState;

/// The wall clock shows the time of the call throughout. The monotonic clock
/// advances by a microsecond whenever it is read and by the time that a guest
/// sleeps, which passes at once.
pub(crate) struct VirtualClock {
    timestamp_ms: u64,
    monotonic_ns: u64,
}

const STEP_NS: u64 = 1_000;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!("clock step {STEP_NS}")
}

impl VirtualClock {
    pub(crate) fn new(timestamp_ms: u64) -> Self {
        Self {
            timestamp_ms,
            monotonic_ns: 0,
        }
    }

    fn tick(&mut self) -> u64 {
        self.monotonic_ns = self.monotonic_ns.saturating_add(STEP_NS);
        self.monotonic_ns
    }
}

impl wall_clock::Host for &mut CallState {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: self.clock.timestamp_ms / 1_000,
            nanoseconds: (self.clock.timestamp_ms % 1_000) as u32 * 1_000_000,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        })
    }
}

impl monotonic_clock::Host for &mut CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.tick())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(STEP_NS)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock.monotonic_ns = self.clock.monotonic_ns.max(when);
        self.already()
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock.monotonic_ns = self.clock.monotonic_ns.saturating_add(duration);
        self.already()
    }
}

impl CallState {
    fn already(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let resource = self.table.push(Already)?;
        subscribe(&mut self.table, resource)
    }
}

/// A moment that has come.
struct Already;

#[wasmtime_wasi::async_trait]
impl Pollable for Already {
    async fn ready(&mut self) {}
}
