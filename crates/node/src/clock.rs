//! The time of this machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weir_peer::Timestamp;

/// Now, by the system's clock, which may jump.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long from now until `at`; zero if that is past.
pub(crate) fn until(at: Timestamp) -> Duration {
    Duration::from_millis(at.since(now()))
}
