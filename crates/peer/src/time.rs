//! Time as the driver tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch (or, in a simulation, since
/// whatever the driver calls its beginning).
///
/// The peer never reads a clock; each call that depends on time is given one.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// A moment that never comes.
    pub const NEVER: Timestamp = Timestamp(u64::MAX);

    /// The moment `ms` milliseconds later; stays at [`Timestamp::NEVER`] on overflow.
    pub fn plus(self, ms: u64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }

    /// The moment `ms` milliseconds earlier, not before the epoch.
    pub fn minus(self, ms: u64) -> Self {
        Timestamp(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to here, 0 if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds since the epoch.
    pub fn ms(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
