//! How the network behaves.

use std::ops::RangeInclusive;

/// What happens to frames between two peers. Probabilities are per mille.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weather {
    /// How long a frame is under way, in milliseconds. Evenly distributed;
    /// frames of different delay overtake each other unless `in_order`.
    pub latency_ms: RangeInclusive<u64>,
    /// Frames that get lost.
    pub loss: u16,
    /// Frames that arrive twice.
    pub duplication: u16,
    /// Frames of one connection and direction arrive in the order in which
    /// they were sent, as on TCP.
    pub in_order: bool,
    /// After how long the ends of a broken connection notice it.
    pub notice_ms: RangeInclusive<u64>,
}

impl Weather {
    /// One millisecond for everything, and nothing goes wrong.
    pub fn calm() -> Self {
        Weather {
            latency_ms: 1..=1,
            loss: 0,
            duplication: 0,
            in_order: true,
            notice_ms: 1..=1,
        }
    }

    /// Delays as on the internet, frames in order, nothing lost.
    pub fn fair() -> Self {
        Weather {
            latency_ms: 5..=80,
            notice_ms: 50..=2_000,
            ..Weather::calm()
        }
    }

    /// Delays, losses, repetitions, wrong order.
    pub fn stormy() -> Self {
        Weather {
            latency_ms: 1..=200,
            loss: 50,
            duplication: 50,
            in_order: false,
            notice_ms: 50..=5_000,
        }
    }
}

impl Default for Weather {
    fn default() -> Self {
        Weather::calm()
    }
}
