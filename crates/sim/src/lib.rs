//! Thousands of Weir peers in one thread and virtual time, on a seeded network that misbehaves.
//!
//! The peers are those of `weir_peer`, the very code that a node runs; this
//! crate differs from a node in nothing but what carries their effects out. It
//! has no thread and no clock, and one seed decides everything, so a defect
//! that a seed shows is a defect that can be replayed.
//!
//! ```
//! use weir_sim::net::Net;
//!
//! let mut net = Net::new(1, 3);
//! let (a, b) = (0, 1);
//! let particle = net.start(a, r#"(seq (call "@b" ("s" "one") [] x) (call "@c" ("s" "two") [x]))"#);
//! net.crash(b);
//! net.run_for(1_000);
//! net.restart(b);
//! net.run_until_quiet();
//! assert_eq!(net.calls(), "b s.one\nc s.two\n");
//! net.check(particle);
//! ```
//!
//! | Module | Is |
//! |---|---|
//! | [`world`] | peers, their disks and their services, connections, time |
//! | [`net`] | a world with a vocabulary for tests that read like stories |
//! | [`weather`] | latency, loss, duplication, reordering |
//! | [`review`] | what all peers know together, and whether it fits together |
//! | [`case`](mod@case) | one script with mocked services: `weir sim run` |
//! | [`program`] | random scripts |
//! | [`trial`] | tests that are written in Aqua: `weir aqua test` |

pub mod case;
pub mod disk;
pub mod net;
pub mod program;
pub mod review;
pub mod rng;
pub mod trial;
pub mod weather;
pub mod world;
